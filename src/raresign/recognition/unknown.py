"""Knowing what is unknown: a crop is answered by its class, its family, as a sign, or as none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray

from raresign.errors import InputError

Floats = NDArray[np.float64]

LEVELS = ("class", "family", "sign", "none")
"""How exactly a crop is answered, by level number 0..3."""

FEATURES = ("log_probability", "margin", "max_cosine", "predicted_cosine", "energy")
"""The columns of `known_features`."""

_LEAST = 1e-12  # a probability that underflows must not give log 0


def max_probability(probabilities: ArrayLike) -> Floats:
    """(N,) highest of (N, C) probabilities, in [0, 1]; higher means known.

    Source: D. Hendrycks, K. Gimpel, "A baseline for detecting misclassified and
    out-of-distribution examples in neural networks", ICLR 2017.
    """
    best: Floats = _table(probabilities, "probabilities").max(axis=1)
    return best


def max_cosine(cosines: ArrayLike) -> Floats:
    """(N,) highest of (N, C) prototype cosines, in [-1, 1]; higher means known."""
    best: Floats = _table(cosines, "cosines").max(axis=1)
    return best


def energy(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """(N,) negative free energy T log sum_c exp(logit_c / T) of (N, C); higher means known.

    Source: W. Liu et al., "Energy-based out-of-distribution detection", NeurIPS 2020, equation 4
    (without its minus sign). `temperature` T is above 0.

    Example:
        >>> energy([[0.0, 0.0]]).round(4).tolist()
        [0.6931]
    """
    if not (temperature > 0 and math.isfinite(temperature)):
        raise InputError(f"the temperature is {temperature}", "use a number above 0")
    table = _table(logits, "logits") / temperature
    top = table.max(axis=1)
    free: Floats = temperature * (top + np.log(np.exp(table - top[:, None]).sum(axis=1)))
    return free


def known_features(probabilities: ArrayLike, cosines: ArrayLike, logits: ArrayLike) -> Floats:
    """(N, 5) what tells a known class from an unknown one, columns `FEATURES`; higher means known.

    Log of the highest probability, its distance to the second highest log probability (both of at
    least 1e-12), highest cosine, cosine of the predicted class, energy.

    Args:
        probabilities: (N, C) calibrated, rows sum to 1, C at least 2.
        cosines: (N, C) best prototype cosine of each class, in [-1, 1].
        logits: (N, C) of the classifier.

    Raises:
        InputError: Shapes that do not belong together, one class only, or a number not finite.

    Example:
        >>> known_features([[0.8, 0.2]], [[0.5, 0.9]], [[0.0, 0.0]]).round(2).tolist()
        [[-0.22, 1.39, 0.9, 0.5, 0.69]]
    """
    p, cosine = _table(probabilities, "probabilities"), _table(cosines, "cosines")
    free = energy(logits)
    if not p.shape == cosine.shape == np.shape(logits) or p.shape[1] < 2:
        raise InputError(
            f"probabilities {p.shape}, cosines {cosine.shape}, logits {np.shape(logits)}",
            "give all three as (N, C) with at least 2 classes",
        )
    best = p.argmax(axis=1)
    logs = np.log(np.maximum(np.partition(p, -2, axis=1)[:, -2:], _LEAST))
    own = cosine[np.arange(len(p)), best]
    return np.stack([logs[:, 1], logs[:, 1] - logs[:, 0], cosine.max(axis=1), own, free], axis=1)


@dataclass(frozen=True)
class KnownScore:
    """Logistic regression on `known_features`: the chance that a crop's class is a known one.

    Args:
        mean: (5,) mean of each feature.
        scale: (5,) standard deviation of each, above 0.
        coefficients: (5,) of the standardised features.
        intercept: Of the logit.

    Example:
        >>> KnownScore((0.0,) * 5, (1.0,) * 5, (1.0, 0, 0, 0, 0), 0.0).of([[0.0, 1, 2, 3, 4]])
        array([0.5])
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def of(self, features: ArrayLike) -> Floats:
        """(N,) scores in [0, 1] of (N, 5) `known_features`; known and unknown equally common."""
        standard = (_features(features) - np.array(self.mean)) / np.array(self.scale)
        logit = standard @ np.array(self.coefficients) + self.intercept
        score: Floats = 0.5 * (1 + np.tanh(0.5 * logit))  # the sigmoid without overflow
        return score


