"""How soon the studio is there, and how soon its pages answer with many dropped crops.

    python tools/studio_speed.py [--crops 100000] [--run built-in]

Prints seconds from the start of the command to the first page, and milliseconds of each page, the
median and the slowest of nine requests, all by the clock.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from starlette.testclient import TestClient

import raresign
from raresign.answers.answer import Answer, FileAnswer
from raresign.studio.application import create_studio
from raresign.studio.dropped import DroppedCrops

PAGES = (
    *("/", "/name/rows?look=sure", "/name/rows?order=unsure&page=800", "/name/rows?order=sign"),
    *("/name/rows?text=0999", "/name/rows?text=speed", "/add", "/find", "/history"),
)
TIMES = 9


def fill(crops: DroppedCrops, version: str, count: int, signs: list[tuple[str, str]]) -> None:
    """Drop so many crops, and answer them."""
    drop = crops.begin("ann", "street")
    crops.add(drop, [(f"day{k % 30}/{k:06d}.png", f"{k:040x}", (40, 40)) for k in range(count)])
    for start in range(1, count + 1, 10_000):
        told = []
        for number in range(start, min(start + 10_000, count + 1)):
            sure = 0.5 + number % 499 / 1000
            guesses = tuple(
                Answer(*signs[(number + place) % len(signs)], share, "red ring")
                for place, share in enumerate((sure, 0.1, 0.05, 0.02, 0.01))
            )
            answer = FileAnswer(f"{number:06d}.png", guesses, family="red ring")
            told.append((number, ("sure", "check", "unknown")[number % 3], answer))
        crops.answered(version, told)


def started(run: str, folder: Path) -> float:
    """Seconds from the start of the command to the first page."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "raresign", "studio", run, "--port", "0", "--no-browser"]
    command += ["--state", str(folder / "started.sqlite")]
    process = subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://[\d.]+:\d+", line):
                while True:  # the address is told right before it listens
                    with suppress(urllib.error.URLError), urllib.request.urlopen(found[0]) as page:
                        page.read()
                        return time.perf_counter() - began
                    time.sleep(0.01)
        raise SystemExit("the studio did not start")
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Start it, fill it, ask it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crops", type=int, default=100_000)
    parser.add_argument("--run", default="built-in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        times = [started(asked.run, folder) for _ in range(3)]
        print(f"first page: {statistics.median(times):.2f} s after the start of the command")
        studio = create_studio(asked.run, folder / "studio.sqlite", language="en")
        here = studio.state.workplace
        with TestClient(studio, base_url="http://127.0.0.1") as client:
            client.headers["accept"] = "text/html"
            model = raresign.load(asked.run)
            signs = [(sign.code, sign.title) for sign in model.catalogue.classes]
            while not here.is_loaded:
                time.sleep(0.05)
            fill(DroppedCrops(here.store), here.model.current.version, asked.crops, signs)
            print("| page | median, ms | slowest, ms |\n|---|---:|---:|")
            for page in PAGES:
                spent = []
                for _ in range(TIMES):
                    began = time.perf_counter()
                    answer = client.get(page)
                    spent.append(1000 * (time.perf_counter() - began))
                    assert answer.status_code == 200, (page, answer.status_code)
                print(f"| {page} | {statistics.median(spent):.0f} | {max(spent):.0f} |")


if __name__ == "__main__":
    main()
