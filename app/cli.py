"""The command line: every job of the window, by the same functions."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from app import __version__
from app.commands.output import Output
from app.core.activations import ACTIVATIONS
from app.core.errors import AppError, missing_package
from app.core.export_formats import FORMATS, PRECISIONS
from app.core.user_models import NotTracedError

_RUNTIMES = ("auto", "openvino", "onnxruntime", "torch")
_DATA = "data.yaml, COCO JSON file, folder of a YOLO, Pascal VOC or COCO data set, or a zip of one"
_PRECISIONS = ("auto", "f32", "f16", "bf16", "int8")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n  See: {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = _Parser(
        prog="main.py",
        description="Depthwise Studio. Without a verb the window opens.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document on stdout; logs go to stderr")
    common.add_argument("--workspace", metavar="FOLDER", help="workspace folder (default: the window's)")
    _modelling_verbs(verbs, common)
    _training_verbs(verbs, common)
    _comparing_verbs(verbs, common)
    _bench_verb(verbs, common)
    _system_verbs(verbs, common)
    return parser


if TYPE_CHECKING:
    _Verbs = argparse._SubParsersAction[Any]


def _add(
    verbs: _Verbs, common: argparse.ArgumentParser, name: str, module: str, text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, parents=[common], help=text, description=text)
    parser.set_defaults(module=f"app.commands.{module}", function=name)
    return parser


def _modelling_verbs(verbs: _Verbs, common: argparse.ArgumentParser) -> None:
    layers = _add(verbs, common, "layers", "modelling", "Layers, module paths, and what may replace what.")
    layers.add_argument("--base", default="yolov5n", help="base model, or a model YAML (default: yolov5n)")
    layers.add_argument("--classes", type=int, help="number of classes (default: 80)")

    design = _add(verbs, common, "design", "modelling", "Write a design, or compare two.")
    design.add_argument("design", nargs="?", help="begin with a file, or what --diff compares")
    design.add_argument("--diff", metavar="DESIGN", help="what differs in another design; writes nothing")
    design.add_argument("--base", default=None, help="base model, or a model YAML (default: yolov5n)")
    design.add_argument("--classes", type=int, help="number of classes (default: taken from the data)")
    design.add_argument("--preset", help="begin with a preset")
    design.add_argument(
        "--activation", choices=tuple(ACTIVATIONS), help="what every activation of the model becomes"
    )
    design.add_argument(
        "--swap",
        action="append",
        default=[],
        metavar="PATTERN=BLOCK",
        help="for example model.3=separable:rank=2",
    )
    design.add_argument(
        "-o", "--output", metavar="DESIGN", help="file to write; may be left out with --target"
    )
    _target_options(design)

    cost = _add(verbs, common, "cost", "modelling", "Standard against lightweight, per module.")
    cost.add_argument("design", help="a file, a preset's name or a base model's name")
    cost.add_argument("--imgsz", type=int, default=640, help="input size, a multiple of 32 (default: 640)")
    cost.add_argument("--classes", type=int, help="number of classes where the design leaves it open")
    cost.add_argument("--format", choices=("csv", "md", "latex"), help="write the table so")
    cost.add_argument("-o", "--output", metavar="FILE", help="with --format: file to write (default: stdout)")
    _yaml_verb(verbs, common)

    latency = _add(
        verbs, common, "latency", "latency", "Milliseconds, measured here: standard against lightweight."
    )
    latency.add_argument("design", help="a file, a preset's name or a base model's name")
    latency.add_argument("--classes", type=int, help="number of classes where the design leaves it open")
    _runtime_options(latency, imgsz=640, runtimes=(*_RUNTIMES, "tensorrt"))
    latency.add_argument("--batch", type=int, default=1, help="pictures per call (default: 1)")
    latency.add_argument(
        "--forms", action="store_true", help="first measure in which equivalent form each block runs fastest"
    )
    latency.add_argument(
        "--kinds", metavar="KIND,KIND", help="block kinds that the table shall know (default: all)"
    )
    latency.add_argument(
        "--anyway", action="store_true", help="measure a table although other programs use the machine"
    )
    latency.add_argument(
        "--save-table",
        metavar="FILE",
        help="write a table from which the Design page predicts for this machine",
    )


def _yaml_verb(verbs: _Verbs, common: argparse.ArgumentParser) -> None:
    parser = _add(verbs, common, "yaml", "yaml", "A design as a model YAML, and a model YAML as a design.")
    parser.add_argument("design", metavar="DESIGN", help="a design, or with --import a model YAML")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--for", dest="flavour", choices=("ultralytics", "yolov5"), help="who is to read the YAML"
    )
    way.add_argument("--import", dest="imports", action="store_true", help="read a model YAML of either")
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write (default: print it)")
    parser.add_argument("--classes", type=int, help="number of classes where the design leaves it open")
    parser.add_argument("--partial", action="store_true", help="leave standard what no row can say")
    parser.add_argument(
        "--weights", help="checkpoint of this design, to write for the YAML's model beside it"
    )


def _target_options(design: argparse.ArgumentParser) -> None:
    group = design.add_argument_group("reaching a target", "The swaps of least risk that bring costs down.")
    group.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="gflops, params, mb or ms: absolute (params=1.2M) or a change (gflops=-50%%); repeatable",
    )
    group.add_argument(
        "--lock",
        action="append",
        default=[],
        metavar="PATTERN",
        help="layers that stay as they are; repeatable",
    )
    group.add_argument("--kinds", metavar="KIND[:OPTION=N],…", help="block kinds allowed (default: all)")
    group.add_argument("--weights", help="trained standard checkpoint, on which risks are measured")
    group.add_argument("--data", help="data set whose training pictures are looked at")
    group.add_argument(
        "--risk",
        default="energy",
        choices=("energy", "map"),
        help="with --weights: error left on pictures, or mAP lost on a validation subset (slow)",
    )
    group.add_argument("--imgsz", type=int, default=640, help="input size that costs count at (default: 640)")
    group.add_argument(
        "--table", metavar="FILE", help="latency table, for targets of ms; see: latency --save-table"
    )
    group.add_argument(
        "--runtime", default="auto", choices=_RUNTIMES, help="for targets of ms, without --table"
    )
    group.add_argument("--precision", default="auto", choices=_PRECISIONS)


def _training_verbs(verbs: _Verbs, common: argparse.ArgumentParser) -> None:
    check = _add(verbs, common, "check", "training", "Findings of a data set.")
    check.add_argument(
        "data",
        help=_DATA,
    )
    check.add_argument("--fix-to", metavar="FOLDER", help="write a corrected copy, as a YOLO data set")

    convert = _add(
        verbs,
        common,
        "convert",
        "training",
        "A trained standard model to a lightweight one, without training.",
    )
    convert.add_argument("weights", help="trained checkpoint (.pt)")
    convert.add_argument("--design", required=True, help="a file, or a preset's name")
    convert.add_argument("--data", help="data set whose training pictures the layers are fitted to")
    convert.add_argument("--imgsz", type=int, help="input size (default: the checkpoint's)")
    convert.add_argument("--pictures", type=int, help="how many training pictures to use")
    convert.add_argument("-o", "--output", metavar="WEIGHTS", help="checkpoint to write")

    train = _add(verbs, common, "train", "training", "Train a design.")
    train.add_argument("design", nargs="?", help="a file, a preset's name or a base model's name")
    train.add_argument("--data", help=_DATA)
    train.add_argument("--epochs", type=int, help="with --resume: other than before")
    train.add_argument("--imgsz", type=int, default=640)
    train.add_argument(
        "--batch", type=_batch, metavar="N|auto", help="pictures per step (default: 16); auto: what fits"
    )
    train.add_argument("--device", help="cpu, mps, 0 or 0,1 (default: the best there is)")
    train.add_argument("--weights", help="checkpoint the weights start from (default: fresh)")
    train.add_argument(
        "--warm-start",
        default="refit",
        choices=("refit", "factorise", "copy", "fresh"),
        help="how swapped modules start",
    )
    train.add_argument("--name", help="name of the run (default: the design's)")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of ultralytics"
    )
    train.add_argument(
        "--recover",
        default="auto",
        metavar="auto|off|NAME,…",
        help="what wins accuracy back: plain, distill, spare, recalibrate, staged (default: what helped most)",
    )
    train.add_argument("--teacher", help="trained standard model to learn from (default: --weights)")
    train.add_argument(
        "--distill", type=float, default=0.5, metavar="SHARE", help="how strong the teacher is (default: 0.5)"
    )
    train.add_argument("--seeds", type=int, default=1, help="train so often, each time with the next seed")
    train.add_argument(
        "--first",
        type=int,
        default=0,
        metavar="EPOCHS",
        help="train the standard model first, so long; what is asked for begins from its end",
    )
    train.add_argument(
        "--pair", action="store_true", help="train the standard model too, first, with the same settings"
    )
    train.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run named by --name; --epochs, --batch and --device may differ",
    )
    train.add_argument(
        "--estimate", action="store_true", help="measure memory and time on a few steps; train nothing"
    )
    train.set_defaults(check=partial(_check_train, train))

    val = _add(verbs, common, "val", "training", "Validate a checkpoint.")
    val.add_argument("weights", help="checkpoint (.pt)")
    val.add_argument("--data", required=True, help=_DATA)
    val.add_argument("--split", default="val", choices=("train", "val", "test"))
    val.add_argument("--imgsz", type=int, help="input size (default: the checkpoint's)")
    val.add_argument("--batch", type=int, default=16)
    val.add_argument("--device", default="")
    val.add_argument("--runtime", default="torch", choices=_RUNTIMES, help="default: torch, as in training")
    val.add_argument("--precision", default="f32", choices=_PRECISIONS, help="default: f32")

    _runs_verb(verbs, common)


def _runs_verb(verbs: _Verbs, common: argparse.ArgumentParser) -> None:
    runs = _add(verbs, common, "runs", "runs", "Runs of the workspace: list, cards, differences, judgements.")
    actions = ("list", "queue", "show", "diff", "judge", "repeat", "tag", "tensorboard")
    runs.add_argument("action", nargs="?", default="list", choices=actions)
    runs.add_argument("names", nargs="*", metavar="NAME")
    runs.add_argument("--data", help="judge: data set (default: what the first run was trained on)")
    runs.add_argument("--split", default="val", choices=("train", "val", "test"), help="judge: default val")
    runs.add_argument("--device", default="", help="judge: cpu, mps or 0 (default: the best there is)")
    runs.add_argument("--format", choices=("csv", "md", "tex", "html"), help="judge: write a report so")
    runs.add_argument("--tags", help="tag: tags with commas between; none takes them away")
    runs.add_argument("--note", help="tag: a note; none takes it away")
    runs.add_argument("-o", "--output", metavar="PATH", help="judge: file to write; tensorboard: folder")


def _batch(text: str) -> int:
    """Read a batch; "auto" is 0."""
    return 0 if text == "auto" else int(text)


def _check_train(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Leave with a word on usage where a new training lacks what it needs."""
    needed = {"DESIGN": options.design, "--data": options.data, "--epochs": options.epochs}
    missing = [name for name, value in needed.items() if value is None]
    if missing and not options.resume:
        parser.error(f"the following arguments are required: {', '.join(missing)}")