def known_score(
    probabilities: ArrayLike, cosines: ArrayLike, logits: ArrayLike, weights: KnownScore
) -> Floats:
    """(N,) `weights.of` the `known_features` of these (N, C) tables, in [0, 1]."""
    return weights.of(known_features(probabilities, cosines, logits))


def fit_known_score(features: ArrayLike, known: ArrayLike, ridge: float = 1e-3) -> KnownScore:
    """Fit a `KnownScore`: mean log loss, known and unknown counting half each, + ridge |w|^2 / 2.

    The ridge (not on the intercept) keeps separable crops finite. Convex; LBFGS in float64.
    Source: S. le Cessie, J. C. van Houwelingen, "Ridge estimators in logistic regression",
    Applied Statistics 41 (1992) 191-201.

    Args:
        features: (N, 5) of `known_features`.
        known: (N,) bool; unknown ones come from `play_unknown` or from strange signs.
        ridge: Penalty on the coefficients of the standardised features, above 0.

    Raises:
        InputError: Shapes that do not fit, a kind without crops, a ridge not above 0.

    Example:
        >>> rows = np.linspace(0, 1, 20)[:, None] * np.ones(5)
        >>> score = fit_known_score(rows, np.arange(20) >= 10).of(rows)
        >>> bool(score[9] < 0.5 < score[10])
        True
    """
    table, is_known = _features(features), np.asarray(known, dtype=bool)
    if is_known.shape != table.shape[:1] or is_known.all() or not is_known.any():
        raise InputError(
            f"{len(table)} rows of features, known {is_known.shape} with {is_known.sum()} true",
            "give one bool a row and crops of both kinds",
        )
    if not (ridge > 0 and math.isfinite(ridge)):
        raise InputError(f"the ridge is {ridge}", "use a number above 0")
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale = np.where(scale > 1e-9 * (1 + np.abs(mean)), scale, 1.0)  # a constant column stays 0
    x = torch.from_numpy((table - mean) / scale)
    y = torch.from_numpy(is_known).double()
    weight = torch.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    w = torch.zeros(table.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS(
        [w],
        max_iter=500,
        tolerance_grad=1e-9,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value = F.binary_cross_entropy_with_logits(x @ w[:-1] + w[-1], y, weight, reduction="sum")
        value = value + ridge / 2 * w[:-1].square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        solver.step(loss)
    *coefficients, intercept = w.detach().tolist()
    return KnownScore(tuple(mean.tolist()), tuple(scale.tolist()), tuple(coefficients), intercept)


def mask_class(logits: ArrayLike, cosines: ArrayLike, label: int) -> tuple[Floats, Floats]:
    """(N, C) logits and cosines as a model that never knew class `label` has them: (N, C - 1).

    Labels above `label` move down by one. A softmax over the rest is exact: the other logits do
    not depend on the removed one (only the trained features do, which makes it a little easy).

    Example:
        >>> mask_class([[1.0, 2.0, 3.0]], [[0.1, 0.2, 0.3]], 1)[0].tolist()
        [[1.0, 3.0]]
    """
    scores, cosine = _table(logits, "logits"), _table(cosines, "cosines")
    if scores.shape != cosine.shape or not 0 <= label < scores.shape[1]:
        raise InputError(
            f"label {label}, logits {scores.shape}, cosines {cosine.shape}",
            "give two (N, C) tables and a label in 0..C-1",
        )
    return np.delete(scores, label, axis=1), np.delete(cosine, label, axis=1)


@dataclass(frozen=True)
class Played:
    """Crops that play unknown: their `rows` (K,) ascending, `features` (K, 5) and `probabilities`.

    The probabilities are (K, C), 0 at the crop's own class, so that families still add up.
    """

    rows: NDArray[np.int64]
    features: Floats
    probabilities: Floats


def play_unknown(
    logits: ArrayLike,
    cosines: ArrayLike,
    labels: ArrayLike,
    chosen_labels: ArrayLike,
    scores: ArrayLike | None = None,
) -> Played:
    """Crops of the chosen classes, each scored as if its own class had never been known.

    Args:
        logits: (N, C) of the classifier, C at least 3; held-out crops, not those trained on.
        cosines: (N, C) best prototype cosine of each class.
        labels: (N,) true labels.
        chosen_labels: (P,) classes that play unknown, in 0..C-1.
        scores: (N, C) whose softmax are the calibrated probabilities; default the logits.

    Raises:
        InputError: Shapes that do not belong together, labels out of range.

    Example:
        >>> played = play_unknown(np.zeros((2, 3)), np.zeros((2, 3)), [0, 2], [2])
        >>> played.rows.tolist(), played.probabilities.tolist()
        ([1], [[0.5, 0.5, 0.0]])
    """
    raw, cosine, truth = _table(logits, "logits"), _table(cosines, "cosines"), np.asarray(labels)
    fused = raw if scores is None else _table(scores, "scores")
    if truth.shape != raw.shape[:1] or fused.shape != raw.shape:
        raise InputError(
            f"logits {raw.shape}, labels {truth.shape}, scores {fused.shape}",
            "give (N, C) logits and scores, (N,) labels",
        )
    chosen = np.unique(np.asarray(chosen_labels, dtype=np.int64))
    features = np.zeros((len(raw), len(FEATURES)))
    probabilities = np.zeros_like(raw)
    for label in chosen.tolist():
        own = np.flatnonzero(truth == label)
        rest, near = mask_class(raw[own], cosine[own], label)
        calibrated = mask_class(fused[own], cosine[own], label)[0]
        p = np.exp(calibrated - energy(calibrated)[:, None])
        features[own] = known_features(p, near, rest)
        probabilities[own] = np.insert(p, label, 0.0, axis=1)
    rows = np.flatnonzero(np.isin(truth, chosen))
    return Played(rows, features[rows], probabilities[rows])


def threshold_for_error(
    score: ArrayLike, correct: ArrayLike, accepted_error: float, weights: ArrayLike | None = None
) -> float:
    """The lowest threshold at which at most `accepted_error` of the answers are wrong.

    A crop is answered where score >= threshold. A larger `accepted_error` never gives a higher
    threshold. It holds on these crops; on new ones the error varies (R. Geifman, R. El-Yaniv,
    "Selective classification for deep neural networks", NIPS 2017, bound how far).

    Args:
        score: (N,) higher means surer.
        correct: (N,) bool; a wrong class and an unknown crop are both wrong.
        accepted_error: Share of wrong answers among all answers, in [0, 1].
        weights: (N,) how much each crop counts, at least 0; those with 0 are left out.

    Returns:
        One of the scores; just above the highest (in float64) where no threshold will do.

    Raises:
        InputError: Shapes that differ, no crops, numbers that are not finite or out of range.

    Example:
        >>> threshold_for_error([0.9, 0.8, 0.7, 0.6], [True, True, False, True], 0.25)
        0.6
        >>> threshold_for_error([0.9, 0.8, 0.7, 0.6], [True, True, False, True], 0.2)
        0.8
    """
    value, right = np.asarray(score, dtype=np.float64), np.asarray(correct, dtype=bool)
    weight = np.ones(value.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if value.ndim != 1 or not value.shape == right.shape == weight.shape:
        raise InputError(
            f"score {value.shape}, correct {right.shape}, weights {weight.shape}", "give (N,) each"
        )
    if not (np.isfinite(value).all() and np.isfinite(weight).all() and (weight >= 0).all()):
        raise InputError("a score or a weight is not finite or below 0", "check the model's output")
    if not 0 <= accepted_error <= 1:
        raise InputError(f"the accepted error is {accepted_error}", "use a share in [0, 1]")
    counts = weight > 0
    if not counts.any():
        raise InputError(f"{value.size} crops, none with a weight above 0", "give some crops")
    order = np.argsort(-value[counts], kind="stable")
    value, right, weight = value[counts][order], right[counts][order], weight[counts][order]
    error = np.cumsum(weight * ~right) / np.cumsum(weight)
    last = np.append(value[1:] != value[:-1], True)  # equal scores are answered together
    fits = np.flatnonzero(last & (error <= accepted_error))
    return float(value[fits[-1]] if fits.size else np.nextafter(value[0], np.inf))


def family_probabilities(
    probabilities: ArrayLike, families: Sequence[str]
) -> tuple[Floats, tuple[str, ...]]:
    """(N, F) sums of (N, C) probabilities over each family, and the F names as they first come.

    Example:
        >>> family_probabilities([[0.5, 0.25, 0.25]], ["ring", "disc", "ring"])
        (array([[0.75, 0.25]]), ('ring', 'disc'))
    """
    table = _table(probabilities, "probabilities")
    if len(families) != table.shape[1]:
        raise InputError(f"{len(families)} families, {table.shape[1]} classes", "name one a class")
    names = tuple(dict.fromkeys(families))
    member = np.array(families)[:, None] == np.array(names)[None, :]
    return table @ member.astype(np.float64), names


@dataclass(frozen=True)
class Levels:
    """From which score on a crop is answered by its class, its family, or as a sign at all.

    Example:
        >>> levels = Levels(class_threshold=0.9, family_threshold=0.8, sign_threshold=0.5)
        >>> numbers = levels.answer([0.95, 0.1, 0.1, 0.95], [0.9, 0.9, 0.2, 0.9], [1, 1, 1, 0.2])
        >>> [LEVELS[number] for number in numbers]
        ['class', 'family', 'sign', 'none']
    """

    class_threshold: float
    family_threshold: float
    sign_threshold: float

    def answer(
        self, known: ArrayLike, family_confidence: ArrayLike, sign: ArrayLike
    ) -> NDArray[np.int8]:
        """(N,) int8 numbers into `LEVELS` from (N,) scores each; a NaN passes no threshold."""
        # float64, or NumPy would round the threshold to the scores' float32 and let the best in.
        one, two, three = (np.asarray(s, np.float64) for s in (known, family_confidence, sign))
        if one.ndim != 1 or not one.shape == two.shape == three.shape:
            raise InputError(
                f"known {one.shape}, family {two.shape}, sign {three.shape}", "give (N,) each"
            )
        level = np.where(two >= self.family_threshold, 1, 2)
        level = np.where(one >= self.class_threshold, 0, level)
        return np.where(three >= self.sign_threshold, level, 3).astype(np.int8)


@dataclass(frozen=True)
class UnknownRule:
    """All that a run needs to say "unknown"; `accepted_error` in [0, 1] set the class threshold.

    Example:
        >>> score = KnownScore((0.0,) * 5, (1.0,) * 5, (1.0,) * 5, 0.0)
        >>> rule = UnknownRule(score, Levels(0.9, 0.8, 0.5), accepted_error=0.01)
        >>> UnknownRule.from_dict(rule.as_dict()) == rule
        True
    """

    score: KnownScore
    levels: Levels
    accepted_error: float

    def as_dict(self) -> dict[str, Any]:
        """Lists and numbers only, ready for JSON."""
        plain = asdict(self)
        plain["score"] = {
            k: list(v) if isinstance(v, tuple) else v for k, v in plain["score"].items()
        }
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> UnknownRule:
        """What `as_dict` gave, checked; InputError where a number is missing, wrong or infinite."""
        try:
            score, levels = plain["score"], plain["levels"]
            rows = [tuple(float(v) for v in score[k]) for k in ("mean", "scale", "coefficients")]
            intercept, accepted = float(score["intercept"]), float(plain["accepted_error"])
            names = ("class_threshold", "family_threshold", "sign_threshold")
            limits = [float(levels[name]) for name in names]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"no rule for unknown signs: {error!r}", "save the run again"
            ) from error
        numbers = [*rows[0], *rows[1], *rows[2], intercept, accepted, *limits]
        sizes = [len(row) for row in rows]
        if sizes != [len(FEATURES)] * 3 or not all(map(math.isfinite, numbers)):
            raise InputError(
                f"a rule for unknown signs with numbers {numbers}", "save the run again"
            )
        if min(rows[1]) <= 0 or not 0 <= accepted <= 1:
            raise InputError(f"scale {rows[1]}, accepted error {accepted}", "save the run again")
        return cls(KnownScore(rows[0], rows[1], rows[2], intercept), Levels(*limits), accepted)


def _table(values: ArrayLike, name: str) -> Floats:
    """`values` as finite float64 (N, C) with at least one class."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] == 0:
        raise InputError(f"{name} of shape {table.shape}", "give (N, C) with at least 1 class")
    if not np.isfinite(table).all():
        raise InputError(f"{name} with a number that is not finite", "check the model's output")
    return table


def _features(values: ArrayLike) -> Floats:
    """`values` as finite float64 (N, 5)."""
    table = _table(values, "features")
    if table.shape[1] != len(FEATURES):
        raise InputError(f"features of shape {table.shape}", f"give (N, {len(FEATURES)})")
    return table
