"""Pictures as callers have them: files, bytes, Pillow pictures, arrays, tensors."""

from __future__ import annotations

from contextlib import ExitStack
from os import PathLike, fspath
from typing import Any

import numpy as np
from PIL import Image

from raresign.crops.decode import (
    MAX_PIXELS,
    UnreadableFile,
    decode_picture,
    read_file,
    upright_rgb,
)
from raresign.crops.layouts.stored_picture import StoredPicture
from raresign.errors import InputError

_BYTES = bytes | bytearray | memoryview
_KINDS = (
    "give a path, a picture file or its bytes, a Pillow picture, an (H, W, 3) or (H, W) uint8 "
    "array, or a (3, H, W) or (H, W, 3) tensor, uint8 or in [0, 1]"
)


def is_picture(given: Any) -> bool:
    """Whether this is one picture, not several.

    Example:
        >>> is_picture("a.png"), is_picture(np.zeros((4, 4))), is_picture(["a.png"])
        (True, True, False)
    """
    return (
        isinstance(given, str | PathLike | _BYTES | Image.Image | np.ndarray | StoredPicture)
        or hasattr(given, "read")
        or _is_tensor(given)
    )


def own_pixels(given: Any) -> Any:
    """The same picture, whatever the caller does to its array or tensor afterwards."""
    if isinstance(given, np.ndarray):
        return given.copy()
    return given.clone() if _is_tensor(given) else given


def name_of(given: Any) -> str:
    """The path of a picture that is a file, "" of any other."""
    return str(given) if isinstance(given, str | PathLike | StoredPicture) else ""


def rgb_picture(given: Any, held: ExitStack | None = None, most: int = MAX_PIXELS) -> Image.Image:
    """One picture of any kind (see the error's hint) as upright RGB; floats are rounded to bytes.

    Args:
        given: The picture.
        held: See `decode_picture`.
        most: Pixels of a file or of bytes, see there, too.

    Raises:
        UnreadableFile: A file or bytes that are no readable picture.
        InputError: No picture at all, or an array of another shape or type.

    Example:
        >>> rgb_picture(np.full((2, 3), 200, np.uint8)).getpixel((0, 0))
        (200, 200, 200)
    """
    if isinstance(given, str | PathLike):
        path = fspath(given)
        return decode_picture(read_file(path), path, held, most)
    if isinstance(given, StoredPicture):
        if isinstance(given.content, str):
            raise UnreadableFile(given.name, given.content)
        return decode_picture(given.content, given.name, held, most)
    if hasattr(given, "read") and isinstance(content := given.read(), bytes):
        given = content
    if isinstance(given, _BYTES):
        if not len(given):
            raise UnreadableFile("", "the file is empty")
        return decode_picture(bytes(given), "", held, most)
    if isinstance(given, Image.Image):
        if not (given.width and given.height):
            raise UnreadableFile("", f"a picture of {given.width} x {given.height} pixels")
        try:
            return upright_rgb(given)
        except Exception as error:  # Pillow reads a file when its pixels are asked for
            raise UnreadableFile("", f"broken picture: {error}") from error
    if _is_tensor(given):
        given = given.detach().cpu()
        if given.is_floating_point():  # NumPy has no bfloat16
            given = given.double()
        return _of_array(_bytes_of_tensor(np.asarray(given.numpy())))
    if isinstance(given, np.ndarray):
        return _of_array(given)
    raise InputError(f"a {type(given).__name__} is no picture", _KINDS)


def _is_tensor(given: Any) -> bool:
    """Whether it is a tensor of PyTorch, which need not be there."""
    return all(hasattr(given, name) for name in ("detach", "cpu", "numpy"))


def _bytes_of_tensor(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) or (H, W) uint8 of a tensor's values."""
    if np.issubdtype(pixels.dtype, np.floating):
        if pixels.size and not (pixels.min() >= 0 and pixels.max() <= 1):
            raise InputError("a tensor of floats outside [0, 1]", "divide bytes by 255")
        pixels = np.rint(pixels * 255).astype(np.uint8)
    return pixels.transpose(1, 2, 0) if pixels.ndim == 3 and len(pixels) == 3 else pixels


def _of_array(pixels: np.ndarray) -> Image.Image:
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if not fits or pixels.dtype != np.uint8 or not pixels.size:
        raise InputError(f"an array {pixels.shape} of {pixels.dtype} is no picture", _KINDS)
    return Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")
