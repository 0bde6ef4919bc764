"""An equivalent chain in torchvision.transforms.v2, crop after crop.

A v2 transform draws one set of parameters a call, whatever the batch, so crops with parameters of
their own are made one by one, as in a data set's `__getitem__`. What the library has: affine warp,
perspective, colour jitter, Gaussian blur, random resizing, Gaussian noise, JPEG. What it lacks is
left out, in its favour: illumination gradient, motion blur, fading by ink, a veil (haze is contrast
and brightness here), colour cast, a noise level for each crop, shot noise, sharpening, the guard.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from raresign.lab.bench.peers import strengths as s
from raresign.lab.bench.peers.chain import load_library, version_of
from raresign.lab.bench.peers.inputs import PeerInputs
from raresign.lab.bench.peers.strengths import Shares


class TorchvisionChain:
    """torchvision's transforms v2 in the order of the preset `road`.

    Raises:
        MissingLibraryError: torchvision cannot be imported.
    """

    def __init__(self, inputs: PeerInputs, shares: Shares) -> None:
        v2: Any = load_library("torchvision.transforms.v2", "torchvision")
        self.about = version_of("torchvision")
        self._inputs = inputs
        self._icons = torch.from_numpy(inputs.icons).permute(0, 3, 1, 2).float() / 255
        bilinear = v2.InterpolationMode.BILINEAR
        self._warp = v2.Compose(
            [
                v2.RandomAffine(s.ROTATION, (s.SHIFT,) * 2, s.SCALE, s.SHEAR, bilinear),
                v2.RandomPerspective(s.PERSPECTIVE, p=1.0),
            ]
        )
        self._fading = v2.ColorJitter(brightness=s.SIGN_BRIGHTNESS, saturation=s.SIGN_SATURATION)
        self._exposure = v2.ColorJitter(brightness=s.SCENE_BRIGHTNESS)
        haze = v2.ColorJitter(brightness=s.HAZE_BRIGHTNESS, contrast=s.HAZE_CONTRAST)
        self._camera = v2.Compose(
            [
                v2.RandomApply([haze], shares.haze),
                v2.GaussianBlur(s.BLUR_KERNEL, s.BLUR),
                v2.RandomResize(s.PIXELS[0], s.PIXELS[1] + 1),
                v2.Resize((inputs.size, inputs.size)),
                v2.GaussianNoise(sigma=s.NOISE),
                v2.ToDtype(torch.uint8, scale=True),
                v2.RandomApply([v2.JPEG(s.JPEG_QUALITY)], shares.jpeg),
            ]
        )

    @torch.no_grad()
    def make(self, first: int, count: int) -> np.ndarray:
        """See `Chain.make`."""
        crops = []
        # v2 draws from torch's global generator; it is put back afterwards.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(first)
            rng = np.random.default_rng(first)
            for number in range(first, first + count):
                layer = self._warp(self._icons[self._inputs.label(number)])
                photo = torch.from_numpy(self._inputs.scene(rng)).permute(2, 0, 1)
                scene = self._exposure(photo.float() / 255)
                sign = self._fading(layer[:3])
                crops.append(self._camera(torch.lerp(scene, sign, layer[3:])))
        return torch.stack(crops).numpy()
