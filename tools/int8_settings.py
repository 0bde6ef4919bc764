"""Compares int8 settings on training crops; the test folder chooses nothing.

Usage: python tools/int8_settings.py RUN DATA [how many crops; 500]

Prints for each, beside fp32 with the same head: the share of crops with the same class and level,
the mean difference of the best class's probability, and seconds a hundred crops.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from raresign.commands.bundle.export_model import read_model
from raresign.commands.data_folder import open_data
from raresign.crops.squashing import squashed_chunks
from raresign.fitting.calibration_crops import calibration_crops
from raresign.fitting.smaller_encoder import integer_encoder
from raresign.runtime.onnx_encoder import OnnxEncoder

CALIBRATION = 256
SETTINGS = {
    "99.99 % (ours)": {},
    "99.999 %": {"extra_options": {"CalibPercentile": 99.999}},
    "99.9 %": {"extra_options": {"CalibPercentile": 99.9}},
    "largest value": {"calibrate_method": "MinMax", "extra_options": {}},
    "entropy": {"calibrate_method": "Entropy", "extra_options": {}},
    "7-bit weights": {"reduce_range": True},
    "a scale a layer": {"per_channel": False},
}


def main() -> None:
    run, data = sys.argv[1], Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 500
    found = read_model(run)
    model, size = found.recogniser, found.recogniser.encoder.crop_size
    table = open_data(data).training
    chosen = np.zeros(len(table), bool)
    chosen[np.random.default_rng(0).permutation(len(table))[:count]] = True
    chunks = squashed_chunks(table.filter(chosen), size, model.framing, model.finder)
    crops = np.concatenate([chunk.crops for chunk in chunks])
    wanted, ranges = model.recognise(crops), calibration_crops(run, size, CALIBRATION)
    rows, best = np.arange(len(crops)), wanted.probabilities.argmax(1)
    for name, changed in SETTINGS.items():
        encoder = OnnxEncoder(integer_encoder(found.encoder, ranges, **changed))
        start = time.process_time()
        said = replace(model, encoder=encoder).recognise(crops)
        seconds = (time.process_time() - start) * 100 / len(crops)
        same = (said.probabilities.argmax(1) == best) & (said.levels == wanted.levels)
        apart = np.abs(said.probabilities[rows, best] - wanted.probabilities[rows, best]).mean()
        print(f"{name:16} {100 * same.mean():6.2f} % {apart:.5f} {seconds:.3f} s", flush=True)


if __name__ == "__main__":
    main()
