"""Whether a run's probabilities can be believed: the reliability diagram and its figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from raresign.evaluation.calibration import Reliability, negative_log_likelihood, reliability
from raresign.evaluation.intervals import Estimate
from raresign.evaluation.predictions import GROUPS, Group, Predictions
from raresign.report.share_curve import Curve, share_plot

LEGEND = (("curve-all", "all crops"), ("curve-rare", "rare"), ("curve-freq", "frequent"))
_LEAST_DOT, _LARGEST_DOT = 2.0, 11.0


@dataclass(frozen=True)
class GroupTrust:
    """How far the probabilities of one group's crops can be believed.

    Args:
        group: "all", "rare" or "freq".
        recall: Share of its labelled crops that were named correctly.
        confidence: Mean probability of the predicted class, in [0, 1]; NaN without crops.
        ece: Expected calibration error, in [0, 1]; NaN without crops.
        nll: Negative log-likelihood of the true class, in nats; NaN without crops.
    """

    group: Group
    recall: Estimate
    confidence: float
    ece: float
    nll: float


@dataclass(frozen=True)
class Trust:
    """Figures of all groups, and the reliability diagram as SVG."""

    groups: tuple[GroupTrust, ...]
    chart: str


def trust(predictions: Predictions) -> Trust | None:
    """The reliability of the fused probabilities; None without labelled crops.

    ECE and diagram: C. Guo et al., "On calibration of modern neural networks", ICML 2017; see
    `raresign.evaluation.calibration`.

    Example:
        >>> found = trust(Predictions(
        ...     ("a.png", "b.png"), [0, 1], [[0.75, 0.25], [0.75, 0.25]],
        ...     ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring")))
        >>> [(group.group, group.ece) for group in found.groups]
        [('all', 0.25), ('rare', 0.75), ('freq', 0.25)]
    """
    if not predictions.of_group("all").any():
        return None
    groups, curves = [], []
    for group in GROUPS:
        rows = predictions.of_group(group)
        sure = predictions.confidence[rows].astype(np.float64)
        right = predictions.correct[rows]
        diagram = reliability(sure, right)
        groups.append(
            GroupTrust(
                group=group,
                recall=Estimate.of_share(int(right.sum()), int(rows.sum())),
                confidence=float(sure.mean()) if sure.size else math.nan,
                ece=diagram.ece,
                nll=negative_log_likelihood(
                    predictions.probabilities[rows], predictions.labels[rows]
                ),
            )
        )
        curves.append(_curve(diagram, f"curve-{group}"))
    chart = share_plot(
        "Reliability diagram", ("how sure it was", "how often it was right"), curves, diagonal=True
    )
    return Trust(tuple(groups), chart)


def _curve(diagram: Reliability, css: str) -> Curve:
    """One dot a bin that holds crops; the area of a dot is the bin's share of the crops."""
    bins = [
        (sure, right, count)
        for sure, right, count in zip(
            diagram.confidence, diagram.accuracy, diagram.counts, strict=True
        )
        if count
    ]
    total = sum(diagram.counts)
    return Curve(
        tuple((sure, right) for sure, right, _ in bins),
        css,
        tuple(max(_LEAST_DOT, _LARGEST_DOT * math.sqrt(n / total)) for _, _, n in bins),
    )
