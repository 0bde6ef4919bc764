"""The calibrated rule that joins the softmax with the prototypes: three numbers for all classes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.answers.numerics import softmax
from raresign.errors import InputError


@dataclass(frozen=True)
class Fusion:
    """score_c = a logit_c + b cosine_c + r [class c is rare], then a softmax over the classes.

    A sum of scores is a product of the two models' probabilities, each at its own temperature.
    Sources: a is the inverse temperature of C. Guo et al., "On calibration of modern neural
    networks", ICML 2017, section 4.2; r shifts a group of classes as A. K. Menon et al., "Long-tail
    learning via logit adjustment", ICLR 2021, equation 9, shift each class by its log prior, and is
    learned here; a cache of embeddings beside the softmax is from A. E. Orhan, "A simple cache
    model for image recognition", NeurIPS 2018, and U. Khandelwal et al., "Generalization through
    memorization: nearest neighbor language models", ICLR 2020, who add probabilities, not scores.

    Args:
        logit_scale: a, 1 / temperature of the classifier, at least 0.
        prototype_scale: b, 1 / temperature of the cosines, at least 0.
        rare_bias: r, added to the score of every rare class, in nats.

    Raises:
        InputError: A number that is not finite, or a scale below 0.

    Example:
        >>> fusion = Fusion(logit_scale=1.0, prototype_scale=10.0, rare_bias=0.5)
        >>> logits, cosines = np.array([[2.0, 1.0]]), np.array([[0.5, 0.75]])
        >>> fusion.scores(logits, cosines, np.array([False, True])).tolist()
        [[7.0, 9.0]]
    """

    logit_scale: float = 1.0
    prototype_scale: float = 0.0
    rare_bias: float = 0.0

    def __post_init__(self) -> None:
        finite = all(math.isfinite(value) for value in asdict(self).values())
        if not finite or self.logit_scale < 0 or self.prototype_scale < 0:
            raise InputError(f"{self}", "use finite numbers and scales of at least 0")

    def scores(self, logits: ArrayLike, cosines: ArrayLike, rare: ArrayLike) -> NDArray[Any]:
        """(N, C) float32 or wider: the joined scores; the arguments are those of `checked_scores`.

        Raises:
            InputError: Shapes that do not belong together, or `rare` not bool.
        """
        logit, cosine, is_rare = checked_scores(logits, cosines, rare)
        # Half precision is too coarse for scores.
        wide = np.result_type(logit.dtype, cosine.dtype, np.float32)
        a, b, r = self.logit_scale, self.prototype_scale, self.rare_bias
        scores: NDArray[Any] = (
            a * logit.astype(wide) + b * cosine.astype(wide) + r * is_rare.astype(wide)
        )
        return scores

    def probabilities(self, logits: ArrayLike, cosines: ArrayLike, rare: ArrayLike) -> NDArray[Any]:
        """(N, C) probabilities of the classes: the softmax of `scores`, with its arguments."""
        return softmax(self.scores(logits, cosines, rare))


def checked_scores(
    logits: ArrayLike, cosines: ArrayLike, rare: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """The three as arrays; shapes that would broadcast into wrong scores are refused.

    Args:
        logits: (N, C) floats of the classifier.
        cosines: (N, C) floats of `PrototypeIndex.similarities`.
        rare: (C,) bool, which classes are rare.

    Raises:
        InputError: One of them has another shape, or `rare` is not bool.
    """
    logit, cosine, is_rare = np.asarray(logits), np.asarray(cosines), np.asarray(rare)
    fits = logit.ndim == 2 and cosine.shape == logit.shape and is_rare.shape == logit.shape[1:]
    if not fits or is_rare.dtype != np.bool_:
        raise InputError(
            f"logits {logit.shape}, cosines {cosine.shape} and rare {is_rare.shape} of "
            f"{is_rare.dtype}",
            "give (N, C), (N, C) and (C,) bool",
        )
    return logit, cosine, is_rare
