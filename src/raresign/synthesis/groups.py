"""Groups of effects, and presets in which one of them or all are switched off."""

from __future__ import annotations

from raresign.errors import InputError
from raresign.synthesis.effect import Effect
from raresign.synthesis.effects.geometry import Pose
from raresign.synthesis.effects.scene import Background
from raresign.synthesis.effects.sensor import Sensor
from raresign.synthesis.preset import RoadPreset

GROUPS: dict[str, tuple[str, ...]] = {
    "geometry": ("pose",),
    "surface": ("fading", "dirt", "peeling", "scratches", "stickers", "rust", "dents", "glare"),
    "mounting": ("board", "pole", "neighbour", "sign_behind"),
    "background": ("background",),
    "light": ("light_gradient", "shadow", "specular", "backlight", "night"),
    "weather": ("rain", "snow"),
    "occlusion": ("branches", "post", "sign_before", "frame_edge", "tight_box"),
    "lens": ("motion_blur", "chromatic_aberration"),
    "sensor": ("sensor",),
    "electronics": ("noise", "demosaic", "tone_curve", "sharpening"),
    "file": ("jpeg",),
    "colour": ("sign_exposure", "exposure", "colour_cast", "haze", "saturation"),
}
"""Effects of `RoadPreset` by what they belong to; every effect has one group."""


def without(preset: RoadPreset, group: str) -> RoadPreset:
    """The preset with one group of effects switched off, for ablations.

    What cannot be off becomes plain: the sign stands straight in the middle with the usual margin,
    the sensor has a pixel for each of the crop's, the photo behind becomes one colour, mostly grey.

    Args:
        preset: The preset.
        group: A key of `GROUPS`.

    Raises:
        InputError: There is no such group.

    Example:
        >>> preset = RoadPreset()
        >>> without(preset, "file").jpeg.probability, preset.jpeg.probability
        (0.0, 0.5)
    """
    if group not in GROUPS:
        raise InputError(
            f"no group of effects is called '{group}'", f"use one of {', '.join(GROUPS)}"
        )
    effects = preset.effects()
    return preset.model_copy(update={name: switched_off(effects[name]) for name in GROUPS[group]})


def neutral(preset: RoadPreset) -> RoadPreset:
    """The preset in which nothing happens: a straight, sharp, clean sign on an untouched photo."""
    off = {name: switched_off(effect) for name, effect in preset.effects().items()}
    photo = {"flat": 0.0, "textured": 0.0, "gain": (1.0, 1.0), "contrast": (1.0, 1.0)}
    off["background"] = preset.background.model_copy(update=photo)
    return preset.model_copy(update=off)


def switched_off(effect: Effect) -> Effect:
    """The effect as it is when its group is off; see `without`."""
    if isinstance(effect, Pose):
        still = (0.0, 0.0)
        usual = median(effect.margin)
        straight = dict.fromkeys(("rotation", "tilt", "shear", "stretch", "shift"), still)
        return effect.model_copy(update={**straight, "margin": (usual, usual)})
    if isinstance(effect, Sensor):
        return effect.model_copy(update={"pixels": (4096.0, 4096.0), "blur": (0.0, 0.0)})
    if isinstance(effect, Background):
        plain = {"flat": 1.0, "textured": 0.0, "gain": (1.0, 1.0), "contrast": (0.0, 0.0)}
        return effect.model_copy(update=plain)
    return effect.model_copy(update={"probability": 0.0})


def median(knots: tuple[float, ...]) -> float:
    """The middle of a range."""
    half = len(knots) // 2
    return knots[half] if len(knots) % 2 else (knots[half - 1] + knots[half]) / 2
