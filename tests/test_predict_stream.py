"""`predict` of any number of files: written as answers come, resumed, narrowed, renamed."""

from __future__ import annotations

import csv
import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import Ended
from raresign.answers.answer import Answer, FileAnswer
from raresign.answers.fusion import Fusion
from raresign.answers.head import Head
from raresign.cli.answers_table import AnswersTable
from raresign.commands import answers_file
from raresign.commands.allow_list import allow_list, read_aliases, read_thresholds
from raresign.commands.answers_journal import AnswersJournal
from raresign.commands.bundle.export_model import export
from raresign.commands.predict_files import predict
from raresign.commands.review_thresholds import review_thresholds, save_thresholds
from raresign.commands.same_answers import answer_settings
from raresign.errors import InputError
from raresign.fitting.review_curve import fit_review_curves
from raresign.runs.loading import load
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

Cli = Callable[..., Ended]
STOP = Answer("2.5", "Stop", 0.97, "octagon")


def many(count: int) -> Iterator[FileAnswer]:
    return (FileAnswer(f"{n}.png", (replace(STOP, probability=n / count),)) for n in range(count))


class Killed(BaseException):
    """Not an error of ours: the process ends."""


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".xlsx"])
def test_a_stopped_run_goes_on(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers_file, "_ROW_GROUP", 40)
    answers = list(many(100))
    whole, file = tmp_path / f"whole{suffix}", tmp_path / f"a{suffix}"
    answers_file.save_answers(whole, answers)

    def until(last: int, resume: bool) -> AnswersJournal:
        with AnswersJournal(file, {"top": 3}, resume) as journal:
            assert list(journal.answers()) == answers[: journal.earlier]
            for answer in answers[journal.earlier : last]:
                journal.add(answer)
            if last < 100:
                raise Killed
        return journal

    with pytest.raises(Killed):
        until(70, False)
    assert not file.exists()
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(part.read_bytes()[:-20])  # the last line was being written
    with pytest.raises(InputError, match="--resume"):
        AnswersJournal(file, {"top": 3})
    with pytest.raises(InputError, match="other settings: --top"):
        AnswersJournal(file, {"top": 5}, resume=True)
    with pytest.raises(Killed):
        until(90, True)
    assert until(100, True).earlier == 90
    assert not part.exists()
    if suffix == ".xlsx":  # a zip holds the time
        assert file.stat().st_size == pytest.approx(whole.stat().st_size, abs=50)
    else:
        assert file.read_bytes() == whole.read_bytes()
    if suffix == ".parquet":
        assert pq.ParquetFile(file).num_row_groups == 3


def test_memory_does_not_grow(tmp_path: Path) -> None:
    def most(count: int, file: Path) -> int:
        tracemalloc.start()
        table = AnswersTable(20)
        with AnswersJournal(file) as journal:
            for answer in many(count):
                journal.add(answer)
                table.add(answer)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (table.count, len(table.shown)) == (count, 20)
        return peak

    most(100, tmp_path / "0.csv")  # what is imported and cached
    few, more = most(300, tmp_path / "1.csv"), most(3000, tmp_path / "2.csv")
    assert more < few + 200_000  # 3,000 answers would take 3 MB


