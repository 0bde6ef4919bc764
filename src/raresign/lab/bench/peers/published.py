"""The published generator as the benchmarks run it: with its files, and held in memory."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from raresign.lab.bench.peers.chain import version_of
from raresign.lab.bench.peers.inputs import PeerInputs
from raresign.lab.published_generator import reference_crop


def _opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file)).convert("RGBA")


class PublishedFiles:
    """As published: open icon and photo from (cached) files, compose, encode a PNG; no disk.

    Training would still have to open and resize the PNG; that is not counted, in its favour.
    """

    def __init__(self, inputs: PeerInputs) -> None:
        self.about = f"{version_of('pillow')}, files"
        self._icons, self._photos = inputs.icon_files, inputs.photo_files

    def make(self, first: int, count: int) -> list[bytes]:
        """The crops `first` to `first + count - 1` as PNG files; `first` seeds the draws."""
        rng = np.random.default_rng(first)
        files = []
        for k in range(first, first + count):
            icon = _opened(self._icons[k % len(self._icons)])
            photo = _opened(self._photos[k % len(self._photos)])
            file = io.BytesIO()
            reference_crop(icon, photo, rng).save(file, "PNG")
            files.append(file.getvalue())
        return files


class PublishedInMemory:
    """Its recipe at its best: icons and photos decoded beforehand, crops resized, no file."""

    def __init__(self, inputs: PeerInputs) -> None:
        self.about = f"{version_of('pillow')}, in memory"
        self._icons = [_opened(file) for file in inputs.icon_files]
        self._photos = [_opened(file) for file in inputs.photo_files]
        self._size = (inputs.size, inputs.size)

    def make(self, first: int, count: int) -> np.ndarray:
        """See `Chain.make`."""
        rng = np.random.default_rng(first)
        crops = []
        for k in range(first, first + count):
            icon, photo = self._icons[k % len(self._icons)], self._photos[k % len(self._photos)]
            crops.append(np.asarray(reference_crop(icon, photo, rng).resize(self._size)))
        return np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2))
