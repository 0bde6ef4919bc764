"""How far synthetic crops are from real ones: against loops and known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from raresign.errors import InputError
from raresign.realism.discriminator import TwoSampleTest, held_out_scores, separation
from raresign.realism.distance import frechet_distance, kernel_distance
from raresign.realism.features import FeatureSpace
from raresign.realism.folds import block_folds, even_sample
from raresign.realism.ruler import RealismRuler
from raresign.realism.statistics import crop_statistics

STATISTICS = FeatureSpace("statistics", None, (), ())


def pictures(count: int, seed: int = 0, size: int = 32) -> np.ndarray:
    """Smooth coloured noise, no two alike."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.uniform(0, 255, (count, 3, 8, 8)))
    fine = torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")
    return fine.round().byte().numpy()


# --- telling two sets apart --------------------------------------------------------------------


@settings(deadline=None)
@given(
    arrays.arrays(np.float64, st.integers(1, 12), elements=st.integers(-3, 3)),
    arrays.arrays(np.float64, st.integers(1, 12), elements=st.integers(-3, 3)),
)
def test_separation_counts_pairs(a: np.ndarray, b: np.ndarray) -> None:
    wins = [1.0 if y > x else 0.5 if y == x else 0.0 for x in a for y in b]
    assert separation(a, b) == pytest.approx(sum(wins) / len(wins))


def test_equal_sets_cannot_be_told_apart_and_shifted_ones_can() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400, 5))
    folds = np.arange(400) % 4
    alike = TwoSampleTest.of_scores(*held_out_scores(a, b, folds, folds))
    assert alike.low <= 0.5 <= alike.high
    apart = TwoSampleTest.of_scores(*held_out_scores(a, b + 2, folds, folds))
    assert apart.accuracy > 0.95
    assert apart.low <= apart.accuracy <= apart.high


def test_scores_are_held_out() -> None:
    """With as many columns as rows a classifier knows every row by heart, unless it is hidden."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 40, 80))
    folds = np.arange(40) % 4
    test = TwoSampleTest.of_scores(*held_out_scores(a, b, folds, folds))
    assert test.accuracy < 0.75


def test_a_fold_without_one_kind_is_told() -> None:
    rows = np.zeros((4, 2))
    with pytest.raises(InputError, match="too few for the folds"):
        held_out_scores(rows, rows, np.zeros(4, np.int64), np.zeros(4, np.int64))


# --- distances ---------------------------------------------------------------------------------


def test_frechet_distance_of_gaussians() -> None:
    """|mu|^2 + sum (sigma_a - sigma_b)^2 where the covariances are diagonal."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(20_000, 3)) * [1.0, 2.0, 0.5]
    b = rng.normal(size=(20_000, 3)) * [2.0, 2.0, 1.0] + [0.0, 3.0, 0.0]
    assert frechet_distance(a, b, shrinkage=0.0) == pytest.approx(9 + 1 + 0.25, rel=0.03)


def test_kernel_distance_is_the_sum_over_pairs() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(7, 4)), rng.normal(size=(5, 4)) + 0.5

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / 4 + 1) ** 3)

    own_a = np.mean([kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j])
    own_b = np.mean([kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j])
    between = np.mean([kernel(x, y) for x in a for y in b])
    assert kernel_distance(a, b) == pytest.approx(own_a + own_b - 2 * between)


# --- which crops stand on which side -----------------------------------------------------------


def test_near_duplicates_stand_on_one_side() -> None:
    crops = pictures(24)
    for first in range(0, 24, 3):  # three frames of each sign
        for frame in (1, 2):
            crops[first + frame] = np.clip(crops[first].astype(int) + frame, 0, 255)
    labels = np.repeat([0, 1], 12)
    folds = block_folds(crops, labels, 2)
    assert all(len(set(folds[k : k + 3])) == 1 for k in range(0, 24, 3))
    assert [int((folds == side).sum()) for side in (0, 1)] == [12, 12]


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=60), st.integers(6, 40))
def test_an_even_sample_is_as_even_as_it_can_be(labels: list[int], most: int) -> None:
    known = np.array(labels)
    rows = even_sample(known, most)
    assert len(rows) <= most
    assert len(set(rows.tolist())) == len(rows)
    assert (np.diff(rows) > 0).all()
    taken = {label: int((known[rows] == label).sum()) for label in set(labels)}
    most_taken = max(taken.values())
    for label, count in taken.items():  # only a class that has no more gives fewer
        assert count in (most_taken, labels.count(label))
    assert (
        len(rows) == len(labels) or sum(min(labels.count(n), most_taken + 1) for n in taken) > most
    )


def test_real_against_real_keeps_the_frames_of_a_sign_together() -> None:
    """Else a network knows each sign from its other frames, and the floor lies too high."""
    rng = np.random.default_rng(4)
    signs = pictures(40, seed=4)
    frames = np.repeat(signs, 6, 0).astype(int) + rng.integers(-2, 3, (240, 3, 32, 32))
    crops = frames.clip(0, 255).astype(np.uint8)
    labels = np.zeros(120, np.int64)
    ruler = RealismRuler(crops[:120], labels, STATISTICS, pixels=True)
    floor = ruler.floor(crops[120:], labels)
    careless = ruler.measure("as if synthetic", crops[120:])
    assert floor.pixels is not None
    assert careless.pixels is not None
    assert floor.pixels.accuracy < careless.pixels.accuracy - 0.1


# --- statistics and the ruler ------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(16, 70), st.integers(0, 255))
def test_statistics_are_finite_for_any_size_and_any_flat_crop(size: int, value: int) -> None:
    flat = crop_statistics(torch.full((2, 3, size, size), value / 255))
    assert np.isfinite(flat.values).all()
    assert flat["brightness"] == pytest.approx(value / 255, abs=1e-5)


def test_statistics_do_not_know_their_batch() -> None:
    crops = pictures(9)
    together = crop_statistics(crops).values
    alone = np.concatenate([crop_statistics(crops[k : k + 1]).values for k in range(9)])
    assert np.allclose(together, alone, atol=1e-4)


def test_the_ruler_orders_sets_by_how_far_they_are() -> None:
    real = pictures(80)
    ruler = RealismRuler(real, np.zeros(80, np.int64), STATISTICS)
    near = ruler.measure("near", pictures(80, seed=1))
    far = ruler.measure("far", pictures(80, seed=1) // 3)
    assert near.distance.frechet < far.distance.frechet
    assert near.distance.kernel < far.distance.kernel
    assert near.features.accuracy < far.features.accuracy
    assert near.pixels is None


def test_the_ruler_names_what_differs_most() -> None:
    real = pictures(60)
    ruler = RealismRuler(real, np.zeros(60, np.int64), STATISTICS)
    worst = ruler.gaps(real // 4)[0]
    assert worst.auc < 0.01
    assert {"brightness", "bright", "dark"} & {gap.name for gap in ruler.gaps(real // 4)[:6]}
    assert list(worst.real) == sorted(worst.real)
    same = ruler.gaps(real)
    assert all(gap.auc == pytest.approx(0.5) for gap in same)
