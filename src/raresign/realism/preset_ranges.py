"""From a preset to its ranges and probabilities and back, whatever effects it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from raresign.errors import InputError
from raresign.realism.proposal import Knots, Proposal
from raresign.synthesis.preset import RoadPreset, load_preset

_FURTHER = 1.5


def preset_proposal(preset: RoadPreset, params: Mapping[str, Tensor]) -> Proposal:
    """The ranges and probabilities of a preset that can be fitted.

    A value counts if the record of the draws has it under the name of a range with a width; a
    probability if it is neither 0 nor 1. What is switched off stays off, what is fixed stays fixed.

    Args:
        preset: Any.
        params: `SyntheticBatch.params` of a batch that was made with it.

    Example:
        >>> import torch
        >>> sensor = {"blur": (0.2, 0.8), "cubic": (1, 1)}
        >>> preset = RoadPreset(sensor=sensor, haze={"probability": 0.2})
        >>> ones = torch.ones(2)
        >>> drawn = {"sensor.blur": torch.rand(2), "sensor.cubic": ones, "haze": ones}
        >>> found = preset_proposal(preset, drawn)
        >>> found.ranges, found.probabilities
        ({'sensor.blur': (0.2, 0.8)}, {'haze': 0.2})
    """
    ranges: dict[str, Knots] = {}
    probabilities: dict[str, float] = {}
    for name in params:
        effect_name, _, field = name.partition(".")
        effect = getattr(preset, effect_name, None)
        if effect is None:
            continue
        value: Any = getattr(effect, field or "probability", None)
        if not field:
            if 0 < value < 1:
                probabilities[name] = value
        elif _is_range(value) and effect.probability > 0:
            ranges[name] = tuple(map(float, value))
    return Proposal(ranges, probabilities)


def with_proposal(preset: RoadPreset, proposal: Proposal) -> RoadPreset:
    """The preset with other ranges and probabilities.

    Raises:
        InputError: A range is not possible.

    Example:
        >>> with_proposal(RoadPreset(), Proposal({"sensor.blur": (0.1, 0.2)}, {})).sensor.blur
        (0.1, 0.2)
    """
    values: dict[str, Any] = preset.model_dump(mode="json")
    for name, knots in proposal.ranges.items():
        effect, _, field = name.partition(".")
        values[effect][field] = list(knots)
    for effect, probability in proposal.probabilities.items():
        values[effect]["probability"] = probability
    chosen = load_preset(values)
    assert isinstance(chosen, RoadPreset)
    return chosen


def reachable(preset: RoadPreset, name: str, knots: Knots, low: bool) -> float:
    """How far one end of a range may be moved, less where the preset forbids it.

    The high end may go beyond the 90 % quantile by 1.5 times that quantile's distance from the
    median; if it is there already, it stays. The low end of positive values does the same in their
    ratios, and one at 0 stays there.

    Args:
        preset: Knows what is possible.
        name: "effect.field".
        knots: The range as it stands.
        low: The low end, else the high one.

    Example:
        >>> reachable(RoadPreset(), "sensor.blur", (0.5, 1.0), low=False)
        1.25
        >>> reachable(RoadPreset(), "sensor.cubic", (0.0, 1.0), low=False)
        1.0
    """
    edge, middle = np.quantile(knots, [0.1 if low else 0.9, 0.5]).tolist()
    old = knots[0] if low else knots[-1]
    for share in (1.0, 0.5, 0.25):
        if low and knots[0] >= 0:
            end = edge * (edge / middle) ** (_FURTHER * share) if middle > 0 else 0.0
            end = min(old, end) if knots[0] > 0 else old
        else:
            end = edge + _FURTHER * share * (edge - middle)
            end = min(old, end) if low else max(old, end)
        tried = (end, *knots[1:]) if low else (*knots[:-1], end)
        try:
            with_proposal(preset, Proposal({name: tried}, {}))
        except InputError:
            continue
        return _significant(end)
    return old


def rounded(proposal: Proposal, names: Iterable[str]) -> Proposal:
    """Four significant digits for these names: what stands in a YAML file.

    Example:
        >>> rounded(Proposal({"a.b": (1 / 3, 2 / 3)}, {}), ["a.b"]).ranges["a.b"]
        (0.3333, 0.6667)
    """
    chosen = set(names)
    ranges = {
        name: tuple(map(_significant, knots)) if name in chosen else knots
        for name, knots in proposal.ranges.items()
    }
    probabilities = {
        name: _significant(value) if name in chosen else value
        for name, value in proposal.probabilities.items()
    }
    return Proposal(ranges, probabilities, proposal.mix)


def _is_range(value: object) -> bool:
    if not isinstance(value, tuple) or len(value) < 2:
        return False
    # Whole numbers (how many scratches) have no quantiles between them: they stay.
    return all(isinstance(part, float) for part in value) and value[0] < value[-1]


def _significant(value: float) -> float:
    return float(f"{value:.4g}")
