"""Answers on maps: positions, OpenStreetMap values, signs seen several times, the schema."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from conftest import Ended
from raresign.answers.answer import Answer, FileAnswer
from raresign.commands.answers_file import save_answers
from raresign.commands.maps.joined_signs import Evidence, joined_signs
from raresign.commands.maps.map_files import map_answers
from raresign.commands.maps.osm_value import osm_value, osm_values
from raresign.commands.maps.positions import Position, Positions, exif_position
from raresign.commands.results_file import check_results, read_results
from raresign.errors import InputError
from raresign.signs.countries.registry import country, standard

Cli = Callable[..., Ended]
SIXTY = Answer("3.24.n60", "Speed limit 60 km/h", 0.6, "red ring")
FORTY = Answer("3.24.n40", "Speed limit 40 km/h", 0.4, "red ring")


def crop(path: str, sixty: float = 0.6, **more: object) -> FileAnswer:
    guesses = replace(SIXTY, probability=sixty), replace(FORTY, probability=1 - sixty)
    ordered = tuple(sorted(guesses, key=lambda one: -one.probability))
    return replace(FileAnswer(path, ordered, family="red ring"), **more)  # type: ignore[arg-type]


def written(path: Path, answers: list[FileAnswer]) -> Path:
    path.write_text("".join(json.dumps(one.as_dict()) + "\n" for one in answers))
    return path


def photo(path: Path, lat: float, lon: float, heading: float | None, second: int) -> None:
    def parts(degrees: float) -> tuple[float, float, float]:
        minutes, rest = divmod(abs(degrees) * 3600, 60)
        return minutes // 60, minutes % 60, rest

    exif = Image.Exif()
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "NS"[lat < 0], parts(lat)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "EW"[lon < 0], parts(lon)
    if heading is not None:
        gps[ExifTags.GPS.GPSImgDirection] = heading
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = (
        f"2026:05:09 10:11:{second:02d}"
    )
    Image.new("RGB", (64, 64)).save(path, exif=exif)


def test_positions_by_exif_and_by_table(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    for lat, lon in ((59.9391, 30.3158), (-33.8568, 151.2153), (19.4326, -99.1332)):
        photo(file, lat, lon, 271.5, 7)
        found = exif_position(file)
        assert found is not None
        assert (found.lat, found.lon) == pytest.approx((lat, lon), abs=1e-6)
        assert (found.heading, found.time) == (271.5, "2026-05-09T10:11:07")
    Image.new("RGB", (9, 9)).save(tmp_path / "b.png")
    assert exif_position(tmp_path / "b.png") is None
    assert exif_position(tmp_path / "none.png") is None
    table = tmp_path / "p.csv"
    table.write_text("file,lat,lon,heading\nx/a.jpg,1.5,-2.5,\nb.jpg,3,4,370\n")
    where = Positions(table)
    assert where.of("x/a.jpg") == where.of("/other/a.jpg") == Position(1.5, -2.5)
    assert where.of("b.jpg") == Position(3, 4, 10)
    assert where.of("c.jpg") is None
    for wrong in ("a.jpg,91,0", "a.jpg,x,0", "a.jpg,nan,0", "a.jpg,1,181"):
        table.write_text(f"file,lat,lon\n{wrong}\n")
        with pytest.raises(InputError, match="line 2: no position"):
            Positions(table)


def test_every_code_that_we_draw_has_a_value() -> None:
    russia = country("RU")
    values = {osm_value(code, russia) for code in standard("gost").classes}
    assert len(values) == len(standard("gost").classes)
    assert {"RU:3.24[60]", "RU:2.5", "RU:3.13[3.5]"} <= values
    assert osm_values(["RU:3.24[40]", "RU:8.2.1", "BY:1.1"]) == "RU:3.24[40],8.2.1;BY:1.1"


def test_geojson(cli: Cli, tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", -33.5, -70.25, 90, 1)
    unknown = crop(str(tmp_path / "a.jpg"), level="family", known=0.1)
    answers = [
        crop(str(tmp_path / "a.jpg"), box=(1.0, 2.0, 30.0, 40.0), id="d1", detected=0.8),
        unknown,
        crop("nowhere.jpg"),
        FileAnswer("broken.jpg", (), "the file is empty"),
    ]
    results, out = written(tmp_path / "r.jsonl", answers), tmp_path / "signs.geojson"
    ended = cli("map", results, "--out", out, "--country", "RU")
    assert (ended.code, "2 signs written" in ended.err) == (0, True)
    assert "1 without a position left out" in ended.err
    found = json.loads(out.read_text())
    assert found["type"] == "FeatureCollection"
    first, second = found["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [-70.25, -33.5]}
    told = first["properties"]
    assert (first["id"], told["traffic_sign"], told["azimuth"]) == ("d1", "RU:3.24[60]", 90)
    assert told["topClasses"][1] == {"label": "3.24.n40", "confidence": 0.4}
    assert second["properties"]["traffic_sign"] is None
    assert second["properties"]["answer"] == "unknown red ring"
    qa = tmp_path / "qa.csv"
    assert map_answers(results, qa, country="RU").unnamed == 1
    (row,) = csv.DictReader(qa.read_text(encoding="utf-8-sig").splitlines())
    assert row == {
        "lon": "-70.25",
        "lat": "-33.5",
        "id": "d1",
        "value": "RU:3.24[60]",
        "first_seen_at": "2026-05-09T10:11:01",
        "last_seen_at": "2026-05-09T10:11:01",
    }
    empty = written(tmp_path / "e.jsonl", [])
    map_answers(empty, out)
    assert json.loads(out.read_text())["features"] == []


def test_one_sign_of_a_track(tmp_path: Path) -> None:
    table = tmp_path / "p.csv"
    table.write_text(
        "file,lat,lon,time\n"
        + "".join(f"{n}.jpg,{50 + n * 1e-4},8,2026-01-01T00:00:0{n}\n" for n in range(6))
    )
    where = Positions(table)
    small, large = (0.0, 0.0, 20.0, 20.0), (0.0, 0.0, 40.0, 40.0)
    answers = [
        crop("0.jpg", 0.9, track="a", box=small),
        crop("1.jpg", 0.3, track="a", box=large),
        crop("2.jpg", 0.8, track="a", box=small),
        crop("2.jpg", 0.8, track="b"),
        FileAnswer("3.jpg", (), "the file is empty", track="a"),
    ]
    one, other = joined_signs(answers, where)
    assert (one.crops, other.crops) == (3, 1)
    assert other.answer == answers[3], "one crop is answered as it is"
    assert (one.first, one.last) == ("2026-01-01T00:00:00", "2026-01-01T00:00:02")
    assert one.position == where.of("1.jpg"), "where it was largest"
    # By hand: mean log probabilities, times the root of 3.
    logs = np.log([[0.9, 0.3, 0.8], [0.1, 0.7, 0.2]]).mean(axis=1) * math.sqrt(3)
    share = np.exp(logs[0]) / np.exp(logs).sum()
    assert one.answer.answers[0].probability == pytest.approx(share)


def test_one_sign_of_a_place(tmp_path: Path) -> None:
    """Without tracks: a naive search over all signs is the oracle."""
    rng = np.random.default_rng(5)
    for origin in ((0.0, 179.9999), (69.9, 20.0), (-45.0, -70.0)):
        places = [
            Position(origin[0] + float(a) * 1e-4, origin[1] + float(b) * 2e-4)
            for a, b in rng.uniform(0, 6, (60, 2))
        ]
        table = tmp_path / "p.csv"
        rows = (f"{n}.jpg,{p.lat},{min(p.lon, 180)}\n" for n, p in enumerate(places))
        table.write_text("file,lat,lon\n" + "".join(rows))
        where = Positions(table)
        answers = [crop(f"{n}.jpg", 0.9 if n % 2 else 0.1) for n in range(60)]
        naive: list[tuple[str, Position, int]] = []
        for answer in answers:
            here = where.of(answer.path)
            assert here is not None
            for number, (code, place, count) in enumerate(naive):
                if code == answer.code and place.metres_to(here) <= 20:
                    naive[number] = code, place, count + 1
                    break
            else:
                naive.append((str(answer.code), here, 1))
        assert 2 < len(naive) < 60
        found = joined_signs(answers, where)
        assert sum(sign.crops for sign in found) == 60
        assert len(found) == pytest.approx(len(naive), abs=3)  # of two near places either may win


def test_classes_that_are_no_guess_count_little() -> None:
    both = Evidence()
    both.add(FileAnswer("a", (replace(SIXTY, probability=0.9),)))
    both.add(FileAnswer("b", (replace(FORTY, probability=0.95),)))
    first, second = both.joined().answers
    assert first.code == "3.24.n40"
    assert first.probability + second.probability == pytest.approx(1)
    unsure = Evidence()
    for level in ("class", "family", "family", "class"):
        unsure.add(crop("a", level=level))
    assert unsure.joined().level == "family", "of equally many the vaguer"


def test_results_round_trip(
    cli: Cli, finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    crops = data_folder / "smalltest"
    told = cli("predict", finished_run, crops, "--not", "2.5", "--json").out
    printed, saved = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    printed.write_text(told)
    answers = list(read_results(printed))
    assert [json.loads(json.dumps(one.as_dict())) for one in answers] == [
        json.loads(line) for line in told.splitlines()
    ]
    broken = FileAnswer("d.png", (), "the file is empty")
    save_answers(saved, [*answers, broken])
    assert list(read_results(saved)) == [*answers, broken]
    for file in (printed, saved):
        ended = cli("check-results", file)
        assert (ended.code, "0 problems" in ended.out) == (0, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"path": None}, "path: None is no string"),
        ({"level": "kind"}, "level: 'kind' is none of"),
        ({"known": 1.5}, "known: 1.5 is not from 0 to 1"),
        ({"known": True}, "known: True is no number"),
        ({"box": [1, 2, 3]}, "box: 3 values"),
        ({"box": [9, 2, 3, 4]}, "has no area"),
        ({"code": "2.5"}, "code: '2.5', but the rest says '3.24.n60'"),
        ({"answers": []}, "level class and no answers"),
        ({"answers": [{"code": "1"}]}, "answers.0: name is missing"),
        ({"excluded": 7}, "excluded: 7 is no object"),
        ({"answers": [SIXTY.as_dict(), SIXTY.as_dict()]}, "add up to more than 1"),
    ],
)
def test_results_that_are_wrong(tmp_path: Path, change: dict[str, object], said: str) -> None:
    file = tmp_path / "a.jsonl"
    good = crop("a.png").as_dict()
    file.write_text(f"{json.dumps(good)}\n\n{json.dumps({**good, **change})}\n")
    found = list(check_results(file))
    assert {line for line, _problem in found} == {3}
    assert any(said in problem for _line, problem in found), found
    with pytest.raises(InputError, match="line 3"):
        list(read_results(file))


def test_rubbish_is_no_results(cli: Cli, tmp_path: Path) -> None:
    for content in (b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"path": NaN}'):
        (tmp_path / "a.jsonl").write_bytes(content)
        assert cli("check-results", tmp_path / "a.jsonl").code == 1
    assert cli("check-results", tmp_path / "none.jsonl").code == 2
    assert cli("map", tmp_path / "a.jsonl", "--out", tmp_path / "a.kml").code == 2
