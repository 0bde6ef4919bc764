"""The sliders of the page "Add a sign": each turns some effects of the synthetic crops.

A slider goes from 0, nothing of it, to 100, the most that training shows; without a turn the
effects come as in training, some of this and some of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raresign.language.spoken import later

MOST = 100


@dataclass(frozen=True)
class Slider:
    """One slider.

    Args:
        name: In addresses.
        title: For people, marked with `later`.
        ends: What stands at its two ends, likewise.
        ranges: Effect -> range -> whether the effect is strongest at its high end.
        gone: Effects that are off on all crops while the slider is at 0.
    """

    name: str
    title: str
    ends: tuple[str, str]
    ranges: Mapping[str, Mapping[str, bool]]
    gone: tuple[str, ...] = ()


SLIDERS = (
    Slider(
        "far",
        later("Distance"),
        (later("near"), later("far")),
        {"sensor": {"pixels": False, "blur": True}},
    ),
    Slider(
        "turned",
        later("Angle"),
        (later("straight"), later("aslant")),
        {"pose": {"tilt": True, "rotation": True}},
    ),
    Slider(
        "moved",
        later("Motion"),
        (later("still"), later("fast")),
        {"motion_blur": {"length": True}},
        ("motion_blur",),
    ),
    Slider(
        "dirty",
        later("Dirt and fading"),
        (later("new"), later("worn")),
        {
            "dirt": {"coverage": True, "opacity": True},
            "fading": {"red": True, "blue": True, "yellow": True, "white": True, "black": True},
        },
        ("dirt",),
    ),
    Slider(
        "dark",
        later("Light"),
        (later("day"), later("night")),
        {"night": {"ambient": False}},
        ("night",),
    ),
    Slider(
        "covered",
        later("Branches"),
        (later("free"), later("covered")),
        {"branches": {"cover": True}},
        ("branches",),
    ),
    Slider(
        "wet",
        later("Rain"),
        (later("dry"), later("heavy")),
        {"rain": {"density": True, "strength": True}},
        ("rain",),
    ),
)


def turned(preset: Any, turns: Mapping[str, int]) -> Any:
    """A preset with some sliders turned.

    Args:
        preset: A `RoadPreset`.
        turns: Name of a slider -> 0..100; a slider that is missing leaves its effects as they are.

    Example:
        >>> import raresign
        >>> road = raresign.load_preset("road")
        >>> turned(road, {"far": 100}).sensor.pixels, turned(road, {"wet": 0}).rain.probability
        ((11.0, 11.0), 0.0)
        >>> turned(road, {}) == road
        True
    """
    changes: dict[str, Any] = {}
    for slider in SLIDERS:
        if slider.name not in turns:
            continue
        share = min(max(turns[slider.name], 0), MOST) / MOST
        for name, ranges in slider.ranges.items():
            effect = getattr(preset, name)
            if share == 0 and name in slider.gone:
                changes[name] = effect.model_copy(update={"probability": 0.0})
                continue
            held = {
                field: _held(getattr(effect, field), share if rises else 1 - share)
                for field, rises in ranges.items()
            }
            changes[name] = effect.model_copy(update={"probability": 1.0, **held})
    return preset.model_copy(update=changes)


def _held(knots: tuple[float, ...], share: float) -> tuple[float, ...]:
    """A range held at a share of its way; one on both sides of 0 keeps both.

    Example:
        >>> _held((0.0, 0.2, 1.0), 0.25), _held((-30.0, 0.0, 30.0), 1.0)
        ((0.1, 0.1), (-30.0, 30.0))
    """
    if knots[0] < 0 < knots[-1] and len(knots) > 2:
        return (knots[0] * share, knots[-1] * share)
    place = share * (len(knots) - 1)
    low = min(int(place), len(knots) - 2)
    value = knots[low] + (place - low) * (knots[low + 1] - knots[low])
    return (value, value)
