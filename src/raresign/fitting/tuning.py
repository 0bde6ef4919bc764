"""A short tuning of the whole net for new classes, which keeps the answers for earlier ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from raresign.answers.head import Head
from raresign.fitting.recogniser_fit import Rules, build_recogniser, fit_synthetic_rules
from raresign.models.grown_net import with_rows
from raresign.models.outputs import net_rows
from raresign.models.sign_net import SignNet
from raresign.training.fit import StageResult, fit_stage
from raresign.training.recipe import Recipe
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData

_STAGE = 1 << 21
"""Number that the first tuning takes among the stages: its crops are its own."""
_REAL, _SYNTHETIC = 24, 72
_EVERY = 100


def tuning_stage(preset: str, steps: int, real: bool) -> Stage:
    """The stage of a tuning.

    Args:
        preset: Synthesis preset.
        steps: Its length.
        real: Whether there are real crops of earlier classes.
    """
    return Stage(
        kind="mixed" if real else "synthetic",
        name="tuning",
        freeze="norms",
        steps=steps,
        real=_REAL if real else 0,
        synthetic=_SYNTHETIC,
        preset=preset,
        prior="domain" if real else "none",
        learning_rate=3e-4,
        keep=1.0,
        hold_out=False,
        validate_every=min(steps, _EVERY),
    )


def tune(
    net: SignNet,
    head: Head,
    data: TrainingData,
    stage: Stage,
    folder: Path,
    *,
    turn: int = 0,
    max_seconds: float | None = None,
) -> tuple[SignNet, StageResult]:
    """Train a copy of a net on with the classes that were added to it.

    Args:
        net: Of the run; its classes are the first of `data`.
        head: Has rows for the other classes, too, at which their training starts.
        data: All classes, see `TrainingData.new`.
        stage: See `tuning_stage`.
        folder: Gets checkpoints and metrics.csv.
        turn: Number of the tunings before.
        max_seconds: See `fit_stage`.

    Returns:
        The net with all classes, on the CPU, and what the tuning took.
    """
    bigger = with_rows(net, head.rows, head.biases)
    number = _STAGE + turn
    result = fit_stage(bigger, stage, data, number, folder, max_seconds=max_seconds, quiet=True)
    return bigger.cpu().eval(), result


def known_part(net: SignNet, classes: int) -> SignNet:
    """A tuned net with its first `classes` alone; what was added lies beside a run."""
    rows, biases = net_rows(net)
    return with_rows(net, rows[:classes], biases[:classes]).eval()


def renewed_head(
    net: SignNet, data: TrainingData, recipe: Recipe, earlier: Head
) -> tuple[Head, Rules | None]:
    """The head of a tuned net, prototypes and the row of "no sign" made anew, and its rules.

    Rules that were fitted on held-out real crops live on, as they do in the last stage of a
    training: no such crops are left. Those of a net without real crops are fitted again.

    Args:
        net: The tuned net, with the classes that the run was trained with.
        data: These classes.
        recipe: Of the run.
        earlier: The head of the net before.
    """
    preset, crops = recipe.index_preset, recipe.index_crops
    rules = Rules(earlier.fusion, earlier.rule) if earlier.rule else None
    if rules and earlier.rare.all():
        rules = fit_synthetic_rules(net, data, preset, crops)
    nothing = np.empty(0, np.int64)
    head = build_recogniser(net, data, preset, rules, nothing, crops).head
    return replace(head, rare=earlier.rare), rules
