"""Every number of an evaluation against naive loops over the crops; confusions likewise."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.evaluation.confusion import confusion_matrix, mistakes_by_confidence, worst_confusions
from raresign.evaluation.intervals import Estimate, macro_recall_interval, wilson_interval
from raresign.evaluation.metrics import Metrics, evaluate_predictions
from raresign.evaluation.predictions import Predictions

GROUPS = ("all", "rare", "freq")


def make(n: int, classes: int, seed: int, **changed: Any) -> Predictions:
    """Random predictions that are right about half of the time; the last class has no crops."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, max(1, classes - 1), n)
    scores = rng.normal(0, 1, (n, classes))
    known = labels >= 0
    scores[np.flatnonzero(known), labels[known]] += 1.5
    fields: dict[str, Any] = {
        "codes": tuple(f"1.{c}" for c in range(classes)),
        "types": tuple("rare" if c % 3 == 1 else "freq" for c in range(classes)),
        "families": tuple(("red ring", "blue disc", "white plate")[c % 2] for c in range(classes)),
    }
    paths = [f"{i}.png" for i in range(n)]
    return Predictions.from_logits(paths, labels, scores, **{**fields, **changed})


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits) if hits else math.nan


def close(estimate: Estimate, hits: list[bool]) -> None:
    """The estimate is the share of `hits`, with Wilson's interval."""
    assert estimate.n == len(hits)
    low, high = wilson_interval(sum(hits), len(hits))
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
        (share(hits), low, high), nan_ok=True
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 80), st.integers(1, 12), st.integers(0, 10_000))
def test_figures_of_groups_against_loops(n: int, classes: int, seed: int) -> None:
    p = make(n, classes, seed)
    metrics = evaluate_predictions(p, seed=3)
    crops = []  # (type, label, answer, in top 5, confidence)
    for label, row in zip(p.labels.tolist(), p.probabilities.tolist(), strict=True):
        if label >= 0:
            order = sorted(range(classes), key=lambda c, row=row: (-row[c], c))
            crops.append((p.types[label], label, order[0], label in order[:5], row[order[0]]))
    assert metrics.crops == len(crops)
    assert metrics.unlabelled == n - len(crops)
    for name in GROUPS:
        group = metrics.group(name)
        mine = [crop for crop in crops if name in ("all", crop[0])]
        assert group.crops == len(mine)
        close(group.micro, [crop[1] == crop[2] for crop in mine])
        close(group.top5, [crop[3] for crop in mine])
        close(group.family, [p.families[crop[1]] == p.families[crop[2]] for crop in mine])
        by_class = [
            [crop[2] == c for crop in mine if crop[1] == c]
            for c in sorted({crop[1] for crop in mine})
        ]
        assert group.classes == group.macro.n == len(by_class)
        macro = np.mean([share(hits) for hits in by_class]) if by_class else math.nan
        assert group.macro.value == pytest.approx(macro, nan_ok=True)
        low, high = macro_recall_interval(
            [sum(hits) for hits in by_class], [len(hits) for hits in by_class], 3
        )
        assert (group.macro.low, group.macro.high) == pytest.approx((low, high), nan_ok=True)
        assert group.confidence == pytest.approx(
            np.mean([crop[4] for crop in mine]) if mine else math.nan, nan_ok=True
        )
        assert group.ece == pytest.approx(
            naive_ece([(c[4], c[1] == c[2]) for c in mine]), nan_ok=True
        )
    close(metrics.rare_called_frequent, [p.types[c[2]] == "freq" for c in crops if c[0] == "rare"])
    close(metrics.frequent_called_rare, [p.types[c[2]] == "rare" for c in crops if c[0] == "freq"])


def naive_ece(crops: list[tuple[float, bool]]) -> float:
    """The definition: bins of equal width, open below and closed above."""
    if not crops:
        return math.nan
    total = 0.0
    for b in range(15):
        inside = [crop for crop in crops if b / 15 < crop[0] <= (b + 1) / 15]
        if inside:
            gap = np.mean([right for _, right in inside]) - np.mean([sure for sure, _ in inside])
            total += len(inside) / len(crops) * abs(gap)
    return total


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 80), st.integers(1, 12), st.integers(0, 10_000))
def test_class_table_and_confusions_against_loops(n: int, classes: int, seed: int) -> None:
    p = make(n, classes, seed)
    metrics = evaluate_predictions(p)
    pairs = [
        (label, answer)
        for label, answer in zip(p.labels.tolist(), p.predicted.tolist(), strict=True)
        if label >= 0
    ]
    assert [entry.label for entry in metrics.per_class] == list(range(classes))
    for entry in metrics.per_class:
        answers = [answer for label, answer in pairs if label == entry.label]
        wrong = Counter(answer for answer in answers if answer != entry.label)
        assert (entry.crops, entry.hits) == (len(answers), answers.count(entry.label))
        close(entry.recall, [answer == entry.label for answer in answers])
        worst = min(wrong, key=lambda c, wrong=wrong: (-wrong[c], c), default=None)
        assert entry.wrong_code == (None if worst is None else p.codes[worst])
        assert entry.wrong_count == (0 if worst is None else wrong[worst])
        assert (entry.code, entry.type, entry.family) == (
            p.codes[entry.label],
            p.types[entry.label],
            p.families[entry.label],
        )
    counted = Counter(pairs)
    matrix = confusion_matrix(p)
    assert {(i, j): int(matrix[i, j]) for i, j in np.argwhere(matrix).tolist()} == dict(counted)
    size = Counter(label for label, _ in pairs)
    expected = sorted(
        ((i, j) for i, j in counted if i != j),
        key=lambda pair: (-counted[pair], -counted[pair] / size[pair[0]], *pair),
    )
    confusions = worst_confusions(p, most=7)
    assert [(c.label, c.predicted) for c in confusions] == expected[:7]
    for c in confusions:
        assert c.count == counted[c.label, c.predicted] == len(c.rows)
        assert c.share == pytest.approx(c.count / size[c.label])
        assert c.same_family == (p.families[c.label] == p.families[c.predicted])
        assert (c.code, c.predicted_code) == (p.codes[c.label], p.codes[c.predicted])
        assert all(p.labels[r] == c.label and p.predicted[r] == c.predicted for r in c.rows)
        assert list(c.rows) == sorted(c.rows, key=lambda r: (-p.confidence[r], r))
    mistakes = [r for r in range(n) if p.labels[r] >= 0 and p.labels[r] != p.predicted[r]]
    mistakes.sort(key=lambda r: (-p.confidence[r], r))
    assert mistakes_by_confidence(p).tolist() == mistakes


