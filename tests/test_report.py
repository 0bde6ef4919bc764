"""The report from a made-up run: complete, well-formed, closed to the network, hard to break."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from raresign.errors import InputError
from raresign.evaluation.metrics import evaluate_predictions, metrics_from_dict
from raresign.evaluation.predictions import Predictions
from raresign.files import write_json, write_text
from raresign.report.curves import loss_chart, recall_chart
from raresign.report.document import write_report
from raresign.report.sheets import contact_sheet
from raresign.report.words import duration
from raresign.runs.run_view import StageLog
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

SECTIONS = ["stages", "curves", "classes", "confusions", "sheets", "mistakes", "settings"]
CODES = ("1.1", "1.2", "2.3.2", "3.24.n50", "3.24.n60", "4.1.1", "4.1.2")
TYPES = ("freq", "rare", "rare", "rare", "freq", "freq", "rare")
FAMILIES = ("red triangle",) * 3 + ("red ring",) * 2 + ("blue disc",) * 2
HOSTILE = '"><script>alert(1)</script><img src=x onerror="alert(2)">&amp;\'</style>'


def draw_icon(path: Path, seed: int, side: int = 96) -> None:
    rng = np.random.default_rng(seed)
    icon = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(icon)
    colour = tuple(int(c) for c in rng.integers(0, 256, 3))
    draw.ellipse((4, 4, side - 4, side - 4), fill=(*colour, 255))
    draw.text((side / 3, side / 3), str(seed), fill=(255, 255, 255, 255))
    icon.save(path)


def made_predictions(paths: list[str], codes=CODES, types=TYPES, families=FAMILIES) -> Predictions:
    """Noisy predictions: label i % C, with an unknown label now and then."""
    rng = np.random.default_rng(5)
    labels = np.arange(len(paths)) % len(codes)
    logits = rng.normal(0, 1, (len(paths), len(codes)))
    logits[np.arange(len(paths)), labels] += 2.2
    labels = np.where(np.arange(len(paths)) % 29 == 28, -1, labels)
    return Predictions.from_logits(paths, labels, logits, codes, types, families)


def made_run(
    folder: Path, codes=CODES, types=TYPES, families=FAMILIES, crops: int = 140, side: int = 48
) -> Path:
    """A run folder as training and evaluation leave it; the crops lie in `folder`/data."""
    data, run = folder / "data", folder / "run"
    (data / "icons").mkdir(parents=True)
    (data / "smalltest").mkdir()
    for number, code in enumerate(codes):
        draw_icon(data / "icons" / f"{code}.png", number)
    classes = {code: {"id": i, "type": types[i]} for i, code in enumerate(codes)}
    write_json(data / "classes.json", classes)
    SignCatalogue.from_folder(data).save(run / "catalogue")
    rng = np.random.default_rng(1)
    paths = [f"smalltest/{i:05d}.png" for i in range(crops)]
    for path in paths[:50]:
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((side, side), Image.Resampling.BICUBIC).save(data / path)
    for number, path in enumerate(paths[50:]):
        shutil.copyfile(data / paths[number % 50], data / path)
    predictions = made_predictions(paths, codes, types, families)
    predictions.as_parquet(run / "evaluation" / "predictions.parquet")
    write_json(run / "evaluation" / "metrics.json", evaluate_predictions(predictions).as_dict())
    stages = []
    for number, name in enumerate(("pretrain", "mixed"), start=1):
        rows = ["step,loss,crops_per_second,validation_recall,pseudo_rare_recall"]
        rows += [
            f"{s},{3 / s:.4f},300,{'0.9,0.5' if s % 50 == 0 else ','}" for s in range(5, 201, 5)
        ]
        write_text(run / "stages" / f"{number:02d}-{name}" / "metrics.csv", "\n".join(rows) + "\n")
        stages.append(
            {
                "name": name,
                "kind": name,
                "steps": 200,
                "seconds": 61.5,
                "crops_per_second": 1234.5,
                "synthetic_refused": 0.031,
                "pseudo_rare_recall": 0.615,
                "validation_recall": 0.9,
                "test": {"all": 0.7, "rare": 0.654, "freq": None} if number == 2 else None,
            }
        )
    tiles = rng.integers(0, 256, (12, 3, side, side), dtype=np.uint8)
    (run / "sheets").mkdir()
    for name in ("synthetic", "real"):
        contact_sheet(tiles, 4, ["3.24.n50"] * 12).save(run / "sheets" / f"{name}.png")
    write_json(
        run / "run.json",
        {
            "name": "made-up run",
            "created": "2026-02-03T04:05:06+00:00",
            "seed": 7,
            "settings": {"data": str(data), "simulated": False, "recipe": {"backbone": "tiny"}},
            "versions": {"torch": "9.9.9"},
            "machine": {"cores": 2},
            "seconds": 123.0,
            "stages": stages,
            "pseudo_rare": ["1.1"],
            "skipped": [{"path": "bad/one.png", "reason": "truncated"}],
            "layout": "layout: coco, recognised by signs.json",
            "left_out": {"of a class that the catalogue does not have": 41},
        },
    )
    return run


@pytest.fixture(scope="module")
def kept_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_run(tmp_path_factory.mktemp("report"))


@pytest.fixture
def run(kept_run: Path, tmp_path: Path) -> Path:
    """A run of one's own to break; its crops stay where they are."""
    return Path(shutil.copytree(kept_run, tmp_path / "run"))


