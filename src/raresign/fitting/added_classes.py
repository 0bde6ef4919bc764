"""New classes for a trained net: a row of the classifier and prototypes from synthetic crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from raresign.answers.added_class import AddedClass
from raresign.answers.head import Head
from raresign.answers.prototypes import SOURCES
from raresign.fitting.new_rows import fit_rows, guarded_bias
from raresign.models.outputs import Outputs
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.pictures import icon_crops
from raresign.signs.catalogue.sign_class import SignClass


def most_lost(new: int) -> float:
    """Share of the index's crops of earlier classes that `new` classes may take together.

    At least one crop, see `guarded_bias`. It bounds what the answers and the bare classifier say of
    synthetic crops, not of real ones. That many classes get a smaller share rests on trials by
    hand, which no command repeats.

    Example:
        >>> most_lost(1), most_lost(15)
        (0.002, 0.001)
    """
    return 0.002 if new <= 3 else 0.001


def fit_new_classes(
    recogniser: Recogniser,
    signs: Sequence[SignClass],
    synthetic: Outputs,
    photos: Sequence[np.ndarray] = (),
) -> list[AddedClass]:
    """What `Head.with_classes` needs for new classes; net and earlier rows stay as they are.

    Args:
        recogniser: Knows the earlier classes, with an index.
        signs: The K new classes.
        synthetic: Outputs of synthetic crops of them, labels 0..K-1.
        photos: For each class (n, E) embeddings of real crops of it; none unless given.
    """
    head, encoder = recogniser.head, recogniser.encoder
    icons = encoder.embed(icon_crops(signs, encoder.crop_size))
    real = list(photos) or [np.empty((0, icons.shape[1]), np.float32)] * len(signs)
    own = np.repeat(np.arange(len(signs)), [len(some) for some in real])
    labels = np.concatenate([synthetic.labels, own]) + len(head.families)
    features = head.features(np.concatenate([synthetic.embedding, *real]))
    x = torch.from_numpy(np.concatenate([head.index_features(), features]))
    y = torch.from_numpy(np.concatenate([head.index.labels, labels]))
    weight, bias = torch.from_numpy(head.rows), torch.from_numpy(head.biases)
    rows, biases = fit_rows(weight, bias, x, y, len(signs), guard=most_lost(len(signs)))
    added = []
    for place, sign in enumerate(signs):
        drawn = synthetic.embedding[synthetic.labels == place]
        parts = [drawn, icons[place][None], real[place]]
        sources = np.repeat(np.arange(len(SOURCES), dtype=np.uint8), [len(part) for part in parts])
        row, embedding = rows[place].numpy(), np.concatenate(parts)
        added.append(AddedClass(sign.family, row, float(biases[place]), embedding, sources))
    more = _bias_of_answers(head, added)
    return [replace(one, bias=one.bias + more) for one in added]


def _bias_of_answers(head: Head, added: Sequence[AddedClass]) -> float:
    """What to add to the new biases so that the fused scores keep enough crops, too.

    Fusion may favour rare classes, which the new ones are, and new prototypes join.
    """
    bigger, known, scale = head.with_classes(added), len(head.families), head.fusion.logit_scale
    if not scale or not len(head.index):
        return 0.0
    scores = torch.from_numpy(bigger.scores(head.index.embeddings * head.lengths[:, None]))
    labels = torch.from_numpy(head.index.labels)
    share = most_lost(len(added))
    return guarded_bias(scores[:, :known], scores[:, known:], labels, share) / scale
