"""yaml: a design as a model YAML for stock ultralytics or the original YOLOv5 repository, and back."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from app.commands.output import Output, write_result
from app.core.design import dump_design, resolve_design, save_design
from app.core.design_diff import swap_text
from app.core.errors import AppError
from app.core.model_yaml import ModelYaml, check_file_name, listed, model_yaml
from app.core.model_yaml_import import import_model_yaml


def yaml(options: Namespace, output: Output) -> None:
    """Export a design, or import a model YAML."""
    if options.imports:
        _import(options, output)
    else:
        _export(options, output)


def _import(options: Namespace, output: Output) -> None:
    design = import_model_yaml(Path(options.design))
    if options.classes is not None:
        design = design.with_classes(options.classes)
    data: dict[str, Any] = {
        "base": design.base,
        "classes": design.classes,
        "swaps": {path: swap_text(swap) for path, swap in design.resolved().items()},
    }
    if not options.output:
        text = dump_design(design)
        output.document({**data, "text": text}, text.rstrip("\n"))
        return
    save_design(design, Path(options.output))
    summary = f"{options.output}: {design.base}, {len(design.resolved())} modules swapped"
    output.document({**data, "output": options.output}, summary)


def _export(options: Namespace, output: Output) -> None:
    made = model_yaml(
        resolve_design(options.design, options.classes), options.flavour, partial=options.partial
    )
    data: dict[str, Any] = {
        "for": made.flavour,
        "rows": len(made.model.rows),
        "swaps": len(made.design.resolved()),
        "left": [{"path": u.path, "swap": swap_text(u.swap), "why": str(u.why)} for u in made.unsaid],
    }
    if made.unsaid:
        output.note(f"left standard: {listed(made.unsaid)}")
    if not options.output:
        if options.weights:
            raise AppError("--weights needs a file to write.", "Name the YAML with -o FILE.")
        output.document({**data, "text": made.text}, made.text.rstrip("\n"))
        return
    path = Path(options.output)
    check_file_name(made, path)
    lines = [f"{path}: {data['rows']} rows, {data['swaps']} modules swapped"]
    if options.weights:
        data["weights"], line = _carry(made, options, output, path)
        lines.append(line)
    write_result(path, made.text)
    output.document({**data, "output": str(path)}, "\n".join(lines))


def _carry(made: ModelYaml, options: Namespace, output: Output, path: Path) -> tuple[dict[str, Any], str]:
    """Write the checkpoint beside the YAML; return what it holds as data and in words."""
    target, source = path.with_suffix(".pt"), Path(options.weights)
    if target.resolve() == source.resolve():
        raise AppError("{path} holds the weights to carry over.", "Name the YAML otherwise.", path=target)
    output.reserve()
    from app.engine.environment_setup import prepare

    prepare()
    from app.engine.yaml_check import write_checkpoint

    done = write_checkpoint(made, source, target, path)
    data = {"path": str(done.path), "tensors": done.tensors, "difference": done.difference}
    return data, f"{done.path}: {done.tensors} tensors; outputs differ by {done.difference:.1g} at most"
