"""Codes mean what the country says, and the country is said or seen, never guessed from codes."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import raresign
from raresign.commands.data_folder import open_data
from raresign.errors import InputError
from raresign.signs.catalogue.names_file import NamesWarning, read_names
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.countries.icon_source import IconSource
from raresign.signs.countries.registry import COUNTRIES, country, standard

GOST = standard("gost")
GERMANY = country("DE")
# Codes of the Ukrainian standard and what they show there, as codes of our drawings.
UKRAINIAN = {
    "1.1": "1.11.1",
    "1.2": "1.11.2",
    "2.1": "2.4",
    "2.2": "2.5",
    "2.3": "2.1",
    "3.1": "3.2",
    "3.21": "3.1",
    "3.25": "3.20",
    "3.29": "3.24.n50",
    "3.2": "3.3",
    "4.1": "4.1.1",
}


def folder(root: Path, shows: dict[str, str], classes: dict[str, Any] | None = None) -> Path:
    """A data folder whose class codes show the signs of other codes."""
    (root / "icons").mkdir(parents=True)
    for code, shown in shows.items():
        if GOST.draws(shown):
            Image.fromarray(render_sign(shown, 96)).save(root / "icons" / f"{code}.png")
    rows = {
        code: {"id": k, "type": "rare"} for k, code in enumerate(shows) if GOST.draws(shows[code])
    }
    (root / "classes.json").write_text(json.dumps(rows | (classes or {})), encoding="utf-8")
    return root


def ours(count: int = 30) -> dict[str, str]:
    codes = list(GOST.codes)[:: len(GOST.codes) // count]
    return {code: code for code in codes}


# --- what a country knows -------------------------------------------------------------------------


@pytest.mark.parametrize("iso", sorted(COUNTRIES))
def test_a_country_is_tidy(iso: str) -> None:
    one = country(iso)
    assert all(map(one.knows, (*one.names, *one.twins, *one.aliases, *one.aliases.values())))
    # A whole group of Russian codes may have a family.
    assert [code for code in one.families if not one.knows(code) and not code.isdigit()] == []
    for code, twin in one.twins.items():
        assert one.twins[twin] == code != twin
        assert one.twin(code, {twin}) == twin
        assert one.twin(code, {code}) is None
        assert one.family(code) == one.family(twin)
    languages = {frozenset(names) for names in one.names.values()}
    assert len(languages) == 1
    assert "en" in next(iter(languages))
    for language in next(iter(languages)):
        texts = [names[language] for names in one.names.values()]
        assert len(set(texts)) == len(texts)


def test_an_unknown_country_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no country is called 'UA'; use one of RU, DE, or none"):
        country("UA")


@pytest.mark.parametrize(
    ("code", "english", "german", "family"),
    [
        ("101", "Danger", "Gefahrstelle", "red triangle"),
        ("103-10", "Bend to the left", "Kurve links", "red triangle"),
        ("103-99", "Bend", "Kurve", "red triangle"),
        ("205", "Give way", "Vorfahrt gewähren", "red inverted triangle"),
        ("209", "Turn right ahead", "Vorgeschriebene Fahrtrichtung rechts", "blue disc"),
        ("267", "No entry", "Verbot der Einfahrt", "red disc"),
        ("274-50", "Speed limit 50 km/h", "Zulässige Höchstgeschwindigkeit 50 km/h", "red ring"),
        ("274.1-20", "20 km/h zone", "Beginn einer Tempo 20-Zone", "white plate"),
        ("274.1", "30 km/h zone", "Beginn einer Tempo 30-Zone", "white plate"),
        (
            "278-80",
            "End of speed limit 80 km/h",
            "Ende der zulässigen Höchstgeschwindigkeit 80 km/h",
            "white disc",
        ),
        ("306", "Priority road", "Vorfahrtstraße", "yellow diamond"),
        (
            "1044-10",
            "Only disabled people with a permit",
            "Nur Schwerbehinderte mit Parkausweis",
            "white plate",
        ),
        ("02", "Speed limit 50 km/h", "Zulässige Höchstgeschwindigkeit 50 km/h", "red ring"),
        ("00040", "Roundabout", "Kreisverkehr", "blue disc"),
    ],
)
def test_german_codes(code: str, english: str, german: str, family: str) -> None:
    assert (GERMANY.name(code), GERMANY.name(code, "de")) == (english, german)
    assert GERMANY.family(code) == family


@pytest.mark.parametrize("code", ["", "43", "3.24.n60", "274-", "274-x", "999", "2740", "274-50 "])
def test_what_is_no_german_code(code: str) -> None:
    assert not GERMANY.knows(code)
    assert GERMANY.name(code) is GERMANY.family(code) is GERMANY.twin(code, [code]) is None


def test_the_numbers_of_the_benchmark_have_twins_among_them() -> None:
    numbers = [f"{k:02}" for k in range(43)]
    twins = {code: twin for code in numbers if (twin := GERMANY.twin(code, numbers))}
    pairs = {"19": "20", "33": "34", "36": "37", "38": "39"}
    assert twins == pairs | {b: a for a, b in pairs.items()}


@given(st.text(max_size=10), st.sampled_from(sorted(COUNTRIES)))
def test_any_text_may_be_a_code(text: str, iso: str) -> None:
    one = country(iso)
    if not one.knows(text):
        assert one.name(text) is None
        assert one.family(text) is None


# --- which country --------------------------------------------------------------------------------


def test_a_ukrainian_list_keeps_its_own_meanings(tmp_path: Path) -> None:
    catalogue = SignCatalogue.from_folder(folder(tmp_path, UKRAINIAN))
    assert catalogue.country is None
    no_entry = catalogue[catalogue.label_of("3.21")]
    assert (no_entry.family, no_entry.name, no_entry.title) == ("red disc", "", "3.21")
    assert catalogue[catalogue.label_of("1.1")].twin == "1.2"  # by the icons


def test_our_drawings_are_recognised_whatever_a_few_of_them_show(tmp_path: Path) -> None:
    shows = ours()
    catalogue = SignCatalogue.from_folder(folder(tmp_path / "a", shows))
    assert catalogue.country is country("RU")
    assert catalogue[catalogue.label_of("1.1")].name == "Level crossing with barrier"
    codes = list(shows)
    wrong = dict(zip(codes[::15], codes[1::15], strict=False))
    few = SignCatalogue.from_folder(folder(tmp_path / "b", shows | wrong))
    assert few.country is country("RU")


@pytest.mark.parametrize("seed", range(4))
def test_a_list_in_which_a_third_means_something_else_is_not_ours(
    tmp_path: Path, seed: int
) -> None:
    codes = list(ours())
    picked = np.random.default_rng(seed).permutation(len(codes))[: len(codes) // 3]
    shows = {code: code for code in codes}
    shows |= {codes[a]: codes[b] for a, b in zip(picked, np.roll(picked, 1), strict=True)}
    source = open_data(folder(tmp_path, shows), layout="icons", join=True)
    assert source.catalogue.country is None
    assert str(source.icons) == "own"
    assert "icons look like our drawings for RU; say it with --country" in str(source.choice)


def test_what_is_said_counts_before_the_file_and_that_before_the_icons(tmp_path: Path) -> None:
    root = folder(tmp_path, ours(), {"country": "none"})
    assert SignCatalogue.from_folder(root).country is None
    source = open_data(root, layout="icons", country="RU", join=True)
    assert source.catalogue.country is country("RU")
    assert (str(source.choice), str(source.icons)) == ("country: RU, as --country says", "own+gost")
    assert str(open_data(root, layout="icons").choice) == "country: none, as classes.json says"
    assert open_data(root, layout="icons", icons="gost").catalogue.country is None


def test_whoever_asks_for_our_drawings_says_whose_codes_they_are(tmp_path: Path) -> None:
    root = folder(tmp_path, {"1.1": "1.1", "3.24.n50": "3.24.n50"})
    shutil.rmtree(root / "icons")
    source = open_data(root, layout="icons", icons="gost")
    assert source.catalogue.country is country("RU")
    assert str(source.choice) == "country: RU, as --icons gost says"


def test_a_class_may_be_called_country(tmp_path: Path) -> None:
    root = folder(tmp_path, {"country": "2.5", "stop": "2.4"})
    assert SignCatalogue.from_folder(root).codes == ("country", "stop")


def test_a_wrong_country_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path, {"1.1": "1.1"}, {"country": "XX"})
    with pytest.raises(InputError, match="no country is called 'XX'"):
        SignCatalogue.from_folder(root)


def test_a_copy_keeps_country_and_names(tmp_path: Path) -> None:
    root = folder(tmp_path / "data", {"02": "3.24.n50", "13": "2.4"}, {"country": "DE"})
    catalogue = SignCatalogue.from_folder(root)
    assert [sign.title for sign in catalogue.classes] == ["Speed limit 50 km/h", "Give way"]
    catalogue.save(tmp_path / "copy")
    again = SignCatalogue.load(tmp_path / "copy")
    assert again.country is GERMANY
    assert [sign.name for sign in again.classes] == [sign.name for sign in catalogue.classes]
    # One that an earlier version wrote.
    path = tmp_path / "copy" / "catalogue.json"
    rows = json.loads(path.read_text())["classes"]
    path.write_text(json.dumps({"classes": [{**row, "name": None} for row in rows]}))
    with pytest.raises(InputError, match="has the name null"):
        SignCatalogue.load(tmp_path / "copy")
    old = [{key: value for key, value in row.items() if key != "name"} for row in rows]
    path.write_text(json.dumps({"classes": old}))
    earlier = SignCatalogue.load(tmp_path / "copy")
    assert earlier.country is None
    assert [sign.title for sign in earlier.classes] == ["02", "13"]


def test_the_table_says_the_country_and_json_stays_rows(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    root = folder(tmp_path, UKRAINIAN)
    ended = cli("catalogue", root, "--layout", "icons", "--json")
    assert "country: none, " in ended.err
    assert {row["name"] for row in json.loads(ended.out)} <= set(UKRAINIAN)
    ended = cli("catalogue", root, "--layout", "icons", "--country", "FR")
    assert ended.code == 2
    assert "use one of RU, DE, or none" in ended.err


@pytest.mark.real_data
def test_real_folders() -> None:
    place = os.environ.get("RARESIGN_DATA")
    if not place:
        pytest.skip("RARESIGN_DATA is not set")
    russian = open_data(Path(place) / "rtsd-r1", layout="icons", join=True)
    assert russian.choice.iso == "RU"
    assert str(russian.icons) == "own+gost"
    assert all(sign.name for sign in russian.catalogue.classes)
    german = open_data(Path(place) / "gtsrb", layout="icons", join=True)
    assert (german.choice.iso, str(german.icons)) == ("none", "own")
    named = open_data(Path(place) / "gtsrb", layout="icons", country="DE")
    for sign, seen in zip(named.catalogue.classes, german.catalogue.classes, strict=True):
        assert sign.name
        assert sign.family == seen.family  # the table agrees with the icons
        assert sign.twin == seen.twin or sign.code in ("33", "34")


# --- names of one's own ---------------------------------------------------------------------------


def test_names_and_families_of_ones_own(tmp_path: Path) -> None:
    rows = {
        "2.5": {"id": 0, "type": "rare", "name": "Halt", "family": "red octagon, old"},
        "2.4": {"id": 1, "type": "rare"},
        "2.1": {"id": 2, "type": "rare"},
    }
    root = folder(tmp_path, dict.fromkeys(rows, "2.5"), {"country": "RU", **rows})
    text = "\ufeffnote;Code;name\nx;2.5;never\ny;2.4;Yield\n;;\n"
    (root / "names.csv").write_text(text, encoding="utf-8")
    signs = SignCatalogue.from_folder(root).classes
    assert [sign.name for sign in signs] == ["Halt", "Yield", "Main road"]
    assert [sign.family for sign in signs][:2] == ["red octagon, old", "red inverted triangle"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column code and no column name"),
        ("code,title\n2.5,Stop\n", "has no column name; its first line names"),
        ("code,name\n2.5\n", "line 2 has 1 columns"),
        ("code,name\n2.5,a\n2.5,b\n", "line 3 names the class '2.5' again"),
    ],
)
def test_a_wrong_names_file(tmp_path: Path, text: str, message: str) -> None:
    root = folder(tmp_path, {"2.5": "2.5"})
    (root / "names.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        SignCatalogue.from_folder(root)


def test_unknown_codes_in_names_are_told(tmp_path: Path) -> None:
    root = folder(tmp_path, {"2.5": "2.5"})
    (root / "names.csv").write_text("code,name\n2.5,Stop\n9.9,Other\n")
    with pytest.warns(NamesWarning, match=r"names 1 codes that are no class, such as 9\.9"):
        assert SignCatalogue.from_folder(root)[0].name == "Stop"


@pytest.mark.parametrize("value", ["5", '""', '"a\\nb"', "[]"])
@pytest.mark.parametrize("key", ["name", "family"])
def test_a_wrong_name_or_family(tmp_path: Path, key: str, value: str) -> None:
    root = folder(tmp_path, {"2.5": "2.5"})
    (root / "classes.json").write_text(f'{{"2.5": {{"id": 0, "type": "rare", "{key}": {value}}}}}')
    with pytest.raises(InputError, match=rf"class '2\.5' has the {key} .*; use a text of one line"):
        SignCatalogue.from_folder(root)


# --- where icons come from ------------------------------------------------------------------------


@given(
    st.one_of(
        st.none(),
        st.sampled_from(["own", "gost", "own+gost"]),
        st.text("ab/. é", min_size=1).map(lambda text: f"x{text}"),
    )
)
def test_icon_sources_round_trip(text: str | None) -> None:
    source = IconSource.parse(text)
    assert IconSource.parse(str(source)) == source
    assert IconSource.parse(str(source.lasting())) == source.lasting()
    if text is not None:
        assert str(source) == str(Path(text)) or str(source) == text


def test_icon_sources_give_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path / "data", {"2.5": "2.5"})
    assert IconSource.parse(None).folder(root, ["2.5"]) == root / "icons"
    monkeypatch.chdir(tmp_path)
    place = IconSource.parse("data/icons")
    assert str(place.lasting()) == str(root / "icons")
    (drawn,) = IconSource.parse("gost").folder(root, ["4.1.1"]).iterdir()
    assert drawn.name == "4.1.1.svg"
    names = {file.name for file in IconSource.parse("own+gost").folder(root, ["2.5"]).iterdir()}
    assert names >= {"2.5.png", "2.5@gost-main.svg"}
    with pytest.raises(InputError, match=r"no signs are drawn for 'vzkat'; use own\+gost"):
        IconSource.parse("own+vzkat")


def test_a_folder_called_gost_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gost").mkdir()
    assert IconSource.parse("gost").place == Path("gost")


def test_the_public_names() -> None:
    assert raresign.country("RU").name("2.5") == "Stop"
    assert set(raresign.COUNTRIES) == {"RU", "DE"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert raresign.country("DE").drawings is None


@pytest.mark.parametrize("text", ['code,name\n1,"Stop\n2,Yield\n', 'code,name\n1,"Stop\nsign"\n'])
def test_a_quote_without_end_swallows_no_names(text: str, tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"names\.csv"):
        read_names(file, ["1", "2"])
