"""The samplers against counts made by hand: evenness, purity of the step, DDP and resume."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from raresign.errors import InputError
from raresign.lab.bench.sampler import bench_sampler
from raresign.sampling.balanced import BalancedBatches, EvenDraws, index_by_class
from raresign.sampling.mixed import MixedPlan
from raresign.sampling.shuffled import ShuffledBatches


def imbalanced_labels(seed: int = 0, classes: int = 12) -> np.ndarray:
    """Classes of 1, 2, 3, ... items in random order, with unknown ones and a gap in the labels."""
    sizes = np.arange(1, classes + 1)
    labels = np.concatenate([np.repeat(np.arange(classes) * 2, sizes), np.full(7, -1)])
    return np.random.default_rng(seed).permutation(labels)


# --- even draws ------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 40), take=st.integers(1, 60), seed=st.integers(-(2**70), 2**70))
def test_servings_are_even_over_every_prefix_and_hold_no_number_twice(count, take, seed):
    draws = EvenDraws(count, take, (seed,))
    counts = np.zeros(count, dtype=int)
    for number in range(150):  # more than one block
        serving = draws.serving(number)
        own = np.bincount(serving, minlength=count)
        assert serving.shape == (take,)
        assert own.max() <= -(-take // count)  # distinct; or as few repeats as can be
        counts += own
        assert np.ptp(counts) <= 1


@pytest.mark.parametrize(("count", "take"), [(5, 2), (7, 7), (3, 8), (205, 32), (1, 4), (33, 32)])
def test_a_serving_is_a_function_of_its_number(count, take):
    forward = EvenDraws(count, take, (3,))
    stream = [forward.serving(i) for i in range(500)]
    for i in (499, 0, 250, 63, 64, 204, 205, 1):
        assert np.array_equal(EvenDraws(count, take, (3,)).serving(i), stream[i])
    assert np.array_equal(EvenDraws(count, take, (3,)).servings(10, 480), np.stack(stream[10:480]))


def test_all_pairs_of_classes_meet_about_equally_often():
    """The repair at the seam of two permutations must not tie classes to each other."""
    draws = EvenDraws(10, 4, (0,))
    met = np.zeros((10, 10))
    for i in range(6000):
        serving = draws.serving(i)
        met[np.ix_(serving, serving)] += 1
    off_diagonal = met[~np.eye(10, dtype=bool)]
    assert off_diagonal.min() > 0.9 * off_diagonal.mean()
    assert off_diagonal.max() < 1.1 * off_diagonal.mean()


# --- index -----------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([-1, 0, 1, 5, 7, 40000, 2**40]), min_size=1, max_size=50),
    st.sampled_from([np.int16, np.int32, np.int64]),
)
def test_index_equals_a_naive_grouping(values, kind):
    labels = np.array([v for v in values if v <= np.iinfo(kind).max], dtype=kind)
    naive: dict[int, list[int]] = {}
    for i, label in enumerate(labels.tolist()):
        if label >= 0:
            naive.setdefault(label, []).append(i)
    if not naive:
        with pytest.raises(InputError, match="known label"):
            index_by_class(labels)
        return
    classes, items = index_by_class(labels)
    assert {c: i.tolist() for c, i in zip(classes.tolist(), items, strict=True)} == naive
    assert classes.tolist() == sorted(naive)


def test_the_index_of_the_reference_is_built_in_time():
    figures = bench_sampler(quick=True)
    assert figures["sampler.seconds"] <= 0.05
    assert figures["sampler.far_seconds"] < 1.0
    assert figures["sampler.batches_per_second"] > 200  # about 3,000 on an idle machine


# --- balanced --------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "k"), [(5, 4), (12, 3), (11, 2), (7, 1), (1, 6)])
def test_balanced_batches_are_even_over_classes_and_items(p, k):
    labels = imbalanced_labels()
    batches = BalancedBatches(labels, p, k, seed=1)
    classes = np.unique(labels[labels >= 0])
    served, used = dict.fromkeys(classes.tolist(), 0), np.zeros(len(labels), dtype=int)
    for step in range(200):
        batch = batches.batch(step)
        assert batch.shape == (p * k,) == (batches.batch_size,)
        groups = labels[batch].reshape(p, k)
        assert (groups == groups[:, :1]).all()
        assert len(set(groups[:, 0].tolist())) == p  # distinct classes
        assert (groups >= 0).all()
        for label, items in zip(groups[:, 0].tolist(), batch.reshape(p, k), strict=True):
            served[label] += 1
            # Distinct items where the class has enough, as few repeats as can be where not.
            _, repeats = np.unique(items, return_counts=True)
            assert repeats.max() == -(-k // (labels == label).sum())
        used += np.bincount(batch, minlength=len(labels))
        assert max(served.values()) - min(served.values()) <= 1
        for label in classes:
            assert np.ptp(used[labels == label]) <= 1
    assert used[labels == -1].sum() == 0


def test_whole_cycles_serve_every_class_exactly_equally_often():
    labels = np.repeat(np.arange(15), 3)
    batches = BalancedBatches(labels, 6, 2, seed=0)
    cycle = 15 // np.gcd(15, 6)
    for start in (0, cycle, 7 * cycle):
        window = np.concatenate([batches.batch(start + i) for i in range(cycle)])
        assert len(set(np.bincount(labels[window]).tolist())) == 1


def test_the_seed_decides():
    labels = imbalanced_labels()
    first, same, other = (BalancedBatches(labels, 5, 4, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.batch(9), same.batch(9))
    assert not np.array_equal(first.batch(9), other.batch(9))


def test_a_balanced_stream_is_golden():
    """A change of this stream makes resumed runs differ: change it on purpose only."""
    batches = BalancedBatches([0, 0, 1, 1, 2, 2, 2], 2, 2, seed=5)
    assert [batches.batch(step).tolist() for step in range(4)] == [
        [2, 3, 5, 6],
        [0, 1, 2, 3],
        [0, 1, 4, 6],
        [5, 4, 0, 1],
    ]


def all_samplers():
    labels = imbalanced_labels()
    return [
        lambda: BalancedBatches(labels, 5, 3, seed=4),
        lambda: ShuffledBatches(labels, 9, seed=4),
        lambda: ShuffledBatches(labels, 100, seed=4, power=0.5),
    ]


@pytest.mark.parametrize("make", all_samplers())
@pytest.mark.parametrize("world", [1, 2, 3])
def test_all_ranks_together_see_the_single_process_stream(make, world):
    single = make()
    ranks = [make() for _ in range(world)]  # every process has its own sampler
    for step in range(40):
        for rank, sampler in enumerate(ranks):
            expected = single.batch(step * world + rank)
            assert np.array_equal(sampler.batch(step, rank, world), expected)


@pytest.mark.parametrize("make", all_samplers())
def test_resume_at_a_far_step_equals_the_uninterrupted_stream(make):
    whole = make()
    stream = [whole.batch(step) for step in range(300)]
    for start in (1, 63, 64, 299):
        assert np.array_equal(make().batch(start), stream[start])
    started = time.perf_counter()
    make().batch(100_000)
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize("make", all_samplers())
def test_impossible_ranks_and_steps_are_refused(make):
    for arguments in ((-1, 0, 1), (0, 2, 2), (0, -1, 2), (0, 0, 0)):
        with pytest.raises(ValueError, match="no batch"):
            make().batch(*arguments)


def test_wrong_balanced_settings_show_both_numbers():
    with pytest.raises(InputError, match=r"is 4, but only 3 classes"):
        BalancedBatches([0, 1, 2, -1], 4, 1, seed=0)
    with pytest.raises(InputError, match="none of the 2 items"):
        BalancedBatches([-1, -1], 1, 1, seed=0)
    with pytest.raises(InputError, match="none of the 0 items"):
        BalancedBatches([], 1, 1, seed=0)
    with pytest.raises(InputError, match="at least 1"):
        BalancedBatches([0], 1, 0, seed=0)
    with pytest.raises(InputError, match="float"):
        BalancedBatches([0.5, 1.5], 1, 1, seed=0)


# --- shuffled --------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 40), batch=st.integers(1, 90), seed=st.integers(0, 2**40))
def test_every_item_comes_once_an_epoch(n, batch, seed):
    batches = ShuffledBatches(n, batch, seed)
    stream = np.concatenate([batches.batch(step) for step in range(-(-3 * n // batch))])
    for epoch in range(3):
        assert sorted(stream[epoch * n : (epoch + 1) * n].tolist()) == list(range(n))


def test_natural_epochs_leave_unknown_items_out_and_differ():
    labels = imbalanced_labels()
    known = np.flatnonzero(labels >= 0)
    batches = ShuffledBatches(labels, len(known), seed=0)
    first, second = batches.batch(0), batches.batch(1)
    assert sorted(first.tolist()) == sorted(second.tolist()) == known.tolist()
    assert not np.array_equal(first, second)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    power=st.floats(0.0, 1.0),
    seed=st.integers(0, 2**20),
)
def test_tempered_shares_are_kept_by_arithmetic(sizes, power, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    n = len(labels)
    batches = ShuffledBatches(labels, n, seed, power)
    share = np.array(sizes) ** power / (np.array(sizes) ** power).sum()
    used = np.zeros(n, dtype=int)
    for epoch in range(6):
        used += np.bincount(batches.batch(epoch), minlength=n)
        drawn = np.bincount(labels, weights=used)
        assert (abs(drawn - (epoch + 1) * n * share) <= 1 + 1e-6).all()
        assert all(np.ptp(used[labels == c]) <= 1 for c in range(len(sizes)))


def test_wrong_shuffled_settings():
    with pytest.raises(InputError, match="batch_size is 0"):
        ShuffledBatches(3, 0, seed=0)
    with pytest.raises(InputError, match=r"power is 1\.5"):
        ShuffledBatches(3, 1, seed=0, power=1.5)
    for nothing in (0, -4, [-1, -1]):
        with pytest.raises(InputError, match="known label"):
            ShuffledBatches(nothing, 1, seed=0)


# --- mixed -----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(crops=st.integers(1, 40), world=st.integers(1, 7), before=st.integers(0, 9))
def test_a_batch_is_dealt_out_whole_and_evenly(crops, world, before):
    plan = MixedPlan(ShuffledBatches(50, crops, 0), [3, 8, 9], crops, 7, 0).plan(2)
    shares = np.stack([plan.dealt(rank, world, before) for rank in range(world)])
    assert np.array_equal(shares.sum(0), np.ones(crops + 7))
    assert np.ptp(shares.sum(1)) <= 1


@settings(max_examples=40, deadline=None)
@given(classes=st.integers(1, 20), items=st.integers(1, 30), seed=st.integers(0, 2**20))
def test_synthetic_labels_cycle_evenly(classes, items, seed):
    labels = np.arange(classes) * 3
    plan = MixedPlan(None, labels, 0, items, seed)
    counts = np.zeros(3 * classes, dtype=int)
    for step in range(50):
        batch = plan.plan(step)
        assert batch.synthetic_labels.shape == batch.synthetic_numbers.shape == (items,)
        assert batch.real_indices.shape == (0,)
        counts += np.bincount(batch.synthetic_labels, minlength=3 * classes)
        assert np.ptp(counts[labels]) <= 1


def test_a_plan_of_real_crops_only():
    plan = MixedPlan(ShuffledBatches(10, 4, 0), [], 4, 0, 0).plan(2)
    assert plan.real_indices.shape == (4,)
    assert plan.synthetic_labels.shape == plan.synthetic_numbers.shape == (0,)


def test_wrong_shares():
    real = ShuffledBatches(10, 4, 0)
    with pytest.raises(InputError, match="0 real and 0 synthetic"):
        MixedPlan(None, [1], 0, 0, 0)
    with pytest.raises(InputError, match="5 real crops a batch, but the real sampler serves 4"):
        MixedPlan(real, [1], 5, 1, 0)
    with pytest.raises(InputError, match="serves 0"):
        MixedPlan(None, [1], 5, 1, 0)
    for labels in ([], [3, -1]):
        with pytest.raises(InputError, match="synthetic crops a batch"):
            MixedPlan(real, labels, 4, 2, 0)


def test_serves_a_torch_loader() -> None:
    """A pass has all items about once; passes go on; any number of workers sees the same."""
    labels = np.repeat(np.arange(6), [9, 9, 9, 9, 2, 2])
    numbers = torch.arange(len(labels))
    seen = {}
    for workers in (0, 2):
        batches = BalancedBatches(labels, classes_per_batch=3, items_per_class=4, seed=1)
        loader = DataLoader(TensorDataset(numbers), batch_sampler=batches, num_workers=workers)
        assert len(loader) == len(batches) == 4
        seen[workers] = [[row.tolist() for (row,) in loader] for _ in range(2)]
    assert seen[0] == seen[2]
    pure = BalancedBatches(labels, classes_per_batch=3, items_per_class=4, seed=1)
    assert [row for each in seen[0] for row in each] == [
        pure.batch(step).tolist() for step in range(8)
    ]
    pure.set_epoch(1)
    assert list(pure) == seen[0][1]
