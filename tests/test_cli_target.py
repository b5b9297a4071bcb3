"""design --target on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.cost import compare_cost
from app.core.design import load_design
from tests.test_cli import document, studio


def test_a_target_is_reached_and_explained(tmp_path: Path) -> None:
    path = tmp_path / "half.yaml"
    data = document(
        "design", "--base", "yolov5n", "--target", "gflops=-50%", "--target", "params=1.5M",
        "--lock", "model.0", "--kinds", "separable", "-o", str(path),
    )  # fmt: skip
    design = load_design(path)
    cost = compare_cost(design)
    assert cost.lightweight.flops <= cost.standard.flops / 2
    assert cost.lightweight.parameters <= 1_500_000
    assert data["design"] == str(path)
    assert data["totals"]["lightweight"]["flops"] == cost.lightweight.flops
    assert {row["path"] for row in data["rows"]} == set(design.resolved())
    assert "model.0" not in design.resolved()
    assert {row["block"] for row in data["rows"]} == {"separable"}
    assert design.classes is None


def test_without_a_file_it_is_only_told() -> None:
    done = studio("design", "--target", "gflops=-20%", "--kinds", "separable:rank=3")
    assert "separable:rank=3" in done.stdout
    assert "nothing risks less" in done.stdout
    assert "guesses" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", "gflops=-99%"), "is the least"),
        (("--target", "gflops=-50%", "--lock", "model.24", "--kinds", "separable"), "Unlock model.24."),
        (("--target", "speed=3"), "no target"),
        (("--target", "gflops=-50%", "--kinds", "conv"), "unknown block kind"),
        (("--target", "gflops=-50%", "--data", "sample"), "--weights"),
        (("--target", "ms=5", "--table", "missing.json"), "missing.json"),
        ((), "-o DESIGN"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments: tuple[str, ...], words: str) -> None:
    done = studio("design", *arguments, status=1)
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_risks_are_measured_on_weights_and_pictures(tmp_path: Path) -> None:
    from app.core.folders import resources
    from app.engine.sample import write_dataset

    data_yaml = write_dataset(tmp_path / "data", train=6, val=2, test=0)
    weights = str(resources() / "sample" / "standard.pt")
    data = document(
        "design", "--target", "params=-40%", "--kinds", "separable", "--weights", weights,
        "--data", str(data_yaml),
    )  # fmt: skip
    assert data["risk_kind"] == "measured"
    assert data["risk_source"] == "standard.pt"
    assert all(row["unexplained"] < 1 for row in data["rows"])
