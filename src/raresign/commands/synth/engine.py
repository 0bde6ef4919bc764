"""The engine that `raresign synth` renders with: whole blocks of crops, the same on every run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from raresign.commands.data_folder import open_data
from raresign.commands.progress import Say, silent
from raresign.errors import InputError
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import Synthesiser, SyntheticBatch
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import ReferencePreset, RoadPreset
from raresign.synthesis.synthesiser import build_synthesiser

BLOCK = 512
"""Crops that are rendered together. A crop's last bit may depend on its neighbours in the batch, so
a block is always rendered whole and always with the same numbers."""


@dataclass(frozen=True)
class SynthEngine:
    """What synthetic crops are made from, numbered and named by.

    Args:
        codes: Class codes; `codes[label]`.
        icon_files: File names of the icons, one for each of the atlas's rows.
        svg_text: Whether text in SVG icons is drawn, see `open_data`.
    """

    preset: RoadPreset | ReferencePreset
    icons: IconAtlas
    backgrounds: BackgroundAtlas
    codes: tuple[str, ...]
    icon_files: tuple[str, ...]
    seed: int
    svg_text: bool = False

    def synthesiser(self) -> Synthesiser:
        """The engine of the preset."""
        return build_synthesiser(self.preset, self.icons, self.backgrounds, self.seed)

    def digests(self) -> dict[str, str]:
        """What decides the pixels besides numbers: icons as drawn, backgrounds as read, and what
        this version of everything (engine, torch, processor) makes of them in the first block."""
        with one_thread():
            first = render_block(self.synthesiser(), 0, len(self.codes)).crops
        backgrounds = self.backgrounds
        return {
            "icons": _digest(self.icons.picture, self.icons.corner),
            "backgrounds": _digest(backgrounds.pixels, backgrounds.height, backgrounds.squashed),
            "engine": _digest(torch.from_numpy(as_bytes(first))),
        }


def open_engine(
    data: str | Path,
    preset: RoadPreset | ReferencePreset,
    size: int,
    seed: int,
    say: Say = silent,
    country: str | None = None,
    svg_text: bool = False,
) -> SynthEngine:
    """Draw the icons of a data folder and read its backgrounds.

    See `synthesise`; `say` is told where backgrounds are simulated.

    Raises:
        InputError: Another size, or the folder misses something.
    """
    if not 8 <= size <= 512:
        raise InputError(f"crops of {size} pixels", "ask for 8..512")
    source = open_data(data, country=country, real=False, svg_text=svg_text)
    if not (source.root / "background_images").is_dir():
        say(f"{data} has no background_images: backgrounds are made up")
    icons = IconAtlas.from_catalogue(source.catalogue, size)
    backgrounds = BackgroundAtlas.from_pictures(source.backgrounds(), size)
    by_code = {sign.code: sign.icons for sign in source.catalogue.classes}
    shown = zip(icons.codes, icons.sources, strict=True)
    files = tuple(by_code[code][number].name for code, number in shown)
    return SynthEngine(preset, icons, backgrounds, source.catalogue.codes, files, seed, svg_text)


def render_block(synthesiser: Synthesiser, first: int, classes: int) -> SyntheticBatch:
    """The `BLOCK` crops from number `first` on.

    Crop k of class c has the number k * classes + c, so asking for more crops changes none, and a
    set that was stopped early has about the same number of every class.
    """
    numbers = torch.arange(first, first + BLOCK)
    return synthesiser.render(numbers % classes, numbers, record=True)


def as_bytes(crops: Tensor) -> npt.NDArray[np.uint8]:
    """(N, 3, S, S) float32 in [0, 1] -> (N, S, S, 3) uint8."""
    pixels: npt.NDArray[np.uint8] = crops.mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    return pixels


@contextmanager
def one_thread() -> Iterator[None]:
    """Tensor operations on one thread each: how a sum is split among threads changes its last bit.

    Blocks are rendered side by side instead.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def preset_digest(preset: RoadPreset | ReferencePreset) -> str:
    """16 hex digits of all values of a preset."""
    text = json.dumps(preset.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digest(*tensors: Tensor) -> str:
    """SHA-256 of the bytes of tensors, 32 hex digits."""
    whole = hashlib.sha256()
    for tensor in tensors:
        whole.update(np.ascontiguousarray(tensor.numpy()).data)
    return whole.hexdigest()[:32]
