"""Contact sheets of a run: synthetic crops beside real ones, class by class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from raresign.files import whole_file
from raresign.report.sheets import contact_sheet
from raresign.signs.values import in_order
from raresign.training.training_data import TrainingData

_CLASSES, _EACH = 20, 8


def write_sheets(folder: Path, data: TrainingData, preset: str) -> None:
    """Write synthetic.png and real.png, one row a class, the same classes in both where possible.

    Args:
        folder: Where the two sheets go.
        data: Crops, icons and backgrounds of the run.
        preset: Synthesis preset.
    """
    labels, names = data.labels.numpy(), data.catalogue.codes
    every = sorted(range(len(names)), key=lambda label: in_order(names[label]))
    present = [label for label in every if (labels == label).any()]
    rows = _spread(present or every, _CLASSES)
    wanted = torch.tensor(rows).repeat_interleave(_EACH)
    engine = data.synthesiser(preset, 0, torch.device("cpu"))
    made = engine.render(wanted, torch.arange(len(wanted))).crops
    codes = [data.catalogue.codes[label] for label in wanted.tolist()]
    _write(folder / "synthetic.png", made.mul(255).round().byte().numpy(), codes)
    if present:
        places = [
            place for label in rows for place in _spread(np.flatnonzero(labels == label), _EACH)
        ]
        codes = [data.catalogue.codes[labels[place]] for place in places]
        _write(folder / "real.png", data.crops[torch.tensor(places)].numpy(), codes)


def _spread(values: list[int] | np.ndarray, count: int) -> list[int]:
    """`count` of the values, evenly spread; some twice where there are fewer."""
    return [int(values[i * len(values) // count]) for i in range(count)]


def _write(path: Path, crops: np.ndarray, codes: list[str]) -> None:
    with whole_file(path) as temporary:
        contact_sheet(crops, _EACH, codes).save(temporary)
