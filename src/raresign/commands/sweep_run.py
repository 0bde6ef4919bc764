"""The framing sweep: a run measured on test crops that are framed otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from raresign.commands.evaluate_run import open_evaluation
from raresign.commands.progress import Say, silent
from raresign.crops.crop_table import CropTable
from raresign.crops.reframing import reframed_rows, sweep_reframings
from raresign.evaluation.predictions import Group
from raresign.evaluation.reframed_recall import FramingSweep, compare_windows
from raresign.language.spoken import _
from raresign.report.document import write_report
from raresign.runs.evaluation_files import write_sweep
from raresign.runtime.recogniser import Recogniser


def sweep_framing(
    run: str | Path,
    data: str | Path,
    *,
    out: str | Path | None = None,
    crops: str | Path | None = None,
    layout: str = "auto",
    say: Say = silent,
) -> FramingSweep:
    """Measure a run on test crops that are scaled by 0.6 to 1.4 and shifted by up to 15 %.

    Each crop is framed otherwise at its native resolution and answered as a user's picture is.
    Below 1 only the central part is seen; above 1 the margin grows, by the frame's own pixels where
    the crop was cut out of one, else by repeated edge pixels. Writes framing.json where `evaluate`
    writes its figures; the report shows it.

    Args:
        run, data, out, crops, layout, say: As for `evaluate`.

    Raises:
        InputError: As for `evaluate`.
    """
    told = open_evaluation(run, data, crops, layout)
    known = told.table.filter(told.table.labels >= 0)
    place = Path(out) if out else told.place
    say(
        _("{n} test crops, each in {windows} windows").format(
            n=len(known), windows=len(sweep_reframings())
        )
    )
    sweep = _measured(told.recogniser, known)
    if lost := len(known) - sweep.unchanged.recall["all"].n:
        say(
            _("warning: {lost} of {n} test crops could not be read, and are in no figure").format(
                lost=lost, n=len(known)
            )
        )
    if place is not None:
        write_sweep(place, sweep)
        say(_("framing sweep written to {place}").format(place=place))
    if out is None and told.own and told.folder is not None:
        write_report(told.folder.path, Path(data))
    return sweep


def _measured(recogniser: Recogniser, table: CropTable) -> FramingSweep:
    """Every crop of a table in every window, through the path of a user's picture."""
    windows = sweep_reframings()
    rows: list[int] = []

    def pictures() -> Iterator[Image.Image]:
        for row, framed in reframed_rows(table, windows):
            rows.append(row)
            yield from framed

    label_of = {code: label for label, code in enumerate(recogniser.catalogue.codes)}
    said = [label_of[one.answers[0].code] for one in recogniser.answer(pictures(), top=1)]
    labels = table.labels[rows]
    right = np.array(said, np.int64).reshape(len(rows), len(windows)) == labels[:, None]
    rare = np.isin(labels, recogniser.catalogue.labels_of_type("rare"))
    everything = np.ones(len(labels), bool)
    groups: dict[Group, np.ndarray] = {"all": everything, "rare": rare, "freq": ~rare}
    return compare_windows(windows, right.T, groups)
