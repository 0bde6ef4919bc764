"""The published generator picture by picture in Pillow: oracle of tests, peer of benchmarks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter


def draw_parameters(rng: np.random.Generator) -> dict[str, float]:
    """Draw what the generator draws before it knows the rotated size; the rest are shares."""
    side = int(rng.integers(16, 129))
    return {
        "side": side,
        "padding": int(rng.integers(0, int(side * 0.15) + 1)),
        "angle": int(rng.integers(-15, 16)),
        "brightness": float(rng.uniform(0.5, 0.8)),
        "grow_x": float(rng.uniform()),
        "grow_y": float(rng.uniform()),
        "left": float(rng.uniform()),
        "top": float(rng.uniform()),
    }


def icon_layer(icon: Image.Image, parameters: Mapping[str, float]) -> Image.Image:
    """Resize, pad, rotate, blur twice and darken an RGBA icon of any size.

    Args:
        icon: The icon.
        parameters: `side` and `padding` in pixels, `angle` in degrees counter-clockwise and
            `brightness`.
    """
    side, padding = int(parameters["side"]), int(parameters["padding"])
    small = icon.resize((side, side), Image.Resampling.LANCZOS)
    padded = Image.new("RGBA", (side + padding, side + padding), (255, 255, 255, 0))
    padded.paste(small, (padding // 2, padding // 2))
    turned = padded.rotate(parameters["angle"], resample=Image.Resampling.BICUBIC, expand=True)
    blurred = turned.filter(ImageFilter.BoxBlur(1)).filter(ImageFilter.GaussianBlur(2))
    return ImageEnhance.Brightness(blurred).enhance(parameters["brightness"])


def paste_on(
    layer: Image.Image, background: Image.Image, grow: tuple[int, int], corner: tuple[int, int]
) -> Image.Image:
    """Squash the whole background to the layer's size plus `grow` pixels and paste at `corner`."""
    scene = background.resize((layer.width + grow[0], layer.height + grow[1]))
    scene.paste(layer, corner, layer)
    return scene.convert("RGB")


def reference_crop(
    icon: Image.Image, background: Image.Image, rng: np.random.Generator
) -> Image.Image:
    """One RGB crop at its own size, of an RGBA icon and an RGBA photo of any size."""
    parameters = draw_parameters(rng)
    layer = icon_layer(icon, parameters)
    room = int(layer.width * 0.15)
    grow = (round(parameters["grow_x"] * room), round(parameters["grow_y"] * room))
    corner = (round(parameters["left"] * grow[0]), round(parameters["top"] * grow[1]))
    return paste_on(layer, background, grow, corner)
