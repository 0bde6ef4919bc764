"""What the report says of classifier, prototypes, levels, calibration and added classes."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raresign.answers.unknown_rule import LEVELS
from raresign.evaluation.crop_answers import CropAnswer, read_answers, write_answers
from raresign.evaluation.predictions import Predictions
from raresign.files import write_json
from raresign.report.answer_levels import LEVEL_NAMES
from raresign.report.document import write_report
from raresign.report.plot import Curve, draw_plot, share_axis, thinned
from raresign.runs.run_view import view_run
from test_report import CODES, HOSTILE, Page, made_predictions, made_run, page_of

NEW = ["parts", "calibration", "answer-levels", "added"]


def made_answers(predictions: Predictions) -> list[CropAnswer]:
    """Answers of a noisy classifier and noisy prototypes at all four levels."""
    rng = np.random.default_rng(8)
    codes, families = predictions.codes, sorted(set(predictions.families))
    answers = []
    for row, path in enumerate(predictions.paths):
        near = rng.integers(0, len(codes), 3).tolist()
        said = int(predictions.predicted[row])
        known = float(np.float32(np.clip(predictions.confidence[row] + rng.normal(0, 0.1), 0, 1)))
        answers.append(
            CropAnswer(
                path,
                "class" if known > 0.6 else LEVELS[1 + row % 3],
                known,
                predictions.families[said] if row % 4 else families[row % len(families)],
                0.75,
                1.0,
                codes[said] if rng.random() < 0.7 else codes[near[0]],
                codes[near[0]],
                tuple(codes[label] for label in near),
                ("synthetic", "icon", "real"),
                (0.75, 0.5, 0.25),
            )
        )
    return answers


def add_recognition(run: Path) -> None:
    """Answers and an added class, as evaluation and `raresign add` leave them."""
    evaluation = run / "evaluation"
    predictions = Predictions.from_parquet(evaluation / "predictions.parquet")
    write_answers(evaluation / "answers.parquet", made_answers(predictions))
    for order, code in enumerate(("9.2", "9.1")):
        write_json(
            run / "added" / code / "class.json",
            {
                "code": code,
                "order": order,
                "family": "red ring",
                "forecast": {"recall": 0.62 + order / 10, "low": 0.41, "high": 0.79},
                "confusions": [[CODES[0], 0.123], ["9.9", 0.045]],
            },
        )
        icon = next((run / "catalogue").rglob("*.png"))
        shutil.copyfile(icon, run / "added" / code / "icon.png")


@pytest.fixture(scope="module")
def kept_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = made_run(tmp_path_factory.mktemp("recognition"))
    add_recognition(run)
    return run


@pytest.fixture
def run(kept_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept_run, tmp_path / "run"))


@pytest.fixture(scope="module")
def html(kept_run: Path) -> str:
    return write_report(kept_run).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def predictions(kept_run: Path) -> Predictions:
    return Predictions.from_parquet(kept_run / "evaluation" / "predictions.parquet")


@pytest.fixture(scope="module")
def answers(kept_run: Path) -> list[CropAnswer]:
    return read_answers(kept_run / "evaluation" / "answers.parquet")


def section(html: str, name: str) -> str:
    found = re.search(rf'<section id="{name}">.*?</section>', html, re.DOTALL)
    assert found, name
    return found[0]


def rows_of(html: str) -> list[list[str]]:
    """The words of the cells of all table bodies."""
    bodies = "".join(re.findall(r"<tbody>.*?</tbody>", html, re.DOTALL))
    return [
        [Page(cell).text.strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr.*?</tr>", bodies, re.DOTALL)
    ]


def percent(hits: int, of: int) -> str:
    return f"{100 * hits / of:.1f} %" if of else "–"


def group_rows(predictions: Predictions, group: str) -> list[int]:
    return [
        row
        for row, label in enumerate(predictions.labels.tolist())
        if label >= 0 and group in ("all", predictions.types[label])
    ]


def test_new_sections_stand_in_order_and_are_linked(html: str) -> None:
    page = Page(html)
    assert [name for name in page.values("id") if name in NEW] == NEW
    assert {f"#{name}" for name in NEW} <= set(page.values("href"))
    assert "Not everything is here" not in page.text


def test_a_run_without_answers_has_none_of_it(run: Path) -> None:
    (run / "evaluation" / "answers.parquet").unlink()
    shutil.rmtree(run / "added")
    page = page_of(run)
    assert not set(NEW) & set(page.values("id"))
    assert not {f"#{name}" for name in NEW} & set(page.values("href"))
    assert "“Level”" not in page.text
    assert "Not everything is here" not in page.text
    assert not {"answers", "neighbours"} & set(page.values("class"))


def test_parts_are_counted_crop_by_crop(
    html: str, predictions: Predictions, answers: list[CropAnswer]
) -> None:
    type_of = dict(zip(predictions.codes, predictions.types, strict=True))
    said = {
        "classifier alone": [answer.classifier for answer in answers],
        "prototypes alone": [answer.prototypes for answer in answers],
        "both, fused": [predictions.codes[label] for label in predictions.predicted],
    }
    found = rows_of(section(html, "parts"))
    assert [row[0] for row in found] == list(said)
    for row, codes in zip(found, said.values(), strict=True):
        for cell, group in zip(row[1:4], ("all", "rare", "freq"), strict=True):
            of = group_rows(predictions, group)
            hits = sum(codes[n] == predictions.codes[predictions.labels[n]] for n in of)
            assert cell.startswith(percent(hits, len(of))), (row[0], group)
        rare = group_rows(predictions, "rare")
        assert row[4].startswith(percent(sum(type_of[codes[n]] == "freq" for n in rare), len(rare)))


def test_levels_are_counted_crop_by_crop(
    html: str, predictions: Predictions, answers: list[CropAnswer]
) -> None:
    found = rows_of(section(html, "answer-levels"))
    assert tuple(LEVEL_NAMES) == LEVELS
    assert [row[0] for row in found] == [
        "class",
        "unknown sign of a family",
        "unknown sign",
        "no sign",
    ]
    for level, row in zip(LEVELS, found, strict=True):
        for number, group in enumerate(("all", "rare", "freq")):
            of = group_rows(predictions, group)
            here = [n for n in of if answers[n].level == level]
            assert here, "every level should occur, or the test says little"
            hits = 0
            for n in here:
                true = int(predictions.labels[n])
                if level == "class":
                    hits += int(predictions.predicted[n]) == true
                else:
                    hits += answers[n].family == predictions.families[true]
            right = percent(hits, len(here)) if level in ("class", "family") else "–"
            assert row[1 + 3 * number : 4 + 3 * number] == [
                str(len(here)),
                percent(len(here), len(of)),
                right,
            ]


def test_the_dot_of_the_curve_is_the_row_of_the_class_level(
    html: str, predictions: Predictions, answers: list[CropAnswer]
) -> None:
    """The level follows from `known` alone here, so each dot must lie on its curve."""
    chart = re.search(r"<svg.*?</svg>", section(html, "answer-levels"), re.DOTALL)
    assert chart
    root = ElementTree.fromstring(chart[0])
    lines = {line.attrib["class"].split()[-1]: line for line in root.iter("polyline")}
    dots = {dot.attrib["class"].split()[-1]: dot for dot in root.iter("circle")}
    assert set(lines) == set(dots) == {"curve-all", "curve-rare", "curve-freq"}
    for css, line in lines.items():
        points = [tuple(map(float, p.split(","))) for p in line.attrib["points"].split()]
        assert (float(dots[css].attrib["cx"]), float(dots[css].attrib["cy"])) in points


def test_the_calibration_is_that_of_the_metrics(
    kept_run: Path, html: str, predictions: Predictions
) -> None:
    metrics = json.loads((kept_run / "evaluation" / "metrics.json").read_text())
    for row, group in zip(
        rows_of(section(html, "calibration")), ("all", "rare", "freq"), strict=True
    ):
        of = group_rows(predictions, group)
        nll = -sum(math.log(predictions.probabilities[n, predictions.labels[n]]) for n in of) / len(
            of
        )
        assert row == [
            group,
            f"{100 * metrics[group]['ece']:.1f} %",
            f"{nll:.3f}",
            f"{100 * metrics[group]['confidence']:.1f} %",
            f"{100 * metrics[group]['micro']['value']:.1f} %",
        ]


def test_each_mistake_shows_its_own_answer(
    html: str, predictions: Predictions, answers: list[CropAnswer]
) -> None:
    cards = re.findall(r'<li class="card">.*?</ol>\s*</li>', section(html, "mistakes"), re.DOTALL)
    wrong = [n for n in group_rows(predictions, "all") if not predictions.correct[n]]
    wrong.sort(key=lambda n: (answers[n].level != "class", -predictions.confidence[n]))
    assert len(cards) == 12 <= len(wrong)
    for card, n in zip(cards, wrong[:12], strict=True):
        text, answer = Page(card).text, answers[n]
        level = {"class": "class", "sign": "unknown sign", "none": "no sign"}.get(
            answer.level, f"unknown {answer.family}"
        )
        assert f"level{level}classifier{answer.classifier}prototypes{answer.prototypes}" in text
        assert ("guessed, not named" in text) == (answer.level != "class")
        near = [Page(item).text for item in re.findall(r"<li>.*?</li>", card, re.DOTALL)]
        assert [item.replace(" ", "") for item in near] == [
            f"{code}{source}{cosine:.2f}"
            for code, source, cosine in zip(
                answer.neighbours, answer.sources, answer.cosines, strict=True
            )
        ]
        assert card.count('alt="icon of') == 5


def test_added_classes_come_in_their_order_with_icon_and_forecast(html: str) -> None:
    part = section(html, "added")
    assert [row[1:3] for row in rows_of(part)] == [["9.2", "red ring"], ["9.1", "red ring"]]
    text = Page(part).text
    for words in ("62 %", "72 %", "41.0–79.0", f"{CODES[0]} 12.3 %", "9.9 4.5 %"):
        assert words in text, words
    assert part.count('alt="icon of 9.') == 2


def test_broken_added_classes_become_notes(run: Path) -> None:
    (run / "added" / "9.1" / "class.json").write_text('{"code": "9.1", "forecast": {"low": 1}}')
    shutil.copytree(run / "added" / "9.2", run / "added" / ".gone-9.3")
    write_json(run / "added" / "9.4" / "class.json", {"code": "9.4", "order": 7})
    view = view_run(run)
    added, notes = view.added, [note for note in view.notes if "added class" in note]
    assert [one.code for one in added] == ["9.2", "9.4"]
    assert added[1].forecast is None
    assert added[1].icon is None
    assert len(notes) == 1
    text = page_of(run).text
    assert "No forecast of the added class 9.1" in text
    assert "no forecast" in text


@pytest.mark.parametrize("damage", ["spoiled", "other crops", "fewer", "level"])
def test_answers_that_do_not_belong_become_a_note(run: Path, damage: str) -> None:
    file = run / "evaluation" / "answers.parquet"
    answers = read_answers(file)
    if damage == "spoiled":
        file.write_bytes(b"PAR1 rubbish")
    elif damage == "other crops":
        write_answers(file, answers[::-1])
    elif damage == "fewer":
        write_answers(file, answers[1:])
    else:
        changed = CropAnswer(**{**vars(answers[0]), "level": "guess"})
        write_answers(file, [changed, *answers[1:]])
    page = page_of(run)
    assert "No answers of classifier and prototypes" in page.text
    assert [name for name in page.values("id") if name in NEW] == ["added"]


def test_the_classifier_alone_is_said_to_be_alone(run: Path) -> None:
    """As the published recipes leave it: no prototypes, no rule for unknown signs."""
    file = run / "evaluation" / "answers.parquet"
    plain = {"level": "class", "known": 1.0, "neighbours": (), "sources": (), "cosines": ()}
    write_answers(file, [CropAnswer(**{**vars(a), **plain}) for a in read_answers(file)])
    html = write_report(run).read_text(encoding="utf-8")
    assert "This run has no prototypes" in section(html, "parts")
    assert "always answers with a class" in section(html, "answer-levels")
    assert "<svg" not in section(html, "answer-levels")
    assert "<svg" in section(html, "calibration")
    assert 'class="neighbours"' not in html
    assert Page(html)


def test_one_crop_one_group_or_no_label(run: Path) -> None:
    evaluation = run / "evaluation"
    (evaluation / "metrics.json").unlink()
    answer = CropAnswer("a", "sign", 0.1, "x", 0.5, 1.0, "1.1", "1.2", ("1.2",), ("icon",), (0.5,))
    for label in (1, -1):
        predictions = Predictions(
            ("a",), [label], [[0.9, 0.1]], ("1.1", "1.2"), ("freq", "rare"), ("x", "x")
        )
        predictions.as_parquet(evaluation / "predictions.parquet")
        write_answers(evaluation / "answers.parquet", [answer])
        html = write_report(run).read_text(encoding="utf-8")
        assert ('id="answer-levels"' in html) == (label >= 0)
        if label >= 0:
            assert ["class", "0", "0.0 %", "–", "0", "0.0 %", "–", "0", "–", "–"] in rows_of(
                section(html, "answer-levels")
            )


def test_hostile_answers_stay_text(run: Path) -> None:
    predictions = made_predictions([f"{i}.png" for i in range(70)], (HOSTILE, *CODES[1:]))
    predictions.as_parquet(run / "evaluation" / "predictions.parquet")
    odd = {"level": "family", "family": HOSTILE, "classifier": HOSTILE, "sources": (HOSTILE,) * 3}
    write_answers(
        run / "evaluation" / "answers.parquet",
        [CropAnswer(**{**vars(answer), **odd}) for answer in made_answers(predictions)],
    )
    info = {"code": HOSTILE, "family": HOSTILE, "confusions": [[HOSTILE, 0.5]]}
    write_json(run / "added" / "odd" / "class.json", info)
    page = page_of(run)
    assert page.tags.count("script") == 1
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert f"unknown {HOSTILE}" in "".join(page.words)


def test_the_axis_begins_at_a_marked_share() -> None:
    for lowest in np.linspace(0, 1, 101).tolist():
        axis = share_axis("a", lowest)
        assert 0 <= axis.low <= lowest + 1e-9
        assert (axis.ticks[0][0], axis.ticks[-1][0]) == (pytest.approx(axis.low), 1)


shares = st.floats(0, 1)


@given(
    st.lists(st.tuples(shares, shares), max_size=600).map(sorted),
    st.booleans(),
    st.sampled_from([0.0, 0.3, 0.5, 0.8, 0.9]),
)
def test_plots_stay_in_their_frame(points: list, dots: bool, bottom: float) -> None:
    curve = Curve(points, "curve-all", (3.0,) * len(points) if dots else ())
    axes = share_axis("x <"), share_axis("y", bottom)
    chart = draw_plot("A & B", *axes, [curve], diagonal=True)
    root = ElementTree.fromstring(chart)
    width, height = (float(n) for n in root.attrib["viewBox"].split()[2:])
    assert len(list(root.iter("circle"))) == (len(points) if dots else 0)
    for line in root.iter("polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height
    assert chart.count("100\u202f%") == 2


@given(st.integers(0, 700), st.integers(2, 300))
def test_thinning_keeps_order_and_both_ends(count: int, most: int) -> None:
    points = [(i / 700, 0.5) for i in range(count)]
    kept = thinned(points, most)
    assert len(kept) == min(count, most)
    assert kept == sorted(set(kept))
    if points:
        assert (kept[0], kept[-1]) == (points[0], points[-1])
