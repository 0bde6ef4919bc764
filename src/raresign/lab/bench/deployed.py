"""The same model as it may be deployed: how alike, how good, how large, how fast."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from raresign.answers.recognition import Recognition
from raresign.bundles.bundle import ENCODER, Bundle
from raresign.commands.bundle.export_model import PRECISIONS, export, read_model
from raresign.commands.data_folder import open_test
from raresign.commands.start_run import start_run
from raresign.crops.squashing import squashed_chunks
from raresign.errors import InputError
from raresign.evaluation.calibration import calibration_error
from raresign.evaluation.intervals import Estimate
from raresign.fitting.calibration_crops import calibration_crops
from raresign.fitting.encoder_export import encoder_graph
from raresign.lab.bench.measure import median_seconds
from raresign.models.built_in_files import is_built_in
from raresign.models.folding import folded
from raresign.models.outputs import TorchEncoder
from raresign.models.sign_net import SignNet
from raresign.runs.run_folder import RunFolder
from raresign.runtime.onnx_encoder import OnnxEncoder
from raresign.runtime.openvino_encoder import OpenVinoEncoder
from raresign.runtime.recogniser import Encoder, Recogniser

_MOST, _TIMED, _BATCH = 2000, 256, 64
_CORES = (1, 2)
_Embed = Callable[[np.ndarray], object]


def bench_deployed(quick: bool, data: Path | None, run: str | Path) -> dict[str, Any]:
    """Answers of bundles in each precision beside those of the net in torch, and crops a second.

    All speeds are of one process, in turn, after a warm-up; each is the median.

    Args:
        quick: 200 crops and 3 rounds instead of 2,000 and 9; torch is not compiled.
        data: A data folder, whose test crops are answered; synthetic crops unless given.
        run: A finished run, or "built-in".

    Returns:
        By `torch` and each PRECISION, and dotted names: `runtime.PRECISION.same_answers` (class and
        level as torch), `.largest_difference` (of a probability), `.rare` and `.freq` (recall, with
        `_low` and `_high`), `.ece`, `.mb` (of the bundle), `.crops_per_second_N` on N cores; the
        last for `torch_compiled`, too. Where OpenVINO is installed the same by
        `openvino_PRECISION`. `runtime.exporter_NAME` tells how far the embeddings of each ONNX
        exporter are off those of the net.

    Raises:
        InputError: No finished run, or data without crops of its classes.
    """
    with tempfile.TemporaryDirectory(prefix="raresign-bench-") as folder:
        place = start_run(Path(folder) / "built-in") if is_built_in(run) else Path(run)
        return _measured(quick, data, place, Path(folder))


def _measured(quick: bool, data: Path | None, run: Path, folder: Path) -> dict[str, Any]:
    found, net = read_model(run), RunFolder.open(run).model()
    crops, labels = _crops(found.recogniser, run, data, _MOST // 10 if quick else _MOST)
    wanted = replace(found.recogniser, encoder=TorchEncoder(net)).recognise(crops)
    rare = np.array([sign.type == "rare" for sign in found.catalogue.classes])
    figures: dict[str, Any] = {
        "runtime.crops": len(crops),
        "runtime.classes": len(found.catalogue),
        "runtime.of": "real test crops" if data else "synthetic crops: give --data DATA",
        **_exporters(net, crops[:5]),
        **_figures("torch", wanted, labels, rare),
    }
    embedders: dict[str, Callable[[int], _Embed]] = {"torch": lambda cores: _torch(net, cores)}
    for precision in PRECISIONS:
        file = export(run, folder / f"{precision}.raresign", precision=precision)
        bundle = Bundle.open(file)
        model, content = bundle.recogniser(), bundle.parts[ENCODER]
        forms: dict[str, Encoder] = {precision: model.encoder}
        embedders[precision] = _onnx(content)
        if find_spec("openvino"):
            forms[f"openvino_{precision}"] = OpenVinoEncoder(content)
            embedders[f"openvino_{precision}"] = _openvino(content)
        for form, encoder in forms.items():
            said = replace(model, encoder=encoder).recognise(crops)
            figures |= _figures(form, said, labels, rare) | _parity(form, said, wanted)
            figures[f"runtime.{form}.mb"] = file.stat().st_size / 1e6
    if not quick:
        compiled, why = _compiled(net, crops)
        if compiled is None:
            figures["runtime.torch_compiled"] = f"skipped: {why}"
        else:
            embedders["torch_compiled"] = lambda cores: _torch(compiled, cores)
    return figures | _speeds(embedders, crops, 3 if quick else 9)


def _crops(
    model: Recogniser, run: Path, data: Path | None, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3, S, S) uint8 crops as the model reads them and their (N,) labels."""
    size = model.encoder.crop_size
    if data is None:
        classes = len(model.catalogue)
        return calibration_crops(run, size, most)[::-1].copy(), np.arange(most)[::-1] % classes
    table = open_test(data, model.catalogue)
    if table is None or not (table.labels >= 0).any():
        raise InputError(f"{data} holds no test crop with a class that {run} knows", "name another")
    known = np.flatnonzero(table.labels >= 0)
    chosen = np.zeros(len(table), bool)
    chosen[np.random.default_rng(0).permutation(known)[:most]] = True
    table = table.filter(chosen)
    chunks = [*squashed_chunks(table, size, model.framing, model.finder)]
    rows = [row for chunk in chunks for row in chunk.rows]
    return np.concatenate([chunk.crops for chunk in chunks]), table.labels[rows]


