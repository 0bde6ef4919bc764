"""The quality guard: refuses what no one could read, lets every clean sign through, and counts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import SyntheticBatch
from raresign.synthesis.effects.sensor import Sensor
from raresign.synthesis.guard import Guard
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import RoadPreset, load_preset
from raresign.synthesis.road import RoadSynthesiser
from synthesis_core import FORTY, background_atlas, icon_atlas, noise, uniform

SIZE = 48
CODES = FORTY


@pytest.fixture(scope="module")
def icons() -> IconAtlas:
    return icon_atlas(SIZE, CODES)


@pytest.fixture(scope="module")
def signs(icons: IconAtlas) -> Tensor:
    """(C, 4, S, S) premultiplied: every icon fills its crop."""
    return torch.stack([icons.icon(row, SIZE) for row in range(len(CODES))])


@pytest.fixture(scope="module")
def backgrounds() -> BackgroundAtlas:
    return background_atlas(SIZE)


def on_grey(signs: Tensor) -> Tensor:
    return signs[:, :3] + 0.5 * (1 - signs[:, 3:])


def seen(crops: Tensor, **ranges: tuple[float, float]) -> Tensor:
    sensor = Sensor.model_validate(ranges)
    params = sensor.sample(uniform(len(crops), sensor))
    return sensor.enlarge(sensor.see(crops, params, SIZE), params, SIZE)


def refused_codes(legible: torch.Tensor) -> list[str]:
    return [code for code, kept in zip(CODES, legible.tolist(), strict=True) if not kept]


# --- one look ------------------------------------------------------------------------------------


def test_every_clean_sign_is_legible(signs: Tensor) -> None:
    assert refused_codes(Guard().legible(signs, on_grey(signs))) == []


def test_dim_hazy_or_small_signs_are_legible_still(signs: Tensor) -> None:
    crops = on_grey(signs)
    for damaged in (crops * 0.25, crops * 0.3 + 0.6, seen(crops, pixels=(16, 16))):
        legible = Guard().legible(signs, damaged)
        assert legible.double().mean() > 0.95, refused_codes(legible)


def test_a_grey_crop_is_refused(signs: Tensor) -> None:
    for level in (0.0, 0.5, 1.0):
        legible = Guard().legible(signs, torch.full_like(signs[:, :3], level))
        assert not legible.any(), level


def test_a_contrast_of_a_few_percent_is_refused(signs: Tensor) -> None:
    faint = 0.5 + 0.04 * (on_grey(signs) - 0.5)
    assert not Guard().legible(signs, faint).any()


def test_noise_alone_is_refused(signs: Tensor) -> None:
    assert not Guard().legible(signs, noise(len(CODES), size=SIZE)).any()


def test_four_pixels_are_refused(signs: Tensor) -> None:
    legible = Guard().legible(signs, seen(on_grey(signs), pixels=(2, 2)))
    assert legible.double().mean() < 0.15, refused_codes(~legible)


def test_an_extreme_blur_is_refused(signs: Tensor) -> None:
    legible = Guard().legible(signs, seen(on_grey(signs), blur=(30, 30)))
    assert not legible.any()


def test_an_inverted_sign_is_refused(signs: Tensor) -> None:
    assert not Guard().legible(signs, 1 - on_grey(signs)).any()


def test_a_sign_outside_the_crop_is_refused(signs: Tensor) -> None:
    nothing = torch.zeros_like(signs)
    assert not Guard().legible(nothing, on_grey(signs)).any()


def test_a_plate_of_one_colour_cannot_lose_its_detail() -> None:
    plate = torch.full((1, 4, SIZE, SIZE), 0.7)
    plate[:, 3] = 1.0
    assert Guard().legible(plate, torch.full((1, 3, SIZE, SIZE), 0.2)).all()


def test_thresholds_do_what_they_say(signs: Tensor) -> None:
    half = 0.25 + 0.5 * on_grey(signs)
    assert Guard(least_contrast=0.45).legible(signs, half).all()
    assert not Guard(least_contrast=0.55).legible(signs, half).any()
    assert Guard(least_contrast=0.0, least_agreement=0.99).legible(signs, half).all()


def test_the_look_is_each_crops_own(signs: Tensor) -> None:
    crops = on_grey(signs)
    crops[::2] = 0.5
    expected = (torch.arange(len(CODES)) % 2).bool()
    assert torch.equal(Guard().legible(signs, crops), expected)
    for row in (0, 1):
        alone = Guard().legible(signs[row : row + 1], crops[row : row + 1])
        assert alone.item() == bool(row)


# --- drawing again -------------------------------------------------------------------------------


def murky(**guard: float) -> RoadPreset:
    """The road preset in weather that the guard often refuses."""
    road = load_preset("road")
    assert isinstance(road, RoadPreset)
    haze = road.haze.model_copy(update={"contrast": (0.02, 0.2), "probability": 1.0})
    return road.model_copy(update={"haze": haze, "guard": Guard(**guard)})  # type: ignore[arg-type]


def render(
    preset: RoadPreset, icons: IconAtlas, backgrounds: BackgroundAtlas, n: int = 60
) -> SyntheticBatch:
    engine = RoadSynthesiser(preset, icons, backgrounds, seed=4)
    return engine.render(torch.arange(n) % len(CODES), torch.arange(n))


def test_refused_draws_are_drawn_again_and_counted(
    icons: IconAtlas, backgrounds: BackgroundAtlas
) -> None:
    once = render(murky(tries=1), icons, backgrounds)
    thrice = render(murky(tries=3), icons, backgrounds)
    assert set(once.tries.tolist()) == {1, 2}  # one draw; 2 where it was refused
    assert set(thrice.tries.tolist()) == {1, 2, 3, 4}  # three draws; 4 where all were refused
    assert once.refused == int((once.tries == 2).sum())
    assert once.drawn == len(once.tries)
    assert thrice.drawn == int(thrice.tries.clamp(max=3).sum())
    assert thrice.refused == int((thrice.tries - 1).sum())
    kept = once.tries == 1
    assert (once.crops - thrice.crops)[kept].abs().max() <= 1e-4  # a good first draw stays
    changed = (once.crops - thrice.crops)[~kept].abs().amax((1, 2, 3))
    assert (changed > 0.01).all()  # a refused one is another picture
    assert torch.equal(thrice.tries == 1, kept)


def test_more_tries_leave_fewer_illegible_crops(
    icons: IconAtlas, backgrounds: BackgroundAtlas
) -> None:
    let_through = [
        int((render(murky(tries=tries), icons, backgrounds).tries > tries).sum())
        for tries in (1, 3, 8)
    ]
    assert let_through[0] > let_through[1] > let_through[2]


def test_a_guard_that_is_off_refuses_nothing(
    icons: IconAtlas, backgrounds: BackgroundAtlas
) -> None:
    free = render(murky(enabled=False), icons, backgrounds)
    assert free.refused == 0
    once = render(murky(tries=1), icons, backgrounds)
    assert (free.crops - once.crops).abs().max() <= 1e-6


def test_what_is_refused_does_not_depend_on_the_batch(
    icons: IconAtlas, backgrounds: BackgroundAtlas
) -> None:
    engine = RoadSynthesiser(murky(tries=3), icons, backgrounds, seed=4)
    labels, numbers = torch.arange(40) % len(CODES), torch.arange(40)
    together = engine.render(labels, numbers)
    for rows in torch.arange(40).flip(0).split(7):
        part = engine.render(labels[rows], numbers[rows])
        assert torch.equal(part.tries, together.tries[rows])
        assert (part.crops - together.crops[rows]).abs().max() <= 1 / 255


def test_the_road_preset_refuses_some_but_not_many(
    icons: IconAtlas, backgrounds: BackgroundAtlas
) -> None:
    road = load_preset("road")
    assert isinstance(road, RoadPreset)
    made = render(road, icons, backgrounds, 256)
    assert 0 < made.refused < 0.25 * 256
    assert int((made.tries > road.guard.tries).sum()) <= 5
