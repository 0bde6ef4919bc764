"""Which class claims each crop of an index, and how one class stands beside that."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from raresign.answers.head import Head
from raresign.files import whole_file
from raresign.finding.index_store import CLAIMS
from raresign.finding.vectors import Floats, Rows, for_each_block, unpacked

NO_SIGN = 1.0
"""Nats that the claim "no sign" is given before the others."""
_CLAIM = np.dtype([("label", "<i4"), ("best", "<f4"), ("second", "<f4"), ("sign", "<f4")])
_CHUNK = 4096  # crops that all classes are asked about at a time


class Claims:
    """Who claims each crop: the best class and what it is worth, the second, and "no sign".

    It depends on the model's head, and is worked out once for it, crop by crop; crops that are
    indexed later are added.

    Args:
        head: Of the model.
        place: Folder of the index, where they are kept for the next time; None keeps them nowhere.
    """

    def __init__(self, head: Head, place: Path | None = None) -> None:
        self.head = head
        self._file = place and place / f"{CLAIMS}{head_digest(head)}.npy"
        self._told = np.empty(0, _CLAIM)
        if self._file is not None:
            with suppress(OSError, ValueError, EOFError):
                told = np.load(self._file, allow_pickle=False)
                self._told = told if told.dtype == _CLAIM and told.ndim == 1 else self._told

    def __len__(self) -> int:
        return len(self._told)

    def extend(self, rows: Rows, progress: Callable[[int, int], None] | None = None) -> None:
        """Work out those of the rows behind what is known; `progress` is told done and all."""
        parts = [self._told]
        for first in range(len(self._told), len(rows), _CHUNK):
            some = unpacked(rows[first : first + _CHUNK])
            scores, sign = self.head.scores_and_sign(some)
            told = np.empty(len(some), _CLAIM)
            told["label"] = scores.argmax(1)
            told["best"] = scores.max(1)
            np.put_along_axis(scores, told["label"][:, None].astype(np.int64), -np.inf, 1)
            told["second"] = scores.max(1)
            told["sign"] = sign
            parts.append(told)
            if progress is not None:
                progress(first + len(some), len(rows))
        if len(parts) > 1:
            self._told = np.concatenate(parts)
            self._keep()

    def _keep(self) -> None:
        """Write them beside the index, in place of those of another head."""
        if self._file is None:
            return
        with suppress(OSError):  # they are worked out again then
            for old in self._file.parent.glob(f"{CLAIMS}*"):
                if old != self._file:
                    old.unlink(missing_ok=True)
            with whole_file(self._file) as temporary:
                np.save(temporary, self._told)

    def lead(self, label: int, rows: Rows) -> Floats:
        """(N,) by how many nats a class leads all other claims to a crop."""
        told = self._told[: len(rows)]
        own = class_scores(self.head, label, rows)
        mine = told["label"] == label
        margin = np.where(mine, told["best"] - told["second"], own - told["best"])
        lead: Floats = -np.logaddexp(-margin, NO_SIGN - told["sign"])
        return lead


def class_scores(head: Head, label: int, rows: Rows) -> Floats:
    """(N,) joined scores of one class, as `Head.scores` gives them for all classes."""
    found = np.empty(len(rows), np.float32)
    fusion = head.fusion
    weights = fusion.logit_scale * head.rows[label].astype(np.float64)
    constant = fusion.logit_scale * float(head.biases[label])
    for lifted, lift in head.lifts:
        if lifted == label:
            weights = weights + lift[:-1]
            constant += float(lift[-1])
    constant += fusion.rare_bias * bool(head.rare[label])
    towards = np.zeros(head.rows.shape[1])
    missing = 0.0
    if head.index.present.any():
        towards = fusion.prototype_scale * head.index.class_means[label].astype(np.float64)
        missing = 0.0 if head.index.present[label] else -fusion.prototype_scale
    linear, mean = weights.astype(np.float32), towards.astype(np.float32)
    scale = rows["scale"]
    per_length = scale / np.maximum(rows["length"], 1e-12)

    def fill(part: slice, values: Floats) -> None:
        near = values @ mean * per_length[part]
        np.maximum(values, 0, out=values)
        found[part] = values @ linear * scale[part] + near

    for_each_block(rows, fill)
    found += np.float32(constant + missing)
    return found


def head_digest(head: Head) -> str:
    """Names what claims depend on."""
    digest = hashlib.blake2b(repr(head.fusion).encode(), digest_size=16)
    arrays = [head.rows, head.biases, head.rare, head.index.class_means, head.index.present]
    for label, lift in head.lifts:
        arrays += [np.array([label]), lift]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
