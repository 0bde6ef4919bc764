"""Which crops of an index show a class: best first, or those whose answer teaches most."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from raresign.answers.head import Head
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.finding.crop_index import CropIndex, IndexedCrop
from raresign.finding.index_store import CLAIMS
from raresign.finding.same_sign import groups_of
from raresign.finding.vectors import Floats, Rows, cosines, for_each_block, units, unpacked
from raresign.language.spoken import _

WEIGHT = 10.0
"""Nats that a cosine of 1 more with a confirmed crop is worth, and one with a rejected crop costs.

Chosen with the formula of `ClassRanking` on training crops of two countries, whose classes were
hidden from the net (`raresign bench find`)."""
NEUTRAL = 0.5
"""A cosine with a confirmed or rejected crop that says nothing."""
NO_SIGN = 1.0
"""Nats that the claim "no sign" is given before the others."""
Order = Literal["best", "informative"]
ORDERS: tuple[Order, ...] = ("best", "informative")

_CLAIM = np.dtype([("label", "<i4"), ("best", "<f4"), ("second", "<f4"), ("sign", "<f4")])
_CHUNK = 4096  # crops that all classes are asked about at a time
_FEW = 8192  # crops that are compared at a time, best first
_ALIKE = 0.9  # cosine from which on two crops teach the same
_WIDER = 6  # candidates that are looked at for each that is shown, as many are one sign


@dataclass(frozen=True)
class Candidate:
    """A crop that may show a class, for a person to decide.

    Args:
        crop: Of the index.
        score: Nats by which the class leads the best other one; above 0 the class is likelier.
        count: Crops of this physical sign among the best, this one included.
        others: The rows of those others, best first.
    """

    crop: IndexedCrop
    score: float
    count: int
    others: tuple[int, ...] = ()


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


class ClassRanking:
    """Ranks the crops of an index for one class, again after each decision of a person.

    ::

        score = - log(exp(s_other - s) + exp(NO_SIGN - sign))
              + WEIGHT (cosine with the nearest confirmed crop - NEUTRAL)
              - WEIGHT max(0, cosine with the nearest rejected crop - NEUTRAL)

    The first line is the model's own: s is the joined score of the class (classifier, prototypes,
    photos), s_other that of the best other class, sign the log odds that there is a sign at all. It
    is computed once a class. The others are computed anew for every crop that could still come
    among those asked for: a cosine is at most 1, so from the model's line it is known of most crops
    that they cannot. The ranking is exact: that of a plain loop over all crops.

    Args:
        index: The crops.
        code: The class.
        claims: What is known of the index already; worked out unless given.
        progress: Told crops done and all while that is worked out.

    Raises:
        InputError: The model has no such class.
    """

    def __init__(
        self,
        index: CropIndex,
        code: str,
        claims: Claims | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.index = index
        self.code = code
        self.label = index.model.catalogue.label_of(code)
        if self.label < 0:
            raise InputError(
                _("the model has no class '{code}'").format(code=code),
                _("add it with `raresign add-class`"),
            )
        self.rows, self.alive = index.rows()
        claims = claims or Claims(index.model.head, index.place)
        claims.extend(self.rows, progress)
        self.base = claims.lead(self.label, self.rows)
        self.base[~self.alive] = -np.inf
        self._order = np.argsort(-self.base, kind="stable")
        """All crops, best first, by the model's own line."""

    def scores(
        self, confirmed: Sequence[int] = (), rejected: Sequence[int] = ()
    ) -> npt.NDArray[np.float32]:
        """(N,) scores of all crops; -infinity for those that are gone."""
        return self.base + self._taught(self.rows, confirmed, rejected)

    def best(
        self,
        most: int = 50,
        order: Order = "best",
        confirmed: Sequence[int] = (),
        rejected: Sequence[int] = (),
        decided: Sequence[int] = (),
        grouped: bool = True,
    ) -> list[Candidate]:
        """The candidates to show, those that a person has decided on left out.

        Args:
            most: So many at most.
            order: "best" first, or "informative": those whose score is next to 0, where the model
                cannot decide, each unlike those before it.
            confirmed: Rows that show the class.
            rejected: Rows that do not.
            decided: Further rows that are not to be shown.
            grouped: Show one crop of a physical sign, with a count.
        """
        if order not in ORDERS:
            raise InputError(f"order '{order}'", f"choose {' or '.join(ORDERS)}")
        hidden = np.unique(np.array([*confirmed, *rejected, *decided], np.int64))
        wanted = most * _WIDER if grouped or order == "informative" else most
        rows, scores = self._first(wanted, order, confirmed, rejected, hidden)
        if order == "informative":
            rows, scores = _diverse(self.rows, rows, scores)
        found = {crop.row: crop for crop in self.index.crops(rows.tolist())}
        kept = [one for one in zip(rows.tolist(), scores.tolist(), strict=True) if one[0] in found]
        crops = [found[row] for row, _score in kept]
        together = groups_of(crops, self.rows) if grouped else [[k] for k in range(len(kept))]
        return [
            Candidate(
                crops[group[0]],
                kept[group[0]][1],
                len(group),
                tuple(kept[k][0] for k in group[1:]),
            )
            for group in together[:most]
        ]

    def _first(
        self,
        most: int,
        order: Order,
        confirmed: Sequence[int],
        rejected: Sequence[int],
        hidden: npt.NDArray[np.int64],
    ) -> tuple[npt.NDArray[np.int64], Floats]:
        """The first rows of the whole order, exactly, and their scores."""
        if order == "informative":
            scores = self.scores(confirmed, rejected)
            return _top(np.arange(len(scores)), scores, -np.abs(scores), most, hidden)
        reach = WEIGHT * (1 - NEUTRAL) if len(confirmed) else 0.0
        rows = np.empty(0, np.int64)
        scores = np.empty(0, np.float32)
        for first in range(0, len(self._order), _FEW):
            some = self._order[first : first + _FEW]
            # float32 rounds: what lies this near is compared
            if len(rows) == most and self.base[some[0]] + reach + 1e-3 < scores[-1]:
                break
            more = (
                self.base[some]
                + self._taught(self.rows[np.sort(some)], confirmed, rejected)[
                    np.argsort(np.argsort(some, kind="stable"), kind="stable")
                ]
            )
            every, all_scores = np.concatenate([rows, some]), np.concatenate([scores, more])
            rows, scores = _top(every, all_scores, all_scores, most, hidden)
        return rows, scores

    def _taught(self, rows: Rows, confirmed: Sequence[int], rejected: Sequence[int]) -> Floats:
        """(N,) what confirmed and rejected crops say of rows."""
        told = np.zeros(len(rows), np.float32)
        known = [*confirmed, *rejected]
        if known:
            near = cosines(rows, units(self.rows[known]))
            if len(confirmed):
                told += WEIGHT * (near[: len(confirmed)].max(0) - NEUTRAL)
            if len(rejected):
                told -= WEIGHT * np.maximum(near[len(confirmed) :].max(0) - NEUTRAL, 0)
        return told


