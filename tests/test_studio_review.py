"""Review and Compare in the studio: corrections are kept, told, taken back and handed on."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import raresign
from raresign.evaluation.predictions import Predictions
from raresign.files import write_json

testclient = pytest.importorskip("starlette.testclient")
pytest.importorskip("fastapi")

CODES = ("3.24.n40", "3.24.n60", "4.1.1", "1.11.1")
CROPS = 48
HOSTILE = "<script>alert(1)<"  # no slash: it is a file name


def _evaluated(run: Path, seed: int) -> None:
    """Figures of a run on made crops of four signs, some of them mistakes."""
    catalogue = raresign.RunFolder.open(run).catalogue
    rng = np.random.default_rng(seed)
    labels = np.array([catalogue.label_of(CODES[k % 4]) for k in range(CROPS)])
    called = np.where(rng.random(CROPS) < 0.5, labels, rng.permutation(labels))
    shares = np.full((CROPS, len(catalogue)), 1e-4, np.float32)
    shares[np.arange(CROPS), called] = rng.uniform(0.5, 1, CROPS)
    shares[np.arange(CROPS), labels] += 0.01
    signs = catalogue.classes
    Predictions(
        tuple(f"smalltest/{k:03}{HOSTILE}.png" for k in range(CROPS)),
        labels,
        shares / shares.sum(1, keepdims=True),
        catalogue.codes,
        tuple(sign.type for sign in signs),
        tuple(sign.family for sign in signs),
    ).as_parquet(run / "evaluation" / "predictions.parquet")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an evaluated run, another one beside it, and its data."""
    place = tmp_path_factory.mktemp("review")
    data = place / "data"
    (data / "smalltest").mkdir(parents=True)
    rows = ["filename,class"]
    for k in range(CROPS):
        name = f"{k:03}{HOSTILE}.png"
        rows.append(f"{name},{CODES[k % 4]}")
        Image.new("RGB", (24, 24), (5 * k, 90, 90)).save(data / "smalltest" / name)
    (data / "smalltest_annotations.csv").write_text("\n".join(rows) + "\n")
    run = raresign.start_run(place / "run")
    info = json.loads((run / "run.json").read_text())
    info["settings"] |= {"data": str(data), "crops": None}
    write_json(run / "run.json", info)
    shutil.copytree(run, place / "other")
    _evaluated(run, 1)
    _evaluated(place / "other", 2)
    return place


@pytest.fixture
def studio(made: Path, tmp_path: Path) -> Iterator[object]:
    from raresign.studio.application import create_studio

    yield create_studio(made / "run", tmp_path / "studio.sqlite", language="en")
    (made / "data" / "corrections.csv").unlink(missing_ok=True)


class Browser:
    """A browser on the studio: pages as text, and changes with the page's token."""

    def __init__(self, studio: object) -> None:
        self.client = testclient.TestClient(studio, base_url="http://127.0.0.1")
        self.client.headers["accept"] = "text/html"

    def get(self, address: str) -> str:
        answer = self.client.get(address)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def cards(self) -> list[dict[str, str]]:
        """The surest mistakes, as their cards tell them."""
        found = re.findall(r'<li class="card test-crop.*?>', self.get("/review/mistakes"), re.S)
        names = ("row", "shown", "was", "called")
        return [{n: re.search(f'data-{n}="(.*?)"', card)[1] for n in names} for card in found]

    def post(self, address: str, body: object = None) -> object:
        token = re.search('name="studio-token" content="(.*?)"', self.get("/history"))[1]
        headers = {"x-raresign-token": token, "accept": "application/json"}
        return self.client.post(address, json=body, headers=headers)

    def correct(self, card: dict[str, str], after: str, shown: str | None = None) -> object:
        told = {"row": int(card["row"]), "after": after, "shown": shown}
        return self.post("/review/correct", told)


def test_a_correction_is_told_kept_handed_on_and_taken_back(studio: object, made: Path) -> None:
    browser = Browser(studio)
    before = browser.cards()
    first, second = before[:2]
    answer = browser.correct(first, first["called"]).json()
    assert first["called"] in answer["done"]
    assert "is-corrected" in answer["html"]
    browser.correct(second, "unreadable")
    assert len(browser.cards()) == len(before) - 2
    assert "unreadable" in browser.get("/review/corrections")

    assert browser.post("/review/corrections/save").status_code == 200
    catalogue = raresign.RunFolder.open(made / "run").catalogue
    from raresign.commands.data_folder import open_test

    with pytest.warns(UserWarning, match="1 labels corrected, 1 crops left out as unreadable"):
        table = open_test(made / "data", catalogue)
    assert table is not None
    assert len(table) == CROPS - 1
    csv = (made / "data" / "corrections.csv").read_bytes()
    assert csv == browser.client.get("/review/corrections.csv").content

    assert browser.post(f"/undo/{answer['action']}").status_code == 200
    assert len(browser.cards()) == len(before) - 1
    assert browser.post("/review/corrections/save").status_code == 200
    assert [one.after for one in raresign.read_corrections(made / "data")] == ["unreadable"]


