"""Picture files of crops that the benchmarks of answers read."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from raresign.commands.data_folder import open_test
from raresign.crops.layouts.listing import pictures_under
from raresign.errors import InputError
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.drawn_sign import render_sign

_CODES = ("2.5", "3.24.n40", "1.11.1", "4.1.1", "3.1", "5.19.1", "6.4", "3.20")


def picture_bytes(
    data: Path | None, catalogue: SignCatalogue | None = None, most: int = 64
) -> list[bytes]:
    """What some picture files hold.

    Args:
        data: A folder of crops, or, with `catalogue`, a data folder with test crops; drawn signs
            unless given.
        catalogue: The classes of its test crops.
        most: Files at most.

    Raises:
        InputError: No picture.
    """
    if data is None:
        return _drawn()
    files: list[Path] = []
    if catalogue is not None and (data / "classes.json").is_file():
        table = open_test(data, catalogue)
        files = [] if table is None else list(dict.fromkeys(table.paths))
    files = files or pictures_under(data)
    if not files:
        raise InputError(f"{data} holds no picture", "give a folder of crops")
    return [file.read_bytes() for file in files[:: max(1, len(files) // most)][:most]]


def _drawn() -> list[bytes]:
    found = []
    for code in _CODES:
        sign = Image.fromarray(render_sign(code, 60))
        crop = Image.new("RGB", (72, 72), (110, 115, 120))
        crop.paste(sign, (6, 6), sign)
        file = io.BytesIO()
        crop.save(file, "PNG")
        found.append(file.getvalue())
    return found
