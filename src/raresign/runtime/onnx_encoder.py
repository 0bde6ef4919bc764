"""The encoder of a trained net in ONNX: crops in, embeddings out, without torch."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from raresign.errors import InputError
from raresign.files import read_bytes
from raresign.memory import parts_that_fit
from raresign.networks import open_network, side_of
from raresign.runtime.threads import said_threads

ENCODER_FILE = "encoder.onnx"
MODEL_DIGEST = "model_sha256"
"""Metadata of the file: checksum of the weights that it was made from."""
_BATCH = 16
"""Crops that one core computes at once: what they take of memory stays near its cache."""
_FEWEST = 4
"""Fewer crops are not divided among cores."""
_MOST_BYTES = (1 << 31) - 1  # of a protobuf message
_HINT = "delete it, and answers need torch; or train again"
# A property of the graph (field 14 of ONNX's ModelProto: name, value) with the checksum of all
# bytes before it. It stands last, so it is written without reading the graph, and ONNX reads it.
_SEAL = b"\x72\x4f\x0a\x0bfile_sha256\x12\x40"
_DIGITS = 64


def with_seal(content: bytes) -> bytes:
    """An ONNX file with a checksum of its own at its end.

    Example:
        >>> _is_whole(with_seal(b"graph")), _is_whole(with_seal(b"graph").replace(b"g", b"G"))
        (True, False)
    """
    return content + _SEAL + hashlib.sha256(content).hexdigest().encode()


def _is_whole(content: bytes) -> bool:
    """Whether an ONNX file is what was written; those of earlier versions do not tell."""
    start = _start_of_seal(content)
    if start is None:
        return True
    return hashlib.sha256(content[:start]).hexdigest().encode() == content[-_DIGITS:]


def _start_of_seal(content: bytes) -> int | None:
    """Where the checksum at the end of a file begins; None if it has none."""
    start = len(content) - len(_SEAL) - _DIGITS
    return start if start >= 0 and content.startswith(_SEAL, start) else None


class OnnxEncoder:
    """Runs `encoder.onnx`, on the CPU.

    The file takes `crops`, (N, 3, S, S) float32 in [0, 1], and gives `embedding`, (N, E) float32,
    before the ReLU; mean and standard deviation are inside it.

    Args:
        source: The file, or what it holds.
        checked: Whether a checksum of it was compared already.
        threads: Cores to use; as many as OMP_NUM_THREADS says, or all, unless given.
        own: It came with the package.

    Attributes:
        crop_size: S, side of the crops in pixels.
        digest: Names the file's content; what no file says is computed when it is asked for.
        model_digest: Checksum of the weights that the file was made from; "" if it names none.

    Raises:
        InputError: The file is missing, damaged, or no such encoder.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        checked: bool = False,
        threads: int | None = None,
        own: bool = False,
    ) -> None:
        self._source = source
        path = "the encoder" if isinstance(source, bytes) else str(source)
        try:
            content = source if isinstance(source, bytes) else read_bytes(source, _MOST_BYTES)
            if not checked and not _is_whole(content):
                raise ValueError("the checksum does not match")
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is no readable encoder: {error}", _HINT) from error
        # Each core computes crops of its own: threads of onnxruntime that share a batch spin while
        # they wait for each other, on the cores that pictures are read on.
        self._threads = (said_threads() if threads is None else threads) or os.cpu_count() or 1
        try:
            self._session = open_network(content, threads=1, own=own)
        except Exception as error:  # onnxruntime has a class of its own for each kind of damage
            raise InputError(f"{path} is no readable encoder: {error}", _HINT) from error
        try:
            taken, given = self._session.get_inputs(), self._session.get_outputs()
            names = [[one.name for one in each] for each in (taken, given)]
            metadata = self._session.get_modelmeta().custom_metadata_map
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is no readable encoder: {error}", _HINT) from error
        if names != [["crops"], ["embedding"]]:
            raise InputError(
                f"{path} takes {names[0]} and gives {names[1]}",
                "an encoder takes crops and gives embedding",
            )
        if _start_of_seal(content) is not None:
            self.digest = content[-_DIGITS:].decode()
        elif not isinstance(source, bytes):
            self.digest = hashlib.sha256(content).hexdigest()
        try:
            self.crop_size, self.width = side_of(self._session), int(given[0].shape[-1])
        except (ValueError, TypeError, IndexError) as error:
            raise InputError(f"{path} is no encoder of crops: {error}", _HINT) from error
        self.model_digest = str(metadata.get(MODEL_DIGEST, ""))

    @cached_property
    def digest(self) -> str:
        """Names the file's content."""
        assert isinstance(self._source, bytes)  # or it is set above
        return hashlib.sha256(self._source).hexdigest()

    def __reduce__(self) -> tuple[type[OnnxEncoder], tuple[bytes, bool]]:
        """For another process, on another machine perhaps: what the file holds."""
        source = self._source
        content = source if isinstance(source, bytes) else read_bytes(source, _MOST_BYTES)
        return OnnxEncoder, (content, False)

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """(N, E) float32 embeddings of (N, 3, S, S) uint8 crops."""
        count = len(crops)
        most = min(_BATCH, max(_FEWEST, -(-count // self._threads)))

        def some(first: int) -> list[np.ndarray]:
            own = crops[first : first + most]
            return list(parts_that_fit(lambda *part: self._run(own[slice(*part)]), len(own), most))

        none = np.empty((0, self.width), np.float32)
        starts = range(0, count, most)
        if len(starts) < 2 or self._threads == 1:
            parts = [*map(some, starts)]
        else:
            with ThreadPoolExecutor(min(self._threads, len(starts))) as cores:
                parts = [*cores.map(some, starts)]
        return np.concatenate([none, *chain(*parts)])

    def _run(self, crops: np.ndarray) -> np.ndarray:
        """`embed` of crops that one core computes at once."""
        pixels = crops.astype(np.float32) / np.float32(255)
        found: np.ndarray = self._session.run(["embedding"], {"crops": pixels})[0]
        return found