def _comparing_verbs(verbs: _Verbs, common: argparse.ArgumentParser) -> None:
    compare = _add(verbs, common, "compare", "comparing", "Two detectors on the same frames.")
    compare.add_argument("a", metavar="A", help="checkpoint (.pt), ONNX file or OpenVINO folder")
    compare.add_argument("b", metavar="B", help="checkpoint (.pt), ONNX file or OpenVINO folder")
    compare.add_argument(
        "--source", required=True, help="video, folder, camera:0, screen:1, stream address or 'sample'"
    )
    compare.add_argument("--camera-size", metavar="WxH", help="what a camera is asked for, such as 1280x720")
    compare.add_argument("--camera-fps", type=float, metavar="N", help="pictures a second of a camera")
    compare.add_argument("--mirror", action="store_true", help="mirror the pictures")
    compare.add_argument("--frames", type=int, help="pairs to measure (default: all)")
    compare.add_argument("--confidence", type=float, default=0.25)
    compare.add_argument("--iou", type=float, default=0.7)
    compare.add_argument("--record", metavar="OUT.mp4", help="write both sides as a video that browsers play")
    compare.add_argument(
        "--report", metavar="OUT.html", help="write a report; the same as JSON and CSV beside it"
    )
    _runtime_options(compare)

    export = _add(
        verbs, common, "export", "exporting", "A checkpoint for another runtime, in the deployed form."
    )
    export.add_argument("weights", nargs="?", help="checkpoint (.pt)")
    export.add_argument("--formats", action="store_true", help="list the formats, and what the others lack")
    export.add_argument("--format", choices=tuple(FORMATS))
    export.add_argument("--imgsz", type=int, help="input size (default: the checkpoint's)")
    export.add_argument("--dynamic", action="store_true", help="let the input have any size")
    export.add_argument("--precision", default="f32", choices=PRECISIONS, help="of the stored weights")
    export.add_argument(
        "--data", default="", help="INT8: calibrated on its training pictures (default: the run's)"
    )
    export.add_argument("--bundle", action="store_true", help="a folder with a script that runs it alone")
    export.add_argument("-o", "--output", metavar="PATH")
    export.set_defaults(check=partial(_check_export, export))


