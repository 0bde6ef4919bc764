"""`--max-time`: what comes between and after the stages is kept back, and cuts are told."""

from __future__ import annotations

import time

import pytest

from raresign.commands.train.time_limit import Clock, Later, fitting_index_crops
from raresign.training.callbacks import expected_steps
from raresign.training.fit import StageResult
from raresign.training.recipe import load_recipe

LATER = Later(classes=205, held_out=2000, test=4000, speed=300.0)


def result(steps: int, seconds: float) -> StageResult:
    return StageResult(steps, seconds, 60.0, None, None, None)


def test_stages_leave_time_for_the_rest() -> None:
    """Stages that take what they are given, and the rest as estimated, fill the limit."""
    stages = load_recipe("default").stages
    clock = Clock(1200.0, later=LATER)
    spent = 0.0
    for number, _ in enumerate(stages):
        clock.started = time.monotonic() - spent
        given = clock.start(stages[number:], 16)
        assert given is not None
        spent += given + LATER.after_stage()
    assert spent + LATER.after_all(16) == pytest.approx(1200.0, abs=1.0)
    assert Clock(None).start(stages, 16) is None
    assert Clock(5.0, later=LATER).start(stages, 16) == 1.0


def test_short_limits_get_fewer_prototypes() -> None:
    counts = [fitting_index_crops(limit, 32, LATER) for limit in (30, 120, 200, 400, 3600)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (8, 32)
    assert fitting_index_crops(30, 4, LATER) == 4, "never more than asked for"


def test_a_cut_stage_is_told() -> None:
    (stage, *_) = load_recipe("default").stages
    clock = Clock(120.0)
    assert clock.end(stage, result(stage.steps, 99.0)) == ""
    told = clock.end(stage, result(28, 28.0))
    assert f"28 of {stage.steps:,} steps" in told
    assert "min" in told
    late = Clock(10.0, earlier=60.0)
    assert "took 1 min" in late.late()
    assert Clock(None, earlier=60.0).late() == ""


def test_the_bar_counts_to_what_time_allows() -> None:
    assert expected_steps(0, 0.0, 1100) == 1100
    assert expected_steps(28, 1.0, 1100) == 28
    assert expected_steps(30, 0.5, 40) == 40
