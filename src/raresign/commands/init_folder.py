"""`raresign init`: a data folder begun from icons or a COCO file, and what it still lacks."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raresign.crops.layouts.labelling import first_names
from raresign.crops.layouts.listing import pictures_in
from raresign.errors import InputError
from raresign.files import write_json
from raresign.language.spoken import _
from raresign.signs.catalogue.classes_file import json_object
from raresign.signs.icons.icon_file import ICON_SUFFIXES, icon_files
from raresign.signs.values import in_order


@dataclass(frozen=True)
class NewDataFolder:
    """A data folder that was begun.

    Attributes:
        folder: Where it is.
        frequent: Codes of classes with real crops.
        rare: Codes of classes with an icon alone.
        missing: A sentence for each thing that is missing, the most pressing first.
        next: The command to go on with.
    """

    folder: Path
    frequent: tuple[str, ...]
    rare: tuple[str, ...]
    missing: tuple[str, ...]
    next: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "folder": str(self.folder)}


def init_data(
    data: str | Path, icons: str | Path | None = None, coco: str | Path | None = None
) -> NewDataFolder:
    """Begin a data folder: `classes.json`, `icons/` and `cropped-train/` with a folder a class.

    A class is frequent if there are real crops of it, in `cropped-train/` or in the COCO file, and
    rare if not. Nothing that is there is changed.

    Args:
        data: The folder, which may exist and hold some of it.
        icons: Folder of icons named by class code; they are copied. Unless given, the classes are
            those of the COCO file, of `data/icons/` and of `data/cropped-train/`.
        coco: Annotations whose categories become classes, with their ids.

    Raises:
        InputError: `classes.json` is there already, no class is found, or a file is wrong.
    """
    folder = Path(data)
    if (folder / "classes.json").exists():
        raise InputError(
            _("{classes} is there already").format(classes=folder / "classes.json"),
            _("edit it, or delete it"),
        )
    own = folder / "icons"
    place = Path(icons) if icons is not None else own
    files = icon_files(place) if icons is not None or _has_icons(own) else {}
    ids, counts = _categories(Path(coco)) if coco is not None else ({}, Counter[str]())
    crops = folder / "cropped-train"
    for path in sorted(crops.iterdir()) if crops.is_dir() else ():
        if path.is_dir() and not path.name.startswith("."):
            counts[path.name] += len(pictures_in(path))
    codes = sorted({*files, *ids, *(code for code in counts if counts[code])}, key=in_order)
    if not codes:
        raise InputError(
            _("{folder} names no class").format(folder=folder),
            _("give --icons DIR with <code>.png or .svg, or --coco FILE"),
        )
    free = iter(number for number in range(10**6) if number not in ids.values())
    rows = {
        code: {
            "id": ids[code] if code in ids else next(free),
            "type": "freq" if counts[code] else "rare",
        }
        for code in codes
    }
    own.mkdir(parents=True, exist_ok=True)
    for path in (path for variants in files.values() for path in variants):
        if not (own / path.name).exists():
            shutil.copyfile(path, own / path.name)
    if coco is None:
        for code in codes:
            (crops / code).mkdir(parents=True, exist_ok=True)
    write_json(folder / "classes.json", rows)
    frequent = tuple(code for code in codes if counts[code])
    rare = tuple(code for code in codes if not counts[code])
    more = f" --crops {coco} --layout coco" if coco is not None else ""
    missing = _missing(folder, [code for code in codes if code not in files], rare, coco)
    next_step = f"raresign train {folder} --out RUN{more}"
    if not frequent:
        next_step += " --recipe icons-only"
    return NewDataFolder(folder, frequent, rare, tuple(missing), next_step)


def _has_icons(folder: Path) -> bool:
    return folder.is_dir() and any(
        path.suffix.lower() in ICON_SUFFIXES for path in folder.iterdir()
    )


def _categories(path: Path) -> tuple[dict[str, int], Counter[str]]:
    """The categories of a COCO file with their ids, and how many boxes each has."""
    hint = "a COCO file has images (id, file_name), categories (id, name) and annotations"
    content = json_object(path, hint)
    try:
        ids = {str(one["name"]): int(one["id"]) for one in content["categories"]}
        name_of = {number: name for name, number in ids.items()}
        counts = Counter(name_of.get(one["category_id"], "") for one in content["annotations"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a COCO file: {error!r}", hint) from error
    del counts[""]
    return ids, counts


def _missing(folder: Path, bare: list[str], rare: tuple[str, ...], coco: object) -> list[str]:
    """What is not there."""
    found = []
    if bare:
        found.append(
            _(
                "{n} classes have no icon in {icons}: {first}; put <code>.png or .svg there, or "
                "train with --icons gost for Russian signs"
            ).format(n=len(bare), icons=folder / "icons", first=first_names(bare))
        )
    if rare and coco is None:
        found.append(
            _(
                "{n} classes have no real crop and count as rare: {first}; put crops into "
                '{cropped_train}/<code>/ and write "freq" into classes.json where you have some'
            ).format(n=len(rare), first=first_names(rare), cropped_train=folder / "cropped-train")
        )
    elif rare:
        found.append(
            _("{n} categories have no box and count as rare: {first}").format(
                n=len(rare), first=first_names(rare)
            )
        )
    if not (folder / "smalltest").is_dir():
        found.append(
            _(
                "no test crops: {smalltest}/ with smalltest_annotations.csv (filename,class), or "
                "train with --test-share 0.2"
            ).format(smalltest=folder / "smalltest")
        )
    if not (folder / "background_images").is_dir():
        found.append(
            _(
                "no backgrounds: photos without signs in {background_images}/ make better "
                "synthetic crops than the simulated ones that are used without them"
            ).format(background_images=folder / "background_images")
        )
    return found
