"""What says which signs there are: classes.json, names.csv, the catalogue of a run."""

from __future__ import annotations

import json
from pathlib import Path

from fuzzing.kind import Kind, Target, reading, with_field

CLASSES = json.dumps(
    {
        "country": "RU",
        "3.24.n40": {"id": 0, "type": "freq", "name": "40", "family": "red ring"},
        "1.11.1": {"id": 7, "type": "rare"},
    }
).encode()


def write_icons(folder: Path, *codes: str) -> None:
    """An icon a class, PNG."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for number, code in enumerate(codes):
        icon = Image.new("RGBA", (24, 24))
        icon.paste((200, 40 * number, 30, 255), (3, 3, 21, 21))
        icon.paste((250, 250, 250, 255), (6, 6 + number, 18, 12))
        icon.save(folder / f"{code}.png")


def _classes(folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.signs.catalogue.classes_file import read_classes

    seeds = with_field([CLASSES], "classes.json")
    read = reading(folder / "classes.json", read_classes)
    return Target(seeds, read, (InputError,), ("json",))


def _folder(folder: Path) -> Target:
    """classes.json and icons together: country, twins, values, families."""
    from raresign.errors import InputError
    from raresign.signs.catalogue.sign_catalogue import SignCatalogue

    write_icons(folder / "icons", "3.24.n40", "1.11.1", "1.11.2", "274.2-60")

    def read(path: Path) -> object:
        catalogue = SignCatalogue.from_folder(path.parent)
        return [catalogue.label_of(code) for code in catalogue.codes], catalogue.iso

    twins = {code: {"id": k, "type": "freq"} for k, code in enumerate(("1.11.1", "1.11.2"))}
    german = {"country": "DE", "274.2-60": {"id": 1, "type": "rare"}}
    seeds = [CLASSES, json.dumps(twins).encode(), json.dumps(german).encode()]
    return Target(seeds, reading(folder / "classes.json", read), (InputError,), ("json",))


def _copy(folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.signs.catalogue.sign_catalogue import SignCatalogue
    from raresign.signs.catalogue.sign_class import SignClass

    write_icons(folder / "own", "1.11.1", "1.11.2", "2.5")
    own = folder / "own"
    signs = [
        SignClass("1.11.1", 0, "freq", (own / "1.11.1.png",), "red triangle", "1.11.2", "a"),
        SignClass("1.11.2", 3, "rare", (own / "1.11.2.png",), "red triangle", "1.11.1", "b"),
        SignClass("2.5", 4, "freq", (own / "2.5.png",), "red octagon", None),
    ]
    place = folder / "catalogue"
    SignCatalogue(signs, None).save(place)
    seed = (place / "catalogue.json").read_bytes()

    def read(path: Path) -> object:
        return SignCatalogue.load(path.parent).country

    return Target([seed], reading(place / "catalogue.json", read), (InputError,), ("json",))


def _names(folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.signs.catalogue.names_file import read_names

    seeds = ["code,name\n12,Priority road\n13,Stop\n", "\ufeffcode;name;x\n12;Главная дорога;\n"]
    read = reading(folder / "names.csv", lambda path: read_names(path, ["12", "13"]))
    return Target([seed.encode() for seed in seeds], read, (InputError,), ("lines",))


_CODE = ("raresign.signs.catalogue", "raresign.parsing")

KINDS = [
    Kind("classes.json", 12_000, _classes, _CODE),
    Kind("classes.json with icons", 1_000, _folder),
    Kind("catalogue.json of a run", 5_000, _copy),
    Kind("names.csv", 8_000, _names),
]
