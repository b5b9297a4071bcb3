"""The pictures of a run for the window: decoded and encoded anew here, for a run folder may come from anybody."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from app.core.run_pictures import FOLDER, MOST_BATCHES, MOST_PICTURES, batch_file, val_file

_SIDE = 640


def run_job(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Send a run's pictures.

    Args:
        request: {"run": folder}.
        channel: Takes {"event": "picture", "kind": "val" or "batch", "number", "jpeg": base64}.

    Returns:
        {"pictures": how many}.
    """
    from app.engine.pictures import PictureError, thumbnail_jpeg

    folder = Path(str(request["run"])) / FOLDER
    wanted = [("val", number, val_file(number)) for number in range(MOST_PICTURES)]
    wanted += [("batch", number, batch_file(number)) for number in range(MOST_BATCHES)]
    sent = 0
    for kind, number, name in wanted:
        path = folder / name
        if channel.cancelled or not path.is_file():
            continue
        try:
            jpeg = thumbnail_jpeg(path, _SIDE)
        except PictureError:
            continue
        text = base64.b64encode(jpeg).decode("ascii")
        channel.emit({"event": "picture", "kind": kind, "number": number, "jpeg": text})
        sent += 1
    return {"pictures": sent}
