"""What the studio's review and comparison are made of, against loops that one can read."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from raresign.commands.review.reviewed_run import ReviewedRun
from raresign.commands.review.sign_lookup import SignLookup
from raresign.errors import InputError
from raresign.evaluation.answer_changes import answer_changes
from raresign.evaluation.called_crops import CalledCrops
from raresign.evaluation.costly_confusions import CostlyConfusions
from raresign.evaluation.predictions import Predictions
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.registry import country

CODES = tuple("abcdefg")
FAMILIES = ("red ring", "red ring", "blue disc", "red ring", "blue disc", "plate", "plate")


def _crops(seed: int, n: int = 400) -> CalledCrops:
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(0).integers(-1, len(CODES), n)
    predicted = np.where(rng.random(n) < 0.5, np.maximum(labels, 0), rng.integers(0, 7, n))
    confidence = (rng.integers(1, 9, n) / 8).astype(np.float32)
    levels = tuple(rng.choice(["class", "family"], n).tolist())
    paths = tuple(f"{k // 3}.png" for k in range(n))  # three crops a frame
    types = ("freq", "rare") * 3 + ("freq",)
    return CalledCrops(paths, labels, predicted, confidence, CODES, types, FAMILIES, levels)


def _run(crops: CalledCrops) -> ReviewedRun:
    icons = (Path("a.png"),)
    signs = [
        SignClass(code, k, "freq", icons, FAMILIES[k], None) for k, code in enumerate(crops.codes)
    ]
    return ReviewedRun(Path(), Path(), SignCatalogue(signs), crops, {}, {})


def test_confusions_are_those_of_a_plain_loop() -> None:
    crops = _crops(1)
    cost: dict[tuple[str, str], float] = defaultdict(float)
    rows = defaultdict(list)
    for row in range(len(crops)):
        label, called = int(crops.labels[row]), int(crops.predicted[row])
        if label >= 0 and label != called:
            dear = 1 if FAMILIES[label] == FAMILIES[called] else 2
            cost[CODES[label], CODES[called]] += dear * float(crops.confidence[row])
            rows[CODES[label], CODES[called]].append(row)
    found = CostlyConfusions(crops)
    pairs = {(p.code, p.predicted_code): p for group in found.groups for p in group.pairs}
    assert pairs.keys() == cost.keys()
    for key, pair in pairs.items():
        assert pair.cost == pytest.approx(cost[key])
        ordered = sorted(rows[key], key=lambda row: (-crops.confidence[row], row))
        assert found.rows(*key).tolist() == ordered
        assert pair.named == sum(crops.levels[row] == "class" for row in ordered)
    for group in found.groups:
        costs = [pair.cost for pair in group.pairs]
        assert costs == sorted(costs, reverse=True)
        assert group.cost == pytest.approx(sum(costs))
        assert group.size == len(costs)
    assert found.rows("a", "nothing").tolist() == [] == found.rows("nothing", "a").tolist()


def test_corrections_move_the_figures_and_undo_brings_them_back() -> None:
    run = _run(_crops(1))
    row = int(run.mistakes()[0])
    seen = run.crop(row)
    key = run.key(row)
    mended = run.with_corrections({key: seen.predicted_code, ("gone.png", 0): "a"})
    assert len(mended.mistakes()) == len(run.mistakes()) - 1
    assert mended.crop(row).corrected
    assert not mended.crop(row).wrong
    lost = run.with_corrections({key: "unreadable"})
    assert lost.recall().n == run.recall().n - 1
    assert lost.figures(seen.code).recall.n == run.figures(seen.code).recall.n - 1
    back = lost.with_corrections({key: seen.code})
    assert back.mistakes().tolist() == run.mistakes().tolist()
    with pytest.raises(InputError, match="the model has no class"):
        run.figures("<script>")


def test_a_class_page_counts_who_is_taken_for_whom() -> None:
    run = _run(_crops(2))
    crops, figures = run.crops, run.figures("c")
    own = crops.labels == 2
    assert dict(figures.taken_for) == {
        CODES[k]: int((crops.predicted[own] == k).sum())
        for k in range(7)
        if k != 2 and (crops.predicted[own] == k).any()
    }
    assert sum(n for _, n in figures.taken_from) == int(
        ((crops.predicted == 2) & (crops.labels >= 0) & ~own).sum()
    )
    rows = run.rows_of_class("c")
    assert sorted(rows.tolist()) == np.flatnonzero(own).tolist()
    wrong = [run.crop(int(row)).wrong for row in rows]
    assert wrong == sorted(wrong, reverse=True)


def test_changed_answers_are_those_of_a_plain_loop() -> None:
    old, shuffled = _crops(1), _crops(2)
    order = np.argsort(list(shuffled.paths), kind="stable")
    new = CalledCrops(
        tuple(shuffled.paths[k] for k in order),
        shuffled.labels[order],
        shuffled.predicted[order],
        shuffled.confidence[order],
        *(CODES, shuffled.types, FAMILIES),
    )
    found = answer_changes(old, new)
    for code, label in zip(CODES, range(7), strict=True):
        lost, won, other = [], [], []
        for row in np.flatnonzero(old.labels == label).tolist():
            before, after = int(old.predicted[row]), int(shuffled.predicted[row])
            if before == label != after:
                lost.append(row)
            elif after == label != before:
                won.append(row)
            elif before != after:
                other.append(row)
        assert sorted(found.lost(code).tolist()) == lost
        assert sorted(found.won(code).tolist()) == won
        assert sorted(found.otherwise_wrong(code).tolist()) == other
    with pytest.raises(InputError, match="another label"):
        answer_changes(old, new.with_labels(np.zeros(len(new), np.int64)))


def test_the_short_form_says_what_the_long_one_says(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), 20)
    labels = rng.integers(-1, 3, 20)
    long = Predictions(
        tuple(f"{k}.png" for k in range(20)), labels, shares, ("a", "b", "c"),
        ("freq", "rare", "freq"), ("red ring", "plate", "plate"),
    )  # fmt: skip
    long.as_parquet(tmp_path / "predictions.parquet")
    short = CalledCrops.from_folder(tmp_path)
    assert short.paths == long.paths
    assert short.codes == long.codes
    assert short.predicted.tolist() == long.predicted.tolist()
    assert short.confidence.tolist() == long.confidence.tolist()
    assert short.of_group("rare").tolist() == long.of_group("rare").tolist()


def test_signs_are_found_by_code_name_and_value() -> None:
    russia = country("RU")
    icons = (Path("a.png"),)
    codes = ("3.24.n60", "3.24.n6", "1.11.1", "3.1")
    signs = [
        SignClass(code, k, "freq", icons, "red ring", None, russia.name(code) or "")
        for k, code in enumerate(codes)
    ]
    lookup = SignLookup(SignCatalogue(signs, russia))

    def found(words: str) -> list[tuple[str, bool]]:
        return [(sign.code, sign.in_model) for sign in lookup.by_words(words)]

    assert found("3.24.n60")[0] == ("3.24.n60", True)
    for words in ("3.24 60", "speed 60", "скорости 60", "СКОРОСТИ   60"):
        assert found(words) == [("3.24.n60", True)], words
    assert ("1.11.1", True) in found("поворот")
    assert ("3.1", True) in found("въезд запрещен")
    assert found("уступите дорогу") == [("2.4", False)]  # of the standard, not in the model
    assert found("<script>alert(1)</script>") == [] == found("  ")
