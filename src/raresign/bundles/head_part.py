"""The head of a model as the parts of a bundle: arrays in safetensors, plain values in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from raresign.answers.class_means import ClassMeans
from raresign.answers.head import Head
from raresign.answers.head_state import head_from_state, state_of_head
from raresign.answers.prototypes import SOURCES
from raresign.parsing import parse_json

ARRAYS, VALUES = "head.safetensors", "head.json"


def head_parts(head: Head, half: bool) -> dict[str, bytes]:
    """Everything that answers need of a head, added classes and photos included.

    Of the prototypes only the mean of each class is kept, and the photos of classes that have some.

    Args:
        head: The head.
        half: Round rows and class means to float16, which halves them; else nothing is rounded.
    """
    arrays, plain = state_of_head(head)
    kind = np.float16 if half else np.float32
    near = np.isin(head.index.labels, [label for label, _ in head.lifts])
    near &= head.index.sources == SOURCES.index("real")
    index = ClassMeans.of(head.index, near)
    arrays |= {
        "rows": head.rows.astype(kind),
        "biases": head.biases.astype(np.float32),
        "means": index.class_means.astype(kind),
        "present": index.present.astype(np.uint8),
        "index.embeddings": index.embeddings.astype(kind),
        "index.labels": index.labels.astype(np.int32),
        "lengths": head.lengths[near].astype(np.float32),
        "index.sources": index.sources,
    }
    if head.lifts:
        arrays["lifts.labels"] = np.array([label for label, _ in head.lifts], np.int32)
        arrays["lifts.values"] = np.stack([values for _, values in head.lifts])
    contiguous = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    text = json.dumps(plain, indent=1, ensure_ascii=False) + "\n"
    return {ARRAYS: save(contiguous), VALUES: text.encode()}


def head_of(parts: Mapping[str, bytes]) -> Head:
    """What `head_parts` gave.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, safetensors.SafetensorError: It is damaged.
    """
    arrays: dict[str, np.ndarray] = load(parts[ARRAYS])
    plain: dict[str, Any] = parse_json(parts[VALUES])
    rows, biases = (arrays[name].astype(np.float32) for name in ("rows", "biases"))
    head = head_from_state(rows, biases, arrays, plain)
    classes, width = rows.shape
    kept = (arrays[f"index.{name}"] for name in ("embeddings", "labels", "sources"))
    index = ClassMeans(arrays["means"], arrays["present"].astype(bool), *kept)
    if index.class_means.shape != rows.shape or head.lengths.shape != (len(index),):
        raise ValueError("prototypes and classifier do not belong together")
    head = replace(head, index=index)
    numbers = (rows, biases, head.lengths, *arrays.get("lifts.values", ()))
    if not all(np.isfinite(value).all() for value in numbers):
        raise ValueError("a number is not finite")
    if "lifts.labels" not in arrays:
        return head
    labels, values = arrays["lifts.labels"], arrays["lifts.values"].astype(np.float32)
    if values.shape != (len(labels), width + 1) or not ((labels >= 0) & (labels < classes)).all():
        raise ValueError("lifts of other classes than the classifier")
    return replace(head, lifts=tuple(zip(labels.tolist(), values, strict=True)))
