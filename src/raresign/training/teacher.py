"""The training of a teacher: another backbone on the stages and crops of its student."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from raresign.errors import InputError
from raresign.files import write_json
from raresign.models import SignNet, load_model, save_model
from raresign.randomness import mix_integers
from raresign.training.data import TrainingData
from raresign.training.fit import Hardware
from raresign.training.net import new_net
from raresign.training.recipe import Recipe
from raresign.training.stage import Stage
from raresign.training.stage_loop import fit_stages

_SEED = 0x7EAC4
"""Sets the teacher's random start apart from the student's, which may have the same backbone."""
_RECORD = "teacher.json"

Limit = Callable[[tuple[Stage, ...], float], float | None]
"""Seconds for the first of the teacher's remaining stages, None for no limit; told those stages
and the seconds of the stages that were finished before a resumption."""


def new_teacher(recipe: Recipe, classes: int, seed: int) -> SignNet:
    """The untrained net of `recipe.teacher.backbone`; all else is as in the student's recipe.

    A second look is not: the teacher says what one look at the student's crop tells.

    Args:
        recipe: With a teacher that has a backbone, which is decided.
        classes: Number of classes.
        seed: Of the run.

    Raises:
        InputError: See `SignNet`.
    """
    teacher = recipe.teacher
    assert teacher is not None
    own = {"backbone": teacher.backbone, "weights": teacher.weights, "second_look": False}
    return new_net(recipe.model_copy(update=own), classes, mix_integers(seed, _SEED))


def train_teacher(
    recipe: Recipe,
    stages: tuple[Stage, ...],
    data: TrainingData,
    folder: Path,
    *,
    hardware: Hardware | None = None,
    limit: Limit | None = None,
    resume: bool = False,
    quiet: bool = False,
    write: bool = True,
) -> tuple[SignNet, float]:
    """Train the teacher that `recipe.teacher.backbone` names, on the data and seed of its student.

    Every stage holds out: what measures the student or fits its rules must not reach it through
    its teacher, whatever a stage of its own does (a last one may train on all real crops).

    Args:
        recipe: Of the student.
        stages: What the teacher is trained by, as a rule `recipe.stages`; each holds out.
        data: What the student is trained on.
        folder: Gets the model, teacher.json, and a folder of curves a stage.
        hardware: Device, processes, precision.
        limit: Time limit of the stages.
        resume: Go on with what `folder` holds; a finished teacher is only read.
        quiet: No progress bar.
        write: Whether this process saves the model; one of several does.

    Returns:
        The teacher on the CPU, and seconds in training, those before a resumption included.

    Raises:
        InputError: See `SignNet`, or `folder` holds a damaged teacher.
        Interrupted: Ctrl-C; `resume` goes on.
    """
    classes = len(data.catalogue)
    done, before = finished_stages(folder) if resume else (0, 0.0)
    seconds = before
    net = load_model(folder) if done else None
    held_out = tuple(stage.model_copy(update={"hold_out": True}) for stage in stages)
    for number, trained, result in fit_stages(
        lambda: new_teacher(recipe, classes, data.seed),
        held_out,
        data,
        folder,
        hardware=hardware,
        done=done,
        net=net,
        limit=lambda number: limit(held_out[number:], before) if limit else None,
        resume=resume,
        quiet=quiet,
        clear=write,
    ):
        net = trained
        seconds += result.seconds
        if write:
            save_model(net, folder)
            write_json(folder / _RECORD, {"stages": number + 1, "seconds": seconds})
    assert net is not None  # a recipe has a stage
    return net, seconds


def finished_stages(folder: Path) -> tuple[int, float]:
    """How many stages of the teacher in `folder` are finished, and their seconds.

    Args:
        folder: What `train_teacher` wrote to, or is to write to.

    Raises:
        InputError: It holds a damaged teacher.
    """
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        return int(record["stages"]), float(record["seconds"])
    except FileNotFoundError:
        return 0, 0.0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / _RECORD} is damaged: {type(error).__name__}: {error}",
            f"delete {folder} to train the teacher again",
        ) from error
