"""Which crops of an index show a class: best first, or those whose answer teaches most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from raresign.errors import InputError
from raresign.finding.claims import Claims
from raresign.finding.crop_index import CropIndex, IndexedCrop
from raresign.finding.same_sign import groups_of
from raresign.finding.vectors import Floats, Rows, cosines, units
from raresign.language.spoken import _

WEIGHT = 10.0
"""Nats that a cosine of 1 more with a confirmed crop is worth, and one with a rejected crop costs.

Chosen with the formula of `ClassRanking` on training crops of two countries, whose classes were
hidden from the net (`raresign bench find`)."""
NEUTRAL = 0.5
"""A cosine with a confirmed or rejected crop that says nothing."""
Order = Literal["best", "informative"]
ORDERS: tuple[Order, ...] = ("best", "informative")

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
