"""From which probability on to believe each class, by answers that a person has reviewed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raresign.commands.answer_sheet import without_apostrophe, write_csv
from raresign.commands.answers_file import is_told
from raresign.crops.layouts.csv_file import csv_rows
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.fitting.review_curve import ReviewCurve, fit_review_curves
from raresign.language.spoken import _
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

ALL = "*"
"""Code of the row of all classes together."""


@dataclass(frozen=True)
class Threshold:
    """From which probability on a class is right as often as was asked.

    Args:
        code: Class code; "*" of all classes together.
        name: Readable name.
        reviews: Answers with this class that were reviewed.
        right: Those that were right.
        threshold: Probability in [0, 1]; 1 where none is enough.
        low, high: 95 % interval of the threshold.
        kept: Share of the reviewed answers that reach it.
        more_reviews: How many more would help, see `ReviewCurve.more_reviews`.
    """

    code: str
    name: str
    reviews: int
    right: int
    threshold: float
    low: float
    high: float
    kept: float
    more_reviews: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def review_thresholds(
    catalogue: SignCatalogue, reviewed: str | Path, precision: float = 0.95
) -> list[Threshold]:
    """Thresholds by reviewed answers: one a class that was answered, and one of all together.

    Args:
        catalogue: The classes of the model.
        reviewed: A CSV or .xlsx of `save_answers` that a person has corrected: a changed `code` was
            wrong, `ok` in `check me` was right, other rows do not count. Answers that name every
            crop (`--always-name`) tell most, as doubtful ones are among them.
        precision: How often an answer shall be right at the threshold, in (0, 1).

    Returns:
        All classes together first ("*"), then by code in the catalogue's order.

    Raises:
        InputError: The file cannot be read or lacks a column, or no named row was reviewed.
    """
    if not 0 < precision < 1:
        raise InputError(f"a precision of {precision:g}", "give one between 0 and 1, like 0.95")
    file = Path(reviewed)
    probabilities: list[float] = []
    right: list[bool] = []
    labels: list[int] = []
    for line, row in csv_rows(file, ["code", "answered", "probability", "check me"]):
        answered = without_apostrophe(row["answered"])
        label = catalogue.label_of(answered) if answered else -1
        if label < 0 or not is_told(row):
            continue
        try:
            probability = float(row["probability"])
        except ValueError:
            probability = -1.0
        if not 0 <= probability <= 1:
            raise InputError(
                _("{file}, line {line}: the probability is '{cell}'").format(
                    file=file, line=line, cell=row["probability"]
                ),
                _("leave it as predict wrote it"),
            )
        probabilities.append(probability)
        right.append(row["code"] == row["answered"])
        labels.append(label)
    if not labels:
        raise InputError(
            _("{file}: no answer that names a class was reviewed").format(file=file),
            _("correct the column code, or write ok into 'check me' where it is right"),
        )
    common, own = fit_review_curves(probabilities, right, labels)
    rows = [_row(ALL, _("all classes"), common, probabilities, precision)]
    for label, curve in own.items():
        theirs = [p for p, of in zip(probabilities, labels, strict=True) if of == label]
        sign = catalogue[label]
        rows.append(_row(sign.code, sign.title, curve, theirs, precision))
    return rows


def _row(
    code: str, name: str, curve: ReviewCurve, probabilities: Sequence[float], precision: float
) -> Threshold:
    threshold, low, high = (round(value, 4) for value in curve.threshold(precision))
    kept = sum(p >= threshold for p in probabilities) / len(probabilities)
    more = curve.more_reviews(precision)
    return Threshold(
        code, name, curve.reviews, curve.right, threshold, low, high, round(kept, 4), more
    )


def save_thresholds(path: str | Path, rows: Sequence[Threshold]) -> None:
    """Write a CSV that `read_thresholds`, and so `predict --thresholds`, reads."""
    with whole_file(path) as temporary:
        plain = [row.as_dict() for row in rows]
        write_csv(temporary, plain, list(Threshold.__dataclass_fields__))
