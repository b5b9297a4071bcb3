"""The activation of a design: what it changes, what keeps it, and what it does not change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.activations import ACTIVATIONS
from app.core.architecture import load_architecture
from app.core.cost import compare_cost
from app.core.design import Design, DesignError, Swap, dump_design, parse_design
from app.core.design_diff import design_diff, diff_document
from app.core.errors import AppError
from app.core.latency_keys import design_key
from app.core.latency_plan import plan
from app.core.latency_units import changes, swap_unit, units
from app.core.sites import sites
from app.core.target import with_swaps
from tests.core.latency_machine import table
from tests.designs import designs

N = Design.stock("yolov5n", 3)
RELU = N.with_activation("relu")
BASES = ("yolov5n", "yolov6n", "yolov4", "yolov10n", "yolo26n")


@settings(max_examples=40, deadline=None)
@given(designs(BASES, st.none() | st.integers(1, 90), most=6), st.sampled_from((None, *ACTIVATIONS)))
def test_any_activation_round_trips_and_costs_nothing(plain: Design, name: str | None) -> None:
    design = plain.with_activation(name)
    text = dump_design(design)
    assert parse_design(text) == design
    assert dump_design(parse_design(text)) == text
    assert ("activation:" in text) == (design.activation is not None)
    assert compare_cost(design, 64 * 4) == compare_cost(plain, 64 * 4)
    own = load_architecture(plain.base).activations
    assert design.architecture.activations == ((name,) if name else own)


def test_what_a_base_has_anyway_is_no_change() -> None:
    assert N.with_activation("silu") == N
    assert RELU.with_activation("silu") == N
    assert RELU.with_activation(None) == N
    assert Design.stock("yolov6n").with_activation("relu").activation is None
    assert Design.stock("yolov4-tiny").with_activation("leaky_relu").activation is None
    assert (
        Design.stock("yolov4").with_activation("leaky_relu").activation == "leaky_relu"
    )  # its backbone has Mish
    assert parse_design("format: 1\nbase: yolov5n\nactivation: silu\n") == Design.stock("yolov5n")


def test_edits_keep_it_and_the_standard_model_has_none() -> None:
    design = RELU.with_swap(["model.3"], Swap("separable"))
    assert not RELU.is_standard
    assert design.without(["model.3"]) == RELU == design.without_swaps()
    assert design.with_classes(7).activation == "relu"
    assert design.with_base("yolov8n").activation == "relu"
    assert design.with_base("yolov6n").activation is None
    assert with_swaps(design, {}) == RELU
    assert design.cleared() == N
    assert design.cleared().is_standard


def test_the_standard_model_is_built_upon_without_it() -> None:
    """The models that are measured for predictions are those of the base as it is."""
    assert all(made.activation is None for made in plan(RELU, [Swap("separable")], mixes=2))


def test_shapes_and_sites_are_told_with_the_new_activation() -> None:
    before, after = N.architecture, RELU.architecture
    assert before.activations == ("silu",)
    assert after is RELU.architecture
    assert {c.act for c in after.deployed.convolutions.values()} == {"relu", None}
    assert [c.act is None for c in before.convolutions.values()] == [
        c.act is None for c in after.convolutions.values()
    ]
    assert {place.act for place in sites(after).values()} == {"relu"}
    assert {path: replace(p, act=None, conv=None) for path, p in sites(after).items()} == {
        path: replace(p, act=None, conv=None) for path, p in sites(before).items()
    }


def test_modules_are_timed_with_their_activation() -> None:
    design = RELU.with_swap(["model.3"], Swap("separable"))
    for old, new in zip(units(N), units(RELU), strict=True):
        assert old.signature.replace("silu", "relu") == new.signature
        assert old.silent == new.silent
    assert " relu" in swap_unit(RELU, "model.3", Swap("separable")).signature
    assert all(" silu" not in unit.signature for unit in units(design))
    rows = {row.path: row for row in changes(design)}
    before = [unit.signature for row in changes(design) for unit in row.before]
    assert sorted(before) == sorted(unit.signature for unit in units(N))
    assert rows["model.3"].kind == "separable"
    assert rows["model.0"].kind is None
    assert " silu" in rows["model.0"].before[0].signature
    assert " relu" in rows["model.0"].after[0].signature


def test_a_prediction_with_another_activation_begins_with_what_was_measured() -> None:
    known = table(plan(N, [Swap("separable")], mixes=3))
    standard, other = known.predict(N), known.predict(RELU)
    assert standard is not None
    assert other is not None
    assert other.basis == "estimated"
    assert other.ms == pytest.approx(standard.ms, rel=0.05)
    assert other.high - other.low > standard.high - standard.low
    saved = known.saves(RELU, "model.3", Swap("separable"))
    assert saved == pytest.approx(known.saves(N, "model.3", Swap("separable")), rel=0.05)


def test_keys_differ_and_old_ones_stay() -> None:
    assert design_key(RELU) != design_key(N)
    assert design_key(RELU) != design_key(N.with_activation("relu6"))
    assert design_key(RELU.cleared()) == design_key(N)


def test_a_difference_of_the_activation_alone_is_told() -> None:
    assert design_diff(N, RELU) == ()
    assert diff_document(N, RELU)["activation"] == [None, "relu"]


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("activation: swish", "line 3"),
        ("activation: torch.nn.ReLU()", "line 3"),
        ("activation: [relu]", "line 3"),
        ("activation: !relu relu", "line 3"),
        ("activation: relu\nactivation: relu6", "line 4"),
    ],
)
def test_what_is_no_activation_is_refused_by_line(line: str, where: str) -> None:
    with pytest.raises(DesignError, match=where):
        parse_design(f"format: 1\nbase: yolov5n\n{line}\n")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AppError, match="swish"):
        N.with_activation("swish")
    with pytest.raises(AppError, match="swish"):
        load_architecture("yolov5n", 3, "swish")
