"""Parts of the protocol: absent classes, paired differences and spreads by loops, ideas."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raresign.errors import InputError
from raresign.lab.protocol.absent_table import AbsentTable, Spread
from raresign.lab.protocol.absent_trial import AbsentTrial, load_absent
from raresign.lab.protocol.folded_data import FoldedData, material
from raresign.lab.protocol.ideas import load_ideas, rows_of_ideas
from raresign.lab.protocol.run_trials import protocol_absent
from raresign.lab.protocol.table import paired_difference
from raresign.lab.protocol.trial import Trial, load_trial, trial_folder
from raresign.training.recipe import load_recipe
from raresign.training.training_data import TrainingData

Tiny = Callable[..., dict[str, Any]]
loop_module = importlib.import_module("raresign.training.stage_loop")


@pytest.fixture(scope="module")
def absent(
    data_folder: Path, tmp_path_factory: pytest.TempPathFactory, tiny: Tiny, shared_cache: Path
) -> tuple[Path, AbsentTable, list[TrainingData]]:
    """The protocol with absent classes, and what each training got."""
    folder, given = tmp_path_factory.mktemp("absent"), list[TrainingData]()
    recipe = folder / "tiny.yaml"
    recipe.write_text(json.dumps({**tiny(), "index_crops": 4, "validation": 0.3}))
    fit = loop_module.fit_stage

    def spy(net: Any, stage: Any, data: TrainingData, *rest: Any, **options: Any) -> Any:
        given.append(data)
        return fit(net, stage, data, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARESIGN_CACHE", str(shared_cache))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr(loop_module, "fit_stage", spy)
        patch.setattr("raresign.lab.protocol.absent_trial._FAR_CROPS", 100)
        table = protocol_absent(data_folder, folder / "out", recipe, folds=2, seeds=1)
    return folder / "out", table, given


Absent = tuple[Path, AbsentTable, list[TrainingData]]


def test_absent_classes_are_nowhere(absent: Absent, data_folder: Path) -> None:
    source, pack, parts = material(FoldedData(data_folder, 32, 2, "found"))
    crops = np.asarray(pack.crops)
    assert len(absent[2]) == 2
    for fold, data in zip(parts, absent[2], strict=True):
        gone = {source.catalogue.codes[label] for label in fold.classes}
        assert not gone & set(data.catalogue.codes)
        assert not gone & {sign.twin for sign in data.catalogue.classes}
        assert len(data.catalogue) == len(source.catalogue) - len(gone)
        held = {crop.tobytes() for crop in data.crops.numpy()}
        measured = np.concatenate([fold.measured, fold.spare, fold.validation])
        assert not held & {crops[row].tobytes() for row in measured}
        by_pixels = {crop.tobytes(): label for crop, label in zip(crops, pack.labels, strict=True)}
        for crop, label in zip(data.crops.numpy(), data.labels.tolist(), strict=True):
            code = source.catalogue.codes[by_pixels[crop.tobytes()]]
            assert data.catalogue.codes[label] == code
        # Photos that measure "no sign" do not train.
        assert len(data.pictures) == 2


def test_absent_figures_against_loops(absent: Absent, data_folder: Path) -> None:
    out, table, _ = absent
    trials = [load_absent(file.parent) for file in sorted(out.glob("*/*/absent.json"))]
    _, pack, parts = material(FoldedData(data_folder, 32, 2, "found"))
    added, lost = [], []
    counts = {kind: [0, 0, 0, 0] for kind in ("known", "near", "far")}
    for trial in trials:
        a, fold = trial.arrays, parts[trial.fold]
        rows = np.sort(np.concatenate([fold.measured, fold.spare]))
        np.testing.assert_array_equal(a["near_labels"], pack.labels[rows])
        assert a["facts"].shape == (len(fold.classes), 4)
        added.append(sum(a["near_right"].tolist()) / len(a["near_right"]))
        right, after = a["known_right"].tolist(), a["known_after"].tolist()
        lost.append((sum(right) - sum(after)) / len(right))
        assert len(a["near_tuned"]) == len(rows)
        assert len(a["known_tuned"]) == len(right)
        for kind, levels in counts.items():
            for level in a[f"{kind}_level"].tolist():
                levels[level] += 1
    assert table.added.mean == pytest.approx(np.mean(added))
    assert table.lost.mean == pytest.approx(np.mean(lost))
    for kind, levels in counts.items():
        expected = [count / sum(levels) for count in levels]
        assert table.levels[kind] == pytest.approx(expected)
    assert table.trials == 2
    assert len(table.points) == 4
    assert "nan" not in table.markdown()
    assert json.loads((out / "absent.json").read_text())["trials"] == 2


def test_absent_trials_are_kept(
    absent: Absent, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, table, given = absent
    recipe = out.parent / "tiny.yaml"
    again = protocol_absent(data_folder, out, recipe, folds=2, seeds=1)
    assert len(given) == 2
    assert again.added == table.added
    with pytest.raises(InputError, match="other folds or data"):
        protocol_absent(data_folder, out, recipe, folds=3, seeds=1)


def test_class_error_against_a_loop() -> None:
    """Absent crops count a tenth of all, known ones nine tenths."""
    rng = np.random.default_rng(0)
    a: dict[str, np.ndarray] = {}
    for kind, count in (("known", 60), ("near", 40), ("far", 30)):
        a[f"{kind}_level"] = rng.integers(0, 4, count).astype(np.int8)
        a[f"{kind}_scores"] = rng.normal(size=(count, 4)) + (kind == "known")
    a["known_right"] = rng.random(60) < 0.8
    a["known_after"] = a["known_right"] & (rng.random(60) < 0.9)
    a["near_family"], a["near_family_known"] = rng.random(40) < 0.5, np.zeros(40, bool)
    a["near_right"], a["near_labels"] = rng.random(40) < 0.5, np.repeat([1, 2], 20)
    a["fact_labels"], a["facts"] = np.array([1, 2]), rng.random((2, 4))
    table = AbsentTable.from_trials([AbsentTrial(0, 0, a)])
    right = wrong = 0.0
    for level, good in zip(a["known_level"], a["known_right"], strict=True):
        if level == 0:
            right, wrong = right + 0.9 / 60 * good, wrong + 0.9 / 60 * (not good)
    wrong += sum(0.1 / 40 for level in a["near_level"] if level == 0)
    assert table.class_error.mean == pytest.approx(wrong / (right + wrong))
    assert math.isnan(table.family.mean)  # no known class was of any crop's family
    wins = [
        (known > far) + 0.5 * (known == far)
        for known in a["known_scores"][:, 2]
        for far in a["far_scores"][:, 2]
    ]
    assert table.scores[2].far.mean == pytest.approx(np.mean(wins))
    assert table.forecast is None
    assert "nan" not in table.markdown()


def test_spread_leaves_out_what_nobody_said() -> None:
    values = [0.25, math.nan, 0.75]
    assert Spread.of(values).mean == 0.5
    assert Spread.of(values).spread == pytest.approx(math.sqrt(0.125))
    assert Spread.of(values).percent() == "50.0 ± 35.4"
    assert Spread.of([math.nan, math.nan]).percent() == "-"
    assert Spread.of([0.5]).percent() == "50.0"


def trial_of(rng: np.random.Generator, fold: int, seed: int, skill: float) -> Trial:
    """Answers at random; in fold f the classes 3 f to 3 f + 2 play rare."""
    crops = np.random.default_rng(fold)  # the same crops whoever answers
    labels = np.repeat(np.arange(9), crops.integers(3, 9, 9))
    logits = rng.normal(size=(len(labels), 9))
    logits[np.arange(len(labels)), labels] += skill * rng.uniform(0, 2, len(labels))
    unused = ("rows", "embedding", "index", "index_labels", "index_logits")
    return Trial(
        title="x",
        fold=fold,
        seed=seed,
        labels=labels,
        plays_rare=labels // 3 == fold,
        real=np.arange(9) // 3 != fold,
        logits=logits,
        seconds=0.0,
        steps=1,
        **dict.fromkeys(unused, np.empty(0)),
    )


def test_paired_difference_against_loops() -> None:
    rng = np.random.default_rng(1)
    pairs = [(fold, seed) for fold in range(3) for seed in range(2)]
    ours = [trial_of(rng, *pair, 2.0) for pair in pairs]
    theirs = [trial_of(rng, *pair, 1.0) for pair in pairs[:-1]]  # one has no partner
    change, low, high = paired_difference(ours, theirs)
    won, crops = dict.fromkeys(range(9), 0), dict.fromkeys(range(9), 0)
    for one, other in zip(ours[:-1], theirs, strict=True):
        for n, label in enumerate(one.labels.tolist()):
            if one.plays_rare[n]:
                crops[label] += 1
                won[label] += int(one.logits[n].argmax() == label)
                won[label] -= int(other.logits[n].argmax() == label)
    assert change == pytest.approx(sum(won.values()) / sum(crops.values()))
    draws = []
    for _ in range(3000):
        drawn = rng.integers(0, 9, 9).tolist()
        draws.append(sum(won[label] for label in drawn) / sum(crops[label] for label in drawn))
    assert low == pytest.approx(np.quantile(draws, 0.025), abs=0.02)
    assert high == pytest.approx(np.quantile(draws, 0.975), abs=0.02)
    assert low < change < high
    assert paired_difference(ours, ours) == (0, 0, 0)
    right = {True: 0, False: 0}  # on crops that do not play rare
    for sign, trials in ((1, ours[:-1]), (-1, theirs)):
        for trial in trials:
            for n, label in enumerate(trial.labels.tolist()):
                right[bool(trial.plays_rare[n])] += sign * int(trial.logits[n].argmax() == label)
    others = sum(int((~trial.plays_rare).sum()) for trial in theirs)
    change, low, high = paired_difference(ours, theirs, rare=False)
    assert change == pytest.approx(right[False] / others)
    assert low < change < high


def test_a_broken_trial_is_named(tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_text("{}")
    with pytest.raises(InputError, match="delete it"):
        load_trial(tmp_path)
    with pytest.raises(InputError, match="delete it"):
        load_absent(tmp_path)


def test_files_of_ideas(tmp_path: Path) -> None:
    path = tmp_path / "ideas.yaml"
    for text, named in (
        ("- {title: a, stagez: {}}", r"ideas\.yaml.*stagez"),
        ("- {title: a}\n- {title: a}", r"ideas\.yaml.*twice: a"),
        ("title: a", "a list"),
        ("[", r"ideas\.yaml"),
        ("[]", "a list"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=named):
            load_ideas(path)
    with pytest.raises(InputError, match=r"gone\.yaml"):
        load_ideas(tmp_path / "gone.yaml")


def test_rows_of_packaged_ideas(tiny: Tiny) -> None:
    """Every packaged idea fits a recipe, and changes it."""
    recipe, ideas = load_recipe(tiny()), load_ideas()
    rows = rows_of_ideas(recipe, ideas)
    kept = [idea.title for idea in ideas if idea.keep]
    titles = ["base", *(idea.title for idea in ideas)]
    if len(kept) > 1:
        titles += ["all kept ideas", *(f"all but {title}" for title in kept)]
    assert list(rows) == titles
    folders = {trial_folder(Path(), t, r, 0, 0) for t, r in rows.items()}
    assert len(folders) == len(rows)
