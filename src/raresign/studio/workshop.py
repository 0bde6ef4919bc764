"""Processes beside the studio that hold PyTorch: they make crops of new signs and add them.

The studio itself neither loads PyTorch nor waits for it. A process starts when the page "Add a
sign" is first opened, and ends with the studio.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from typing import Any

from PIL import Image

import raresign
from raresign.language.spoken import _, current_language, speaking
from raresign.service.served_model import change_run
from raresign.studio.effects import turned

_SIDE, _SCALE = 64, 2
CROPS = 24
_PROCESSES = 2
"""One may try a sign while the other draws its expected look; the second starts when needed."""


class Workshop:
    """Runs our own functions in these processes."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    @property
    def is_possible(self) -> bool:
        """Whether the training extra is installed."""
        return find_spec("torch") is not None and find_spec("lightning") is not None

    def warm(self) -> None:
        """Start the process, if it is not there."""
        if self.is_possible:
            self._submit(_warmed)

    def call(self, function: Callable[..., Any], *given: Any) -> Any:
        """What a function returns there, in the language that is spoken here.

        Raises:
            InputError: What it raised; or the training extra is not installed.
        """
        if not self.is_possible:
            raise raresign.InputError(
                _("signs are added only where the training extra is installed"),
                'pip install "raresign[train]"',
            )
        try:
            made, problem, hint = self._submit(_told, current_language(), function, given).result()
        except BrokenProcessPool as error:
            self.close()
            raise raresign.InputError(
                _("the process that makes signs has ended"), _("try again")
            ) from error
        if problem:
            raise raresign.InputError(problem, hint)
        return made

    def change(self, what: str, given: tuple[Any, ...]) -> Any:
        """As `ServedModel` wants a run to be changed."""
        return self.call(change_run, what, given)

    def close(self) -> None:
        """End the process after what it does."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, function: Callable[..., Any], *given: Any) -> Future[Any]:
        with self._lock:
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(_PROCESSES, mp_context=context, initializer=_start)
            return self._pool.submit(function, *given)


def _start() -> None:
    """Leave a core to the pages; read when PyTorch is loaded."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))


def _warmed() -> None:
    """Load what takes longest."""
    raresign.expected_crops  # noqa: B018 (it is loaded as it is named)
    raresign.preview_class  # noqa: B018


def _told(language: str, function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    """What a function returned, or the problem and the hint of an InputError."""
    try:
        with speaking(language), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*given), "", ""
    except raresign.InputError as error:
        return None, error.problem, error.hint


def preview(run: str, icon: str, code: str, name: str) -> dict[str, Any]:
    """`raresign.preview_class` as plain values."""
    return raresign.preview_class(run, icon, code, name).as_dict()


def expected_look(
    run: str, icon: str, code: str, turns: Mapping[str, int], columns: int = 8
) -> bytes:
    """A sheet of what a camera would see of a sign, as WebP.

    Args:
        run: Its backgrounds are behind the signs.
        icon: An icon file.
        code: Class code, whose value a template shows.
        turns: See `effects.turned`.
        columns: Crops side by side.
    """
    preset = turned(raresign.load_preset("road"), turns)
    crops = raresign.expected_crops(run, icon, code, preset, CROPS, _SIDE)
    gap, cell = 4, _SIDE * _SCALE
    rows = -(-CROPS // columns)
    sheet = Image.new("RGBA", (columns * (cell + gap) - gap, rows * (cell + gap) - gap))
    for place, crop in enumerate(crops):
        large = Image.fromarray(crop).resize((cell, cell), Image.Resampling.BICUBIC)
        row, column = divmod(place, columns)
        sheet.paste(large, (column * (cell + gap), row * (cell + gap)))
    file = io.BytesIO()
    sheet.save(file, "WEBP", quality=86, method=2)
    return file.getvalue()
