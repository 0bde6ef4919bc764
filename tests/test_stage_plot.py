"""Plots by stage, the times of a report, and what TensorBoard gets of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from raresign.report.document import write_report
from raresign.report.stage_plot import write_plots
from raresign.training.tensorboard_logs import log_results

STAGES = [
    {"name": "pretrain", "kind": "real", "seconds": 20, "test": {"all": 0.5, "freq": 0.6}},
    {
        "name": "mixed",
        "kind": "mixed",
        "seconds": 30,
        "test": {"all": 0.7, "rare": 0.5, "freq": 0.8},
    },
]


def make_run(folder: Path) -> Path:
    info = {"name": "r", "seconds": 65, "stages": STAGES, "test": {"all": 0.9, "rare": 0.8}}
    (folder / "run.json").write_text(json.dumps(info))
    return folder


def test_the_plot_shows_every_stage(tmp_path: Path) -> None:
    files = write_plots(make_run(tmp_path))
    assert [path.name for path in files] == ["recall-by-stage.png"]
    with Image.open(files[0]) as picture:
        assert picture.format == "PNG"
        assert len(set(picture.convert("RGB").getdata())) > 50
    page = write_report(tmp_path).read_text(encoding="utf-8")
    chart = re.search(r'<svg [^>]*aria-label="Recall on the test crops after.*?</svg>', page)
    assert chart is not None
    dots = re.findall(r'<circle class="dot curve-(\w+)"', chart[0])
    assert sorted(dots) == ["all"] * 3 + ["freq"] * 2 + ["rare"] * 2
    assert [name in chart[0] for name in ("pretrain", "mixed", "answers")] == [True] * 3


def test_times_add_up(tmp_path: Path) -> None:
    page = write_report(make_run(tmp_path)).read_text(encoding="utf-8")
    times = re.findall(r"<dt>([^<]*)</dt><dd>(\d[^<]*)</dd>", page)
    spent = {name.partition(":")[0]: value for name, value in times}
    assert (spent["time, all in all"], spent["the rest"]) == ("1 min 5 s", "15.0 s")
    assert (spent["stage pretrain"], spent["stage mixed"]) == ("20.0 s", "30.0 s")


def test_tensorboard_has_settings_and_test_recall(tmp_path: Path) -> None:
    log_results(tmp_path, {"name": "own", "stages": [{"steps": 5, "metric": None}]}, STAGES)
    logged = EventAccumulator(str(tmp_path)).Reload()
    found = {(event.step, round(event.value, 3)) for event in logged.Scalars("test recall/all")}
    assert found == {(1, 0.5), (2, 0.7)}  # of two files, whose order is that of their names
    assert "_hparams_/session_start_info" in logged.summary_metadata
