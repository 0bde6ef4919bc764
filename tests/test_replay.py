"""The record of a batch: the values that were applied, from which each crop can be made again."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from raresign.synthesis.batch import SyntheticBatch
from raresign.synthesis.effect import ColourEffect, CropEffect, Params, apply_colour, over
from raresign.synthesis.effects.geometry import footprint, plate_coordinates
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import RoadPreset, load_preset
from raresign.synthesis.synthesiser import build_synthesiser
from synthesis_core import at_rest, background_atlas, icon_atlas

SIZE = 48
LABELS, NUMBERS = torch.arange(24) % 5, torch.arange(24) * 7919
SIGN = ("fading", "sign_exposure")
AIR = ("exposure", "colour_cast", "haze", "saturation")
ELECTRONICS = ("noise", "demosaic", "tone_curve", "sharpening", "jpeg")


@pytest.fixture(scope="module")
def icons() -> IconAtlas:
    return icon_atlas(SIZE)


def core(**changes: dict[str, object]) -> RoadPreset:
    """Geometry, colour and electronics at work, on plain backgrounds."""
    road = load_preset("road").model_dump(include={"pose", "fading", "colour_cast", "saturation"})
    for values in road.values():
        values.pop("probability")
    half = {"probability": 0.5}
    values = {
        **road,
        "sign_exposure": {"gain": [0.6, 1.2]},
        "background": {"flat": 1, "gain": [0.5, 1.5]},
        "sensor": {"pixels": [37, 48], "blur": [0.3, 0.6], "cubic": [0, 1]},
        "exposure": {"gain": [0.7, 1.3]},
        "haze": {**half, "contrast": [0.5, 1]},
        "noise": {**half, "read": [0.01, 0.03]},
        "demosaic": half,
        "tone_curve": half,
        "sharpening": half,
        "jpeg": {**half, "quality": [30, 90]},
    }
    return at_rest(**{**values, **changes})


def rendered(preset: RoadPreset, icons: IconAtlas) -> SyntheticBatch:
    engine = build_synthesiser(preset, icons, background_atlas(SIZE, 1), seed=6)
    return engine.render(LABELS, NUMBERS, record=True)


def replayed(preset: RoadPreset, icons: IconAtlas, record: Params, row: int) -> Tensor:
    """One crop by hand, from its row of the record alone."""
    effects = preset.effects()

    def values(name: str) -> Params:
        mine = {key: v[row : row + 1] for key, v in record.items() if key.startswith(f"{name}.")}
        return {key.removeprefix(f"{name}."): v for key, v in mine.items()}

    def coloured(picture: Tensor, names: tuple[str, ...]) -> Tensor:
        for name in names:
            effect = effects[name]
            assert isinstance(effect, ColourEffect)
            if record[name][row]:
                picture = apply_colour(picture, effect.matrix(values(name)))
        return picture

    matrix = preset.pose.matrix(values("pose"))
    icon = record["icon"][row : row + 1].long()
    sign = icons.look_up(icon, plate_coordinates(matrix, SIZE), footprint(matrix))
    behind = preset.background.scene(torch.zeros(1, 3, SIZE, SIZE), values("background"))
    crop = over(coloured(sign, SIGN), behind)
    seen = coloured(preset.sensor.see(crop, values("sensor"), SIZE), AIR).clamp(0, 1)
    for name in ELECTRONICS:
        effect = effects[name]
        assert isinstance(effect, CropEffect)
        if name in record and record[name][row]:
            seen = effect.apply(seen, values(name))
    return preset.sensor.enlarge(seen, values("sensor"), SIZE).clamp(0, 1)[0]


def test_every_crop_is_made_again_from_its_record(icons: IconAtlas) -> None:
    preset = core()
    made = rendered(preset, icons)
    assert made.params is not None
    for name in (*ELECTRONICS, "haze"):
        assert 0 < int(made.params[name].sum()) < len(LABELS), name
    for row in range(len(LABELS)):
        again = replayed(preset, icons, made.params, row)
        # A JPEG wave between two steps may fall either way.
        # A JPEG wave between two steps may fall either way: a block of 8 x 8 is then off a little.
        assert (again - made.crops[row]).abs().quantile(0.9) < 1e-3
        assert (again - made.crops[row]).abs().mean() < 1e-3


def test_the_record_of_a_crop_drawn_again_is_that_of_the_last_draw(icons: IconAtlas) -> None:
    """A guard that refuses a good half of all draws, up to two times more each."""
    guard = {"enabled": True, "least_contrast": 0.5, "least_agreement": 0.5, "tries": 3}
    preset = core(guard=guard)
    made = rendered(preset, icons)
    assert made.params is not None
    assert set(made.tries.tolist()) >= {1, 2}
    for row in (made.tries > 1).nonzero().squeeze(1).tolist():
        again = replayed(preset, icons, made.params, row)
        assert (again - made.crops[row]).abs().mean() < 1e-3


def test_the_record_names_every_setting_that_may_happen(icons: IconAtlas) -> None:
    preset = load_preset({"guard": {"enabled": False}})
    assert isinstance(preset, RoadPreset)
    params = rendered(preset, icons).params
    assert params is not None
    for name, effect in preset.effects().items():
        if effect.probability == 0:
            continue
        happened = params[name]
        assert happened.shape == LABELS.shape
        assert happened.dtype == torch.bool
        if effect.probability == 1:
            assert happened.all()
        for field in type(effect).model_fields:
            if isinstance(getattr(effect, field), tuple):
                assert f"{name}.{field}" in params
    for key, values in params.items():
        assert len(values) == len(LABELS)
        effect_name, _, field = key.partition(".")
        if field:
            gaps = values.isnan().flatten(1).any(1) if values.ndim > 1 else values.isnan()
            assert torch.equal(gaps, ~params[effect_name]), key


def test_the_record_does_not_depend_on_the_batch(icons: IconAtlas) -> None:
    engine = build_synthesiser(load_preset("road"), icons, background_atlas(SIZE, 1), seed=6)
    whole = engine.render(LABELS, NUMBERS, record=True).params
    assert whole is not None
    for rows in torch.arange(24).flip(0).split(7):
        part = engine.render(LABELS[rows], NUMBERS[rows], record=True).params
        assert part is not None
        assert part.keys() == whole.keys()
        for key, values in part.items():
            close = torch.allclose(values.float(), whole[key][rows].float(), equal_nan=True)
            assert close, key


@pytest.mark.parametrize("name", ["road", "reference"])
def test_recording_changes_no_pixel_and_happens_only_on_request(
    name: str, icons: IconAtlas
) -> None:
    engine = build_synthesiser(load_preset(name), icons, background_atlas(SIZE, 1), seed=6)
    silent, told = engine.render(LABELS, NUMBERS), engine.render(LABELS, NUMBERS, record=True)
    assert silent.params is None
    assert told.params is not None
    assert torch.equal(silent.crops, told.crops)
    assert torch.equal(icons.first[LABELS], told.params["icon"])
