"""New classes for a trained net: a row of the classifier and prototypes from made crops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from raresign.answers.added_class import AddedClass
from raresign.answers.prototypes import SOURCES
from raresign.fitting.new_rows import fit_rows
from raresign.models.outputs import Outputs
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.pictures import icon_crops
from raresign.signs.catalogue.sign_class import SignClass

MOST_LOST, MOST_LOST_TO_MANY = 0.002, 0.001
"""Share of the index's crops of earlier classes that new classes may take from the classifier, all
that come at once together: a few, which take little anyway, or many."""
_FEW = 3


def most_lost(new: int) -> float:
    """The share that so many new classes may take together, at least one crop (`guarded_bias`).

    It bounds what the largest logit of the bare classifier says of made crops, not the answers in
    which prototypes join, and not real crops. That many classes get a smaller share rests on trials
    by hand, which no command repeats.

    Example:
        >>> most_lost(1), most_lost(15)
        (0.002, 0.001)
    """
    return MOST_LOST if new <= _FEW else MOST_LOST_TO_MANY


def fit_new_classes(
    recogniser: Recogniser,
    signs: Sequence[SignClass],
    made: Outputs,
    photos: Sequence[np.ndarray] = (),
) -> list[AddedClass]:
    """What `Head.with_classes` needs for new classes; net and earlier rows stay as they are.

    Args:
        recogniser: Knows the earlier classes, with an index.
        signs: The K new classes.
        made: Outputs of synthetic crops of them, labels 0..K-1.
        photos: For each class (n, E) embeddings of real crops of it; none unless given.
    """
    head, encoder = recogniser.head, recogniser.encoder
    before = len(head.families)
    icons = encoder.embed(icon_crops(signs, encoder.crop_size))
    none = np.empty((0, made.embedding.shape[1]), np.float32)
    real = list(photos) or [none] * len(signs)
    crops = np.concatenate([made.embedding, *real])
    own = [np.full(len(some), place) for place, some in enumerate(real)]
    labels = np.concatenate([made.labels, *own]) + before
    features = np.concatenate([head.index_features(), head.features(crops)])
    every = np.concatenate([head.index.labels, labels])
    weight, bias, x, y = map(torch.from_numpy, (head.rows, head.biases, features, every))
    rows, biases = fit_rows(weight, bias, x, y, len(signs), guard=most_lost(len(signs)))
    added = []
    for place, sign in enumerate(signs):
        parts = [made.embedding[made.labels == place], icons[place][None], real[place]]
        sources = np.repeat(np.arange(len(SOURCES), dtype=np.uint8), [len(part) for part in parts])
        row, embedding = rows[place].numpy(), np.concatenate(parts)
        added.append(AddedClass(sign.family, row, float(biases[place]), embedding, sources))
    return added
