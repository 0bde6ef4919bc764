"""Realism: how synthetic crops differ from real ones, and ranges under which they differ less."""

from __future__ import annotations

from raresign.realism.discriminator import (
    TwoSampleTest,
    held_out_scores,
    separation,
)
from raresign.realism.distance import FeatureDistance, frechet_distance, kernel_distance
from raresign.realism.energy_descent import (
    Fit,
    Round,
    Simulation,
    energy_slope,
    fit_proposal,
    moved_proposal,
)
from raresign.realism.features import FeatureSpace
from raresign.realism.folds import block_folds, even_sample
from raresign.realism.pixel_discriminator import pixel_scores
from raresign.realism.preset_ranges import preset_proposal, reachable, rounded, with_proposal
from raresign.realism.proposal import (
    Knots,
    Proposal,
    mixed_knots,
    weighted_knots,
)
from raresign.realism.ruler import Realism, RealismRuler, StatisticGap
from raresign.realism.statistics import CropStatistics, crop_statistics

__all__ = [
    "CropStatistics",
    "FeatureDistance",
    "FeatureSpace",
    "Fit",
    "Knots",
    "Proposal",
    "Realism",
    "RealismRuler",
    "Round",
    "Simulation",
    "StatisticGap",
    "TwoSampleTest",
    "block_folds",
    "crop_statistics",
    "energy_slope",
    "even_sample",
    "fit_proposal",
    "frechet_distance",
    "held_out_scores",
    "kernel_distance",
    "mixed_knots",
    "moved_proposal",
    "pixel_scores",
    "preset_proposal",
    "reachable",
    "rounded",
    "separation",
    "weighted_knots",
    "with_proposal",
]
