"""One effect at a time on otherwise plain crops: sliders from weak to strong, and examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from raresign.commands.synth.engine import SynthEngine, as_bytes
from raresign.synthesis.effect import Effect
from raresign.synthesis.groups import neutral
from raresign.synthesis.preset import RoadPreset

STEPS = 9
"""Pictures of a slider."""
_LABELS, _NUMBERS = 12, 3
"""Classes and draws among which a slider looks for one that shows its effect."""
_VISIBLE = 0.01
_OTHERS = (0.5, 0.9, 0.1)
"""Quantiles of the effect's other ranges, until the slider is visible: the colour of an edge whose
usual width is 0 is seen on a wide edge only."""
_WIDE = ("board", "pole", "neighbour", "sign_behind", "sign_before")
"""What stands beside the sign is seen with a wide border only."""


def slider_fields(effect: Effect) -> dict[str, tuple[float, ...]]:
    """The ranges of an effect by name; a range of one value is no slider.

    Example:
        >>> from raresign.synthesis.effects.readout import ToneCurve
        >>> slider_fields(ToneCurve())
        {'gamma': (0.7, 1.5)}
    """
    ranges = {name: getattr(effect, name) for name in type(effect).model_fields}
    return {
        name: knots
        for name, knots in ranges.items()
        if isinstance(knots, tuple) and knots[0] < knots[-1]
    }


def slider(engine: SynthEngine, name: str, field: str) -> tuple[npt.NDArray[np.uint8], list[float]]:
    """One of the `slider_fields` of an effect from its low to its high end, everything else plain.

    The sign, the background and what else the effect draws are those of a few on which the
    slider shows most.

    Returns:
        (STEPS, S, S, 3) uint8 or, of whole numbers, one picture for each; and the values.
    """
    effect = _preset(engine).effects()[name]
    knots = slider_fields(effect)[field]
    if isinstance(knots[0], int):
        values = [float(value) for value in range(int(knots[0]), int(knots[1]) + 1)]
    else:
        values = [_quantile(knots, share) for share in np.linspace(0, 1, STEPS)]
    labels = torch.arange(_LABELS).repeat_interleave(_NUMBERS) * len(engine.codes) // _LABELS
    numbers = torch.arange(len(labels))
    most = -1.0
    for quantile in _OTHERS:
        low, high = (
            _render(engine, name, _held(effect, field, end, quantile), labels, numbers)
            for end in (values[0], values[-1])
        )
        change = (high - low).abs().mean((1, 2, 3))
        if change.max() > most:
            most, best, others = float(change.max()), change.argmax()[None], quantile
        if most > _VISIBLE:
            break
    crops = [
        _render(engine, name, _held(effect, field, value, others), labels[best], numbers[best])
        for value in values
    ]
    return as_bytes(torch.cat(crops)), values


def examples(engine: SynthEngine, name: str, count: int) -> npt.NDArray[np.uint8]:
    """(2, count, S, S, 3) uint8 crops without and with one effect as the preset draws it."""
    with_it = _preset(engine).effects()[name].model_copy(update={"probability": 1.0})
    without_it = _plain(engine, name).effects()[name]
    labels = torch.arange(count) * len(engine.codes) // count
    numbers = torch.arange(count) + 1000
    both = [_render(engine, name, effect, labels, numbers) for effect in (without_it, with_it)]
    return as_bytes(torch.cat(both)).reshape(2, count, *([engine.icons.size] * 2), 3)


def _held(effect: Effect, field: str, value: float, others: float) -> Effect:
    """The effect on every crop, one range held at a value, the others at one of their quantiles."""
    changes: dict[str, Any] = {"probability": 1.0}
    for name, knots in _ranges(effect).items():
        at = value if name == field else _quantile(knots, others)
        changes[name] = (round(at),) * 2 if isinstance(knots[0], int) else (at, at)
    return effect.model_copy(update=changes)


def _ranges(effect: Effect) -> dict[str, tuple[float, ...]]:
    values = {name: getattr(effect, name) for name in type(effect).model_fields}
    return {name: knots for name, knots in values.items() if isinstance(knots, tuple)}


def _quantile(knots: tuple[float, ...], share: float) -> float:
    return float(np.interp(share, np.linspace(0, 1, len(knots)), knots))


def _preset(engine: SynthEngine) -> RoadPreset:
    assert isinstance(engine.preset, RoadPreset)
    return engine.preset


def _plain(engine: SynthEngine, name: str) -> RoadPreset:
    """The engine's preset with nothing on it, and room around the sign where `name` needs it."""
    preset = neutral(_preset(engine))
    guard = preset.guard.model_copy(update={"enabled": False})
    margin = (0.7, 0.7) if name in _WIDE else preset.pose.margin
    pose = preset.pose.model_copy(update={"margin": margin})
    return preset.model_copy(update={"guard": guard, "pose": pose})


def _render(
    engine: SynthEngine, name: str, effect: Effect, labels: Tensor, numbers: Tensor
) -> Tensor:
    preset = _plain(engine, name).model_copy(update={name: effect})
    return replace(engine, preset=preset).synthesiser().render(labels, numbers).crops
