"""Supervised contrast against its formula as loops, icons among the crops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from raresign.errors import InputError
from raresign.losses.supcon import supervised_contrastive_loss
from raresign.models.sign_net import SignOutput
from raresign.training.objective import classification_loss, stage_loss
from raresign.training.stage import Stage

CLASSES, WIDTH = 4, 6


def material(n: int = 12, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(n, WIDTH, generator=generator)
    return embedding, torch.randint(0, CLASSES, (n,), generator=generator)


def naive_supcon(embedding: Tensor, labels: Tensor) -> float:
    """Khosla et al. 2020, L_out, anchor by anchor, with temperature 0.1."""
    x = normalize(embedding.double(), dim=1)
    n, values = len(x), []
    for i in range(n):
        positive = [j for j in range(n) if j != i and labels[j] == labels[i]]
        others = [j for j in range(n) if j != i]
        if not positive:
            continue
        total = sum(math.exp(float(x[i] @ x[a]) / 0.1) for a in others)
        logs = [math.log(math.exp(float(x[i] @ x[p]) / 0.1) / total) for p in positive]
        values.append(-sum(logs) / len(logs))
    return sum(values) / len(values) if values else 0.0


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 12), seed=st.integers(0, 2**20))
def test_equals_the_loops(n: int, seed: int) -> None:
    embedding, labels = material(n, seed)
    value = supervised_contrastive_loss(embedding, labels).item()
    if (labels == labels[0]).all():
        assert value == 0  # the library has no loss without negatives
    else:
        assert value == pytest.approx(naive_supcon(embedding, labels), rel=1e-4, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 2**20))
def test_icons_are_more_positives(n: int, seed: int) -> None:
    """Against the loops, with an icon of each class beside the crops."""
    embedding, labels = material(n, seed)
    labels[:2] = torch.tensor([0, 1])  # there are negatives
    made = torch.arange(n) % 2 == 0
    present = labels.unique()
    icons = torch.randn(len(present), WIDTH, generator=torch.Generator().manual_seed(seed + 1))
    metric = {"loss": "supcon", "weight": 0.5, "icons": True}
    stage = Stage(kind="pretrain", steps=1, real=2, metric=metric)
    logits = torch.randn(n, CLASSES, generator=torch.Generator().manual_seed(seed + 2))
    value = stage_loss(stage, SignOutput(logits, embedding), labels, made, icons=(icons, present))
    supcon = naive_supcon(torch.cat([embedding, icons]), torch.cat([labels, present]))
    assert supcon > 0
    expected = classification_loss(stage, logits, labels, made).item() + 0.5 * supcon
    assert value == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_float32_under_autocast_and_from_half_precision() -> None:
    embedding, labels = material()
    half = embedding.bfloat16()
    expected = supervised_contrastive_loss(half.float(), labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = supervised_contrastive_loss(half, labels)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected)


def test_gradients_are_finite_where_crops_meet() -> None:
    x = torch.cat([torch.eye(4)[:3], -torch.eye(4)[:3]]).requires_grad_()
    supervised_contrastive_loss(x, torch.tensor([0, 1, 2, 0, 1, 2])).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_a_batch_without_positives_has_no_loss_and_no_gradient() -> None:
    x = torch.randn(3, WIDTH, requires_grad=True)
    value = supervised_contrastive_loss(x, torch.tensor([0, 1, 2]))
    value.backward()
    assert value.item() == 0
    assert x.grad is not None
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_refuses_shapes_that_do_not_belong_together() -> None:
    embedding, labels = material()
    for bad in ((embedding[0], labels), (embedding, labels[:3])):
        with pytest.raises(InputError, match="give"):
            supervised_contrastive_loss(*bad)
