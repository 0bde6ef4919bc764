"""The protocol on tiny data: no leak, counts as in the trials' files, finished trials kept."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from raresign.errors import InputError
from raresign.lab.protocol.folded_data import FoldedData, material
from raresign.lab.protocol.ideas import REFERENCE
from raresign.lab.protocol.run_trials import protocol
from raresign.lab.protocol.table import ProtocolTable

Cli = Callable[..., Any]
jobs_module = importlib.import_module("raresign.lab.protocol.trial_jobs")
loop_module = importlib.import_module("raresign.training.stage_loop")
CEILING = "ceiling: real crops of the classes that play rare"
IDEA = "less smoothing"


def recipe_of(folder: Path, tiny: Cli, **changes: Any) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(json.dumps({**tiny(), **changes}))  # JSON is YAML
    return path


class Measured:
    """A protocol of all rows with what each training got."""

    def __init__(self, data: Path, folder: Path, recipe: Path) -> None:
        self.out, self.recipe, self.said = folder / "protocol", recipe, list[str]()
        self.trained: dict[str, set[bytes]] = {}
        ideas = folder / "ideas.yaml"
        ideas.write_text(json.dumps([{"title": IDEA, "stage": {"label_smoothing": 0.05}}]))
        fit = loop_module.fit_stage

        def spy(net: Any, stage: Any, data: Any, place: int, into: Path, **options: Any) -> Any:
            assert stage.hold_out
            crops = data.crops[data.training_indices(True)].numpy()
            trial = into.parent.parent.relative_to(self.out).as_posix()
            self.trained.setdefault(trial, set()).update(crop.tobytes() for crop in crops)
            return fit(net, stage, data, place, into, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop_module, "fit_stage", spy)
            self.table = protocol(
                data, self.out, recipe, folds=2, seeds=1, ideas=ideas, say=self.said.append
            )
        self.ideas = ideas

    def trials(self) -> list[tuple[str, dict[str, Any], dict[str, np.ndarray]]]:
        """Folder, trial.json and arrays of every trial."""
        return [
            (
                file.parent.relative_to(self.out).as_posix(),
                json.loads(file.read_text()),
                load_file(file.with_name("outputs.safetensors")),
            )
            for file in sorted(self.out.glob("*/*/trial.json"))
        ]


@pytest.fixture(scope="module")
def measured(
    data_folder: Path, tmp_path_factory: pytest.TempPathFactory, tiny: Cli, shared_cache: Path
) -> Measured:
    folder = tmp_path_factory.mktemp("protocol")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARESIGN_CACHE", str(shared_cache))
        patch.setenv("HF_HUB_OFFLINE", "1")
        return Measured(data_folder, folder, recipe_of(folder, tiny))


def test_rows_and_guard(measured: Measured) -> None:
    table = measured.table
    assert [row.title for row in table.rows] == ["base", REFERENCE, CEILING, IDEA]
    assert table.leaks == 0
    assert sorted(table.classes) == ["1.11.1", "2.5", "3.24.n40", "4.1.1"]
    assert all(row.trials == 2 for row in table.rows)
    assert len(measured.trials()) == 8
    assert any("32 real crops" in line for line in measured.said)
    assert sum("fold" in line for line in measured.said) == 8


def test_recalls_against_a_loop(measured: Measured) -> None:
    for row in measured.table.rows:
        hits: dict[bool, list[bool]] = {True: [], False: []}
        called, steps, classes = [], [], set()
        for _, info, arrays in measured.trials():
            if info["title"] != row.title:
                continue
            steps.append(info["steps"])
            classes.update(info["classes"])
            for n, label in enumerate(arrays["labels"]):
                answer = int(arrays["logits"][n].argmax())
                rare = bool(arrays["plays_rare"][n])
                hits[rare].append(answer == label)
                if rare:
                    called.append(answer != label and bool(arrays["real"][answer]))
        assert row.rare == pytest.approx(np.mean(hits[True]))
        assert row.frequent == pytest.approx(np.mean(hits[False]))
        assert row.called_frequent == pytest.approx(np.mean(called))
        assert row.rare_low <= row.rare <= row.rare_high
        assert [row.steps] * 2 == steps
        assert classes == {"1.11.1", "2.5", "3.24.n40", "4.1.1"}
    base, reference, ceiling, idea = measured.table.rows
    assert math.isnan(base.difference)
    assert math.isnan(base.rare_spread)
    assert idea.difference == pytest.approx(idea.rare - base.rare)
    if ceiling.rare != reference.rare:
        assert base.gap == pytest.approx(
            (base.rare - reference.rare) / (ceiling.rare - reference.rare)
        )
    else:
        assert math.isnan(base.gap)


def test_measured_crops_never_train(
    measured: Measured, data_folder: Path, shared_cache: Path
) -> None:
    source, pack, _ = material(FoldedData(str(data_folder), 32, 2, "found"))
    crops = np.asarray(pack.crops)
    for folder, info, arrays in measured.trials():
        trained = measured.trained[folder]
        assert not trained & {crops[row].tobytes() for row in arrays["rows"]}
        np.testing.assert_array_equal(pack.labels[arrays["rows"]], arrays["labels"])
        playing = [source.catalogue.label_of(code) for code in info["classes"]]
        np.testing.assert_array_equal(arrays["plays_rare"], np.isin(arrays["labels"], playing))
        own = {crops[row].tobytes() for row in np.flatnonzero(np.isin(pack.labels, playing))}
        # The ceiling alone trains on real crops of the classes that play rare.
        assert bool(trained & own) == (info["title"] == CEILING)
        for label in range(len(source.catalogue)):
            of_class = {crops[row].tobytes() for row in np.flatnonzero(pack.labels == label)}
            assert bool(trained & of_class) == bool(arrays["real"][label])


def test_the_table_is_written(measured: Measured) -> None:
    kept = json.loads((measured.out / "table.json").read_text())
    assert [row["title"] for row in kept["rows"]] == [row.title for row in measured.table.rows]
    assert kept["rows"][0]["difference"] is None
    page = measured.table.markdown()
    assert "nan" not in page
    assert page.count(f"| {IDEA} |") == 1
    assert len(measured.table.points) == 4
    assert measured.table.forecast is not None
    assert measured.table.forecast["classes"] == 4


def same_figures(one: ProtocolTable, other: ProtocolTable, timed: bool = False) -> None:
    for a, b in zip(one.rows, other.rows, strict=True):
        for name, value in vars(a).items():
            if timed or name != "seconds":
                assert vars(b)[name] == pytest.approx(value, nan_ok=True), (a.title, name)


def test_a_second_run_trains_nothing(
    measured: Measured, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {file: file.stat().st_mtime_ns for file in measured.out.glob("*/*/*.*")}

    def never(job: Any) -> None:
        raise AssertionError(f"{job.title} was trained again")

    monkeypatch.setattr(jobs_module, "_one", never)
    again = protocol(
        data_folder, measured.out, measured.recipe, folds=2, seeds=1, ideas=measured.ideas
    )
    same_figures(measured.table, again, timed=True)
    assert {file: file.stat().st_mtime_ns for file in measured.out.glob("*/*/*.*")} == files
    some = protocol(data_folder, measured.out, measured.recipe, folds=2, seeds=1, only=[REFERENCE])
    assert [row.title for row in some.rows] == ["base", REFERENCE]
    longer = tmp_path / "longer.yaml"
    longer.write_text(measured.recipe.read_text().replace('"steps": 2', '"steps": 3'))
    with pytest.raises(AssertionError, match="base was trained again"):
        protocol(data_folder, measured.out, longer, folds=2, seeds=1, reference=False)


def test_an_unfinished_trial_is_repeated(
    measured: Measured, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And gives what it gave."""
    file = next(measured.out.glob("base-*/fold-1-seed-0/trial.json"))
    kept = load_file(file.with_name("outputs.safetensors"))
    file.unlink()
    jobs: list[Any] = []
    one = jobs_module._one

    def spy(job: Any) -> None:
        jobs.append(job)
        one(job)

    monkeypatch.setattr(jobs_module, "_one", spy)
    table = protocol(data_folder, measured.out, measured.recipe, folds=2, seeds=1)
    assert [(job.title, job.fold, job.seed) for job in jobs] == [("base", 1, 0)]
    again = load_file(file.with_name("outputs.safetensors"))
    np.testing.assert_allclose(again["logits"], kept["logits"], atol=1e-5)
    assert table.rows[0].rare == measured.table.rows[0].rare


