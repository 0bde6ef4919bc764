"""Crops of a dataset as torch's: anything with a length whose items are a picture and its class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.runtime.pictures import rgb_picture


class PictureDataset(Protocol):
    """A `torch.utils.data.Dataset` of pictures, or a list of pairs."""

    def __len__(self) -> int:
        """How many items it has."""
        ...

    def __getitem__(self, place: int, /) -> Any:
        """A picture (Pillow, array or tensor) and its class: a code, or a number."""
        ...


def from_dataset(
    dataset: PictureDataset,
    folder: str | Path,
    catalogue: CodeBook,
    names: Sequence[str] | None = None,
) -> CropTable:
    """Write the pictures of a dataset as PNG files, once, and list them.

    Args:
        dataset: N items (picture, class). The picture is whatever `Recogniser.answer` takes,
            before any augmentation; the class a code, or a number that stands for a name.
        folder: Where the files go; those that are there already stay as they are.
        catalogue: Knows the labels of the codes; others become -1.
        names: The code of each number; unless given, the dataset's own `classes`, as torchvision's
            datasets have them.

    Raises:
        InputError: An item is no picture with a class, or its number has no name.

    Example:
        >>> import tempfile
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["1.1", "2.5"].index)
        >>> pictures = [(np.zeros((8, 8, 3), np.uint8), 1)]
        >>> table = from_dataset(pictures, tempfile.mkdtemp(), catalogue, names=["1.1", "2.5"])
        >>> table.class_names, table.labels.tolist(), table.paths[0].name
        (('2.5',), [1], '0000000.png')
    """
    names = names or getattr(dataset, "classes", None)
    paths, codes = [], []
    for place in range(len(dataset)):
        try:
            picture, shown = dataset[place]
        except (TypeError, ValueError) as error:
            raise InputError(f"item {place} is no pair of picture and class", "mend it") from error
        path = Path(folder) / f"{place:07d}.png"
        if not path.exists():
            with whole_file(path) as temporary:
                rgb_picture(picture).save(temporary)
        paths.append(path)
        codes.append(shown if isinstance(shown, str) else _name(int(shown), names, place))
    labels = np.array([catalogue.label_of(code) for code in codes], np.int64)
    return CropTable(tuple(paths), labels, None, tuple(codes))


def _name(number: int, names: Sequence[str] | None, place: int) -> str:
    if names is None or not 0 <= number < len(names):
        known = "no names" if names is None else f"{len(names)} names"
        raise InputError(
            f"item {place} is of class {number}, but there are {known}",
            "give `names`: the code of each number",
        )
    return str(names[number])