def test_golden_figures_of_a_test_counted_by_hand() -> None:
    answers = [0, 0, 1, 2, 2, 0, 1]  # the last crop has no label
    p = Predictions(
        tuple("abcdefg"),
        np.array([0, 0, 0, 1, 1, 2, -1]),
        np.eye(3)[answers].astype(np.float32),
        ("1.1", "1.2", "2.1"),
        ("freq", "freq", "rare"),
        ("red triangle", "red triangle", "blue disc"),
    )
    m = evaluate_predictions(p)
    assert (m.crops, m.unlabelled, m.freq.crops, m.rare.crops) == (6, 1, 5, 1)
    assert (m.all.micro.value, m.freq.micro.value, m.rare.micro.value) == (2 / 6, 2 / 5, 0.0)
    assert m.all.macro.value == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert m.freq.macro.value == pytest.approx((2 / 3 + 0) / 2)
    assert m.all.family.value == 3 / 6
    assert m.frequent_called_rare.value == 2 / 5
    assert m.rare_called_frequent.value == 1.0
    assert m.all.ece == pytest.approx(4 / 6)
    assert [(c.wrong_code, c.wrong_count) for c in m.per_class] == [
        ("1.2", 1),
        ("2.1", 2),
        ("1.1", 1),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"types": ("freq",) * 6},
        {"types": ("rare",) * 6},
        {"labels_all": -1},
        {"labels_all": 2},
    ],
)
def test_empty_groups_are_null_in_json(changed: dict[str, Any]) -> None:
    p = make(20, 6, 0, **{k: v for k, v in changed.items() if k == "types"})
    if "labels_all" in changed:
        labels = np.full(20, changed["labels_all"])
        p = Predictions(p.paths, labels, p.probabilities, p.codes, p.types, p.families)
    metrics = evaluate_predictions(p)
    plain = json.loads(json.dumps(metrics.as_dict(), allow_nan=False))
    empty = [name for name in GROUPS if metrics.group(name).crops == 0]
    assert empty
    for name in empty:
        assert plain[name]["micro"] == {"value": None, "low": None, "high": None, "n": 0}
        assert plain[name]["macro"]["value"] is None
        assert plain[name]["ece"] is None
    assert len(metrics.rows()) == 20


def test_one_class_only() -> None:
    p = Predictions(("a", "b"), np.array([0, 0]), np.ones((2, 1)), ("1.1",), ("freq",), ("",))
    m = evaluate_predictions(p)
    assert (m.all.micro.value, m.all.macro.value, m.all.top5.value, m.all.ece) == (1, 1, 1, 0)
    assert m.frequent_called_rare.value == 0
    assert math.isnan(m.rare_called_frequent.value)
    assert worst_confusions(p) == ()
    assert mistakes_by_confidence(p).tolist() == []


def test_rows_repeat_the_figures() -> None:
    m = evaluate_predictions(make(60, 6, 1))
    rows = {name: rest for name, *rest in m.rows()}
    assert len(rows) == 3 * 6 + 2
    for name in GROUPS:
        micro, macro = m.group(name).micro, m.group(name).macro
        assert rows[f"{name}: recall"] == [micro.value, micro.low, micro.high, micro.n]
        assert rows[f"{name}: recall, mean over classes"][0] == macro.value
    assert rows["rare called frequent"][0] == m.rare_called_frequent.value
    assert all(type(value) is float for values in rows.values() for value in values[:3])


def test_same_seed_same_figures_and_order_of_crops_is_nothing() -> None:
    p = make(80, 9, 4)
    order = np.random.default_rng(0).permutation(80)
    shuffled = Predictions(
        tuple(p.paths[i] for i in order),
        p.labels[order],
        p.probabilities[order],
        p.codes,
        p.types,
        p.families,
    )
    first, again = evaluate_predictions(p, 5), evaluate_predictions(shuffled, 5)
    assert_same(first, again)
    assert first.all.macro.low != evaluate_predictions(p, 6).all.macro.low


def assert_same(a: Metrics, b: Metrics) -> None:
    for one, two in zip(a.rows(), b.rows(), strict=True):
        assert one[1:] == pytest.approx(two[1:], nan_ok=True)
    assert a.as_dict()["per_class"] == b.as_dict()["per_class"]
