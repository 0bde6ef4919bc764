"""What a stage minimises: cross-entropy, with or without priors, and losses on the embedding."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.losses.contrastive import contrastive_loss, reference_contrastive_loss
from raresign.losses.prior import balanced_cross_entropy
from raresign.losses.supcon import supervised_contrastive_loss
from raresign.models.sign_net import SignOutput
from raresign.training.processes import SharedBatch
from raresign.training.stage import Stage


def stage_loss(
    stage: Stage,
    output: SignOutput,
    labels: Tensor,
    synthetic: Tensor,
    priors: Tensor | None = None,
    icons: tuple[Tensor, Tensor] | None = None,
    shared: SharedBatch | None = None,
) -> Tensor:
    """Scalar loss of a batch of N crops; `synthetic` says which ones are.

    Args:
        priors: (2, C) shares of the classes in either domain, for `prior: domain`.
        icons: Embedding (K, E) and labels (K,) of icons, which join the metric loss alone.
        shared: The batch of which these crops are a process's share. Pairs are of the whole batch,
            and the mean of the losses of all processes is that of the whole batch.
    """
    loss = classification_loss(stage, output.logits, labels, synthetic, priors)
    embedding = output.embedding
    if shared is not None:
        loss = shared.part_of_mean(loss)
        if stage.contrastive or stage.metric:
            embedding, labels = shared.whole(embedding.float()), shared.whole(labels)
    extra = stage.contrastive
    if extra:
        formula = reference_contrastive_loss if extra.form == "reference" else contrastive_loss
        loss = loss + extra.weight * formula(embedding, labels, margin=extra.margin)
    if stage.metric is not None:
        if icons is not None:
            embedding = torch.cat([embedding, icons[0].to(embedding.dtype)])
            labels = torch.cat([labels, icons[1]])
        loss = loss + stage.metric.weight * supervised_contrastive_loss(embedding, labels)
    return loss


def kept_answers_loss(logits: Tensor, earlier: Tensor) -> Tensor:
    """KL divergence of a net's answers from those of an earlier net, mean over the crops.

    Learning without forgetting (Z. Li, D. Hoiem, "Learning without forgetting", ECCV 2016), at
    temperature 1.

    Args:
        logits: (N, C) of the net.
        earlier: (N, C) of the earlier one.

    Returns:
        A scalar, 0 for N = 0.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0]])
        >>> kept_answers_loss(logits, logits + 1), kept_answers_loss(logits[:0], logits[:0])
        (tensor(0.), tensor(0.))
    """
    told, target = (one.float().log_softmax(1) for one in (logits, earlier))
    return F.kl_div(told, target, reduction="sum", log_target=True) / max(1, len(logits))


def classification_loss(
    stage: Stage, logits: Tensor, labels: Tensor, synthetic: Tensor, priors: Tensor | None = None
) -> Tensor:
    """Cross-entropy alone, mean over the crops."""
    if stage.prior == "none" or priors is None:
        return F.cross_entropy(logits, labels, label_smoothing=stage.label_smoothing)
    return balanced_cross_entropy(logits, labels, priors, synthetic.long(), stage.label_smoothing)
