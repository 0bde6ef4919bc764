"""Judging a trained model: predictions, their figures with intervals, and paired comparisons."""

from __future__ import annotations

from raresign.evaluation.answers import NEIGHBOURS, CropAnswer, read_answers, write_answers
from raresign.evaluation.compare import (
    Comparison,
    GroupComparison,
    compare_predictions,
    mcnemar,
)
from raresign.evaluation.confusion import (
    Confusion,
    confusion_matrix,
    mistakes_by_confidence,
    worst_confusions,
)
from raresign.evaluation.detection import (
    accuracy_coverage,
    area_under_risk_coverage,
    auroc,
    fpr_at_tpr,
)
from raresign.evaluation.intervals import (
    Estimate,
    bootstrap_means,
    macro_recall_interval,
    paired_difference_interval,
    percentile_interval,
    seeds_mean_interval,
    wilson_interval,
)
from raresign.evaluation.metrics import (
    ClassMetrics,
    GroupMetrics,
    Metrics,
    evaluate_predictions,
    json_ready,
)
from raresign.evaluation.predictions import GROUPS, Group, Predictions
from raresign.evaluation.reliability import (
    Reliability,
    calibration_error,
    negative_log_likelihood,
    reliability,
)
from raresign.evaluation.seeds import SeedSummary, seeds_interval

__all__ = [
    "GROUPS",
    "NEIGHBOURS",
    "ClassMetrics",
    "Comparison",
    "Confusion",
    "CropAnswer",
    "Estimate",
    "Group",
    "GroupComparison",
    "GroupMetrics",
    "Metrics",
    "Predictions",
    "Reliability",
    "SeedSummary",
    "accuracy_coverage",
    "area_under_risk_coverage",
    "auroc",
    "bootstrap_means",
    "calibration_error",
    "compare_predictions",
    "confusion_matrix",
    "evaluate_predictions",
    "fpr_at_tpr",
    "json_ready",
    "macro_recall_interval",
    "mcnemar",
    "mistakes_by_confidence",
    "negative_log_likelihood",
    "paired_difference_interval",
    "percentile_interval",
    "read_answers",
    "reliability",
    "seeds_interval",
    "seeds_mean_interval",
    "wilson_interval",
    "worst_confusions",
    "write_answers",
]
