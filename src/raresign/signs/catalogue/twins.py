"""Knows what a mirror makes of a sign: its twin, the sign itself, or none of the catalogue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.signs.countries.country import Country
from raresign.signs.icons.icon_file import Pixels, on_grey
from raresign.signs.icons.kept_drawings import kept_text

# Measured on 160 official icons: true twins score at least 0.99 and the next best pair 0.77
# (1.13/1.14, alike but for the lettering); symmetric signs at least 0.96 and the next best 0.94
# (3.33 with its ragged explosion, then 5.18 with its lettering "taxi").
TWIN_SIMILARITY = 0.85
OWN_MIRROR_SIMILARITY = 0.95

_SIDE = 32
_WORST_SHARE = 0.01
_CANDIDATES = 4
_Look = npt.NDArray[np.float32]


def mirror_similarity(icon: Pixels, other: Pixels) -> float:
    """How well `other` is the left-right mirror image of `icon`.

    Both are brought to 32x32 px; a pixel may lie one pixel off; the worst 1 % of the pixels count,
    because two signs may differ in one small arrow only. 3.18.1 and 3.18.2 score low although
    they are twins: their prohibition bar slants the same way, so a flipped photo of one is not
    quite the other.

    Args:
        icon: (H, W, 4) uint8, RGBA, straight alpha, as from `load_icon`.
        other: The same, of any size.

    Returns:
        1 = mirror image, 0 = at some spot as different as black from white.
    """
    return _similarity(_look(icon)[:, ::-1], _look(other))


def look_similarity(icon: Pixels, other: Pixels) -> float:
    """How alike two icons are, by the measure of `mirror_similarity` without the mirror."""
    return _similarity(_look(icon), _look(other))


def looks_symmetric(icon: Pixels) -> bool:
    """Whether an icon is its own mirror image, as `mirror_similarity` judges."""
    return mirror_similarity(icon, icon) >= OWN_MIRROR_SIMILARITY


def find_twins(icons: Mapping[str, Pixels], country: Country | None = None) -> dict[str, str]:
    """The mirror twin of each class that has one: by the country for its codes, by icon for others.

    Two classes are twins by icon if each is the best mirror image of the other, is so at
    `TWIN_SIMILARITY`, and better than it is its own.

    Args:
        icons: Class code -> icon as from `load_icon`.
        country: Knows the twins of its codes.

    Returns:
        A symmetric mapping; classes without a twin among `icons` are absent.
    """
    if country is None:
        return _kept_twins(icons)
    by_code = {code: twin for code in icons if (twin := country.twin(code, icons)) is not None}
    others = {code: icon for code, icon in icons.items() if not country.knows(code)}
    return by_code | _kept_twins(others)


def _kept_twins(icons: Mapping[str, Pixels]) -> dict[str, str]:
    """`_twins_by_icon`, from the cache if these icons were compared before."""
    looks = [
        (code, hashlib.sha256(icon.tobytes()).hexdigest(), icon.shape)
        for code, icon in icons.items()
    ]
    text = kept_text(("twins", *looks), lambda: json.dumps(_twins_by_icon(icons)))
    found: dict[str, str] = json.loads(text)
    return found


def small_look(icon: Pixels) -> Pixels:
    """(32, 32, 4) uint8: all of an icon that this file looks at."""
    picture = Image.fromarray(np.ascontiguousarray(icon))
    return np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BOX))


def _twins_by_icon(icons: Mapping[str, Pixels]) -> dict[str, str]:
    """Pairs of classes that are each other's best mirror image."""
    codes = list(icons)
    if len(codes) < 2:
        return {}
    looks = np.stack([_look(icon) for icon in icons.values()])
    # Only the few nearest by a coarse view are compared carefully: all pairs would take minutes.
    coarse = looks.reshape(len(codes), _SIDE // 4, 4, _SIDE // 4, 4, 4).mean(axis=(2, 4))
    best: list[int] = []
    for number, mirrored in enumerate(looks[:, :, ::-1]):
        distance = np.abs(coarse[number][:, ::-1] - coarse).mean(axis=(1, 2, 3))
        distance[number] = np.inf
        nearest = np.argsort(distance, kind="stable")[: min(_CANDIDATES, len(codes) - 1)]
        scores = [_similarity(mirrored, looks[other]) for other in nearest]
        leader = int(np.argmax(scores))
        is_twin = scores[leader] >= TWIN_SIMILARITY and scores[leader] > _similarity(
            mirrored, looks[number]
        )
        best.append(int(nearest[leader]) if is_twin else -1)
    return {
        codes[number]: codes[twin]
        for number, twin in enumerate(best)
        if twin >= 0 and best[twin] == number
    }


def _look(icon: Pixels) -> _Look:
    """(32, 32, 4) float32 in [0, 1]: the icon over mid-grey, and its alpha."""
    small = small_look(icon).astype(np.float32)
    look = np.concatenate((on_grey(small, 127.5), small[..., 3:]), axis=2)
    return np.asarray(look / 255, np.float32)


def _similarity(a: _Look, b: _Look) -> float:
    """1 - mean difference of the worst pixels, each against the other's 3x3 neighbours."""
    difference = np.maximum(_difference(a, b), _difference(b, a)).ravel()
    count = max(1, int(_WORST_SHARE * difference.size))
    return 1.0 - float(np.sort(difference)[-count:].mean())


def _difference(a: _Look, b: _Look) -> npt.NDArray[np.float32]:
    """(32, 32) how far each pixel of `a` is outside the range of its 3x3 neighbours in `b`."""
    from scipy.ndimage import maximum_filter, minimum_filter  # 0.3 s; answering needs none of it

    size = (3, 3, 1)
    high, low = (find(b, size, mode="nearest") for find in (maximum_filter, minimum_filter))
    outside = np.maximum(a - high, low - a)
    difference: npt.NDArray[np.float32] = np.maximum(outside.max(axis=2), 0)
    return difference
