"""The calibrated rule that joins the softmax with the prototypes: three numbers for all classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields

import torch
from torch import Tensor

from raresign.errors import InputError
from raresign.recognition.fitting import check_scores, counted, minimise

PARTS = ("logits", "prototypes", "bias")
"""What `fit_fusion` can fit: logit_scale, prototype_scale and rare_bias."""

_UNITS = (1.0, 10.0, 1.0)  # sizes usual for the three: a temperature of the cosines is near 0.1
_RIDGE = 1e-4


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
        >>> logits, cosines = torch.tensor([[2.0, 1.0]]), torch.tensor([[0.5, 0.75]])
        >>> fusion.scores(logits, cosines, torch.tensor([False, True])).tolist()
        [[7.0, 9.0]]
        >>> Fusion.from_dict(fusion.as_dict()) == fusion
        True
    """

    logit_scale: float = 1.0
    prototype_scale: float = 0.0
    rare_bias: float = 0.0

    def __post_init__(self) -> None:
        finite = all(math.isfinite(value) for value in asdict(self).values())
        if not finite or self.logit_scale < 0 or self.prototype_scale < 0:
            raise InputError(f"{self}", "use finite numbers and scales of at least 0")

    def scores(self, logits: Tensor, cosines: Tensor, rare: Tensor) -> Tensor:
        """The joined scores.

        Args:
            logits: (N, C) floats of the classifier.
            cosines: (N, C) floats of `PrototypeIndex.similarities`.
            rare: (C,) bool, which classes are rare.

        Returns:
            (N, C) float32 or wider.

        Raises:
            InputError: Shapes that do not belong together, or `rare` not bool.
        """
        check_scores(logits, cosines, rare)
        # Half precision is too coarse for scores.
        wide = torch.promote_types(torch.promote_types(logits.dtype, cosines.dtype), torch.float32)
        a, b, r = self.logit_scale, self.prototype_scale, self.rare_bias
        return a * logits.to(wide) + b * cosines.to(wide) + r * rare.to(wide)

    def probabilities(self, logits: Tensor, cosines: Tensor, rare: Tensor) -> Tensor:
        """(N, C) probabilities of the classes: the softmax of `scores`, with its arguments."""
        return self.scores(logits, cosines, rare).softmax(dim=1)

    def as_dict(self) -> dict[str, float]:
        """The three numbers by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Fusion:
        """The rule whose `as_dict` this is; a name left out takes its default.

        Raises:
            InputError: An unknown name, or as the constructor.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InputError(f"a fusion rule with {unknown}", f"it has {', '.join(known)}")
        return cls(**{name: float(value) for name, value in values.items()})


