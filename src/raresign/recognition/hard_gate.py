"""The literature's rule, as a baseline: first decide rare or frequent, then the class."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.errors import InputError
from raresign.recognition.fitting import check_scores, counted, minimise

FEATURES = (
    "max probability of a frequent class",
    "max probability of a rare class",
    "max cosine of a frequent class",
    "max cosine of a rare class",
    "entropy",
)
"""What the gate sees of a crop, in this order."""

_RIDGE = 1e-3


@dataclass(frozen=True)
class HardGate:
    """Rare or frequent by a logistic regression; the class by prototypes or by the softmax.

    A crop that the gate sends the wrong way is lost, which `Fusion` avoids. Source of the two
    steps: B. Faizov, V. Shakhuro, V. Sanzharov, A. Konushin, "Classification of rare traffic
    signs", Computer Optics 44(2), 2020. A random forest as the gate would take scikit-learn,
    which is no dependency here, so this gate is a logistic regression.

    Args:
        weights: (5,) one weight a feature of `FEATURES`.
        bias: Log odds of rare where all features are 0.

    Raises:
        InputError: Not five weights, or a number that is not finite.

    Example:
        >>> gate = HardGate((0.0, 0.0, -10.0, 10.0, 0.0), 0.0)  # the type of the best prototype
        >>> rare = torch.tensor([False, True])
        >>> gate.predict(torch.zeros(1, 2), torch.tensor([[0.4, 0.9]]), rare).tolist()
        [1]
    """

    weights: tuple[float, ...]
    bias: float

    def __post_init__(self) -> None:
        finite = all(math.isfinite(value) for value in (*self.weights, self.bias))
        if len(self.weights) != len(FEATURES) or not finite:
            raise InputError(f"{self}", f"use {len(FEATURES)} finite weights and a finite bias")

    def rare_probability(self, logits: Tensor, cosines: Tensor, rare: Tensor) -> Tensor:
        """(N,) float64 probability, in [0, 1], that the crop is of a rare class.

        Args: as `predict`.
        """
        features = gate_features(logits, cosines, rare)
        return (features @ features.new_tensor(self.weights) + self.bias).sigmoid()

    def predict(self, logits: Tensor, cosines: Tensor, rare: Tensor) -> Tensor:
        """The class of each crop.

        Args:
            logits: (N, C) floats of the classifier.
            cosines: (N, C) floats of `PrototypeIndex.similarities`.
            rare: (C,) bool, which classes are rare; both types must occur.

        Returns:
            (N,) int64: where the gate says rare (above 1/2) the rare class of the largest cosine,
            else the frequent class of the largest logit.

        Raises:
            InputError: Shapes that do not belong together, or classes of one type only.
        """
        chosen = self.rare_probability(logits, cosines, rare) > 0.5
        best_rare = cosines.masked_fill(~rare, -torch.inf).argmax(dim=1)
        best_frequent = logits.masked_fill(rare, -torch.inf).argmax(dim=1)
        return best_rare.where(chosen, best_frequent)


def fit_hard_gate(
    logits: Tensor, cosines: Tensor, labels: Tensor, rare: Tensor, weights: Tensor | None = None
) -> HardGate:
    """The gate fitted to crops of known class by ridge logistic regression.

    Minimised is the weighted mean log loss of "the class is rare" + 1e-3 |v|^2, v being the
    weights of the features brought to mean 0 and variance 1.

    Args:
        logits: (N, C) finite floats.
        cosines: (N, C) finite floats.
        labels: (N,) integers in [0, C); crops with -1 are left out.
        rare: (C,) bool.
        weights: (N,) of at least 0; None counts every crop alike.

    Raises:
        InputError: As `fit_fusion`; crops or classes of one type only.

    Example:
        >>> cosines = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
        >>> labels, rare = torch.tensor([0, 1]), torch.tensor([False, True])
        >>> gate = fit_hard_gate(torch.zeros(2, 2), cosines, labels, rare)
        >>> gate.predict(torch.zeros(2, 2), cosines, rare).tolist()
        [0, 1]
    """
    features = gate_features(logits, cosines, rare).cpu()
    labels, share = counted(logits, labels, weights)
    rows = share.nonzero()[:, 0]
    features, share = features[rows], share[rows]
    if not features.isfinite().all():
        raise InputError("a logit or a cosine is not finite", "look for the crop that gives it")
    target = rare.cpu()[labels[rows]].double()
    if target.min() == target.max():
        raise InputError("all crops to fit the gate are of one type", "give rare and frequent ones")
    middle = share @ features
    spread = (share @ (features - middle).square()).sqrt()
    spread = spread.where(spread > 1e-9, 1.0)  # a constant feature gets the weight 0
    standard = (features - middle) / spread

    def loss(values: Tensor) -> Tensor:
        score = standard @ values[:-1] + values[-1]
        each = F.binary_cross_entropy_with_logits(score, target, reduction="none")
        return share @ each + _RIDGE * values[:-1].square().sum()

    values = minimise(loss, features.new_zeros(len(FEATURES) + 1))
    raw = values[:-1] / spread
    return HardGate(tuple(raw.tolist()), float(values[-1] - middle @ raw))


def gate_features(logits: Tensor, cosines: Tensor, rare: Tensor) -> Tensor:
    """(N, 5) float64: the `FEATURES` of each crop; the entropy is in nats.

    Args:
        logits: (N, C) floats.
        cosines: (N, C) floats.
        rare: (C,) bool, with both types.

    Raises:
        InputError: Shapes that do not belong together, or classes of one type only.

    Example:
        >>> rare = torch.tensor([False, True])
        >>> gate_features(torch.zeros(1, 2), torch.tensor([[0.25, 0.5]]), rare)[0, :4].tolist()
        [0.5, 0.5, 0.25, 0.5]
    """
    check_scores(logits, cosines, rare)
    if rare.all() or not rare.any():
        raise InputError("all classes are of one type", "a gate needs rare and frequent classes")
    log_p = logits.detach().double().log_softmax(dim=1)
    p, near = log_p.exp(), cosines.detach().double()
    columns = [table[:, kind].amax(dim=1) for table in (p, near) for kind in (~rare, rare)]
    return torch.stack([*columns, -(p * log_p).sum(dim=1)], dim=1)
