"""What a stage minimises: cross-entropy, with or without priors, and losses on the embedding."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from raresign.losses import (
    balanced_cross_entropy,
    contrastive_loss,
    metric_loss,
    reference_contrastive_loss,
)
from raresign.models import SignOutput
from raresign.training.lesson import Lesson
from raresign.training.stage import Stage

_ICON = 2
"""Domain of icons beside real crops, 0, and synthetic ones, 1."""


class Objective(nn.Module):
    """The loss of one batch. Metric losses with class vectors hold them as parameters of their own.

    Args:
        stage: Settings.
        classes: Number of classes C.
        embedding: Length E of the embedding.
        lesson: The teacher, if there is one.

    Example:
        >>> import torch
        >>> objective = Objective(Stage(kind="pretrain", steps=1, real=2), classes=3, embedding=4)
        >>> output = SignOutput(torch.zeros(2, 3), torch.zeros(2, 4))
        >>> made = torch.zeros(2, dtype=torch.bool)
        >>> round(objective(output, torch.tensor([0, 1]), made).item(), 3)
        1.099
    """

    def __init__(
        self, stage: Stage, classes: int, embedding: int, lesson: Lesson | None = None
    ) -> None:
        super().__init__()
        self.stage = stage
        self.lesson = lesson
        chosen = stage.metric
        self.metric = (
            metric_loss(chosen.loss, classes, embedding, cross_domain=chosen.cross_domain)
            if chosen
            else None
        )

    def forward(
        self,
        output: SignOutput,
        labels: Tensor,
        made: Tensor,
        priors: Tensor | None = None,
        icons: tuple[Tensor, Tensor] | None = None,
        taught: Tensor | None = None,
    ) -> Tensor:
        """Scalar loss.

        Args:
            output: Logits (N, C) and embedding (N, E).
            labels: (N,) int64.
            made: (N,) bool, whether a crop is synthetic.
            priors: (2, C) shares of the classes in either domain, for `prior: domain`.
            icons: Embedding (K, E) and labels (K,) of icons, which join the metric loss alone.
            taught: Logits (N, C) of the teacher on the same crops.
        """
        loss = self.classification(output.logits, labels, made, priors)
        if self.lesson is not None and taught is not None:
            loss = self.lesson.blend(loss, output.logits, taught)
        extra = self.stage.contrastive
        if extra:
            formula = reference_contrastive_loss if extra.form == "reference" else contrastive_loss
            loss = loss + extra.weight * formula(output.embedding, labels, margin=extra.margin)
        if self.metric is not None and self.stage.metric is not None:
            embedding, domain = output.embedding, made.long()
            if icons is not None:
                embedding = torch.cat([embedding, icons[0].to(embedding.dtype)])
                labels = torch.cat([labels, icons[1]])
                domain = torch.cat([domain, torch.full_like(icons[1], _ICON)])
            value: Tensor = self.metric(embedding, labels, domain)
            loss = loss + self.stage.metric.weight * value
        return loss

    def classification(
        self, logits: Tensor, labels: Tensor, made: Tensor, priors: Tensor | None = None
    ) -> Tensor:
        """Cross-entropy alone, mean over the crops."""
        smoothing = self.stage.label_smoothing
        if self.stage.prior == "none" or priors is None:
            return F.cross_entropy(logits, labels, label_smoothing=smoothing)
        return balanced_cross_entropy(logits, labels, priors, made.long(), smoothing)
