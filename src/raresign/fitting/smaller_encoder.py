"""An encoder in ONNX made smaller: weights in float16, or everything in 8-bit integers."""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from raresign.errors import InputError
from raresign.runtime.onnx_encoder import with_seal

_BATCH = 32
INT8: dict[str, Any] = {
    "per_channel": True,
    "reduce_range": False,
    "activation_type": "QUInt8",
    "weight_type": "QInt8",
    "calibrate_method": "Percentile",
    "extra_options": {"CalibPercentile": 99.99},
}
"""How `integer_encoder` quantises, in onnxruntime's names; `tools/int8_settings.py` compares."""


def half_encoder(content: bytes) -> bytes:
    """The encoder with its weights in float16, which are cast to float32 when it is loaded.

    Everything is computed in float32, so it is as fast, and half as large.

    Args:
        content: Of an encoder.onnx.

    Raises:
        InputError: A weight is too large for float16.
    """
    model = onnx.load_from_string(content)
    _halve_weights(model)
    return _sealed(model)


def _halve_weights(model: onnx.ModelProto) -> None:
    """Store all float32 weights as float16; the mean and deviation of three channels stay."""
    for one in list(model.graph.initializer):
        if one.data_type == TensorProto.FLOAT and len(one.dims) > 1 and np.prod(one.dims) > 3:
            halve(model.graph, one, numpy_helper.to_array(one))


def halve(graph: onnx.GraphProto, one: onnx.TensorProto, values: np.ndarray) -> None:
    """Store an initialiser as float16; who reads it gets it cast to float32.

    Raises:
        InputError: A value is too large for float16.
    """
    with np.errstate(over="ignore"):  # told below
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise InputError(f"{one.name} is too large for float16", "train again")
    single = f"{one.name}:float32"
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == one.name:
                node.input[place] = single
    cast = helper.make_node("Cast", [one.name], [single], to=TensorProto.FLOAT)
    graph.node.insert(0, cast)
    one.CopyFrom(numpy_helper.from_array(half, one.name))


def integer_encoder(content: bytes, crops: np.ndarray, **changed: Any) -> bytes:
    """The encoder with weights and values in 8 bits, static, in QDQ form.

    The first convolution and the last layer compute in float32, with weights in float16. Ranges
    are those of all but one value in 10,000.

    Args:
        content: Of an encoder.onnx.
        crops: (N, 3, S, S) uint8 that the ranges of values are taken from: some hundred, as the
            encoder will see them.
        changed: Other settings than those of `INT8`.
    """
    from onnxruntime.quantization import (
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    said = {**INT8, **changed}
    for name in ("activation_type", "weight_type"):
        said[name] = QuantType[said[name]]
    said["calibrate_method"] = CalibrationMethod[said["calibrate_method"]]
    with tempfile.TemporaryDirectory(prefix="raresign-int8-") as folder, _quiet():
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "small.onnx"
        model = _folded(content, Path(folder) / "folded.onnx")
        onnx.save(model, plain)
        quantize_static(
            plain,
            small,
            _Crops(crops),
            quant_format=QuantFormat.QDQ,
            nodes_to_exclude=_ends(model),
            **said,
        )
        found = onnx.load(small)
        _halve_weights(found)
        return _sealed(found)


def _folded(content: bytes, place: Path) -> onnx.ModelProto:
    """The graph with casts and batch normalisations folded into the weights."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(place)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return onnx.load(place)


def _ends(model: onnx.ModelProto) -> list[str]:
    """What stays float32: all up to the first convolution, and the last layer."""
    kinds = [node.op_type for node in model.graph.node]
    first = kinds.index("Conv") if "Conv" in kinds else -1
    layers = [place for place, kind in enumerate(kinds) if kind in ("Gemm", "MatMul")]
    last = layers[-1] if layers else len(kinds)
    return [
        node.name for place, node in enumerate(model.graph.node) if place <= first or place >= last
    ]


class _Crops:
    """Feeds crops to the calibration, some at a time."""

    def __init__(self, crops: np.ndarray) -> None:
        self._left = self._batches(crops)

    def _batches(self, crops: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        for start in range(0, len(crops), _BATCH):
            pixels = crops[start : start + _BATCH].astype(np.float32) / np.float32(255)
            yield {"crops": pixels}

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next crops; None at the end."""
        return next(self._left, None)


def _sealed(model: onnx.ModelProto) -> bytes:
    """The content of a file for `OnnxEncoder`, with a new seal."""
    kept = {one.key: one.value for one in model.metadata_props if one.key == "model_sha256"}
    del model.metadata_props[:]
    helper.set_model_props(model, kept)
    model.producer_name, model.doc_string = "raresign", ""
    return with_seal(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """No hints and progress of the library: it advises a pre-processing, which was done."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
