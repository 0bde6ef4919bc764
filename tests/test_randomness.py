"""The counter-based draws against SplitMix64 in plain integers; no draw knows its batch."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.randomness import CropRandom, mix
from raresign.seeds import mix_integers

ONES = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
EXAMPLES = settings(max_examples=60, deadline=None)
int64 = st.integers(-(2**63), 2**63 - 1)


# --- the oracle: Steele, Lea, Flood, in unsigned Python integers ------------------------------


def naive_mix(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & ONES
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & ONES
    return x ^ (x >> 31)


def naive_key(seed: int, number: int) -> int:
    base = naive_mix((GOLDEN + seed) & ONES) & (ONES >> 1)
    return naive_mix((number * GOLDEN + base) & ONES)


def naive_stream(key: int, name: str) -> int:
    return naive_mix(key ^ (zlib.crc32(name.encode()) * GOLDEN & ONES))


def naive_bits(key: int, count: int) -> list[int]:
    return [naive_mix((key + position * GOLDEN) & ONES) for position in range(1, count + 1)]


def unsigned(values: torch.Tensor) -> list[int]:
    return [value & ONES for value in values.tolist()]


@EXAMPLES
@given(st.lists(int64, min_size=1, max_size=20))
def test_mix_is_the_published_finaliser(values: list[int]) -> None:
    assert unsigned(mix(torch.tensor(values))) == [naive_mix(value & ONES) for value in values]


def test_splitmix64_gives_its_published_first_values() -> None:
    """The first outputs of SplitMix64 for the state 1234567, as the reference code prints them."""
    states = [(1234567 + k * GOLDEN) & ONES for k in range(1, 6)]
    signed = torch.tensor([state - (1 << 64) if state >> 63 else state for state in states])
    assert unsigned(mix(signed)) == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@EXAMPLES
@given(seed=st.integers(-(2**70), 2**70), number=int64, name=st.text(max_size=8))
def test_every_draw_is_the_hash_of_seed_number_stream_and_position(
    seed: int, number: int, name: str
) -> None:
    random = CropRandom.from_seed(seed, torch.tensor([number])).stream(name)
    expected = naive_bits(naive_stream(naive_key(seed, number), name), 5)
    assert unsigned(random.bits(2).flatten()) + unsigned(random.bits(3).flatten()) == expected


@EXAMPLES
@given(st.lists(st.integers(-(2**70), 2**70), max_size=4))
def test_mix_integers_is_a_63_bit_hash(values: list[int]) -> None:
    state = 0
    for value in values:
        state = naive_mix((state + GOLDEN + value) & ONES)
    assert mix_integers(*values) == state & (ONES >> 1)


GOLDEN_KEYS = [8409816773569330625, -5137267319001854395, 678111883083270805]
GOLDEN_UNIFORM = [0.859574019908905, 0.8874268531799316, 0.6125207543373108]
GOLDEN_INTEGERS = [[51, 43], [53, 93], [7, 40]]
GOLDEN_HASH = 7702586659592502839


def test_golden_values() -> None:
    """Crops of a published seed must not change from one version to the next."""
    random = CropRandom.from_seed(7, torch.tensor([0, 1, 1_000_000]))
    assert random.keys.tolist() == GOLDEN_KEYS
    assert random.stream("Pose").uniform(0.0, 1.0).tolist() == GOLDEN_UNIFORM
    assert random.stream("icon").integers(0, 99, 2).tolist() == GOLDEN_INTEGERS
    assert mix_integers(1, 2, 3) == GOLDEN_HASH


def test_the_order_of_hashed_integers_counts() -> None:
    hashes = {mix_integers(a, b) for a in range(40) for b in range(40)}
    assert len(hashes) == 1600


# --- independence of the batch -----------------------------------------------------------------


def all_draws(random: CropRandom) -> list[torch.Tensor]:
    """One of every kind of draw, from the stream and after a step into another."""
    return [
        random.uniform(-1.0, 3.0, 2),
        random.integers(-5, 5, 3),
        random.normal(2, 2),
        random.below(torch.full((len(random),), 7)),
        random.happens(0.3),
        random.stream("inner").bits(2),
    ]


@settings(max_examples=25, deadline=None)
@given(
    numbers=st.lists(int64, min_size=1, max_size=30, unique=True),
    seed=st.integers(0, 2**63),
    data=st.data(),
)
def test_draws_do_not_depend_on_batch_order_or_subset(
    numbers: list[int], seed: int, data: st.DataObject
) -> None:
    together = all_draws(CropRandom.from_seed(seed, torch.tensor(numbers)))
    order = torch.tensor(data.draw(st.permutations(range(len(numbers)))))
    cut = data.draw(st.integers(0, len(numbers)))
    for rows in (order[:cut], order[cut:]):
        shuffled = all_draws(CropRandom.from_seed(seed, torch.tensor(numbers)[rows]))
        for whole, part in zip(together, shuffled, strict=True):
            assert torch.equal(whole[rows], part)


@pytest.mark.parametrize("rows", [torch.tensor([3, 0, 3]), torch.arange(5) % 2 == 0])
def test_take_continues_where_the_draws_stood(rows: torch.Tensor) -> None:
    random = CropRandom.from_seed(1, torch.arange(5))
    first = random.uniform(0.0, 1.0)
    chosen = random.take(rows)
    later = random.uniform(0.0, 1.0)
    assert torch.equal(chosen.uniform(0.0, 1.0), later[rows])
    assert not torch.equal(first, later)


def test_no_crops_draw_nothing() -> None:
    random = CropRandom.from_seed(0, torch.arange(0))
    assert [len(values) for values in all_draws(random)] == [0] * 6
    assert len(random) == 0


def test_streams_seeds_and_numbers_give_different_draws() -> None:
    names = ["", "a", "b", "ab", "Pose", "Sensor", "Exposure", "icon", "background", "attempt 1"]
    seen: set[int] = set()
    for seed in range(5):
        random = CropRandom.from_seed(seed, torch.arange(50))
        for drawn in [random, *(random.stream(name) for name in names)]:
            seen.update(drawn.bits(4).flatten().tolist())
    assert len(seen) == 5 * 50 * 4 * (1 + len(names))


def test_a_stream_is_not_disturbed_by_draws_before_it() -> None:
    random, other = (CropRandom.from_seed(0, torch.arange(4)) for _ in range(2))
    random.normal(5)
    assert torch.equal(random.stream("a").bits(), other.stream("a").bits())


# --- tables ------------------------------------------------------------------------------------

counts_by_name = st.dictionaries(st.text(max_size=6), st.integers(0, 5), min_size=1, max_size=6)


@EXAMPLES
@given(counts=counts_by_name, numbers=st.lists(int64, max_size=6), seed=int64)
def test_a_table_holds_what_its_streams_would_draw(
    counts: dict[str, int], numbers: list[int], seed: int
) -> None:
    random = CropRandom.from_seed(seed, torch.tensor(numbers, dtype=torch.int64))
    table = random.table(counts)
    assert list(table) == list(counts)
    for name, count in counts.items():
        assert table[name].shape == (len(numbers), count)
        assert table[name].dtype == torch.float32
        assert torch.equal(table[name], random.stream(name).uniform(0.0, 1.0, count))


def test_a_table_against_the_hash_in_plain_integers() -> None:
    table = CropRandom.from_seed(9, torch.tensor([4])).table({"x": 3, "pose": 2})
    for name, count in (("x", 3), ("pose", 2)):
        key = naive_stream(naive_key(9, 4), name)
        expected = [(bits >> 40) / 2**24 for bits in naive_bits(key, count)]
        assert table[name][0].tolist() == expected


def test_a_table_is_not_moved_by_draws_nor_by_what_else_stands_in_it() -> None:
    random = CropRandom.from_seed(3, torch.arange(5))
    before = random.table({"a": 2})["a"]
    random.uniform(0.0, 1.0, 7)
    assert torch.equal(random.table({"b": 4, "a": 2, "c": 1})["a"], before)
    assert torch.equal(random.take(torch.tensor([4, 1])).table({"a": 2})["a"], before[[4, 1]])
    assert torch.equal(random.table({"a": 1})["a"], before[:, :1])


# --- the distributions -------------------------------------------------------------------------


def test_bits_are_balanced_and_neighbours_uncorrelated() -> None:
    """Every one of the 64 bits, between crops with neighbouring numbers and between positions."""
    bits = CropRandom.from_seed(3, torch.arange(4096)).bits(2)
    places = ((bits[..., None] >> torch.arange(64)) & 1).double() * 2 - 1  # (4096, 2, 64)
    limit = 5 / math.sqrt(4096)
    assert places.mean(0).abs().max() < limit
    assert (places[:-1] * places[1:]).mean(0).abs().max() < limit
    assert (places[:, 0] * places[:, 1]).mean(0).abs().max() < limit


def test_uniform_is_even_and_exact_in_float32() -> None:
    draws = CropRandom.from_seed(0, torch.arange(64)).uniform(0.0, 1.0, 1000)
    assert draws.dtype == torch.float32
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    steps = draws.double() * 2**24
    assert torch.equal(steps, steps.round())  # every value is a whole number of 2**-24
    counts = torch.histc(draws, 50, 0.0, 1.0)
    expected = draws.numel() / 50
    assert ((counts - expected) ** 2 / expected).sum() < 95  # chi-square, 49 degrees: p < 1e-4


def test_uniform_takes_the_upper_24_bits() -> None:
    key = naive_stream(naive_key(9, 4), "x")
    value = CropRandom.from_seed(9, torch.tensor([4])).stream("x").uniform(0.0, 1.0).item()
    assert value == (naive_bits(key, 1)[0] >> 40) / 2**24


@EXAMPLES
@given(low=st.floats(-1e3, 1e3, width=32), width=st.floats(0, 1e3, width=32), seed=int64)
def test_uniform_stays_in_its_range(low: float, width: float, seed: int) -> None:
    high = float(np.float32(low + width))
    draws = CropRandom.from_seed(seed, torch.arange(50)).uniform(low, high)
    slack = 1e-6 * max(abs(low), abs(high))
    assert low - slack <= draws.min()
    assert draws.max() <= high + slack


@EXAMPLES
@given(low=st.integers(-(2**40), 2**40), width=st.integers(0, 2**40), seed=int64)
def test_integers_stay_in_their_range(low: int, width: int, seed: int) -> None:
    draws = CropRandom.from_seed(seed, torch.arange(50)).integers(low, low + width)
    assert low <= int(draws.min())
    assert int(draws.max()) <= low + width


def test_integers_reach_both_ends_evenly() -> None:
    draws = CropRandom.from_seed(2, torch.arange(6000)).integers(-2, 3)
    counts = np.bincount(draws.numpy() + 2)
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 27  # chi-square, 5 degrees: p < 1e-4


@EXAMPLES
@given(limits=st.lists(st.integers(1, 2**50), min_size=1, max_size=30), seed=int64)
def test_below_stays_below_each_limit(limits: list[int], seed: int) -> None:
    ceiling = torch.tensor(limits)
    draws = CropRandom.from_seed(seed, torch.arange(len(limits))).below(ceiling)
    assert bool(((draws >= 0) & (draws < ceiling)).all())


def test_normal_is_normal() -> None:
    draws = CropRandom.from_seed(4, torch.arange(2000)).normal(10).double().flatten()
    assert torch.isfinite(draws).all()
    assert draws.mean().abs() < 0.03
    assert (draws.std() - 1).abs() < 0.02
    assert ((draws**3).mean()).abs() < 0.08
    assert ((draws**4).mean() - 3).abs() < 0.2
    quantiles = torch.tensor([0.0228, 0.1587, 0.5, 0.8413, 0.9772], dtype=torch.float64)
    expected = torch.tensor([-2.0, -1, 0, 1, 2], dtype=torch.float64)
    assert (draws.quantile(quantiles) - expected).abs().max() < 0.08


def test_the_most_extreme_bits_give_finite_normals(monkeypatch: pytest.MonkeyPatch) -> None:
    for pattern in (0, -1):
        monkeypatch.setattr(
            CropRandom, "bits", lambda self, *shape, p=pattern: torch.full((len(self), *shape), p)
        )
        assert torch.isfinite(CropRandom.from_seed(0, torch.arange(3)).normal(2)).all()


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_happens_with_its_probability(probability: float) -> None:
    share = CropRandom.from_seed(5, torch.arange(10_000)).happens(probability).double().mean()
    spread = math.sqrt(probability * (1 - probability) / 10_000)
    assert abs(float(share) - probability) <= 4 * spread
