"""The training of a teacher: another backbone on the stages and crops of its student."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from raresign.errors import InputError
from raresign.files import write_json
from raresign.models import SignNet, load_model, save_model
from raresign.randomness import mix_integers
from raresign.training.data import TrainingData
from raresign.training.fit import Hardware, fit_stage, remove_checkpoints
from raresign.training.net import new_net
from raresign.training.recipe import Recipe
from raresign.training.stage import Stage

_SEED = 0x7EAC4
"""Sets the teacher's random start apart from the student's, which may have the same backbone."""
_RECORD = "teacher.json"

Limit = Callable[[tuple[Stage, ...], float], float | None]
"""Seconds for the first of the teacher's remaining stages, None for no limit; told those stages
and the seconds of the stages that were finished before a resumption."""


def new_teacher(recipe: Recipe, classes: int, seed: int) -> SignNet:
    """The untrained net of `recipe.teacher.backbone`; all else is as in the student's recipe.

    Args:
        recipe: With a teacher that has a backbone.
        classes: Number of classes.
        seed: Of the run.

    Raises:
        InputError: See `SignNet`.
    """
    teacher = recipe.teacher
    assert teacher is not None
    own = {"backbone": teacher.backbone, "weights": teacher.weights, "teacher": None}
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
    """Train the teacher that `recipe.teacher.backbone` names, on the very crops of its student.

    Args:
        recipe: Of the student.
        stages: What the teacher is trained by, as a rule `recipe.stages`.
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
    done, seconds = _finished(folder) if resume else (0, 0.0)
    before = seconds
    net = load_model(folder) if done else new_teacher(recipe, classes, data.seed)
    for number, stage in enumerate(stages):
        if number < done:
            continue
        if stage.start == "weights" and number:
            net = new_teacher(recipe, classes, data.seed)
        into = folder / f"{number + 1:02d}-{stage.title}"
        allowed = limit(stages[number:], before) if limit else None
        seconds += fit_stage(
            net,
            stage,
            data,
            number,
            into,
            hardware=hardware,
            max_seconds=allowed,
            resume=resume,
            quiet=quiet,
        ).seconds
        net = net.to("cpu")
        if write:
            try:
                save_model(net, folder)
            except SafetensorError as error:  # a full disk, which safetensors calls so
                raise OSError(f"cannot write the teacher to {folder}: {error}") from error
            write_json(folder / _RECORD, {"stages": number + 1, "seconds": seconds})
            remove_checkpoints(into)
    return net, seconds


def _finished(folder: Path) -> tuple[int, float]:
    """How many stages of the teacher in `folder` are finished, and their seconds."""
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
