"""`predict` of files beside the nets alone, fed with decoded arrays; the memory that it takes."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from raresign.commands.predict_files import predict
from raresign.errors import InputError
from raresign.framing.finder import Finder, own_finder
from raresign.lab.bench.crop_pictures import picture_bytes
from raresign.lab.bench.measure import fresh_processes, median_seconds
from raresign.models.built_in_files import BUILT_IN
from raresign.runs.loading import load
from raresign.runtime.recogniser import Recogniser

_FILES, _LOOKS = 512, 2
_MANY = (2_000, 20_000)
_PEAK = """
import json, sys, raresign
from raresign.lab.bench.measure import peak_mb
model, folder, out = raresign.load(sys.argv[1]), sys.argv[2], sys.argv[3]
with raresign.AnswersJournal(out) as journal:
    for answer in raresign.predict(model, [folder]):
        assert answer.error is None, answer.error
        journal.add(answer)
print(json.dumps([peak_mb()]))
"""


def bench_predict(
    quick: bool, data: Path | None, run: str | Path | None = None
) -> dict[str, float | str]:
    """Files in, JSON lines out, beside the nets that the model runs.

    `encoder`: (N, 3, S, S) uint8 arrays that were decoded and framed before, through the encoder by
    onnxruntime in the same batches. `nets`: the same, and the finder's net twice a crop, from
    arrays too, in as many threads as reading has. Neither reads, cuts or resizes a picture, or
    makes an answer. All take turns in one process, after a warm-up.

    Args:
        quick: 96 files and 2 rounds instead of 512 and 7; memory at 100 and 1,000 files instead of
            2,000 and 20,000.
        data: A data folder, whose test crops are read, or a folder of crops; drawn signs unless
            given.
        run: A run, a bundle or "built-in".

    Returns:
        `predict.files_per_second`, `predict.encoder_per_second`, `predict.nets_per_second`
        (medians), the first over the others as `predict.of_encoder` and `predict.of_nets`, and
        `predict.peak_mb_N`: resident memory of a fresh process that writes the answers of N files
        to a CSV, in mebibytes, where the system tells.

    Raises:
        InputError: No model, or no crop.
    """
    source = run or BUILT_IN
    model = load(source)
    contents = picture_bytes(data, model.catalogue)
    figures: dict[str, float | str] = {"predict.of": f"{len(contents)} pictures, again and again"}
    with tempfile.TemporaryDirectory(prefix="raresign-bench-") as place:
        folder = Path(place) / "crops"
        _write(folder, contents, 96 if quick else _FILES)
        speeds = _speeds(model, folder, 2 if quick else 7)
        figures |= {f"predict.{name}_per_second": speed for name, speed in speeds.items()}
        for name in ("encoder", "nets"):
            figures[f"predict.of_{name}"] = speeds["files"] / speeds[name]
        for count in (100, 1_000) if quick else _MANY:
            _write(folder, contents, count)
            out = Path(place) / f"{count}.csv"
            ((peak,),) = fresh_processes(_PEAK, 1, source, folder, out)
            figures[f"predict.peak_mb_{count}"] = peak
    return figures


def _write(folder: Path, contents: list[bytes], count: int) -> None:
    """Fill a folder up to `count` pictures; each content is written once, and linked."""
    folder.mkdir(exist_ok=True)
    first: list[Path] = []
    for number, content in enumerate(islice(cycle(contents), count)):
        suffix = ".png" if content.startswith(b"\x89PNG") else ".jpg"
        file = folder / f"{number:06d}{suffix}"
        if number < len(contents):
            first.append(file)
        if not file.exists():
            if number < len(contents):
                file.write_bytes(content)
            else:
                os.link(first[number % len(contents)], file)


def _speeds(model: Recogniser, folder: Path, rounds: int) -> dict[str, float]:
    """Pictures a second of `files`, `encoder` and `nets`."""
    paths = sorted(folder.iterdir())
    read = [crop for path in paths for crop in model.read(path)]
    if any(isinstance(crop, str) for crop in read):
        raise InputError("a crop cannot be read", "give pictures alone")
    crops = np.stack(read)
    finder = None if model.framing == "whole" else model.finder or own_finder()

    def files() -> None:
        for answer in predict(model, paths):
            json.dumps(answer.as_dict())

    def nets() -> None:
        if finder is not None:
            _look(finder, len(crops))
        model.encoder.embed(crops)

    parts: dict[str, Callable[[], object]] = {
        "files": files,
        "encoder": partial(model.encoder.embed, crops),
        "nets": nets,
    }
    times = median_seconds(parts, rounds)
    return {name: len(crops) / median for name, (median, _, _) in times.items()}


def _look(finder: Finder, crops: int) -> None:
    """The finder's net as often as `crops` pictures need it."""
    pixels = np.full((1, 3, finder.size, finder.size), 0.5, np.float32)
    workers = os.cpu_count() or 1

    def some(count: int) -> None:
        for _ in range(count):
            finder.run(pixels)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(some, [_LOOKS * crops // workers] * workers))
