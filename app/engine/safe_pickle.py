"""Reads pickles of strangers as data: nothing in them is imported, and nothing of theirs is ever called.

A pickle is a small program. Three kinds of instruction can reach code: naming a global, calling what was named
(REDUCE, INST, OBJ), and restoring a state (BUILD). Here a name stands for one of three things:

- an allow-listed constructor of our own making: an ordered dictionary, a record of a tensor, a path as text;
- an allow-listed type of a storage, which is only a marker for the number format;
- for every other name a fresh inert class. It may be *built* (NEWOBJ, as modules are pickled) and then merely keeps
  the state; *calling* it, which is how a pickle runs a function, is refused by name.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, Any, NoReturn, cast

MOST_NAMES = 10_000
"""Different globals that one pickle may name."""

STORAGE_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "DoubleStorage": "float64",
        "FloatStorage": "float32",
        "HalfStorage": "float16",
        "BFloat16Storage": "bfloat16",
        "LongStorage": "int64",
        "IntStorage": "int32",
        "ShortStorage": "int16",
        "CharStorage": "int8",
        "ByteStorage": "uint8",
        "BoolStorage": "bool",
        "UntypedStorage": "uint8",
    }
)
"""Storage class → number format, by torch's name."""

_DTYPES = frozenset(STORAGE_TYPES.values())


def printable(text: str, most: int = 200) -> str:
    """Return text from a stranger as it may be shown: shortened, without control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:most])


class UnsafePickleError(Exception):
    """A pickle that asks to run something.

    Args:
        name: what it wants to call, for example "posix.system".
    """

    def __init__(self, name: str) -> None:
        self.name = printable(name)
        super().__init__(f"it asks to run {self.name}")


class DamagedPickleError(Exception):
    """Bytes that are not a whole pickle; the text says why."""


@dataclass(frozen=True)
class StorageRecord:
    """A storage that a tensor looks into, not yet read.

    Attributes:
        key: name of its bytes in the file.
        dtype: number format, by torch's name.
        numel: how many numbers it holds.
    """

    key: str
    dtype: str
    numel: int


@dataclass(frozen=True)
class TensorRecord:
    """A tensor as the pickle describes it, unchecked: which numbers of which storage."""

    storage: Any
    offset: Any
    size: Any
    stride: Any
    dtype: Any = None

    def __setstate__(self, state: object) -> None:
        """Ignore a state: a tensor's own is all in its record."""


class _InertType(type):
    """Classes that can be built; called only where they stand for a mere container of values."""

    origin: str
    container: bool

    def __call__(cls, *args: Any, **_kwargs: Any) -> Any:
        if not cls.container:
            raise UnsafePickleError(cls.origin)
        made = Inert.__new__(cls)  # type: ignore[arg-type]
        made.items.extend(args)
        return made


