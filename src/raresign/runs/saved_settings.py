"""What a run's settings, as run.json holds them, say to whoever reads crops with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raresign.framing.finder import Framing


def saved_framing(info: Mapping[str, Any]) -> Framing:
    """How a run reads crops, by its run.json; runs from before the finder read them whole.

    Example:
        >>> saved_framing({"settings": {"recipe": {"framing": "found"}}}), saved_framing({})
        ('found', 'whole')
    """
    recipe = info.get("settings", {}).get("recipe", {})
    return "found" if recipe.get("framing") == "found" else "whole"
