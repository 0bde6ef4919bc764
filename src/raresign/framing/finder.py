"""The finder: a small net, trained on synthetic crops, that says where the sign is in its crop."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.framing.framed_picture import WHOLE, framed
from raresign.networks import open_network, side_of

Framing = Literal["found", "whole"]
"""How crops are read: cut to the sign that the finder finds in them, or as they are."""
FILL = 1.08
"""Side of a framed crop over the sign's."""
LOOK = 1.15
"""The second look is at a crop this much larger than what the first one found."""
SMALLEST, LARGEST, FARTHEST = 0.25, 1.3, 0.85
"""What a finding is limited to: half sides, and how far its middle may lie from the crop's."""
TOGETHER = 16
"""Pictures that are best read together, see `framing_boxes`."""
_PIXELS_TOGETHER = 1_000_000


class Finder:
    """A finder's net, on the CPU.

    Args:
        content: An ONNX file that takes `crops`, (N, 3, S, S) float32 in [0, 1], and gives `box`,
            (N, 4).
        own: It came with the package.

    Attributes:
        content: As given.
        size: S.
        digest: Names the version: crops that another one framed are others.
    """

    def __init__(self, content: bytes, own: bool = False) -> None:
        self._session = open_network(content, threads=1, own=own)  # callers bring threads
        self.content = content
        self.size = side_of(self._session)
        self.digest = hashlib.sha256(content).hexdigest()[:16]

    def __reduce__(self) -> tuple[type[Finder], tuple[bytes]]:
        """For another process: it opens the net for itself."""
        return Finder, (self.content,)

    def look(
        self, pictures: Sequence[Image.Image], boxes: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """(N, 4) what the net says of a part of each of N pictures, in units of that part.

        Args:
            pictures: N, RGB.
            boxes: (N, 4) the parts.
        """
        parts = [framed(one, self.size, box) for one, box in zip(pictures, boxes, strict=True)]
        pixels = np.stack(parts).astype(np.float32, order="C") / np.float32(255)
        return np.concatenate([self.run(one[None]) for one in pixels])

    def run(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(1, 4) of (1, 3, size, size) pixels in [0, 1]: the net alone."""
        said: npt.NDArray[np.float32] = self._session.run(["box"], {"crops": pixels})[0]
        return said


@cache
def own_finder() -> Finder:
    """The finder of this version."""
    return Finder((Path(__file__).parent / "finder.onnx").read_bytes(), own=True)


def finder_digest() -> str:
    """Names the version of the finder of this version."""
    return own_finder().digest


def find_sign(picture: Image.Image, finder: Finder | None = None) -> npt.NDArray[np.float32]:
    """Where the sign stands in its crop.

    The net looks twice: at the whole crop, then at what it found there.

    Args:
        picture: RGB, of any size and aspect. It shows one sign, which may fill from 0.4 to 1.2 of
            its width, stand off-centre, be cut, or have others beside it.
        finder: The net; this version's own unless given.

    Returns:
        (4,) middle x and y, half width and half height of the sign's box; the crop runs from -1 to
        1 both ways, so a sign that fills it is 0, 0, 1, 1.

    Example:
        >>> from raresign.signs.countries.drawn_sign import render_sign
        >>> sign = Image.fromarray(render_sign("3.24.n50", 40))
        >>> crop = Image.new("RGB", (80, 80), (90, 110, 120))
        >>> crop.paste(sign, (12, 24), sign)
        >>> left, top, half, _ = (float(value) for value in find_sign(crop))
        >>> round(left, 1), round(top, 1), round(half, 1)
        (-0.2, 0.1, 0.5)
    """
    found: npt.NDArray[np.float32] = _find_signs([picture], finder)[0]
    return found


def _find_signs(pictures: Sequence[Image.Image], finder: Finder | None) -> npt.NDArray[np.float32]:
    """(N, 4) `find_sign` of N pictures, at least one."""
    net = finder or own_finder()
    whole = np.tile(np.array(WHOLE, np.float32), (len(pictures), 1))
    look = net.look(pictures, whole) * np.array([1, 1, LOOK, LOOK], np.float32)
    again = net.look(pictures, look)
    middle = (look[:, :2] + again[:, :2] * look[:, 2:]).clip(-FARTHEST, FARTHEST)
    half = (again[:, 2:] * look[:, 2:]).clip(SMALLEST, LARGEST)
    return np.concatenate([middle, half], axis=1)


def framing_boxes(
    pictures: Sequence[Image.Image], framing: Framing, finder: Finder | None = None
) -> npt.NDArray[np.float32]:
    """(N, 4) the boxes that N crops are cut to: `FILL` times the sign's, or the whole crop.

    The net sees one picture at a time, as its file says, so company changes no bit. But all are
    cut, and then all are looked at: a core that goes from Pillow to the net and back with each
    picture takes half as long again.
    """
    boxes = np.tile(np.array(WHOLE, np.float32), (len(pictures), 1))
    if framing == "found":
        for first in range(0, len(pictures), TOGETHER):
            some = slice(first, first + TOGETHER)
            found = _find_signs(pictures[some], finder)
            boxes[some] = found * np.array([1, 1, FILL, FILL], np.float32)
    return boxes


def enough(pictures: Sequence[Image.Image]) -> bool:
    """Whether pictures that wait to be read together are as many as is best, or take memory."""
    pixels = sum(picture.width * picture.height for picture in pictures)
    return len(pictures) >= TOGETHER or pixels > _PIXELS_TOGETHER


def read_crops(
    pictures: Sequence[Image.Image], size: int, framing: Framing, finder: Finder | None = None
) -> list[npt.NDArray[np.uint8]]:
    """(3, size, size) uint8 of each picture: crops, RGB, as a net reads them.

    Example:
        >>> [crop.shape for crop in read_crops([Image.new("RGB", (30, 50))] * 2, 64, "found")]
        [(3, 64, 64), (3, 64, 64)]
    """
    boxes = framing_boxes(pictures, framing, finder)
    return [framed(picture, size, box) for picture, box in zip(pictures, boxes, strict=True)]


def read_crop(
    picture: Image.Image, size: int, framing: Framing, finder: Finder | None = None
) -> npt.NDArray[np.uint8]:
    """`read_crops` of one picture."""
    return read_crops([picture], size, framing, finder)[0]
