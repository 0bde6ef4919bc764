"""Lens, sensor and file: from linear light to the bytes of a compressed photo."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image


def _along(picture: np.ndarray, side: float, centre: float, axis: int) -> np.ndarray:
    """Kernel (side, centre, side) along an axis; mirrored borders keep the Bayer parity."""
    pad = [(0, 0)] * picture.ndim
    pad[axis] = (1, 1)
    wide = np.moveaxis(np.pad(picture, pad, mode="reflect"), axis, 0)
    smooth: np.ndarray = np.moveaxis(
        np.float32(side) * (wide[:-2] + wide[2:]) + np.float32(centre) * wide[1:-1], 0, axis
    )
    return smooth


def demosaic(mosaic: np.ndarray) -> np.ndarray:
    """Bilinear colours from a Bayer mosaic (red at even rows and columns, blue at odd ones).

    Missing values are the mean of the two or four nearest samples of that colour (Bayer, US patent
    3,971,065; kernels as in Malvar, He, Cutler, ICASSP 2004, section 2).

    Args:
        mosaic: (H, W) float32 with H and W at least 2.

    Returns:
        (H, W, 3) float32.
    """
    planes = np.zeros((*mosaic.shape, 3), np.float32)
    planes[0::2, 0::2, 0] = mosaic[0::2, 0::2]
    planes[1::2, 1::2, 2] = mosaic[1::2, 1::2]
    green = np.zeros_like(mosaic)
    green[0::2, 1::2] = mosaic[0::2, 1::2]
    green[1::2, 0::2] = mosaic[1::2, 0::2]
    planes[..., 0::2] = _along(_along(planes[..., 0::2], 0.5, 1.0, 0), 0.5, 1.0, 1)
    planes[..., 1] = _along(green, 0.25, 1.0, 0) + _along(green, 0.25, 0.0, 1)
    return planes


def _lens(rng: np.random.Generator, light: np.ndarray, scale: int) -> np.ndarray:
    """Defocus, shake and chromatic shift as one transfer function a colour; vignetting."""
    height, width, _ = light.shape
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    # Out of focus: every point becomes a disc.
    radius = scale * (0.45 + min(rng.gamma(1.4, 0.35), 1.8))
    y = (np.arange(height) + height // 2) % height - height // 2
    x = (np.arange(width) + width // 2) % width - width // 2
    disc = np.clip(radius + 0.5 - np.hypot(y[:, None], x[None, :]), 0, 1)
    transfer = np.fft.rfft2((disc / disc.sum()).astype(np.float32))
    if rng.uniform() < 0.4:  # shake: the road jolts upwards, the sign sweeps outwards
        length = scale * rng.exponential(1.0)
        angle = rng.normal(0, 0.6) + rng.choice([0, math.pi / 2])
        transfer = transfer * np.sinc(length * (fx * math.cos(angle) + fy * math.sin(angle)))
    shift = scale * rng.normal(0, 0.25, 2)
    slope = (np.exp(-2j * np.pi * fx * shift[0]) * np.exp(-2j * np.pi * fy * shift[1])).astype(
        np.complex64
    )
    colours = np.stack([transfer * slope, transfer, transfer * slope.conj()])
    spectrum = np.fft.rfft2(np.ascontiguousarray(light.transpose(2, 0, 1))) * colours
    seen = np.fft.irfft2(spectrum, s=(height, width)).transpose(1, 2, 0)
    # cos^4 law; the crop is a small part of the frame, so the fall-off is nearly a ramp
    field, slant = rng.uniform(0, 0.45), rng.normal(0, 0.03)
    falloff = np.cos(np.arctan(field + slant * np.linspace(-1, 1, width))) ** 4
    dimmed: np.ndarray = (seen * falloff[None, :, None]).astype(np.float32)
    return dimmed


def photograph(rng: np.random.Generator, light: np.ndarray, scale: int) -> np.ndarray:
    """Take the photo: lens, Bayer sensor with shot noise, white balance, gamma, JPEG.

    Args:
        rng: Source of all choices.
        light: (scale H, scale W, 3) float32 linear light; 1 saturates the sensor.
        scale: Pixels of `light` a sensor pixel.

    Returns:
        (H, W, 3) uint8 sRGB.
    """
    seen = _lens(rng, light, scale)
    height, width = light.shape[0] // scale, light.shape[1] // scale
    pixels = seen[: height * scale, : width * scale]
    pixels = np.add.reduceat(pixels, np.arange(0, height * scale, scale), axis=0)
    pixels = np.add.reduceat(pixels, np.arange(0, width * scale, scale), axis=1) / scale**2
    balance = np.exp2(rng.normal(0, 0.16, 3)).astype(np.float32)
    pixels = np.clip(pixels * balance, 0, None)

    mosaic = pixels[..., 1].copy()
    mosaic[0::2, 0::2] = pixels[0::2, 0::2, 0]
    mosaic[1::2, 1::2] = pixels[1::2, 1::2, 2]
    well = np.exp(rng.uniform(math.log(150), math.log(8000)))  # electrons at saturation
    noise = np.sqrt(mosaic / well + (2.5 / well) ** 2)
    mosaic = np.minimum(mosaic + noise * rng.standard_normal(mosaic.shape), 1.0)
    colours = np.clip(demosaic(mosaic.astype(np.float32)), 0, 1)

    grey = (colours @ np.full(3, 1 / 3, np.float32))[..., None]
    colours = np.clip(grey + (colours - grey) * np.float32(rng.uniform(0.7, 1.4)), 0, 1)
    tones = colours ** np.float32(1 / rng.uniform(1.9, 2.5))
    soft = _along(_along(tones, 0.25, 0.5, 0), 0.25, 0.5, 1)
    tones = tones + (tones - soft) * np.float32(rng.uniform(0, 1.5))  # in-camera sharpening
    photo = Image.fromarray((np.clip(tones, 0, 1) * 255 + 0.5).astype(np.uint8))
    with io.BytesIO() as file:
        photo.save(file, "JPEG", quality=int(rng.integers(35, 91)))
        return np.array(Image.open(file))
