"""All icons of a catalogue looked at once: what no class can be learned from is named together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.signs.catalogue.icon_check import SAME_PICTURE, check_outline, known_look
from raresign.signs.catalogue.pictures import in_threads
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.icons.icon_file import Pixels, load_icon

_MOST_TOLD = 20
_POOL = 8  # of a look's 32 pixels
_SIDE = 64


def refuse_bad(problems: Sequence[InputError]) -> None:
    """Raise one error that tells of all these, each in a line with what to do.

    Raises:
        InputError: There is any.

    Example:
        >>> refuse_bad([InputError("icon a.png is empty", "draw it"), InputError("b", "c")])
        Traceback (most recent call last):
        ...
        raresign.errors.InputError: 2 icons are wrong:
        icon a.png is empty; draw it
        b; c
    """
    if len(problems) == 1:
        raise problems[0]
    if problems:
        more = len(problems) - _MOST_TOLD
        lines = [str(one) for one in problems[:_MOST_TOLD]]
        lines += [_("... and {more} more").format(more=more)] if more > 0 else []
        raise InputError("\n".join([_("{n} icons are wrong:").format(n=len(problems)), *lines]))


def check_icons(signs: Sequence[SignClass]) -> None:
    """Refuse icons without an outline, and the picture of one class under the code of another.

    The first icon of each class counts. Mirror twins and signs that differ in a digit are not
    alike, see `SAME_PICTURE`.

    Raises:
        InputError: An icon is wrong; all that are wrong are named.
    """
    refuse_bad(icon_problems(signs))


def icon_problems(signs: Sequence[SignClass]) -> list[InputError]:
    """What is wrong with icons, see `check_icons`."""
    found = in_threads(_looked_at, signs)
    problems = [one for one in found if isinstance(one, InputError)]
    looks = {
        sign.code: one
        for sign, one in zip(signs, found, strict=True)
        if not isinstance(one, InputError) and one is not None
    }
    problems += [
        InputError(
            _("the classes '{one}' and '{other}' have the same picture").format(
                one=one, other=other
            ),
            _("give each its own icon"),
        )
        for one, other in same_pictures(looks)
    ]
    return problems


def same_pictures(looks: dict[str, np.ndarray]) -> list[tuple[str, str]]:
    """Pairs of codes whose (32, 32, 3) looks differ by less than `SAME_PICTURE` on average."""
    from scipy.spatial import cKDTree  # 0.3 s; answering needs none of it

    if len(looks) < 2:
        return []
    codes = list(looks)
    every = np.stack([looks[code] for code in codes])
    cells = 32 // _POOL
    # A mean over cells differs by no more than the pixels do.
    pooled = every.reshape(len(codes), cells, _POOL, cells, _POOL, 3).mean(axis=(2, 4))
    pooled = pooled.reshape(len(codes), -1)
    near = cKDTree(pooled).query_pairs(SAME_PICTURE * pooled.shape[1], p=1)
    return [
        (codes[a], codes[b])
        for a, b in sorted(near)
        if np.abs(every[a] - every[b]).mean() < SAME_PICTURE
    ]


def _looked_at(sign: SignClass) -> np.ndarray | InputError | None:
    """The look of a class's first icon, or what is wrong with it."""
    try:
        icon: Pixels = load_icon(sign.icons[0], _SIDE, sign.code)
        if (icon[..., 3] >= 128).all():  # its aspect counts
            icon = load_icon(sign.icons[0], code=sign.code)
            check_outline(icon, sign.code)
        return known_look(icon)
    except InputError as error:
        return error
