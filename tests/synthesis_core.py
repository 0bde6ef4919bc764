"""What the tests of the synthesis core share: draws, noise, small atlases, a preset at rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.signs.countries.drawn_sign import render_sign
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.effect import Effect
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import RoadPreset, load_preset

# Nothing about these is symmetric: a mirrored or swapped axis shows at once.
LOPSIDED = ("1.11.1", "1.20.2", "2.5", "3.24.n60", "4.1.2")

# Signs of every family: what tests of whole engines run on.
# fmt: off
FORTY = (
    "1.1", "1.8", "1.11.1", "1.11.2", "1.16", "1.17", "1.20.2", "1.20.3", "1.22", "2.1", "2.2",
    "2.3.2", "2.3.3", "2.4", "2.5", "3.1", "3.11.n5", "3.13.r4.5", "3.18.1", "3.18.2", "3.20",
    "3.24.n20", "3.24.n40", "3.24.n50", "3.24.n60", "3.25.n40", "3.27", "3.28", "3.31", "4.1.1",
    "4.1.2", "4.1.3", "4.1.4", "4.2.1", "4.2.2", "5.19.1", "5.20", "6.4", "8.3.1", "8.3.2",
)
# fmt: on


def keys(n: int, seed: int = 1) -> CropRandom:
    """Keys of the first crops of a seed."""
    return CropRandom.from_seed(seed, torch.arange(n))


def uniform(n: int, effect: Effect | type[Effect], seed: int = 1) -> Tensor:
    """(n, draws) what an effect's `sample` reads."""
    return keys(n, seed).uniform(0.0, 1.0, effect.draws)


def noise(n: int, channels: int = 3, size: int = 24, seed: int = 99) -> Tensor:
    """(n, channels, size, size) reproducible white noise in [0, 1)."""
    return keys(n, seed).uniform(0.0, 1.0, channels, size, size)


def layers(n: int, size: int = 24) -> Tensor:
    """(n, 4, size, size) premultiplied layers of noise."""
    pictures = noise(n, 4, size)
    pictures[:, :3] *= pictures[:, 3:]
    return pictures


def plates(n: int, size: int = 24, reach: float = 1.3) -> Tensor:
    """(n, size, size, 2) plate coordinates of upright plates, each a little off and turned."""
    steps = (torch.arange(size) * 2 + 1) / size - 1
    across = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), 2) * reach
    turn = 0.13 * torch.arange(n) - 0.3
    rows = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], 1).view(n, 1, 2, 2)
    return (across.view(1, 1, -1, 2) @ rows).view(n, size, size, 2) + turn[:, None, None, None] / 5


def icon_pictures(codes: tuple[str, ...], side: int) -> list[np.ndarray]:
    """(side, side, 4) uint8 straight RGBA, squashed to squares."""
    drawn = [Image.fromarray(render_sign(code, side)).resize((side, side)) for code in codes]
    return [np.asarray(icon) for icon in drawn]


def icon_atlas(size: int, codes: tuple[str, ...] = LOPSIDED) -> IconAtlas:
    """Embedded signs at twice the crop's size, as `from_catalogue` draws them."""
    return IconAtlas.from_pictures(icon_pictures(codes, 2 * size), codes, size)


def background_atlas(size: int, count: int = 3) -> BackgroundAtlas:
    """Procedural photos."""
    return BackgroundAtlas.from_pictures(procedural_backgrounds(count, seed=2), size)


def at_rest(**changes: dict[str, Any]) -> RoadPreset:
    """The road preset with every effect off or without effect, but for these changes."""
    values: dict[str, Any] = {name: {"probability": 0.0} for name in RoadPreset().effects()}
    zero = [0.0, 0.0]
    values["pose"] = dict.fromkeys(
        ("rotation", "tilt", "shear", "stretch", "margin", "shift"), zero
    )
    values["background"] = {"flat": 0, "textured": 0, "gain": [1, 1], "contrast": [1, 1]}
    values["sensor"] = {"pixels": [4096, 4096], "blur": zero, "cubic": zero}
    values["guard"] = {"enabled": False}
    for name, change in changes.items():
        switched_on = {"probability": 1.0} if "probability" in values[name] else {}
        values[name] = {**values[name], **switched_on, **change}
    preset = load_preset(values)
    assert isinstance(preset, RoadPreset)
    return preset
