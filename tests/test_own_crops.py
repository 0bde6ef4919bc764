"""Crops that a program has: a table of them, and datasets as torch's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from raresign.commands.data_folder import open_data
from raresign.commands.dataset_crops import from_dataset
from raresign.crops.crop_table import CropTable
from raresign.errors import InputError

BOOK: Any = SimpleNamespace(label_of=lambda code: {"1.1": 0, "2.5": 1}.get(code, -1))


def test_a_torch_dataset_is_written_once(tmp_path: Path) -> None:
    pixels = torch.randint(0, 256, (3, 3, 9, 7), dtype=torch.uint8)
    dataset: Any = TensorDataset(pixels, torch.tensor([1, 0, 2]))
    table = from_dataset(dataset, tmp_path, BOOK, names=["1.1", "2.5", "9.9"])
    assert table.labels.tolist() == [1, 0, -1]
    for path, one in zip(table.paths, pixels, strict=True):
        with Image.open(path) as picture:
            assert (np.asarray(picture) == one.permute(1, 2, 0).numpy()).all()
    times = [path.stat().st_mtime_ns for path in table.paths]
    from_dataset(dataset, tmp_path, BOOK, names=["1.1", "2.5", "9.9"])
    assert [path.stat().st_mtime_ns for path in table.paths] == times
    with pytest.raises(InputError, match="item 0 is of class 1, but there are no names"):
        from_dataset(dataset, tmp_path, BOOK)
    with pytest.raises(InputError, match="item 0 is no pair"):
        from_dataset([3], tmp_path, BOOK)


def test_a_table_trains_by_its_names(data_folder: Path) -> None:
    paths = tuple(sorted((data_folder / "cropped-train").glob("*/*"))[:3])
    wrong = np.array([0, 0, 0])
    named = CropTable(paths, wrong, None, ("2.5", "no such class", ""))
    source = open_data(data_folder, named)
    assert source.training.labels.tolist() == [source.catalogue.label_of("2.5"), -1, -1]
    assert source.test is not None
    numbered = open_data(data_folder, CropTable(paths, wrong + 1, None, ("",) * 3))
    assert numbered.training.labels.tolist() == [1, 1, 1]
    with pytest.raises(InputError, match="label 99 in the table"):
        open_data(data_folder, CropTable(paths, wrong + 99, None, ("",) * 3))
