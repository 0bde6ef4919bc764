"""The vectorised contrastive losses against naive loops and against pytorch-metric-learning."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import ContrastiveLoss
from pytorch_metric_learning.reducers import DoNothingReducer, MeanReducer
from torch import Tensor
from torch.nn.functional import normalize

from raresign.losses.contrastive import (
    contrastive_loss,
    naive_contrastive_loss,
    reference_contrastive_loss,
)

ALL_LOSSES = [reference_contrastive_loss, contrastive_loss]


def value_and_gradient(loss, x: Tensor, labels: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    value = loss(x, labels, margin)
    value.backward()
    assert x.grad is not None
    return value.detach(), x.grad


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 9),
    width=st.integers(1, 20),
    classes=st.integers(1, 5),
    scale=st.sampled_from([1e-3, 0.3, 1.0, 30.0]),
    margin=st.floats(0.1, 5.0),
    seed=st.integers(0, 2**20),
)
def test_reference_formula_equals_the_double_loop(n, width, classes, scale, margin, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, width, generator=generator) * scale
    labels = torch.randint(-1, classes, (n,), generator=generator)
    value, gradient = value_and_gradient(reference_contrastive_loss, x, labels, margin)
    oracle, oracle_gradient = value_and_gradient(naive_contrastive_loss, x, labels, margin)
    torch.testing.assert_close(value, oracle, rtol=1e-5, atol=1e-5)
    size = max(1.0, float(oracle_gradient.abs().max()))
    torch.testing.assert_close(gradient, oracle_gradient, rtol=1e-5, atol=1e-5 * size)


def test_a_metric_batch_equals_the_double_loop():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(32, 512, generator=generator) * 0.06
    labels = torch.arange(8).repeat_interleave(4)
    value, gradient = value_and_gradient(reference_contrastive_loss, x, labels, 2.0)
    oracle, oracle_gradient = value_and_gradient(naive_contrastive_loss, x, labels, 2.0)
    torch.testing.assert_close(value, oracle, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient, oracle_gradient, rtol=1e-4, atol=1e-7)


def test_near_rows_far_from_the_origin_do_not_cancel():
    """|a - b|^2 as a product in float32 would lose a distance of 0.1 at norm 2000 altogether."""
    generator = torch.Generator().manual_seed(2)
    x = 100 + torch.randn(6, 400, generator=generator) * 0.005
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    value, gradient = value_and_gradient(reference_contrastive_loss, x, labels, 2.0)
    oracle, oracle_gradient = value_and_gradient(naive_contrastive_loss, x.double(), labels, 2.0)
    torch.testing.assert_close(value.double(), oracle, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient.double(), oracle_gradient, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_gradient_passes_gradcheck(loss):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(7, 5, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 3])
    assert torch.autograd.gradcheck(lambda e: loss(e, labels, 1.3), x)


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_coinciding_rows_have_a_finite_gradient(loss):
    x = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    labels = torch.tensor([0, 0, 1, 1, 2])
    value, gradient = value_and_gradient(loss, x, labels, 1.5)
    assert torch.isfinite(value)
    assert torch.isfinite(gradient).all()
    _, naive = value_and_gradient(naive_contrastive_loss, x, labels, 1.5)
    assert naive.isnan().any(), "the naive loop is expected to break here; else drop the claim"


def test_two_coinciding_rows_of_different_labels_pay_the_whole_margin():
    x = torch.full((2, 3), 0.7)
    value, gradient = value_and_gradient(reference_contrastive_loss, x, torch.tensor([0, 1]), 2.0)
    assert value == 4.0
    assert torch.equal(gradient, torch.zeros(2, 3))


@pytest.mark.parametrize("loss", ALL_LOSSES)
@pytest.mark.parametrize("n", [0, 1])
def test_a_batch_without_pairs_costs_nothing_and_has_a_gradient(loss, n):
    value, gradient = value_and_gradient(loss, torch.ones(n, 4), torch.zeros(n).long(), 1.0)
    assert value == 0
    assert torch.equal(gradient, torch.zeros(n, 4))


def test_only_positives_or_only_negatives():
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    same, different = torch.zeros(3).long(), torch.arange(3)
    # Distances: sqrt(2), 0, sqrt(2).
    assert contrastive_loss(x, same, 1.0).item() == pytest.approx(4 / 3)
    assert contrastive_loss(x, different, 1.0).item() == pytest.approx(1 / 3)
    assert reference_contrastive_loss(x, same).item() == pytest.approx(4 / 3)
    # The reference would forget the division by 6 here; we always divide.
    naive_sum = 2 * (4 + 2 * (2 - 2**0.5) ** 2)
    assert reference_contrastive_loss(x, different).item() == pytest.approx(naive_sum / 6)


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_bf16_autocast_does_not_change_the_result(loss):
    x = torch.randn(16, 64, generator=torch.Generator().manual_seed(4))
    labels = torch.arange(4).repeat(4)
    expected = loss(x, labels, 1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss(x, labels, 1.0), expected)
        value, gradient = value_and_gradient(loss, x.bfloat16(), labels, 1.0)
    assert value.dtype == torch.float32
    assert gradient.dtype == torch.bfloat16
    torch.testing.assert_close(value, expected, rtol=2e-2, atol=0)


@pytest.mark.parametrize("margin", [0.5, 1.0, 1.9])
def test_normalised_variant_equals_pytorch_metric_learning(margin):
    """Their pair losses are d and max(0, margin - d), not squared: square them, then average."""
    x = torch.randn(20, 16, generator=torch.Generator().manual_seed(5))
    labels = torch.randint(0, 4, (20,), generator=torch.Generator().manual_seed(6))
    pairs = ContrastiveLoss(
        pos_margin=0,
        neg_margin=margin,
        distance=LpDistance(normalize_embeddings=True, p=2),
        reducer=DoNothingReducer(),
    )(x, labels)
    expected = sum(pairs[kind]["losses"].square().mean() for kind in ("pos_loss", "neg_loss"))
    torch.testing.assert_close(contrastive_loss(x, labels, margin), expected, rtol=1e-4, atol=1e-6)


def test_positives_equal_pytorch_metric_learning_with_squared_distance():
    x = torch.randn(12, 16, generator=torch.Generator().manual_seed(7))
    labels = torch.zeros(12).long()
    theirs = ContrastiveLoss(
        distance=LpDistance(normalize_embeddings=True, p=2, power=2), reducer=MeanReducer()
    )
    torch.testing.assert_close(contrastive_loss(x, labels), theirs(x, labels), rtol=1e-4, atol=0)


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_scale_matters_only_to_the_reference_formula(loss):
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(8))
    labels = torch.arange(4).repeat(2)
    unchanged = torch.allclose(loss(x, labels, 1.0), loss(3 * x, labels, 1.0))
    assert unchanged == (loss is contrastive_loss)
    assert torch.allclose(normalize(x, dim=1), normalize(3 * x, dim=1))


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_rubbish_is_refused(loss):
    with pytest.raises(ValueError, match=r"\(3, 2\) and \(4,\)"):
        loss(torch.zeros(3, 2), torch.zeros(4).long())
    with pytest.raises(ValueError, match="margin"):
        loss(torch.zeros(3, 2), torch.zeros(3).long(), 0.0)
