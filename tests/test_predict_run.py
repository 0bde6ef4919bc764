"""`predict`: every file gets its row, in order, whatever is in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raresign.commands.predict_files import predict
from raresign.errors import InputError
from raresign.runs.evaluation_files import load_predictions
from raresign.signs.catalogue.sign_catalogue import SignCatalogue


def test_answers_of_the_test_folder_are_those_of_the_evaluation(
    finished_run: Path, data_folder: Path, catalogue: SignCatalogue
) -> None:
    recorded = load_predictions(finished_run)
    answers = list(predict(finished_run, [data_folder / "smalltest"], top=6))
    assert [Path(answer.path).name for answer in answers] == [
        Path(path).name for path in recorded.paths
    ]
    for answer, expected in zip(answers, recorded.probabilities, strict=True):
        got = {catalogue.label_of(row.code): row.probability for row in answer.answers}
        np.testing.assert_allclose([got[label] for label in range(6)], expected, atol=1e-5)
        shares = [row.probability for row in answer.answers]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_answers_carry_name_and_family(finished_run: Path, data_folder: Path) -> None:
    (answer,) = predict(finished_run, [data_folder / "smalltest" / "0001.png"], top=6)
    by_code = {row.code: row for row in answer.answers}
    assert by_code["2.5"].name != "2.5"
    assert by_code["1.11.1"].family == "red triangle"


@pytest.fixture
def mixed_folder(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "crops"
    folder.mkdir()
    shutil.copy(data_folder / "smalltest" / "0001.png", folder / "a.png")
    (folder / "b.png").write_bytes((data_folder / "smalltest" / "0002.png").read_bytes()[:50])
    (folder / "c.jpg").write_bytes(b"")
    Image.new("L", (1, 1)).save(folder / "d.png")
    Image.new("RGBA", (3, 300), (9, 9, 9, 0)).save(folder / "e.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_broken_file_is_a_row(finished_run: Path, mixed_folder: Path) -> None:
    answers = list(predict(finished_run, [mixed_folder], top=2))
    assert [Path(answer.path).name for answer in answers] == [
        "a.png", "b.png", "c.jpg", "d.png", "e.png",
    ]  # fmt: skip
    assert [bool(answer.error) for answer in answers] == [False, True, True, False, False]
    assert [len(answer.answers) for answer in answers] == [2, 0, 0, 2, 2]
    for answer in answers:
        assert answer.as_dict()["error"] == answer.error


def test_only_broken_files(finished_run: Path, mixed_folder: Path) -> None:
    (answer,) = predict(finished_run, [mixed_folder / "b.png"])
    assert answer.error
    assert answer.answers == ()


def test_answers_do_not_depend_on_the_company(finished_run: Path, data_folder: Path) -> None:
    folder = data_folder / "smalltest"
    (alone,) = predict(finished_run, [folder / "0003.png"])
    together = {answer.path: answer for answer in predict(finished_run, [folder])}
    beside = together[str(folder / "0003.png")]
    for one, other in zip(alone.answers, beside.answers, strict=True):
        assert one.code == other.code
        assert one.probability == pytest.approx(other.probability, abs=1e-5)


def test_a_missing_file_is_a_row(finished_run: Path, tmp_path: Path, data_folder: Path) -> None:
    files = [tmp_path / "gone.png", data_folder / "smalltest" / "0001.png"]
    gone, there = predict(finished_run, files)
    assert gone.error
    assert there.answers


def test_nothing_to_predict(finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        list(predict(finished_run, [tmp_path / "empty"]))
    with pytest.raises(InputError, match=r"no run\.json"):
        list(predict(tmp_path, [tmp_path]))


def test_a_run_without_model(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    (run / "model.safetensors").unlink()
    with pytest.raises(InputError, match="--resume"):
        list(predict(run, [tmp_path]))


def test_names_by_probability(finished_run: Path, data_folder: Path) -> None:
    files = [data_folder / "smalltest"]
    as_ever = list(predict(finished_run, files))
    for accept in (0.0, 0.4, 1.0):
        for one, before in zip(predict(finished_run, files, accept=accept), as_ever, strict=True):
            assert one.answers == before.answers, "what is believed does not change"
            if accept == 0 or before.level != "none":
                assert (one.level == "class") == (one.answers[0].probability >= accept)
    with pytest.raises(InputError, match="from 0 to 1"):
        list(predict(finished_run, files, accept=90))


def test_boxes_cut_frames(finished_run: Path, data_folder: Path, tmp_path: Path) -> None:
    """A crop pasted into a frame is answered as the crop itself."""
    frame = Image.new("RGB", (1280, 720), (90, 110, 90))
    rows = ["file,x0,y0,x1,y1"]
    alone = list(predict(finished_run, sorted((data_folder / "smalltest").glob("*.png"))[:3]))
    for number, answer in enumerate(alone):
        with Image.open(answer.path) as crop:
            frame.paste(crop, (100 + 200 * number, 50))
            x, y = 100 + 200 * number, 50
            rows.append(f"frame.png,{x},{y},{x + crop.width},{y + crop.height}")
    frame.save(tmp_path / "frame.png")
    (tmp_path / "boxes.csv").write_text("\n".join([*rows, "gone.png,1,1,9,9"]))
    *cut, gone = predict(finished_run, [], boxes=tmp_path / "boxes.csv")
    assert gone.error
    for one, before in zip(cut, alone, strict=True):
        assert one.box is not None
        assert one.answers[0].code == before.answers[0].code
    with pytest.warns(UserWarning, match="1 of 1 pictures look like whole frames"):
        list(predict(finished_run, [tmp_path / "frame.png"]))
