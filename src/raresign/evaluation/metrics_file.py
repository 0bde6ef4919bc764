"""Reading metrics.json back into the dataclasses that wrote it."""

from __future__ import annotations

import math
from typing import Any

from raresign.errors import InputError
from raresign.evaluation.intervals import Estimate
from raresign.evaluation.metrics import ClassMetrics, GroupMetrics, Metrics


def metrics_from_dict(plain: dict[str, Any]) -> Metrics:
    """The inverse of `Metrics.as_dict`: null becomes NaN again.

    Args:
        plain: What json.loads gave.

    Raises:
        InputError: A key is missing or of the wrong type.

    Example:
        >>> metrics_from_dict({"crops": 3})
        Traceback (most recent call last):
        ...
        raresign.errors.InputError: metrics.json lacks or misuses 'unlabelled'; ...
    """
    try:
        return Metrics(
            crops=int(plain["crops"]),
            unlabelled=int(plain["unlabelled"]),
            all=_group(plain["all"]),
            rare=_group(plain["rare"]),
            freq=_group(plain["freq"]),
            rare_called_frequent=_estimate(plain["rare_called_frequent"]),
            frequent_called_rare=_estimate(plain["frequent_called_rare"]),
            per_class=tuple(_class(row) for row in plain["per_class"]),
            seed=int(plain["seed"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"metrics.json lacks or misuses {error}", "run `raresign evaluate`"
        ) from error


def _class(plain: dict[str, Any]) -> ClassMetrics:
    """The figures of one class."""
    wrong = plain["wrong_code"]
    return ClassMetrics(
        label=int(plain["label"]),
        code=str(plain["code"]),
        type=str(plain["type"]),
        family=str(plain["family"]),
        crops=int(plain["crops"]),
        hits=int(plain["hits"]),
        recall=_estimate(plain["recall"]),
        wrong_code=None if wrong is None else str(wrong),
        wrong_count=int(plain["wrong_count"]),
    )


def _group(plain: dict[str, Any]) -> GroupMetrics:
    """The figures of one group."""
    return GroupMetrics(
        crops=int(plain["crops"]),
        classes=int(plain["classes"]),
        micro=_estimate(plain["micro"]),
        macro=_estimate(plain["macro"]),
        top5=_estimate(plain["top5"]),
        family=_estimate(plain["family"]),
        confidence=_number(plain["confidence"]),
        ece=_number(plain["ece"]),
    )


def _estimate(plain: dict[str, Any]) -> Estimate:
    """A number with its interval."""
    value, low, high = (_number(plain[key]) for key in ("value", "low", "high"))
    return Estimate(value, low, high, int(plain["n"]))


def _number(value: Any) -> float:
    """A float, NaN for null."""
    return math.nan if value is None else float(value)
