"""Predictions: what is derived, what is refused, and the way to disk and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.errors import InputError
from raresign.evaluation.predictions import Predictions

CODES = ("1.1", "2.3.1", "3.24.n60", "3.24.n80", "5.19.1", "6.4", "знак")
TYPES = ("freq", "rare", "freq", "rare", "freq", "rare", "rare")
FAMILIES = ("red triangle", "red triangle", "red ring", "red ring", "blue square", "blue", "blue")


def make(n: int = 30, seed: int = 0, **changed: Any) -> Predictions:
    rng = np.random.default_rng(seed)
    # A few equal probabilities, so that the order of ties counts.
    shares = rng.integers(1, 5, (n, len(CODES))).astype(np.float64)
    fields: dict[str, Any] = {
        "paths": tuple(f"test/{i:05d}.png" for i in range(n)),
        "labels": rng.integers(-1, len(CODES), n),
        "probabilities": shares / shares.sum(axis=1, keepdims=True),
        "codes": CODES,
        "types": TYPES,
        "families": FAMILIES,
    }
    return Predictions(**{**fields, **changed})


def same(a: Predictions, b: Predictions) -> None:
    assert (a.paths, a.codes, a.types, a.families) == (b.paths, b.codes, b.types, b.families)
    np.testing.assert_array_equal(a.labels, b.labels)
    np.testing.assert_array_equal(a.probabilities, b.probabilities)
    assert a.labels.dtype == b.labels.dtype == np.int64
    assert a.probabilities.dtype == b.probabilities.dtype == np.float32


def test_derived_values_against_loops() -> None:
    predictions = make(60)
    for i in range(60):
        row = predictions.probabilities[i].tolist()
        order = sorted(range(len(CODES)), key=lambda c: (-row[c], c))
        assert predictions.top(5)[i].tolist() == order[:5]
        assert predictions.predicted[i] == order[0]
        assert predictions.confidence[i] == max(row)
        label = int(predictions.labels[i])
        assert predictions.correct[i] == (label == order[0])
        for group in ("all", "rare", "freq"):
            expected = label >= 0 and (group == "all" or TYPES[label] == group)
            assert predictions.of_group(group)[i] == expected
    assert predictions.top(99).shape == (60, len(CODES))
    assert len(predictions) == 60


def test_arrays_cannot_be_changed_and_the_callers_stay_free() -> None:
    labels = np.zeros(3, dtype=np.int64)
    predictions = make(3, labels=labels)
    for array in (predictions.labels, predictions.probabilities, predictions.predicted):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    labels[0] = 1


def test_from_logits_is_the_softmax_and_bears_large_scores() -> None:
    logits = np.array([[0.0, np.log(3.0), 1.0], [1e4, 0.0, -1e4], [-1e5, -1e5, -1e5]])
    facts = (CODES[:3], TYPES[:3], FAMILIES[:3])
    predictions = Predictions.from_logits([Path("a"), "b", "c"], [0, 1, 2], logits, *facts)
    e = np.exp(1.0)
    np.testing.assert_allclose(predictions.probabilities[0], np.array([1, 3, e]) / (4 + e), 1e-6)
    assert predictions.probabilities[1].tolist() == [1, 0, 0]
    np.testing.assert_allclose(predictions.probabilities[2], 1 / 3, 1e-6)
    assert predictions.paths == ("a", "b", "c")


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (np.zeros(3), r"logits have shape \(3,\)"),
        (np.zeros((1, 0)), r"logits have shape \(1, 0\)"),
        (np.array([[0.0, np.nan, 0.0]]), r"logits \(1, 3\): 1 rows hold NaN or infinity"),
        (np.array([[0.0, np.inf, 0.0]]), r"NaN or infinity, first row 0"),
        (np.zeros((2, 3)), r"1 paths, labels \(1,\), probabilities \(2, 3\)"),
    ],
)
def test_from_logits_refuses(logits: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Predictions.from_logits(["a"], [0], logits, CODES[:3], TYPES[:3], FAMILIES[:3])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"paths": ("a",)}, r"1 paths, labels \(4,\), probabilities \(4, 7\), 7 classes"),
        ({"labels": np.zeros((4, 1), int)}, r"labels \(4, 1\)"),
        ({"labels": np.array([0, 1, 2, 7])}, r"label 7 of row 3 \(test/00003.png\)"),
        ({"labels": np.array([0, -2, 2, 3])}, "label -2 of row 1"),
        ({"labels": np.zeros(4)}, "labels have type float64"),
        ({"probabilities": np.full((4, 6), 1 / 6)}, r"and probabilities \(4, 7\)$"),
        ({"probabilities": np.full((4, 7), 0.2)}, r"\(4, 7\): 4 rows .* sum 1\.4"),
        ({"probabilities": np.full((4, 7), np.nan)}, r"\(4, 7\): 4 rows hold NaN"),
        ({"probabilities": [[2.0, -1.0, 0, 0, 0, 0, 0]] * 4}, "least -1"),
        ({"types": TYPES[:3]}, r"codes \(7\), types \(3\), families \(7\)"),
        ({"types": ("common", *TYPES[1:])}, r"class types \['common'\]"),
        ({"codes": (CODES[1], *CODES[1:])}, r"stand twice: \['2.3.1'\]"),
        ({"codes": (), "types": (), "families": ()}, r"codes \(0\)"),
    ],
)
def test_refuses_what_does_not_fit(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make(4, **changed)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 1000))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, n: int, seed: int) -> None:
    # A folder name with "=" must not become a column.
    file = tmp_path_factory.mktemp("run") / "seed=1" / "predictions.parquet"
    predictions = make(n, seed)
    predictions.as_parquet(file)
    same(Predictions.from_parquet(file), predictions)
    assert [entry.name for entry in file.parent.iterdir()] == ["predictions.parquet"]


def test_columns_read_by_anyone(tmp_path: Path) -> None:
    predictions = make(12, labels=np.array([-1, *range(7), 0, 1, 2, 3]))
    predictions.as_parquet(tmp_path / "p.parquet")
    table = pq.read_table(tmp_path / "p.parquet")
    assert table.column_names == [
        "path",
        "label",
        "code",
        "predicted",
        "predicted_code",
        "probability",
        "top5_codes",
        "top5_probabilities",
        "probabilities",
    ]
    for i, row in enumerate(table.to_pylist()):
        top = predictions.top(5)[i].tolist()
        label = int(predictions.labels[i])
        assert row["code"] == (CODES[label] if label >= 0 else None)
        assert row["predicted_code"] == CODES[row["predicted"]] == row["top5_codes"][0]
        assert row["probability"] == row["top5_probabilities"][0] == max(row["probabilities"])
        assert row["top5_codes"] == [CODES[k] for k in top]
        assert row["top5_probabilities"] == [row["probabilities"][k] for k in top]


def test_fewer_than_five_classes(tmp_path: Path) -> None:
    one = Predictions(
        ("a",), np.array([0]), np.ones((1, 1), np.float32), ("1.1",), ("freq",), ("",)
    )
    one.as_parquet(tmp_path / "p.parquet")
    same(Predictions.from_parquet(tmp_path / "p.parquet"), one)


def test_full_disk_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "p.parquet"
    make(3).as_parquet(file)

    def full(table: Any, where: Path, **options: Any) -> None:
        where.write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        make(5).as_parquet(file)
    assert len(Predictions.from_parquet(file)) == 3
    assert list(tmp_path.iterdir()) == [file]


def test_rubbish_files_are_named(tmp_path: Path) -> None:
    file = tmp_path / "p.parquet"
    with pytest.raises(InputError, match="no such file"):
        Predictions.from_parquet(file)
    with pytest.raises(InputError, match="no such file"):
        Predictions.from_parquet(tmp_path)
    for rubbish in (b"", b"hello", b"PAR1" * 10):
        file.write_bytes(rubbish)
        with pytest.raises(InputError, match=r"p\.parquet: not a table of predictions"):
            Predictions.from_parquet(file)
    make(3).as_parquet(file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a table of predictions"):
        Predictions.from_parquet(file)
    file.write_bytes(whole)
    table = pq.read_table(file)
    pq.write_table(table.replace_schema_metadata({}), file)
    with pytest.raises(InputError, match="not a table of predictions"):
        Predictions.from_parquet(file)
    pq.write_table(table.drop_columns(["probabilities"]), file)
    with pytest.raises(InputError, match="probabilities"):
        Predictions.from_parquet(file)
    labels = table.column_names.index("label")
    pq.write_table(table.set_column(labels, "label", [[99, 0, 0]]), file)
    with pytest.raises(InputError, match=r"p\.parquet: label 99 of row 0"):
        Predictions.from_parquet(file)
