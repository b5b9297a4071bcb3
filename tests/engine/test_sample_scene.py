"""What the labels say is what is painted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.sample.arrange import LEAST_PIXELS, arrange, compose, full_area, visible_boxes
from app.engine.sample.clutter import CLUTTER, SHEET
from app.engine.sample.light import Light
from app.engine.sample.objects import KINDS
from app.engine.sample.scene import Item, Scene, View, render
from app.engine.sample.surfaces import SIDE, SURFACES, surface

SIZE = (320, 320)
FLAT = Light(softness=1.0, falloff=0.0, warmth=0.0)


def painted_box(item: Item, view: View) -> tuple[int, int, int, int]:
    """Find the object by its pixels alone: it hides a ground whatever that ground's colour is."""
    dark = Scene((item,), view, (0.15, 0.15, 0.15), light=FLAT)
    bright = replace(dark, surface=(0.6, 0.6, 0.6))
    contrast = render(bright, SIZE).image.astype(int) - render(dark, SIZE).image
    empty = (
        render(replace(bright, items=()), SIZE).image.astype(int)
        - render(replace(dark, items=()), SIZE).image
    )
    rows, columns = np.nonzero(contrast.sum(2) < 0.42 * empty.sum(2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_a_label_encloses_exactly_what_is_painted(kind: str) -> None:
    rng = np.random.default_rng(5)
    for variant in range(4):
        item = Item(
            kind, variant, *rng.uniform(-6, 6, 2), float(rng.uniform(-3, 3)), float(rng.uniform(0.8, 1.3))
        )
        view = View(float(rng.uniform(7, 11)), turn=float(rng.uniform(-3, 3)))
        scene = Scene((item,), view, "oak")
        (box,) = visible_boxes(scene, render(scene, SIZE))
        assert KINDS[box.label].name == kind
        found = painted_box(item, view)
        assert np.abs(np.subtract((box.left, box.top, box.right, box.bottom), found)).max() <= 1


def test_an_object_at_the_edge_is_labelled_as_far_as_the_picture_goes() -> None:
    scene = Scene((Item("mug", 0, -17.0, 0.0),), View(9.0))
    (box,) = visible_boxes(scene, render(scene, SIZE))
    assert box.left == 0
    assert 0 < box.right < 60


def test_a_hidden_object_has_no_label_and_a_half_hidden_one_a_smaller_box() -> None:
    mug, saucer = Item("mug", 0, 0.0, 0.0), Item("saucer", 0, 0.0, 0.0)
    view = View(8.0)

    def boxes(*items: Item) -> tuple[object, ...]:
        scene = Scene(items, view)
        return visible_boxes(scene, render(scene, SIZE))

    (whole,) = boxes(mug)
    assert boxes(mug, saucer) == ()
    assert boxes(saucer, mug) == (whole,)
    (part,) = boxes(mug, replace(saucer, x=-7.0))
    assert part.right == whole.right
    assert part.left > whole.left


def test_clutter_is_never_labelled() -> None:
    items = tuple(
        Item(kind.name, 1, 9.0 * (i % 4) - 14, 9.0 * (i // 4) - 12)
        for i, kind in enumerate((*CLUTTER, SHEET))
    )
    scene = Scene(items, View(8.0))
    rendering = render(scene, SIZE)
    assert set(np.unique(rendering.owners)) == set(range(len(items) + 1))
    assert visible_boxes(scene, rendering) == ()


def test_full_area_counts_what_lies_outside_the_picture() -> None:
    view = View(9.0)
    inside, outside = Item("die", 0, 0.0, 0.0), Item("die", 0, -18.0, 0.0)
    seen = int((render(Scene((inside,), view), SIZE).owners == 1).sum())
    assert full_area(inside, view, SIZE) == pytest.approx(seen, rel=0.03)
    assert full_area(outside, view, SIZE) == pytest.approx(seen, rel=0.03)


@pytest.mark.parametrize("index", range(12))
def test_every_picture_holds_its_class_with_boxes_inside(index: int) -> None:
    picture = compose(3, 0, index, SIZE)
    assert picture.image.shape == (320, 320, 3)
    assert index % len(KINDS) in {box.label for box in picture.boxes}
    for box in picture.boxes:
        assert 0 <= box.left <= box.right - LEAST_PIXELS
        assert 0 <= box.top <= box.bottom - LEAST_PIXELS
        assert max(box.right, box.bottom) <= 320


def test_layouts_hide_nothing_so_much_that_its_label_falls_away() -> None:
    for index in range(20):
        scene = arrange(np.random.default_rng([8, index]), index % 6, SIZE)
        labelled = [item for item in scene.items if item.label is not None]
        boxes = visible_boxes(scene, render(scene, SIZE))
        assert len(boxes) == len(labelled)


def test_light_falls_from_where_it_stands() -> None:
    block = Scene((Item("block", 0, 0.0, 0.0, 0.0, 3.0),), View(12.0), (0.5, 0.5, 0.5))
    for azimuth, bright in ((0.0, (160, 250)), (np.pi, (160, 70))):
        image = (
            render(replace(block, light=Light(azimuth=azimuth, falloff=0.0)), SIZE).image.astype(int).sum(2)
        )
        ground_at_light, ground_away = image[bright[0], bright[1]], image[bright[0], 320 - bright[1]]
        assert ground_away < ground_at_light


def test_surfaces_are_pictures_without_burnt_or_black_parts() -> None:
    for name in SURFACES:
        full, half, quarter = surface(name)
        assert full.shape == (SIDE, SIDE, 3)
        assert half.shape[0] * 4 == quarter.shape[0] * 8 == SIDE * 2
        assert ((full > 4) & (full < 255)).mean() > 0.97, name
