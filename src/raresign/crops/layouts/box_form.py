"""Decides what the four numbers of a source's boxes are, where its name for them is wrong."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from raresign.crops.layouts.annotation import Form
from raresign.errors import InputError

Numbers = npt.NDArray[np.float64]
FORMS: dict[Form, str] = {
    "corners": "x0 y0 x1 y1",
    "size": "x y width height",
    "centre": "centre x, centre y, width, height",
}
_CLEAR, _NOISE = 0.2, 0.05
_ASKEW, _STRAIGHT = 0.4, 0.2
_FEWEST = 3


def as_corners(numbers: Numbers, form: Form) -> Numbers:
    """(N, 4) numbers of a form as x0, y0, x1, y1.

    Example:
        >>> as_corners(np.array([[5.0, 6, 10, 20]]), "centre").tolist()
        [[0.0, -4.0, 10.0, 16.0]]
    """
    first, second = numbers[:, :2], numbers[:, 2:]
    if form == "corners":
        return np.array(numbers)
    start = first if form == "size" else first - second / 2
    return np.asarray(np.concatenate([start, start + second], axis=1))


def fits(corners: Numbers, sizes: Numbers) -> npt.NDArray[np.bool_]:
    """(N,) whether boxes have an area and lie in frames of (N, 2) `sizes`, 2 % (2 px) let pass."""
    slack = np.maximum(0.02 * sizes, np.where(sizes > 2, 2.0, 0.0))
    inside = (corners[:, :2] >= -slack).all(axis=1) & (corners[:, 2:] <= sizes + slack).all(axis=1)
    return np.asarray(inside & (corners[:, 2:] > corners[:, :2]).all(axis=1))


def settled_form(numbers: Numbers, form: Form, sizes: Numbers, areas: Numbers, source: str) -> Form:
    """The form that the numbers have; `form` unless they say otherwise.

    Corners are often written where a width and a height belong, and the other way round. It is
    certain where the boxes do not fit the frames in one form and do in another, or where the source
    states their areas.

    Args:
        numbers: (N, 4), finite.
        form: What the source calls them.
        sizes: (N, 2) widths and heights of the frames in the same unit.
        areas: (N,) stated areas, 0 where none.
        source: For the message.

    Raises:
        InputError: Both forms fit, but as `form` the boxes are no signs, and as the other they are.

    Example:
        >>> corners = np.array([[200.0, 100, 240, 140], [10, 20, 40, 50]])
        >>> settled_form(corners, "size", np.array([[320.0, 240]] * 2), np.zeros(2), "a.json")
        'corners'
    """
    # A source that gives sides means no centre; a centre may be the corner that others write.
    others: list[Form] = [other for other in FORMS if other not in (form, "centre")]
    own = fits(as_corners(numbers, form), sizes)
    every = {other: fits(as_corners(numbers, other), sizes) for other in others}
    real = _has_sides(numbers, form)
    better: list[Form] = []
    alike: list[Form] = []
    for other, its in every.items():
        tells = real & (own | its)  # a box that fits in neither form is just broken
        for_it, for_own = int((its & ~own & real).sum()), int((own & ~its & real).sum())
        if for_it >= _CLEAR * max(1, tells.sum()) and for_own <= _NOISE * for_it:
            better.append(other)
        elif tells.any() and its[tells].all():
            alike.append(other)
    if len(better) > 1:
        raise InputError(
            f"{source}: its boxes are no {FORMS[form]}; they may be "
            f"{' or '.join(FORMS[other] for other in better)}",
            "give a CSV with the columns path, class, x0, y0, x1, y1",
        )
    if better:
        return better[0]
    stated = real & (areas > 0)
    for other in alike:
        if 2 * stated.sum() < len(numbers):
            break
        mine, its_own = (_areas(numbers[stated], kind) for kind in (form, other))
        if np.isclose(mine, areas[stated], rtol=0.02).mean() > _NOISE:
            return form
        if np.isclose(its_own, areas[stated], rtol=0.02).mean() >= 1 - _NOISE:
            return other
    for other in alike:
        bent, straight = (askew(as_corners(numbers[real], kind)) for kind in (form, other))
        if real.sum() >= _FEWEST and bent > _ASKEW and straight < _STRAIGHT:
            raise InputError(
                f"{source}: its boxes should be {FORMS[form]}, but look like {FORMS[other]} (the "
                f"first is {numbers[0].tolist()}); both fit the pictures",
                f"write {FORMS[form]}, or give a CSV with the columns path, class, x0, y0, x1, y1",
            )
    return form


def _has_sides(numbers: Numbers, form: Form) -> npt.NDArray[np.bool_]:
    """(N,) whether boxes have two sides, forwards or backwards."""
    corners = as_corners(numbers, form)
    return np.asarray((corners[:, 2:] != corners[:, :2]).all(axis=1))


def _areas(numbers: Numbers, form: Form) -> Numbers:
    corners = as_corners(numbers, form)
    return np.asarray(np.prod(corners[:, 2:] - corners[:, :2], axis=1))


def askew(corners: Numbers) -> float:
    """How far the sides of (N, 4) corners are from equal: the mean of |log(width / height)|."""
    sides = corners[:, 2:] - corners[:, :2]
    if (sides <= 0).any():
        return float("inf")
    return float(np.abs(np.log(sides[:, 0] / sides[:, 1])).mean())
