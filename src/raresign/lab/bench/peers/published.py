"""The published generator as the benchmarks run it: with its files, and held in memory."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from raresign.lab.bench.peers.chain import version_of
from raresign.lab.bench.peers.inputs import PeerInputs
from raresign.lab.published_generator import reference_crop


class PublishedFiles:
    """As published: open icon and photo from (cached) files, compose, encode a PNG; no disk.

    Training would still have to open and resize the PNG; that is not counted, in its favour.

    Args:
        inputs: Icons and photos.

    Example:
        >>> from raresign.simulated.backgrounds import procedural_backgrounds
        >>> from raresign.signs.countries.drawn_sign import render_sign
        >>> signs = [render_sign("4.1.1", 256)]
        >>> inputs = PeerInputs.from_pictures(signs, procedural_backgrounds(1, seed=0), 64)
        >>> PublishedFiles(inputs).make(0, 1)[0][1:4]
        b'PNG'
    """

    def __init__(self, inputs: PeerInputs) -> None:
        self.about = f"{version_of('pillow')}, files"
        self._icons, self._photos = inputs.icon_files, inputs.photo_files

    def make(self, first: int, count: int) -> list[bytes]:
        """The crops `first` to `first + count - 1` as PNG files; `first` seeds the draws."""
        rng = np.random.default_rng(first)
        files = []
        for k in range(first, first + count):
            icon = Image.open(io.BytesIO(self._icons[k % len(self._icons)])).convert("RGBA")
            photo = Image.open(io.BytesIO(self._photos[k % len(self._photos)])).convert("RGBA")
            file = io.BytesIO()
            reference_crop(icon, photo, rng).save(file, "PNG")
            files.append(file.getvalue())
        return files


class PublishedInMemory:
    """Its recipe at its best: icons and photos decoded beforehand, crops resized, no file.

    Args:
        inputs: Icons and photos.

    Example:
        >>> from raresign.simulated.backgrounds import procedural_backgrounds
        >>> from raresign.signs.countries.drawn_sign import render_sign
        >>> signs = [render_sign("4.1.1", 256)]
        >>> inputs = PeerInputs.from_pictures(signs, procedural_backgrounds(1, seed=0), 64)
        >>> PublishedInMemory(inputs).make(0, 2).shape
        (2, 3, 64, 64)
    """

    def __init__(self, inputs: PeerInputs) -> None:
        self.about = f"{version_of('pillow')}, in memory"
        self._icons = [Image.open(io.BytesIO(file)).convert("RGBA") for file in inputs.icon_files]
        self._photos = [Image.open(io.BytesIO(file)).convert("RGBA") for file in inputs.photo_files]
        self._size = (inputs.size, inputs.size)

    def make(self, first: int, count: int) -> np.ndarray:
        """See `Chain.make`."""
        rng = np.random.default_rng(first)
        crops = []
        for k in range(first, first + count):
            icon, photo = self._icons[k % len(self._icons)], self._photos[k % len(self._photos)]
            crops.append(np.asarray(reference_crop(icon, photo, rng).resize(self._size)))
        return np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2))
