"""Rows of new classes: against the loss over full logits and a brute-force scan."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.fitting.new_rows import fit_rows, guarded_bias, imprinted_rows


def _problem(
    seed: int = 0, old: int = 4, new: int = 2, width: int = 6, crops: int = 120, spread: float = 1.0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weight, bias, features and labels of overlapping classes of unequal size, in float64."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(old + new, width))
    shares = rng.dirichlet(np.full(old + new, 2.0))
    labels = rng.choice(old + new, size=crops, p=shares)
    labels[: old + new] = np.arange(old + new)
    features = np.maximum(centres[labels] + spread * rng.normal(size=(crops, width)), 0)
    weight, bias = 2 * centres[:old], rng.normal(size=old)
    return (
        torch.tensor(weight),
        torch.tensor(bias),
        torch.tensor(features),
        torch.tensor(labels),
    )


def _loss(
    weight: Tensor, bias: Tensor, rows: Tensor, biases: Tensor, x: Tensor, labels: Tensor, r: float
) -> Tensor:
    """The documented objective, class by class, over all logits."""
    logits = x @ torch.cat([weight, rows]).T + torch.cat([bias, biases])
    each = -logits.log_softmax(1)[torch.arange(len(x)), labels]
    fit = torch.stack([each[labels == label].mean() for label in labels.unique()]).mean()
    return fit + r / 2 * (rows.square().sum() + biases.square().sum())


@pytest.mark.parametrize("seed", range(4))
def test_result_is_stationary_and_minimal_under_full_logits(seed: int) -> None:
    weight, bias, x, labels = _problem(seed)
    rows, biases = fit_rows(weight, bias, x, labels, 2, ridge=1e-2, steps=500)
    rows.requires_grad_()
    biases.requires_grad_()
    loss = _loss(weight, bias, rows, biases, x, labels, 1e-2)
    gradients = torch.autograd.grad(loss, [rows, biases])
    # Strong convexity of 1e-2: within 1e-4 / 1e-2 of the one minimum.
    assert max(float(g.abs().max()) for g in gradients) < 1e-4
    generator = torch.Generator().manual_seed(seed)
    for size in (1e-2, 1e-1, 1.0):
        step = torch.randn(rows.shape, generator=generator, dtype=torch.float64) * size
        assert _loss(weight, bias, rows + step, biases, x, labels, 1e-2) > loss
        assert _loss(weight, bias, rows, biases + size, x, labels, 1e-2) > loss


def test_gradient_descent_on_full_logits_finds_the_same_rows() -> None:
    weight, bias, x, labels = _problem(7)
    rows, biases = fit_rows(weight, bias, x, labels, 2, ridge=0.1, steps=500)
    free = [torch.zeros(2, 6, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)]
    for part in free:
        part.requires_grad_()
    for _ in range(600):
        loss = _loss(weight, bias, free[0], free[1], x, labels, 0.1)
        for part, gradient in zip(free, torch.autograd.grad(loss, free), strict=True):
            part.data -= 0.5 * gradient
    torch.testing.assert_close(rows, free[0].detach(), atol=1e-3, rtol=0)
    torch.testing.assert_close(biases, free[1].detach(), atol=1e-3, rtol=0)


def test_copies_of_a_crop_change_nothing() -> None:
    """The mean is balanced: a class made of the same crops twice over weighs as before."""
    weight, bias, x, labels = _problem(3)
    twice = torch.cat([torch.arange(len(x)), torch.nonzero(labels == 5).flatten()])
    one = fit_rows(weight, bias, x, labels, 2, ridge=1e-2, steps=500)
    other = fit_rows(weight, bias, x[twice], labels[twice], 2, ridge=1e-2, steps=500)
    torch.testing.assert_close(one, other, atol=1e-3, rtol=0)


def test_inputs_stay_as_they_are_and_no_grad_is_no_obstacle() -> None:
    weight, bias, x, labels = _problem(1)
    weight = torch.nn.Parameter(weight)
    before = [part.detach().clone() for part in (weight, bias, x, labels)]
    with torch.no_grad():
        rows, biases = fit_rows(weight, bias, x, labels, 2)
    assert not rows.requires_grad
    assert not biases.requires_grad
    assert weight.grad is None
    for part, kept in zip((weight, bias, x, labels), before, strict=True):
        assert torch.equal(part.detach(), kept)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_type_of_the_weight_is_kept(dtype: torch.dtype) -> None:
    weight, bias, x, labels = _problem(1)
    rows, biases = fit_rows(weight.to(dtype), bias.to(dtype), x.to(dtype), labels, 2)
    assert rows.shape == (2, 6)
    assert biases.shape == (2,)
    assert rows.dtype == biases.dtype == dtype


def test_separable_classes_are_all_recognised() -> None:
    weight, bias, x, labels = _problem(2, old=3, new=3, width=16, crops=300, spread=0.05)
    x, labels = x[torch.isin(labels, torch.arange(6))], labels
    rows, biases = fit_rows(weight, bias, x, labels, 3, ridge=1e-4)
    logits = x @ torch.cat([weight, rows]).T + torch.cat([bias, biases])
    fresh = labels >= 3
    assert torch.equal(logits.argmax(1)[fresh], labels[fresh])
    assert torch.isfinite(rows).all()


def test_only_crops_of_the_new_class_give_finite_rows() -> None:
    weight, bias, x, labels = _problem(2, new=1)
    rows, biases = fit_rows(weight, bias, x[labels == 4], labels[labels == 4], 1, steps=500)
    assert torch.isfinite(rows).all()
    assert torch.isfinite(biases).all()


def test_imprinted_rows_by_hand() -> None:
    weight = torch.tensor([[3.0, 0.0], [0.0, 1.0]])  # mean norm 2
    x = torch.tensor([[10.0, 0.0], [0.0, 0.1], [7.0, 7.0]])
    rows = imprinted_rows(weight, x, torch.tensor([2, 2, 0]), new=2)
    # Normalised before the mean: the long feature counts as much as the short one.
    assert torch.allclose(rows, torch.tensor([[math.sqrt(2), math.sqrt(2)], [0.0, 0.0]]))


def _lost(old: Tensor, new: Tensor, labels: Tensor, bias: float) -> tuple[int, int]:
    """Earlier crops recognised before, and those of them that a new class takes, one by one."""
    right = lost = 0
    for old_row, new_row, label in zip(old.tolist(), new.tolist(), labels.tolist(), strict=True):
        if old_row.index(max(old_row)) == label:
            right += 1
            lost += max(new_row) + bias > max(old_row)
    return right, lost


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    crops=st.integers(1, 50),
    share=st.sampled_from([0.0, 0.005, 0.05, 0.29, 0.5, 1.0]),
    lead=st.floats(-3, 3),
)
def test_guarded_bias_against_a_scan(seed: int, crops: int, share: float, lead: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    old = 3 * torch.randn(crops, 4, generator=generator)
    new = 3 * torch.randn(crops, 2, generator=generator) + lead
    labels = torch.randint(0, 6, (crops,), generator=generator)
    labels[::2] = old.argmax(1)[::2]
    bias = guarded_bias(old, new, labels, share)
    right, lost = _lost(old, new, labels, bias)
    allowed = max(1, math.floor(round(share * right, 6))) if share else 0
    assert bias <= 0
    assert lost <= allowed
    scan = [b for b in np.arange(-30, 0.001, 0.05) if _lost(old, new, labels, b)[1] <= allowed]
    assert scan[-1] - 1e-3 <= bias <= scan[-1] + 0.0501


def test_guarded_bias_counts_earlier_crops_that_were_right_alone() -> None:
    old = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    new = torch.tensor([[0.0], [50.0], [90.0], [90.0]])
    # The second was wrong before, the third is of a new class, the fourth is unlabelled.
    assert guarded_bias(old, new, torch.tensor([0, 0, 2, -1]), 0.0) == 0.0
    assert guarded_bias(old, new, torch.tensor([0, 1, 2, -1]), 0.0) == pytest.approx(-49, abs=1e-2)
    assert guarded_bias(old, new, torch.tensor([0, 1, 2, -1]), 0.5) == 0.0


def test_a_tie_is_no_loss_and_nothing_to_count_gives_zero() -> None:
    tie = torch.tensor([[2.0, 0.0]])
    assert guarded_bias(tie, torch.tensor([[2.0]]), torch.tensor([0]), 0.0) == 0.0
    assert guarded_bias(tie, torch.tensor([[9.0]]), torch.tensor([1]), 0.0) == 0.0
    assert guarded_bias(tie[:0], torch.zeros(0, 1), torch.zeros(0, dtype=torch.long), 0.1) == 0


@pytest.mark.parametrize("seed", range(3))
def test_guard_shifts_all_biases_alike_and_keeps_its_word(seed: int) -> None:
    parts = [part if part.dtype == torch.int64 else part.float() for part in _problem(seed)]
    weight, bias, x, labels = parts
    rows, biases = fit_rows(weight, bias, x, labels, 2)
    same, lower = fit_rows(weight, bias, x, labels, 2, guard=0.02)
    old, new = x @ weight.T + bias, x @ rows.T
    assert torch.equal(rows, same)
    shift = lower - biases
    assert float(shift.max() - shift.min()) < 1e-5
    assert float(shift.max()) <= 0
    assert float(shift[0]) == pytest.approx(guarded_bias(old, new + biases, labels, 0.02), abs=1e-4)
    right, lost = _lost(old, new + lower, labels, 0.0)
    assert lost <= max(1, 0.02 * right)
    assert _lost(old, new + biases, labels, 0.0)[1] > lost  # it had something to do
