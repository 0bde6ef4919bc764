"""The time limit of a run: training gets what is left beside all that comes between and after."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet
from raresign.report.words import duration
from raresign.training.fit import StageResult
from raresign.training.recipe import Recipe
from raresign.training.stage import Stage

_FIXED = 6.0  # seconds: files, export, report, pictures
_MARGIN = 1.3
_OTHERS = 3000  # crops without a sign, of unknown signs and the like, that rules are fitted on
_FORECAST = 16  # crops a class
_SHARE = 0.35  # of the limit that what comes after the training may take unshortened
_TELLING = 10  # steps; the first ones take longer than those that follow
_LEAST = 8  # synthetic crops a class, with which prototypes still work


def _minutes(seconds: float) -> int:
    """Whole minutes that are enough."""
    return max(1, math.ceil(seconds / 60))


@dataclass(frozen=True)
class Later:
    """How many crops the net reads when it does not train.

    Attributes:
        classes: Of the catalogue.
        held_out: Real crops that stages are measured on.
        test: Test crops.
        speed: Crops a second, see `forward_speed`.
    """

    classes: int
    held_out: int
    test: int
    speed: float

    def after_stage(self) -> float:
        """Seconds after each stage."""
        return _MARGIN * (self.held_out + self.test) / self.speed

    def after_all(self, index_crops: int) -> float:
        """Seconds after the last stage, the fitting of the rules included.

        Example:
            >>> round(Later(205, 0, 0, 400.0).after_all(32))
            69
        """
        crops = (2 * index_crops + _FORECAST) * self.classes + _OTHERS + self.test
        return _FIXED + _MARGIN * crops / self.speed


def forward_speed(net: SignNet) -> float:
    """Crops a second that the net reads here."""
    crops = np.zeros((32, 3, net.crop_size, net.crop_size), np.uint8)
    best = float("inf")
    for _ in range(2):  # the first one warms up
        began = time.perf_counter()
        net_outputs(net, crops)
        best = min(best, time.perf_counter() - began)
    return len(crops) / max(best, 1e-6)


def fitting_index_crops(limit: float, asked: int, later: Later) -> int:
    """How many synthetic crops a class the index gets, so that most of the time is left to train.

    Example:
        >>> later = Later(classes=205, held_out=0, test=0, speed=400)
        >>> fitting_index_crops(3600, 32, later), fitting_index_crops(120, 32, later)
        (32, 8)
    """
    count = asked
    while count > _LEAST and later.after_all(count) > _SHARE * limit:
        count = max(_LEAST, count // 2)
    return count


@dataclass
class Clock:
    """Seconds of a run, parts before a resumption included; `limit` is for all of it."""

    limit: float | None
    earlier: float = 0.0
    later: Later | None = None
    started: float = field(default_factory=time.monotonic)
    stage_started: float = 0.0

    def seconds(self) -> float:
        """What the run has taken so far."""
        return self.earlier + time.monotonic() - self.started

    def plan(
        self, recipe: Recipe, net: SignNet, held_out: int, test: int
    ) -> tuple[Recipe, list[str]]:
        """Find out how long all but training takes, and shorten it where the limit is short.

        Args:
            recipe: Definite.
            net: As it will train.
            held_out, test: Numbers of crops that it is measured on.

        Returns:
            The recipe, with fewer crops in its index where that is needed; what to tell the user.
        """
        if self.limit is None:
            return recipe, []
        classes = net.classifier.out_features
        self.later = Later(classes, held_out, test, forward_speed(net))
        told = []
        count = fitting_index_crops(self.limit, recipe.index_crops, self.later)
        if count < recipe.index_crops:
            told.append(
                f"--max-time is short: {count} instead of {recipe.index_crops} synthetic crops a "
                "class as prototypes, to leave time for training"
            )
            recipe = recipe.model_copy(update={"index_crops": count})
        rest = self._rest(len(recipe.stages), count)
        if rest > 0.75 * (self.limit - self.seconds()):
            told.append(
                f"warning: --max-time of {duration(self.limit)} leaves hardly any time for "
                f"training: all else takes about {duration(rest + self.seconds())} on this "
                "machine, and the net will know little; give --max-time "
                f"{_minutes(4 * (rest + self.seconds()))}m or more"
            )
        return recipe, told

    def start(self, stages: Sequence[Stage], index_crops: int) -> float | None:
        """Start the first of the remaining stages; its time by its share of their crops."""
        self.stage_started = time.monotonic()
        if self.limit is None:
            return None
        left = self.limit - self.seconds() - self._rest(len(stages), index_crops)
        work = [stage.steps * stage.batch for stage in stages]
        return max(left * work[0] / sum(work), 1.0)

    def end(self, stage: Stage, result: StageResult) -> str:
        """End a stage, and say so if time has cut it.

        A stage that took more than since its start was begun before a resumption.
        """
        self.earlier += max(0.0, result.seconds - (time.monotonic() - self.stage_started))
        if result.steps >= stage.steps:
            return ""
        told = (
            f"warning: --max-time cut the stage {stage.title}: {result.steps:,} of "
            f"{stage.steps:,} steps, so expect less"
        )
        if result.steps < _TELLING:
            return told
        whole = result.seconds * stage.steps / result.steps
        return f"{told}; all of them take about {duration(whole)} here"

    def late(self) -> str:
        """What to say at the end if the limit was not kept."""
        if self.limit is None or self.seconds() <= 1.1 * self.limit:
            return ""
        return (
            f"warning: the run took {duration(self.seconds())}, more than --max-time of "
            f"{duration(self.limit)}: preparing, measuring and the report cannot be cut"
        )

    def _rest(self, stages: int, index_crops: int) -> float:
        """Seconds that all but training still takes."""
        if self.later is None:
            return 0.0
        return stages * self.later.after_stage() + self.later.after_all(index_crops)
