"""The encoder of a bundle run by OpenVINO, which is faster on many Intel processors."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

import numpy as np

from raresign.errors import InputError
from raresign.runtime.threads import said_threads

if TYPE_CHECKING:
    import openvino

_BATCH = 64


class OpenVinoEncoder:
    """Runs the content of an `encoder.onnx` by OpenVINO, on the CPU, in float32 or as quantised.

    Args:
        content: Of the file, checked before.
        threads: Cores to use; as many as OMP_NUM_THREADS says, or all, unless given.

    Attributes:
        crop_size: S, side of the crops in pixels.
        digest: Names file and engine, which rounds otherwise than onnxruntime does.

    Raises:
        InputError: OpenVINO is not installed, or cannot read it.
    """

    def __init__(self, content: bytes, threads: int | None = None) -> None:
        threads = said_threads() if threads is None else threads
        self.digest = f"openvino-{hashlib.sha256(content).hexdigest()}"
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            core = _core()
            self._net = core.compile_model(core.read_model(content), "CPU", options)
            self.crop_size = int(self._net.input("crops").partial_shape[-1].get_length())
            self.width = int(self._net.output("embedding").partial_shape[-1].get_length())
        except RuntimeError as error:
            why = (str(error).strip().splitlines() or [""])[-1][:300]
            raise InputError(
                f"OpenVINO cannot read the encoder: {why}", "leave engine out: onnxruntime can"
            ) from error

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """(N, E) float32 embeddings of (N, 3, S, S) uint8 crops."""
        parts = [np.empty((0, self.width), np.float32)]
        for start in range(0, len(crops), _BATCH):
            pixels = crops[start : start + _BATCH].astype(np.float32) / np.float32(255)
            parts.append(self._net({"crops": pixels})["embedding"].copy())
        return np.concatenate(parts)


@functools.cache
def _core() -> openvino.Core:
    """The one core of this process, never freed.

    Each core sets a stack for signals and frees it when it goes. Of two that go in the order in
    which they came the second gives back the stack of the first, and the next signal, such as
    Ctrl-C, ends the process (seen in OpenVINO 2026.4).
    """
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise InputError(
            "engine 'openvino' needs openvino, which is not installed",
            'pip install "raresign[openvino]"',
        ) from error
    return openvino.Core()
