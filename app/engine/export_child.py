"""What converts or runs a model in another Python: it needs nothing of the Studio, only the tool.

`PYTHON -I export_child.py REQUEST.json REPLY.json`. A request has a `verb`: `probe` (`modules`), `convert` or `infer`
(`format`, paths, `shape`, `precision`). A reply is JSON with what was found, or an `error`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Request = dict[str, Any]


def probe(request: Request) -> dict[str, Any]:
    """Return module → version of those that are there; nothing is imported."""
    names = importlib.metadata.packages_distributions()
    found = {}
    for module in request["modules"]:
        if importlib.util.find_spec(module) is not None:
            found[module] = importlib.metadata.version(names[module][0]) if names.get(module) else "?"
    return {"modules": found}


def convert_ncnn(request: Request) -> None:
    """TorchScript → a folder with `model.ncnn.param` and `model.ncnn.bin`."""
    spec = importlib.util.find_spec("pnnx")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pnnx is not installed")
    tool = Path(spec.origin).with_name("pnnx.exe" if sys.platform == "win32" else "pnnx")
    output, work = Path(request["output"]), Path(request["work"])
    output.mkdir()
    shape = ",".join(str(size) for size in request["shape"])
    files = {
        "ncnnparam": output / "model.ncnn.param",
        "ncnnbin": output / "model.ncnn.bin",
        **{name: work / name for name in ("ncnnpy", "pnnxparam", "pnnxbin", "pnnxpy", "pnnxonnx")},
    }
    command = [
        str(tool),
        request["input"],
        f"inputshape=[{shape}]",
        f"fp16={int(request['precision'] == 'f16')}",
    ]
    done = subprocess.run(
        [*command, *(f"{name}={path}" for name, path in files.items())],
        cwd=work,
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode or not files["ncnnbin"].is_file():
        raise RuntimeError(f"pnnx ended with status {done.returncode}")


def infer_ncnn(request: Request, batches: Any) -> list[Any]:
    """Run an NCNN model on the processor."""
    import numpy as np

    ncnn = importlib.import_module("ncnn")
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    if request["precision"] == "f32":
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    folder = Path(request["output"])
    net.load_param(str(folder / "model.ncnn.param"))
    net.load_model(str(folder / "model.ncnn.bin"))
    found = []
    for batch in batches:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(batch[0]).clone())
        found.append(np.array(extractor.extract("out0")[1])[None])
    return found


def convert_coreml(request: Request) -> None:
    """TorchScript → an .mlpackage (an ML program)."""
    tools = importlib.import_module("coremltools")
    torch = importlib.import_module("torch")
    precision = tools.precision.FLOAT16 if request["precision"] == "f16" else tools.precision.FLOAT32
    model = tools.convert(
        torch.jit.load(request["input"]),
        inputs=[tools.TensorType(name="images", shape=tuple(request["shape"]))],
        outputs=[tools.TensorType(name="output0")],
        convert_to="mlprogram",
        compute_precision=precision,
        minimum_deployment_target=tools.target.iOS15,
        skip_model_load=True,
    )
    model.user_defined_metadata.update(request["meta"])
    model.save(request["output"])


def infer_coreml(request: Request, batches: Any) -> list[Any]:
    """Run a CoreML model, which macOS alone can."""
    model = importlib.import_module("coremltools").models.MLModel(request["output"])
    return [model.predict({"images": batch})["output0"] for batch in batches]


def convert_litert(request: Request) -> None:
    """An exported torch program → a .tflite."""
    torch = importlib.import_module("torch")
    litert = importlib.import_module("litert_torch")
    module = torch.export.load(request["input"]).module()
    with torch.no_grad():
        litert.convert(module, (torch.zeros(request["shape"]),)).export(request["output"])


def infer_litert(request: Request, batches: Any) -> list[Any]:
    """Run a LiteRT model on the processor."""
    interpreter = importlib.import_module("ai_edge_litert.interpreter").Interpreter(request["output"])
    interpreter.allocate_tensors()
    entry, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    found = []
    for batch in batches:
        interpreter.set_tensor(entry, batch)
        interpreter.invoke()
        found.append(interpreter.get_tensor(result).copy())
    return found


CONVERT: dict[str, Callable[[Request], None]] = {
    "ncnn": convert_ncnn,
    "coreml": convert_coreml,
    "litert": convert_litert,
}
INFER: dict[str, Callable[[Request, Any], list[Any]]] = {
    "ncnn": infer_ncnn,
    "coreml": infer_coreml,
    "litert": infer_litert,
}


def answer(request: Request) -> dict[str, Any]:
    """Do what a request says."""
    if request["verb"] == "probe":
        return probe(request)
    if request["verb"] == "convert":
        CONVERT[request["format"]](request)
        return {}
    import numpy as np

    found = INFER[request["format"]](request, np.load(request["batches"]))
    np.save(request["results"], np.concatenate(found).astype(np.float32))
    return {}


def main() -> int:
    """Read a request, write a reply."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        reply = answer(request)
    except Exception as error:  # noqa: BLE001 - whatever a foreign tool raises is told, not lost
        reply = {"error": f"{type(error).__name__}: {error}"[:600]}
    Path(sys.argv[2]).write_text(json.dumps(reply), encoding="utf-8")
    return 1 if "error" in reply else 0


if __name__ == "__main__":
    sys.exit(main())
