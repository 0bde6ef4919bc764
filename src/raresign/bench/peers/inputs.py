"""Icons and photos as the peers' chains take them: plain arrays, decoded and in memory."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from raresign.bench.material import BenchMaterial
from raresign.catalogue import class_pictures

_FILE_SIDE = 256


@dataclass(frozen=True)
class PeerInputs:
    """The benchmark's icons and photos: as arrays, and as the files that the published one opens.

    Args:
        icons: (C, S, S, 4) uint8, straight alpha, one icon a class.
        photos: (P, H, W, 3) uint8, all cut to one size of at least S x S.
        icon_files: (C,) the same icons as PNG files of 256 px.
        photo_files: (P,) the photos, uncut, as JPEG files.

    Example:
        >>> inputs = PeerInputs.from_material(BenchMaterial.load(None, 32))
        >>> inputs.icons.shape[1:], inputs.photos.shape[3]
        ((32, 32, 4), 3)
        >>> inputs.scene(np.random.default_rng(0)).shape
        (32, 32, 3)
    """

    icons: np.ndarray
    photos: np.ndarray
    icon_files: tuple[bytes, ...]
    photo_files: tuple[bytes, ...]

    @classmethod
    def from_material(cls, material: BenchMaterial) -> PeerInputs:
        """Draw the first icon of each class, cut the photos to one size, encode both."""
        pictures = [class_pictures(sign, _FILE_SIDE)[0] for sign in material.catalogue.classes]
        side = (material.size, material.size)
        small = [Image.fromarray(icon).resize(side, Image.Resampling.BOX) for icon in pictures]
        return cls(
            np.stack([_edged(np.asarray(icon)) for icon in small]),
            _one_size(material.pictures, material.size),
            tuple(_encoded(picture, "PNG") for picture in pictures),
            tuple(_encoded(picture, "JPEG") for picture in material.pictures),
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
    colour = icon[solid, :3].mean(0) if solid.any() else 255.0
    filled: np.ndarray = icon.copy()
    filled[icon[..., 3] < 8, :3] = colour
    return filled


def _one_size(pictures: tuple[np.ndarray, ...], size: int) -> np.ndarray:
    """Cut the middle out of each photo; smaller ones than `size` are enlarged."""
    large = []
    for picture in pictures:
        grow = size / min(picture.shape[:2])
        if grow > 1:
            side = (-int(-picture.shape[1] * grow // 1), -int(-picture.shape[0] * grow // 1))
            picture = np.asarray(Image.fromarray(picture).resize(side))
        large.append(picture)
    height = min(len(picture) for picture in large)
    width = min(picture.shape[1] for picture in large)
    corners = [((len(p) - height) // 2, (p.shape[1] - width) // 2) for p in large]
    return np.stack(
        [p[y : y + height, x : x + width] for p, (y, x) in zip(large, corners, strict=True)]
    )


def _encoded(picture: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()
