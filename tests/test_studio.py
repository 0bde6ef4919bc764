"""The studio without a browser: decisions that survive, who may ask, the answers on its pages."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import raresign
from raresign.studio.crop_list import CropList, Filter
from raresign.studio.dropped import DroppedCrops
from raresign.studio.store import OutdatedError, Store

_MISSING = 'needs pip install "raresign[studio]" httpx2'
for _library in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
    pytest.importorskip(_library, reason=_MISSING)
TestClient = pytest.importorskip("starlette.testclient", reason=_MISSING).TestClient

HERE = "http://127.0.0.1:8010"
HOSTILE = "<script>alert(1)</script>\"'&.png"
WRITER = """
import sys
from raresign.studio.store import Store
store = Store(sys.argv[1])
for number in range(int(sys.argv[3])):
    print(store.act(sys.argv[2], "label", f"{sys.argv[2]}-{number}", number).id, flush=True)
"""


def crop_of(code: str, side: int = 60) -> bytes:
    sign = Image.fromarray(raresign.render_sign(code, side))
    crop = Image.new("RGB", (side + 12, sign.height + 12), (110, 115, 120))
    crop.paste(sign, (6, 6), sign)
    return png(crop)


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


# --- decisions ------------------------------------------------------------------------------------


def writer(file: Path, name: str, count: int) -> subprocess.Popen[str]:
    given = [sys.executable, "-c", WRITER, str(file), name, str(count)]
    return subprocess.Popen(given, stdout=subprocess.PIPE, text=True)


def test_two_processes_lose_nothing_and_a_killed_one_keeps_what_it_told(tmp_path: Path) -> None:
    file = tmp_path / "studio.sqlite"
    Store(file).close()
    first, killed = writer(file, "ann", 40), writer(file, "bob", 100_000)
    assert killed.stdout is not None
    told = [int(killed.stdout.readline()) for _ in range(20)]
    killed.send_signal(signal.SIGKILL)
    rest, _ = killed.communicate()
    told += [int(line) for line in rest.split("\n")[:-1]]
    numbers, _ = first.communicate()
    store = Store(file)
    kept = {action.id: action.who for action in store.actions(most=200_000)}
    assert [*kept.values()].count("ann") == 40 == len(numbers.split())
    assert {kept[number] for number in told} == {"bob"}
    store.close()


def test_a_decision_on_what_has_changed_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.sqlite")
    first = store.act("ann", "label", "a.png", "2.5", expected=None)
    with pytest.raises(OutdatedError):
        store.act("bob", "label", "a.png", "3.1", expected=None)
    second = store.act("bob", "label", "a.png", "3.1", expected="2.5")
    with pytest.raises(OutdatedError, match="later"):
        store.undo(first.id, "ann")
    undone = store.undo(second.id, "ann")
    assert (undone.before, undone.after, store.value("label", "a.png")) == ("3.1", "2.5", "2.5")
    with pytest.raises(OutdatedError, match="already"):
        store.undo(second.id, "ann")
    store.undo(undone.id, "ann")  # taking back can itself be taken back
    assert store.value("label", "a.png") == "3.1"
    for number in (store.actions(1)[0].id, first.id):  # step by step to the beginning
        store.undo(number, "ann")
    assert store.value("label", "a.png") is None
    store.close()


def test_what_cannot_be_taken_back_outside_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.sqlite")
    action = store.act("ann", "class", "2.5", {"name": "Stop"})

    def fails(one: Any) -> None:
        raise raresign.InputError("the run is locked")

    with pytest.raises(raresign.InputError, match="locked"):
        store.undo(action.id, "ann", fails)
    assert store.value("class", "2.5") == {"name": "Stop"}
    store.close()


# --- who may ask ----------------------------------------------------------------------------------


@pytest.fixture
def open_client(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    from raresign.studio.application import create_studio

    opened = []

    def client(run: str = "built-in", **more: Any) -> Any:
        app = create_studio(run, tmp_path / "studio.sqlite", **more)
        found = TestClient(app, base_url=HERE, follow_redirects=False)
        found.__enter__()
        opened.append(found)
        found.headers["x-raresign-token"] = app.state.token
        return found

    yield client
    for one in opened:
        one.__exit__(None, None, None)


def test_only_our_own_pages_change_anything(open_client: Callable[..., Any]) -> None:
    client = open_client()
    begin = {"json": {"title": "x"}}
    assert client.post("/name/drops", **begin).status_code == 200
    for headers in (
        {"x-raresign-token": ""},
        {"x-raresign-token": "no"},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
    ):
        assert client.post("/name/drops", headers=headers, **begin).status_code == 403, headers
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    form = {"content-type": "application/x-www-form-urlencoded", "x-raresign-token": ""}
    token = client.headers["x-raresign-token"]
    given = client.post("/undo/1", headers=form, content=f"token={token}")
    assert given.status_code == 200
    assert client.get("/language/ru?back=//evil.example").headers["location"] == "/"


def test_a_page_runs_no_script_but_ours(open_client: Callable[..., Any]) -> None:
    client = open_client()
    page = client.get("/", headers={"accept": "text/html"})
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|javascript:", page.text)
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        assert "immutable" in client.get(address).headers["cache-control"]
    assert client.get("/static/../store.py").status_code == 404


def test_beyond_this_machine_a_key_is_asked_for(
    open_client: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(raresign.InputError, match="no key"):
        open_client(host="0.0.0.0")
    key = raresign.new_service_key(tmp_path / "keys.txt", "ann", may_change=True)
    guest = raresign.new_service_key(tmp_path / "keys.txt", "guest")
    client = open_client(host="0.0.0.0", keys=tmp_path / "keys.txt")
    asked = client.get("/history", headers={"accept": "text/html"})
    assert asked.status_code == 401
    assert 'name="key"' in asked.text
    given = client.post("/login", content=f"key={key}")
    assert given.status_code == 303
    cookie = given.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    client.cookies.set("raresign-key", key)
    assert client.get("/history").status_code == 200
    assert client.post("/name/drops", json={}).status_code == 200
    assert client.app.state.workplace.store.actions()[0].who == "ann"
    foreign = client.post("/login", content="key=x", headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert client.get("/history", headers={"x-api-key": guest}).status_code == 200
    refused = client.post("/name/drops", json={}, headers={"x-api-key": guest})
    assert refused.status_code == 403
    assert "only look" in refused.json()["error"]


# --- naming ---------------------------------------------------------------------------------------


def drop(client: Any, files: dict[str, bytes]) -> int:
    number = client.post("/name/drops", json={"title": "street"}).json()["drop"]
    sent = [("file", ("picture", content)) for content in files.values()]
    told = client.post(
        f"/name/drops/{number}/pictures", files=sent, data={"names": json.dumps([*files])}
    )
    assert told.status_code == 200, told.text
    client.post(f"/name/drops/{number}/end")
    return int(number)


def wait(client: Any, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        text = client.get("/name/progress").text
        if 'data-left="0"' in text and "load delay" not in text:
            return
        time.sleep(0.05)
    pytest.fail("the crops were not named in time")


def exported(client: Any, query: str = "") -> list[dict[str, Any]]:
    told = client.get(f"/name/answers.jsonl{query}")
    assert told.status_code == 200
    return [json.loads(line) for line in told.text.splitlines()]


def test_dropped_crops_get_the_answers_of_predict(
    open_client: Callable[..., Any], tmp_path: Path
) -> None:
    client = open_client()
    files = {f"{code}.png": crop_of(code) for code in ("2.5", "3.1", "3.24.n40")}
    files |= {"a/broken.png": b"not a picture", HOSTILE: crop_of("4.1.1")}
    drop(client, files)
    wait(client)
    for name, content in files.items():
        place = tmp_path / "crops" / name.replace("/", "_")
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
    model = raresign.load()
    rows = {row["path"]: row for row in exported(client)}
    assert set(rows) == set(files)
    for name in files:
        expected = model.answer(tmp_path / "crops" / name.replace("/", "_"))
        assert rows[name]["code"] == expected.code
        assert (rows[name]["error"] is None) == (expected.error is None)
        if expected.probability:
            assert rows[name]["probability"] == pytest.approx(expected.probability, abs=1e-3)
    page = client.get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert [row["path"] for row in exported(client, "?look=error")] == ["a/broken.png"]
    assert [row["path"] for row in exported(client, "?text=2.5")] == ["2.5.png"]
    for form, start in (("csv", b"\xef\xbb\xbffile"), ("xlsx", b"PK"), ("parquet", b"PAR1")):
        assert client.get(f"/name/answers.{form}").content.startswith(start)
    assert client.get("/name/answers.exe").status_code == 422
    number = re.search(r'href="/name/crop/(\d+)"', page)
    assert number is not None
    assert "Looks most like" in client.get(f"/name/crop/{number[1]}").text


def test_frames_are_named_by_their_boxes_drawn_or_dropped(
    open_client: Callable[..., Any], tmp_path: Path
) -> None:
    client = open_client()
    frame = Image.new("RGB", (1280, 720), (96, 110, 100))
    for code, place in (("2.5", (100, 80)), ("3.24.n40", (700, 300))):
        sign = Image.fromarray(raresign.render_sign(code, 90))
        frame.paste(sign, place, sign)
    boxes = "file,x0,y0,x1,y1,track\nday/f.png,100,80,190,170,t1\nday/f.png,700,300,790,390,t2\n"
    (tmp_path / "day").mkdir()
    frame.save(tmp_path / "day" / "f.png")
    (tmp_path / "boxes.csv").write_text(boxes)
    drop(client, {"day/f.png": png(frame), "boxes.csv": boxes.encode()})
    wait(client)
    expected = [
        (one.code, one.box, one.track)
        for one in raresign.predict("built-in", [tmp_path], boxes=tmp_path / "boxes.csv")
    ]
    rows = exported(client)
    assert [(row["code"], tuple(row["box"]), row["track"]) for row in rows] == expected

    drop(client, {"g.png": png(frame)})
    wait(client)
    drawn = re.search(r'href="/name/frame/(\d+)"', client.get("/?look=frame").text)
    assert drawn is not None
    address = f"/name/frame/{drawn[1]}/boxes"
    told = client.post(address, json={"boxes": [[100, 80, 190, 170]]}).json()
    wait(client)
    assert [row["code"] for row in exported(client) if row["path"] == "g.png"] == ["2.5"]
    assert client.post(f"/undo/{told['action']}").status_code == 200
    wait(client)
    assert not [row for row in exported(client) if row["path"] == "g.png"]
    late = {"boxes": [[1, 2, 30, 40]], "shown": [[100, 80, 190, 170]]}  # somebody was faster
    assert "meanwhile" in client.post(address, json=late).json()["error"]
    for wrong in (None, [[1, 2, 3]], "x", [["a", 1, 2, 3]]):
        assert client.post(address, json={"boxes": wrong}).status_code == 422


def test_what_was_taken_back_is_done_again(open_client: Callable[..., Any]) -> None:
    client = open_client()
    number = drop(client, {"a.png": crop_of("2.5")})
    step = client.app.state.workplace.store.actions(1, "drop")[0].id
    for _ in range(2):
        back = client.post(f"/undo/{step}").json()
        assert (back["done"], back["action"]) == ("Taken back: street was dropped", None)
        assert "a.png" not in client.get("/").text
        assert ">Do again<" in client.get("/history").text
        again = client.post(f"/undo/{back['again']}").json()
        assert again["done"] == "Done again: street was dropped"
        assert "a.png" in client.get("/").text
        assert client.post(f"/undo/{back['again']}").status_code == 422  # only once
        step = again["action"]
    client.post(f"/undo/{step}")
    sent = [("file", ("picture", crop_of("3.1")))]  # of a browser that was still reading
    client.post(f"/name/drops/{number}/pictures", files=sent, data={"names": '["late.png"]'})
    assert "late.png" not in client.get("/").text


def test_thousands_of_crops_come_in_parts(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.sqlite")
    crops, listed = DroppedCrops(store), CropList(store)
    number = crops.begin("ann", "many")
    crops.add(number, [(f"{k:05d}_%.png", "ab", (30, 30)) for k in range(10_000)])
    assert listed.counts(Filter()) == {"waiting": 10_000}
    found = listed.rows(Filter(text="0999"), "name", 60)
    assert [row.name for row in found[:2]] == ["00999_%.png", "09990_%.png"]
    assert not listed.rows(Filter(text="9%9"), "name", 60)  # no sign of a pattern
    assert listed.rows(Filter(), "dropped", 60, 9_960)[-1].name == "09999_%.png"
    crops.hide_drop(number, True)
    assert not listed.counts(Filter())
    store.close()


# --- new signs ------------------------------------------------------------------------------------


def test_a_plate_is_cut_out_as_it_was_photographed(tmp_path: Path) -> None:
    from raresign.studio.plate import cut_plate

    plate = Image.new("RGB", (100, 100), (250, 250, 250))
    draw = ImageDraw.Draw(plate)
    draw.rectangle((0, 0, 49, 49), fill=(200, 30, 30))
    draw.rectangle((50, 50, 99, 99), fill=(30, 30, 200))
    corners = [(60, 40), (220, 70), (200, 240), (50, 200)]
    size = (300, 300)
    back = np.linalg.inv(_homography([(0, 0), (100, 0), (100, 100), (0, 100)], corners))
    seen = plate.transform(
        size, Image.Transform.PERSPECTIVE, tuple((back / back[2, 2]).ravel()[:8])
    )
    seen.save(tmp_path / "photo.png")
    icon = np.asarray(Image.open(io.BytesIO(cut_plate(tmp_path / "photo.png", corners, "plate"))))
    height, width = icon.shape[:2]
    for (y, x), colour in (
        ((0.25, 0.25), (200, 30, 30)),
        ((0.25, 0.75), (250, 250, 250)),
        ((0.75, 0.75), (30, 30, 200)),
    ):
        assert icon[int(y * height), int(x * width), :3] == pytest.approx(colour, abs=6)
    with pytest.raises(raresign.InputError, match="enclose no sign"):
        cut_plate(tmp_path / "photo.png", corners[::-1], "plate")


def _homography(before: Any, after: Any) -> Any:
    rows, values = [], []
    for (x, y), (u, v) in zip(before, after, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -x * u, -y * u], [0, 0, 0, x, y, 1, -x * v, -y * v]]
        values += [u, v]
    return np.append(np.linalg.solve(np.array(rows, float), values), 1).reshape(3, 3)


@pytest.mark.parametrize("share", [0, 50, 100])
def test_every_turn_of_a_slider_is_a_sound_preset(share: int) -> None:
    from raresign.studio.effects import SLIDERS, turned

    road = raresign.load_preset("road")
    for slider in SLIDERS:
        one = turned(road, {slider.name: share})
        assert type(one).model_validate(one.model_dump()) == one
        assert one != road


def test_a_sign_is_drawn_from_number_and_value(open_client: Callable[..., Any]) -> None:
    client = open_client()
    told = client.post("/add/template", json={"text": "3.24, 65"}).json()
    assert (told["code"], told["kind"]) == ("3.24.n65", "svg")
    assert client.get(f"/add/icon/{told['icon']}.svg?code=3.24.n65").status_code == 200
    assert client.post("/add/template", json={"text": "<script>"}).status_code == 422
    assert client.post("/add", json=told).status_code == 409  # no run folder
    assert client.get("/add/icon/..%2f..%2fetc.svg").status_code in (404, 422)
