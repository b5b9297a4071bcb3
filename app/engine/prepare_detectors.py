"""Makes detectors ready for a comparison before anybody presses Play: converted, quantised, kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.latency_forms import fast_forms
from app.core.runtime_table import resolve
from app.engine import model_cache
from app.engine.detector import common_runtime
from app.engine.quantise import calibration_for
from app.engine.runtime_files import is_runtime_file, open_runtime_file


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Convert what is not yet: the engine job "detectors.prepare".

    A converted detector is kept, so that a comparison starts at once. What cannot be converted says so when the
    comparison starts, where it is asked for.

    Args:
        request: {"weights": paths, "runtime", "precision", "device"}, as `Detector.load` takes them.
        channel: Told how far it is; asked whether to stop between two detectors.

    Returns:
        {"converted": how many were made now}
    """
    paths = [Path(str(path)) for path in request["weights"]]
    runtime = common_runtime(paths, str(request.get("runtime", "auto")))
    precision, device = str(request.get("precision", "auto")), str(request.get("device", "auto"))
    choice, made = resolve(runtime, precision, device), 0
    for number, path in enumerate(paths):
        channel.progress(number / len(paths), path.name)
        if channel.cancelled:
            break
        if is_runtime_file(path):
            open_runtime_file(path)
            continue
        if choice.runtime not in model_cache.CONVERTED:
            continue
        forms = fast_forms(choice.runtime, choice.precision, choice.device)
        data = calibration_for(path, choice, None)
        if model_cache.find(path, choice.runtime, forms, data) is None:
            model_cache.converted(path, choice.runtime, forms, data)
            made += 1
    return {"converted": made}
