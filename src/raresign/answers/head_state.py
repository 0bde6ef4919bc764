"""A head as arrays and plain values, and back: what files of any kind hold of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from raresign.answers.fusion import Fusion
from raresign.answers.head import Head
from raresign.answers.prototypes import PrototypeIndex
from raresign.answers.unknown_rule import UnknownRule


def state_of_head(head: Head) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and plain values from which `head_from_state` makes the same, the rows left out.

    The index is rounded to float16. Photos and the policy are left out.
    """
    arrays: dict[str, np.ndarray] = {
        "index.embeddings": head.index.embeddings.astype(np.float16),
        "index.labels": head.index.labels,
        "index.sources": head.index.sources,
    }
    if head.no_sign is not None:
        arrays["no_sign"] = head.no_sign
    arrays["lengths"] = head.lengths
    plain = {
        "families": list(head.families),
        "rare": head.rare.tolist(),
        "fusion": asdict(head.fusion),
        "rule": asdict(head.rule) if head.rule else None,
    }
    return arrays, plain


def head_from_state(
    rows: np.ndarray,
    biases: np.ndarray,
    arrays: Mapping[str, np.ndarray],
    plain: Mapping[str, Any],
) -> Head:
    """What `state_of_head` gave, with the rows and biases of its classifier.

    Raises:
        KeyError, TypeError, ValueError: Parts are missing or wrong.
    """
    families = tuple(plain["families"])
    embeddings, labels, sources = (
        arrays[f"index.{name}"] for name in ("embeddings", "labels", "sources")
    )
    none = arrays.get("no_sign")
    return Head(
        rows,
        biases,
        families,
        np.array(plain["rare"], dtype=bool),
        PrototypeIndex(embeddings, labels, sources, len(families)),
        arrays["lengths"],
        Fusion(**plain["fusion"]),
        UnknownRule.from_dict(plain["rule"]) if plain["rule"] else None,
        none.astype(np.float32) if none is not None else None,
    )
