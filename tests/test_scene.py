"""What stands behind and beside the sign: shares, colours, contrast, light; other signs' places."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from raresign.synthesis.effect import Params
from raresign.synthesis.effects.scene import Background, OtherSign, with_other_sign
from raresign.synthesis.icon_atlas import IconAtlas
from synthesis_core import icon_atlas, noise, uniform

SIZE = 16
STILL = {"gain": (1.0, 1.0), "contrast": (1.0, 1.0)}


def scenes(background: Background, n: int = 300) -> tuple[Tensor, Tensor, Params]:
    """Scenes, the photos that they were made from, what was drawn."""
    photos = noise(n, size=SIZE) * 0.5 + 0.2
    params = background.sample(uniform(n, background))
    return background.scene(photos.clone(), params), photos, params


# --- backgrounds -------------------------------------------------------------------------------


@pytest.mark.parametrize(("flat", "textured"), [(0, 0), (1, 0), (0, 1), (0.3, 0.3), (0.7, 0.7)])
def test_each_kind_has_its_share(flat: float, textured: float) -> None:
    seen, photos, _ = scenes(Background(flat=flat, textured=textured, **STILL), 1500)
    is_flat = seen.flatten(2).std(2).amax(1) < 1e-5
    is_photo = (seen - photos).abs().amax((1, 2, 3)) < 1e-5
    assert not (is_flat & is_photo).any()
    assert float(is_flat.double().mean()) == pytest.approx(flat, abs=0.04)
    assert float(is_photo.double().mean()) == pytest.approx(max(0, 1 - flat - textured), abs=0.04)


def test_the_recorded_kind_tells_what_was_shown() -> None:
    seen, photos, params = scenes(Background(flat=0.3, textured=0.2, **STILL))
    kind = params["kind"]
    is_photo = (seen - photos).abs().amax((1, 2, 3)) < 1e-5
    assert torch.equal(is_photo, kind >= 0.5)
    flat = kind < 0.3
    colour = params["colours"][flat, 0][..., None, None].expand(-1, -1, SIZE, SIZE)
    assert (seen[flat] - colour).abs().max() < 1e-5


def test_a_texture_has_two_colours_and_what_lies_between() -> None:
    seen, _, params = scenes(Background(flat=0, textured=1, **STILL))
    low, high = params["colours"].aminmax(dim=1)
    assert (seen >= low[..., None, None] - 1e-4).all()
    assert (seen <= high[..., None, None] + 1e-4).all()
    first, second = params["colours"].unbind(1)
    apart = (first - second).norm(dim=1) > 0.3
    ends = torch.stack([first, second], 1)[..., None, None]
    nearest = (seen[:, None] - ends).norm(dim=2).amin(1)[apart]
    assert (nearest < 1e-3).double().mean() > 0.4  # most of it is one or the other
    assert seen[apart].flatten(2).std(2).amax(1).gt(0.02).double().mean() > 0.9


def test_roughness_is_the_scale_of_the_texture() -> None:
    steps = []
    for side in (0.05, 0.2, 0.8):
        made, _, _ = scenes(Background(flat=0, textured=1, roughness=(side, side), **STILL))
        steps.append(float(made.diff(dim=3).abs().mean()))
    assert steps[0] < 0.7 * steps[1] < 0.7 * 0.9 * steps[2]


@pytest.mark.parametrize("contrast", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("gain", [0.4, 1.0, 1.8])
def test_contrast_about_the_mean_colour_then_gain(contrast: float, gain: float) -> None:
    background = Background(flat=0, textured=0, gain=(gain, gain), contrast=(contrast, contrast))
    seen, photos, _ = scenes(background, 20)
    mean = photos.mean((2, 3), keepdim=True)
    expected = (gain * (mean + contrast * (photos - mean))).clamp(min=0)
    assert (seen - expected).abs().max() < 1e-5


def test_a_plain_colour_has_the_gain_of_the_scene_too() -> None:
    bright, _, params = scenes(Background(flat=1, gain=(0.5, 0.5), contrast=(3, 3)))
    expected = 0.5 * params["colours"][:, 0][..., None, None].expand_as(bright)
    assert (bright - expected).abs().max() < 1e-4


def test_colours_are_more_often_pale_than_vivid_and_within_range() -> None:
    colours = Background().sample(uniform(4000, Background))["colours"]
    assert colours.min() >= 0
    assert colours.max() <= 1
    spread = (colours.amax(2) - colours.amin(2)).flatten()
    assert spread.median() < 0.25
    assert spread.max() > 0.7


# --- other signs -------------------------------------------------------------------------------


def opaque_icons(size: int = 64) -> IconAtlas:
    """A red and a blue square, dark in the upper left quarter."""
    pictures = []
    for channel in (0, 2):
        icon = np.zeros((2 * size, 2 * size, 4), np.uint8)
        icon[..., 3] = 255
        icon[..., channel] = 255
        icon[:size, :size, channel] = 120
        pictures.append(icon)
    return IconAtlas.from_pictures(pictures, ["red", "blue"], size)


def alone(size: int = 64, **values: float) -> Tensor:
    """(4, size, size) the first icon as another sign."""
    neutral = {"scale": 0.5, "distance": 0.0, "direction": 0.0, "rotation": 0.0, "which": 0.0}
    params = {name: torch.tensor([value]) for name, value in (neutral | values).items()}
    return OtherSign().look_up(opaque_icons(), params, size)[0]


def centroid(alpha: Tensor) -> tuple[float, float]:
    """(x, y) in half crops from the middle."""
    size = len(alpha)
    steps = (torch.arange(size) * 2 + 1) / size - 1
    x = float((alpha.sum(0) * steps).sum() / alpha.sum())
    return x, float((alpha.sum(1) * steps).sum() / alpha.sum())


@pytest.mark.parametrize("direction", [0.0, 1.0, math.pi / 2, 4.0])
@pytest.mark.parametrize("size", [64, 48, 31])
def test_another_sign_stands_where_it_was_drawn(direction: float, size: int) -> None:
    layer = alone(size, scale=0.4, distance=0.5, direction=direction)
    expected = 0.5 * math.cos(direction), 0.5 * math.sin(direction)
    assert centroid(layer[3]) == pytest.approx(expected, abs=0.01)
    assert float(layer[3].mean()) == pytest.approx(0.4**2, rel=0.05)


def test_another_sign_turns_clockwise() -> None:
    """Its dark upper left quarter moves to the upper right."""
    for rotation, quarter in ((0.0, (0, 0)), (90.0, (0, 1)), (-90.0, (1, 0))):
        red = alone(64, scale=1.0, rotation=rotation)[0]
        quarters = red.unfold(0, 32, 32).unfold(1, 32, 32).mean((2, 3))
        assert divmod(int(quarters.argmin()), 2) == quarter


def test_every_sign_of_the_catalogue_comes_as_often() -> None:
    icons, effect = icon_atlas(8), OtherSign(scale=(1, 1), distance=(0, 0), rotation=(0, 0))
    params = effect.sample(uniform(2000, effect))
    seen = effect.look_up(icons, params, 8)
    plain = {"scale": 1.0, "distance": 0.0, "direction": 0.0, "rotation": 0.0}
    each = {name: torch.full((5,), value) for name, value in plain.items()}
    each["which"] = (torch.arange(5) + 0.5) / 5
    still = effect.look_up(icons, each, 8)
    distance = torch.cdist(seen.flatten(1), still.flatten(1))
    assert distance.amin(1).max() < 0.01  # as exact as `cdist` is
    counts = torch.bincount(distance.argmin(1), minlength=5)
    assert counts.tolist() == pytest.approx([400] * 5, abs=90)
    last = {**each, "which": torch.full((5,), 1 - 2**-24)}
    assert (effect.look_up(icons, last, 8) - still[4]).abs().max() < 1e-3


@pytest.mark.parametrize("brightness", [0.05, 0.3, 0.5, 1.0])
def test_another_sign_is_as_dark_as_the_scene(brightness: float) -> None:
    effect = OtherSign(scale=(0.5, 0.5), distance=(0, 0), rotation=(0, 0))
    params = effect.sample(uniform(3, effect)) | {"which": torch.zeros(3)}
    crops = torch.full((3, 3, 64, 64), brightness)
    seen = with_other_sign(effect, crops, opaque_icons(), params)
    light = min(1.0, 1.5 * max(0.25, brightness))
    assert seen[:, :, 40, 40].flatten().tolist() == pytest.approx([light, 0, 0] * 3, abs=1e-3)
    assert (seen[:, :, :12] - brightness).abs().max() < 1e-6  # beyond it the scene stays
    assert torch.equal(crops, torch.full_like(crops, brightness))
