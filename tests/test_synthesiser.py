"""The engines end to end: a crop is a function of seed and number, and shows its own class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d, interpolate, pad

from raresign.embedded import embedded_codes, procedural_backgrounds, render_sign
from raresign.errors import InputError
from raresign.synthesis import (
    BackgroundAtlas,
    IconAtlas,
    ReferencePreset,
    ReferenceSynthesiser,
    RoadPreset,
    RoadSynthesiser,
    Synthesiser,
    build_synthesiser,
    load_preset,
)

SIZE = 48
CODES = embedded_codes()
PRESETS = ["road", "reference", "reference-faults"]


@pytest.fixture(scope="module")
def icons() -> IconAtlas:
    signs = [Image.fromarray(render_sign(code, 96)).resize((SIZE, SIZE)) for code in CODES]
    return IconAtlas.from_pictures([np.asarray(sign) for sign in signs], CODES)


@pytest.fixture(scope="module")
def backgrounds() -> BackgroundAtlas:
    return BackgroundAtlas.from_pictures(procedural_backgrounds(4, seed=2), SIZE)


@pytest.fixture(params=PRESETS)
def engine(
    request: pytest.FixtureRequest, icons: IconAtlas, backgrounds: BackgroundAtlas
) -> Synthesiser:
    return build_synthesiser(load_preset(request.param), icons, backgrounds, seed=11)


LABELS = torch.arange(64) * 5 % len(CODES)
NUMBERS = torch.arange(64) * 1_000_003 % 99_991


# --- a crop is a function of seed and number -----------------------------------------------------


def test_a_crop_is_the_same_in_every_batch_and_order(engine: Synthesiser) -> None:
    whole = engine.render(LABELS, NUMBERS)
    shuffled = torch.from_numpy(np.random.default_rng(0).permutation(64))
    for order, batch in [(torch.arange(64), 1), (torch.arange(64), 7), (shuffled, 64)]:
        parts = [engine.render(LABELS[rows], NUMBERS[rows]) for rows in order.split(batch)]
        crops = torch.cat([part.crops for part in parts])
        difference = (crops - whole.crops[order]).abs()
        assert difference.max() <= 1 / 255
        as_stored = crops.mul(255).round().byte() == whole.crops[order].mul(255).round().byte()
        assert as_stored.double().mean() > 0.9999
        assert (difference == 0).double().mean() > 0.5
        assert torch.equal(torch.cat([part.tries for part in parts]), whole.tries[order])


def test_seed_and_number_decide(
    engine: Synthesiser, icons: IconAtlas, backgrounds: BackgroundAtlas
) -> None:
    preset = engine.preset  # type: ignore[attr-defined]
    again = build_synthesiser(preset, icons, backgrounds, seed=11).render(LABELS, NUMBERS)
    crops = engine.render(LABELS, NUMBERS).crops
    assert torch.equal(again.crops, crops)
    other_seed = build_synthesiser(preset, icons, backgrounds, seed=12).render(LABELS, NUMBERS)
    other_number = engine.render(LABELS, NUMBERS + 1)
    for other in (other_seed, other_number):
        assert ((other.crops - crops).abs().mean((1, 2, 3)) > 0.01).all()


def test_crops_of_one_class_all_differ(engine: Synthesiser) -> None:
    crops = engine.render(torch.zeros(64, dtype=torch.int64), torch.arange(64)).crops.flatten(1)
    distance = torch.cdist(crops, crops).fill_diagonal_(9)
    assert distance.min() > 0.5


def test_crops_are_finished_pictures(engine: Synthesiser) -> None:
    made = engine.render(LABELS, NUMBERS)
    assert made.crops.shape == (64, 3, SIZE, SIZE)
    assert made.crops.dtype == torch.float32
    assert torch.isfinite(made.crops).all()
    assert made.crops.min() >= 0
    assert made.crops.max() <= 1
    assert (made.crops.amax((1, 2, 3)) > made.crops.amin((1, 2, 3)) + 0.05).all()
    assert torch.equal(made.labels, LABELS)
    assert made.tries.dtype == torch.int64
    assert (made.tries >= 1).all()
    assert made.crops.is_contiguous()


def test_labels_and_numbers_are_left_alone(engine: Synthesiser) -> None:
    labels, numbers = LABELS.clone(), NUMBERS.clone()
    made = engine.render(labels, numbers)
    made.crops.zero_()
    assert torch.equal(labels, LABELS)
    assert torch.equal(numbers, NUMBERS)
    assert engine.render(labels, numbers).crops.max() > 0.5  # the atlases are as they were


# --- the label is right --------------------------------------------------------------------------


def nearest_icons(engine: Synthesiser, icons: IconAtlas, each: int) -> torch.Tensor:
    """(C,) the icon that the mean crop of each label looks most like, at a glance.

    What all signs have in common (a bright middle, a rim) is taken away from both sides.
    """
    classes = len(CODES)
    labels = torch.arange(classes).repeat(each)
    crops = engine.render(labels, torch.arange(each * classes)).crops
    crops = avg_pool2d(crops, 3).flatten(1)
    crops = crops - crops.mean(1, keepdim=True)
    crops = crops / crops.norm(dim=1, keepdim=True)
    mean = crops.view(each, classes, -1).mean(0)
    small = pad(icons.icons, [4] * 4)  # about as large as in a crop
    still = avg_pool2d(small[:, :3] + 0.5 * (1 - small[:, 3:]), 3)
    still = interpolate(still, size=SIZE // 3, mode="area").flatten(1)
    both = torch.cat([mean - mean.mean(0), still - still.mean(0)])
    return torch.corrcoef(both)[:classes, classes:].argmax(1)


@pytest.mark.parametrize("preset", ["road", "reference"])
def test_crops_look_like_the_icon_of_their_label(
    preset: str, icons: IconAtlas, backgrounds: BackgroundAtlas
) -> None:
    engine = build_synthesiser(load_preset(preset), icons, backgrounds, seed=3)
    right = nearest_icons(engine, icons, each=48) == torch.arange(len(CODES))
    wrong = [code for code, is_right in zip(CODES, right.tolist(), strict=True) if not is_right]
    assert right.double().mean() > 0.85, wrong  # what is left is alike: 50 and 60, 1.16 and 1.17


def test_a_label_mix_up_would_show(icons: IconAtlas, backgrounds: BackgroundAtlas) -> None:
    mixed = IconAtlas(icons.icons.roll(1, 0), icons.first, icons.count, icons.codes)
    engine = build_synthesiser(load_preset("road"), mixed, backgrounds, seed=3)
    right = nearest_icons(engine, icons, each=8) == torch.arange(len(CODES))
    assert right.double().mean() < 0.1


# --- what the road preset shows ------------------------------------------------------------------


def clear_air(flat: float) -> RoadPreset:
    """A small sign on its scene, and nothing between them and the crop."""
    preset = load_preset(
        {
            "pose": {"margin": [2, 2]},
            "fading": {"probability": 0},
            "sign_exposure": {"gain": [1, 1]},
            "background": {"flat": flat, "exposure": {"gain": [1, 1]}},
            "haze": {"probability": 0},
            "light_gradient": {"probability": 0},
            "motion_blur": {"probability": 0},
            "tone_curve": {"probability": 0},
            "colour_cast": {"warmth": 0, "tint": 0},
            "sensor": {"pixels": [SIZE, SIZE], "noise": [0, 0], "sharpening": [0, 0]},
            "guard": {"enabled": False},
        }
    )
    assert isinstance(preset, RoadPreset)
    return preset


@pytest.mark.parametrize(("sign", "scene"), [(255, 0), (0, 255), (100, 200)])
def test_a_half_transparent_sign_lets_half_of_the_scene_through(sign: int, scene: int) -> None:
    icon = np.full((SIZE, SIZE, 4), sign, np.uint8)
    icon[..., 3] = 128
    behind = np.full((60, 60, 3), scene, np.uint8)
    engine = build_synthesiser(
        clear_air(flat=0.0),
        IconAtlas.from_pictures([icon], ["0"]),
        BackgroundAtlas.from_pictures([behind], SIZE),
        seed=1,
    )
    crops = engine.render(torch.zeros(5, dtype=torch.int64), torch.arange(5)).crops * 255
    alpha, middle = 128 / 255, SIZE // 2
    expected = alpha * sign + (1 - alpha) * scene
    assert (crops[:, :, middle, middle] - expected).abs().max() < 0.5
    assert (crops[:, :, 0, 0] - scene).abs().max() < 0.5


def test_a_share_of_the_backgrounds_is_plain(
    icons: IconAtlas, backgrounds: BackgroundAtlas
) -> None:
    """A crop's edge shows the scene behind the sign."""
    for flat in (0.0, 0.5, 1.0):
        engine = build_synthesiser(clear_air(flat), icons, backgrounds, seed=1)
        crops = engine.render(torch.zeros(200, dtype=torch.int64), torch.arange(200)).crops
        edge = crops[:, :, :4].flatten(2)
        plain = (edge.amax(2) - edge.amin(2)).amax(1) < 1e-3
        assert abs(float(plain.double().mean()) - flat) < 0.12


