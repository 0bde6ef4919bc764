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


class Finder:
    """A finder's net, on the CPU.

    Args:
        content: An ONNX file that takes `crops`, (N, 3, S, S) float32 in [0, 1], and gives `box`,
            (N, 4).

    Attributes:
        content: As given.
        size: S.
        digest: Names the version: crops that another one framed are others.
    """

    def __init__(self, content: bytes) -> None:
        self._session = open_network(content, threads=1)  # callers bring threads of their own
        self.content = content
        self.size = side_of(self._session)
        self.digest = hashlib.sha256(content).hexdigest()[:16]

    def __reduce__(self) -> tuple[type[Finder], tuple[bytes]]:
        """For another process: it opens the net for itself."""
        return Finder, (self.content,)

    def look(
        self, picture: Image.Image, box: Sequence[float] | npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """(4,) what the net says of a part of a picture, in units of that part."""
        pixels = framed(picture, self.size, box).astype(np.float32) / np.float32(255)
        first: npt.NDArray[np.float32] = self.run(pixels[None])[0]
        return first

    def run(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, 4) of (N, 3, size, size) pixels in [0, 1]: the net alone."""
        said: npt.NDArray[np.float32] = self._session.run(["box"], {"crops": pixels})[0]
        return said


@cache
def own_finder() -> Finder:
    """The finder of this version."""
    return Finder((Path(__file__).parent / "finder.onnx").read_bytes())


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
    net = finder or own_finder()
    x, y, half_width, half_height = net.look(picture, WHOLE)
    look = np.array([x, y, half_width * LOOK, half_height * LOOK], np.float32)
    again = net.look(picture, look)
    middle = (look[:2] + again[:2] * look[2:]).clip(-FARTHEST, FARTHEST)
    half = (again[2:] * look[2:]).clip(SMALLEST, LARGEST)
    return np.concatenate([middle, half])


def framing_box(
    picture: Image.Image, framing: Framing, finder: Finder | None = None
) -> npt.NDArray[np.float32]:
    """(4,) the box that a crop is cut to: `FILL` times the sign's, or the whole crop."""
    if framing == "whole":
        return np.array(WHOLE, np.float32)
    return find_sign(picture, finder) * np.array([1, 1, FILL, FILL], np.float32)


def read_crop(
    picture: Image.Image, size: int, framing: Framing, finder: Finder | None = None
) -> npt.NDArray[np.uint8]:
    """(3, size, size) uint8: a crop, RGB, as a net reads it.

    Example:
        >>> read_crop(Image.new("RGB", (30, 50)), 64, "found").shape
        (3, 64, 64)
    """
    return framed(picture, size, framing_box(picture, framing, finder))
