"""What counts as nearly the same: variants of real pictures that are found again, and other pictures that are not.

    python -m tests.benchmarks.alike DATA.yaml CLIP

Each picture of the data set is changed in one way at a time and laid beside all the others; neighbouring frames of the
clip are so many frames apart.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from app.engine import dataset_alike
from app.engine.dataset import open_dataset
from app.engine.dataset_alike import pairs
from app.engine.dataset_files import Listing
from app.engine.pictures import look_through

Change = Callable[[Image.Image], Image.Image]
FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0)
APART = (1, 2, 5, 10, 25, 100)


def _cropped(share: float) -> Change:
    def crop(image: Image.Image) -> Image.Image:
        dx, dy = round(image.width * share), round(image.height * share)
        return image.crop((dx, dy, image.width - dx, image.height - dy))

    return crop


def _noisy(image: Image.Image) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, 12, (image.height, image.width, 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


CHANGES: Mapping[str, tuple[Change, int]] = {
    "saved anew, JPEG quality 50": (lambda image: image, 50),
    "half the size": (lambda image: image.resize((image.width // 2, image.height // 2)), 90),
    "320 × 320, stretched": (lambda image: image.resize((320, 320)), 90),
    "15 % brighter": (lambda image: ImageEnhance.Brightness(image).enhance(1.15), 90),
    "noise of 12 grey levels": (_noisy, 90),
    "1 % cut off at each side": (_cropped(0.01), 90),
    "5 % cut off at each side": (_cropped(0.05), 90),
    "mirrored": (lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 90),
}


def grey_of(image: Image.Image, quality: int, folder: Path) -> bytes:
    """Return the miniature of a picture as a file of it has."""
    path = folder / "picture.jpg"
    image.save(path, quality=quality)
    return look_through(path)[1]


def found_again(greys: list[bytes], variants: list[bytes]) -> float:
    """Return the share of variants that are linked with their original, all pictures being there."""
    linked = set(pairs([*greys, *variants]))
    count = len(greys)
    chains = {frozenset(group) for group in dataset_alike.groups(2 * count, iter(linked))}
    return sum(any({n, n + count} <= chain for chain in chains) for n in range(count)) / count


def main() -> None:
    parser = argparse.ArgumentParser(description="What counts as nearly the same.")
    parser.add_argument("data")
    parser.add_argument("clip")
    options = parser.parse_args()
    items = [item for found in Listing(open_dataset(options.data)).items.values() for item in found]
    greys = [look_through(item.picture)[1] for item in items]
    with tempfile.TemporaryDirectory() as name:
        for words, (change, quality) in CHANGES.items():
            variants = [
                grey_of(change(Image.open(item.picture).convert("RGB")), quality, Path(name))
                for item in items
            ]
            print(f"{words:<32} {found_again(greys, variants):7.1%} found again", flush=True)
        _frames(options.clip, Path(name))
    usual = dataset_alike.MEAN_LIMIT, dataset_alike.MOST_LIMIT
    for factor in FACTORS:
        dataset_alike.MEAN_LIMIT, dataset_alike.MOST_LIMIT = (limit * factor for limit in usual)
        linked = len(list(pairs(greys)))
        print(
            f"limits × {factor:<4} {linked:5d} pairs among the {len(greys)} pictures themselves", flush=True
        )


def _frames(clip: str, folder: Path) -> None:
    import cv2

    capture = cv2.VideoCapture(clip)
    greys = []
    while len(greys) < 300:
        there, frame = capture.read()
        if not there:
            break
        greys.append(grey_of(Image.fromarray(frame[:, :, ::-1]), 90, folder))
    for apart in APART:
        near = [bool(list(pairs([a, b]))) for a, b in zip(greys, greys[apart:], strict=False)]
        if near:
            print(f"frames {apart:>3} apart{'':<15} {np.mean(near):7.1%} are nearly the same", flush=True)


if __name__ == "__main__":
    main()
