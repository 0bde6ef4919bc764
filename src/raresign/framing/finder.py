"""The finder: a small net, trained on synthetic crops, that says where the sign is in its crop."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from raresign.framing.framed_picture import WHOLE, framed

Framing = Literal["found", "whole"]
"""How crops are read: cut to the sign that the finder finds in them, or as they are."""
FILL = 1.08
"""Side of a framed crop over the sign's."""
_LOOK = 1.15
"""The second look is at a crop this much larger than what the first one found."""
_SMALLEST, _LARGEST, _FARTHEST = 0.25, 1.3, 0.85
"""What a finding is limited to: half sides, and how far its middle may lie from the crop's."""


@dataclass(frozen=True)
class _Net:
    """The net of the package: its session, the side of its crops, and a digest of its file."""

    session: onnxruntime.InferenceSession
    size: int
    digest: str


def finder_digest() -> str:
    """Names the finder's version: crops that another one framed are others."""
    return _net().digest


def find_sign(picture: Image.Image) -> npt.NDArray[np.float32]:
    """Where the sign stands in its crop.

    The net looks twice: at the whole crop, then at what it found there.

    Args:
        picture: RGB, of any size and aspect. It shows one sign, which may fill from 0.4 to 1.2 of
            its width, stand off-centre, be cut, or have others beside it.

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
    x, y, half_width, half_height = _looked(picture, WHOLE)
    look = np.array([x, y, half_width * _LOOK, half_height * _LOOK], np.float32)
    again = _looked(picture, look)
    middle = (look[:2] + again[:2] * look[2:]).clip(-_FARTHEST, _FARTHEST)
    half = (again[2:] * look[2:]).clip(_SMALLEST, _LARGEST)
    return np.concatenate([middle, half])


def framing_box(picture: Image.Image, framing: Framing) -> npt.NDArray[np.float32]:
    """(4,) the box that a crop is cut to: `FILL` times the sign's, or the whole crop."""
    if framing == "whole":
        return np.array(WHOLE, np.float32)
    return find_sign(picture) * np.array([1, 1, FILL, FILL], np.float32)


def read_crop(picture: Image.Image, size: int, framing: Framing) -> npt.NDArray[np.uint8]:
    """(3, size, size) uint8: a crop, RGB, as a net reads it.

    Example:
        >>> read_crop(Image.new("RGB", (30, 50)), 64, "found").shape
        (3, 64, 64)
    """
    return framed(picture, size, framing_box(picture, framing))


def _looked(
    picture: Image.Image, box: Sequence[float] | npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """(4,) what the net says of a part of a picture, in units of that part."""
    net = _net()
    pixels = framed(picture, net.size, box).astype(np.float32) / np.float32(255)
    said: npt.NDArray[np.float32] = net.session.run(["box"], {"crops": pixels[None]})[0][0]
    return said


@cache
def _net() -> _Net:
    content = (resources.files("raresign.framing") / "finder.onnx").read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # callers bring threads of their own
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    size = int(session.get_inputs()[0].shape[-1])
    return _Net(session, size, hashlib.sha256(content).hexdigest()[:16])