def _top(
    rows: npt.NDArray[np.int64],
    scores: Floats,
    keys: Floats,
    most: int,
    hidden: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Those of the largest keys, largest first; of equals the first row."""
    keys = np.where(np.isin(rows, hidden), -np.inf, keys)
    if len(keys) > most:  # all that are as large as the last one stay, for the order of equals
        least = np.partition(keys, -most)[-most]
        chosen = np.flatnonzero(keys >= least)
        rows, scores, keys = rows[chosen], scores[chosen], keys[chosen]
    sorted_ = np.lexsort((rows, -keys))[:most]
    sorted_ = sorted_[np.isfinite(keys[sorted_])]
    return rows[sorted_], scores[sorted_]


def _diverse(
    rows: Rows, chosen: npt.NDArray[np.int64], scores: Floats
) -> tuple[npt.NDArray[np.int64], Floats]:
    """The same rows: first each that is unlike all before it, then the others."""
    unit = units(rows[chosen])
    first: list[int] = []
    rest: list[int] = []
    for k in range(len(chosen)):
        alike = bool(first) and float((unit[first] @ unit[k]).max()) >= _ALIKE
        (rest if alike else first).append(k)
    order = first + rest
    return chosen[order], scores[order]


def head_digest(head: Head) -> str:
    """Names what claims depend on."""
    digest = hashlib.blake2b(repr(head.fusion).encode(), digest_size=16)
    arrays = [head.rows, head.biases, head.rare, head.index.class_means, head.index.present]
    for label, lift in head.lifts:
        arrays += [np.array([label]), lift]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
