"""Where and when a frame was taken: by its EXIF data, or by a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from raresign.crops.decode import FORMATS
from raresign.crops.layouts.csv_file import csv_header, csv_rows
from raresign.errors import InputError
from raresign.language.spoken import _

_EARTH = 6_371_000.0  # metres


@dataclass(frozen=True)
class Position:
    """Where a camera stood.

    Args:
        lat, lon: Degrees, WGS 84.
        heading: Where it looked, degrees from north to the east, in [0, 360); None if not known.
        time: As ISO 8601; None if not known.
    """

    lat: float
    lon: float
    heading: float | None = None
    time: str | None = None

    def metres_to(self, other: Position) -> float:
        """The distance, for places that are near each other.

        Example:
            >>> round(Position(60.0, 30.0).metres_to(Position(60.0, 30.001)))
            56
        """
        north = math.radians(other.lat - self.lat)
        east = math.radians((other.lon - self.lon + 180) % 360 - 180)
        return _EARTH * math.hypot(north, east * math.cos(math.radians(self.lat)))


class Positions:
    """Positions by picture: of a table where there is one, else of the pictures' EXIF data.

    Args:
        table: A CSV with the columns file, lat, lon and, if they are known, heading and time. Files
            are named as in the answers, or by their names alone where no two are alike.

    Raises:
        InputError: It cannot be read, lacks a column, or a number is none of a position.
    """

    def __init__(self, table: str | Path | None = None) -> None:
        self._by_path: dict[str, Position] | None = None
        self._by_name: dict[str, Position | None] = {}
        self._last: tuple[str, Position | None] = ("", None)
        if table is not None:
            self._by_path = dict(_rows(Path(table)))
            for path, position in self._by_path.items():
                name = Path(path).name
                self._by_name[name] = None if name in self._by_name else position

    def of(self, path: str) -> Position | None:
        """The position of a picture; None where it is not known."""
        if self._by_path is not None:
            return self._by_path.get(path) or self._by_name.get(Path(path).name)
        if path != self._last[0]:  # answers of one frame stand together
            self._last = (path, exif_position(path))
        return self._last[1]


def _rows(table: Path) -> list[tuple[str, Position]]:
    has = csv_header(table)
    found = []
    for line, row in csv_rows(table, ["file", "lat", "lon"]):
        cells = [row["lat"], row["lon"], row.get("heading", "")]
        try:
            lat, lon = float(cells[0]), float(cells[1])
            heading = float(cells[2]) % 360 if cells[2] else None
            if not (-90 <= lat <= 90 and -180 <= lon <= 180) or heading != heading:
                raise ValueError
        except ValueError:
            raise InputError(
                _("{file}, line {line}: no position: {cells}").format(
                    file=table, line=line, cells=", ".join(cells)
                ),
                _("give lat from -90 to 90, lon from -180 to 180, heading in degrees or nothing"),
            ) from None
        time = row["time"] or None if "time" in has else None
        found.append((row["file"], Position(lat, lon, heading, time)))
    return found


def exif_position(path: str | Path) -> Position | None:
    """The position in a picture's EXIF data; None where there is none, or no picture."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            exif = picture.getexif()
            gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
            taken = exif.get_ifd(ExifTags.IFD.Exif)
            return _position(gps, taken)
    except Exception:  # Pillow raises nearly any on rubbish
        return None


def _position(gps: Mapping[int, Any], taken: Mapping[int, Any]) -> Position | None:
    tags = ExifTags.GPS
    if tags.GPSLatitude not in gps or tags.GPSLongitude not in gps:
        return None
    lat = _degrees(gps[tags.GPSLatitude], gps.get(tags.GPSLatitudeRef, "N") in ("S", b"S"))
    lon = _degrees(gps[tags.GPSLongitude], gps.get(tags.GPSLongitudeRef, "E") in ("W", b"W"))
    if not (abs(lat) <= 90 and abs(lon) <= 180) or (lat, lon) == (0.0, 0.0):
        return None
    heading = gps.get(tags.GPSImgDirection)
    when = str(taken.get(ExifTags.Base.DateTimeOriginal, "")).strip("\0 ")
    date, _between, hour = when.partition(" ")
    zone = str(taken.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
    return Position(
        lat,
        lon,
        float(heading) % 360 if heading is not None and math.isfinite(float(heading)) else None,
        f"{date.replace(':', '-')}T{hour}{zone}" if hour else None,
    )


def _degrees(parts: Any, negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    found = degrees + minutes / 60 + seconds / 3600
    return -found if negative else found
