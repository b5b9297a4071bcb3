"""Numbers written into pictures as a row of black and white squares that survive compression."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BITS = 16
CELL = 16

Image = npt.NDArray[np.uint8]


def draw_number(image: Image, number: int) -> None:
    """Write a number along the upper edge of a picture at least 256 pixels wide."""
    for bit in range(BITS):
        image[:CELL, bit * CELL : (bit + 1) * CELL] = 255 if number >> bit & 1 else 0


def read_number(image: Image) -> int:
    """Read the number back from the middle of each square."""
    number = 0
    for bit in range(BITS):
        cell = image[4 : CELL - 4, bit * CELL + 4 : (bit + 1) * CELL - 4]
        number |= int(cell.mean() > 127) << bit
    return number