class Page(HTMLParser):
    """Checks that tags balance and keeps attributes, ids and visible text."""

    VOID = frozenset({"meta", "link", "img", "input", "br", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another tag, line {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def values(self, attribute: str) -> list[str]:
        return [value for _, name, value in self.attributes if name == attribute]


def page_of(run: Path) -> Page:
    return Page(write_report(run).read_text(encoding="utf-8"))


def test_every_section_is_there_in_order(run: Path) -> None:
    page = page_of(run)
    assert [name for name in page.values("id") if name in SECTIONS] == SECTIONS
    assert {f"#{name}" for name in SECTIONS} == {h for h in page.values("href") if h != "data:,"}
    assert "Not everything is here" not in page.text
    assert page.tags.count("h1") == 1
    assert page.tags.count("table") == page.tags.count("caption")
    images = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert len(images) == page.tags.count("img")
    assert all(images)


def test_figures_of_the_page_are_those_of_the_run(run: Path) -> None:
    metrics = evaluate_predictions(
        Predictions.from_parquet(run / "evaluation" / "predictions.parquet")
    )
    text = page_of(run).text
    rare = metrics.rare
    assert (
        f"Of {rare.crops} crops of signs it has never seen photographed, it named "
        f"{100 * rare.micro.value:.1f} % "
        f"({100 * rare.micro.low:.1f}–{100 * rare.micro.high:.1f}) correctly"
    ) in text
    for words in (
        "3 February 2026, 04:05 UTC",
        "67.8 %",
        "52.1 %",
        "10.83 s a step, 6 h 41 min an epoch",
        "another test set (205 classes, 1,309 crops), so only the order of magnitude compares",
        "2 · mixed",
        "65.4 %",
        "61.5 %",
        "1 min 2 s",
        "backbone: tiny",
        "9.9.9",
        "bad/one.png",
        "coco, recognised by signs.json",
        "41 of a class that the catalogue does not have",
        "truncated",
        f"{metrics.unlabelled} crops without a class, or with one that the run does not know, "
        "are left out",
    ):
        assert words in text, words
    assert "simulated" not in text.lower().replace("simulated: false", "")


def test_the_page_loads_nothing(run: Path) -> None:
    text = write_report(run).read_text(encoding="utf-8")
    page = Page(text)
    for attribute in ("src", "href", "xlink:href", "srcset", "action", "poster"):
        for value in page.values(attribute):
            assert value.startswith(("data:", "#")), (attribute, value[:60])
    assert "http://" not in text
    assert "https://" not in text
    assert all(u.startswith(("data:", "#")) for u in re.findall(r"url\(\s*['\"]?([^)]*)", text))
    assert "@import" not in text
    assert "default-src 'none'" in " ".join(page.values("content"))


def test_a_second_report_is_the_same(run: Path) -> None:
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first


def test_simulated_data_are_called_simulated(run: Path) -> None:
    info = json.loads((run / "run.json").read_text())
    info["settings"]["simulated"] = True
    write_json(run / "run.json", info)
    text = page_of(run).text
    assert "Simulated data." in text
    assert "simulated crops of signs it has never seen photographed" in text
    assert "Simulated photographs" in text
    assert "Real crops" not in text


def test_hostile_names_stay_text(run: Path) -> None:
    codes = (HOSTILE, *CODES[1:])
    predictions = made_predictions([f"{HOSTILE}/{i}.png" for i in range(70)], codes)
    predictions.as_parquet(run / "evaluation" / "predictions.parquet")
    write_json(run / "evaluation" / "metrics.json", evaluate_predictions(predictions).as_dict())
    info = json.loads((run / "run.json").read_text())
    info["name"] = info["settings"]["recipe"]["backbone"] = info["stages"][0]["name"] = HOSTILE
    info["machine"] = {HOSTILE: HOSTILE}
    info["skipped"] = [[HOSTILE, HOSTILE], "\udcff.png"]
    info["left_out"], info["layout"] = {HOSTILE: HOSTILE}, HOSTILE
    (run / "run.json").write_text(json.dumps(info))
    (run / "stages" / "01-pretrain").rename(run / "stages" / "01-<b>&\"'")
    page = page_of(run)
    assert page.tags.count("script") == 1
    assert "b" not in {t for t, n, _ in page.attributes if n == "onerror"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not [v for v in page.values("src") if not v.startswith("data:")]
    assert HOSTILE in "".join(page.words)


def remove(*names: str) -> Callable[[Path], None]:
    def apply(run: Path) -> None:
        for name in names:
            path = run / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return apply


def spoil(*names: str) -> Callable[[Path], None]:
    def apply(run: Path) -> None:
        for name in names:
            (run / name).write_bytes(b'\x89PNG\r\n{"rubbish": [\xff')

    return apply


@pytest.mark.parametrize("damage", [remove, spoil])
@pytest.mark.parametrize(
    ("file", "note"),
    [
        ("catalogue/classes", "No catalogue, so no icons"),
        ("evaluation/metrics.json", "Test figures counted anew from the predictions"),
        ("evaluation/predictions.parquet", "No predictions, so no confusions and no mistakes"),
        ("sheets/real.png", "No contact sheet: sheets/real.png"),
        ("stages/01-pretrain/metrics.csv", "No training curve of stage 01-pretrain"),
    ],
)
def test_a_missing_or_broken_part_becomes_a_note(
    run: Path, damage: Callable[..., Callable[[Path], None]], file: str, note: str
) -> None:
    if file.startswith("catalogue"):
        file = "catalogue" if damage is remove else "catalogue/catalogue.json"
    damage(file)(run)
    page = page_of(run)
    assert note in page.text
    assert [name for name in page.values("id") if name in SECTIONS] == SECTIONS


@pytest.mark.parametrize("tested", [True, False])
def test_the_forecast_is_shown_with_and_without_test_crops(run: Path, tested: bool) -> None:
    info = json.loads((run / "run.json").read_text())
    info["forecast"] = {"1.2": [0.334, 0.126, 0.634], "2.3.2": None, "4.1.2": [0.1, "x", 1]}
    write_json(run / "run.json", info)
    if not tested:
        remove("evaluation")(run)
    text = " ".join(page_of(run).text.split())
    assert text.count("33\xa0% 13–63") == 1 or text.count("33 % 13–63") == 1
    assert "10\xa0% " not in text or tested


def test_classes_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    codes = ("1.1", "1.10", "1.2")
    run = made_run(tmp_path, codes, TYPES[:3], FAMILIES[:3], crops=30)
    page = write_report(run).read_text(encoding="utf-8")
    assert re.findall(r'class="code" data-sort="([^"]*)"', page) == ["1.1", "1.2", "1.10"]


def test_many_classes_are_folded(tmp_path: Path) -> None:
    """The 20 worst stand open, worst first; all stand in a fold, with heads that sort."""
    codes = tuple(f"1.{number}" for number in range(1, 31))
    run = made_run(tmp_path, codes, ("freq",) * 30, ("ring",) * 30, crops=90)
    html = write_report(run).read_text(encoding="utf-8")
    assert "<summary>All 30\xa0classes" in html.replace("30 classes", "30\xa0classes")
    worst, every = html.split("<summary>All 30", 1)
    shares = [float(x) for x in re.findall(r'<td data-sort="([\d.]+)"><div class="recall', worst)]
    assert len(shares) == 20
    assert shares == sorted(shares)
    assert "data-sortable" not in worst.split('id="classes"', 1)[1]
    assert every.count('class="code" data-sort=') == 30


def test_an_untested_run_tells_what_was_held_out(run: Path) -> None:
    remove("evaluation")(run)
    text = page_of(run).text.replace("\xa0", " ")
    assert "it named 90.0 % of signs that it learnt from other crops" in text
    assert "61.5 % of signs of which it saw the icon alone" in text


def test_a_run_with_nothing_but_run_json(run: Path) -> None:
    remove("catalogue", "evaluation", "sheets", "stages")(run)
    write_text(run / "run.json", "{}")
    page = page_of(run)
    assert "This run has not been tested yet." in page.text
    assert [name for name in page.values("id") if name in SECTIONS] == SECTIONS
    for section in SECTIONS[1:6]:
        assert section in page.values("id")
    assert page.values("class").count("empty") == 6


def test_values_of_other_types_in_run_json_are_survived(run: Path) -> None:
    write_text(
        run / "run.json",
        '{"created": 4, "versions": 1, "machine": null, "skipped": {"a": 1}, "left_out": [1],'
        ' "layout": 5, "forecast": 3, "framing": 4, "stages": [{"name": "a", "steps": 7}]}',
    )
    assert "1 · a" in page_of(run).text


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00", '{"name": 3}', '{"stages": [1]}'])
def test_a_broken_run_json_is_the_users_error(run: Path, text: str) -> None:
    write_text(run / "run.json", text)
    with pytest.raises(InputError, match=r"run\.json"):
        write_report(run)


def test_no_run_is_the_users_error(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(InputError, match=r"no run\.json|no such run folder"):
            write_report(path)


def test_gone_crops_are_grey_and_a_moved_data_folder_is_found(run: Path, tmp_path: Path) -> None:
    data = Path(json.loads((run / "run.json").read_text())["settings"]["data"])
    whole = page_of(run)
    assert "file gone" not in whole.text
    moved = Path(shutil.copytree(data, tmp_path / "moved"))
    info = json.loads((run / "run.json").read_text())
    info["settings"]["data"] = str(tmp_path / "nowhere")
    write_json(run / "run.json", info)
    gone = page_of(run)
    mistakes = whole.values("class").count("crop")
    assert mistakes > 20
    assert gone.values("class").count("crop blank") == mistakes
    found = Page(write_report(run, moved).read_text(encoding="utf-8"))
    assert found.values("class").count("crop") == mistakes


def test_a_test_without_rare_crops_or_without_labels(run: Path) -> None:
    file = run / "evaluation" / "predictions.parquet"
    (run / "evaluation" / "metrics.json").unlink()
    known = Predictions(("a",), [0], [[0.9, 0.1]], ("1.1", "1.2"), ("freq", "rare"), ("a", "a"))
    known.as_parquet(file)
    text = page_of(run).text
    assert "Of 1 crop of signs it learnt from photos, it named 100.0 %" in text
    assert "no test crops" in text
    assert "No crop was called a wrong class." in text
    Predictions(
        ("a",), [-1], [[0.9, 0.1]], ("1.1", "1.2"), ("freq", "rare"), ("a", "a")
    ).as_parquet(file)
    assert "The test has no crop with a known class" in page_of(run).text


def test_metrics_come_back_as_they_were_written(run: Path) -> None:
    plain = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert metrics_from_dict(plain).as_dict() == plain


def test_a_report_of_205_classes_is_at_most_8_megabytes(tmp_path: Path) -> None:
    codes = tuple(f"3.{i}" for i in range(1, 206))
    types = tuple("rare" if i % 2 else "freq" for i in range(205))
    run = made_run(tmp_path, codes, types, ("red ring",) * 205, crops=2400, side=64)
    rng = np.random.default_rng(0)
    # A sheet as a GPU run leaves it: 20 rows of 8 crops of 224 px.
    coarse = Image.fromarray(rng.integers(0, 256, (20 * 12, 8 * 12, 3), dtype=np.uint8))
    for name in ("synthetic", "real"):
        coarse.resize((1846, 4660)).save(run / "sheets" / f"{name}.png", compress_level=0)
    assert 500_000 < write_report(run).stat().st_size < 8_000_000


def test_curves_show_every_stage_and_stay_inside_the_frame() -> None:
    rng = np.random.default_rng(3)
    logs = [
        StageLog(
            name,
            float(steps),
            {
                "loss": tuple((float(s), float(rng.exponential())) for s in range(1, steps + 1)),
                "pseudo_rare_recall": ((float(steps), 0.5),),
            },
        )
        for name, steps in (("one & only", 3), ("two", 900), ("three", 5000))
    ]
    for chart in (loss_chart(logs), recall_chart(logs)):
        root = ElementTree.fromstring(chart)
        width, height = (float(n) for n in root.attrib["viewBox"].split()[2:])
        assert chart.count('class="boundary"') == 2
        assert sum(t.text == "three" for t in root.iter("title")) + chart.count("3 three") >= 1
        for line in root.iter("polyline"):
            points = [tuple(map(float, p.split(","))) for p in line.attrib["points"].split()]
            assert len(points) <= 240
            assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
            assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert loss_chart([]) == recall_chart([]) == ""
    negative = StageLog("x", 1.0, {"loss": ((1.0, -5.0),)})
    ElementTree.fromstring(loss_chart([negative]))


@example(59.96)
@example(3599.7)
@example(2 * 3600 - 0.1)
@given(st.floats(0, 1e7))
def test_durations_never_say_sixty(seconds: float) -> None:
    assert not re.search(r"\b60(\.0)? (s|min)\b", duration(seconds))


@pytest.mark.parametrize(("side", "scale"), [(80, 1), (48, 2), (20, 4)])
def test_contact_sheet_puts_each_crop_in_its_place(side: int, scale: int) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (7, 3), dtype=np.uint8)
    crops = np.broadcast_to(colours[:, :, None, None], (7, 3, side, side)).copy()
    sheet = contact_sheet(crops, columns=3, captions=[f"3.24.n{i}0" for i in range(7)])
    tile = side * scale
    assert sheet.size == (3 * (tile + 6) + 6, 3 * (tile + 20 + 6) + 6)
    for index, colour in enumerate(colours):
        row, column = divmod(index, 3)
        middle = (6 + column * (tile + 6) + tile // 2, 6 + row * (tile + 26) + tile // 2)
        assert sheet.getpixel(middle) == tuple(int(c) for c in colour)


def test_contact_sheet_of_nothing_and_of_long_and_odd_captions() -> None:
    assert contact_sheet(np.zeros((0, 3, 8, 8), np.uint8), 4, []).mode == "RGB"
    crops = np.zeros((2, 3, 80, 80), np.uint8)
    plain = np.asarray(contact_sheet(crops, 2, ["", ""]))
    odd = np.asarray(contact_sheet(crops, 2, ["x" * 500, "знак\n速度 \u202e"]))
    assert odd.shape == plain.shape
    # Nothing is drawn outside the caption strips: the margins stay paper.
    changed = (odd != plain).any(axis=2)
    assert changed.any()
    assert not changed[:, :5].any()
    assert not changed[:86].any()
