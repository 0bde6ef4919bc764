"""An equivalent chain in albumentations on OpenCV, crop after crop.

Version 2.0.8 is the last under the MIT licence and no longer maintained: good for a comparison, not
for a dependency. What the library has: affine warp, perspective, colour jitter, brightness and
contrast, linear illumination, motion blur, Gaussian blur, downscaling to a random size and up
again, Gaussian noise of a random level, JPEG. What it lacks is left out, in its favour: fading by
ink, a veil (haze is contrast and brightness here), shot noise, sharpening like a camera's, the
quality guard.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from raresign.lab.bench.peers import strengths as s
from raresign.lab.bench.peers.chain import load_library, version_of
from raresign.lab.bench.peers.inputs import PeerInputs
from raresign.lab.bench.peers.strengths import Shares


class AlbumentationsChain:
    """albumentations in the order of the preset `road`, OpenCV on one thread.

    Raises:
        MissingLibraryError: albumentations is not installed.
    """

    install = "albumentations==2.0.8 opencv-python-headless"

    def __init__(self, inputs: PeerInputs, shares: Shares) -> None:
        # Else it asks a server for newer versions when it is imported.
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
        a: Any = load_library("albumentations", self.install)
        cv2: Any = load_library("cv2", self.install)
        cv2.setNumThreads(1)
        self.about = f"{version_of('albumentations')}, OpenCV {cv2.__version__}"
        self._inputs = inputs
        # Its perspective takes a part of the picture and enlarges it, which the scale makes good.
        scale = tuple(side * (1 - s.PERSPECTIVE) for side in s.SCALE)
        self._warp = a.Compose(
            [
                a.Affine(
                    scale=scale,
                    translate_percent=(-s.SHIFT, s.SHIFT),
                    rotate=(-s.ROTATION, s.ROTATION),
                    shear=(-s.SHEAR, s.SHEAR),
                    p=1.0,
                ),
                # Its scale counts whole sides, the others' half sides.
                a.Perspective(scale=(0.0, s.PERSPECTIVE / 2), keep_size=True, p=1.0),
            ]
        )
        one, none = (1.0, 1.0), (0.0, 0.0)
        fading = a.ColorJitter(s.SIGN_BRIGHTNESS, one, s.SIGN_SATURATION, none, p=1.0)
        self._fading = a.Compose([fading])
        self._exposure = a.Compose([a.ColorJitter(s.SCENE_BRIGHTNESS, one, one, none, p=1.0)])
        smallest, largest = s.PIXELS
        self._camera = a.Compose(
            [
                a.ColorJitter(s.HAZE_BRIGHTNESS, s.HAZE_CONTRAST, one, none, p=shares.haze),
                a.Illumination(intensity_range=s.GRADIENT, p=shares.gradient),
                a.MotionBlur(s.MOTION_LENGTH, p=shares.motion),
                a.GaussianBlur(s.BLUR_KERNEL, s.BLUR, p=1.0),
                a.Downscale(
                    (smallest / inputs.size, min(1.0, largest / inputs.size)),
                    {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR},
                    p=1.0,
                ),
                a.GaussNoise((0.0, 2 * s.NOISE), p=1.0),
                a.ImageCompression("jpeg", s.JPEG_QUALITY, p=shares.jpeg),
            ]
        )

    def make(self, first: int, count: int) -> np.ndarray:
        """See `Chain.make`."""
        rng = np.random.default_rng(first)
        for part in (self._warp, self._fading, self._exposure, self._camera):
            part.set_random_seed(first)
        crops = []
        for number in range(first, first + count):
            layer = self._warp(image=self._inputs.icons[self._inputs.label(number)])["image"]
            sign = self._fading(image=np.ascontiguousarray(layer[..., :3]))["image"]
            scene = self._exposure(image=np.ascontiguousarray(self._inputs.scene(rng)))["image"]
            alpha = layer[..., 3:].astype(np.uint16)
            mixed = (sign * alpha + scene * (255 - alpha) + 127) // 255
            crops.append(self._camera(image=mixed.astype(np.uint8))["image"])
        return np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2))
