"""What crops draw: each by its own key and the effect's name, used as often as they should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from raresign.synthesis.draws import CropDraws
from raresign.synthesis.effect import CropEffect, Effect, Params, SignEffect
from raresign.synthesis.effects.colour import ColourCast, Exposure
from raresign.synthesis.effects.readout import ToneCurve
from raresign.synthesis.preset import RoadPreset
from synthesis_core import keys, layers, noise, plates


class Marking(CropEffect):
    """Writes the drawn value over the crop, so that a test sees what was applied to whom."""

    draws = 2
    value: tuple[float, float] = (1.0, 2.0)

    def sample(self, u: Tensor) -> Params:
        return {"value": self.value[0] + (self.value[1] - self.value[0]) * u[:, 0], "pair": u}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        return crops * 0 + params["value"][:, None, None, None]


class Dimming(SignEffect):
    """Multiplies by a drawn value and by where the pixel lies on the plate."""

    draws = 1

    def sample(self, u: Tensor) -> Params:
        return {"by": u[:, 0]}

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        return sign * params["by"][:, None, None, None] * plate[..., 0][:, None]


def drawn(effects: Mapping[str, Effect], n: int = 200, seed: int = 1) -> CropDraws:
    return CropDraws(effects, keys(n, seed), record=True)


def chances(name: str, n: int = 200, seed: int = 1) -> Tensor:
    """(n,) the first draw of an effect's stream: what its probability is compared with."""
    return keys(n, seed).stream(name).uniform(0.0, 1.0)


# --- who meets an effect -----------------------------------------------------------------------


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.99, 1.0])
def test_a_crop_meets_an_effect_if_its_first_draw_is_below_the_probability(
    probability: float,
) -> None:
    draws = drawn({"mark": Marking(probability=probability)}, 4000)
    seen = draws.on_crops("mark", torch.zeros(4000, 3, 1, 1))[:, 0, 0, 0] > 0
    assert torch.equal(seen, chances("mark", 4000) < probability)
    spread = (probability * (1 - probability) / 4000) ** 0.5
    assert abs(float(seen.double().mean()) - probability) <= 4 * spread


def test_the_value_does_not_depend_on_the_probability() -> None:
    """So that an effect made rarer leaves the crops that still meet it as they were."""
    always = drawn({"mark": Marking()}).on_crops("mark", torch.zeros(200, 3, 1, 1))
    for probability in (0.2, 0.7):
        effect = Marking(probability=probability)
        seen = drawn({"mark": effect}).on_crops("mark", torch.zeros(200, 3, 1, 1))
        met = chances("mark") < probability
        assert torch.equal(seen[met], always[met])
        assert not seen[~met].any()


def test_the_value_does_not_depend_on_other_effects() -> None:
    alone = drawn({"mark": Marking(probability=0.5)})
    among = drawn(
        {"tone": ToneCurve(), "mark": Marking(probability=0.5), "light": Exposure(), "m": Marking()}
    )
    among.of("tone")
    assert torch.equal(alone.of("mark")[1]["pair"], among.of("mark")[1]["pair"])
    assert torch.equal(alone.of("mark")[0], among.of("mark")[0])  # type: ignore[arg-type]


def test_two_effects_of_one_kind_draw_apart() -> None:
    draws = drawn({"one": Marking(), "other": Marking()}, 2000)
    pairs = torch.cat([draws.of(name)[1]["pair"] for name in ("one", "other")], 1)
    pairs = torch.cat([pairs, chances("one", 2000)[:, None], chances("other", 2000)[:, None]], 1)
    assert (torch.corrcoef(pairs.T) - torch.eye(6)).abs().max() < 0.08


def test_every_draw_of_the_preset_is_apart_from_every_other() -> None:
    """Whether an effect happens, its values, the icon and the background: 100 columns and more."""
    effects = RoadPreset().effects()
    table = keys(3000).table({name: 1 + effect.draws for name, effect in effects.items()})
    columns = [*table.values(), keys(3000).stream("icon").uniform(0.0, 1.0)[:, None]]
    whole = torch.cat(columns, 1)
    assert whole.shape[1] > 100
    assert (torch.corrcoef(whole.T) - torch.eye(whole.shape[1])).abs().max() < 0.11


