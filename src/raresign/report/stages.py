"""The stages of a run beside those of the published system."""

from __future__ import annotations

from typing import Any, NamedTuple

from raresign.evaluation.predictions import GROUPS
from raresign.language.spoken import later


class PublishedStage(NamedTuple):
    """One stage of the published system; recalls are shares in [0, 1], None = not published."""

    name: str
    all: float | None
    rare: float | None
    freq: float | None
    note: str


PUBLISHED_STAGES = (
    PublishedStage("1 · pretrain", None, 0.0, 0.85, later("frequent real crops only")),
    PublishedStage(
        "3 · synthetic", 0.678, 0.521, 0.700, later("205,000 synthetic crops, 5 epochs")
    ),
    PublishedStage("4 · metric", None, None, None, later("never finished")),
)
"""Figures as read from the description of the published system."""

PUBLISHED_STEP_SECONDS = 10.83
"""Time of one metric-learning step of the published system."""

PUBLISHED_EPOCH_SECONDS = 6 * 3600 + 41 * 60
"""Time of one metric-learning epoch of the published system (284,896 crops)."""

_MEASURED = ("pseudo_rare_recall", "steps", "seconds", "crops_per_second", "synthetic_refused")


def stage_rows(info: dict[str, Any]) -> list[dict[str, Any]]:
    """The stages of run.json: name, kind and figures; None for what is not a number.

    Example:
        >>> row, = stage_rows({"stages": [{"name": "mixed", "test": {"rare": 0.7}, "steps": "?"}]})
        >>> row["name"], row["rare"], row["freq"], row["steps"]
        ('mixed', 0.7, None, None)
    """
    stages = info.get("stages")
    rows = []
    for stage in stages if isinstance(stages, list) else []:
        if isinstance(stage, dict):
            test = stage.get("test")
            recalls = test if isinstance(test, dict) else {}
            row = {"name": str(stage.get("name", "?")), "kind": str(stage.get("kind", ""))}
            figures: dict[str, Any] = {group: recalls.get(group) for group in GROUPS}
            figures |= {key: stage.get(key) for key in _MEASURED}
            rows.append(row | {key: _number(value) for key, value in figures.items()})
    return rows


def _number(value: Any) -> float | None:
    """A number, or None for anything else."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
