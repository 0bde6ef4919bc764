"""Reading a run folder for the report: what is there, and a note for each thing that is not."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from raresign.answers.unknown_rule import LEVELS
from raresign.errors import InputError
from raresign.evaluation.crop_answers import CropAnswer, read_answers
from raresign.evaluation.intervals import Estimate
from raresign.evaluation.metrics import (
    Metrics,
    evaluate_predictions,
    json_ready,
    metrics_from_dict,
)
from raresign.evaluation.predictions import GROUPS, Predictions
from raresign.evaluation.reframed_recall import FramingSweep, sweep_from_dict
from raresign.files import read_text
from raresign.language.spoken import _
from raresign.parsing import parse_json
from raresign.runs.added_classes import added_places
from raresign.runs.evaluation_files import EVALUATION, FRAMING_FILE
from raresign.runs.run_folder import RunFolder
from raresign.signs.catalogue.sign_catalogue import SignCatalogue


@dataclass(frozen=True)
class StageLog:
    """What one stage logged: its name, its number of steps, and columns of (step, value) pairs."""

    name: str
    length: float
    columns: dict[str, tuple[tuple[float, float], ...]]

    def series(self, column: str) -> tuple[tuple[float, float], ...]:
        """The (step, value) pairs of a column; empty if it was never measured."""
        return self.columns.get(column, ())


@dataclass(frozen=True)
class AddedView:
    """A class that was added to a run, with what was forecast of it.

    Args:
        code: Its class code.
        name: For people; "" where none is known.
        family: Its family.
        forecast: The recall forecast for it with its interval; None if there is none.
        confusions: (code, share in [0, 1]) of the classes it is likely to be taken for.
        icon: The file of its icon; None if there is none.
    """

    code: str
    name: str
    family: str
    forecast: Estimate | None
    confusions: tuple[tuple[str, float], ...]
    icon: Path | None


@dataclass
class RunView:
    """The parts of a run that a report shows; a part that is missing is None, with a note why."""

    path: Path
    info: dict[str, Any]
    catalogue: SignCatalogue | None = None
    predictions: Predictions | None = None
    metrics: Metrics | None = None
    logs: list[StageLog] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answers: list[CropAnswer] | None = None  # older runs have none; that is no fault
    added: list[AddedView] = field(default_factory=list)
    framing: FramingSweep | None = None  # measured only where asked for


def view_run(run: Path) -> RunView:
    """Read a run folder as `raresign train` and `raresign evaluate` leave it.

    Args:
        run: The folder. It must hold run.json; all else may be missing.

    Raises:
        InputError: Its run.json is missing or broken.
    """
    folder = RunFolder.open(run)
    run, view = folder.path, RunView(folder.path, folder.info)
    if view.info.get("finished") is False:
        view.notes.append(_("Training has not ended: the figures are those of the stages so far."))
    view.notes += cut_stages(view.info)
    try:
        view.catalogue = SignCatalogue.load(run / "catalogue")
    except (InputError, OSError) as error:
        view.notes.append(_("No catalogue, so no icons: {error}").format(error=error))
    evaluation = run / EVALUATION
    try:
        view.predictions = Predictions.from_parquet(evaluation / "predictions.parquet")
    except InputError as error:
        view.notes.append(
            _("No predictions, so no confusions and no mistakes: {error}").format(error=error)
        )
    try:
        view.metrics = metrics_from_dict(_json_object(evaluation / "metrics.json"))
    except InputError as error:
        if view.predictions is None:
            view.notes.append(_("No test figures: {error}").format(error=error))
        else:
            view.metrics = evaluate_predictions(view.predictions)
            view.notes.append(
                _("Test figures counted anew from the predictions: {error}").format(error=error)
            )
    if view.predictions is not None and (evaluation / "answers.parquet").is_file():
        try:
            view.answers = _answers(evaluation / "answers.parquet", view.predictions)
        except InputError as error:
            view.notes.append(
                _("No answers of classifier and prototypes: {error}").format(error=error)
            )
    _read_framing(view)
    _read_logs(view)
    _read_added(view)
    return view


def cut_stages(info: dict[str, Any]) -> list[str]:
    """A note for each stage that a time limit ended early.

    Example:
        >>> recipe = {"stages": [{"steps": 1100}]}
        >>> info = {"settings": {"recipe": recipe}, "stages": [{"name": "mixed", "steps": 28}]}
        >>> cut_stages(info)
        ['The time limit (--max-time) cut the stage mixed: 28 of 1,100 steps. Expect less.']
    """
    try:
        planned = [int(stage["steps"]) for stage in info["settings"]["recipe"]["stages"]]
        taken = [(str(stage["name"]), int(stage["steps"])) for stage in info["stages"]]
    except (KeyError, TypeError, ValueError):
        return []
    return [
        _(
            "The time limit (--max-time) cut the stage {name}: {steps:,} of {most:,} steps. "
            "Expect less."
        ).format(name=name, steps=steps, most=most)
        for (name, steps), most in zip(taken, planned, strict=False)
        if steps < most
    ]


def _json_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object."""
    if not path.is_file():
        raise InputError(
            _("{name} is missing").format(name=path.name), _("run `raresign evaluate`")
        )
    try:
        value = parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error})", "write it again") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: a JSON {type(value).__name__}", "it must be an object")
    return value


