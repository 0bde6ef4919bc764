"""Icons and photos as the peers' chains take them: plain arrays, decoded and in memory."""

from __future__ import annotations

import io
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

    Example:
        >>> from raresign.simulated.backgrounds import procedural_backgrounds
        >>> from raresign.signs.countries.drawn_sign import render_sign
        >>> signs = [render_sign("4.1.1", 64)]
        >>> inputs = PeerInputs.from_pictures(signs, procedural_backgrounds(1, seed=0), 32)
        >>> inputs.icons.shape, inputs.photos.shape
        ((1, 32, 32, 4), (1, 256, 256, 3))
        >>> inputs.scene(np.random.default_rng(0)).shape
        (32, 32, 3)
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
    colour = icon[solid, :3].mean(0) if solid.any() else 255.0
    filled: np.ndarray = icon.copy()
    filled[icon[..., 3] < 8, :3] = colour
    return filled


def _one_size(pictures: Sequence[np.ndarray], size: int) -> np.ndarray:
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