def test_a_crop_does_not_know_its_batch() -> None:
    effects = {"mark": Marking(probability=0.5), "dim": Dimming(probability=0.4)}
    together = drawn(effects, 30)
    crops, sign = noise(30, size=4), layers(30, 4)
    marked = together.on_crops("mark", crops.clone())
    dimmed = together.on_sign("dim", sign.clone(), plates(30, 4))
    for rows in torch.randperm(30, generator=torch.Generator().manual_seed(0)).split(7):
        part = CropDraws(effects, keys(30).take(rows), record=True)
        assert torch.equal(part.on_crops("mark", crops[rows]), marked[rows])
        assert torch.equal(part.on_sign("dim", sign[rows], plates(30, 4)[rows]), dimmed[rows])
        for name, values in part.record.items():
            assert torch.allclose(values, together.record[name][rows], equal_nan=True), name


# --- how it is applied -------------------------------------------------------------------------


def test_a_sign_effect_sees_the_plate_of_its_own_rows() -> None:
    sign, plate = layers(40, 6), plates(40, 6)
    draws = drawn({"dim": Dimming(probability=0.5)}, 40)
    seen = draws.on_sign("dim", sign.clone(), plate)
    met = chances("dim", 40) < 0.5
    by = draws.record["dim.by"][met]
    expected = sign[met] * by[:, None, None, None] * plate[met][..., 0][:, None]
    assert torch.equal(seen[met], expected)
    assert torch.equal(seen[~met], sign[~met])


def test_change_hands_over_the_rows_and_their_values() -> None:
    asked: list[Tensor | None] = []

    def how(part: Tensor, params: Params, rows: Tensor | None) -> Tensor:
        asked.append(rows)
        return part + params["value"][:, None, None, None]

    for probability in (0.5, 1.0):
        draws = drawn({"mark": Marking(probability=probability)}, 20)
        seen = draws.change("mark", torch.zeros(20, 3, 2, 2), how)[:, 0, 0, 0]
        assert torch.equal(seen, draws.record["mark.value"].nan_to_num(0.0))
    assert asked[0] is not None
    assert asked[0].tolist() == (chances("mark", 20) < 0.5).nonzero().squeeze(1).tolist()
    assert asked[1] is None


def test_what_no_crop_meets_is_not_called() -> None:
    def never(part: Tensor, params: Params, rows: Tensor | None) -> Tensor:
        raise AssertionError

    crops = noise(5, size=4)
    for probability in (0.0, 1e-9):
        draws = drawn({"mark": Marking(probability=probability)}, 5)
        assert torch.equal(draws.change("mark", crops, never), crops)


def test_a_colour_map_is_the_identity_where_it_does_not_happen() -> None:
    draws = drawn({"cast": ColourCast(probability=0.4)}, 60)
    matrix = draws.matrix("cast")
    met = chances("cast", 60) < 0.4
    assert torch.equal(matrix[~met], torch.eye(3, 4).expand(int((~met).sum()), 3, 4))
    warmth = draws.record["cast.warmth"][met]
    assert (matrix[met, 0, 0].log() - warmth).abs().max() <= 1e-5
    assert len(drawn({"cast": ColourCast(probability=0.0)}, 7).matrix("cast")) == 7


@pytest.mark.parametrize("name", ["cast", "dim"])
def test_an_effect_of_the_wrong_kind_is_a_mistake(name: str) -> None:
    effects: dict[str, Any] = {"cast": ColourCast(), "dim": Dimming()}
    with pytest.raises(AssertionError):
        drawn(effects, 3).on_crops(name, noise(3))


# --- the record --------------------------------------------------------------------------------


def test_the_record_tells_what_was_applied_and_nan_elsewhere() -> None:
    draws = drawn({"mark": Marking(probability=0.5)})
    seen = draws.on_crops("mark", torch.zeros(200, 3, 1, 1))[:, 0, 0, 0]
    met = chances("mark") < 0.5
    assert draws.record["mark"].dtype == torch.bool
    assert torch.equal(draws.record["mark"], met)
    assert torch.equal(draws.record["mark.value"][met], seen[met])
    assert torch.equal(draws.record["mark.value"].isnan(), ~met)
    assert draws.record["mark.pair"].shape == (200, 2)
    assert torch.equal(draws.record["mark.pair"].isnan(), (~met)[:, None].expand(200, 2))
    assert all(values.dtype in (torch.bool, torch.float32) for values in draws.record.values())


def test_an_effect_that_always_happens_has_no_gaps() -> None:
    draws = drawn({"mark": Marking()}, 9)
    draws.of("mark")
    assert draws.record["mark"].all()
    assert not draws.record["mark.pair"].isnan().any()


def test_nothing_is_recorded_unasked() -> None:
    draws = CropDraws({"mark": Marking()}, keys(3))
    draws.on_crops("mark", noise(3))
    assert draws.record == {}