def test_a_correction_outlives_a_new_evaluation(studio: object, made: Path) -> None:
    """What stood in the data stays known, though the new figures already follow the correction."""
    browser = Browser(studio)
    card = browser.cards()[0]
    browser.correct(card, card["called"])
    file = made / "run" / "evaluation" / "predictions.parquet"
    kept = file.read_bytes()
    told = Predictions.from_parquet(file)
    labels = told.labels.copy()
    labels[int(card["row"])] = told.codes.index(card["called"])
    try:
        Predictions(
            told.paths, labels, told.probabilities, told.codes, told.types, told.families
        ).as_parquet(file)
        browser.post("/review/corrections/save")
        [one] = raresign.read_corrections(made / "data")
        assert (one.before, one.after) == (card["was"], card["called"])
    finally:
        file.write_bytes(kept)


def test_two_browsers_lose_no_correction(studio: object) -> None:
    one, two = Browser(studio), Browser(studio)
    cards = one.cards()

    def work(job: tuple[Browser, dict[str, str], str]) -> int:
        browser, card, after = job
        return int(browser.correct(card, after).status_code)

    half = len(cards) // 2
    jobs = [(one, card, "unreadable") for card in cards[:half]]
    jobs += [(two, card, card["called"]) for card in cards[half:]]
    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(work, jobs[::2] + jobs[1::2])) == {200}
    assert len(raresign_rows(one)) == len(cards)
    # Both saw the same crop without a correction: only one of them can be first.
    with ThreadPoolExecutor(2) as pool:
        again = [(one, cards[0], "4.1.1"), (two, cards[0], "1.11.1")]
        fresh = [(browser, card, after, "unreadable") for browser, card, after in again]
        codes = list(pool.map(lambda job: job[0].correct(*job[1:]).status_code, fresh))
    assert sorted(codes) == [200, 422]


def raresign_rows(browser: Browser) -> list[str]:
    return browser.client.get("/review/corrections.csv").text.splitlines()[1:]


def test_no_text_of_a_stranger_becomes_html(studio: object) -> None:
    browser = Browser(studio)
    card = browser.cards()[0]
    answer = browser.correct(card, "unreadable").json()
    pair = f"/review/pair?code={card['was']}&called={card['called']}"
    asked = "?q=<script>alert(1)</script>"
    pages = [browser.get(a) for a in (pair, "/review/corrections", "/history")]
    pages += [browser.get(f"/review/classes{asked}"), answer["html"]]
    pages.append(browser.get("/review/family?true=<script>alert(1)</script>&called=x"))
    for page in pages:
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in pages[1]
    assert browser.correct(card, "<script>", "unreadable").status_code == 422
    assert browser.client.post("/review/correct", json={}).status_code == 403  # no token


def test_two_runs_are_compared_crop_by_crop(studio: object, made: Path) -> None:
    browser = Browser(studio)
    page = browser.get("/compare?old=run&new=other")
    first, second = (
        raresign.CalledCrops.from_folder(made / name / "evaluation") for name in ("run", "other")
    )
    lost = int((first.correct & ~second.correct).sum())
    cells = re.findall(r'<td class="right">([\d–]+)</td><td class="right">([\d–]+)</td>', page)
    assert sum(int(a) for a, _ in cells if a != "–") == lost
    code = CODES[0]
    crops = browser.get(f"/compare/class?old=run&new=other&code={code}")
    own = first.labels == first.codes.index(code)
    changed = own & (first.predicted != second.predicted)
    assert crops.count('<li class="card test-crop"') == int(changed.sum())
    assert browser.client.get("/compare?old=run&new=../../etc").status_code == 422


def test_a_model_without_a_test_says_what_to_do(tmp_path: Path) -> None:
    from raresign.studio.application import create_studio

    browser = Browser(create_studio("built-in", tmp_path / "studio.sqlite", language="en"))
    for address in ("/review", "/review/mistakes", "/compare"):
        assert "raresign evaluate RUN DATA" in browser.get(address)
