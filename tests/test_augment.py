"""The jitter of real crops: in range, each crop by its own key, and still the same sign."""

from __future__ import annotations

import torch
from torch import Tensor

from raresign.synthesis.augment import Augmentation
from raresign.synthesis.effects.colour import ColourCast, Exposure, Haze, Saturation
from raresign.synthesis.effects.geometry import Pose
from raresign.synthesis.effects.occlusion import TightBox
from raresign.synthesis.effects.readout import Noise
from raresign.synthesis.effects.sensor import Sensor
from raresign.synthesis.icon_atlas import IconAtlas
from synthesis_core import icon_atlas, keys, noise


def on_grey(icons: IconAtlas, size: int) -> Tensor:
    signs = torch.stack([icons.icon(row, size) for row in range(len(icons.codes))])
    return signs[:, :3] + 0.5 * (1 - signs[:, 3:])


def test_jittered_crops_are_in_range_and_know_no_batch() -> None:
    crops = noise(9, size=32)
    before = crops.clone()
    jittered = Augmentation()(crops, keys(9))
    assert jittered.shape == crops.shape
    assert 0 <= jittered.min() <= jittered.max() <= 1
    assert torch.equal(crops, before)
    rows = torch.tensor([6, 2])
    part = Augmentation()(crops[rows], keys(9).take(rows))
    assert (part - jittered[rows]).abs().max() <= 1e-4
    assert torch.equal(Augmentation()(crops, keys(9)), jittered)
    assert ((Augmentation()(crops, keys(9, seed=2)) - jittered).abs().mean((1, 2, 3)) > 0.01).all()


def test_jitter_keeps_the_picture() -> None:
    """Jitter, not ruin: a crop is still most like itself."""
    crops = on_grey(icon_atlas(32, ("3.24.n60", "4.1.1", "2.5", "1.11.1")), 32)
    labels = torch.arange(200) % len(crops)
    jittered = Augmentation()(crops[labels], keys(200)).mean(1).flatten(1)
    scores = torch.corrcoef(torch.cat([jittered, crops.mean(1).flatten(1)]))[:200, 200:]
    assert (scores.argmax(1) == labels).double().mean() > 0.95


def test_jitter_of_nothing_is_nothing() -> None:
    zero = (0.0, 0.0)
    still = Augmentation(
        pose=Pose(
            **dict.fromkeys(("rotation", "tilt", "shear", "stretch", "margin", "shift"), zero)
        ),
        exposure=Exposure(gain=(1, 1)),
        colour_cast=ColourCast(warmth=zero, tint=zero),
        haze=Haze(probability=0),
        saturation=Saturation(amount=(1, 1)),
        sensor=Sensor(pixels=(32, 32), blur=zero),
        noise=Noise(read=zero, shot=zero),
        tight_box=TightBox(probability=0),
    )
    crops = on_grey(icon_atlas(32), 32)
    assert (still(crops, keys(5)) - crops).abs().mean() < 0.01  # the lens is never quite sharp


def test_a_crop_without_rows_is_no_problem() -> None:
    assert Augmentation()(noise(0), keys(0)).shape == (0, 3, 24, 24)