def _read_framing(view: RunView) -> None:
    """The framing sweep if there is one, and a note where it is broken or of other figures."""
    file = view.path / EVALUATION / FRAMING_FILE
    if not file.is_file():
        return
    try:
        sweep = sweep_from_dict(_json_object(file))
    except InputError as error:
        view.notes.append(_("No framing sweep: {error}").format(error=error))
        return
    now = {name: view.metrics.group(name).micro for name in GROUPS} if view.metrics else {}
    then = sweep.unchanged.recall
    # Dicts: a group without crops is NaN, which equals nothing.
    if any(json_ready(one) != json_ready(then[name]) for name, one in now.items()):
        view.notes.append(
            _(
                "No framing sweep: it is older than the figures; run `raresign evaluate "
                "--framing-sweep` again"
            )
        )
        return
    view.framing = sweep


def _read_logs(view: RunView) -> None:
    """The logs of all stages in their order, and notes on those that cannot be read."""
    folders = sorted(path for path in (view.path / "stages").glob("*") if path.is_dir())
    for folder in folders:
        try:
            view.logs.append(_stage_log(folder))
        except (OSError, ValueError, KeyError, csv.Error) as error:
            view.notes.append(
                _("No training curve of stage {name}: {error}").format(
                    name=folder.name, error=error
                )
            )
    if not folders:
        view.notes.append(_("No training curves: the run has no stages/*/metrics.csv."))


def _stage_log(folder: Path) -> StageLog:
    """The metrics.csv of one stage; empty and infinite values are left out."""
    columns: dict[str, list[tuple[float, float]]] = {}
    length = 1.0
    for row in csv.DictReader(io.StringIO(read_text(folder / "metrics.csv"))):
        step = _number(row.pop("step"))
        if step is None:
            continue
        length = max(length, step)
        for name, text in row.items():
            value = _number(text)
            if value is not None:
                columns.setdefault(name, []).append((step, value))
    name = re.sub(r"^\d+-", "", folder.name)
    return StageLog(name, length, {key: tuple(pairs) for key, pairs in columns.items()})


def _number(text: Any) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _answers(path: Path, predictions: Predictions) -> list[CropAnswer]:
    """The answers in `path`, one a row of the predictions.

    Raises:
        InputError: The file is no table of answers, or one of other predictions.
    """
    answers = read_answers(path)
    wrong = ""
    if tuple(answer.path for answer in answers) != predictions.paths:
        wrong = "the answers are not those of predictions.parquet"
    elif not all(answer.level in LEVELS for answer in answers):
        wrong = f"an answer has a level other than {', '.join(LEVELS)}"
    elif not np.isfinite(np.array([answer.known for answer in answers], np.float64)).all():
        wrong = "an answer lacks the chance that its class is known"
    if wrong:
        raise InputError(f"{path}: {wrong}", "write it again with `raresign evaluate`")
    return answers


def _read_added(view: RunView) -> None:
    """The classes in RUN/added in the order in which they came, and a note on each broken one."""
    found: list[tuple[float, str, AddedView]] = []
    for place in added_places(view.path):
        try:
            info = _json_object(place / "class.json")
            found.append((float(info.get("order", math.inf)), place.name, _added(info, place)))
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            view.notes.append(
                _("No forecast of the added class {name}: {kind}: {error}").format(
                    name=place.name, kind=type(error).__name__, error=error
                )
            )
    view.added = [one for _, _, one in sorted(found, key=lambda item: item[:2])]


def _added(info: dict[str, Any], folder: Path) -> AddedView:
    """One class.json."""
    given = info.get("forecast")
    forecast = None
    if given is not None:
        recall, low, high = (float(given[name]) for name in ("recall", "low", "high"))
        forecast = Estimate(recall, low, high, n=1)
    return AddedView(
        code=str(info["code"]),
        name=str(info.get("name", "")),
        family=str(info.get("family", "")),
        forecast=forecast,
        confusions=tuple((str(code), float(share)) for code, share in info.get("confusions") or []),
        icon=next((file for file in sorted(folder.iterdir()) if file.stem == "icon"), None),
    )
