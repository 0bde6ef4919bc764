"""Review in a real browser: corrections by key alone, undo, narrow and dark, no complaints."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from test_studio_review import made  # noqa: F401 (a fixture)

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")
uvicorn = pytest.importorskip("uvicorn")

CARD = ".test-crop"


@pytest.fixture(scope="module")
def address(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: F811
    from raresign.studio.application import create_studio

    state = tmp_path_factory.mktemp("state") / "studio.sqlite"
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_studio(made / "run", state), ws="none", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


def _page(
    browser: sync_api.Browser, width: int, scheme: str, locale: str = "en-US"
) -> tuple[sync_api.Page, list[str]]:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    return page, complaints


def test_corrections_by_key_alone(browser: sync_api.Browser, address: str) -> None:
    page, complaints = _page(browser, 1280, "light")
    page.goto(f"{address}/review")
    page.keyboard.press("ArrowRight")  # to the dearest confusion
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/pair?**")
    page.goto(f"{address}/review/mistakes")
    before = page.locator(CARD).count()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("y")  # it is what it was called
    sync_api.expect(page.locator(".is-corrected")).to_have_count(1)
    page.keyboard.press("x")  # the focus is on the next one
    sync_api.expect(page.locator(".is-corrected")).to_have_count(2)
    page.keyboard.press("c")
    page.keyboard.type("No entry")
    page.locator("#choose [data-code='3.1']").wait_for()
    page.keyboard.press("Enter")
    sync_api.expect(page.locator(".is-corrected")).to_have_count(3)
    assert "3.1" in page.locator(".is-corrected").nth(2).inner_text()
    page.keyboard.press("u")  # takes the last one back, and loads the page again
    sync_api.expect(page.locator(CARD)).to_have_count(before - 2)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    assert complaints == []
    page.context.close()


PLACES = (
    *("/review", "/review/mistakes", "/review/classes?q=speed", "/review/class?code=3.24.n40"),
    *("/review/corrections", "/compare?old=run&new=other"),
    "/compare/class?old=run&new=other&code=3.24.n40",
)


def test_no_page_is_too_wide_or_complains(browser: sync_api.Browser, address: str) -> None:
    page, complaints = _page(browser, 1280, "dark")
    for place in PLACES:
        page.goto(f"{address}{place}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        assert page.locator("h1").inner_text() in ("Review", "Compare")
    assert complaints == []
    page.context.close()


def test_narrow_dark_and_in_russian_all_is_accessible(
    browser: sync_api.Browser, address: str, axe: Callable[[Any], list[Any]]
) -> None:
    page, complaints = _page(browser, 400, "dark", "ru-RU")
    page.goto(f"{address}/review")
    page.locator("main a[href*='/review/pair']").first.click()
    page.wait_for_url("**/review/pair?**")
    for place in ("", *PLACES, "/history"):
        if place:
            page.goto(f"{address}{place}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        assert axe(page) == [], place
    page.keyboard.press("?")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.lang") == "ru"
    assert complaints == []
    page.context.close()


def test_a_comparison_with_the_built_in_model_shows_its_progress(
    browser: sync_api.Browser, address: str
) -> None:
    page, complaints = _page(browser, 1280, "light")
    page.goto(f"{address}/compare?old=built-in&new=run")
    page.locator("#compared .result").wait_for()
    assert "Recall" in page.locator("#compared").inner_text()
    assert complaints == []
    page.context.close()
