"""The balanced cross-entropy against loops and known cases."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.errors import InputError
from raresign.losses.prior import balanced_cross_entropy


def naive(logits, labels, rows, smoothing, floor) -> float:
    """The docstring, crop by crop and class by class."""
    total = 0.0
    for z, y, prior in zip(logits.tolist(), labels.tolist(), rows.tolist(), strict=True):
        pi = [max(p, floor) for p in prior]
        adjusted = [a + math.log(p) for a, p in zip(z, pi, strict=True)]
        top = max(adjusted)
        log_sum = top + math.log(sum(math.exp(a - top) for a in adjusted))
        log_p = [a - log_sum for a in adjusted]
        share = [p if prior[c] > floor or c == y else 0.0 for c, p in enumerate(pi)]
        smooth = -sum(w * lp for w, lp in zip(share, log_p, strict=True)) / sum(share)
        total += (1 - smoothing) * -log_p[y] + smoothing * smooth
    return total / len(labels)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 7),
    classes=st.integers(1, 6),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    floor=st.sampled_from([1e-6, 1e-3]),
    seed=st.integers(0, 2**20),
)
def test_equals_the_loops(n, classes, smoothing, floor, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, classes, generator=generator, dtype=torch.float64) * 5
    labels = torch.randint(0, classes, (n,), generator=generator)
    domain = torch.rand(n, generator=generator) < 0.5
    prior = torch.rand(2, classes, generator=generator, dtype=torch.float64)
    prior[torch.rand(2, classes, generator=generator) < 0.4] = 0  # labels may fall on a zero
    value = balanced_cross_entropy(logits, labels, prior, domain, smoothing, floor)
    rows = prior[domain.long()]
    assert value.item() == pytest.approx(naive(logits, labels, rows, smoothing, floor), rel=1e-9)
    assert balanced_cross_entropy(
        logits, labels, rows, label_smoothing=smoothing, floor=floor
    ).item() == pytest.approx(value.item(), rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_an_even_prior_is_plain_cross_entropy(smoothing):
    logits, labels = torch.randn(6, 5), torch.tensor([0, 1, 2, 3, 4, 0])
    torch.testing.assert_close(
        balanced_cross_entropy(logits, labels, torch.full((6, 5), 0.2), None, smoothing),
        F.cross_entropy(logits, labels, label_smoothing=smoothing),
    )


def gradient(logits: Tensor, labels: Tensor, domain: Tensor, smoothing: float = 0.0) -> Tensor:
    prior = torch.tensor([[0.75, 0.25, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    logits = logits.clone().requires_grad_()
    balanced_cross_entropy(logits, labels, prior, domain, smoothing).backward()
    assert logits.grad is not None
    return logits.grad


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_real_crop_does_not_push_a_rare_class_but_a_synthetic_one_does(smoothing):
    """Row 0 is real, row 1 synthetic; swapped, this fails."""
    logits, labels = torch.zeros(2, 3), torch.tensor([1, 1])
    real, synthetic = gradient(logits, labels, torch.tensor([False, True]), smoothing)
    assert abs(real[2]) < 1e-5
    assert synthetic[2] > 0.1


def test_the_optimum_is_the_balanced_posterior():
    """One indistinct feature, 3:1 crops: plain logits would differ by ln 3, these do not."""
    labels, domain = torch.tensor([0, 0, 0, 1]), torch.zeros(4, dtype=torch.bool)
    step = gradient(torch.zeros(4, 3), labels, domain).sum(0)
    torch.testing.assert_close(step, torch.zeros(3), atol=1e-5, rtol=0)
    # Smoothing pulls the bare logits together, so equal ones stay the optimum.
    step = gradient(torch.zeros(4, 3), labels, domain, smoothing=0.3).sum(0)
    torch.testing.assert_close(step, torch.zeros(3), atol=1e-5, rtol=0)


def test_a_label_that_the_prior_excludes_costs_a_finite_amount():
    prior = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    for smoothing in (0.0, 0.1):
        logits = torch.zeros(1, 2, requires_grad=True)
        loss = balanced_cross_entropy(
            logits, torch.tensor([1]), prior, torch.tensor([False]), smoothing
        )
        loss.backward()
        assert loss.item() == pytest.approx(-math.log(1e-6) * (1 - smoothing), rel=1e-4)
        assert torch.isfinite(logits.grad).all()


def test_a_floor_that_float32_rounds_up_gets_no_smoothing():
    """0.001 as float32 exceeds 0.001: a floored prior must still count as never shown."""
    prior = torch.tensor([[0.5, 0.5, 0.001]])
    loss = [
        balanced_cross_entropy(
            torch.tensor([[0.0, 0.0, z]]), torch.tensor([0]), prior, None, 0.9, floor=1e-3
        )
        for z in (0.0, -20.0)
    ]
    assert loss[1] < loss[0]  # a target on class 2 would punish -20


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_give_a_float32_loss(dtype):
    logits, labels = torch.randn(4, 3).to(dtype), torch.tensor([0, 1, 2, 0])
    prior = torch.tensor([[0.6, 0.4, 0.0], [0.4, 0.3, 0.3]])
    domain = torch.tensor([0, 1, 1, 0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = balanced_cross_entropy(logits, labels, prior, domain, 0.1)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(
        loss, balanced_cross_entropy(logits.float(), labels, prior, domain, 0.1)
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prior": torch.rand(2, 3)}, "prior"),  # of the domains, but no domain
        ({"prior": torch.rand(4, 3), "domain": torch.zeros(4)}, "prior"),
        ({"prior": torch.rand(2, 3), "domain": torch.zeros(1)}, "domain"),
        ({"prior": torch.rand(4, 1)}, "prior"),
        ({"labels": torch.zeros(4, 1, dtype=torch.long)}, "labels"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"floor": 0.0}, "floor"),
    ],
)
def test_refuses(changes, message):
    good = {
        "logits": torch.rand(4, 3),
        "labels": torch.tensor([0, 1, 2, 0]),
        "prior": torch.rand(4, 3),
    }
    with pytest.raises(InputError, match=message):
        balanced_cross_entropy(**{**good, **changes})
