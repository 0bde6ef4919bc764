"""An evaluated run as a person looks at it: crops, confusions and the figures of a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raresign.commands.corrections import UNREADABLE, Box
from raresign.commands.review.class_figures import ClassFigures, believed_from
from raresign.commands.review.crop_boxes import CropKey, crop_keys, read_boxes
from raresign.crops.decode import UnreadableFile, decode_crop
from raresign.errors import InputError
from raresign.evaluation.called_crops import CalledCrops
from raresign.evaluation.costly_confusions import CostlyConfusions
from raresign.evaluation.intervals import Estimate
from raresign.fitting.review_curve import ReviewCurve, fit_common_curve
from raresign.report.tables import predicted_recall
from raresign.runs.added_classes import AddedFolder
from raresign.runs.evaluation_files import EVALUATION
from raresign.runs.run_folder import RunFolder
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

_PRECISION = 0.95
_MOST_FITTED = 20_000


@dataclass(frozen=True)
class SeenCrop:
    """One crop of the test.

    Args:
        row: Its place in the test.
        path: Its picture, relative to the data folder.
        code: Class code of its label, corrections included; "" for none.
        predicted_code: What the model called it.
        confidence: Probability of that class.
        level: How exactly the model answered; "" if that was not kept.
        corrected: Whether a person has changed its label or marked it unreadable.
    """

    row: int
    path: str
    code: str
    predicted_code: str
    confidence: float
    level: str
    corrected: bool

    @property
    def wrong(self) -> bool:
        """Whether it has a label, and was called another class."""
        return self.code not in ("", self.predicted_code)


@dataclass(frozen=True, eq=False)
class ReviewedRun:
    """An evaluated run, opened to be looked at.

    Attributes:
        path: The run folder.
        root: The folder that relative crop paths start from.
        catalogue: Its classes, added ones last.
        crops: Its test crops, corrections included.
        expected: Forecast recall by class code.
        info: What run.json holds.
        corrected: Rows that a person has changed.
    """

    path: Path
    root: Path
    catalogue: SignCatalogue
    crops: CalledCrops
    expected: Mapping[str, Estimate]
    info: Mapping[str, Any]
    corrected: frozenset[int] = frozenset()

    @classmethod
    def open(cls, run: str | Path, data: str | Path | None = None) -> ReviewedRun:
        """Open a run that was evaluated.

        Args:
            run: The run folder.
            data: The data folder, if it is not where the run was trained.

        Raises:
            InputError: No run folder, or it was not evaluated.
        """
        folder = RunFolder.open(run)
        settings = folder.info.get("settings", {})
        root = Path(str(data if data is not None else settings.get("data", "")))
        expected = predicted_recall(folder.info)
        expected |= {
            one.sign.code: told for one in folder.added if (told := _forecast_of(one)) is not None
        }
        crops = CalledCrops.from_folder(folder.path / EVALUATION)
        return cls(folder.path, root, folder.catalogue, crops, expected, folder.info)

    @property
    def crops_place(self) -> str | None:
        """Where the crops are if they are not in the data folder."""
        found: str | None = self.info.get("settings", {}).get("crops")
        return found

    def with_corrections(self, corrections: Mapping[CropKey, str]) -> ReviewedRun:
        """The run with other labels of some crops: class codes or "unreadable".

        Crops that are not in the test, and classes that the test does not have, change nothing
        but that the crop has no label.
        """
        labels = self.crops.labels.copy()
        label_of = {code: label for label, code in enumerate(self.crops.codes)}
        rows = []
        for key, after in corrections.items():
            row = self._row_of.get(key)
            if row is not None:
                labels[row] = -1 if after == UNREADABLE else label_of.get(after, -1)
                rows.append(row)
        changed = replace(self, crops=self.crops.with_labels(labels), corrected=frozenset(rows))
        changed.__dict__["_row_of"] = self._row_of
        changed.__dict__["_shared"] = self._shared
        return changed

    def key(self, row: int) -> CropKey:
        """What a crop of the test is known by."""
        return self._keys[row]

    def row_of(self, key: CropKey) -> int | None:
        """The row of a crop; None where the test has no such crop."""
        return self._row_of.get(key)

    def crop(self, row: int) -> SeenCrop:
        """One crop.

        Raises:
            InputError: The test has no such row.
        """
        crops = self.crops
        if not 0 <= row < len(crops):
            raise InputError(f"the test has no crop {row}", f"it has {len(crops)}")
        label = int(crops.labels[row])
        return SeenCrop(
            row,
            crops.paths[row],
            crops.codes[label] if label >= 0 else "",
            crops.codes[int(crops.predicted[row])],
            float(crops.confidence[row]),
            crops.levels[row] if crops.levels else "",
            row in self.corrected,
        )

    @cached_property
    def confusions(self) -> CostlyConfusions:
        """All confusions, the dearest first."""
        return CostlyConfusions(self.crops)

    def mistakes(self, named: bool = False) -> NDArray[np.int64]:
        """(M,) rows of the crops that were called a wrong class, the surest first.

        Args:
            named: Only those whose answer named the class.
        """
        rows = self.confusions.mistakes
        return rows[self.crops.named[rows]] if named else rows

    def rows_of_class(self, code: str) -> NDArray[np.int64]:
        """The test crops of a class: wrong ones first, then by falling confidence."""
        label = self._label(code)
        rows = np.flatnonzero((self.crops.labels == label) & (label >= 0))
        order = np.lexsort((-self.crops.confidence[rows], self.crops.correct[rows]))
        return rows[order].astype(np.int64)

    def figures(self, code: str, precision: float = _PRECISION) -> ClassFigures:
        """What is known of one class.

        Args:
            code: Its class code.
            precision: How often its answers shall be right at the threshold, in (0, 1).

        Raises:
            InputError: The run has no such class, or the precision is none.
        """
        if self.catalogue.label_of(code) < 0:
            raise InputError(f"the model has no class '{code}'", "look it up by name")
        if not 0 < precision < 1:
            raise InputError(f"a precision of {precision:g}", "give one between 0 and 1, like 0.95")
        crops, label = self.crops, self._label(code)
        own = crops.labels == label
        n, hits = (int(own.sum()), int((own & crops.correct).sum())) if label >= 0 else (0, 0)
        wrong = (crops.labels >= 0) & ~crops.correct
        called = crops.predicted == label
        return ClassFigures(
            code,
            Estimate.of_share(hits, n),
            self.expected.get(code),
            self._counted(crops.predicted[own & wrong]) if n else (),
            self._counted(crops.labels[called & wrong]),
            believed_from(self._common, crops, label, precision),
        )

    def picture(self, row: int) -> Image.Image | None:
        """A crop of the test, cut out of its frame where it lies in one; None if it is gone.

        Raises:
            InputError: The test has no such row.
        """
        path = self.root / self.crop(row).path
        try:
            return decode_crop(path, self.box(row))
        except UnreadableFile:
            return None

    def box(self, row: int) -> Box | None:
        """Where a crop lies in its picture; None for the whole picture."""
        return self._boxes.get(self.key(row))

    def recall(self) -> Estimate:
        """Of all labelled test crops, with the 95 % interval."""
        known = self.crops.labels >= 0
        return Estimate.of_share(int(self.crops.correct.sum()), int(known.sum()))

    def _label(self, code: str) -> int:
        found: int = self._shared["label_of"].get(code, -1)
        return found

    def _counted(self, labels: NDArray[np.int64]) -> tuple[tuple[str, int], ...]:
        counts = Counter(labels.tolist()).most_common()
        return tuple((self.crops.codes[label], count) for label, count in counts)

    @cached_property
    def _common(self) -> ReviewCurve:
        """The curve of all classes; some corrections more or less do not move it."""
        if "common" not in self._shared:
            known = np.flatnonzero(self.crops.labels >= 0)
            some = known[:: 1 + len(known) // _MOST_FITTED]
            self._shared["common"] = fit_common_curve(
                self.crops.confidence[some], self.crops.correct[some]
            )
        found: ReviewCurve = self._shared["common"]
        return found

    @cached_property
    def _shared(self) -> dict[str, Any]:
        """What the same run with other corrections need not work out again."""
        return {"label_of": {code: label for label, code in enumerate(self.crops.codes)}}

    @cached_property
    def _keys(self) -> list[CropKey]:
        return crop_keys(self.crops.paths)

    @cached_property
    def _row_of(self) -> dict[CropKey, int]:
        return {key: row for row, key in enumerate(self._keys)}

    @property
    def _boxes(self) -> Mapping[CropKey, Box]:
        if "boxes" not in self._shared:
            self._shared["boxes"] = read_boxes(
                self.root, self.catalogue, self.info, self.crops.paths
            )
        found: Mapping[CropKey, Box] = self._shared["boxes"]
        return found


def _forecast_of(added: AddedFolder) -> Estimate | None:
    """The forecast in an added class's class.json."""
    told = added.info.get("forecast") or {}
    try:
        recall, low, high = (float(told[name]) for name in ("recall", "low", "high"))
    except (KeyError, TypeError, ValueError):
        return None
    return Estimate(recall, low, high, n=1)
