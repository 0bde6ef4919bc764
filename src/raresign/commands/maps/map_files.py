"""Answers as files that maps take: GeoJSON, a table for quality assurance, JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from raresign import __version__
from raresign.commands.answer_sheet import write_csv
from raresign.commands.maps.joined_signs import RADIUS, SeenSign, joined_signs, seen_signs
from raresign.commands.maps.osm_value import osm_value
from raresign.commands.maps.patch_bodies import patches, present_tags, write_lines
from raresign.commands.maps.positions import Position, Positions
from raresign.commands.results_file import read_results
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.language.spoken import _
from raresign.signs.countries.country import Country
from raresign.signs.countries.registry import country as country_of
from raresign.storage.places import file_name
from raresign.storage.published import written

MapForm = Literal["patch"]
_FORMS, _PATCHES = (".geojson", ".csv", ".jsonl"), (".jsonl",)
QA_COLUMNS = ("lon", "lat", "id", "value", "first_seen_at", "last_seen_at")


@dataclass
class MapCounts:
    """What became of the answers.

    Attributes:
        written: Signs in the file.
        unplaced: Signs without a position, which are left out of GeoJSON and CSV.
        unnamed: Signs that are called no class, which are left out of the CSV and of PATCH bodies.
        settled: PATCH bodies that are not needed: all of it is there, or a person named the sign.
    """

    written: int = 0
    unplaced: int = 0
    unnamed: int = 0
    settled: int = 0


def map_answers(
    results: str | Path,
    out: str | Path,
    positions: str | Path | None = None,
    country: str | None = None,
    tracks: bool = False,
    radius: float = RADIUS,
    *,
    form: MapForm | None = None,
    model: str | None = None,
    annotations: str | Path | None = None,
) -> MapCounts:
    """Make a file for maps of answers that are JSON lines, one by one.

    Args:
        results: JSON lines of `predict --json` or `--out x.jsonl`.
        out: `.geojson`: a FeatureCollection; `.csv`: `lon,lat,id,value,first_seen_at,last_seen_at`
            of the signs that are called a class; `.jsonl`: answers again, of use with `tracks`.
        positions: See `Positions`; EXIF data of the pictures unless given.
        country: ISO code that goes before the codes of OpenStreetMap.
        tracks: One answer a physical sign, see `joined_signs`.
        radius: Metres, for signs without a track.
        form: "patch": a `.jsonl` of PATCH bodies for a street-view platform, see `patches`.
        model: NAME/VERSION that these name; raresign and its version unless given.
        annotations: What the platform holds already, for PATCH bodies, see `present_tags`.

    Raises:
        InputError: Another ending, a file that cannot be read, no such form or country.
    """
    suffix = Path(file_name(out)).suffix.lower()
    if form not in (None, "patch"):
        raise InputError(_("no form is called '{form}'").format(form=form), "patch")
    if form is None and (model or annotations):
        raise InputError(
            _("--model and --annotations are for PATCH bodies"), _("add --format patch")
        )
    if suffix not in (_FORMS if form is None else _PATCHES):
        raise InputError(
            _("{path}: no file for maps ends with '{suffix}'").format(path=out, suffix=suffix),
            _("end its name with {listed}").format(
                listed=", ".join(_FORMS if form is None else _PATCHES)
            ),
        )
    if not radius > 0:
        raise InputError(f"a radius of {radius:g} m", "give one above 0")
    where, answers = Positions(positions), read_results(results)
    signs: Iterable[SeenSign] = (
        joined_signs(answers, where, radius) if tracks else seen_signs(answers, where)
    )
    of = None if country is None else country_of(country)
    present = None if annotations is None else present_tags(annotations)
    counts = MapCounts()
    with written(out) as here, whole_file(here) as temporary:
        if form == "patch":
            made = patches(_named(signs, counts), of, model or f"raresign/{__version__}", present)
            counts.written = write_lines(temporary, _needed(made, counts))
        elif suffix == ".csv":
            write_csv(temporary, _qa_rows(signs, of, counts), QA_COLUMNS)
        elif suffix == ".geojson":
            _write_features(temporary, signs, of, counts)
        else:
            counts.written = write_lines(temporary, (sign.answer.as_dict() for sign in signs))
    return counts


def feature(sign: SeenSign, place: Position, country: Country | None) -> dict[str, Any]:
    """A sign as a GeoJSON Feature (RFC 7946): lon before lat."""
    answer = sign.answer
    named = answer.named
    properties = {
        "file": answer.path,
        "traffic_sign": osm_value(named.code, country) if named else None,
        "classificationLabel": named.code if named else None,
        "classificationConfidence": named.probability if named else None,
        "topClasses": [
            {"label": one.code, "confidence": one.probability} for one in answer.answers
        ],
        "answer": answer.answer,
        "level": answer.level,
        "known": answer.known,
        "family": answer.family,
        "box": None if answer.box is None else list(answer.box),
        "detectionConfidence": answer.detected,
        "azimuth": place.heading,
        "track": answer.track,
        "crops": sign.crops,
        "firstSeen": sign.first,
        "lastSeen": sign.last,
    }
    point = {"type": "Point", "coordinates": [place.lon, place.lat]}
    made = {"type": "Feature", "geometry": point, "properties": properties}
    return made if answer.id is None else {**made, "id": answer.id}


def _named(signs: Iterable[SeenSign], counts: MapCounts) -> Iterator[SeenSign]:
    for sign in signs:
        if sign.answer.code is None:
            counts.unnamed += 1
        else:
            yield sign


def _needed(made: Iterable[dict[str, Any] | None], counts: MapCounts) -> Iterator[dict[str, Any]]:
    for one in made:
        if one is None:
            counts.settled += 1
        else:
            yield one


def _write_features(
    path: Path, signs: Iterable[SeenSign], country: Country | None, counts: MapCounts
) -> None:
    with path.open("w", encoding="ascii") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for sign in signs:
            if sign.position is None:
                counts.unplaced += 1
                continue
            file.write(",\n" if counts.written else "\n")
            file.write(json.dumps(feature(sign, sign.position, country)))
            counts.written += 1
        file.write("\n]}\n")


def _qa_rows(
    signs: Iterable[SeenSign], country: Country | None, counts: MapCounts
) -> Iterator[dict[str, Any]]:
    for number, sign in enumerate(signs, 1):
        answer, place = sign.answer, sign.position
        if answer.code is None:
            counts.unnamed += 1
        elif place is None:
            counts.unplaced += 1
        else:
            counts.written += 1
            yield {
                "lon": round(place.lon, 7),
                "lat": round(place.lat, 7),
                "id": answer.id or answer.track or str(number),
                "value": osm_value(answer.code, country),
                "first_seen_at": sign.first or "",
                "last_seen_at": sign.last or "",
            }
