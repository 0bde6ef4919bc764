"""An equivalent chain in kornia: whole batches, parameters drawn for each crop, CPU or GPU.

What the library has: affine warp, perspective, colour jitter, linear illumination, motion blur,
Gaussian blur, resizing, Gaussian noise, JPEG. What it lacks is left out, in its favour: fading by
ink, a veil (haze is contrast and brightness here), colour cast tied over sign and scene, a size of
its own for each crop (one size a batch here), a noise level for each crop (one for all), shot
noise, sharpening, the quality guard, and crops that do not depend on their batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from raresign.lab.bench.peers import strengths as s
from raresign.lab.bench.peers.chain import load_library, version_of
from raresign.lab.bench.peers.inputs import PeerInputs
from raresign.lab.bench.peers.strengths import Shares


class KorniaChain:
    """kornia's augmentations in the order of the preset `road`.

    Raises:
        MissingLibraryError: kornia is not installed.
    """

    install = "kornia==0.9.0"
    batch = 64
    """Crops a call at which it is fastest on a CPU: a convolution in its JPEG slows down in larger
    ones, and smaller ones cost more calls."""

    def __init__(
        self, inputs: PeerInputs, shares: Shares, device: torch.device | str = "cpu"
    ) -> None:
        kornia: Any = load_library("kornia.augmentation", self.install)
        self._resize: Any = load_library("kornia.geometry.transform", self.install).resize
        self.about = version_of("kornia")
        self._inputs = inputs
        icons = torch.from_numpy(inputs.icons).to(device).permute(0, 3, 1, 2)
        self._icons = (icons.float() / 255).contiguous()
        self._photos = torch.from_numpy(inputs.photos).to(device).view(-1, 3)
        self._warps = (
            kornia.RandomAffine(
                s.ROTATION, translate=(s.SHIFT, s.SHIFT), scale=s.SCALE, shear=s.SHEAR, p=1.0
            ),
            kornia.RandomPerspective(s.PERSPECTIVE, p=1.0),
        )
        self._fading = kornia.ColorJitter(
            brightness=s.SIGN_BRIGHTNESS, saturation=s.SIGN_SATURATION
        )
        self._exposure = kornia.ColorJitter(brightness=s.SCENE_BRIGHTNESS)
        haze = kornia.ColorJitter(
            brightness=s.HAZE_BRIGHTNESS, contrast=s.HAZE_CONTRAST, p=shares.haze
        )
        self._before_sensor = (
            haze,
            kornia.RandomLinearIllumination(gain=s.GRADIENT, p=shares.gradient),
            kornia.RandomMotionBlur(
                s.MOTION_LENGTH, 180.0, 0.0, border_type="replicate", p=shares.motion
            ),
            kornia.RandomGaussianBlur((s.BLUR_KERNEL, s.BLUR_KERNEL), s.BLUR, p=1.0),
        )
        self._noise = kornia.RandomGaussianNoise(std=s.NOISE, p=1.0)
        self._jpeg = kornia.RandomJPEG(tuple(map(float, s.JPEG_QUALITY)), p=shares.jpeg)
        colours = (self._fading, self._exposure)
        for step in (*self._warps, *colours, *self._before_sensor, self._noise, self._jpeg):
            # Else noise and light are drawn on the CPU and copied to the GPU.
            step.set_rng_device_and_dtype(torch.device(device), torch.float32)

    @torch.no_grad()
    def crops(self, first: int, count: int) -> Tensor:
        """(count, 3, S, S) float32 in [0, 1]; `first` decides the classes and seeds the draws."""
        # kornia draws from torch's global generators; they are put back afterwards.
        gpu = self._icons.device.index
        with torch.random.fork_rng(devices=[] if gpu is None else [gpu]):
            torch.manual_seed(first)
            rng = np.random.default_rng(first)
            labels = torch.arange(first, first + count) % len(self._icons)
            signs = self._icons[labels.to(self._icons.device)]
            for warp in self._warps:
                signs = warp(signs)
            alpha = signs[:, 3:]
            scenes = self._exposure(self._scenes(count, rng))
            crops = torch.lerp(scenes, self._fading(signs[:, :3]), alpha)
            for step in self._before_sensor:
                crops = step(crops)
            side, size = int(rng.integers(s.PIXELS[0], s.PIXELS[1] + 1)), self._inputs.size
            crops = self._resize(crops, (side, side), interpolation="area", antialias=False)
            crops = self._resize(crops, (size, size), interpolation="bilinear")
            finished: Tensor = self._jpeg(self._noise(crops).clamp_(0, 1))
            return finished

    def _scenes(self, count: int, rng: np.random.Generator) -> Tensor:
        """(count, 3, S, S) float32 crops of the photos, gathered where the crops are made."""
        _, height, width, _ = self._inputs.photos.shape
        photo, top, left = rng.integers(0, self._inputs.corners, (count, 3)).T
        corner = torch.from_numpy((photo * height + top) * width + left).to(self._photos.device)
        steps = torch.arange(self._inputs.size, device=corner.device)
        places = corner[:, None, None] + steps[:, None] * width + steps
        return (self._photos[places].permute(0, 3, 1, 2).float() / 255).contiguous()
