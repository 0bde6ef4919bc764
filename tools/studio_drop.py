"""What a browser does with very many crops that are dropped on the studio at once.

    python tools/studio_drop.py [--crops 10000] [--from FOLDER] [--run built-in]

Makes a folder of crops (or copies those of FOLDER, again and again until there are enough), with
files among them that are no pictures or hidden; drops it on the page "Name" in headless Chromium as
a person would, works with the list meanwhile, and compares the answers taken along with the folder.
Prints a table: seconds, the longest time that the page was frozen, and memory of the studio.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import raresign
from raresign.crops.layouts.listing import pictures_under

BROKEN, HIDDEN = 5, 3
FOLDERS = 20
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]
WATCH = """
window.tasks = [];
const noted = (list) => window.tasks.push(...list.getEntries().map((one) => one.duration));
new PerformanceObserver(noted).observe({ type: "longtask", buffered: true });
"""
MOST_SECONDS = 7200


def make_crops(folder: Path, count: int) -> None:
    """So many small pictures of signs, no two the same."""
    draw = np.random.default_rng(0)
    codes = [sign.code for sign in raresign.load().catalogue.classes]
    signs = [Image.fromarray(raresign.render_sign(code, 48)) for code in codes[:60]]
    for number in range(count):
        sign = signs[number % len(signs)]
        size = sign.width + 12, sign.height + 12
        crop = Image.new("RGB", size, tuple(draw.integers(40, 200, 3).tolist()))
        crop.paste(sign, tuple(draw.integers(0, 12, 2).tolist()), sign)
        file = folder / f"{number % FOLDERS:02d}" / f"{number:06d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        crop.save(file, quality=90)


def copy_crops(folder: Path, count: int, source: Path) -> None:
    """So many pictures of a folder, again from the first when there are no more."""
    files = pictures_under(source)
    for number in range(count):
        file = files[number % len(files)]
        copy = folder / f"{number % FOLDERS:02d}" / f"{number:06d}{file.suffix}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


@contextmanager
def studio(run: str, state: Path) -> Iterator[tuple[str, int]]:
    """Address and process of a studio."""
    command = [sys.executable, "-m", "raresign", "studio", run, "--port", "0", "--no-browser"]
    command += ["--state", str(state)]
    process = subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://[\d.]+:\d+", line):
                yield found[0], process.pid
                return
        raise SystemExit("the studio did not start")
    finally:
        process.terminate()
        process.wait()


def most_memory(process: int) -> float:
    """The most MB that a process has held."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1000 if found else float("nan")


def drop(page: Page, folder: Path) -> None:
    """Drop a folder in the middle of the zone, as the desktop does."""
    place = page.locator("#drop").bounding_box()
    assert place is not None
    at = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    line = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        line.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})


def main() -> None:
    """Make, drop, wait, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crops", type=int, default=10_000)
    parser.add_argument("--from", dest="source", type=Path)
    parser.add_argument("--run", default="built-in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "street"
        folder.mkdir()
        if asked.source:
            copy_crops(folder, asked.crops, asked.source)
        else:
            make_crops(folder, asked.crops)
        for number in range(BROKEN):
            (folder / f"broken{number}.png").write_bytes(b"no picture %d" % number)
        for number in range(HIDDEN):
            (folder / f".hidden{number}").write_bytes(b"")
        names = {f"street/{one.relative_to(folder)}" for one in folder.rglob("[!.]*.*")}
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        with (
            studio(asked.run, Path(place) / "studio.sqlite") as (address, process),
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_context(locale="en-US", bypass_csp=True).new_page()
            page.set_default_timeout(1000 * MOST_SECONDS)
            page.add_init_script(WATCH)
            page.goto(address)
            at_first = most_memory(process)
            began = time.perf_counter()
            drop(page, folder)
            page.wait_for_selector(".sending:not([hidden])")
            seen = time.perf_counter() - began
            page.wait_for_selector(".named-card")
            first = time.perf_counter() - began
            page.wait_for_selector(".sending", state="hidden")
            sent = time.perf_counter() - began
            print("said:", page.locator("#said").inner_text().replace("\n", " "))
            page.wait_for_selector('#progress[data-left="0"]', state="attached")
            named = time.perf_counter() - began
            page.wait_for_load_state("networkidle")
            shown = page.locator(".found span").first.inner_text()
            tasks = page.evaluate("window.tasks")
            with page.expect_download() as download:
                page.click("a[href='/name/answers.csv']")
            text = download.value.path().read_text(encoding="utf-8-sig")
            told = [row["file"] for row in csv.DictReader(io.StringIO(text))]
            memory = most_memory(process)
            browser.close()
    print("| what | figure |\n|---|---:|")
    for words, figure in (
        ("files dropped, hidden ones among them", f"{len(names) + HIDDEN:,}"),
        ("until the page says so, s", f"{seen:.1f}"),
        ("until the first crops are listed, s", f"{first:.1f}"),
        ("until all are accepted, s", f"{sent:.1f}"),
        ("until all are answered, s", f"{named:.1f}"),
        ("the page shows", shown),
        ("answers taken along", f"{len(told):,}"),
        ("files without an answer", f"{len(names - {*told}):,}"),
        ("longest time the page was frozen, ms", f"{max(tasks, default=0):.0f}"),
        ("all times of more than 50 ms together, s", f"{sum(tasks) / 1000:.1f}"),
        ("memory of the studio before, MB", f"{at_first:.0f}"),
        ("memory of the studio at most, MB", f"{memory:.0f}"),
    ):
        print(f"| {words} | {figure} |")
    if {*told} != names or len(told) != len(names):
        raise SystemExit("crops were lost")


if __name__ == "__main__":
    main()
