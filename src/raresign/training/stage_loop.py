"""The loop over a recipe's stages: each goes on with the net of the one before or starts anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from raresign.models.sign_net import SignNet
from raresign.training.fit import Hardware, StageResult, fit_stage
from raresign.training.recipe import Recipe
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData


def new_net(recipe: Recipe, classes: int, seed: int) -> SignNet:
    """A net with the pretrained backbone of a recipe, which is definite, and a new head.

    Raises:
        InputError: See `SignNet`.
    """
    torch.manual_seed(seed)
    return SignNet(
        recipe.backbone,
        classes,
        embedding=recipe.embedding,
        weights=recipe.weights,
        crop_size=recipe.crop_size,
        photometry=recipe.photometry,
    )


def fit_stages(
    recipe: Recipe,
    data: TrainingData,
    folder: Path,
    *,
    net: SignNet | None = None,
    done: int = 0,
    starts: Callable[[int], float | None] = lambda _: None,
    hardware: Hardware | None = None,
    resume: bool = False,
    quiet: bool = False,
    clear: bool = True,
    logs: Path | None = None,
) -> Iterator[tuple[int, SignNet, StageResult]]:
    """Fit one stage after the other; its checkpoints go once the caller asks for the next one.

    Args:
        folder: Gets a folder a stage.
        net: What the first `done` stages left; a new net unless given.
        done: How many stages are finished already.
        starts: Is told the number of a stage right before it is fitted; returns its time limit in
            seconds, None for none.
        hardware, resume, quiet: See `fit_stage`.
        clear: Whether this process removes the checkpoints; one of several does.
        logs: Gets the TensorBoard files of all stages, a folder each.

    Yields:
        Number of the stage, the net on the CPU and what the stage left.
    """
    if clear:  # killed after a stage had ended, before its checkpoints went
        for number, stage in enumerate(recipe.stages[:done]):
            _clear(_place(folder, number, stage))
    for number, stage in enumerate(recipe.stages[done:], done):
        if net is None or (stage.start == "weights" and number):
            net = new_net(recipe, len(data.catalogue), data.seed)
        into = _place(folder, number, stage)
        limit = starts(number)
        result = fit_stage(
            net,
            stage,
            data,
            number,
            into,
            hardware=hardware,
            max_seconds=limit,
            resume=resume,
            quiet=quiet,
            logs=logs,
        )
        net = net.to("cpu")
        yield number, net, result
        if clear:  # the weights live on in the model file
            _clear(into)


def _place(folder: Path, number: int, stage: Stage) -> Path:
    return folder / f"{number + 1:02d}-{stage.title}"


def _clear(into: Path) -> None:
    """Remove the checkpoints of a stage, half written ones, too."""
    for checkpoint in into.glob("*.ckpt"):
        checkpoint.unlink()
