"""The prototype index against loops over classes and rows."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.errors import InputError
from raresign.recognition import prototypes
from raresign.recognition.prototypes import PrototypeIndex

EXAMPLES = settings(max_examples=40, deadline=None)
CLOSE = {"rtol": 0.0, "atol": 2e-6}


def material(seed: int, rows: int, classes: int, width: int = 6) -> PrototypeIndex:
    """Random rows in random order; some classes may have none."""
    g = torch.Generator().manual_seed(seed)
    return PrototypeIndex(
        torch.randn(rows, width, generator=g) * 3,
        torch.randint(classes, (rows,), generator=g),
        torch.randint(3, (rows,), generator=g, dtype=torch.uint8),
        classes,
    )


def asked(seed: int, n: int, width: int = 6) -> Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed + 1000)) * 5


def unit(vector: Tensor) -> Tensor:
    length = vector.norm()
    return vector / length if length > 0 else vector


def naive_mean(index: PrototypeIndex) -> Tensor:
    means = []
    for c in range(index.classes):
        total = torch.zeros(index.embeddings.shape[1], dtype=torch.float64)
        for row, label in zip(index.embeddings, index.labels, strict=True):
            if label == c:
                total += row.double()
        means.append(unit(total))
    return torch.stack(means)


def naive_nearest(index: PrototypeIndex, queries: Tensor, k: int) -> Tensor:
    result = torch.full((len(queries), index.classes), -1.0, dtype=torch.float64)
    for i, query in enumerate(queries):
        for c in range(index.classes):
            near = [
                float(unit(query).double() @ row.double())
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
    torch.testing.assert_close(got.double(), naive_nearest(index, queries, k), **CLOSE)


@EXAMPLES
@given(**sizes)
def test_means_are_the_loop(seed: int, rows: int, classes: int) -> None:
    index, queries = material(seed, rows, classes), asked(seed, 4)
    means = naive_mean(index)
    torch.testing.assert_close(index.class_means().double(), means, rtol=0.0, atol=1e-5)
    got = index.similarities(queries, "mean").double()
    for c in range(classes):
        has = bool((index.labels == c).any())
        for i, query in enumerate(queries):
            right = float(unit(query).double() @ means[c]) if has else -1.0
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
        torch.testing.assert_close(
            longer.similarities(queries * scale, rule), index.similarities(queries, rule), **CLOSE
        )


def test_one_row_a_class_makes_the_rules_equal() -> None:
    index = PrototypeIndex(asked(1, 4), torch.tensor([2, 0, 3, 1]), torch.ones(4), 4)
    queries = asked(2, 7)
    torch.testing.assert_close(
        index.similarities(queries, "mean"), index.similarities(queries, "nearest"), **CLOSE
    )


def test_adding_leaves_the_old_index_and_the_row_numbers_alone() -> None:
    old = material(3, 8, 3)
    before = old.embeddings.clone()
    new = old.add(asked(3, 4), torch.tensor([3, 0, 4, 4]), "real", classes=5)
    assert (len(old), old.classes, len(new), new.classes) == (8, 3, 12, 5)
    assert torch.equal(old.embeddings, before)
    torch.testing.assert_close(new.embeddings[:8], before)
    assert new.sources[8:].tolist() == [2] * 4
    assert torch.equal(new.labels[:8], old.labels)
    at_once = PrototypeIndex(
        torch.cat([before, asked(3, 4)]),
        torch.cat([old.labels, torch.tensor([3, 0, 4, 4])]),
        torch.cat([old.sources, torch.full((4,), 2, dtype=torch.uint8)]),
        5,
    )
    queries = asked(4, 5)
    for rule in ("mean", "nearest"):
        torch.testing.assert_close(
            new.similarities(queries, rule), at_once.similarities(queries, rule), **CLOSE
        )


def test_the_index_does_not_share_memory_with_its_input() -> None:
    rows, labels, sources = torch.eye(2), torch.tensor([0, 1]), torch.zeros(2, dtype=torch.uint8)
    index = PrototypeIndex(rows, labels, sources, 2)
    rows.fill_(9), labels.fill_(0), sources.fill_(2)
    assert torch.equal(index.embeddings, torch.eye(2))
    assert index.labels.tolist() == [0, 1]
    assert index.sources.tolist() == [0, 0]
    assert not index.embeddings.requires_grad


def test_a_saved_index_answers_alike_in_half_the_memory() -> None:
    index, queries = material(5, 40, 6, width=64), asked(5, 9, width=64)
    state = index.state()
    assert [state[name].dtype for name in ("embeddings", "labels", "sources")] == [
        torch.float16, torch.int64, torch.uint8,
    ]  # fmt: skip
    again = PrototypeIndex.from_state(state, 6)
    for rule in ("mean", "nearest"):
        torch.testing.assert_close(
            again.similarities(queries, rule), index.similarities(queries, rule), rtol=0, atol=1e-3
        )
    state["labels"].zero_()
    assert index.labels.any()


def test_an_empty_index_and_no_queries() -> None:
    index = PrototypeIndex(torch.zeros(0, 3), torch.zeros(0), torch.zeros(0), 2)
    for rule in ("mean", "nearest"):
        assert index.similarities(torch.ones(2, 3), rule).tolist() == [[-1.0, -1.0]] * 2
        assert index.similarities(torch.ones(0, 3), rule).shape == (0, 2)
    assert len(index.add(torch.ones(1, 3), torch.tensor([1]), "icon")) == 1


def test_a_row_of_zeros_gives_no_nan() -> None:
    index = PrototypeIndex(torch.zeros(1, 3), torch.tensor([0]), torch.tensor([0]), 1)
    for rule in ("mean", "nearest"):
        assert index.similarities(torch.ones(1, 3), rule).tolist() == [[0.0]]


def test_wrong_input_is_refused() -> None:
    rows, labels, sources = torch.eye(2), torch.tensor([0, 1]), torch.tensor([0, 1])
    index = PrototypeIndex(rows, labels, sources, 2)
    with pytest.raises(InputError, match="labels from 0 to 1"):
        PrototypeIndex(rows, labels, sources, 1)
    with pytest.raises(InputError, match="sources from 0 to 3"):
        PrototypeIndex(rows, labels, torch.tensor([0, 3]), 2)
    with pytest.raises(InputError, match="not finite"):
        PrototypeIndex(rows / 0, labels, sources, 2)
    with pytest.raises(InputError, match="give \\(M, E\\)"):
        PrototypeIndex(rows, labels[:1], sources, 2)
    with pytest.raises(InputError, match="only grows"):
        index.add(rows, labels, "real", classes=1)
    with pytest.raises(InputError, match="source 'drawn'"):
        index.add(rows, labels, "drawn")
    with pytest.raises(InputError, match="give \\(N, 2\\)"):
        index.add(torch.eye(3), torch.arange(3), "icon", 3)
    with pytest.raises(InputError, match="labels from 0 to 2"):
        index.add(torch.ones(2, 2), torch.tensor([0, 2]), "icon")
    with pytest.raises(InputError, match="use mean or nearest"):
        index.similarities(rows, "median")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 nearest"):
        index.similarities(rows, "nearest", k=0)
    with pytest.raises(InputError, match="give \\(N, 2\\)"):
        index.similarities(torch.eye(3), "mean")
    for count in (0, 3):
        with pytest.raises(InputError, match="neighbours of 2"):
            index.neighbours(rows, count)
    with pytest.raises(InputError, match="without \\['sources'\\]"):
        PrototypeIndex.from_state({"embeddings": rows, "labels": labels}, 2)
