"""Checkpoints that want to run something: each payload would leave a trace file behind."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

MAGIC = 0x1950A86A20F9469CFC6C


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.args


def payloads(trace: Path) -> dict[str, bytes]:
    """Return pickles that would make `trace`, by what they try."""
    code = f"__import__('pathlib').Path({str(trace)!r}).write_text('here')"
    touch = f'{sys.executable} -c "{code}"'
    posix = os.system.__module__
    return {
        "os.system": pickle.dumps(Calls(os.system, touch), 2),
        "os.system, protocol 4": pickle.dumps(Calls(os.system, touch), 4),
        "eval": pickle.dumps(Calls(builtins.eval, code), 2),
        "exec in a dictionary": pickle.dumps({"model": {"x": Calls(builtins.exec, code)}}, 2),
        "subprocess": pickle.dumps(Calls(subprocess.Popen, [sys.executable, "-c", code]), 2),
        "open": pickle.dumps(Calls(builtins.open, str(trace), "w"), 2),
        "nested load": pickle.dumps(Calls(pickle.loads, pickle.dumps(Calls(os.system, touch))), 2),
        "getattr, then call": _getattr_chain(posix, touch),
        "default factory": pickle.dumps({"a": defaultdict(os.getcwd), "b": Calls(os.system, touch)}, 2),
        "ordered dictionary of a call": pickle.dumps(OrderedDict(x=Calls(os.system, touch)), 2),
        "INST": b"(S" + repr(touch).encode() + b"\ni" + f"{posix}\nsystem\n".encode() + b".",
        "OBJ": b"(" + f"c{posix}\nsystem\n".encode() + b"S" + repr(touch).encode() + b"\no.",
        "rebuild through torch": _rebuilt(posix, touch),
        "torch's own nested pickle": _load_from_bytes(trace, touch),
    }


def _getattr_chain(posix: str, touch: str) -> bytes:
    """getattr(module, "system")(touch): getattr is harmless here, calling what it gave is refused."""
    stream = b"\x80\x02" + b"cbuiltins\ngetattr\n" + f"c{posix}\nstat\n".encode()
    stream += b"X\x06\x00\x00\x00system" + b"\x86R"
    text = touch.encode()
    return stream + b"X" + struct.pack("<I", len(text)) + text + b"\x85R."


def _rebuilt(posix: str, touch: str) -> bytes:
    """torch._tensor._rebuild_from_type_v2(os.system, type, (touch,), {})."""
    text = touch.encode()
    stream = b"\x80\x02" + b"ctorch._tensor\n_rebuild_from_type_v2\n("
    stream += f"c{posix}\nsystem\n".encode() + b"ctorch\nTensor\n"
    return stream + b"X" + struct.pack("<I", len(text)) + text + b"\x85}tR."


def _load_from_bytes(trace: Path, touch: str) -> bytes:
    inner = io.BytesIO()
    inner.write(legacy(pickle.dumps(Calls(os.system, touch), 2)))
    body = inner.getvalue()
    return b"\x80\x03ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(body)) + body + b"\x85R."


def zipped(content: bytes, **entries: bytes) -> bytes:
    """Return a zip checkpoint whose data.pkl is `content`; further entries by name, "__" for "/"."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", b"3\n")
        for name, data in entries.items():
            archive.writestr(f"archive/{name.replace('__', '/')}", data)
    return stream.getvalue()


def legacy(content: bytes, place: int = 3) -> bytes:
    """Return a legacy checkpoint in which `content` is the pickle number `place`, of five."""
    parts = [pickle.dumps(part, 2) for part in (MAGIC, 1001, {"little_endian": True}, {}, [])]
    parts[place] = content
    return b"".join(parts)
