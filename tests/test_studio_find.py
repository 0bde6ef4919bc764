"""The page "Find" of the studio: a folder, its index, decisions by keys, and nothing lost."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import raresign
from raresign.studio.application import create_studio
from tiny_data import write_photo

CODE, OTHER = "2.5", "4.1.1"


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pile")
    for code in (CODE, OTHER, "3.24.n40"):
        for number in range(3):
            write_photo(folder / f"{code}-{'xyz'[number]}.png", code, number)
    write_photo(folder / "<script>alert(1)<b>.png", CODE, 7)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def ready(client: TestClient) -> None:
    until = time.monotonic() + 120
    while 'data-state="ready"' not in client.get("/find/progress").text:
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.fixture
def client(tmp_path: Path, crops: Path) -> Iterator[TestClient]:
    """A studio that has looked through the crops."""
    app = create_studio("built-in", tmp_path / "studio.sqlite")
    with TestClient(app, base_url="http://127.0.0.1") as client:
        client.headers["X-Raresign-Token"] = app.state.token
        told = client.post("/find/source", json={"folder": str(crops), "boxes": ""})
        assert told.json()["done"] == f"{crops.resolve()} is looked through"
        ready(client)
        yield client


def shown(client: TestClient, code: str = CODE) -> list[str]:
    """The rows of the candidates, in their order."""
    text = client.get(f"/find/candidates?code={code}").text
    return [part.split('"')[0] for part in text.split('data-rows="')[1:]]


def decide(client: TestClient, rows: str, answer: str, code: str = CODE) -> dict[str, object]:
    given = {"rows": [int(row) for row in rows.split(",")], "code": code, "answer": answer}
    answered = client.post("/find/decide", json=given)
    assert answered.status_code == 200, answered.text
    told: dict[str, object] = answered.json()
    return told


def test_decisions_are_kept_taken_back_and_taken_along(client: TestClient, crops: Path) -> None:
    first, second, third, *_rest = shown(client)
    told = decide(client, first, "yes")
    decide(client, second, "no")
    decide(client, third, OTHER)
    left = shown(client)
    assert not {first, second, third} & set(left)
    assert third not in shown(client, OTHER)  # decided on, whatever is looked for
    table = client.get("/find/confirmed.csv").text.splitlines()
    assert len(table) == 3
    assert {row.split(",")[1] for row in table[1:]} == {CODE, OTHER}
    undone = client.post(f"/undo/{told['action']}")
    assert undone.status_code == 200
    assert first in shown(client)
    history = client.get("/history").text
    assert "does not show 2.5" in history
    assert "<script>alert" not in client.get(f"/find/candidates?code={CODE}").text + history


def test_two_people_at_once_and_a_new_start(client: TestClient, tmp_path: Path) -> None:
    rows = shown(client)
    threads = [
        threading.Thread(target=decide, args=(client, row, answer))
        for row, answer in zip(rows[:6], ("yes", "no") * 3, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shown(client)) == len(rows) - 6
    again = create_studio("built-in", tmp_path / "studio.sqlite")
    with TestClient(again, base_url="http://127.0.0.1") as other:
        ready(other)
        assert shown(other) == shown(client)


def test_what_is_wrong_is_told(client: TestClient) -> None:
    for address, given in (
        ("/find/source", {"folder": "/nowhere"}),
        ("/find/decide", {"rows": ["x"], "code": CODE, "answer": "yes"}),
        ("/find/decide", {"rows": [10**6], "code": CODE, "answer": "yes"}),
        ("/find/decide", {"rows": [0], "code": CODE, "answer": "9.9"}),
    ):
        answered = client.post(address, json=given)
        assert answered.status_code == 422
        assert answered.json()["hint"]
    assert client.get("/find/crop/99").status_code == 404
    assert client.get("/find/crop/0").headers["content-type"] == "image/webp"


def test_teaching_is_taken_back_step_by_step(
    finished_run: Path, crops: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "signs"))
    code = "3.24.n60"
    write_photo(tmp_path / "known.png", code, 9)
    raresign.add_photos(run, code, [tmp_path / "known.png"])  # by the command line
    kept = run / "photos" / f"{code}.safetensors"
    app = create_studio(run, tmp_path / "studio.sqlite")
    with TestClient(app, base_url="http://127.0.0.1") as client:
        client.headers["X-Raresign-Token"] = app.state.token
        client.post("/find/source", json={"folder": str(crops)})
        ready(client)
        states, steps = [kept.read_bytes()], []
        for rows in ("0", "1,2"):
            decide(client, rows, "yes", code)
            told = client.post("/find/teach", json={"code": code})
            steps.append(told.json()["action"])
            states.append(kept.read_bytes())
        assert len(raresign.kept_photos(run, code)) == 4
        assert client.post("/find/teach", json={"code": code}).status_code == 422  # nothing new
        for number, state in zip(reversed(steps), (states[1], states[0]), strict=True):
            assert "learned" in client.post(f"/undo/{number}").json()["done"]
            assert kept.read_bytes() == state
        last = app.state.workplace.store.actions(1)[0].id
        client.post(f"/undo/{last}")  # taking back is taken back
        assert kept.read_bytes() == states[1]
        raresign.remove_photos(run, [code])
        assert not kept.exists()


@pytest.mark.browser
def test_by_keys_alone(client: TestClient, browser: Any, axe: Callable[[Any], list[Any]]) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    import uvicorn

    config = uvicorn.Config(client.app, port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        size = {"width": 400, "height": 860}
        page = browser.new_page(viewport=size, color_scheme="dark", locale="ru-RU")
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{listening.getsockname()[1]}/find")
        page.locator("#text").fill("2.5")
        page.locator(f'a.sign-card[href="/find?code={CODE}"]').press("Enter")
        sync_api.expect(page.locator(".candidate").first).to_be_focused(timeout=30_000)
        counts = page.locator(".found-line strong")
        for key, number, wanted in (("y", 0, "1"), ("n", 1, "1"), ("u", 1, "0")):
            page.keyboard.press(key)
            sync_api.expect(counts.nth(number)).to_have_text(wanted, timeout=30_000)
            sync_api.expect(page.locator(".candidate").first).to_be_focused()
        page.keyboard.press("a")
        sync_api.expect(page.locator("#other-text")).to_be_focused()
        page.keyboard.type(OTHER)
        sync_api.expect(page.locator("#other-signs li")).to_have_count(1)
        page.keyboard.press("Enter")
        sync_api.expect(counts.nth(1)).to_have_text("1", timeout=30_000)
        page.keyboard.press("o")
        pressed = page.locator('button[data-order="informative"]')
        sync_api.expect(pressed).to_have_attribute("aria-pressed", "true", timeout=30_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert axe(page) == []
        assert not complaints
        page.close()
    finally:
        server.should_exit = True
        thread.join()