def test_the_command_goes_on(
    cli: Cli, finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    crops, out = data_folder / "smalltest", tmp_path / "a.csv"
    part = tmp_path / "a.csv.part"
    assert cli("predict", finished_run, crops, "--out", tmp_path / "b.csv").code == 0
    shown = cli("predict", finished_run, crops).out
    # A journal as a kill leaves it: the first five answers.
    other = tmp_path / "c.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda *_: None)
        assert cli("predict", finished_run, crops, "--out", other).code == 0
    lines = other.with_name("c.jsonl.part").read_bytes().splitlines(keepends=True)
    assert len(lines) == 13
    part.write_bytes(b"".join(lines[:6]) + lines[6][:9])
    refused = cli("predict", finished_run, crops, "--out", out)
    assert (refused.code, "--resume" in refused.err) == (2, True)
    ended = cli("predict", finished_run, crops, "--out", out, "--resume")
    assert (ended.code, ended.out) == (0, shown)
    assert "5 answers were there already" in ended.err
    with (tmp_path / "b.csv").open(encoding="utf-8-sig") as a, out.open(encoding="utf-8-sig") as b:
        for once, again in zip(csv.DictReader(a), csv.DictReader(b), strict=True):
            assert (once["file"], once["answered"]) == (again["file"], again["answered"])
    with pytest.MonkeyPatch.context() as patch:  # Ctrl-C
        patch.setattr(AnswersTable, "add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        ended = cli("predict", finished_run, crops, "--out", out)
    assert (ended.code, f"{part}; go on with --resume" in ended.err) == (130, True)
    assert part.exists()
    part.write_bytes(b"".join([lines[0], lines[2]]))  # of another first file
    ended = cli("predict", finished_run, crops, "--out", out, "--resume")
    assert "a stopped run answered" in ended.err
    assert part.exists()


def test_only_the_same_model_goes_on(
    finished_run: Path, data_folder: Path, tmp_path: Path, cli: Cli
) -> None:
    model, files = load(finished_run), [data_folder / "smalltest"]
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,x0,y0,x1,y1\n")
    settings = answer_settings(model, files, boxes=boxes)
    bundle = export(finished_run, tmp_path / "same.raresign")
    assert answer_settings(load(bundle), files, boxes=boxes) == settings, "its answers are equal"
    net = load(finished_run).encoder
    half = load(export(finished_run, tmp_path / "half.raresign", precision="fp16"))
    lifted = replace(model.head, biases=model.head.biases + np.float32(1e-3))
    named = SignCatalogue(
        [replace(sign, name=f"{sign.name}!") for sign in model.catalogue.classes], "RU"
    )
    for other in (
        half,
        replace(model, head=lifted),
        replace(model, head=replace(model.head, fusion=Fusion(logit_scale=0.123))),
        replace(model, framing="whole" if model.framing == "found" else "found"),
        replace(model, catalogue=named),
    ):
        assert answer_settings(other, files)["model"] != settings["model"]
    assert model.encoder.digest == net.digest != half.encoder.digest
    journal = tmp_path / "a.csv"
    with pytest.raises(Killed), AnswersJournal(journal, settings):
        raise Killed
    told = {}
    told["other classes were allowed"] = answer_settings(
        model.allowing(["2.5"]), files, boxes=boxes
    )
    told["--thresholds"] = answer_settings(model.cautious({"2.5": 0.5}), files, boxes=boxes)
    told["another model"] = answer_settings(half, files, boxes=boxes)
    boxes.write_text("file,x0,y0,x1,y1\na.png,1,2,3,4\n")
    told["other boxes"] = answer_settings(model, files, boxes=boxes)
    for words, others in told.items():
        with pytest.raises(InputError, match=f"other settings: {words};"):
            AnswersJournal(journal, others, resume=True)
    given = ("predict", tmp_path / "half.raresign", *files, "--out", journal, "--resume")
    ended = cli(*given)
    assert (ended.code, "another model" in ended.err) == (2, True)


def test_only_what_is_allowed(finished_run: Path, data_folder: Path) -> None:
    files = [data_folder / "smalltest"]
    model = load(finished_run)
    allowed = ("2.5", "4.1.1", "3.24.n40")
    before = list(predict(model, files, 6, accept=0.0))
    after = list(predict(model.allowing(allowed), files, 6, accept=0.0))
    for one, other in zip(before, after, strict=True):
        kept = {row.code: row.probability for row in one.answers if row.code in allowed}
        share = sum(kept.values())
        assert {row.code for row in other.answers} == {*allowed}
        for row in other.answers:
            assert row.probability == pytest.approx(kept[row.code] / share, abs=1e-5)
        if one.code in allowed:
            assert other.excluded is None
            assert other.code == one.code
        else:
            assert other.excluded == one.answers[0]
    assert list(predict(model.allowing(model.catalogue.codes), files, 6, accept=0.0)) == before


def test_a_sign_that_is_left_out_is_as_unknown_as_one_that_was_never_there() -> None:
    rng = np.random.default_rng(0)
    rows, crops = rng.normal(size=(5, 8)).astype(np.float32), rng.normal(size=(30, 8))
    families = ["ring", "disc", "ring", "disc", "ring"]
    rare = np.zeros(5, bool)
    mask = np.array([True, False, True, True, False])
    whole = Head.plain(rows, np.zeros(5), families, rare).allowing(mask).cautious(0.6)
    kept = [name for name, stays in zip(families, mask, strict=True) if stays]
    small = Head.plain(rows[mask], np.zeros(3), kept, rare[:3]).cautious(0.6)
    one, other = whole.judge(crops), small.judge(crops)
    np.testing.assert_allclose(one.probabilities[:, mask], other.probabilities, atol=1e-6)
    assert one.level_names() == other.level_names()
    per_class = np.array([0.9, 0.0, 0.0, 0.0, 0.0])
    named = whole.cautious(per_class).judge(crops)
    first = named.probabilities.argmax(1) == 0
    sure = named.probabilities.max(1) >= 0.9
    assert [level == "class" for level in named.level_names()] == (sure | ~first).tolist()


def test_lists_of_every_kind(catalogue: SignCatalogue, tmp_path: Path) -> None:
    text, table = tmp_path / "a.txt", tmp_path / "a.csv"
    text.write_text("2.5  # stop\n\n9.9\n3.24.n40\n")
    table.write_text("name;code\nstop;2.5\nx;9.9\nlimit;3.24.n40\n")
    for file in (text, table):
        allowed = allow_list(catalogue, only=file)
        assert {*allowed.codes} == {"2.5", "3.24.n40"}
        assert allowed.unknown == ("9.9",)
        assert len(allowed.codes) + len(allowed.excluded) == len(catalogue)
    assert allow_list(catalogue, only=text, without="2.5, ").codes == ("3.24.n40",)
    with pytest.raises(InputError, match="no class"):
        allow_list(catalogue, only=text, without="2.5,3.24.n40")
    with pytest.raises(InputError, match=r"did you mean 3\.24\.n40"):
        allow_list(catalogue, without="3.24.n40 x")


def test_aliases_and_lists_on_the_command_line(
    cli: Cli, finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    crops = data_folder / "smalltest"
    (tmp_path / "new.csv").write_text("old,new\n2.5,206\n4.1.1,209\n")
    given = ("--not", "1.11.1,1.11.2", "--aliases", tmp_path / "new.csv")
    ended = cli("predict", finished_run, crops, *given, "--json", "--always-name", "--top", 9)
    assert "4 of 6 classes may be answered; not 1.11" in ended.err
    for line in map(json.loads, ended.out.splitlines()):
        codes = [one["code"] for one in line["answers"]]
        assert {*codes} == {"206", "209", "3.24.n40", "3.24.n60"}
        assert line["code"] == codes[0]
        assert line["excluded"] is None or line["excluded"]["code"].startswith("1.11")
        assert json.loads(json.dumps(FileAnswer.from_dict(line).as_dict())) == line
    (tmp_path / "twice.csv").write_text("old,new\n2.5,206\n2.5,207\n")
    with pytest.raises(InputError, match=r"line 3: 2\.5 becomes 206 and 207"):
        read_aliases(tmp_path / "twice.csv")
    ended = cli("predict", finished_run, crops, "--country", "DE")
    assert (ended.code, "not of DE" in ended.err) == (2, True)


def reviewed(path: Path, rows: list[tuple[str, float, bool]]) -> Path:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "code", "probability", "check me", "answered"])
        for number, (code, probability, right) in enumerate(rows):
            table.writerow([f"{number}.png", code if right else "1.11.1", probability, "ok", code])
        table.writerow(["x.png", "2.5", 0.1, "yes", "2.5"])  # nobody looked
    return path


def test_thresholds_keep_the_precision(catalogue: SignCatalogue, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    # 2.5 is overconfident: of probability p only p^3 are right; 4.1.1 is as right as it says.
    rows = [("2.5", p, bool(rng.random() < p**3)) for p in rng.uniform(0.3, 1, 600).round(3)]
    rows += [("4.1.1", p, bool(rng.random() < p)) for p in rng.uniform(0.3, 1, 600).round(3)]
    file = reviewed(tmp_path / "r.csv", rows)
    every, *own = review_thresholds(catalogue, file, 0.9)
    assert (every.code, every.reviews) == ("*", 1200)
    found = {row.code: row for row in own}
    assert found["2.5"].threshold == pytest.approx(0.9 ** (1 / 3), abs=0.03)
    assert found["4.1.1"].threshold == pytest.approx(0.9, abs=0.05)
    for row in own:
        assert row.low <= row.threshold <= row.high
    few = review_thresholds(catalogue, reviewed(tmp_path / "f.csv", rows[:30]), 0.9)[1]
    assert few.more_reviews > 100 > found["4.1.1"].more_reviews
    assert few.high - few.low > found["2.5"].high - found["2.5"].low
    save_thresholds(tmp_path / "t.csv", [every, *own])
    least = read_thresholds(tmp_path / "t.csv", catalogue)
    assert least["2.5"] == found["2.5"].threshold
    assert least["3.24.n40"] == every.threshold
    assert {*least} == {*catalogue.codes}


def test_curves_are_those_of_scikit_learn() -> None:
    """Without the prior the common curve is plain logistic regression."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(2)
    p = rng.uniform(0.05, 0.999, 4000)
    right = rng.random(4000) < p**2
    x = np.log(p / (1 - p))[:, None]
    plain = LogisticRegression(C=np.inf, tol=1e-8).fit(x, right)
    common, _own = fit_review_curves(p, right, np.zeros(4000))
    assert common.mean == pytest.approx([plain.intercept_[0], plain.coef_[0, 0]], abs=0.02)


def test_thresholds_on_the_command_line(
    cli: Cli, finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "t.csv"
    file = reviewed(tmp_path / "r.csv", [("2.5", 0.9, True), ("2.5", 0.4, False)] * 5)
    ended = cli("thresholds", finished_run, file, "--precision", 0.9, "--out", out)
    assert (ended.code, "all classes" in ended.out) == (0, True)
    (tmp_path / "all.csv").write_text("code,threshold\n*,1\n")
    table = cli("predict", finished_run, data_folder, "--thresholds", tmp_path / "all.csv").out
    assert " 0 named" in table
    assert cli("thresholds", finished_run, file, "--precision", 95).code == 2
