"""Takes the pictures of docs/studio.md, of the demonstration's run and its made photos.

    make demo && python tools/studio_pictures.py demo [name add find review]

Writes docs/images/studio/<page>.webp (English, wide, light) and <page>-ru.webp (Russian, narrow,
dark). It works on a copy of the run and needs Chromium.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from raresign.studio.application import create_studio

IMAGES = Path("docs/images/studio")
LOOKS = {"": (1280, 860, "light", "en-US"), "-ru": (400, 860, "dark", "ru-RU")}
CROPS, RARE = 48, "3.24.n50"
MOST_BYTES = 60_000
SEEN = """[...document.images].every(
  (one) => one.complete || one.getBoundingClientRect().top > innerHeight)"""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]


def main() -> None:
    demo = Path(sys.argv[1])
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(shutil.copytree(demo / "run", Path(folder) / "signs"))
        crops = Path(shutil.copytree(demo / "data" / "smalltest", Path(folder) / "crops"))
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        with served(run) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for ending in LOOKS:
                page = opened(browser, ending)
                for name in sys.argv[2:] or PAGES:
                    PAGES[name](page, address, crops)
                    keep(page, f"{name}{ending}")
                page.context.close()
            browser.close()


@contextmanager
def served(run: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_studio(run, port=port)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


def opened(browser: Browser, ending: str) -> Page:
    width, height, scheme, locale = LOOKS[ending]
    size = {"width": width, "height": height}
    page = browser.new_context(
        viewport=size, color_scheme=scheme, locale=locale, bypass_csp=True
    ).new_page()
    page.set_default_timeout(600_000)
    return page


def take_name(page: Page, address: str, crops: Path) -> None:
    page.goto(address)
    if page.locator(".named-card").count() == 0:  # the second look finds what the first dropped
        page.set_input_files("#files", sorted(crops.iterdir())[:CROPS])
    page.wait_for_selector('#progress[data-left="0"]', state="attached")
    page.wait_for_selector(".named-card .badge:not(.waiting)")
    page.locator(".named-card").nth(1).click()
    page.wait_for_selector("#detail .panel")


def take_add(page: Page, address: str, crops: Path) -> None:
    page.goto(f"{address}/add")
    page.fill("#template-text", "3.24, 65")
    page.keyboard.press("Enter")
    page.wait_for_selector("#expected h4")
    page.wait_for_function("document.querySelector('#look').naturalWidth > 0")


def take_find(page: Page, address: str, crops: Path) -> None:
    page.goto(f"{address}/find")
    if page.locator("#pile").count():
        page.fill("#folder", str(crops))
        page.click("#pile button.main")
    page.wait_for_selector('[data-state="ready"]')
    page.goto(f"{address}/find?code={RARE}")
    page.wait_for_selector("#candidates img")
    page.locator(".pile-name").evaluate("one => one.textContent = '/data/crops'")


def take_review(page: Page, address: str, crops: Path) -> None:
    page.goto(f"{address}/review")
    page.wait_for_load_state("networkidle")


PAGES = {"name": take_name, "add": take_add, "find": take_find, "review": take_review}


def keep(page: Page, name: str) -> None:
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    page.wait_for_function(SEEN)
    page.wait_for_timeout(500)
    picture = Image.open(io.BytesIO(page.screenshot()))
    file = IMAGES / f"{name}.webp"
    for quality in (80, 65, 50, 35):
        picture.convert("RGB").save(file, quality=quality, method=6)
        if file.stat().st_size < MOST_BYTES:
            break
    print(f"{file}: {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
