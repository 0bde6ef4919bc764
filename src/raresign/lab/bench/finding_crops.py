"""How fast candidates of a class are ranked again, and how many of a hidden class come first."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresign.errors import InputError
from raresign.finding.claims import Claims
from raresign.finding.class_ranking import ClassRanking
from raresign.finding.crop_index import CropIndex
from raresign.finding.index_place import encoder_digest
from raresign.finding.index_store import Embedded, IndexStore
from raresign.finding.pieces import Piece
from raresign.finding.vectors import unpacked
from raresign.lab.bench.measure import spread
from raresign.models.built_in_files import BUILT_IN
from raresign.runs.loading import load
from raresign.runtime.recogniser import Recogniser

_SIZES = (10_000, 100_000, 1_000_000)
_DECISIONS = 12
_SHOWN = 50
_PART = 20_000
_FEW = 10
"""Crops of a hidden class that are left among all others."""
_FEWEST = 6
_TAUGHT = (0, 1, 3, 5)
_MOST_SHOWN = 60


def bench_find(quick: bool, data: Path | None, run: str | Path | None) -> dict[str, Any]:
    """Time ranking at 10,000 to 1,000,000 crops; with real crops, count what comes first.

    The crops are made embeddings, around the prototypes of all classes; with `data` real crops,
    repeated. Every candidate is then decided on, one after the other, and all crops are ranked
    again after each: `find.N.again_seconds` is the median, from a decision to the 50 candidates to
    show, grouped.

    With `data` also: for each class that is rare in the run and has at least 6 crops in `data`, all
    but 10 are put aside, and the 10 looked for among all crops of the other classes. A person says
    yes or no to the best candidate until 0, 1, 3 or 5 were confirmed.

    Args:
        quick: 10,000 and 100,000 crops.
        data: A data folder with crops in class folders, `cropped-train/CODE`.
        run: A run, a bundle or "built-in"; one that has not seen crops of its rare classes.

    Returns:
        By number N of crops `find.N.claims_seconds` (once a model), `.choose_seconds` (once a
        class) and `.again_seconds` with `_min` and `_max`, all with `_cpu`; by number T of
        confirmed crops
        `find.taught.T.first20` and `.first100`, the share of the crops left that are among the
        first 20 and 100, and `find.first20_right`, the share of the first 20 that are right where
        no crop was put aside.
    """
    model = load(run or BUILT_IN)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        real = _Real.of(data, model, Path(folder) / "real") if data is not None else None
        for size in _SIZES[:2] if quick else _SIZES:
            place = Path(folder) / str(size)
            index = _filled(place, model, _embeddings(size, model, real))
            figures |= {f"find.{size}.{name}": v for name, v in _times(index).items()}
            (place / "embeddings.bin").unlink()
        if real is not None:
            figures |= _found_first(real)
    return figures


@dataclass(frozen=True, eq=False)
class _Real:
    """Real crops of a data folder, indexed, and the label of each row."""

    index: CropIndex
    labels: np.ndarray

    @classmethod
    def of(cls, data: Path, model: Recogniser, place: Path) -> _Real:
        crops = data / "cropped-train"
        index = CropIndex(place, model)
        index.update(crops if crops.is_dir() else data)
        rows, _alive = index.rows()
        if not len(rows):
            raise InputError(f"{data} holds no crop", "give a data folder with cropped-train/CODE")
        found = index.crops(range(len(rows)))
        label = model.catalogue.label_of
        return cls(index, np.array([label(Path(crop.path).parent.name) for crop in found]))


def _embeddings(size: int, model: Recogniser, real: _Real | None) -> Iterator[np.ndarray]:
    """(n, E) float32, part by part: real ones repeated with a little noise, or made ones."""
    rng = np.random.default_rng(0)
    head = model.head
    if real is not None:
        base = unpacked(real.index.rows()[0])
        noise = 0.2
    else:
        base = head.index.embeddings * head.lengths[:, None]
        noise = 1.0
    usual = noise * float(np.linalg.norm(base, axis=1).mean()) / np.sqrt(base.shape[1])
    for first in range(0, size, _PART):
        count = min(_PART, size - first)
        chosen = base[rng.integers(0, len(base), count)]
        yield (chosen + usual * rng.standard_normal(chosen.shape, np.float32)).astype(np.float32)


def _filled(place: Path, model: Recogniser, parts: Iterator[np.ndarray]) -> CropIndex:
    """An index of embeddings whose crops lie nowhere."""
    store = IndexStore(place, encoder_digest(model), model.head.rows.shape[1])
    scan, first = store.begin_scan(), 0
    for part in parts:
        numbers = range(first, first + len(part))
        store.note(scan, [Piece(f"/made/{n:09}{'abcdefg'[n % 7]}.png") for n in numbers])
        ids = [number for number, _piece in store.waiting(len(part))]
        looks = np.random.default_rng(first).integers(-(2**62), 2**62, len(part)).tolist()
        store.embedded(
            [Embedded(n, str(n), look) for n, look in zip(ids, looks, strict=True)], part
        )
        first += len(part)
    return CropIndex(place, model)


def _times(index: CropIndex) -> dict[str, float]:
    head = index.model.head
    begun, busy = time.perf_counter(), time.process_time()
    claims = Claims(head)
    claims.extend(index.rows()[0])
    claimed, claimed_cpu = time.perf_counter() - begun, time.process_time() - busy
    code = index.model.catalogue.codes[int(np.flatnonzero(head.index.present)[-1])]
    begun, busy = time.perf_counter(), time.process_time()
    ranking = ClassRanking(index, code, claims)
    shown = ranking.best(_SHOWN)
    chosen, chosen_cpu = time.perf_counter() - begun, time.process_time() - busy
    times, worked = [], []
    confirmed: list[int] = []
    rejected: list[int] = []
    for number in range(_DECISIONS):
        (rejected if number % 3 == 2 else confirmed).append(shown[0].crop.row)
        begun, busy = time.perf_counter(), time.process_time()
        shown = ranking.best(_SHOWN, confirmed=confirmed, rejected=rejected)
        times.append(time.perf_counter() - begun)
        worked.append(time.process_time() - busy)
    median, least, most = spread(times)
    return {
        "claims_seconds": claimed,
        "claims_seconds_cpu": claimed_cpu,
        "choose_seconds": chosen,
        "choose_seconds_cpu": chosen_cpu,
        "again_seconds": median,
        "again_seconds_min": least,
        "again_seconds_max": most,
        "again_seconds_cpu": spread(worked)[0],
    }


def _found_first(real: _Real) -> dict[str, float]:
    model = real.index.model
    claims = Claims(model.head)
    counts = np.bincount(real.labels[real.labels >= 0], minlength=len(model.catalogue))
    hidden = [k for k in np.flatnonzero(model.head.rare).tolist() if counts[k] >= _FEWEST]
    first20: dict[int, list[float]] = {taught: [] for taught in _TAUGHT}
    first100: dict[int, list[float]] = {taught: [] for taught in _TAUGHT}
    right: list[float] = []
    for label in hidden:
        ranking = ClassRanking(real.index, model.catalogue.codes[label], claims)
        own = np.flatnonzero(real.labels == label)
        if len(own) >= 20:
            shown = ranking.best(20, grouped=False)
            right.append(float(np.mean([real.labels[one.crop.row] == label for one in shown])))
        kept = np.random.default_rng(label).permutation(own)[:_FEW]
        aside = np.setdiff1d(own, kept).tolist()
        for taught in _TAUGHT:
            if taught + 2 > len(kept):
                continue
            yes, no = _taught(ranking, real.labels == label, aside, taught)
            left = len(kept) - len(yes)
            shown = ranking.best(100, "best", yes, no, aside, grouped=False)
            hits = [bool(real.labels[one.crop.row] == label) for one in shown]
            first20[taught].append(sum(hits[:20]) / left)
            first100[taught].append(sum(hits) / left)
    found: dict[str, float] = {"find.hidden_classes": len(hidden)}
    if right:
        found["find.first20_right"] = float(np.mean(right))
    for taught in _TAUGHT:
        if first20[taught]:
            found[f"find.taught.{taught}.first20"] = float(np.mean(first20[taught]))
            found[f"find.taught.{taught}.first100"] = float(np.mean(first100[taught]))
    return found


def _taught(
    ranking: ClassRanking, truth: np.ndarray, aside: Sequence[int], wanted: int
) -> tuple[list[int], list[int]]:
    """Rows that a person confirmed and rejected, going down the list that changes under him."""
    yes: list[int] = []
    no: list[int] = []
    while len(yes) < wanted and len(yes) + len(no) < _MOST_SHOWN:
        row = ranking.best(1, "best", yes, no, aside, grouped=False)[0].crop.row
        (yes if truth[row] else no).append(row)
    return yes, no
