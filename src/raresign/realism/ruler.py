"""Measures how far synthetic crops are from one set of real ones, always in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raresign.evaluation.metrics import json_ready
from raresign.realism.discriminator import TwoSampleTest, held_out_scores, separation
from raresign.realism.distance import FeatureDistance, frechet_distance, kernel_distance
from raresign.realism.features import FeatureSpace
from raresign.realism.folds import block_folds
from raresign.realism.pixel_discriminator import pixel_scores
from raresign.realism.statistics import CropStatistics, crop_statistics

_FOLDS = 5
_RIDGE = 1e-2


@dataclass(frozen=True)
class Realism:
    """How far some crops are from the real ones.

    Args:
        name: What was measured.
        crops: How many.
        features: Classifier two-sample test on the feature space.
        pixels: The same with a small network on pixels; None if it was not asked for.
        distance: Frechet and kernel distance in the feature space.
    """

    name: str
    crops: int
    features: TwoSampleTest
    pixels: TwoSampleTest | None
    distance: FeatureDistance

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None for NaN."""
        return dict(json_ready(self))


@dataclass(frozen=True)
class StatisticGap:
    """One statistic of real and of synthetic crops.

    Args:
        name: See `crop_statistics`.
        auc: Chance that a synthetic crop has more of it than a real one; 0.5 is no difference.
        real: Its 5, 25, 50, 75 and 95 % quantiles over the real crops.
        synthetic: The same over the synthetic ones.
    """

    name: str
    auc: float
    real: tuple[float, ...]
    synthetic: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None for NaN."""
        return dict(json_ready(self))


class RealismRuler:
    """Real crops to measure against.

    Args:
        crops: (N, 3, S, S) uint8 real crops that nothing was fitted to.
        labels: (N,) int64.
        space: The feature space.
        pixels: Also train a small network on pixels; takes half a minute more for each measurement.
        seed: Of folds and networks.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> real = rng.integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
        >>> space = FeatureSpace("statistics", None, (), ())
        >>> ruler = RealismRuler(real, np.zeros(40, np.int64), space)
        >>> ruler.measure("half as bright", real // 2).features.accuracy > 0.9
        True
    """

    def __init__(
        self,
        crops: NDArray[np.uint8],
        labels: NDArray[np.int64],
        space: FeatureSpace,
        pixels: bool = False,
        seed: int = 0,
    ) -> None:
        self._crops, self._space, self._pixels, self._seed = crops, space, pixels, seed
        self._folds = block_folds(crops, labels, _FOLDS)
        self._halves = block_folds(crops, labels, 2)
        self._features = space(crops)
        self._scale = self._features.std(0).clip(min=1e-6) if space.backbone is None else 1.0
        self._statistics: CropStatistics | None = None

    def measure(
        self, name: str, crops: NDArray[np.uint8], labels: NDArray[np.int64] | None = None
    ) -> Realism:
        """Measure (M, 3, S, S) uint8 crops.

        Args:
            name: What the crops are.
            crops: Best as many as there are real ones: the Frechet distance depends on it.
            labels: (M,) of real crops, which belong together and are split like those here; None
                for synthetic ones, which are shuffled.
        """
        halves = None
        if labels is None:
            folds = np.random.default_rng(self._seed).permutation(len(crops)) % _FOLDS
        else:
            folds, halves = (block_folds(crops, labels, count) for count in (_FOLDS, 2))
        features = self._space(crops)
        scores = held_out_scores(self._features, features, self._folds, folds, ridge=_RIDGE)
        seen = None
        if self._pixels:
            found = pixel_scores(self._crops, crops, self._halves, halves, self._seed)
            seen = TwoSampleTest.of_scores(*found)
        scaled = self._features / self._scale, features / self._scale
        distance = FeatureDistance(frechet_distance(*scaled), kernel_distance(*scaled))
        return Realism(name, len(crops), TwoSampleTest.of_scores(*scores), seen, distance)

    def floor(self, crops: NDArray[np.uint8], labels: NDArray[np.int64]) -> Realism:
        """Measure other real crops: what no synthesis can be expected to beat."""
        return self.measure("real against real", crops, labels)

    def gaps(self, crops: NDArray[np.uint8]) -> tuple[StatisticGap, ...]:
        """Every statistic of real and of these crops, the one that differs most first."""
        if self._statistics is None:
            self._statistics = crop_statistics(self._crops)
        made = crop_statistics(crops)
        found = [
            StatisticGap(
                name,
                separation(self._statistics[name], made[name]),
                _quantiles(self._statistics[name]),
                _quantiles(made[name]),
            )
            for name in made.names
        ]
        return tuple(sorted(found, key=lambda gap: -abs(gap.auc - 0.5)))


def _quantiles(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist())
