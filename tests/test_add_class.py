"""`add-class` and `remove-class`: what they teach, and that nothing else moves."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from raresign.answers.fusion import Fusion
from raresign.answers.prototypes import SOURCES
from raresign.commands.added.add_classes import add_class
from raresign.commands.added.remove_classes import remove_class
from raresign.commands.evaluate_run import evaluate
from raresign.commands.predict_files import predict
from raresign.commands.train.train_run import train
from raresign.errors import InputError
from raresign.fitting.added_classes import fit_new_classes, most_lost
from raresign.models.outputs import Outputs
from raresign.runs.evaluation_files import load_predictions
from raresign.runs.run_folder import RunFolder
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.registry import standard
from raresign.signs.icons.icon_file import load_icon
from raresign.simulated.photo import simulated_photo

Cli = Callable[..., Any]
NEW = ("1.20.2", "5.19.1", "4.1.2")


def drawn(folder: Path, *codes: str) -> list[Path]:
    """Icons of signs of GOST as SVG."""
    folder.mkdir(exist_ok=True)
    for code in codes:
        (folder / f"{code}.svg").write_text(standard("gost").svg(code), encoding="utf-8")
    return [folder / f"{code}.svg" for code in codes]


def content(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def answers(run: Path, data: Path) -> list[Any]:
    return [answer.as_dict() for answer in predict(run, [data / "smalltest"], top=100)]


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A run to add to."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.fixture
def icons(tmp_path: Path) -> list[Path]:
    return drawn(tmp_path / "icons", *NEW)


def test_an_opaque_icon_is_told_of_once(run: Path, tmp_path: Path, cli: Cli) -> None:
    paths = []
    for code in NEW[1:]:
        (tmp_path / f"{code}.svg").write_text(standard("gost").svg(code), encoding="utf-8")
        sign = Image.fromarray(load_icon(tmp_path / f"{code}.svg", 96))
        sheet = Image.new("RGB", (116, 116), "white")
        sheet.paste(sign, (10, 10), sign)
        paths.append(tmp_path / f"{code}.png")
        sheet.save(paths[-1])
    for path in paths:  # the second command reads the icon of the first, too
        ended = cli("add-class", run, path)
        assert ended.code == 0
        assert ended.err.count("has no transparency") == 1
        assert str(path) in ended.err


def test_add_one_then_two(run: Path, icons: list[Path], data_folder: Path) -> None:
    before = content(run)
    logits = RunFolder.open(run).recogniser()
    (first,) = add_class(run, icons[:1])
    assert (first.code, first.family) == ("1.20.2", "red triangle")
    assert first.name != first.code
    assert first.sheet.is_file()
    assert sum(first.confusions.values()) <= 1 + 1e-9
    assert "1.20.2" not in first.confusions
    others = add_class(run, icons[1:], ("b", "a"))
    assert [one.code for one in others] == ["b", "a"]
    folder = RunFolder.open(run)
    assert folder.catalogue.codes == (*folder.trained_catalogue.codes, "1.20.2", "b", "a")
    assert len({sign.id for sign in folder.catalogue.classes}) == 9
    families = tuple(sign.family for sign in folder.catalogue.classes)
    assert folder.recogniser().head.families == families  # catalogue and rows in the same order
    assert len(set(families[-2:])) == 2
    after = content(run)
    assert {name: after[name] for name in before} == before  # the base never changes
    assert all(name.startswith("added/") for name in set(after) - set(before))
    for answer in predict(run, [data_folder / "smalltest"], top=100):
        shares = {row.code: row.probability for row in answer.answers}
        assert {"1.20.2", "a", "b"} < set(shares)
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    crops = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    old, new = logits.recognise(crops), folder.recogniser().recognise(crops)
    np.testing.assert_allclose(new.logits[:, :6], old.logits, atol=1e-5)


def test_a_new_class_recognises_its_own_synthetic_crops(run: Path, icons: list[Path]) -> None:
    """More often than by chance, even with a net that hardly trained."""
    found = add_class(run, icons)
    missed = [sum(one.confusions.values()) for one in found]
    assert np.mean(missed) < 1 - 2 / 9
    for one in found:
        kept = json.loads((run / "added" / one.code / "class.json").read_text())
        assert dict(kept["confusions"]) == one.confusions
        assert list(one.confusions.values()) == sorted(one.confusions.values(), reverse=True)
        if one.recall is not None:
            assert one.low is not None
            assert one.high is not None
            assert 0 <= one.low <= one.recall <= one.high <= 1
            assert kept["forecast"]["recall"] == one.recall
        else:
            assert kept["forecast"] is None


def test_new_rows_take_few_crops_of_earlier_classes(run: Path, icons: list[Path]) -> None:
    """Even where the new sign's crops are those of an earlier one."""
    recogniser = RunFolder.open(run).recogniser()
    head = recogniser.head
    features, labels = head.index_features(), head.index.labels
    right = (features @ head.rows.T + head.biases).argmax(1) == labels
    alike = np.bincount(labels[right]).argmax()
    raw = (head.index.embeddings * head.lengths[:, None])[labels == alike]
    made = Outputs(raw[:, :0], raw, np.zeros(len(raw), np.int64))
    sign = SignClass("new", 99, "rare", (icons[0],), "red triangle", None)
    bigger = head.with_classes(fit_new_classes(recogniser, [sign], made))
    still = (features @ bigger.rows.T + bigger.biases).argmax(1) == labels
    assert right.sum() > 5
    assert (right & ~still).sum() <= max(1, most_lost(1) * right.sum())


