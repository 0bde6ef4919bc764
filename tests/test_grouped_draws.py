"""Balanced batches by family: families in one piece, classes as even as ever."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.sampling.balanced import BalancedBatches, EvenDraws
from raresign.sampling.next_permutation import regrouped, without

GROUPS = st.lists(st.sampled_from("abcd"), min_size=2, max_size=24)


def pieces(row: np.ndarray, groups: np.ndarray) -> int:
    """In how many pieces the groups of a row lie."""
    return 1 + int((groups[row][1:] != groups[row][:-1]).sum())


@settings(max_examples=80, deadline=None)
@given(groups=GROUPS, take=st.integers(1, 30), seed=st.integers(0, 2**40))
def test_every_permutation_holds_each_group_in_one_piece(
    groups: list[str], take: int, seed: int
) -> None:
    count, names = len(groups), np.array(groups)
    draws = EvenDraws(count, take, (seed,), groups)
    rest = take % count
    # What is left of a serving after whole rounds is cut from the row of permutations.
    stream = draws.servings(0, 3 * count)[:, :rest].reshape(-1)
    for start in range(0, len(stream) - count + 1, count):
        row = stream[start : start + count]
        assert sorted(row.tolist()) == list(range(count))
        assert pieces(row, names) == len(set(groups))


@settings(max_examples=80, deadline=None)
@given(groups=GROUPS, take=st.integers(1, 30), seed=st.integers(0, 2**40))
def test_servings_by_group_are_even_and_hold_no_number_twice(
    groups: list[str], take: int, seed: int
) -> None:
    draws = EvenDraws(len(groups), take, (seed,), groups)
    counts = np.zeros(len(groups), dtype=int)
    for number in range(100):
        own = np.bincount(draws.serving(number), minlength=len(groups))
        assert own.max() <= -(-take // len(groups))
        counts += own
        assert np.ptp(counts) <= 1


@settings(max_examples=100, deadline=None)
@given(groups=GROUPS, seed=st.integers(0, 2**40), data=st.data())
def test_a_seam_is_clean_and_keeps_groups_whole(
    groups: list[str], seed: int, data: st.DataObject
) -> None:
    number = np.unique(groups, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    before, row = (
        np.concatenate([rng.permutation(np.flatnonzero(number == g)) for g in order])
        for order in (rng.permutation(number.max() + 1) for _ in range(2))
    )
    taken = before[data.draw(st.integers(1, len(groups))) :]
    need = data.draw(st.integers(0, len(groups) - len(taken)))
    again = regrouped(row, number, taken, need)
    assert sorted(again.tolist()) == list(range(len(groups)))
    assert pieces(again, number) == len(set(groups))
    assert not set(again[:need].tolist()) & set(taken.tolist())
    assert without(row, taken).tolist() == [i for i in row.tolist() if i not in set(taken.tolist())]


def test_the_order_of_groups_stays_random_across_seams() -> None:
    """Groups that wait at a seam must not come last for ever."""
    groups = np.repeat(np.arange(6), 5)
    draws = EvenDraws(30, 7, (4,), groups)
    rows = draws.servings(0, 30 * 40).reshape(-1, 30)
    firsts = np.bincount(groups[rows[:, 0]], minlength=6) / len(rows)
    lasts = np.bincount(groups[rows[:, -1]], minlength=6) / len(rows)
    # 280 permutations: 1/6 with a standard error of 0.022.
    assert np.abs(firsts - 1 / 6).max() < 0.08
    assert np.abs(lasts - 1 / 6).max() < 0.08


FAMILIES = ["ring"] * 5 + ["disc"] * 3 + ["plate"] * 4 + ["arrow"] * 2
LABELS = np.repeat(np.arange(14), 1 + np.arange(14) % 4)


@pytest.mark.parametrize("size", [4, 7, 14])
def test_batches_by_family_serve_every_class_equally_often(size: int) -> None:
    grouped, mixed = (BalancedBatches(LABELS, size, 2, 3, groups) for groups in (FAMILIES, None))
    counts = np.zeros((2, 14), dtype=int)
    for step in range(140):
        for row, batches in enumerate((grouped, mixed)):
            labels = LABELS[batches.batch(step)]
            assert len(set(labels.tolist())) == size
            counts[row] += np.bincount(labels, minlength=14)
    assert counts.tolist() == [[140 * size * 2 // 14] * 14] * 2


def test_a_batch_of_few_classes_holds_few_families() -> None:
    grouped, mixed = (BalancedBatches(LABELS, 4, 1, 3, groups) for groups in (FAMILIES, None))

    def families(batches: BalancedBatches) -> float:
        served = [LABELS[batches.batch(step)] for step in range(70)]
        return float(np.mean([len({FAMILIES[label] for label in labels}) for labels in served]))

    assert families(grouped) < 2.2 < 2.5 < families(mixed)


def test_a_batch_by_family_is_a_pure_function_of_the_step() -> None:
    forward = BalancedBatches(LABELS, 5, 2, 8, FAMILIES)
    stream = [forward.batch(step) for step in range(200)]
    for step in (199, 0, 64, 13):
        alone = BalancedBatches(LABELS, 5, 2, 8, FAMILIES)
        assert np.array_equal(alone.batch(step), stream[step])
    shared = BalancedBatches(LABELS, 5, 2, 8, FAMILIES)
    assert np.array_equal(shared.batch(6, rank=1, world_size=2), stream[13])


def test_families_are_those_of_the_labels_where_labels_have_gaps() -> None:
    labels = LABELS * 2
    families = [FAMILIES[label // 2] if label % 2 == 0 else "none" for label in range(28)]
    one = BalancedBatches(LABELS, 4, 2, 3, FAMILIES)
    two = BalancedBatches(labels, 4, 2, 3, families)
    for step in range(20):
        assert np.array_equal(one.batch(step) * 1, two.batch(step))
