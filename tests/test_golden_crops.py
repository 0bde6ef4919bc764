"""Crops of a published seed stay what they are; of the core alone, so that new effects may come."""

from __future__ import annotations

import pytest
import torch

from raresign.synthesis import RoadPreset, build_synthesiser, load_preset
from synthesis_core import at_rest, background_atlas, icon_atlas

SIZE = 32


def core() -> RoadPreset:
    """Ranges of its own: the shipped preset may be tuned."""
    return at_rest(
        pose={
            "rotation": [-8, 8],
            "tilt": [-30, 0, 30],
            "shear": [-0.05, 0.05],
            "stretch": [-0.1, 0.1],
            "margin": [0, 0.2],
            "shift": [-0.08, 0.08],
        },
        fading={ink: [0, 0.2, 0.6] for ink in ("red", "blue", "yellow", "white", "black")},
        sign_exposure={"gain": [0.6, 1.2]},
        background={
            "flat": 0.2,
            "textured": 0.2,
            "gain": [0.5, 1.8],
            "contrast": [0.8, 2],
            "roughness": [0.05, 0.4],
        },
        motion_blur={"probability": 0.5, "length": [0.01, 0.04], "angle": [0, 3.14]},
        chromatic_aberration={"probability": 0.5, "shift": [0, 0.02], "angle": [0, 6.28]},
        sensor={"pixels": [10, 20, 32], "blur": [0.2, 0.7], "cubic": [0, 1]},
        exposure={"gain": [0.6, 1.3]},
        colour_cast={"warmth": [-0.2, 0, 0.2], "tint": [-0.1, 0.1]},
        haze={"probability": 0.5, "contrast": [0.5, 1], "veil": [0.1, 0.9], "warmth": [-0.1, 0.1]},
        saturation={"amount": [0.5, 1.3]},
        noise={"read": [0, 0.02], "shot": [0, 0.03], "colour": [0, 0.5]},
        demosaic={"probability": 0.5, "softness": [0, 1]},
        tone_curve={"probability": 0.5, "gamma": [0.7, 1.5]},
        sharpening={"probability": 0.5, "amount": [0, 1]},
        jpeg={"probability": 0.5, "quality": [30, 95]},
    )


# Mean red, green and blue of each crop, and its standard deviation.
ROAD = (
    (0.3193, 0.2852, 0.3453, 0.2135),
    (0.4342, 0.4831, 0.4186, 0.1282),
    (0.6537, 0.5702, 0.5879, 0.0917),
    (0.4799, 0.3689, 0.4093, 0.2172),
    (0.4867, 0.5901, 0.6502, 0.1249),
    (0.4977, 0.4724, 0.4682, 0.0957),
    (0.3602, 0.3584, 0.4064, 0.0695),
    (0.3288, 0.2381, 0.2318, 0.0743),
    (0.3326, 0.3105, 0.3095, 0.1062),
    (0.2269, 0.3100, 0.4607, 0.1617),
)
REFERENCE = (
    (0.4290, 0.3849, 0.4011, 0.1301),
    (0.4027, 0.3641, 0.3794, 0.1177),
    (0.3693, 0.3064, 0.3211, 0.1165),
    (0.3791, 0.3433, 0.3516, 0.0583),
    (0.2510, 0.3469, 0.4255, 0.1063),
    (0.4017, 0.3862, 0.4009, 0.1128),
    (0.4010, 0.3750, 0.3895, 0.1060),
    (0.3694, 0.2511, 0.2652, 0.1108),
    (0.4104, 0.3672, 0.2828, 0.1746),
    (0.2621, 0.3358, 0.3179, 0.1374),
)


@pytest.mark.parametrize(("name", "golden"), [("road", ROAD), ("reference", REFERENCE)])
def test_the_crops_of_a_seed_stay_what_they_are(
    name: str, golden: tuple[tuple[float, ...], ...]
) -> None:
    preset = core() if name == "road" else load_preset(name)
    engine = build_synthesiser(preset, icon_atlas(SIZE), background_atlas(SIZE, 2), seed=2024)
    crops = engine.render(torch.arange(10) % 5, torch.arange(10)).crops
    found = torch.cat([crops.mean((2, 3)), crops.flatten(1).std(1, keepdim=True)], 1)
    expected = torch.tensor(golden)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-3
