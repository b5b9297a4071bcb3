"""The presets' names for people, and menus of them: to take one, or to compare with one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMenu

from app.core.cost import compare_cost
from app.core.presets import preset, preset_names, preset_summary
from app.core.text import QT_TRANSLATE_NOOP, percent_change
from app.ui.text import translated

_CELLS = 10
"""Input size, in cells, at which the savings are told; their shares hardly depend on it."""

_WORDS = {
    "separable": QT_TRANSLATE_NOOP("DesignPresets", "All 3×3 separable"),
    "backbone": QT_TRANSLATE_NOOP("DesignPresets", "Backbone separable"),
    "neck": QT_TRANSLATE_NOOP("DesignPresets", "Neck separable"),
    "head": QT_TRANSLATE_NOOP("DesignPresets", "Head separable"),
    "head-classes": QT_TRANSLATE_NOOP("DesignPresets", "Head classes separable"),
    "ghost": QT_TRANSLATE_NOOP("DesignPresets", "Ghost"),
    "shufflenetv2": QT_TRANSLATE_NOOP("DesignPresets", "ShuffleNetV2 backbone"),
    "mobilenetv3": QT_TRANSLATE_NOOP("DesignPresets", "MobileNetV3 backbone"),
    "efficientnetv2": QT_TRANSLATE_NOOP("DesignPresets", "EfficientNetV2 backbone"),
    "seed": QT_TRANSLATE_NOOP("DesignPresets", "Seed recipe (stride-2 layers grouped)"),
    "balanced": QT_TRANSLATE_NOOP("DesignPresets", "Balanced"),
    "smallest": QT_TRANSLATE_NOOP("DesignPresets", "Smallest"),
    "": QT_TRANSLATE_NOOP("DesignPresets", "Standard model"),
}


def preset_words(name: str) -> str:
    """Return a preset's name for people; "" is the standard model."""
    return QCoreApplication.translate("DesignPresets", _WORDS[name]) if name in _WORDS else name


def fill_presets(menu: QMenu, base: str, choose: Callable[[str], object]) -> None:
    """Add the presets that change something on a base model, and the standard model, to a menu."""
    for name in (*preset_names(base), ""):
        if not name:
            menu.addSeparator()
        action = menu.addAction(
            f"{preset_words(name)}\t{_saving(name, base)}" if name else preset_words(name)
        )
        action.setObjectName(f"preset_{name or 'standard'}")
        words = QCoreApplication.translate("DesignPresets", "Undoes every replacement.")
        action.setToolTip(translated(preset_summary(name)) if name else words)
        slot = partial(choose, name)
        action.triggered.connect(lambda _checked=False, slot=slot: slot())


@lru_cache(maxsize=256)
def _saving(name: str, base: str) -> str:
    """Return what a preset saves on a base model: "−48 % GFLOPs"."""
    design = preset(name, base)
    table = compare_cost(design, _CELLS * design.architecture.cell)
    return f"{percent_change(table.standard.flops, table.lightweight.flops)} GFLOPs"
