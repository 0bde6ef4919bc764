"""Groups of effects: each effect has one, switching one off leaves the others as they were."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor

from raresign.errors import InputError
from raresign.signs.countries.drawn_sign import render_sign
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import SyntheticBatch
from raresign.synthesis.groups import GROUPS, median, neutral, switched_off, without
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import RoadPreset, load_preset
from raresign.synthesis.synthesiser import build_synthesiser

SIZE, COUNT = 32, 48


@pytest.fixture(scope="module")
def atlases() -> tuple[IconAtlas, BackgroundAtlas]:
    codes = ("3.24.n60", "4.1.1", "2.1")
    icons = IconAtlas.from_pictures([render_sign(code, 64) for code in codes], codes, SIZE)
    return icons, BackgroundAtlas.from_pictures(procedural_backgrounds(4, seed=0), SIZE)


@pytest.fixture(scope="module")
def road() -> RoadPreset:
    preset = load_preset("road")
    assert isinstance(preset, RoadPreset)
    return preset


def render(
    preset: RoadPreset, atlases: tuple[IconAtlas, BackgroundAtlas], count: int = COUNT
) -> SyntheticBatch:
    labels = torch.arange(count) % 3
    return build_synthesiser(preset, *atlases, seed=5).render(
        labels, torch.arange(count), record=True
    )


def values(batch: SyntheticBatch) -> dict[str, Tensor]:
    assert batch.params is not None
    return batch.params


def test_every_effect_has_one_group() -> None:
    grouped = Counter(name for names in GROUPS.values() for name in names)
    assert set(grouped) == set(RoadPreset().effects())
    assert set(grouped.values()) == {1}


@pytest.mark.parametrize("group", GROUPS)
def test_switching_a_group_off_leaves_the_others(
    group: str, road: RoadPreset, atlases: tuple[IconAtlas, BackgroundAtlas]
) -> None:
    unguarded = road.model_copy(update={"guard": road.guard.model_copy(update={"enabled": False})})
    off = without(unguarded, group)
    for name, effect in off.effects().items():
        if name not in GROUPS[group]:
            assert effect == unguarded.effects()[name]
    # With the guard off nothing is drawn again, so other effects draw what they drew before.
    before, after = render(unguarded, atlases), render(off, atlases)
    for key, drawn in values(before).items():
        if key.split(".")[0] not in GROUPS[group]:
            assert torch.equal(drawn.nan_to_num(-9), values(after)[key].nan_to_num(-9)), key
    changed = (before.crops - after.crops).abs().amax((1, 2, 3)) > 1e-3
    assert changed.any()
    for name in GROUPS[group]:
        if off.effects()[name].probability == 0:
            assert not values(after).get(name, torch.zeros(1)).any()


@pytest.mark.parametrize("preset", [RoadPreset(), load_preset("road")], ids=["class", "yaml"])
def test_neutral_is_the_icon_on_its_photo(
    preset: RoadPreset, atlases: tuple[IconAtlas, BackgroundAtlas]
) -> None:
    flush = preset.pose.model_copy(update={"margin": (0.0, 0.0)})
    batch = render(neutral(preset.model_copy(update={"pose": flush})), atlases, 6)
    icons, _ = atlases
    assert batch.refused == 0
    for label, crop in zip(batch.labels.tolist(), batch.crops, strict=True):
        icon = icons.icon(label, SIZE)
        solid = icon[3] > 0.999
        # Sharp: pixel for pixel the icon, but for the least blur that sampling needs.
        assert ((crop - icon[:3]).abs().amax(0)[solid]).mean() < 0.03
    outside = batch.crops[1::3][:, :, 0, 0]
    assert (outside[0] - outside[1]).abs().max() > 0.01  # photos, each its own


def test_neutral_twice_is_neutral(road: RoadPreset) -> None:
    assert neutral(neutral(road)) == neutral(road)


def test_without_a_background_the_sign_stands_before_one_colour(
    road: RoadPreset, atlases: tuple[IconAtlas, BackgroundAtlas]
) -> None:
    plain = neutral(road)
    grey = plain.model_copy(update={"background": without(road, "background").background})
    crops = render(grey, atlases, 9).crops
    corners = torch.stack([crops[2::3, :, 0, 0], crops[2::3, :, 0, -1], crops[2::3, :, -1, 0]])
    assert (corners - corners[0]).abs().max() < 0.02


def test_unknown_group(road: RoadPreset) -> None:
    with pytest.raises(InputError, match=r"'colours'.*geometry, surface.*colour"):
        without(road, "colours")


def test_what_is_off_is_a_valid_preset(road: RoadPreset) -> None:
    for group in GROUPS:
        off = without(road, group)
        assert load_preset(off.model_dump(mode="json")) == off
    assert load_preset(neutral(road).model_dump(mode="json")) == neutral(road)


def test_margin_stays_at_its_median() -> None:
    pose = RoadPreset(pose={"margin": [0, 0.1, 0.5]}).pose
    assert switched_off(pose).model_dump()["margin"] == (0.1, 0.1)
    assert median((1.0, 2.0, 4.0, 9.0)) == 3.0
