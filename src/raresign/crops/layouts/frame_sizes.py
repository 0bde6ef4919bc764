"""Brings boxes from the picture that they were drawn in to the upright picture that is there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from raresign.crops.layouts.box_form import fits
from raresign.crops.layouts.turned_vote import better_boxes
from raresign.crops.layouts.upright import upright_boxes

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
SHAPE = "their picture has another shape than stated"
TURN = "their picture is turned by EXIF, and it is not clear whether the boxes are"


class FrameSizes:
    """The frames of N boxes: as they are stored, as they stand upright, as the source states them.

    Args:
        stored: (N, 2) width and height in the file.
        orientation: (N,) EXIF orientation, 1 to 8.
        stated: (N, 2), NaN where the source says nothing.
        shares: Whether the source gives shares of the frame.
    """

    def __init__(
        self, stored: Numbers, orientation: npt.NDArray[np.int64], stated: Numbers, shares: bool
    ):
        self.stored, self.orientation, self._shares = stored, orientation, shares
        self.upright = np.where(orientation[:, None] >= 5, stored[:, ::-1], stored)
        said = np.asarray((np.isfinite(stated) & (stated > 1)).all(axis=1))
        self.drawn = np.where(said[:, None], stated, self.upright)
        quarter = np.asarray(orientation >= 5)
        up, raw = said & _near(stated, self.upright), said & quarter & _near(stated, stored)
        like_up = said & ~up & ~raw & _alike(stated, self.upright)
        like_raw = said & ~up & ~raw & ~like_up & quarter & _alike(stated, stored)
        self._raw: Flags = (raw & ~up) | like_raw
        self._scaled: Flags = like_up | like_raw
        self._odd: Flags = said & ~up & ~raw & ~self._scaled
        # A size that differs from the stored one was taken from the upright picture; the stored
        # one is stated by tools, too, that draw boxes on the upright picture.
        tells = up & ~raw & quarter
        self._open: Flags = np.asarray((orientation > 1) & ~tells & ~self._odd)
        self._said: Flags = said

    def to_upright(
        self, boxes: Numbers, paths: Sequence[Path], source: object
    ) -> tuple[Numbers, dict[int, str]]:
        """(N, 4) boxes in the drawn frames -> in the upright ones; and why some cannot be.

        What is not the obvious is told in a warning: frames turned by EXIF whose boxes belong to
        the unturned picture, pictures that were scaled after annotating, stated sizes that are
        wrong.
        """
        unclear: dict[int, str] = {}
        wrong = (self._scaled | self._odd) & ~self._open
        if wrong.any():
            in_stated = fits(boxes[wrong], self.drawn[wrong]).all()
            in_picture = fits(boxes[wrong], self.upright[wrong]).all()
            if in_picture and (not in_stated or self._as_they_are(boxes, wrong, paths)):
                _say(source, wrong, "have other sizes than stated; the boxes fit them as they are")
                self.drawn = np.where(wrong[:, None], self.upright, self.drawn)
            else:
                unclear = dict.fromkeys(np.flatnonzero(self._odd).tolist(), SHAPE)
                scaled = self._scaled & ~self._open
                if scaled.any():
                    _say(source, scaled, "were scaled after annotating; so are the boxes")
        swapped = (self._raw & (not self._shares))[:, None]
        drawn = np.where(swapped, self.drawn[:, ::-1], self.drawn)
        upright = boxes * np.tile(self.upright / drawn, 2)
        if not self._open.any():
            return upright, unclear
        turned = self._turned(boxes)
        choice = self._choice(upright, turned, paths)
        if choice == 2:
            _say(source, self._open, "are turned by EXIF, their boxes were not; now they are")
            return np.where(self._open[:, None], turned, upright), unclear
        if not choice:
            doubtful = self._open & self._raw
            unclear |= dict.fromkeys(np.flatnonzero(doubtful).tolist(), TURN)
            if (rest := self._open & ~self._raw).any():
                _say(source, rest, "are turned by EXIF; boxes are taken as of the turned picture")
        return upright, unclear

    def _as_they_are(self, boxes: Numbers, wrong: Flags, paths: Sequence[Path]) -> bool:
        """Whether boxes that fit either way lie on signs as they stand, not scaled."""
        rows = np.flatnonzero(wrong & ~self._odd)
        scaled = boxes[rows] * np.tile(self.upright[rows] / self.drawn[rows], 2)
        some = [paths[row] for row in rows.tolist()]
        return bool(len(rows)) and better_boxes(some, scaled, boxes[rows]) == 2

    def _turned(self, boxes: Numbers) -> Numbers:
        """The boxes as if they were drawn in the stored pictures."""
        quarter = self.orientation >= 5
        raw = self._said & (self._raw | ~quarter)
        drawn = np.where((raw | (self._shares & self._said))[:, None], self.drawn, self.stored)
        if self._shares:  # they were multiplied by the drawn size
            drawn = self.drawn
        turned = boxes * np.tile(self.stored / drawn, 2)
        for row in np.flatnonzero(self._open):
            size = float(self.stored[row, 0]), float(self.stored[row, 1])
            one = turned[row : row + 1]
            turned[row] = upright_boxes(one, size, int(self.orientation[row]))[0]
        return turned

    def _choice(self, upright: Numbers, turned: Numbers, paths: Sequence[Path]) -> int:
        """1: boxes are of the upright pictures, 2: of the stored ones, 0: it is not clear."""
        rows = np.flatnonzero(self._open).tolist()
        inside = [fits(boxes[rows], self.upright[rows]).all() for boxes in (upright, turned)]
        if inside[0] != inside[1]:
            return 1 if inside[0] else 2
        return better_boxes([paths[row] for row in rows], upright[rows], turned[rows])


def _near(a: Numbers, b: Numbers) -> Flags:
    return np.asarray((np.abs(a - b) <= 1).all(axis=1))


def _alike(a: Numbers, b: Numbers) -> Flags:
    """Whether pictures have the same shape, as far as whole pixels allow."""
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.abs((a[:, 0] / a[:, 1]) / (b[:, 0] / b[:, 1]) - 1)
        allowed = 0.005 + 1 / a.min(axis=1) + 1 / b.min(axis=1)
    return np.asarray(difference <= allowed)


def _say(source: object, rows: Flags, what: str) -> None:
    warnings.warn(f"{source}: the pictures of {int(rows.sum())} signs {what}", stacklevel=4)