def _check_export(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Leave with a word on usage where an export lacks what it needs."""
    needed = {"WEIGHTS": options.weights, "--format": options.format}
    missing = [name for name, value in needed.items() if value is None]
    if missing and not options.formats:
        parser.error(f"the following arguments are required: {', '.join(missing)}")


def _bench_verb(verbs: _Verbs, common: argparse.ArgumentParser) -> None:
    bench = _add(verbs, common, "bench", "bench", "Accuracy beside speed: models on every runtime here.")
    bench.add_argument(
        "weights",
        nargs="+",
        metavar="WEIGHTS",
        help="a checkpoint, ONNX file or OpenVINO folder, the name of a run, or 'sample'; the first is the reference",
    )
    bench.add_argument("--data", required=True, help=f"{_DATA}, or 'sample'")
    bench.add_argument(
        "--runtimes", metavar="R,R", help="openvino, onnxruntime, torch (default: what is here)"
    )
    bench.add_argument("--precisions", metavar="P,P", help="f32, bf16, f16, int8 (default: what is possible)")
    bench.add_argument("--split", default="val", choices=("train", "val", "test"))
    bench.add_argument("--imgsz", type=int, help="side of the square input (default: each checkpoint's)")
    bench.add_argument("--frames", type=int, default=100, help="inferences timed of each (default: 100)")
    bench.add_argument("--threads", type=int, help="processor threads (default: all cores)")
    bench.add_argument(
        "--no-rivals", action="store_true", help="without plain untrained models of about the same cost"
    )
    bench.add_argument(
        "--patience",
        type=float,
        metavar="SECONDS",
        help="how long to wait for a quiet machine; then the figures are marked (default: for ever)",
    )
    bench.add_argument("-o", "--output", metavar="FILE", help="also write a .csv, .md, .json or .html")
    bench.set_defaults(check=partial(_check_bench, bench))


def _check_bench(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Leave with a word on usage where a runtime or a precision does not exist."""
    for name, known in (("runtimes", _RUNTIMES[1:]), ("precisions", _PRECISIONS[1:])):
        given = [part.strip() for part in (getattr(options, name) or "").split(",") if part.strip()]
        unknown = [part for part in given if part not in known]
        if unknown:
            parser.error(f"--{name}: there is no {unknown[0]!r}; choose from {', '.join(known)}")


def _runtime_options(
    parser: argparse.ArgumentParser, imgsz: int | None = None, runtimes: Sequence[str] = _RUNTIMES
) -> None:
    parser.add_argument("--runtime", default="auto", choices=runtimes)
    parser.add_argument("--precision", default="auto", choices=_PRECISIONS)
    parser.add_argument("--device", default="auto")
    default = "the checkpoint's" if imgsz is None else imgsz
    parser.add_argument("--imgsz", type=int, default=imgsz, help=f"input size (default: {default})")
    parser.add_argument("--threads", type=int, help="processor threads (default: all cores)")


def _system_verbs(verbs: _Verbs, common: argparse.ArgumentParser) -> None:
    sample = _add(
        verbs, common, "sample", "system", "Write the sample: pictures with labels, a clip, a printable card."
    )
    sample.add_argument("-o", "--output", required=True, metavar="FOLDER")
    sample.add_argument("--seed", type=int, default=0)

    demo = _add(
        verbs, common, "demo", "system", "The whole job on the built-in sample; no network, no camera."
    )
    demo.add_argument("--epochs", type=int, default=2, help="epochs of the short training (default: 2)")
    demo.add_argument("--pictures", type=int, help="how many training pictures the conversion looks at")
    demo.add_argument("--frames", type=int, default=150, help="frames to compare (default: 150)")

    _add(
        verbs,
        common,
        "doctor",
        "system",
        "GPU, runtimes, cameras, versions, and what to do about what is missing.",
    )


def run(arguments: Sequence[str]) -> int:
    """Run a verb and return the exit status: 0 done, 1 AppError, 2 usage, 130 interrupted."""
    try:
        options = build_parser().parse_args(list(arguments))
        if "check" in options and callable(options.check):
            options.check(options)
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 2
    output = Output(json_lines=options.json)
    try:
        function = getattr(importlib.import_module(options.module), options.function)
        try:
            function(options, output)
        except NotTracedError as error:
            _trace(error.base, output)
            function(options, output)
    except AppError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{missing_package(error)}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    return 0


def _trace(base: str, output: Output) -> None:
    """Let the engine look at a user's own model."""
    output.reserve()
    from app.engine.environment_setup import prepare

    prepare()
    from app.engine.user_models import ensure_traced

    ensure_traced(base)


def main() -> NoReturn:
    """Run the command line of the installed package."""
    from app.start import main as start

    sys.exit(start(sys.argv[1:]))
