"""layers, design, cost: arithmetic alone, without torch."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from app.commands.output import Output, table, write_result
from app.core.activations import title, titles
from app.core.architecture import Convolution, Layer, load_architecture
from app.core.blocks import BLOCKS, refusal
from app.core.cost import Cost, CostTable, compare_cost
from app.core.cost_export import FORMATS
from app.core.design import Design, Swap, preset, resolve_design, save_design
from app.core.design_diff import diff_document
from app.core.errors import AppError
from app.core.heavier import heavier
from app.core.sites import Site, site
from app.core.text import figure, grouped, percent_change
from app.core.user_models import base_named


def layers(options: Namespace, output: Output) -> None:
    """Print every layer and module, and what may replace it."""
    architecture = load_architecture(base_named(options.base), options.classes)
    by_path = {layer.path: layer for layer in architecture.layers}
    rows, data = [], []
    for path, kind in architecture.modules.items():
        place = site(architecture, path)
        conv = architecture.convolutions.get(path)
        shape = place or conv or by_path.get(path)
        layer = by_path.get(path)
        kinds = () if place is None else tuple(k for k in BLOCKS if refusal(architecture, path, k) is None)
        heavy = tuple(k for k in kinds if heavier(architecture, path, Swap(k)))
        words = ", ".join(f"{k} (heavier)" if k in heavy else k for k in kinds)
        rows.append((path, kind, *_shape(shape, conv), words or "–"))
        data.append(
            {
                "path": path,
                "type": kind,
                "layer": layer.index if layer else None,
                "c1": shape.c1 if shape else None,
                "c2": shape.c2 if shape else None,
                "kernel": list(conv.k) if conv else None,
                "stride": list(conv.s) if conv else None,
                "activation": conv.act if conv else None,
                "kinds": list(kinds),
                "heavier": list(heavy),
                "refusal": refusal(architecture, path),
                "refusals": {k: refusal(architecture, path, k) for k in BLOCKS if k not in kinds}
                if place
                else {},
            }
        )
    text = table(("path", "type", "channels", "kernel/stride", "may become"), rows, left=5)
    output.document({"base": architecture.base, "classes": architecture.classes, "modules": data}, text)


def _shape(shape: Site | Convolution | Layer | None, conv: Convolution | None) -> tuple[str, str]:
    """Return channels and kernel of a module as a person reads them."""
    channels = f"{shape.c1}→{shape.c2}" if shape and shape.c2 else ""
    return channels, f"{conv.k[0]}×{conv.k[1]}/{conv.s[0]}" if conv else ""


def design(options: Namespace, output: Output) -> None:
    """Write a design file, compare two, or find the design of least risk that reaches targets."""
    if options.diff:
        _show_diff(options, output)
        return
    if not options.target and not options.output:
        raise AppError("There is no file to write the design to.", "Name one with -o DESIGN.")
    if options.design:
        if options.base or options.preset:
            raise AppError(
                "“{name}” stands beside --base or --preset.", "Begin with one of them.", name=options.design
            )
        made = resolve_design(options.design, options.classes)
    elif options.preset:
        made = preset(options.preset, base_named(options.base or "yolov5n"), options.classes)
    else:
        made = Design.stock(base_named(options.base or "yolov5n"), options.classes)
    if options.activation:
        made = made.with_activation(options.activation)
    for text in options.swap:
        pattern, swap = _parse_swap(text)
        made = _swapped(made, pattern, swap)
    if options.target:
        from app.commands.reaching import reach_target

        reach_target(made, options, output)
        return
    path = Path(options.output)
    save_design(made, path)
    table_ = compare_cost(made)
    swapped = len(made.resolved())
    data = {
        "design": str(path),
        "swaps": swapped,
        "activation": made.activation,
        "cost": table_.to_json(),
    }
    with_ = f", {title(made.activation)} as activation" if made.activation else ""
    output.document(data, f"{path}: {swapped} modules swapped{with_}\n{totals(table_)}")


def _show_diff(options: Namespace, output: Output) -> None:
    """Print what differs between two designs."""
    if not options.design:
        raise AppError("--diff compares with nothing.", "Write: design A --diff B.")
    a, b = (resolve_design(name, options.classes) for name in (options.design, options.diff))
    data = diff_document(a, b, options.imgsz)
    rows = [
        (
            change["path"],
            change["before"] or "standard",
            change["after"] or "standard",
            *_both(change["cost_before"], change["cost_after"]),
        )
        for change in data["changes"]
    ]
    rows.append(("in total", a.base, b.base, *_both(*data["cost"])))
    if a.activation != b.activation:
        own = [one.architecture.activations for one in (a, b)]
        rows.insert(0, ("activation", titles(own[0]), titles(own[1]), "", "", ""))
    header = ("module", options.design, options.diff, "parameters", "GFLOPs", "change")
    differs = data["changes"] or a.base != b.base or a.activation != b.activation
    text = table(header, rows, left=3) if differs else "No module differs."
    output.document(data, text)


def _both(before: Mapping[str, int] | None, after: Mapping[str, int] | None) -> tuple[str, str, str]:
    """Return parameters, GFLOPs and the change of the latter, before and after; nothing where one is not known."""
    if before is None or after is None:
        return "", "", ""
    return (
        f"{grouped(before['parameters'])} → {grouped(after['parameters'])}",
        f"{figure(before['flops'] / 1e9)} → {figure(after['flops'] / 1e9)}",
        percent_change(before["flops"], after["flops"]),
    )


def _parse_swap(text: str) -> tuple[str, Swap]:
    pattern, equals, block = text.partition("=")
    if not equals or not pattern:
        raise AppError(
            "--swap “{text}” is not PATTERN=BLOCK.",
            "Write, for example, --swap model.3=separable:rank=2.",
            text=text,
        )
    return pattern, parse_block(block, f"--swap “{text}”")


def parse_block(text: str, place: str) -> Swap:
    """Read a block kind with its options, such as "separable:rank=2".

    Args:
        text: what stands on the command line.
        place: how to call it in an error.

    Raises:
        AppError: there is no such kind or option.
    """
    name, *options = text.split(":")
    if name not in BLOCKS:
        raise AppError(
            "{place}: unknown block kind “{name}”.",
            "Choose one of {choices}.",
            place=place,
            name=name,
            choices=", ".join(BLOCKS),
        )
    values: dict[str, int] = {}
    for option in options:
        key, _, value = option.partition("=")
        known = BLOCKS[name].options.get(key)
        if known is None or not value.isdigit() or not known.low <= int(value) <= known.high:
            allowed = ", ".join(f"{k}={o.low}…{o.high}" for k, o in BLOCKS[name].options.items()) or "none"
            raise AppError(
                "{place}: {name} takes no option “{option}”.",
                "Its options: {allowed}.",
                place=place,
                name=name,
                option=option,
                allowed=allowed,
            )
        values[key] = int(value)
    return Swap(name, values)


def _swapped(made: Design, pattern: str, swap: Swap) -> Design:
    """Return the design with one more swap; a preset's own swap of the same modules, inside or around, gives way."""
    paths = Design(made.base, made.classes, ((pattern, swap),)).resolved()
    nested = [
        own
        for own in made.resolved()
        if any(own.startswith(f"{path}.") or path.startswith(f"{own}.") for path in paths)
    ]
    return made.without(nested).with_swap(paths, swap)


