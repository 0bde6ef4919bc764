"""The wrapped metric losses against their formulas as loops, and the cross-domain pairs."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from raresign.errors import InputError
from raresign.losses.metric import METRIC_LOSSES, cross_domain_pairs, metric_loss
from raresign.models import SignOutput
from raresign.training import Stage
from raresign.training.objective import Objective

CLASSES, WIDTH = 4, 6


def material(n: int = 12, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(n, WIDTH, generator=generator)
    labels = torch.randint(0, CLASSES, (n,), generator=generator)
    return embedding, labels, torch.rand(n, generator=generator) < 0.5


def naive_supcon(embedding, labels, domain, cross_domain) -> float:
    """Khosla et al. 2020, L_out, anchor by anchor, with temperature 0.1."""
    x = normalize(embedding.double(), dim=1)
    n, values = len(x), []
    for i in range(n):
        same = [j for j in range(n) if j != i and labels[j] == labels[i]]
        positive = [j for j in same if not cross_domain or domain[j] != domain[i]]
        negative = [j for j in range(n) if labels[j] != labels[i]]
        if not positive:
            continue
        total = sum(math.exp(float(x[i] @ x[a]) / 0.1) for a in positive + negative)
        logs = [math.log(math.exp(float(x[i] @ x[p]) / 0.1) / total) for p in positive]
        values.append(-sum(logs) / len(logs))
    return sum(values) / len(values) if values else 0.0


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 12), seed=st.integers(0, 2**20), cross_domain=st.booleans())
def test_supcon_equals_the_loops(n, seed, cross_domain):
    embedding, labels, domain = material(n, seed)
    loss = metric_loss("supcon", CLASSES, WIDTH, cross_domain)
    value = loss(embedding, labels, domain).item()
    if (labels == labels[0]).all():
        assert value == 0  # the library has no loss without negatives
    else:
        expected = naive_supcon(embedding, labels, domain, cross_domain)
        assert value == pytest.approx(expected, rel=1e-4, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 2**20), cross_domain=st.booleans())
def test_icons_are_positives_of_both_domains(n, seed, cross_domain):
    """Against the loops, with an icon of each class in the batch as a third domain."""
    embedding, labels, made = material(n, seed)
    labels[:2] = torch.tensor([0, 1])  # there are negatives
    present = labels.unique()
    icons = torch.randn(len(present), WIDTH, generator=torch.Generator().manual_seed(seed + 1))
    metric = {"loss": "supcon", "weight": 0.5, "cross_domain": cross_domain, "icons": True}
    objective = Objective(
        Stage(kind="pretrain", steps=1, real=2, metric=metric), CLASSES, embedding=WIDTH
    )
    logits = torch.randn(n, CLASSES, generator=torch.Generator().manual_seed(seed + 2))
    output = SignOutput(logits, embedding)
    value = objective(output, labels, made, icons=(icons, present)).item()
    every = torch.cat([embedding, icons]), torch.cat([labels, present])
    domain = [*made.long().tolist(), *("icon" for _ in present)]
    supcon = naive_supcon(*every, domain, cross_domain)
    assert supcon > 0
    expected = objective.classification(logits, labels, made).item() + 0.5 * supcon
    assert value == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", METRIC_LOSSES[1:])
def test_losses_with_class_vectors_take_icons_as_more_rows(name):
    embedding, labels, made = material()
    metric = {"loss": name, "weight": 1.0, "icons": True}
    objective = Objective(Stage(kind="pretrain", steps=1, real=2, metric=metric), CLASSES, WIDTH)
    output = SignOutput(torch.zeros(8, CLASSES), embedding[:8])
    value = objective(output, labels[:8], made[:8], icons=(embedding[8:], labels[8:]))
    expected = math.log(CLASSES) + objective.metric(embedding, labels, made).item()
    assert value.item() == pytest.approx(expected, rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(0, 9), seed=st.integers(0, 2**20))
def test_cross_domain_pairs_equal_the_loops(n, seed):
    _, labels, domain = material(n, seed)
    a, p, b, q = (indices.tolist() for indices in cross_domain_pairs(labels, domain))
    pairs = [(i, j) for i in range(n) for j in range(n)]
    assert list(zip(a, p, strict=True)) == [
        (i, j) for i, j in pairs if labels[i] == labels[j] and domain[i] != domain[j]
    ]
    assert list(zip(b, q, strict=True)) == [(i, j) for i, j in pairs if labels[i] != labels[j]]


def test_cross_domain_ignores_pairs_of_one_domain():
    """Two real crops of a class: moving one to the other changes nothing without a synthetic one"""
    labels = torch.tensor([0, 0, 1, 1])
    domain = torch.tensor([False, False, False, True])
    embedding = torch.randn(4, WIDTH, generator=torch.Generator().manual_seed(3))
    apart = embedding.clone().requires_grad_()
    metric_loss("supcon", 2, WIDTH, cross_domain=True)(apart, labels, domain).backward()
    only_second_class = embedding.clone().requires_grad_()
    x = normalize(only_second_class, dim=1) @ normalize(only_second_class, dim=1).T / 0.1
    first = torch.logsumexp(x[2, [0, 1, 3]], 0) - x[2, 3]
    second = torch.logsumexp(x[3, [0, 1, 2]], 0) - x[3, 2]
    ((first + second) / 2).backward()
    torch.testing.assert_close(apart.grad, only_second_class.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "centres"), [("arcface", 1), ("subcenter-arcface", 3)])
def test_arcface_equals_its_formula(name, centres):
    torch.manual_seed(0)
    loss = metric_loss(name, CLASSES, WIDTH)
    embedding, labels, domain = material()
    weight = normalize(next(loss.parameters()).detach().T, dim=1)
    assert len(weight) == centres * CLASSES
    cosine = normalize(embedding, dim=1) @ weight.T
    nearest = cosine.view(-1, CLASSES, centres).amax(2)  # the centres of a class are neighbours
    angle = torch.acos(nearest.double())
    target = torch.arange(CLASSES) == labels[:, None]
    margin = math.radians(28.6)
    with_margin = torch.where(
        angle + margin <= math.pi, (angle + margin).cos(), angle.cos() - margin * math.sin(margin)
    )
    logits = 64 * torch.where(target, with_margin, angle.cos())
    expected = torch.nn.functional.cross_entropy(logits, labels)
    assert loss(embedding, labels, domain).item() == pytest.approx(expected.item(), rel=1e-4)


def test_proxy_anchor_equals_its_formula():
    torch.manual_seed(0)
    loss = metric_loss("proxy-anchor", CLASSES, WIDTH)
    embedding, labels, domain = material()
    cosine = normalize(embedding, dim=1) @ normalize(next(loss.parameters()).detach(), dim=1).T
    positive = negative = 0.0
    for c in range(CLASSES):
        own, other = cosine[labels == c, c], cosine[labels != c, c]
        positive += math.log1p(torch.exp(-32 * (own - 0.1)).sum().item())
        negative += math.log1p(torch.exp(32 * (other + 0.1)).sum().item())
    expected = positive / len(labels.unique()) + negative / CLASSES
    assert loss(embedding, labels, domain).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", METRIC_LOSSES)
def test_float32_under_autocast_and_from_half_precision(name):
    torch.manual_seed(0)
    loss = metric_loss(name, CLASSES, WIDTH)
    embedding, labels, domain = material()
    half = embedding.bfloat16()
    expected = loss(half.float(), labels, domain)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(half, labels, domain)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected)
    assert all(p.dtype == torch.float32 for p in loss.parameters())


@pytest.mark.parametrize("name", METRIC_LOSSES)
def test_descent_brings_a_class_together(name):
    torch.manual_seed(0)
    loss = metric_loss(name, CLASSES, WIDTH)
    labels = torch.arange(CLASSES).repeat(3)
    domain = torch.arange(12) >= 6
    x = torch.randn(12, WIDTH).requires_grad_()
    optimiser = torch.optim.Adam([x, *loss.parameters()], lr=0.05)
    first = loss(x, labels, domain).item()
    for _ in range(80):
        optimiser.zero_grad()
        loss(x, labels, domain).backward()
        optimiser.step()
    assert loss(x, labels, domain).item() < first / 2
    cosine = normalize(x, dim=1) @ normalize(x, dim=1).T
    same = labels[:, None] == labels
    # Sub-centres allow a class several clusters, so it comes together less.
    least = 0.2 if name == "subcenter-arcface" else 0.5
    assert cosine[same].mean() > cosine[~same].mean() + least


@pytest.mark.parametrize("name", METRIC_LOSSES)
def test_gradients_are_finite_where_crops_meet_each_other_and_their_prototype(name):
    torch.manual_seed(0)
    loss = metric_loss(name, 3, 4)
    for parameter in loss.parameters():  # unit vectors, whose cosines are exactly 1 and 0
        wide = torch.eye(4).repeat_interleave(3, 0)[:9] if "sub" in name else torch.eye(4)[:3]
        parameter.data = wide.T.contiguous() if "arcface" in name else wide.contiguous()
    x = torch.cat([torch.eye(4)[:3], -torch.eye(4)[:3]]).requires_grad_()
    domain = torch.arange(6) >= 3
    loss(x, torch.tensor([0, 1, 2, 0, 1, 2]), domain).backward()
    gradients = [x.grad, *(p.grad for p in loss.parameters())]
    assert all(torch.isfinite(g).all() for g in gradients)


def test_a_batch_without_positives_has_no_loss_and_no_gradient():
    x = torch.randn(3, WIDTH, requires_grad=True)
    loss = metric_loss("supcon", CLASSES, WIDTH, cross_domain=True)
    value = loss(x, torch.tensor([0, 0, 1]), torch.tensor([True, True, False]))
    value.backward()
    assert value.item() == 0
    assert torch.equal(x.grad, torch.zeros_like(x))


@pytest.mark.parametrize("name", METRIC_LOSSES)
def test_the_seed_decides_the_parameters(name):
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append([p.detach() for p in metric_loss(name, CLASSES, WIDTH).parameters()])
    assert bool(drawn[0]) == (name != "supcon")
    for a, b, c in zip(*drawn, strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


@pytest.mark.parametrize("name", METRIC_LOSSES[1:])
def test_cross_domain_needs_pairs(name):
    with pytest.raises(InputError, match="no pairs"):
        metric_loss(name, CLASSES, WIDTH, cross_domain=True)


def test_refuses_unknown_names_sizes_and_shapes():
    with pytest.raises(InputError, match="supcon, proxy-anchor"):
        metric_loss("triplet", CLASSES, WIDTH)
    with pytest.raises(InputError, match="at least 1"):
        metric_loss("arcface", 0, WIDTH)
    embedding, labels, domain = material()
    for bad in ((embedding[0], labels, domain), (embedding, labels[:3], domain[:3])):
        with pytest.raises(InputError, match="give"):
            metric_loss("supcon", CLASSES, WIDTH)(*bad)
    with pytest.raises(InputError, match="domain"):
        metric_loss("supcon", CLASSES, WIDTH)(embedding, labels, domain[:1])
