"""The gate before a release: which classes got worse, and that chance alone names none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

import raresign
from conftest import Ended
from raresign.evaluation.release_gate import release_gate


def gate(lost: dict[str, tuple[int, int, int]]):  # type: ignore[no-untyped-def]
    """Classes with (only the old, only the new, both) recognised crops."""
    truth, old, new = [], [], []
    for code, (only_old, only_new, both) in lost.items():
        truth += [code] * (only_old + only_new + both)
        old += [True] * only_old + [False] * only_new + [True] * both
        new += [False] * only_old + [True] * only_new + [True] * both
    return release_gate(truth, np.array(old), np.array(new), {})


@pytest.mark.parametrize(("lost", "won"), [(5, 0), (9, 1), (12, 4), (3, 3), (0, 7), (0, 0)])
def test_p_is_that_of_the_binomial_test(lost: int, won: int) -> None:
    (row,) = gate({"a": (lost, won, 3)}).rows
    wanted = (
        binomtest(max(lost, won), lost + won, alternative="greater").pvalue if lost + won else 1
    )
    assert row.p == pytest.approx(wanted)


def test_worse_classes_are_named_and_better_ones_are_not() -> None:
    found = gate(
        {"a": (12, 0, 50), "b": (0, 12, 5), "c": (2, 1, 40), "d": (4, 0, 9), "e": (6, 1, 9)}
    )
    assert [row.code for row in found.worse] == ["a"]
    said = {row.code: row.verdict for row in found.rows}
    assert said == {"a": "worse", "b": "better", "c": "", "d": "", "e": ""}
    assert found.rows[0].code == "a"
    assert "worse: a" in found.summary


def test_chance_rarely_names_a_class() -> None:
    """Of 300 pairs of equally good models on 40 classes at most about one in twenty is stopped."""
    rng = np.random.default_rng(0)
    truth = np.repeat([f"{k}" for k in range(40)], 30).tolist()
    named = 0
    for _ in range(300):
        old, new = rng.random(1200) < 0.8, rng.random(1200) < 0.8
        named += bool(release_gate(truth, old, new, {}).worse)
    assert named <= 24  # 15 expected at most


def test_the_command_ends_with_1_where_a_class_got_worse(
    cli: Callable[..., Ended], finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    bundle = raresign.export(finished_run, tmp_path / "new.raresign")
    same = cli("compare-bundles", finished_run, bundle, data_folder, "--json")
    assert same.code == 0, same.err
    told = json.loads(same.out)
    assert told["worse"] == []
    assert told["recall_old"] == told["recall_new"]
    # Both answer twice as many crops of one class; the other model has never heard of it.
    data = Path(shutil.copytree(data_folder, tmp_path / "data"))
    told = _predicted(finished_run, data)
    code = max(set(told.values()), key=list(told.values()).count)
    rows = ["filename,class", *(f"{name},{code}" for name in told)]
    (data / "smalltest_annotations.csv").write_text("\n".join(rows))
    worse = cli("compare-bundles", bundle, "built-in", data)
    assert worse.code in (0, 1), worse.err
    assert "recall" in worse.out
    assert (worse.code == 1) == ("; worse: " in worse.out)
    assert cli("compare-bundles", bundle, bundle, tmp_path).code == 2


def _predicted(run: Path, data: Path) -> dict[str, str]:
    files = sorted((data / "smalltest").iterdir())
    answers = raresign.load(run).answer([str(file) for file in files])
    return {file.name: one.answers[0].code for file, one in zip(files, answers, strict=True)}
