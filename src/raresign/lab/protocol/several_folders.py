"""`raresign protocol` on several data folders: each has folds and trials of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.lab.protocol.countries_table import AbsentCountriesTable, CountriesTable
from raresign.lab.protocol.folded_data import check_folder
from raresign.lab.protocol.run_trials import protocol, protocol_absent

_Choice = str | Path | Sequence[str | Path] | None
"""One for every data folder, or one for each in their order."""


def protocol_countries(
    folders: Sequence[str | Path],
    out: str | Path,
    recipe: str | Path = "protocol",
    *,
    folds: int = 3,
    icons: _Choice = None,
    country: _Choice = None,
    svg_text: bool = False,
    **options: Any,
) -> CountriesTable:
    """`protocol` on several data folders, with a verdict on each idea.

    The trials of a folder lie in a folder of its name in `out`, just as `protocol` would leave them
    there. countries.json comes last.

    Args:
        folders: Data folders, each with another name.
        out, recipe, folds: As for `protocol`, for each folder.
        icons, country: As for `protocol`: one for all folders, or one for each in their order.
        svg_text: As for `protocol`, for all folders.
        options: More of `protocol`: seeds, ideas, only, reference, framing, jobs, cluster, say.

    Raises:
        InputError: As for `protocol`, for any folder: nothing has run yet then.
    """
    places = _places(folders, recipe, folds, icons, country, svg_text)
    table = CountriesTable(
        {
            name: protocol(data, Path(out) / name, recipe, folds=folds, **chosen, **options)
            for name, (data, chosen) in places.items()
        }
    )
    table.write(Path(out))
    return table


def protocol_absent_countries(
    folders: Sequence[str | Path],
    out: str | Path,
    recipe: str | Path = "default",
    *,
    folds: int = 3,
    icons: _Choice = None,
    country: _Choice = None,
    svg_text: bool = False,
    **options: Any,
) -> AbsentCountriesTable:
    """`protocol_absent` on several data folders, see `protocol_countries`.

    Raises:
        InputError: As for `protocol`, for any folder.
    """
    places = _places(folders, recipe, folds, icons, country, svg_text)
    table = AbsentCountriesTable(
        {
            name: protocol_absent(data, Path(out) / name, recipe, folds=folds, **chosen, **options)
            for name, (data, chosen) in places.items()
        }
    )
    table.write(Path(out))
    return table


def _places(
    folders: Sequence[str | Path],
    recipe: str | Path,
    folds: int,
    icons: _Choice,
    country: _Choice,
    svg_text: bool,
) -> dict[str, tuple[str | Path, dict[str, Any]]]:
    """Name -> data folder with its icons and country, all of them checked."""
    names = [Path(data).resolve().name for data in folders]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        raise InputError(
            f"data folders of one name: {', '.join(twice)}" if twice else "no data folder",
            "name one or more, each with another name",
        )
    sources = _one_each(icons, len(names), "icons")
    countries = _one_each(country, len(names), "country")
    places = {
        name: (data, {"icons": source, "country": said, "svg_text": svg_text})
        for name, data, source, said in zip(names, folders, sources, countries, strict=True)
    }
    for data, chosen in places.values():
        check_folder(data, recipe, folds, **chosen)
    return places


def _one_each(given: _Choice, count: int, option: str) -> list[Any]:
    """One for each of `count` folders."""
    if given is None or isinstance(given, str | Path):
        return [given] * count
    chosen: list[Any] = list(given)
    if len(chosen) not in (0, 1, count):
        raise InputError(
            f"--{option} stands {len(chosen)} times for {count} data folders",
            "give it once for all, or once for each in their order",
        )
    return (chosen or [None]) * (count if len(chosen) < 2 else 1)
