"""Answers for pictures of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import raresign
from raresign.answers.answer import FileAnswer
from raresign.errors import InputError
from raresign.models.model_files import load_model
from raresign.models.outputs import net_outputs
from raresign.models.saved_rows import classifier_rows
from raresign.runtime import recogniser as recogniser_module
from raresign.runtime.recogniser import Recogniser


@pytest.fixture(scope="module")
def recogniser(finished_run: Path) -> Recogniser:
    return raresign.load(finished_run)


@pytest.fixture
def crop(data_folder: Path) -> Path:
    return data_folder / "smalltest" / "0003.png"


def said(answer: FileAnswer) -> dict[str, Any]:
    return {name: value for name, value in answer.as_dict().items() if name != "path"}


def test_every_kind_of_picture_gives_the_same_answer(recogniser: Recogniser, crop: Path) -> None:
    with Image.open(crop) as opened:
        picture = opened.convert("RGB")
    pixels = np.asarray(picture)
    tensor = torch.from_numpy(pixels.copy())
    kinds: list[Any] = [
        crop,
        str(crop),
        crop.read_bytes(),
        picture,
        pixels,
        pixels[:, ::-1][:, ::-1],  # a view
        tensor,
        tensor.permute(2, 0, 1),
        tensor.permute(2, 0, 1).float() / 255,
        (tensor.double() / 255).requires_grad_(),
    ]
    expected = said(recogniser.answer(crop, top=6))
    assert len(expected["answers"]) == 6
    for kind in kinds:
        assert said(recogniser.answer(kind, top=6)) == expected
    together = recogniser.answer(kinds, top=6)
    assert isinstance(together, list)
    assert [answer.path for answer in together] == [str(crop), str(crop), *[""] * 8]
    for answer in together:
        assert answer.answer == expected["answer"]
        assert [row.code for row in answer.answers] == [row["code"] for row in expected["answers"]]
    rows = raresign.to_arrow(together).to_pylist()
    assert [FileAnswer.from_dict(row) for row in rows] == together
    if find_spec("pandas"):
        assert raresign.to_pandas(iter(together)).path.tolist() == [one.path for one in together]
    one_by_one = recogniser.answer((kind for kind in kinds), top=6)
    assert isinstance(one_by_one, Iterator)
    assert [said(answer) for answer in one_by_one] == [said(answer) for answer in together]


def test_grey_transparent_and_turned_pictures_are_read_as_files_are(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (40, 25), dtype=np.uint8)
    clear = Image.fromarray(rng.integers(0, 256, (40, 25, 4), dtype=np.uint8))
    Image.fromarray(grey).save(tmp_path / "grey.png")
    clear.save(tmp_path / "clear.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(grey).save(tmp_path / "turned.jpg", exif=exif)
    by_path = [recogniser.answer(tmp_path / name) for name in ("grey.png", "clear.png")]
    assert [said(recogniser.answer(one)) for one in (grey, clear)] == [said(a) for a in by_path]
    turned = tmp_path / "turned.jpg"
    with Image.open(turned) as opened:
        assert said(recogniser.answer(opened)) == said(recogniser.answer(turned))


def test_a_broken_picture_is_an_answer_with_its_error(
    recogniser: Recogniser, crop: Path, tmp_path: Path
) -> None:
    half = crop.read_bytes()[:50]
    (tmp_path / "half.png").write_bytes(half)
    (tmp_path / "half.bmp").write_bytes(half)
    given = [tmp_path / "gone.png", half, crop, b"", tmp_path / "half.png"]
    gone, cut, whole, empty, file = recogniser.answer(given)
    assert gone.error == "No such file or directory"
    assert gone.path == str(tmp_path / "gone.png")
    assert cut.error == file.error
    assert empty.error == "the file is empty"
    assert whole.error is None
    assert [one.answers for one in (gone, cut, empty, file)] == [()] * 4
    assert recogniser.answer(half).error == cut.error
    assert recogniser.answer([]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        None,
        np.zeros((4, 4)),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        torch.full((3, 4, 4), 2.0),
        torch.full((3, 4, 4), float("nan")),
        [np.zeros(3, np.uint8)],
    ],
)
def test_what_is_no_picture_is_refused(recogniser: Recogniser, wrong: Any) -> None:
    with pytest.raises(InputError, match=r"picture|outside"):
        recogniser.answer(wrong)


def test_of_an_iterator_few_pictures_are_held(
    recogniser: Recogniser, crop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser_module, "BATCH", 3)
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        while True:
            taken += 1
            yield crop

    answers = list(islice(recogniser.answer(endless()), 7))
    assert len({answer.answer for answer in answers}) == 1
    assert taken < 100


def test_saved_rows_and_relu_give_the_logits_of_the_net(finished_run: Path) -> None:
    net = load_model(finished_run)
    crops = np.random.default_rng(0).integers(0, 256, (9, 3, 32, 32), dtype=np.uint8)
    outputs = net_outputs(net, crops)
    saved = classifier_rows(finished_run)
    logits = np.maximum(outputs.embedding, 0) @ saved.rows.T + saved.biases
    np.testing.assert_allclose(logits, outputs.logits, rtol=1e-5, atol=1e-5)


def test_a_damaged_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match="damaged"):
        classifier_rows(tmp_path)


def test_what_a_caller_changes_afterwards_changes_no_answer(
    recogniser: Recogniser, data_folder: Path
) -> None:
    crops = sorted((data_folder / "smalltest").iterdir())
    pictures = [np.asarray(Image.open(crop).convert("RGB")) for crop in crops]
    expected = [said(answer) for answer in recogniser.answer(pictures)]

    def one_buffer() -> Iterator[np.ndarray]:
        buffer = np.empty_like(pictures[0])
        for picture in pictures:
            buffer[...] = picture
            yield buffer

    def one_picture() -> Iterator[Image.Image]:
        frame = Image.new("RGB", pictures[0].shape[1::-1])
        for picture in pictures:
            frame.paste(Image.fromarray(picture))
            yield frame

    for changing in (one_buffer(), one_picture()):
        assert [said(answer) for answer in recogniser.answer(changing)] == expected


def test_open_files_and_other_bytes_are_pictures(recogniser: Recogniser, crop: Path) -> None:
    expected = said(recogniser.answer(crop))
    with crop.open("rb") as file:
        assert said(recogniser.answer(file)) == expected
    content = crop.read_bytes()
    for kind in (bytearray(content), memoryview(content)):
        assert said(recogniser.answer(kind)) == expected
    assert recogniser.answer(Image.new("RGB", (0, 5))).error == "a picture of 0 x 5 pixels"
    assert recogniser.answer("a\0b.png").error