def _figures(
    name: str, said: Recognition, labels: np.ndarray, rare: np.ndarray
) -> dict[str, float]:
    """Recall of rare and frequent classes with intervals, and the calibration error."""
    right = said.probabilities.argmax(1) == labels
    figures: dict[str, float] = {}
    for group, own in (("rare", rare[labels]), ("freq", ~rare[labels])):
        one = Estimate.of_share(int(right[own].sum()), int(own.sum()))
        key = f"runtime.{name}.{group}"
        figures |= {key: one.value, f"{key}_low": one.low, f"{key}_high": one.high}
    figures[f"runtime.{name}.ece"] = calibration_error(said.probabilities.max(1), right)
    return figures


def _parity(name: str, said: Recognition, wanted: Recognition) -> dict[str, float]:
    """How like the answers are to those of the net in torch."""
    same = said.probabilities.argmax(1) == wanted.probabilities.argmax(1)
    apart = np.abs(said.probabilities - wanted.probabilities).max()
    return {
        f"runtime.{name}.same_answers": float((same & (said.levels == wanted.levels)).mean()),
        f"runtime.{name}.largest_difference": float(apart),
    }


def _exporters(net: SignNet, crops: np.ndarray) -> dict[str, Any]:
    """How far the embeddings of each ONNX exporter are off those of the net, of its largest."""
    wanted = TorchEncoder(net).embed(crops)
    found: dict[str, Any] = {}
    for name, dynamo in (("torchscript", False), ("dynamo", True)):
        try:
            with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                graph = encoder_graph(folded(net), dynamo=dynamo)
            got = OnnxEncoder(graph.SerializeToString()).embed(crops)
            found[f"runtime.exporter_{name}"] = float(
                np.abs(got - wanted).max() / np.abs(wanted).max()
            )
        except Exception as error:  # whatever an exporter makes of an operation that it lacks
            found[f"runtime.exporter_{name}"] = f"fails: {type(error).__name__}: {error}"[:200]
    return found


def _torch(net: Any, cores: int) -> _Embed:
    encoder = TorchEncoder(net)

    def embed(crops: np.ndarray) -> object:
        before = torch.get_num_threads()
        torch.set_num_threads(cores)
        try:
            return encoder.embed(crops)
        finally:
            torch.set_num_threads(before)

    return embed


def _onnx(content: bytes) -> Callable[[int], _Embed]:
    return lambda cores: OnnxEncoder(content, threads=cores).embed


def _openvino(content: bytes) -> Callable[[int], _Embed]:
    return lambda cores: OpenVinoEncoder(content, threads=cores).embed


def _compiled(net: SignNet, crops: np.ndarray) -> tuple[Any, str]:
    """The net by `torch.compile`, or why there is none."""
    try:
        compiled: Any = torch.compile(folded(net))
        TorchEncoder(compiled).embed(crops[:_BATCH])
    except Exception as error:  # needs a C++ compiler, and may lack an operation
        return None, f"{type(error).__name__}: {str(error)[:150]}"
    return compiled, ""


def _speeds(
    embedders: dict[str, Callable[[int], _Embed]], crops: np.ndarray, rounds: int
) -> dict[str, float]:
    """Crops a second of each, in batches of 64."""
    few = np.resize(crops, (_TIMED, *crops.shape[1:]))
    figures: dict[str, float] = {}
    for cores in _CORES:
        ready = {name: make(cores) for name, make in embedders.items()}
        parts = {
            name: (
                lambda embed=embed: [embed(few[k : k + _BATCH]) for k in range(0, _TIMED, _BATCH)]
            )
            for name, embed in ready.items()
        }
        for name, (median, fastest, slowest) in median_seconds(parts, rounds).items():
            key = f"runtime.{name}.crops_per_second_{cores}"
            figures |= {
                key: _TIMED / median,
                f"{key}_slowest": _TIMED / slowest,
                f"{key}_fastest": _TIMED / fastest,
            }
    return figures
