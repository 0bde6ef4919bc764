"""Icons and photos as the peers' chains take them: plain arrays, decoded and in memory."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from raresign.lab.bench.material import BenchMaterial
from raresign.signs.catalogue.pictures import class_pictures

_FILE_SIDE = 256


@dataclass(frozen=True)
class PeerInputs:
    """The benchmark's icons and photos: as arrays, and as the files that the published one opens.

    Args:
        icons: (C, S, S, 4) uint8, straight alpha, one icon a class.
        photos: (P, H, W, 3) uint8, all cut to one size of at least S x S.
        icon_files: (C,) the same icons as PNG files, 256 px from `from_material`.
        photo_files: (P,) the photos, uncut, as JPEG files.
    """

    icons: np.ndarray
    photos: np.ndarray
    icon_files: tuple[bytes, ...]
    photo_files: tuple[bytes, ...]

    @classmethod
    def from_material(cls, material: BenchMaterial) -> PeerInputs:
        """The first icon of each class, and the photos."""
        signs = [class_pictures(sign, _FILE_SIDE)[0] for sign in material.catalogue.classes]
        return cls.from_pictures(signs, material.pictures, material.size)

    @classmethod
    def from_pictures(
        cls, signs: Sequence[np.ndarray], photos: Sequence[np.ndarray], size: int
    ) -> PeerInputs:
        """Shrink icons, cut photos to one size, encode both.

        Args:
            signs: (H, H, 4) uint8 each, straight alpha, as large as the files are to be.
            photos: (H, W, 3) uint8 each, of any size.
            size: Side of the crops.
        """
        small = [Image.fromarray(sign).resize((size, size), Image.Resampling.BOX) for sign in signs]
        return cls(
            np.stack([_edged(np.asarray(icon)) for icon in small]),
            _one_size(photos, size),
            tuple(_encoded(sign, "PNG") for sign in signs),
            tuple(_encoded(photo, "JPEG") for photo in photos),
        )

    @property
    def size(self) -> int:
        """Side of icons and crops."""
        return int(self.icons.shape[1])

    def label(self, number: int) -> int:
        """The class of crop `number`: all in turn."""
        return number % len(self.icons)

    def scene(self, rng: np.random.Generator) -> np.ndarray:
        """(S, S, 3) uint8: a random place of a random photo, without a copy."""
        photo, top, left = rng.integers(0, self.corners)
        place: np.ndarray = self.photos[photo, top : top + self.size, left : left + self.size]
        return place

    @property
    def corners(self) -> tuple[int, int, int]:
        """How many photos there are, and how many places a crop's corner has down and across."""
        count, height, width, _ = self.photos.shape
        return count, height - self.size + 1, width - self.size + 1


def _edged(icon: np.ndarray) -> np.ndarray:
    """Give transparent pixels the plate's mean colour, so that resampling leaves no dark rim."""
    solid = icon[..., 3] > 127
    filled: np.ndarray = icon.copy()
    filled[icon[..., 3] < 8, :3] = icon[solid, :3].mean(0) if solid.any() else 255.0
    return filled


def _one_size(pictures: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Cut the middle out of each photo; smaller ones than `size` are enlarged."""
    large = []
    for picture in pictures:
        grow = max(1.0, size / min(picture.shape[:2]))
        height, width = (math.ceil(side * grow) for side in picture.shape[:2])
        large.append(Image.fromarray(picture).resize((width, height)))
    side = min(picture.width for picture in large), min(picture.height for picture in large)
    return np.stack([np.asarray(_middle(picture, *side)) for picture in large])


def _middle(picture: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _encoded(picture: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()
