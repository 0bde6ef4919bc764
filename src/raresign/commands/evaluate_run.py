"""`raresign evaluate` and `raresign compare`: a run measured on test crops, and two runs paired."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raresign.bundles.bundle import is_bundle
from raresign.commands.data_folder import open_test
from raresign.commands.measure_crops import Measured, measure, told_unreadable
from raresign.commands.progress import Say, silent
from raresign.commands.train.share_for_test import rows_for_test
from raresign.commands.trained_crops import trained_with
from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.labelling import first_names
from raresign.crops.pack import pack_crops
from raresign.errors import InputError
from raresign.evaluation.compare import Comparison, compare_predictions
from raresign.evaluation.metrics import Metrics
from raresign.files import default_cache, sweep
from raresign.framing.finder import own_finder
from raresign.language.spoken import _
from raresign.models.built_in_files import is_built_in
from raresign.report.document import write_report
from raresign.runs.evaluation_files import EVALUATION, load_predictions
from raresign.runs.loading import load
from raresign.runs.run_folder import RunFolder
from raresign.runs.run_lock import run_lock
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.classes_file import read_codes
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.icon_source import is_drawn


def evaluate(
    run: str | Path,
    data: str | Path,
    *,
    out: str | Path | None = None,
    crops: str | Path | None = None,
    layout: str = "auto",
    strict: bool = False,
    cache: str | Path | None = None,
    say: Say = silent,
) -> Metrics:
    """Measure a run on the test crops of a data folder.

    Writes metrics.json and predictions.parquet. On the data that the run was trained on they go to
    RUN/evaluation, and the report is written anew. On other data they go to
    RUN/evaluation-of-<name of its folder>, and RUN/evaluation and the report stay as they are.

    Args:
        run: The run folder; "built-in" and bundles write nothing unless `out` is given.
        data: The data folder. Its crops are measured by class code: the run must know the class of
            every test crop, but the data need not have all classes of the run.
        out: Where to write instead; the report stays as it is.
        crops, layout, strict, cache: See `open_test` and `train`.
        say: Is told where the figures lie, and how many crops are answered by name.

    Raises:
        InputError: No trained model, no labelled test crop, or test crops of classes that the data
            folder has and the run has not.
    """
    told = open_evaluation(run, data, crops, layout, strict)
    packs = Path(cache) if cache is not None else default_cache()
    size, framing = told.recogniser.encoder.crop_size, told.recogniser.framing
    pack = pack_crops(told.table, size, packs, strict, framing=framing)
    if told.folder is not None and (seen := trained_with(told.folder.path, pack)):
        say(
            _(
                "warning: {run} was trained with {seen} of these {n} crops; figures on them say "
                "nothing of crops that it has not seen"
            ).format(run=run, seen=seen, n=len(pack))
        )
    measured = measure(told.recogniser, pack, Path(data))
    place = Path(out) if out else told.place
    with run_lock(told.folder.path, say) if told.folder and not out else nullcontext():
        if told.folder is not None:
            told.folder.check_unchanged()
        if place is not None:
            sweep(place)
            measured.write(place)
        if out is None and told.own and told.folder is not None:
            write_report(told.folder.path, Path(data))
    if lost := told_unreadable(measured.metrics):
        say(lost)
    say(_named(measured))
    if told.folder is None:
        say(
            _("written to {place}").format(place=place)
            if place
            else _("nothing is written; --out keeps the figures")
        )
        return measured.metrics
    report = told.folder.path / "report.html"
    if out is None and told.own:
        say(_("written to {place}; report: {report}").format(place=place, report=report))
    else:
        say(_("written to {place}; {report} stays as it is").format(place=place, report=report))
    return measured.metrics


@dataclass(frozen=True)
class Evaluation:
    """A run beside the test crops that it is to be measured on.

    Attributes:
        folder: The run; None for the built-in model and bundles.
        table: The test crops by the classes of the run.
        own: Whether the run was trained on this data.
        place: Where figures lie unless told otherwise; None where there is no run.
    """

    folder: RunFolder | None
    recogniser: Recogniser
    table: CropTable
    own: bool
    place: Path | None


def open_evaluation(
    run: str | Path,
    data: str | Path,
    crops: str | Path | None,
    layout: str,
    strict: bool = False,
) -> Evaluation:
    """Open a run and test crops that fit it, see `evaluate`.

    Raises:
        InputError: As for `evaluate`.
    """
    folder = None if is_built_in(run) or is_bundle(run) else RunFolder.open(run)
    recogniser = folder.recogniser() if folder else load(run)
    if recogniser.finder is not None and recogniser.finder is not own_finder():
        raise InputError(
            f"{run} frames its crops with another finder than this version of raresign",
            "measure the run that it was made from",
        )
    catalogue = recogniser.catalogue
    table = open_test(data, catalogue, crops, layout, strict)
    if table is not None and folder is not None:  # the built-in model is of no data
        _check_classes(Path(data), table, catalogue, run)
    if table is None or not (table.labels >= 0).any():
        raise InputError(
            _("{data} holds no test crop with a class that {run} knows").format(
                data=crops or data, run=run
            ),
            _("put crops into smalltest/ and their classes into smalltest_annotations.csv"),
        )
    own = folder is not None and _is_own(folder, data, crops)
    share = folder.info["settings"].get("test_share") if folder is not None and own else None
    if folder is not None and share:  # the other crops have trained
        table = table.filter(rows_for_test(table, share, folder.info["seed"]))
    name = EVALUATION if own else f"{EVALUATION}-of-{Path(crops or data).resolve().name}"
    place = folder.path / name if folder is not None else None
    return Evaluation(folder, recogniser, table, own, place)


def _named(measured: Measured) -> str:
    """How many crops got a class as their answer, not "unknown", and how many of those are right.

    Crops of unknown classes do not count.
    """
    predictions = measured.predictions
    known = predictions.labels >= 0
    named = np.array([answer.level == "class" for answer in measured.answers]) & known
    share = named.sum() / known.sum()
    right = predictions.correct[named].mean() if named.any() else 0.0
    return _("answered by name: {share:.1f} % of the crops, {right:.1f} % of them right").format(
        share=100 * share, right=100 * right
    )


def _is_own(folder: RunFolder, data: str | Path, crops: str | Path | None) -> bool:
    """Whether a run was trained on this data."""
    settings = folder.info["settings"]
    given = str(data) if is_drawn(data) else str(Path(data).resolve())
    taken = str(Path(crops).resolve()) if crops is not None else None
    return given == settings.get("data") and taken in (settings.get("crops"), given)


def _check_classes(data: Path, table: CropTable, catalogue: SignCatalogue, run: str | Path) -> None:
    """Refuse test crops of classes that the data folder has and the run has not."""
    try:
        codes = read_codes(data / "classes.json")
    except InputError:
        return  # not needed: the crops are measured by the classes of the run
    shown = {name for name in table.class_names if name and catalogue.label_of(name) < 0}
    more = [code for code in codes if code in shown]
    if not more:
        return
    lacks = [code for code in catalogue.codes if code not in set(codes)]
    raise InputError(
        _(
            "{data} has other classes than {run}: its test crops show {n} that the run does not "
            "know ({first})"
        ).format(data=data, run=run, n=len(more), first=first_names(more))
        + (
            _(", and it lacks {n} of the run ({first})").format(
                n=len(lacks), first=first_names(lacks)
            )
            if lacks
            else ""
        ),
        _(
            "take those crops out of the test, add the classes with `raresign add-class`, or "
            "train on this data"
        ),
    )


def compare(run: str | Path, other: str | Path) -> Comparison:
    """Paired comparison of two evaluated runs on the same test crops.

    Raises:
        InputError: A run was not evaluated, or the crops differ.
    """
    return compare_predictions(load_predictions(run), load_predictions(other))
