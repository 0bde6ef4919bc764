"""The recall that a run's training forecast for the classes that nobody photographed."""

from __future__ import annotations

import math
from typing import Any

from raresign.evaluation.intervals import Estimate
from raresign.signs.values import in_order


def predicted_recall(info: dict[str, Any]) -> dict[str, Estimate]:
    """Class code -> predicted recall with its 90 % interval, by code; empty without a forecast.

    Args:
        info: What run.json holds; entries that are not three numbers are left out.

    Example:
        >>> predicted_recall({"forecast": {"1.10": [0.3, 0.1, 0.6], "1.2": [0.7, 0.4, 0.9]}})["1.2"]
        Estimate(value=0.7, low=0.4, high=0.9, n=1)
        >>> predicted_recall({"forecast": None})
        {}
    """
    forecast = info.get("forecast")
    found = {}
    for code, told in forecast.items() if isinstance(forecast, dict) else ():
        try:
            value, low, high = map(float, told)
        except (TypeError, ValueError):
            continue
        if all(map(math.isfinite, (value, low, high))):
            found[str(code)] = Estimate(value, low, high, n=1)
    return {code: found[code] for code in sorted(found, key=in_order)}
