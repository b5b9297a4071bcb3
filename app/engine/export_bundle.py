"""A folder that runs without the Studio: the model, its labels, a short script, what to install, what to type.

Labels and file names are data in JSON files, never part of a script: no name of a class can break out.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.core.export_formats import FORMATS
from app.engine.export_writers import Plan

STEM = "model"
"""The model's own name inside a bundle."""

_SCRIPT = '''"""Find objects in a picture: python detect.py PICTURE. Boxes are printed, and drawn in detected.jpg."""
import json, sys
from pathlib import Path
import cv2
import numpy as np
# IMPORT

HERE = Path(__file__).resolve().parent
MODEL, LABELS = (json.loads((HERE / name).read_text("utf-8")) for name in ("model.json", "labels.json"))
CONFIDENCE, IOU, MOST = 0.25, 0.7, 300
# LOAD

def detect(image):
    high, wide = image.shape[:2]
    rows, columns = MODEL["shape"]
    ratio = min(rows / high, columns / wide)
    h, w = max(round(high * ratio), 1), max(round(wide * ratio), 1)
    if MODEL["dynamic"]:  # any multiple of the stride fits: less grey, less to compute
        rows, columns = (-(-side // MODEL["stride"]) * MODEL["stride"] for side in (h, w))
    top, left = round((rows - h) / 2 - 0.1), round((columns - w) / 2 - 0.1)
    canvas = np.full((rows, columns, 3), 114, np.uint8)
    canvas[top : top + h, left : left + w] = cv2.resize(image, (w, h))
    raw = infer(np.ascontiguousarray(canvas[None, ..., ::-1].transpose(0, 3, 1, 2), np.float32) / np.float32(255))[0]
    if MODEL["end2end"]:  # rows of box, score, class, already without doubles
        raw = raw[raw[:, 4] > CONFIDENCE][:MOST]
        boxes, scores, classes = raw[:, :4], raw[:, 4], raw[:, 5].astype(int)
    else:  # columns of centre, size, score per class
        raw = raw[:, raw[4:].max(0) > CONFIDENCE]
        raw = raw[:, np.argsort(-raw[4:].max(0), kind="stable")]
        scores, classes, size = raw[4:].max(0), raw[4:].argmax(0), raw[2:4].T
        corner = raw[:2].T - size / 2
        apart = np.hstack([corner + classes[:, None] * np.float32(7680), size])  # classes do not suppress each other
        kept = np.array(cv2.dnn.NMSBoxes(apart, scores, 0.0, IOU), int).reshape(-1)[:MOST]
        boxes, scores, classes = np.hstack([corner, corner + size])[kept], scores[kept], classes[kept]
    boxes = (boxes - [left, top, left, top]) * [wide / w, high / h, wide / w, high / h]
    return np.clip(boxes, 0, [wide, high, wide, high]), scores, classes

if __name__ == "__main__":
    image = cv2.imdecode(np.fromfile(sys.argv[1], np.uint8), cv2.IMREAD_COLOR)
    for (x1, y1, x2, y2), score, number in zip(*detect(image)):
        print(json.dumps({"label": LABELS[number], "score": round(float(score), 4), "box": [round(float(v), 2) for v in (x1, y1, x2, y2)]}))
        cv2.rectangle(image, (int(x1), int(y1)), (int(x2), int(y2)), (0, 200, 255), 2)
        cv2.putText(image, f"{ascii(LABELS[number])[1:-1]} {score:.2f}", (int(x1), max(int(y1) - 4, 12)), 0, 0.5, (0, 200, 255), 1)
    cv2.imencode(".jpg", image)[1].tofile("detected.jpg")
'''  # noqa: E501 - of another program

_RUNTIMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "onnx": (
            "import onnxruntime",
            'SESSION = onnxruntime.InferenceSession(HERE / MODEL["file"], providers=["CPUExecutionProvider"])\n'
            'infer = lambda batch: SESSION.run(None, {"images": batch})[0]',
        ),
        "openvino": (
            "import openvino",
            'XML = HERE / MODEL["file"] / (MODEL["file"].removesuffix("_openvino_model") + ".xml")\n'
            "# Without a hint OpenVINO computes in bf16 where the processor can: faster, a little less exact.\n"
            'COMPILED = openvino.compile_model(XML, "CPU", MODEL["options"])\n'
            "infer = lambda batch: COMPILED(batch)[0]",
        ),
        "torchscript": (
            "import torch",
            'NET = torch.jit.load(str(HERE / MODEL["file"]), map_location="cpu")\n'
            "infer = torch.no_grad()(lambda batch: NET(torch.from_numpy(batch)).numpy())",
        ),
        "ncnn": (
            "import ncnn",
            "NET = ncnn.Net()\n"
            'for name, value in MODEL["options"].items():\n'
            "    setattr(NET.opt, name, value)\n"
            'NET.load_param(str(HERE / MODEL["file"] / "model.ncnn.param"))\n'
            'NET.load_model(str(HERE / MODEL["file"] / "model.ncnn.bin"))\n\n'
            "def infer(batch):\n"
            "    extractor = NET.create_extractor()\n"
            '    extractor.input("in0", ncnn.Mat(batch[0]).clone())\n'
            '    return np.array(extractor.extract("out0")[1])[None]',
        ),
        "coreml": (
            "import coremltools",
            'NET = coremltools.models.MLModel(str(HERE / MODEL["file"]))  # runs on macOS alone\n'
            'infer = lambda batch: NET.predict({"images": batch})["output0"]',
        ),
        "litert": (
            "from ai_edge_litert.interpreter import Interpreter",
            'NET = Interpreter(str(HERE / MODEL["file"]))\n'
            "NET.allocate_tensors()\n"
            'ENTRY, RESULT = NET.get_input_details()[0]["index"], NET.get_output_details()[0]["index"]\n\n'
            "def infer(batch):\n"
            "    NET.set_tensor(ENTRY, batch)\n"
            "    NET.invoke()\n"
            "    return NET.get_tensor(RESULT)",
        ),
    }
)

_OPTIONS: Mapping[tuple[str, str], Mapping[str, Any]] = MappingProxyType(
    {
        ("openvino", "f32"): {"INFERENCE_PRECISION_HINT": "f32"},
        ("openvino", "f16"): {"INFERENCE_PRECISION_HINT": "f32"},
        ("ncnn", "f32"): dict.fromkeys(("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"), False),
    }
)

_README = """# A detector as {title}

Made by Depthwise Studio. It needs Python, and neither the Studio nor ultralytics.

```
pip install -r requirements.txt
python detect.py PICTURE
```

The second command prints one line of JSON a box (label, score, corners in pixels of the picture) and draws them into
`detected.jpg` in the current folder.

- `{file}`: the model. Input: 1×3×height×width, RGB, 0 to 1, letterboxed with grey (114).
- `labels.json`: the names of the classes, by number.
- `model.json`: input size and settings that the script reads.
- `detect.py`: letterbox, inference, non-maximum suppression.

The weights were trained with ultralytics and are under the AGPL-3.0, as theirs are.
"""


def script(format_: str) -> str:
    """Return the script of a format: the same text for every model."""
    imports, load = _RUNTIMES[format_]
    return _SCRIPT.replace("# IMPORT", imports).replace("# LOAD", load)


def fill(folder: Path, plan: Plan, meta: Mapping[str, Any], versions: Mapping[str, str]) -> None:
    """Write everything beside the model, which lies in `folder` as `model` with the format's ending.

    Args:
        folder: The bundle.
        plan: How the model was written.
        meta: What stands beside the model.
        versions: Module → version of the tools of another Python.
    """
    form = FORMATS[plan.format]
    about = {
        "file": f"{STEM}{form.ending}",
        "shape": list(plan.shape),
        "dynamic": plan.dynamic,
        "stride": plan.stride,
        "end2end": bool(meta["end2end"]),
        "precision": plan.precision,
        "options": dict(_OPTIONS.get((plan.format, plan.precision), {})),
    }
    names = meta["names"]
    texts = {
        "model.json": json.dumps(about, indent=1) + "\n",
        "labels.json": json.dumps([names[number] for number in sorted(names)], indent=1) + "\n",
        "detect.py": script(plan.format),
        "README.md": _README.format(title=form.title, file=about["file"]),
        "requirements.txt": "".join(f"{line}\n" for line in _requirements(plan.format, versions)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _requirements(format_: str, versions: Mapping[str, str]) -> list[str]:
    """Return what the script needs, pinned to what the export was checked with."""
    lines = []
    for package in (*FORMATS[format_].packages, "numpy", "opencv-python"):
        version = versions.get(package.replace("-", "_")) or _installed(package)
        lines.append(f"{package}=={version}" if version else package)
    if format_ == "coreml":
        lines = [line if not line.startswith("numpy") else "numpy<2.4" for line in lines]
    return lines


def _installed(package: str) -> str:
    try:
        # Local builds ("2.14.1+cpu") are not on the index.
        return importlib.metadata.version(package).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""