def test_a_bias_for_rare_classes_takes_no_more(run: Path, icons: list[Path]) -> None:
    """New classes are rare ones: what fusion gives these must not take earlier crops."""
    recogniser = RunFolder.open(run).recogniser()
    head = replace(recogniser.head, fusion=Fusion(1.0, 2.0, rare_bias=4.0))
    raw = head.index.embeddings[:6] * head.lengths[:6, None]
    made = Outputs(raw[:, :0], raw, np.zeros(6, np.int64))
    sign = SignClass("new", 99, "rare", (icons[0],), "red triangle", None)
    added = fit_new_classes(replace(recogniser, head=head), [sign], made)
    every = head.index.embeddings * head.lengths[:, None]
    before, after = (
        one.judge(every).probabilities.argmax(1) for one in (head, head.with_classes(added))
    )
    right = before == head.index.labels
    assert right.sum() > 5
    assert (right & (after == len(head.families))).sum() <= 1


@pytest.mark.parametrize(("new", "share"), [(1, 0.002), (3, 0.002), (4, 0.001)])
def test_many_new_classes_share_what_they_may_take(
    run: Path, icons: list[Path], monkeypatch: pytest.MonkeyPatch, new: int, share: float
) -> None:
    module = importlib.import_module("raresign.fitting.added_classes")
    fit, guards = module.fit_rows, []

    def spy(*args: Any, guard: float, **options: Any) -> Any:
        guards.append(guard)
        return fit(*args, guard=guard, **options)

    monkeypatch.setattr(module, "fit_rows", spy)
    recogniser = RunFolder.open(run).recogniser()
    embedding = np.random.default_rng(0).normal(size=(2 * new, 16)).astype(np.float32)
    made = Outputs(embedding[:, :0], embedding, np.arange(2 * new) // 2)
    signs = [
        SignClass(f"new{k}", 99 + k, "rare", (icons[0],), "red triangle", None) for k in range(new)
    ]
    assert len(fit_new_classes(recogniser, signs, made)) == new
    assert guards == [most_lost(new)] == [share]


def test_evaluate_with_added_classes(
    run: Path, icons: list[Path], own_data: Path, data_folder: Path
) -> None:
    """Data that know some of the added classes, in another order than the run."""
    add_class(run, icons[:2])
    classes = json.loads((own_data / "classes.json").read_text())
    more = {"5.19.1": {"id": 0, "type": "rare"}, **classes}
    (own_data / "classes.json").write_text(json.dumps(more))
    shutil.copy(icons[1], own_data / "icons")
    Image.fromarray(simulated_photo("5.19.1", 5, 1)).save(own_data / "smalltest" / "0000.png")
    table = own_data / "smalltest_annotations.csv"
    table.write_text(table.read_text() + "0000.png,5.19.1\n")
    metrics = evaluate(run, own_data)
    predictions = load_predictions(run / "evaluation-of-own")
    assert predictions.codes[-2:] == ("1.20.2", "5.19.1")
    truth = dict(zip(predictions.paths, predictions.labels, strict=True))
    assert truth["smalltest/0000.png"] == 7
    shown = {Path(a.path).name: a for a in predict(run, [own_data / "smalltest"], top=1)}
    hits = [
        shown[Path(path).name].answers[0].code == predictions.codes[label]
        for path, label in truth.items()
    ]
    assert metrics.as_dict()["all"]["micro"]["value"] == pytest.approx(np.mean(hits))
    evaluate(run, data_folder)  # data without them are measured, too
    remove_class(run, ["5.19.1"])
    with pytest.raises(InputError, match=r"other classes.*5\.19\.1"):
        evaluate(run, own_data)


def test_removal_restores_the_run(run: Path, icons: list[Path], data_folder: Path) -> None:
    before, said = content(run), answers(run, data_folder)
    add_class(run, icons[:1])
    one_added, said_then = content(run), answers(run, data_folder)
    add_class(run, icons[1:])
    assert answers(run, data_folder) != said_then
    remove_class(run, NEW[1:])
    assert content(run) == one_added
    assert answers(run, data_folder) == said_then
    remove_class(run, NEW[:1])
    assert content(run) == before
    assert not (run / "added").exists()
    assert answers(run, data_folder) == said


def test_order_of_removal_does_not_matter(
    run: Path, icons: list[Path], data_folder: Path, tmp_path: Path
) -> None:
    add_class(run, icons)
    other = Path(shutil.copytree(run, tmp_path / "other"))
    remove_class(run, [NEW[0], NEW[2]])
    remove_class(other, [NEW[2]])
    remove_class(other, [NEW[0], NEW[0]])  # twice is once
    assert content(run) == content(other)
    assert RunFolder.open(run).catalogue.codes[-1] == NEW[1]
    assert answers(run, data_folder) == answers(other, data_folder)


def test_adding_again_gives_the_same(run: Path, icons: list[Path]) -> None:
    add_class(run, icons[:2])
    before = content(run)
    remove_class(run, NEW[:2])
    add_class(run, icons[:2])
    assert content(run) == before


def test_fifty_at_once(run: Path, tmp_path: Path) -> None:
    known = {*RunFolder.open(run).catalogue.codes}
    codes = [code for code in standard("gost").codes if code not in known][:50]
    found = add_class(run, drawn(tmp_path / "many", *codes))
    assert [one.code for one in found] == codes
    assert RunFolder.open(run).catalogue.codes[6:] == tuple(codes)
    remove_class(run, codes[::-1])
    assert not (run / "added").exists()


def test_png_and_svg_of_one_sign_are_the_same_class(run: Path, icons: list[Path]) -> None:
    add_class(run, icons[:1], ["svg"])
    (run / "added" / "svg").rename(run.parent / "svg")
    (run / "added").rmdir()
    Image.fromarray(load_icon(icons[0], 256)).save(run.parent / "x.PNG")
    add_class(run, [run.parent / "x.PNG"], ["png"])
    assert (run / "added" / "png" / "icon.png").is_file()
    by_svg = load_file(run.parent / "svg" / "rows.safetensors")["embedding"].astype(float)
    by_png = load_file(run / "added" / "png" / "rows.safetensors")["embedding"].astype(float)
    unit_a, unit_b = (rows[-1] / np.linalg.norm(rows[-1]) for rows in (by_svg, by_png))
    assert unit_a @ unit_b > 0.999  # the icons


def test_photos_lift_their_class(run: Path, icons: list[Path], tmp_path: Path) -> None:
    for code in NEW[:2]:
        (tmp_path / "photos" / code).mkdir(parents=True)
        for number in range(3):
            photo = Image.fromarray(simulated_photo(code, 5, number))
            photo.save(tmp_path / "photos" / code / f"{number}.png")
    add_class(run, icons, photos=tmp_path / "photos")  # nothing there for the third
    folder = RunFolder.open(run)
    head = folder.recogniser().head
    assert sorted(folder.catalogue.codes[label] for label, _ in head.lifts) == sorted(NEW[:2])
    assert (head.index.sources == SOURCES.index("real")).sum() == 6
    remove_class(run, NEW)
    assert not list((run / "photos").glob("*"))
    add_class(run, icons[:1], photos=tmp_path / "photos" / NEW[0] / "0.png")
    assert (RunFolder.open(run).recogniser().head.index.sources == SOURCES.index("real")).sum() == 1


def test_a_run_of_the_classifier_alone(
    data_folder: Path, tmp_path: Path, tiny: Cli, icons: list[Path], shared_cache: Path
) -> None:
    """It kept no prototypes; a new class must not swallow the earlier ones all the same."""
    recipe = {**tiny(), "recognition": "softmax"}
    run = train(data_folder, tmp_path / "plain", recipe, report=False, cache=shared_cache)
    before = [answer["answers"][0]["code"] for answer in answers(run, data_folder)]
    add_class(run, icons[:1])
    add_class(run, icons[1:])
    after = [answer["answers"][0]["code"] for answer in answers(run, data_folder)]
    assert sum(a == b for a, b in zip(before, after, strict=True)) > len(before) / 2
    remove_class(run, NEW)
    assert [a["answers"][0]["code"] for a in answers(run, data_folder)] == before


def test_commands(cli: Cli, run: Path, icons: list[Path], data_folder: Path) -> None:
    ended = cli("add-class", run, icons[0], "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["code"] == "1.20.2"
    ended = cli("add-class", run, icons[1], icons[2], "--code", "[x]", "--code", "b")
    assert ended.code == 0, ended.err
    assert "[x]" in ended.out
    told = cli("predict", run, data_folder / "smalltest" / "0001.png", "--top", 9, "--json")
    assert {"1.20.2", "[x]", "b"} < {row["code"] for row in json.loads(told.out)["answers"]}
    ended = cli("remove-class", run, "b", "1.20.2", "[x]")
    assert ended.code == 0, ended.err
    assert not (run / "added").exists()