class Inert(metaclass=_InertType):
    """Stands in for an object of an unknown class: keeps what the pickle says about it, and does nothing.

    Attributes:
        origin: name of the class, for example "models.yolo.Model".
        state: attributes by name, where the pickle gave any.
        items: elements, where the class was a list or a dictionary.
    """

    origin = "?"
    container = False
    state: dict[str, Any]
    items: list[Any]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Inert:
        """Build an object; what the constructor would have been given is dropped."""
        made = object.__new__(cls)
        made.state, made.items = {}, []
        return made

    def __setstate__(self, state: Any) -> None:
        parts = state if isinstance(state, tuple) else (state,)
        for part in parts:
            if isinstance(part, dict):
                self.state.update((k, v) for k, v in part.items() if isinstance(k, str))

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))

    def __call__(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse to be called.

        Raises:
            UnsafePickleError: always.
        """
        raise UnsafePickleError(type(self).origin)

    def append(self, value: Any) -> None:
        """Keep an element."""
        self.items.append(value)

    def extend(self, values: Iterable[Any]) -> None:
        """Keep elements."""
        self.items.extend(values)

    def add(self, value: Any) -> None:
        """Keep an element."""
        self.items.append(value)


def inert_type(origin: str, container: bool = False) -> type[Inert]:
    """Return a new inert class that stands in for the global `origin`."""
    made = _InertType("Inert", (Inert,), {"origin": origin, "container": container})
    return cast("type[Inert]", made)


def read_pickle(stream: IO[bytes] | bytes, storage: Callable[[Any], StorageRecord] | None = None) -> Any:
    """Read one pickle and leave the stream behind it.

    Args:
        stream: where the pickle begins, or all of it.
        storage: makes a record, or whatever else it is, from a persistent id; None refuses such ids.

    Returns:
        Plain data, `TensorRecord`s and `Inert` objects.

    Raises:
        UnsafePickleError: it asks to run something.
        DamagedPickleError: it is not a whole pickle.
    """
    source = io.BytesIO(stream) if isinstance(stream, bytes) else stream
    try:
        return _Reader(source, storage).load()
    except (UnsafePickleError, DamagedPickleError):
        raise
    except _DAMAGE as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedPickleError(printable(text, 120)) from error


# What the interpreter of pickles raises on bytes that are none, whatever they happen to spell.
_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,  # UnicodeError among them
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    NotImplementedError,
    AssertionError,
    OSError,
    struct.error,
)


class _Reader(pickle._Unpickler):
    """An unpickler whose globals are ours alone.

    The interpreter written in Python, not the one in C: there a file of a hundred bytes can ask for a memo of
    64 GB, and gets it.
    """

    def __init__(self, stream: IO[bytes], storage: Callable[[Any], Any] | None) -> None:
        super().__init__(stream)
        self._storage = storage
        self._names: dict[tuple[str, str], Any] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        """Return what stands for a global; never the global itself."""
        key = (module, name)
        if key not in self._names:
            if len(self._names) >= MOST_NAMES:
                raise DamagedPickleError("it names more classes than a model has")
            self._names[key] = _stand_in(module, name)
        return self._names[key]

    def persistent_load(self, pid: Any, /) -> Any:
        """Return what stands for something outside the pickle, usually the record of a storage."""
        if self._storage is None:
            raise DamagedPickleError("it refers to data outside")
        return self._storage(pid)


def _stand_in(module: str, name: str) -> Any:
    if module in {"torch", "torch.storage"} and name in STORAGE_TYPES:
        return STORAGE_TYPES[name]
    if module == "torch" and name in _DTYPES:
        return name
    make = _CONSTRUCTORS.get((module, name))
    if make is not None:
        # A new function for each reading, so that a pickle cannot leave anything behind in it.
        return _fresh(make)
    return inert_type(f"{module}.{name}", container=(module, name) in _CONTAINERS)


def _fresh(make: Callable[..., Any]) -> Callable[..., Any]:
    def constructor(*args: Any) -> Any:
        return make(*args)

    return constructor


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_more: Any) -> TensorRecord:
    return TensorRecord(storage, offset, size, stride)


def _tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, dtype: Any, *_more: Any
) -> TensorRecord:
    return TensorRecord(storage, offset, size, stride, dtype)


def _typed(rebuild: Callable[..., Any], _kind: Any, args: Any, *_more: Any) -> Any:
    return rebuild(*args)  # one of the constructors here, or an inert class, which refuses


def _parameter(data: Any, *_more: Any) -> Any:
    return data


def _text_bytes(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":
        raise DamagedPickleError(f"it encodes text as {encoding!r:.40}")
    return text.encode("latin1")


def _path(*parts: str) -> str:
    return "/".join(str(part) for part in parts)


def _ordered(items: Iterable[tuple[Any, Any]] = ()) -> OrderedDict[Any, Any]:
    return OrderedDict(items)


def _set(items: Iterable[Any] = ()) -> list[Any]:
    return list(items)


def _default_dict(*_args: Any) -> dict[Any, Any]:
    return {}


_CONSTRUCTORS: Mapping[tuple[str, str], Callable[..., Any]] = MappingProxyType(
    {
        ("collections", "OrderedDict"): _ordered,
        ("collections", "defaultdict"): _default_dict,
        ("collections", "Counter"): _default_dict,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch._utils", "_rebuild_tensor"): _tensor,
        ("torch._utils", "_rebuild_tensor_v3"): _tensor_v3,
        ("torch._tensor", "_rebuild_from_type_v2"): _typed,
        ("torch._utils", "_rebuild_parameter"): _parameter,
        ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
        ("torch", "Size"): tuple,
        ("_codecs", "encode"): _text_bytes,
        **{(module, "set"): _set for module in ("builtins", "__builtin__")},
        **{(module, "frozenset"): _set for module in ("builtins", "__builtin__")},
        **{
            (module, kind): _path
            for module in ("pathlib", "pathlib._local")
            for kind in ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
        },
    }
)

_CONTAINERS = frozenset(
    {
        # Numbers, dates and settings that trainers leave in a checkpoint: kept as inert objects.
        ("torch", "device"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("datetime", "datetime"),
        ("types", "SimpleNamespace"),
        ("argparse", "Namespace"),
        ("ultralytics.utils", "IterableSimpleNamespace"),
        ("ultralytics.yolo.utils", "IterableSimpleNamespace"),
        # How bound methods of fused models are pickled; an inert object looks nothing up.
        ("builtins", "getattr"),
        ("__builtin__", "getattr"),
    }
)