def cost(options: Namespace, output: Output) -> None:
    """Print what a design costs."""
    found = resolve_design(options.design, options.classes)
    costs = compare_cost(found, options.imgsz)
    if options.format:
        _write_table(costs, options, output)
        return
    rows = [
        (
            m.path,
            m.kind or "",
            grouped(m.standard.parameters),
            grouped(m.lightweight.parameters) if m.kind else "",
            figure(m.standard.flops / 1e9),
            figure(m.lightweight.flops / 1e9) if m.kind else "",
            percent_change(m.standard.flops, m.lightweight.flops) if m.kind else "",
        )
        for m in costs.modules
    ]
    header = ("module", "kind", "parameters", "lightweight", "GFLOPs", "lightweight", "change")
    data = {**costs.to_json(), "activation": titles(found.architecture.activations)}
    output.document(data, f"{table(header, rows, left=2)}\n\n{totals(costs)}")


def _write_table(costs: CostTable, options: Namespace, output: Output) -> None:
    """Write the table as CSV, Markdown or LaTeX."""
    text = FORMATS[options.format](costs)
    if not options.output:
        output.document({"format": options.format, "text": text}, text.rstrip("\n"))
        return
    write_result(Path(options.output), text)
    output.document({"format": options.format, "output": options.output}, options.output)


def totals(costs: CostTable) -> str:
    """Return the totals as a table."""

    def row(name: str, before: Cost, after: Cost, pick: str, scale: float) -> tuple[str, ...]:
        a, b = getattr(before, pick), getattr(after, pick)
        shown = (grouped(a), grouped(b)) if scale == 1 else (figure(a / scale), figure(b / scale))
        return (name, *shown, percent_change(a, b))

    s, w = costs.standard, costs.lightweight
    rows = [
        row("parameters", s, w, "parameters", 1),
        row(f"GFLOPs at {costs.imgsz[0]}×{costs.imgsz[1]}", s, w, "flops", 1e9),
        row("file, MB", s, w, "file_bytes", 1e6),
        row("activations, MB", s, w, "activation_bytes", 1e6),
        row("deployed: parameters", costs.deployed_standard, costs.deployed_lightweight, "parameters", 1),
        row(
            "deployed: activations, MB",
            costs.deployed_standard,
            costs.deployed_lightweight,
            "activation_bytes",
            1e6,
        ),
    ]
    return table(("", "standard", "lightweight", "change"), rows)
