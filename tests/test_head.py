"""Classifier heads: what rows promise, the cosine, and the geometry of the fixed vectors."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from raresign.errors import InputError
from raresign.models.head import HEADS, make_head, simplex_vectors


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(HEADS),
    n=st.integers(1, 4),
    embedding=st.integers(1, 9),
    classes=st.integers(1, 12),
    seed=st.integers(0, 2**20),
)
def test_logits_are_what_the_rows_say(kind, n, embedding, classes, seed):
    torch.manual_seed(seed)
    head = make_head(kind, embedding, classes)
    features = torch.randn(n, embedding) * 3
    weight, bias = head.rows()
    assert (weight.shape, bias.shape) == ((classes, embedding), (classes,))
    logits = head(features)
    assert logits.shape == (n, classes)
    torch.testing.assert_close(
        logits, head.inputs(features) @ weight.T + bias, rtol=1e-5, atol=1e-4
    )


def test_linear_is_a_linear_layer_with_its_names_and_its_draw():
    torch.manual_seed(5)
    head = make_head("linear", 8, 3)
    torch.manual_seed(5)
    plain = nn.Linear(8, 3)
    assert isinstance(head, nn.Linear)
    assert list(head.state_dict()) == list(plain.state_dict())
    head.load_state_dict(plain.state_dict())
    assert torch.equal(make_weight(5), plain.weight)
    features = torch.randn(2, 8)
    assert torch.equal(head(features), plain(features))


def make_weight(seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    return make_head("linear", 8, 3).rows()[0]


@pytest.mark.parametrize("kind", ["cosine", "simplex"])
def test_logits_are_the_scaled_cosines(kind):
    torch.manual_seed(0)
    head = make_head(kind, 7, 5)
    features = torch.randn(3, 7)
    vectors = head.weight.detach()
    for i in range(3):
        for c in range(5):
            cosine = torch.dot(features[i], vectors[c]) / (features[i].norm() * vectors[c].norm())
            assert head(features)[i, c].item() == pytest.approx(16 * cosine.item(), abs=1e-4)
    # Lengths of features and vectors do not count.
    before = head(features)
    torch.testing.assert_close(head(features * 50), before, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        head.weight[0] *= 9
        head.scale *= 2
    torch.testing.assert_close(head(features), 2 * before, rtol=1e-4, atol=1e-4)


def test_what_learns_and_what_is_saved():
    names = {kind: {name for name, _ in make_head(kind, 6, 4).named_parameters()} for kind in HEADS}
    assert names == {
        "linear": {"weight", "bias"},
        "cosine": {"weight", "scale"},
        "simplex": {"scale"},
    }
    torch.manual_seed(1)
    saved = make_head("simplex", 6, 4)
    torch.manual_seed(2)
    other = make_head("simplex", 6, 4)
    assert not torch.equal(saved.weight, other.weight)
    other.load_state_dict(saved.state_dict())  # the fixed vectors travel with the model
    assert torch.equal(saved.weight, other.weight)


@settings(max_examples=30, deadline=None)
@given(embedding=st.integers(1, 20), less=st.integers(0, 19), seed=st.integers(0, 2**20))
def test_the_simplex_is_equiangular_up_to_one_class_more_than_dimensions(embedding, less, seed):
    classes = max(2, embedding + 1 - less)
    torch.manual_seed(seed)
    vectors = simplex_vectors(classes, embedding)
    assert vectors.shape == (classes, embedding)
    cosine = vectors @ vectors.T
    expected = torch.full((classes, classes), -1 / (classes - 1)).fill_diagonal_(1.0)
    torch.testing.assert_close(cosine, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(vectors.sum(0), torch.zeros(embedding), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("classes", "embedding"), [(1, 1), (1, 5), (10, 4), (600, 512)])
def test_elsewhere_the_vectors_are_unit_vectors(classes, embedding):
    vectors = simplex_vectors(classes, embedding)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(classes))
    assert len({tuple(row) for row in vectors.tolist()}) == classes


@pytest.mark.parametrize("kind", ["cosine", "simplex"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_dead_row_gives_no_nan(kind, dtype):
    head = make_head(kind, 8, 3)
    features = torch.zeros(2, 8, dtype=dtype, requires_grad=True)
    head(features).sum().backward()
    assert torch.equal(head(features), torch.zeros(2, 3))
    assert all(torch.isfinite(p.grad).all() for p in head.parameters())


@pytest.mark.parametrize("kind", HEADS)
def test_learns_three_directions(kind):
    torch.manual_seed(0)
    head, lift = make_head(kind, 8, 3), nn.Linear(3, 8)
    labels = torch.arange(3)
    optimiser = torch.optim.Adam([*head.parameters(), *lift.parameters()], lr=0.03)
    for _ in range(100):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(head(lift(torch.eye(3))), labels)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1 < math.log(3)


def test_refuses_unknown_kinds_and_sizes():
    with pytest.raises(InputError, match="linear, cosine, simplex"):
        make_head("arcface", 8, 3)
    for sizes in ((0, 3), (8, 0)):
        with pytest.raises(InputError, match="at least 1"):
            make_head("linear", *sizes)
