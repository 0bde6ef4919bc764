"""Checkpoints: no code of a stranger runs, and the one before outlives a full disk."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from raresign.errors import InputError
from raresign.models.sign_net import SignNet
from raresign.training.checkpoint_files import WholeCheckpoints, read_checkpoint
from raresign.training.fit import Hardware, check_finite, fit_stage
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData

PLAIN = {"state_dict": {"a": torch.zeros(2)}, "callbacks": {}, "loops": {}, "global_step": 3}


class Malice:
    """Makes a folder when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.victim),)


@pytest.mark.parametrize(
    "saved", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))]
)
@pytest.mark.parametrize("place", ["alone", "callbacks", "state_dict"])
def test_no_code_runs(place: str, saved: Callable[[Any, Path], None], tmp_path: Path) -> None:
    malice: Any = Malice(tmp_path / "victim")
    saved(malice if place == "alone" else {**PLAIN, place: {"a": malice}}, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match="damaged, or holds more than tensors"):
        WholeCheckpoints().load_checkpoint(tmp_path / "last.ckpt", weights_only=False)
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("ending", ["last", "best"])
def test_a_resumed_stage_runs_no_code(
    ending: str,
    training_data: TrainingData,
    new_net: Callable[[], SignNet],
    tmp_path: Path,
) -> None:
    stage = Stage(kind="mixed", steps=2, real=4, synthetic=4, validate_every=1)

    def fit(resume: bool) -> None:
        net = new_net()
        fit_stage(
            net, stage, training_data, 0, tmp_path, hardware=Hardware("cpu"), quiet=True,
            resume=resume,
        )  # fmt: skip

    fit(resume=False)
    fit(resume=True)  # our own checkpoints hold nothing else
    file = tmp_path / f"{ending}.ckpt"
    kept = torch.load(file, weights_only=True)
    torch.save({**kept, "more": Malice(tmp_path / "victim")}, file)
    with pytest.raises(InputError, match=rf"{ending}\.ckpt is damaged"):
        fit(resume=True)
    assert not (tmp_path / "victim").exists()
    if ending == "last":
        torch.save({**kept, "loops": {}}, file)
        with pytest.raises(InputError, match="cannot go on from"):
            fit(resume=True)


def test_half_a_write_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run" / "last.ckpt"
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    WholeCheckpoints().save_checkpoint(PLAIN, file)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        WholeCheckpoints().save_checkpoint({**PLAIN, "global_step": 4}, file)
    assert read_checkpoint(file)["global_step"] == 3
    assert [path.name for path in file.parent.iterdir()] == ["last.ckpt"]
    assert not any((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pickle.dumps([1]), b"\x80\x02."])
def test_damage_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.ckpt"):
        read_checkpoint(tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="there is no checkpoint"):
        read_checkpoint(tmp_path)


def test_a_diverged_training_blames_no_crop(new_net: Callable[[], SignNet]) -> None:
    net = new_net()
    stage = Stage(kind="mixed", name="wild", steps=1, real=4, synthetic=4, learning_rate=9.0)
    check_finite(net, stage)
    with torch.no_grad():
        net.classifier.bias[0] = float("nan")
    with pytest.raises(InputError, match=r"diverged in stage wild.*smaller learning_rate than 9"):
        check_finite(net, stage)
