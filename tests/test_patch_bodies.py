"""PATCH bodies: a platform that keeps the rules of Panoramax says what we answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Ended
from raresign.answers.answer import Answer, FileAnswer
from raresign.commands.boxes_file import boxed_signs
from raresign.commands.maps.map_files import map_answers
from raresign.commands.maps.sign_semantics import KEY, joined_semantics, patch_body, semantics
from raresign.errors import InputError
from raresign.signs.countries.registry import country

RU = country("RU")
SIXTY = Answer("3.24.n60", "Speed limit 60 km/h", 0.888, "red ring")
STOP = Answer("2.5", "Stop", 0.75, "octagon")
Tags = dict[tuple[str, str], None]


class Platform:
    """Keeps tags as Panoramax does: deletes first, then adds; a pair that is there is an error."""

    def __init__(self, tags: dict[str, list[tuple[str, str]]]) -> None:
        self.tags: dict[str, Tags] = {key: dict.fromkeys(pairs) for key, pairs in tags.items()}

    def patch(self, name: str, body: dict[str, Any]) -> None:
        steps = body["semantics"]
        assert all(step["action"] in ("add", "delete") for step in steps)
        assert all(len(step["key"]) <= 256 and len(step["value"]) <= 2048 for step in steps)
        held = self.tags.setdefault(name, {})
        for step in steps:
            if step["action"] == "delete":
                held.pop((step["key"], step["value"]), None)
        for step in steps:
            if step["action"] == "add":
                pair = (step["key"], step["value"])
                assert pair not in held, "duplicates are refused"
                held[pair] = None

    def answer(self) -> dict[str, Any]:
        """As its annotations come back: shapes are polygons."""
        ring = [[10, 20], [40, 20], [40, 60], [10, 60], [10, 20]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        rows = [
            {"id": name, "shape": shape, "semantics": [{"key": k, "value": v} for k, v in pairs]}
            for name, pairs in self.tags.items()
        ]
        return {"file": "a.jpg", "annotations": rows}


def written(path: Path, *answers: FileAnswer) -> Path:
    path.write_text("".join(json.dumps(one.as_dict()) + "\n" for one in answers))
    return path


def test_a_platform_says_what_we_answered(cli: Callable[..., Ended], tmp_path: Path) -> None:
    found = [
        (KEY, "yes"),
        (f"detection_model[{KEY}=yes]", "finder/1"),
        (f"detection_confidence[{KEY}=yes]", "0.9"),
    ]
    human = [(KEY, "RU:1.1")]
    platform = Platform({"new": found, "person": human, "unknown": found})
    (tmp_path / "annotations.json").write_text(json.dumps(platform.answer()))
    signs = boxed_signs(tmp_path / "annotations.json", [tmp_path])
    assert [(sign.id, sign.path.name) for sign in signs] == [("", "a.jpg")]  # no picture yet
    answers = [
        FileAnswer("a.jpg", (SIXTY,), id="new"),
        FileAnswer("a.jpg", (SIXTY,), id="person"),
        FileAnswer("a.jpg", (SIXTY,), id="unknown", level="family", family="red ring"),
        FileAnswer("x/7f.jpg", (STOP,)),
        FileAnswer("x/7f.jpg", (SIXTY,)),
        FileAnswer("broken.jpg", (), "the file is empty"),
    ]
    results = written(tmp_path / "r.jsonl", *answers)
    out = tmp_path / "patches.jsonl"
    patch = ("--format", "patch", "--country", "RU", "--model", "signs/1")

    def send(*more: object) -> tuple[str, list[dict[str, Any]]]:
        ended = cli("map", results, "--out", out, *patch, *more)
        assert ended.code == 0
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        for line in lines:
            platform.patch(line["annotation"] or Path(line["picture"]).stem, line["body"])
        return ended.err, lines

    told, lines = send("--annotations", tmp_path / "annotations.json")
    assert "2 PATCH bodies written" in told
    assert "1 called no class left out; 1 that need no change left out" in told
    assert [line["annotation"] for line in lines] == ["new", None]
    said = {
        (KEY, "RU:3.24[60]"): None,
        (f"classification_model[{KEY}=RU:3.24[60]]", "signs/1"): None,
        (f"classification_confidence[{KEY}=RU:3.24[60]]", "0.888"): None,
    }
    assert platform.tags["new"] == dict.fromkeys(found[1:]) | said
    assert platform.tags["person"] == dict.fromkeys(human)
    assert platform.tags["unknown"] == dict.fromkeys(found)
    both = "RU:2.5;RU:3.24[60]"
    assert (KEY, both) in platform.tags["7f"]
    assert (f"classification_confidence[{KEY}={both}]", "0.750;0.888") in platform.tags["7f"]
    (tmp_path / "annotations.json").write_text(json.dumps(platform.answer()))
    told, lines = send("--annotations", tmp_path / "annotations.json")
    assert lines == [], "all of it is there"
    answers[0] = FileAnswer("a.jpg", (STOP,), id="new")
    written(results, *answers)
    send("--annotations", tmp_path / "annotations.json", "--model", "signs/2")
    assert platform.tags["new"] == dict.fromkeys(found[1:]) | {
        (KEY, "RU:2.5"): None,
        (f"classification_model[{KEY}=RU:2.5]", "signs/2"): None,
        (f"classification_confidence[{KEY}=RU:2.5]", "0.750"): None,
    }


def test_another_certainty_replaces_the_old_one() -> None:
    platform = Platform({"a": []})
    for model, share in (("m/1", 0.5), ("m/1", 0.75), ("m/2", 0.75)):
        wanted = semantics("2.5", RU, model, share)
        body = patch_body(wanted, platform.tags["a"])
        assert body is not None
        platform.patch("a", body)
        assert platform.tags["a"] == dict.fromkeys(wanted.items())
    many = joined_semantics(((f"3.24.n{n}", 0.5) for n in range(5, 130, 5)), RU, "m/1")
    platform.patch("b", patch_body(many) or {})
    assert patch_body(many, platform.tags["b"]) is None
    platform.patch("b", patch_body(wanted, platform.tags["b"]) or {})
    assert platform.tags["b"] == dict.fromkeys(wanted.items())


def test_what_cannot_be_patched_is_told(tmp_path: Path) -> None:
    results, empty = written(tmp_path / "r.jsonl"), tmp_path / "e.json"
    empty.write_text("[]")
    out = tmp_path / "o.jsonl"
    with pytest.raises(InputError, match="no annotation with an id"):
        map_answers(results, out, form="patch", annotations=empty)
    with pytest.raises(InputError, match=r"\.jsonl"):
        map_answers(results, tmp_path / "o.csv", form="patch")
    with pytest.raises(InputError, match="--format patch"):
        map_answers(results, out, model="a/1")
