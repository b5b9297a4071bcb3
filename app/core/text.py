"""Text without Qt: marks for translation, and numbers as the Studio writes them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import Any

THIN_SPACE = "\u202f"
MINUS = "\u2212"
_SI_UNITS = ("B", "kB", "MB", "GB", "TB")


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:
    """Mark a text for lupdate and return it unchanged; the window translates it when it shows it."""
    return text


class Text(str):
    """An English text that remembers its template, so that the window can say it in its language.

    Args:
        template: English, marked with `QT_TRANSLATE_NOOP`, with `{names}` of the values.
        values: What stands in the braces; texts among them are translated as well.
    """

    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, values: Mapping[str, Value] | None = None) -> Text:
        """Fill the template in."""
        made = super().__new__(cls, filled(template, values or {}))
        made.template, made.values = template, dict(values or {})
        return made


Value = str | int | float
"""What may stand in the braces of a text; a `Text` is translated there."""


def filled(template: str, values: Mapping[str, Value]) -> str:
    """Write values into the braces of a text; without values braces stand for themselves.

    Control characters in values, which may come from foreign files, are shown as escapes: the text stays one line.
    """
    if not values:
        return template
    return template.format(**{name: _visible(value) for name, value in values.items()})


def value_to_json(value: Value) -> Any:
    """Return a value as plain data."""
    if not isinstance(value, Text):
        return value
    return {
        "text": str(value),
        "template": value.template,
        "values": {name: value_to_json(inner) for name, inner in value.values.items()},
    }


def value_from_json(data: Any) -> Value:
    """Read what `value_to_json` made.

    Raises:
        KeyError, AttributeError, TypeError, ValueError, IndexError: it is something else.
    """
    if isinstance(data, str | int | float):
        return data
    return Text(
        str(data["template"]), {name: value_from_json(inner) for name, inner in data["values"].items()}
    )


def _visible(value: Value) -> str | int | float:
    if isinstance(value, int | float):
        return value
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if unicodedata.category(c)[0] != "C" else repr(c)[1:-1] for c in text)


def grouped(value: int) -> str:
    """Write a whole number with thin spaces between thousands: ``1 766 623``."""
    digits = f"{abs(value):,}".replace(",", THIN_SPACE)
    return f"{MINUS}{digits}" if value < 0 else digits


def figure(value: float, digits: int = 3) -> str:
    """Write a number with that many significant digits, never in scientific notation: ``4.12``, ``1 240``."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    decimals = max(digits - 1 - math.floor(math.log10(abs(rounded))), 0)
    text = f"{abs(rounded):,.{decimals}f}".replace(",", THIN_SPACE)
    return f"{MINUS}{text}" if value < 0 else text


def scientific(value: float, decimals: int = 1) -> str:
    """Write a small number by its power of ten, without zeros at its end: ``8e-5``, ``2.5e-5``."""
    mantissa, _, power = f"{value:.{decimals}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa.replace('-', MINUS)}e{int(power)}"


def change(value: float, digits: int = 3) -> str:
    """Write a difference, always with its sign: ``+0.31``, ``−2.4``, ``±0``."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "±0"
    text = figure(value, digits)
    return text if value < 0 else f"+{text}"


def percent_change(before: float, after: float) -> str:
    """Write how a figure changed, in per cent with its sign: ``−63 %``; ``–`` where nothing was before.

    −100 % is written only where nothing is left.
    """
    if not before or not math.isfinite(before) or not math.isfinite(after):
        return "–"
    percent = (after - before) / before * 100
    if percent == 0:
        return f"±0{THIN_SPACE}%"
    if -100 < percent <= -99.5:
        return f"{MINUS}{min(-percent, 99.9):.1f}{THIN_SPACE}%"
    shown = f"{abs(percent):.0f}" if abs(percent) >= 10 else f"{abs(percent):.1f}"
    if float(shown) == 0:
        return f"±0{THIN_SPACE}%"
    return f"{MINUS if percent < 0 else '+'}{shown}{THIN_SPACE}%"


def ratio(value: float) -> str:
    """Write a speed-up: ``1.69×``."""
    return f"{figure(value)}×" if math.isfinite(value) else "–"


def scaled(value: float) -> str:
    """Write a large count with its SI letter: ``2.65 M``, ``4.2 G``; below a thousand as it is."""
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{figure(value / limit)}{THIN_SPACE}{letter}"
    return figure(value)


def size(bytes_: float) -> str:
    """Write a number of bytes in SI units: ``5.31 MB``."""
    value = float(bytes_)
    for unit in _SI_UNITS:
        if abs(value) < 1000 or unit == _SI_UNITS[-1]:
            break
        value /= 1000
    return f"{figure(value)}{THIN_SPACE}{unit}"


def duration(seconds: float) -> str:
    """Write a span of time as a clock does: ``0:08``, ``4:05``, ``1:20:00``."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
