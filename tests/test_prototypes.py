"""The prototype index against loops over classes and rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.answers import prototypes
from raresign.answers.prototypes import PrototypeIndex
from raresign.errors import InputError

EXAMPLES = settings(max_examples=40, deadline=None)
CLOSE = {"rtol": 0.0, "atol": 2e-6}


def material(seed: int, rows: int, classes: int, width: int = 6) -> PrototypeIndex:
    """Random rows in random order; some classes may have none."""
    rng = np.random.default_rng(seed)
    return PrototypeIndex(
        rng.normal(size=(rows, width)) * 3,
        rng.integers(0, classes, rows),
        rng.integers(0, 3, rows),
        classes,
    )


def asked(seed: int, n: int, width: int = 6) -> np.ndarray:
    return np.random.default_rng(seed + 1000).normal(size=(n, width)) * 5


def unit(vector: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vector)
    return np.asarray(vector / length if length > 0 else vector)


def naive_mean(index: PrototypeIndex) -> np.ndarray:
    means = []
    for c in range(index.classes):
        total = np.zeros(index.embeddings.shape[1])
        for row, label in zip(index.embeddings, index.labels, strict=True):
            total += row.astype(float) if label == c else 0.0
        means.append(unit(total))
    return np.stack(means)


def naive_nearest(index: PrototypeIndex, queries: np.ndarray, k: int) -> np.ndarray:
    result = np.full((len(queries), index.classes), -1.0)
    for i, query in enumerate(queries):
        for c in range(index.classes):
            near = [
                float(unit(query) @ row.astype(float))
                for row, label in zip(index.embeddings, index.labels, strict=True)
                if label == c
            ]
            best = sorted(near, reverse=True)[:k]
            if best:
                result[i, c] = sum(best) / len(best)
    return result


sizes = {
    "seed": st.integers(0, 10**6),
    "rows": st.integers(0, 30),
    "classes": st.integers(1, 6),
}


@EXAMPLES
@given(**sizes, k=st.integers(1, 40), block=st.sampled_from([1, 50, 2**24]))
def test_nearest_is_the_loop(seed: int, rows: int, classes: int, k: int, block: int) -> None:
    index, queries = material(seed, rows, classes), asked(seed, 5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prototypes, "_CELLS", block)
        got = index.similarities(queries, "nearest", k)
    np.testing.assert_allclose(got, naive_nearest(index, queries, k), **CLOSE)


@EXAMPLES
@given(**sizes)
def test_means_are_the_loop(seed: int, rows: int, classes: int) -> None:
    index, queries = material(seed, rows, classes), asked(seed, 4)
    means = naive_mean(index)
    np.testing.assert_allclose(index.class_means, means, atol=1e-5)
    got = index.similarities(queries, "mean")
    for c in range(classes):
        has = bool((index.labels == c).any())
        for i, query in enumerate(queries):
            right = float(unit(query) @ means[c]) if has else -1.0
            assert got[i, c] == pytest.approx(right, abs=1e-5)


@EXAMPLES
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 30), block=st.sampled_from([1, 2**24]))
def test_neighbours_are_the_sorted_cosines(seed: int, rows: int, block: int) -> None:
    index, queries = material(seed, rows, 4), asked(seed, 3)
    count = 1 + seed % rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prototypes, "_CELLS", block)
        found, cosines = index.neighbours(queries, count)
    for i, query in enumerate(queries):
        every = [float(unit(query) @ row) for row in index.embeddings]
        order = sorted(range(rows), key=lambda row: -every[row])[:count]
        assert found[i].tolist() == order
        assert cosines[i].tolist() == pytest.approx([every[row] for row in order], abs=2e-6)


@EXAMPLES
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e3))
def test_length_does_not_count(seed: int, scale: float) -> None:
    index, queries = material(seed, 12, 4), asked(seed, 3)
    longer = PrototypeIndex(index.embeddings * scale, index.labels, index.sources, 4)
    for rule in ("mean", "nearest"):
        np.testing.assert_allclose(
            longer.similarities(queries * scale, rule), index.similarities(queries, rule), **CLOSE
        )


def test_one_row_a_class_makes_the_rules_equal() -> None:
    index = PrototypeIndex(asked(1, 4), [2, 0, 3, 1], [1] * 4, 4)
    queries = asked(2, 7)
    np.testing.assert_allclose(
        index.similarities(queries, "mean"), index.similarities(queries, "nearest"), **CLOSE
    )


def test_adding_leaves_the_old_index_and_the_row_numbers_alone() -> None:
    old = material(3, 8, 3)
    before = old.embeddings.copy()
    new = old.add(asked(3, 4), np.array([3, 0, 4, 4]), "real", classes=5)
    assert (len(old), old.classes, len(new), new.classes) == (8, 3, 12, 5)
    np.testing.assert_array_equal(old.embeddings, before)
    np.testing.assert_allclose(new.embeddings[:8], before, **CLOSE)
    assert new.sources[8:].tolist() == [2] * 4
    np.testing.assert_array_equal(new.labels[:8], old.labels)
    at_once = PrototypeIndex(
        np.concatenate([before, asked(3, 4)]),
        np.concatenate([old.labels, np.array([3, 0, 4, 4])]),
        np.concatenate([old.sources, np.full(4, 2)]),
        5,
    )
    queries = asked(4, 5)
    for rule in ("mean", "nearest"):
        np.testing.assert_allclose(
            new.similarities(queries, rule), at_once.similarities(queries, rule), **CLOSE
        )


def test_the_index_does_not_share_memory_with_its_input() -> None:
    rows, labels = np.eye(2, dtype=np.float32), np.array([0, 1])
    sources = np.zeros(2, np.uint8)
    index = PrototypeIndex(rows, labels, sources, 2)
    rows.fill(9), labels.fill(0), sources.fill(2)
    assert index.embeddings.tolist() == [[1, 0], [0, 1]]
    assert index.labels.tolist() == [0, 1]
    assert index.sources.tolist() == [0, 0]


def test_an_empty_index_and_no_queries() -> None:
    index = PrototypeIndex(np.zeros((0, 3)), np.zeros(0), np.zeros(0), 2)
    for rule in ("mean", "nearest"):
        assert index.similarities(np.ones((2, 3)), rule).tolist() == [[-1.0, -1.0]] * 2
        assert index.similarities(np.ones((0, 3)), rule).shape == (0, 2)
    assert len(index.add(np.ones((1, 3)), [1], "icon")) == 1


def test_a_row_of_zeros_gives_no_nan() -> None:
    index = PrototypeIndex(np.zeros((1, 3)), [0], [0], 1)
    for rule in ("mean", "nearest"):
        assert index.similarities(np.ones((1, 3)), rule).tolist() == [[0.0]]


def test_wrong_input_is_refused() -> None:
    rows, labels, sources = np.eye(2), np.array([0, 1]), np.array([0, 1])
    index = PrototypeIndex(rows, labels, sources, 2)
    with pytest.raises(InputError, match="labels from 0 to 1"):
        PrototypeIndex(rows, labels, sources, 1)
    with pytest.raises(InputError, match="sources from 0 to 3"):
        PrototypeIndex(rows, labels, np.array([0, 3]), 2)
    with pytest.raises(InputError, match="not finite"):
        PrototypeIndex(rows * np.nan, labels, sources, 2)
    with pytest.raises(InputError, match="give \\(M, E\\)"):
        PrototypeIndex(rows, labels[:1], sources, 2)
    with pytest.raises(InputError, match="give \\(N, 2\\)"):
        index.add(np.eye(3), np.arange(3), "icon", 3)
    with pytest.raises(InputError, match="labels from 0 to 2"):
        index.add(np.ones((2, 2)), np.array([0, 2]), "icon")
    with pytest.raises(InputError, match="give \\(N, 2\\)"):
        index.similarities(np.eye(3), "mean")