def test_the_scene_shows_through_where_the_icon_is_transparent(
    backgrounds: BackgroundAtlas,
) -> None:
    nothing = IconAtlas.from_pictures([np.zeros((SIZE, SIZE, 4), np.uint8)], ["0"])
    engine = build_synthesiser(
        load_preset({"guard": {"enabled": False}}), nothing, backgrounds, seed=1
    )
    crops = engine.render(torch.zeros(8, dtype=torch.int64), torch.arange(8)).crops
    assert (crops.mean((1, 2, 3)) > 0.02).all()


# --- building ------------------------------------------------------------------------------------


def test_the_engine_follows_the_preset(icons: IconAtlas, backgrounds: BackgroundAtlas) -> None:
    road = build_synthesiser(RoadPreset(), icons, backgrounds, 0)
    reference = build_synthesiser(ReferencePreset(), icons, backgrounds, 0)
    assert isinstance(road, RoadSynthesiser)
    assert isinstance(reference, ReferenceSynthesiser)


def test_atlases_of_two_sizes_are_refused(icons: IconAtlas) -> None:
    small = BackgroundAtlas.from_pictures(procedural_backgrounds(1, seed=2), 32)
    for preset in (RoadPreset(), ReferencePreset()):
        with pytest.raises(InputError, match="48 pixels on backgrounds of 32"):
            build_synthesiser(preset, icons, small, 0)


@pytest.mark.parametrize("size", [8, 20, 96])
def test_other_crop_sizes_work(size: int) -> None:
    signs = [render_sign(code, size) for code in ("1.11.1", "3.24.n60", "4.1.1")]
    signs = [np.asarray(Image.fromarray(sign).resize((size, size))) for sign in signs]
    icons = IconAtlas.from_pictures(signs, ["a", "b", "c"])
    backgrounds = BackgroundAtlas.from_pictures(procedural_backgrounds(1, seed=2), size)
    for name in PRESETS:
        engine = build_synthesiser(load_preset(name), icons, backgrounds, 0)
        made = engine.render(torch.arange(3), torch.arange(3))
        assert made.crops.shape == (3, 3, size, size)
        assert torch.isfinite(made.crops).all()
