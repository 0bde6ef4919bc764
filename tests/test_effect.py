"""The contract of every effect of the preset, and the ranges that their values are drawn from."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from raresign.synthesis.effect import (
    ColourEffect,
    CropEffect,
    Effect,
    Params,
    Range,
    SignEffect,
    WholeRange,
    inside,
    over,
    quantile,
    quantile_log,
)
from raresign.synthesis.effects.geometry import Pose
from raresign.synthesis.effects.scene import OtherSign
from raresign.synthesis.effects.sensor import Sensor
from raresign.synthesis.preset import RoadPreset
from synthesis_core import keys, layers, noise, plates, uniform

EXAMPLES = settings(max_examples=40, deadline=None)
EFFECTS = RoadPreset().effects()
PIXELS = {k: e for k, e in EFFECTS.items() if isinstance(e, (CropEffect, SignEffect, ColourEffect))}
ALMOST_ONE = 1 - 2**-24

every_effect = pytest.mark.parametrize("name", EFFECTS)
every_pixel_effect = pytest.mark.parametrize("name", PIXELS)


def applied(effect: Effect, params: Params, size: int, rows: Tensor) -> tuple[Tensor, Tensor]:
    """What an effect makes of these rows of some noise, and the noise itself afterwards."""
    n = int(rows.max()) + 1 if len(rows) else 1
    if isinstance(effect, SignEffect):
        pictures = layers(n, size)[rows]
        return effect.apply(pictures, plates(n, size)[rows], params), pictures
    pictures = noise(n, 3, size)[rows]
    if isinstance(effect, ColourEffect):
        return torch.einsum(
            "nij,njhw->nihw",
            effect.matrix(params),
            torch.cat([pictures, torch.ones_like(pictures[:, :1])], 1),
        ), pictures
    assert isinstance(effect, CropEffect)
    return effect.apply(pictures, params), pictures


def rows_of(params: Params, rows: Tensor) -> Params:
    return {field: values[rows] for field, values in params.items()}


# --- the draws ---------------------------------------------------------------------------------


@every_effect
def test_each_value_has_a_row_for_each_crop_and_follows_its_own_draws(name: str) -> None:
    effect = EFFECTS[name]
    u = uniform(9, effect)
    together = effect.sample(u)
    for field, values in together.items():
        assert len(values) == 9, field
        assert torch.isfinite(values).all(), field
    order = torch.tensor([8, 0, 5])
    for field, values in effect.sample(u[order]).items():
        assert (values - together[field][order]).abs().max() <= 1e-6, field


@every_effect
def test_no_crops_and_the_most_extreme_draws_are_no_problem(name: str) -> None:
    effect = EFFECTS[name]
    assert all(len(values) == 0 for values in effect.sample(torch.rand(0, effect.draws)).values())
    for extreme in (0.0, ALMOST_ONE):
        params = effect.sample(torch.full((2, effect.draws), extreme))
        assert all(torch.isfinite(values).all() for values in params.values())


@every_effect
def test_every_range_is_told_by_its_name_and_kept(name: str) -> None:
    """So that a manifest holds every drawn value under the name that the YAML gives it."""
    effect = EFFECTS[name]
    if name == "post":  # a cable has a width of its own
        effect = effect.model_copy(update={"cables": 0.0})
    params = effect.sample(uniform(64, effect))
    for field in type(effect).model_fields:
        knots = getattr(effect, field)
        if isinstance(knots, tuple):
            assert field in params, f"{name}.{field} is not recorded"
            slack = 1e-4 * max(map(abs, knots)) + 1e-6
            assert knots[0] - slack <= params[field].min(), field
            assert params[field].max() <= knots[-1] + slack, field


# --- the pixels --------------------------------------------------------------------------------


@every_pixel_effect
def test_a_row_does_not_know_its_batch(name: str) -> None:
    effect = PIXELS[name]
    params = effect.sample(uniform(7, effect))
    together, _ = applied(effect, params, 24, torch.arange(7))
    for rows in ([4], [6, 0, 3], list(range(6, -1, -1))):
        part, _ = applied(effect, rows_of(params, torch.tensor(rows)), 24, torch.tensor(rows))
        assert (part - together[rows]).abs().max() <= 1e-4


@every_pixel_effect
@pytest.mark.parametrize("size", [8, 17, 40])
def test_any_size_gives_finite_pixels_and_leaves_the_input_alone(name: str, size: int) -> None:
    effect = PIXELS[name]
    params = effect.sample(uniform(5, effect, seed=size))
    changed, pictures = applied(effect, params, size, torch.arange(5))
    untouched, _ = applied(effect, params, size, torch.arange(5))
    assert changed.shape == pictures.shape
    assert changed.dtype == torch.float32
    assert torch.isfinite(changed).all()
    assert torch.equal(changed, untouched)
    expected = layers(5, size) if isinstance(effect, SignEffect) else noise(5, 3, size)
    assert torch.equal(pictures, expected)


@every_pixel_effect
def test_the_most_extreme_values_give_finite_pixels(name: str) -> None:
    effect = PIXELS[name]
    for extreme in (0.0, ALMOST_ONE):
        params = effect.sample(torch.full((2, effect.draws), extreme))
        changed, _ = applied(effect, params, 16, torch.arange(2))
        assert torch.isfinite(changed).all()


@pytest.mark.parametrize("name", [k for k, e in PIXELS.items() if isinstance(e, SignEffect)])
def test_a_layer_stays_premultiplied(name: str) -> None:
    """Colours are light, at most as much as the cover lets through, but for a bright spot."""
    effect = PIXELS[name]
    changed, before = applied(effect, effect.sample(uniform(12, effect)), 24, torch.arange(12))
    assert changed.min() >= -1e-5
    assert changed[:, 3].max() <= 1 + 1e-5
    assert (changed[:, 3] >= before[:, 3] - 1e-4).all() or name == "dents"


# --- ranges ------------------------------------------------------------------------------------

knots_of_any_kind = st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=7).map(
    lambda values: tuple(sorted(values))
)


@EXAMPLES
@given(knots=knots_of_any_kind, seed=st.integers(0, 2**40))
def test_quantile_is_linear_interpolation_between_even_knots(
    knots: tuple[float, ...], seed: int
) -> None:
    u = keys(50, seed).uniform(0.0, 1.0)
    u[:2] = torch.tensor([0.0, ALMOST_ONE])
    expected = np.interp(u.double().numpy(), np.linspace(0, 1, len(knots)), knots)
    found = quantile(u, knots).numpy()
    assert np.abs(found - expected).max() <= 1e-4
    assert (np.diff(found[u.argsort()]) >= -1e-4).all()


@EXAMPLES
@given(knots=knots_of_any_kind, seed=st.integers(0, 2**40))
def test_quantile_log_interpolates_the_logarithm(knots: tuple[float, ...], seed: int) -> None:
    positive = tuple(float(np.exp(knot / 20)) for knot in knots)
    u = keys(50, seed).uniform(0.0, 1.0)
    expected = np.interp(
        u.double().numpy(), np.linspace(0, 1, len(positive)), np.log(np.array(positive))
    )
    assert quantile_log(u, positive).numpy() == pytest.approx(np.exp(expected), rel=1e-4)


def test_quantiles_keep_the_shape_and_hit_their_knots() -> None:
    u = torch.tensor([[0.0, 0.25], [0.5, 0.75]])
    assert quantile(u, (0.0, 1.0, 4.0, 9.0, 16.0)).tolist() == [[0.0, 1.0], [4.0, 9.0]]
    assert quantile(u, (3.0, 3.0)).tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_a_middle_knot_is_the_median() -> None:
    drawn = Sensor(blur=(0.1, 0.3, 0.9)).sample(uniform(4000, Sensor))["blur"]
    assert abs(float((drawn < 0.3).double().mean()) - 0.5) < 0.03
    assert abs(float((drawn < 0.2).double().mean()) - 0.25) < 0.03


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Range, (2.0, 1.0), r"from low to high, got \[2, 1\]"),
        (Range, (1.0, 3.0, 2.0), r"from low to high, got \[1, 3, 2\]"),
        (Range, (1.0,), r"a low and a high end, got \[1.0\]"),
        (Range, (), "a low and a high end"),
        (Range, 3.0, "tuple"),
        (Range, "ab", "tuple"),
        (WholeRange, (3, 1), r"from low to high, got \[3, 1\]"),
        (WholeRange, (1, 2, 3), "at most 2"),
        (WholeRange, (1.5, 2), "integer"),
        (Annotated[Range, inside(0, 1)], (0.0, 1.5), r"between 0 and 1, got \[0, 1.5\]"),
        (Annotated[Range, inside(0, 1)], (-0.5, 0.5, 0.7), "between 0 and 1"),
    ],
)
def test_a_range_that_is_none_is_refused(kind: type, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize("name", EFFECTS)
def test_absurd_settings_of_every_effect_are_refused(name: str) -> None:
    kind = type(EFFECTS[name])
    wrong: list[dict[str, object]] = [{"probability": 1.5}, {"probability": -0.1}, {"nosuch": 1}]
    for field in kind.model_fields:
        if isinstance(getattr(EFFECTS[name], field), tuple):
            for value in ((2, 1), (0.1, float("nan")), (float("-inf"), 1), "x", (1,)):
                wrong.append({field: value})
            if field != "direction":  # any number of turns
                wrong.append({field: (1e9, 1e10)})
        else:
            wrong += [{field: value} for value in (float("nan"), "much", -1e9, 1e9, None)]
    for values in wrong:
        with pytest.raises(ValidationError):
            kind.model_validate(values)


@pytest.mark.parametrize("kind", [Pose, Sensor, type(EFFECTS["background"])])
def test_what_every_crop_needs_cannot_be_left_to_chance(kind: type[Effect]) -> None:
    """There is no crop without a pose, a background or a sensor."""
    assert kind.model_validate({"probability": 1}).probability == 1
    with pytest.raises(ValidationError, match="probability"):
        kind.model_validate({"probability": 0.5})


# --- composition -------------------------------------------------------------------------------


def test_over_against_the_formula_of_porter_and_duff() -> None:
    top, bottom = layers(3), layers(4)[1:]
    both = over(top, bottom)
    for channel in range(4):
        expected = top[:, channel] + (1 - top[:, 3]) * bottom[:, channel]
        assert (both[:, channel] - expected).abs().max() <= 1e-6
    assert torch.equal(over(top, bottom[:, :3]), both[:, :3])
    assert over(torch.zeros_like(top), bottom).equal(bottom)


def test_other_signs_are_one_kind_of_effect_in_two_places() -> None:
    places = [name for name, effect in EFFECTS.items() if isinstance(effect, OtherSign)]
    assert places == ["sign_behind", "sign_before"]
