"""The teacher of a run or trial: checked before anything is written, then trained or opened."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from raresign.errors import InputError
from raresign.models import SignNet, add_lora, freeze, merge_lora
from raresign.training import (
    Hardware,
    Lesson,
    Limit,
    Recipe,
    Stage,
    TrainingData,
    finished_stages,
    new_teacher,
    train_teacher,
)
from raresign.workflow.progress import Say
from raresign.workflow.run_folder import RunFolder


def check_teacher(recipe: Recipe, codes: Sequence[str], seed: int) -> None:
    """Make sure that the recipe's teacher, if it has one, can teach these classes.

    Args:
        recipe: What is to be trained.
        codes: Of the classes, in the order of the labels.
        seed: Of the run.

    Raises:
        InputError: The teacher's run does not exist, is not finished or has other classes, or its
            backbone or weights do not exist or do not suit a stage's `lora`.
    """
    if recipe.teacher is None:
        return
    if recipe.teacher.run:
        _net_of_run(recipe.teacher.run, codes)
        return
    net = new_teacher(recipe, len(codes), seed)
    for stage in recipe.stages:
        freeze(net, stage.freeze)
        if stage.lora:
            add_lora(net.backbone, stage.lora)
            merge_lora(net.backbone)


def check_teachers_of_trials(rows: Mapping[str, Recipe], codes: Sequence[str]) -> None:
    """Make sure that the teachers of all rows of a protocol can teach and know no answers.

    Args:
        rows: Title -> recipe.
        codes: Of the classes.

    Raises:
        InputError: A teacher is a run, which may have seen the crops that measure; or see
            `check_teacher`.
    """
    for title, recipe in rows.items():
        if recipe.teacher is not None and recipe.teacher.run:
            raise InputError(
                f"the teacher of '{title}' is the run {recipe.teacher.run}, which may have been "
                "trained on the crops that measure",
                "give the teacher's backbone: it is then trained on each fold",
            )
    for recipe in dict.fromkeys(rows.values()):
        check_teacher(recipe, codes, seed=0)


def lesson_of_run(
    recipe: Recipe,
    data: TrainingData,
    folder: Path,
    *,
    hardware: Hardware,
    limit: Limit,
    resume: bool,
    write: bool,
    quiet: bool,
    say: Say,
) -> tuple[Lesson | None, float]:
    """The recipe's teacher at work, and the seconds of its training; None and 0 without one.

    Args:
        recipe: Of the student.
        data: What the student is trained on.
        folder: Where a teacher that has to be trained is kept.
        hardware, limit, resume, write, quiet: See `train_teacher`.
        say: Is told what happens.

    Raises:
        InputError: See `check_teacher` and `train_teacher`.
        Interrupted: Ctrl-C; `resume` goes on.
    """
    teacher = recipe.teacher
    if teacher is None:
        return None, 0.0
    seconds = 0.0
    if teacher.run:
        say(f"teacher: {teacher.run}")
        net = _net_of_run(teacher.run, data.catalogue.codes)
    else:
        left = len(recipe.stages) - (finished_stages(folder)[0] if resume else 0)
        if left:
            say(f"teacher: {teacher.backbone}, {left} stages of its own first")
        net, seconds = train_teacher(
            recipe,
            recipe.stages,
            data,
            folder,
            hardware=hardware,
            limit=limit,
            resume=resume,
            quiet=quiet,
            write=write,
        )
    return Lesson(net, teacher.weight, teacher.temperature), seconds


@contextmanager
def lesson_of_trial(
    recipe: Recipe, stages: tuple[Stage, ...], data: TrainingData, folder: Path
) -> Iterator[Lesson | None]:
    """The teacher of a trial, trained on the trial's own data; its files are deleted at the end.

    Args:
        recipe: Of the student; its teacher has no `run`, see `check_teachers_of_trials`.
        stages: Of teacher and student.
        data: What both are trained on.
        folder: Of the trial.
    """
    if recipe.teacher is None:
        yield None
        return
    own = folder / "teacher"
    try:
        net, _ = train_teacher(recipe, stages, data, own, hardware=Hardware(), quiet=True)
        yield Lesson(net, recipe.teacher.weight, recipe.teacher.temperature)
    finally:
        shutil.rmtree(own, ignore_errors=True)  # an interrupted one may not have begun


def _net_of_run(run: str, codes: Sequence[str]) -> SignNet:
    """The net of a finished run with exactly these classes."""
    folder = RunFolder.open(run)
    if not folder.info.get("finished"):
        raise InputError(
            f"the teacher {run} is not finished", "finish it with `raresign train --resume`"
        )
    known = folder.own_catalogue().codes
    if list(known) != list(codes):
        odd = sorted(set(known) ^ set(codes))
        which = f"{', '.join(odd[:5])}{', ...' if len(odd) > 5 else ''}" if odd else "their order"
        raise InputError(
            f"the teacher {run} has other classes than the data: {which}",
            "a teacher must know the very classes of its student: train it on the same data",
        )
    return folder.model()
