"""The encoder of a trained net in ONNX: crops in, embeddings out, without torch."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime

from raresign.errors import InputError

ENCODER_FILE = "encoder.onnx"
MODEL_DIGEST = "model_sha256"
"""Metadata of the file: checksum of the weights that it was made from."""
_BATCH = 64


class OnnxEncoder:
    """Runs `encoder.onnx`, on the CPU.

    The file takes `crops`, (N, 3, S, S) float32 in [0, 1], and gives `embedding`, (N, E) float32,
    before the ReLU; mean and standard deviation are inside it.

    Args:
        source: The file, or what it holds.

    Attributes:
        crop_size: S, side of the crops in pixels.
        model_digest: Checksum of the weights that the file was made from; "" if it names none.

    Raises:
        InputError: The file is missing, damaged, or no such encoder.
    """

    def __init__(self, source: str | Path | bytes) -> None:
        path = "the encoder" if isinstance(source, bytes) else str(source)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int((os.environ.get("OMP_NUM_THREADS") or "0").split(",")[0])
        # 0: all cores
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                source if isinstance(source, bytes) else path,
                options,
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # onnxruntime has a class of its own for each kind of damage
            raise InputError(
                f"{path} is no readable encoder: {error}",
                "delete it, and answers need torch; or train again",
            ) from error
        taken, given = self._session.get_inputs(), self._session.get_outputs()
        if [one.name for one in (*taken, *given)] != ["crops", "embedding"]:
            raise InputError(
                f"{path} takes {[one.name for one in taken]} and gives "
                f"{[one.name for one in given]}",
                "an encoder takes crops and gives embedding",
            )
        self.crop_size = int(taken[0].shape[-1])
        self.width = int(given[0].shape[-1])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.model_digest = str(metadata.get(MODEL_DIGEST, ""))

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """(N, E) float32 embeddings of (N, 3, S, S) uint8 crops."""
        parts = [np.empty((0, self.width), np.float32)]
        for start in range(0, len(crops), _BATCH):
            pixels = crops[start : start + _BATCH].astype(np.float32) / np.float32(255)
            parts.append(self._session.run(["embedding"], {"crops": pixels})[0])
        return np.concatenate(parts)
