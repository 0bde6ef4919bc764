"""The loop over a recipe's stages: each goes on with the net of the one before or starts anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from raresign.models.sign_net import SignNet
from raresign.training.fit import Hardware, StageResult, fit_stage, remove_checkpoints
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData


def fit_stages(
    new: Callable[[], SignNet],
    stages: Sequence[Stage],
    data: TrainingData,
    folder: Path,
    *,
    hardware: Hardware | None = None,
    done: int = 0,
    net: SignNet | None = None,
    starts: Callable[[int], None] = lambda _: None,
    limit: Callable[[int], float | None] = lambda _: None,
    resume: bool = False,
    quiet: bool = False,
    clear: bool = True,
) -> Iterator[tuple[int, SignNet, StageResult]]:
    """Fit one stage after the other; its checkpoints go once the caller asks for the next one.

    Args:
        new: Makes the net that the first stage, and every one with `start: weights`, begins with.
        stages: Of the recipe.
        data: Crops, icons and backgrounds.
        folder: Gets a folder a stage.
        hardware, resume, quiet: See `fit_stage`.
        done: So many stages are finished already; `net` is what they left.
        net: See `done`.
        starts: Is told the number of a stage right before it is fitted.
        limit: Seconds for the stage of a number, None for no limit.
        clear: Whether this process removes the checkpoints; one of several does.

    Yields:
        Number of the stage, the net on the CPU and what the stage left.
    """
    if net is None:
        net = new()
    for number, stage in enumerate(stages):
        if number < done:
            continue
        if stage.start == "weights" and number:
            net = new()
        into = folder / f"{number + 1:02d}-{stage.title}"
        starts(number)
        result = fit_stage(
            net,
            stage,
            data,
            number,
            into,
            hardware=hardware,
            max_seconds=limit(number),
            resume=resume,
            quiet=quiet,
        )
        net = net.to("cpu")
        yield number, net, result
        if clear:
            remove_checkpoints(into)
