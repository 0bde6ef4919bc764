"""The studio in a browser: by mouse and by keys, wide and narrow, light and dark, in Russian."""

from __future__ import annotations

import io
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import raresign
from raresign.service.own_process import add_here

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")
for _library in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
    pytest.importorskip(_library, reason='needs pip install "raresign[studio]"')

LOOKS = [(1280, "light", "en-US"), (400, "dark", "ru-RU")]
PAGES = (
    *("/", "/add", "/find", "/review", "/review/mistakes", "/compare", "/report", "/history"),
    "/nothing",
)
Axe = Callable[[Any], list[Any]]
HOSTILE = "<script>document.title='x'</script>.png"


class Bench:
    """The workshop without processes of its own: PyTorch is loaded here already."""

    is_possible = True

    def warm(self) -> None:
        pass

    def call(self, function: Callable[..., Any], *given: Any) -> Any:
        return function(*given)

    def add(self, *given: Any) -> Any:
        return add_here(*given)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def address(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio of a copy of the tiny run."""
    import uvicorn

    from raresign.studio.application import create_studio

    run = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("studio") / "signs"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_studio(run, port=port)
    app.state.workplace.workshop = Bench()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def opened(browser: sync_api.Browser, address: str) -> Iterator[Callable[..., sync_api.Page]]:
    """Opens pages; at the end none may have complained or asked another host for anything."""
    contexts, complaints = [], []

    def told(message: sync_api.ConsoleMessage) -> None:
        if "404 (Not Found)" not in message.text:
            complaints.append(message.text)

    def open_page(path: str = "/", look: tuple[int, str, str] = LOOKS[0]) -> sync_api.Page:
        width, scheme, locale = look
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.on("console", told)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda r: None if r.url.startswith((address, "blob:")) else complaints.append(r.url),
        )
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def photo_of(code: str) -> bytes:
    sign = Image.fromarray(raresign.render_sign(code, 60))
    crop = Image.new("RGB", (72, sign.height + 12), (110, 115, 120))
    crop.paste(sign, (6, 6), sign)
    file = io.BytesIO()
    crop.save(file, "PNG")
    return file.getvalue()


def given(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "image/png", "buffer": content}


def drop(page: sync_api.Page, *names: str) -> None:
    page.set_input_files("#files", [given(name, photo_of("2.5")) for name in names])
    page.wait_for_selector(".named-card")
    page.wait_for_selector('#progress[data-left="0"]', state="attached")
    page.wait_for_selector(".badge.waiting", state="detached")


@pytest.mark.parametrize("look", LOOKS, ids=["wide-light-en", "narrow-dark-ru"])
def test_every_page_fits_and_is_accessible(
    opened: Callable[..., sync_api.Page], axe: Axe, address: str, look: tuple[int, str, str]
) -> None:
    page = opened("/", look)
    drop(page, "one.png", HOSTILE)
    page.locator(".named-card").first.click()
    page.wait_for_selector("#detail .panel")
    for path in ("", *PAGES):
        if path:
            page.goto(address + path)
            page.wait_for_selector("script[src*=wait]", state="detached")  # the report
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= look[0], (path, width)
        assert axe(page) == [], path
    assert page.evaluate("document.documentElement.lang") == look[2][:2]


def test_from_an_icon_to_the_first_recognised_photo_in_four_clicks(
    opened: Callable[..., sync_api.Page], tmp_path: Path
) -> None:
    icon = tmp_path / "1.20.2.svg"
    icon.write_text(raresign.standard("gost").svg("1.20.2"), encoding="utf-8")
    photo = tmp_path / "photo.png"
    photo.write_bytes(photo_of("1.20.2"))
    page = opened("/")
    clicks = 0

    def click(selector: str) -> None:
        nonlocal clicks
        clicks += 1
        page.click(selector)

    click("nav a[href='/add']")
    with page.expect_file_chooser() as chooser:
        click("#choose-icon")
    chooser.value.set_files(icon)
    page.wait_for_selector("#sign:not([hidden])")
    assert page.input_value("#code") == "1.20.2"
    page.wait_for_selector("#expected h4")
    click("#go")
    page.wait_for_selector("#try:not([hidden])")
    with page.expect_file_chooser() as chooser:
        click("#try [data-choose]")
    chooser.value.set_files(photo)
    page.wait_for_url("**/?drop=*")
    page.wait_for_selector(".named-card .badge:not(.waiting)")
    assert clicks <= 4
    page.goto(page.url.replace(page.url.split("/", 3)[3], "add"))
    page.click("#added [data-undo]")  # one click takes it back
    page.wait_for_selector("#said .toast")
    assert page.locator("#added").count() == 0
    page.keyboard.press("Control+Shift+z")  # and it is there again
    page.wait_for_selector("#added [data-undo]")
    page.keyboard.press("u")
    page.wait_for_selector("#said :text('Taken back')")
    assert page.locator("#added").count() == 0


def test_a_list_is_walked_by_keys_and_a_drop_taken_off_and_back(
    opened: Callable[..., sync_api.Page],
) -> None:
    page = opened("/")
    drop(page, "a.png", "b.png")
    page.wait_for_load_state("networkidle")  # the list is no more exchanged
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail .panel")
    page.keyboard.press("Escape")
    page.wait_for_selector("#detail .panel", state="detached")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("b.png")
    page.wait_for_selector(".named-card:has-text('a.png')", state="detached")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("Control+z")
    page.wait_for_selector("#said :text('Taken back')")
    assert page.locator(".named-card:has-text('b.png')").count() == 0
    russian = """dispatchEvent(new KeyboardEvent("keydown",
      { key: "Я", code: "KeyZ", ctrlKey: true, shiftKey: true, bubbles: true }))"""
    page.evaluate(f"document.body.{russian}")
    page.wait_for_selector("#said :text('Done again')")
    page.wait_for_selector(".named-card:has-text('b.png')")
    other = opened("/history")  # two browsers at once
    other.locator("[data-undo]").first.click()
    other.wait_for_selector("#said :text('Taken back')")
    page.reload()
    assert page.locator(".named-card:has-text('b.png')").count() == 0
    page.keyboard.press("2")
    page.wait_for_url("**/add")


def test_boxes_are_drawn_by_mouse_and_moved_by_keys(
    opened: Callable[..., sync_api.Page], axe: Axe
) -> None:
    page = opened("/", LOOKS[1])
    file = io.BytesIO()
    Image.new("RGB", (1280, 720), (90, 100, 110)).save(file, "PNG")
    page.set_input_files("#files", [given("street.png", file.getvalue())])
    page.click(".named-card:has-text('street.png')")
    page.wait_for_selector("#boxes img")
    area = page.locator("#boxes").bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + 100, area["y"] + 100)
    page.mouse.down()
    page.mouse.move(area["x"] + 160, area["y"] + 170)
    page.mouse.up()
    before = page.locator(".box").bounding_box()
    page.keyboard.press("ArrowRight")
    after = page.locator(".box").bounding_box()
    assert before
    assert after
    assert after["x"] > before["x"]
    page.keyboard.press("n")
    assert page.locator(".box").count() == 2
    page.keyboard.press("Delete")
    assert page.locator(".box").count() == 1
    assert axe(page) == []
    page.keyboard.press("s")
    page.wait_for_selector(".named-card:has-text('street.png') .badge:not(.waiting, .frame)")


def drop_folder(page: sync_api.Page, folder: Path) -> None:
    """Drop a folder as a desktop does."""
    line = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        line.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 200, "data": data})


def test_hundreds_of_crops_are_dropped_and_the_list_is_used_meanwhile(
    opened: Callable[..., sync_api.Page], tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    for number in range(400):
        file = folder / str(number % 3) / f"{number:03d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (number % 256, 90, number // 2)).save(file)
    (folder / ".hidden").write_bytes(b"")
    (folder / "broken.png").write_bytes(b"no picture")
    page = opened("/")
    drop(page, "first.png")
    drop_folder(page, folder)
    page.wait_for_selector("#said :text('Files read: 401. Left out: hidden: 1.')")
    page.select_option("#drop-choice", label="many (401)")
    page.wait_for_selector("#found :text('1–60 of 401')")
    page.click("#parts button:last-child")
    page.wait_for_selector("#found :text('61–120 of 401')")
    with page.expect_response(lambda answer: "page=2" in answer.url):  # nobody is led away
        page.evaluate("follower.follow()")
    page.fill("#text", "broken")
    page.evaluate("follower.follow()")
    page.wait_for_selector("#found :text('1–1 of 1')")
    assert page.input_value("#text") == "broken"
    page.fill("#text", "")
    page.wait_for_selector('#progress[data-left="0"]', state="attached")
    page.wait_for_selector("#found :text('1–60 of 401')")
    page.wait_for_selector("#looks .look.waiting", state="detached")
    shown = page.locator("#looks .num").all_inner_texts()
    assert sum(map(int, shown)) == 401