def fit_fusion(
    logits: Tensor,
    cosines: Tensor,
    labels: Tensor,
    rare: Tensor,
    weights: Tensor | None = None,
    parts: Collection[str] = PARTS,
) -> Fusion:
    """The rule with the least weighted mean negative log-likelihood on these crops.

    Minimised, over the named parts, with a >= 0 and b >= 0::

        sum_i w_i (-log p_i(label_i)) / sum_i w_i + 1e-4 ((a - 1)^2 + (b / 10)^2 + r^2)

    It is convex in (a, b, r). The last term keeps the answer finite where crops are recognised
    without a mistake; b is measured in tens, the usual size of the inverse temperature of a cosine.
    A part left out keeps b = 0, r = 0 and a = 1, or a = 0 if "prototypes" is named. The crops
    must not be those that the classifier was trained on, nor rows of the index.

    Args:
        logits: (N, C) finite floats.
        cosines: (N, C) finite floats.
        labels: (N,) integers in [0, C); crops with -1 are left out.
        rare: (C,) bool.
        weights: (N,) of at least 0; None counts every crop alike. See `balanced_weights`.
        parts: Names from `PARTS`, at least one.

    Raises:
        InputError: Shapes that do not belong together, values out of range, no crop that counts,
            no part or an unknown one.

    Example:
        >>> logits = torch.tensor([[4.0, 0.0]] * 4)  # sure of 0.98, right in 3 of 4 cases
        >>> labels, rare = torch.tensor([0, 0, 0, 1]), torch.tensor([False, True])
        >>> fusion = fit_fusion(logits, torch.zeros(4, 2), labels, rare, parts=["logits"])
        >>> print(f"{fusion.probabilities(logits, torch.zeros(4, 2), rare)[0, 0]:.2f}")
        0.75
    """
    check_scores(logits, cosines, rare)
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or not parts:
        raise InputError(f"the parts {list(parts)}", f"name some of {', '.join(PARTS)}")
    labels, share = counted(logits, labels, weights)
    rows = share.nonzero()[:, 0]
    targets, share = labels[rows], share[rows]
    features = [
        unit * values.detach().to("cpu", torch.float64).expand(logits.shape)[rows]
        for unit, values in zip(_UNITS, (logits, cosines, rare), strict=True)
    ]
    if not all(feature.isfinite().all() for feature in features):
        raise InputError("a logit or a cosine is not finite", "look for the crop that gives it")
    neutral = torch.tensor([0.0 if "logits" not in parts and "prototypes" in parts else 1.0, 0, 0])
    neutral = neutral.double()
    used = [name in parts or bool(neutral[part]) for part, name in enumerate(PARTS)]

    def loss(values: Tensor) -> Tensor:
        scores = sum(values[part] * features[part] for part in range(len(PARTS)) if used[part])
        assert isinstance(scores, Tensor)
        right = scores.gather(1, targets[:, None])[:, 0]
        ridge = _RIDGE * (values - neutral).square().sum()
        return (share * (scores.logsumexp(1) - right)).sum() + ridge

    free = torch.tensor([name in parts for name in PARTS])
    return _best_allowed(loss, neutral, free)


def balanced_weights(labels: Tensor, rare_played: Tensor) -> Tensor:
    """Weights under which the crops that play a rare class count half, and the frequent ones half.

    Args:
        labels: (N,) integers; a crop with -1 weighs 0.
        rare_played: (N,) bool, which crops play a rare class.

    Returns:
        (N,) float32 that sum to 1, equal inside each group. A group without crops leaves all to
        the other.

    Raises:
        InputError: Shapes that do not belong together, or `rare_played` not bool.

    Example:
        >>> rare = torch.tensor([True, False, False, False, False])
        >>> balanced_weights(torch.tensor([3, 0, 0, 1, 2]), rare).tolist()
        [0.5, 0.125, 0.125, 0.125, 0.125]
    """
    if labels.ndim != 1 or rare_played.shape != labels.shape or rare_played.dtype != torch.bool:
        raise InputError(
            f"labels {tuple(labels.shape)} and rare_played {tuple(rare_played.shape)} of "
            f"{rare_played.dtype}",
            "give (N,) and (N,) bool",
        )
    known = labels >= 0
    weights = torch.zeros(labels.shape, device=labels.device)
    for group in (known & rare_played, known & ~rare_played):
        weights += group / group.sum().clamp_min(1)
    return weights / weights.sum().clamp_min(1e-12)


def _best_allowed(loss: Callable[[Tensor], Tensor], neutral: Tensor, free: Tensor) -> Fusion:
    """The minimum over the free values with both scales at least 0.

    A convex function takes it where no scale that is above 0 is held, so the best among the
    allowed minima with no, either or both scales held at 0 is exact.
    """
    best, least = neutral, math.inf
    for held in ((), (0,), (1,), (0, 1)):
        if not all(free[part] for part in held):
            continue
        open_ = free.clone()
        open_[list(held)] = False
        base = neutral.clone()
        base[list(held)] = 0.0

        def filled(values: Tensor, base: Tensor = base, open_: Tensor = open_) -> Tensor:
            return base.masked_scatter(open_, values)

        found = filled(minimise(lambda values: loss(filled(values)), base[open_]))
        value = float(loss(found))
        if found[0] >= 0 and found[1] >= 0 and value < least:
            best, least = found, value
        if not held and least < math.inf:
            break
    scaled = (best * torch.tensor(_UNITS, dtype=torch.float64)).tolist()
    return Fusion(*scaled)
