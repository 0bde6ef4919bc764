"""The forecast of recall that comes with the package, learned by `raresign protocol`."""

from __future__ import annotations

import json
from importlib import resources

from raresign.recognition import Forecast


def known_forecast() -> Forecast | None:
    """The packaged forecast, None if the package has none."""
    file = resources.files("raresign.workflow") / "forecast.json"
    if not file.is_file():
        return None
    return Forecast.from_dict(json.loads(file.read_text(encoding="utf-8"))["forecast"])
