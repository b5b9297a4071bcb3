"""What a conversion did to the blocks of each kind, in words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.core.text import QT_TRANSLATE_NOOP

COPIED, FACTORISED, REFITTED, IDENTITY, FRESH = "copied", "factorised", "refitted", "identity", "fresh"
ORIGINS = (COPIED, FACTORISED, REFITTED, IDENTITY, FRESH)
"""How a module got its weights: taken as they were; made of them without looking at data; fitted to pictures so that it
reproduces what the standard module makes; set to pass its input on unchanged; at random."""

_ENDS = QT_TRANSLATE_NOOP(
    "core",
    "The convolutions at both ends were taken over where they have the same shape; what stands inside is new.",
)
_WAYS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("separable", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "Filters and pointwise weights were fitted in turn to what the standard layer makes of the pictures.",
        ),
        ("separable", FACTORISED): QT_TRANSLATE_NOOP(
            "core", "Each kernel was split into the filters and pointwise weights that are nearest to it."
        ),
        ("dwconv", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "The weights inside the groups were fitted to what the standard layer makes of the pictures; what crosses"
            " the groups is lost.",
        ),
        ("dwconv", FACTORISED): QT_TRANSLATE_NOOP(
            "core",
            "The part of each kernel inside the groups was taken over; what crosses the groups is lost.",
        ),
        ("ghost", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "Half of the channels keep their standard kernel, adapted to the pictures; the 5×5 filters that make the"
            " other half from them were fitted.",
        ),
        ("ghost", FACTORISED): QT_TRANSLATE_NOOP(
            "core",
            "Half of the channels keep their standard kernel; the filters that make the other half are random.",
        ),
        ("ghost_c3", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "Its convolutions were fitted one after the other to what the standard module has in their place, the last"
            " one to the whole output.",
        ),
        ("ghost_c3", FACTORISED): _ENDS,
        ("shufflenetv2", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "Filters and last pointwise convolutions were fitted together to the standard output; channels that pass by"
            " stay what they are.",
        ),
        ("mobilenetv3", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "Filters and projection were fitted together to what the standard module adds to the shortcut, or makes"
            " where there is none; all channels are weighed alike.",
        ),
        ("efficientnetv2", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "Up to P3 the first convolution was fitted to the leading directions of what is to be made or added to the"
            " shortcut, from P4 on the filters were; then the projection.",
        ),
        ("lcnet", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "Filters and pointwise convolution were fitted together to the standard output; all channels are weighed"
            " alike.",
        ),
        ("scdown", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "Each output channel got the pointwise row and the filter nearest to its kernel; the filters were then"
            " fitted to the standard output.",
        ),
        ("cib", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "Its convolutions were fitted one after the other to what the standard module has in their place.",
        ),
        ("cib", FACTORISED): _ENDS,
        ("c3k2", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "It took those inner channels of the standard module that weigh most; its convolutions were fitted to them,"
            " the last one to the whole output.",
        ),
        ("c3k2", FACTORISED): _ENDS,
        ("repconv", COPIED): QT_TRANSLATE_NOOP(
            "core", "Exact: both branches together are the standard kernel."
        ),
        ("repconv", REFITTED): QT_TRANSLATE_NOOP(
            "core",
            "The grouped kernel was fitted to what the standard layer makes of the pictures and shared between both"
            " branches.",
        ),
        ("repconv", FACTORISED): QT_TRANSLATE_NOOP(
            "core",
            "The part of each kernel inside the groups was taken over and shared between both branches.",
        ),
    }
)
_ANY: Mapping[str, str] = MappingProxyType(
    {
        COPIED: QT_TRANSLATE_NOOP("core", "Taken over as it was."),
        FACTORISED: QT_TRANSLATE_NOOP("core", "Made from the standard weights without looking at pictures."),
        REFITTED: QT_TRANSLATE_NOOP("core", "Fitted to what the standard module makes of the pictures."),
        IDENTITY: QT_TRANSLATE_NOOP(
            "core", "Its last BatchNorm is zero: the block passes its input on until it is trained."
        ),
        FRESH: QT_TRANSLATE_NOOP(
            "core", "Nothing of the standard module fits into it: its weights are random."
        ),
    }
)


def way_words(block: str, how: str) -> str:
    """Return what was done to the blocks of a kind; to be translated.

    Args:
        block: name of the block kind.
        how: one of `ORIGINS`.
    """
    return _WAYS.get((block, how)) or _ANY.get(how, how)
