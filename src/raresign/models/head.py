"""Classifier heads: linear, cosine, and fixed class vectors on a simplex."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from raresign.errors import InputError

HEADS = ("linear", "cosine", "simplex")

_SCALE = 16.0  # at 205 classes, the logits +-16 still let softmax reach a probability of 1
_EPS = 1e-6  # keeps the gradient of an (almost) zero row finite


class LinearHead(nn.Linear):
    """`nn.Linear` that shows its rows; its tensors are `weight` and `bias`, as ever.

    Args:
        in_features: Length E of the features.
        out_features: Number of classes C.

    Example:
        >>> sorted(LinearHead(8, 3).state_dict())
        ['bias', 'weight']
    """

    def inputs(self, features: Tensor) -> Tensor:
        """(N, E), what the rows multiply: the features as they are."""
        return features

    def rows(self) -> tuple[Tensor, Tensor]:
        """(C, E) and (C,): logits = inputs @ weight.T + bias."""
        return self.weight, self.bias


class CosineHead(nn.Module):
    """Logits s * cos(w_c, x): only directions count, so no class wins by a long row or a bias.

    Gidaris and Komodakis 2018, "Dynamic Few-Shot Visual Learning without Forgetting"; s is learnt.

    Args:
        vectors: (C, E) floats, the class vectors of any length above 0.
        fixed: Keep the vectors as they are (a buffer); otherwise they are learnt.
        scale: First value of s.

    Attributes:
        weight: (C, E), the class vectors, not normalised.
        scale: Scalar parameter s.

    Example:
        >>> head = CosineHead(torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
        >>> head(torch.tensor([[0.5, 0.0]])).tolist()
        [[16.0, 0.0]]
    """

    weight: Tensor

    def __init__(self, vectors: Tensor, fixed: bool = False, scale: float = _SCALE) -> None:
        super().__init__()
        if fixed:
            self.register_buffer("weight", vectors)
        else:
            self.weight = nn.Parameter(vectors)
        self.scale = nn.Parameter(torch.tensor(scale))

    def inputs(self, features: Tensor) -> Tensor:
        """(N, E), what the rows multiply: the features on the unit sphere times s."""
        return self.scale * _normalised(features)

    def rows(self) -> tuple[Tensor, Tensor]:
        """(C, E) of unit rows and (C,) zeros: logits = inputs @ weight.T + bias."""
        return _normalised(self.weight), self.weight.new_zeros(len(self.weight))

    def forward(self, features: Tensor) -> Tensor:
        """Logits (N, C) of features (N, E)."""
        return F.linear(self.inputs(features), _normalised(self.weight))


def _normalised(x: Tensor) -> Tensor:
    """Rows of length 1, in float32 or wider: in float16 the eps would be 0 and a zero row NaN."""
    return F.normalize(x.to(torch.promote_types(x.dtype, torch.float32)), dim=1, eps=_EPS)


def make_head(kind: str, embedding: int, classes: int) -> LinearHead | CosineHead:
    """A classifier head; all map features (N, E) to logits (N, C) and have `inputs` and `rows`.

    What is random is drawn from torch's generator: call `torch.manual_seed` before.

    Args:
        kind: `linear`: `nn.Linear`. `cosine`: learnt directions and scale. `simplex`: fixed
            directions, `simplex_vectors`, and a learnt scale; rare classes cannot drift towards
            frequent ones (Pernici et al. 2019, "Fix Your Features"; Zhu et al. 2021, "A Geometric
            Analysis of Neural Collapse"). Features without negative values, as after a ReLU,
            reach such a vector only in part: half of it is negative.
        embedding: Length E of the features, at least 1.
        classes: Number of classes C, at least 1.

    Returns:
        The head, on the CPU, float32.

    Raises:
        InputError: Unknown kind, or a size below 1.

    Example:
        >>> head, features = make_head("cosine", embedding=8, classes=3), torch.rand(2, 8)
        >>> weight, bias = head.rows()
        >>> torch.allclose(head(features), head.inputs(features) @ weight.T + bias)
        True
    """
    if embedding < 1 or classes < 1:
        raise InputError(f"{classes} classes, embedding {embedding}", "both need at least 1")
    if kind == "linear":
        return LinearHead(embedding, classes)
    if kind == "cosine":
        return CosineHead(torch.randn(classes, embedding) / math.sqrt(embedding))
    if kind == "simplex":
        return CosineHead(simplex_vectors(classes, embedding), fixed=True)
    raise InputError(f"head is '{kind}'", f"use one of {', '.join(HEADS)}")


def simplex_vectors(classes: int, embedding: int) -> Tensor:
    """Unit vectors that are as far apart as can be: an equiangular simplex frame, turned at random.

    M = sqrt(C / (C - 1)) U (I - 1/C 11^T) (Papyan, Han, Donoho 2020, "Prevalence of neural
    collapse", eq. 2): every two have the cosine -1 / (C - 1). It spans C - 1 dimensions; with fewer
    there is no such frame, and random unit vectors are taken, which are nearly orthogonal.

    Args:
        classes: Number of vectors C, at least 1.
        embedding: Dimensions E, at least 1.

    Returns:
        (C, E) float32, rows of length 1.

    Example:
        >>> vectors = simplex_vectors(4, 3)
        >>> cosine = vectors @ vectors.T
        >>> torch.allclose(cosine, torch.eye(4) * 4 / 3 - 1 / 3, atol=1e-6)
        True
    """
    if classes == 1 or classes > embedding + 1:
        drawn = torch.randn(classes, embedding, dtype=torch.float64)
        return F.normalize(drawn, dim=1).float()
    # An orthonormal basis of what is orthogonal to the ones: its rows are I - 1/C 11^T, turned.
    spread = torch.randn(classes, classes - 1, dtype=torch.float64)
    basis = torch.linalg.qr(torch.cat([torch.ones_like(spread[:, :1]), spread], dim=1)).Q[:, 1:]
    turn = torch.linalg.qr(torch.randn(embedding, classes - 1, dtype=torch.float64)).Q
    vectors: Tensor = math.sqrt(classes / (classes - 1)) * basis @ turn.T
    return vectors.float().contiguous()
