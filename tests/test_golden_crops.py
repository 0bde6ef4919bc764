"""Crops of a published seed stay what they are; of the core alone, so that new effects may come."""

from __future__ import annotations

import pytest
import torch

from raresign.synthesis.preset import RoadPreset, load_preset
from raresign.synthesis.synthesiser import build_synthesiser
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
    (0.3189, 0.2993, 0.3621, 0.2243),
    (0.4324, 0.4838, 0.4191, 0.1276),
    (0.6522, 0.5601, 0.5766, 0.0906),
    (0.4728, 0.3616, 0.4032, 0.2171),
    (0.4867, 0.5897, 0.6523, 0.1262),
    (0.5044, 0.4864, 0.4863, 0.0902),
    (0.3570, 0.3594, 0.4081, 0.0684),
    (0.3277, 0.2309, 0.2241, 0.0739),
    (0.3295, 0.3072, 0.3061, 0.1060),
    (0.2254, 0.3091, 0.4604, 0.1615),
)
REFERENCE = (
    (0.4282, 0.3961, 0.4115, 0.1333),
    (0.3958, 0.3682, 0.3829, 0.1156),
    (0.3685, 0.3014, 0.3164, 0.1193),
    (0.3749, 0.3388, 0.3470, 0.0570),
    (0.2496, 0.3460, 0.4251, 0.1065),
    (0.4006, 0.3938, 0.4080, 0.1153),
    (0.3952, 0.3793, 0.3931, 0.1021),
    (0.3681, 0.2438, 0.2583, 0.1146),
    (0.4068, 0.3637, 0.2793, 0.1741),
    (0.2611, 0.3351, 0.3175, 0.1372),
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
