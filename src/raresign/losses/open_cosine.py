"""Cosines whose angle has a finite slope."""

from __future__ import annotations

from pytorch_metric_learning.distances import CosineSimilarity
from torch import Tensor

_LEAST_ANGLE = 1e-6  # as 1 - cos


class OpenCosine(CosineSimilarity):  # type: ignore[misc]
    """Cosines kept off -1 and 1, where ArcFace's arccos has an infinite slope (NaN gradients)."""

    def compute_mat(self, query_emb: Tensor, ref_emb: Tensor) -> Tensor:
        """(N, M) cosines of (N, E) and (M, E) embeddings."""
        cosine: Tensor = super().compute_mat(query_emb, ref_emb)
        return cosine.clamp(_LEAST_ANGLE - 1, 1 - _LEAST_ANGLE)
