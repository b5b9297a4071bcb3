"""sample, demo, doctor."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from app.commands.output import Output
from app.commands.training import _prepare


def sample(options: Namespace, output: Output) -> None:
    """Write the sample's pictures, clip and card."""
    _prepare(output)
    from app.engine.sample import write_card, write_clip, write_dataset

    folder = Path(options.output)
    data = write_dataset(folder, seed=options.seed)
    clip = write_clip(folder / "clip.mp4", seed=options.seed)
    card = write_card(folder / "card.pdf")
    document = {"data": str(data), "clip": str(clip), "card": str(card)}
    output.document(document, "\n".join(f"{name}: {path}" for name, path in document.items()))


def doctor(_options: Namespace, output: Output) -> None:
    """Examine the machine."""
    _prepare(output)
    from app.engine.doctor import examine

    result = examine()
    sign = {"ok": "✓", "missing": "–", "problem": "✗"}
    lines = []
    for finding in result["findings"]:
        lines.append(f"{sign[finding['state']]} {finding['topic']}: {finding['text']}")
        if finding["remedy"]:
            lines.append(f"    {finding['remedy']}")
    output.document(result, "\n".join(lines))


def demo(options: Namespace, output: Output) -> None:
    """Do the whole job on the sample."""
    _prepare(output)
    from app.commands.demo import run_demo

    run_demo(options, output)
