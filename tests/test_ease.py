"""Easier synthesis: every mishap in proportion, and a stage whose difficulty grows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.synthesis import RoadPreset, build_synthesiser, eased, load_preset
from raresign.training import Stage, StageBatches, TrainingData
from raresign.training import batches as batches_file
from synthesis_core import background_atlas, icon_atlas

POSE = ("rotation", "tilt", "shear", "stretch", "shift")
# fmt: off
MISHAPS = {
    "fading", "dirt", "peeling", "scratches", "stickers", "rust", "dents", "glare", "board",
    "pole", "neighbour", "sign_behind", "rain", "snow", "branches", "post", "sign_before",
    "frame_edge", "motion_blur", "chromatic_aberration",
}
# fmt: on
SHARES = st.floats(0, 1, allow_subnormal=False)


def road() -> RoadPreset:
    preset = load_preset("road")
    assert isinstance(preset, RoadPreset)
    return preset


def easy(difficulty: float) -> RoadPreset:
    preset = eased(road(), difficulty)
    assert isinstance(preset, RoadPreset)
    return preset


@settings(max_examples=25, deadline=None)
@given(SHARES)
def test_mishaps_and_pose_shrink_in_proportion_and_nothing_else_changes(share: float) -> None:
    preset, easier = road(), easy(share)
    for name, effect in preset.effects().items():
        other = easier.effects()[name]
        if name in MISHAPS:
            assert other.probability == pytest.approx(effect.probability * share), name
            assert effect.model_copy(update={"probability": other.probability}) == other, name
        elif name not in ("pose", "sensor"):
            assert other == effect, name
    for name in POSE:
        expected = [value * share for value in getattr(preset.pose, name)]
        assert list(getattr(easier.pose, name)) == pytest.approx(expected), name
    assert easier.pose.margin == preset.pose.margin
    assert easier.sensor.pixels[-1] == preset.sensor.pixels[-1]
    assert all(a >= b for a, b in zip(easier.sensor.pixels, preset.sensor.pixels, strict=True))
    assert easier.guard == preset.guard
    # Copies are not validated: what it made must still be a preset.
    assert RoadPreset.model_validate(easier.model_dump()) == easier


@settings(max_examples=25, deadline=None)
@given(SHARES, SHARES)
def test_more_difficulty_is_never_easier(a: float, b: float) -> None:
    one, two = easy(min(a, b)), easy(max(a, b))
    for name, effect in one.effects().items():
        assert effect.probability <= two.effects()[name].probability, name
    assert all(x >= y for x, y in zip(one.sensor.pixels, two.sensor.pixels, strict=True))


def test_the_ends() -> None:
    assert easy(1.0) == road()
    nothing = easy(0.0)
    assert all(nothing.effects()[name].probability == 0 for name in MISHAPS)
    assert set(nothing.sensor.pixels) == {road().sensor.pixels[-1]}
    reference = load_preset("reference")
    assert eased(reference, 0.3) == reference


def test_at_no_difficulty_an_engine_draws_no_mishap_and_an_upright_sign() -> None:
    engine = build_synthesiser(easy(0.0), icon_atlas(32), background_atlas(32), seed=1)
    made = engine.render(torch.arange(40) % 5, torch.arange(40), record=True)
    assert made.params is not None
    for name in MISHAPS & set(made.params):
        assert not made.params[name].any(), name
    assert not made.params["pose.rotation"].any()
    assert 0 <= made.crops.min() <= made.crops.max() <= 1


def test_difficulty_grows_over_the_steps_of_a_stage(
    training_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(batches_file._CROPS_AHEAD, "cpu", 4)  # one step at a time

    def crops(step: int, difficulty: tuple[float, float]) -> Any:
        stage = Stage(kind="synthetic", steps=8, synthetic=4, difficulty=difficulty)
        return StageBatches(training_data, stage, 0, torch.device("cpu")).batch(step).crops

    for step, share in [(0, 0.0), (1, 0.0), (2, 1 / 3), (5, 2 / 3), (7, 1.0)]:
        assert torch.equal(crops(step, (0.0, 1.0)), crops(step, (share, share))), step
    assert not torch.equal(crops(7, (0.0, 1.0)), crops(7, (0.0, 0.0)))
    assert torch.equal(crops(0, (1.0, 0.0)), crops(0, (1.0, 1.0)))  # it may fall, too