def test_trials_of_other_folds_are_not_mixed_in(measured: Measured, data_folder: Path) -> None:
    with pytest.raises(InputError, match=r"other folds or data.*--out"):
        protocol(data_folder, measured.out, measured.recipe, folds=4, seeds=1, reference=False)


@pytest.mark.slow
def test_two_jobs_give_the_numbers_of_one(
    measured: Measured, data_folder: Path, tmp_path: Path
) -> None:
    table = protocol(
        data_folder,
        tmp_path / "out",
        measured.recipe,
        folds=2,
        seeds=1,
        ideas=measured.ideas,
        only=[IDEA],
        jobs=2,
    )
    kept = [row for row in measured.table.rows if row.title in ("base", IDEA)]
    for row, other in zip(table.rows, kept, strict=True):
        for name in ("title", "rare", "frequent", "called_frequent", "difference", "steps"):
            expected = getattr(other, name)
            assert getattr(row, name) == pytest.approx(expected, nan_ok=True), name


@pytest.mark.parametrize("absent", [[], ["--absent"]])
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--folds", 5], "5 folds of 4"),
        (["--folds", 1], "1 folds"),
        (["--seeds", 0], "0 seeds"),
        (["--jobs", 0], "0 jobs"),
        (["--recipe", "defualt"], "default"),
    ],
)
def test_refused(
    cli: Cli, data_folder: Path, tmp_path: Path, absent: list[str], options: list[Any], named: str
) -> None:
    ended = cli("protocol", data_folder, "--out", tmp_path / "out", *absent, *options)
    assert ended.code == 2
    assert named in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [["--ideas", "ideas"], ["--only", "base"]])
def test_absent_classes_know_no_rows(
    cli: Cli, data_folder: Path, tmp_path: Path, options: list[str]
) -> None:
    ended = cli("protocol", data_folder, "--out", tmp_path / "out", "--absent", *options)
    assert ended.code == 2
    assert f"{options[0]} with --absent" in ended.err
    assert not (tmp_path / "out").exists()


def test_refused_rows(cli: Cli, data_folder: Path, tmp_path: Path, measured: Measured) -> None:
    options = ("--recipe", measured.recipe, "--folds", 2, "--seeds", 1)
    ended = cli("protocol", data_folder, "--out", measured.out, *options, "--only", "nobody")
    assert ended.code == 2
    assert "nobody" in ended.err
    wrong = tmp_path / "wrong.yaml"
    for idea, named in (
        ({"title": "x", "stagez": {}}, "stagez"),
        ({"title": "x", "stage": {"stepz": 1}}, "stepz"),
        ({"title": ""}, "title"),
    ):
        wrong.write_text(json.dumps([idea]))
        ended = cli("protocol", data_folder, "--out", measured.out, *options, "--ideas", wrong)
        assert ended.code == 2
        assert named in ended.err
    ended = cli("protocol", data_folder, "--out", measured.out, *options, "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["leaks"] == 0
