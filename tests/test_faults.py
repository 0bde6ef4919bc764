"""Killed processes leave nothing behind; workers that die and short memory end nothing."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raresign.answers.answer import FileAnswer
from raresign.commands.answers_journal import AnswersJournal
from raresign.commands.train.train_run import train
from raresign.crops.pack_cache import MARK, new_folder
from raresign.crops.pack_cache import sweep as sweep_packs
from raresign.errors import InputError
from raresign.files import sweep, whole_file
from raresign.memory import is_out_of_memory, parts_that_fit
from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet
from raresign.runs.sealed_arrays import save_sealed
from raresign.signs.icons import svg_renderer
from raresign.training.recipe import load_recipe
from raresign.training.stage_loop import fit_stages
from raresign.training.training_data import TrainingData

ROOT = Path(__file__).parents[1]
WRITE = """
import os, sys
from pathlib import Path
from raresign.files import whole_file
with whole_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("a longer half")
    os.kill(os.getpid(), 9)
"""
PACK = """
import os, sys
from pathlib import Path
from raresign.crops.pack_cache import new_folder
with new_folder(Path(sys.argv[1]), "0" * 32) as folder:
    (folder / "crops.npy").write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no locks that end with a process")


def killed(code: str, place: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", code, str(place)], check=False)
    assert ended.returncode == -signal.SIGKILL


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_next_write_takes_over_what_a_killed_one_left(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    killed(WRITE, file)
    assert len(names(tmp_path)) == 1
    with whole_file(file) as temporary:
        temporary.write_text("new")
    assert (file.read_text(), names(tmp_path)) == ("new", ["a.json"])
    killed(WRITE, file)
    with whole_file(file):
        assert len(names(tmp_path)) == 2
        sweep(tmp_path)
        assert len(names(tmp_path)) == 2, "it is being written"
    killed(WRITE, file)
    sweep(tmp_path)
    assert names(tmp_path) == ["a.json"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    with whole_file(file) as first, whole_file(file) as second:
        first.write_text("first")
        second.write_text("second")
    assert (file.read_text(), names(tmp_path)) == ("first", ["a.txt"])


def test_a_link_of_a_stranger_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with whole_file(tmp_path / "a.txt") as temporary:
        usual = temporary.name
    for make in (Path.symlink_to, Path.hardlink_to):
        make(tmp_path / usual, tmp_path / "mine")
        with whole_file(tmp_path / "a.txt") as temporary:
            temporary.write_text("new")
        assert (tmp_path / "mine").read_text() == "mine"
        (tmp_path / usual).unlink()
    assert names(tmp_path) == ["a.txt", "mine"]


def test_what_a_killed_pack_left_goes_at_once(tmp_path: Path) -> None:
    killed(PACK, tmp_path)
    with new_folder(tmp_path, "1" * 32) as held:
        foreign = tmp_path / f"{'2' * 32}-other"
        foreign.mkdir()
        (foreign / MARK).write_text("locked on another machine")
        (tmp_path / f"{'3' * 32}-empty").mkdir()  # killed before it had a mark
        sweep_packs(tmp_path)
        assert names(tmp_path) == sorted([held.name, foreign.name])


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_folder_of_a_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"), new_folder(tmp_path, "1" * 32):
        pass
    assert names(tmp_path) == []


def test_arrays_on_a_full_disk_are_an_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SafetensorError` of its own writing was a traceback for the user."""
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        save_sealed(tmp_path / "a.safetensors", {"row": np.ones(3, np.float32)})
    assert names(tmp_path) == []


def test_a_journal_of_which_not_even_the_first_line_is_whole(tmp_path: Path) -> None:
    file, part = tmp_path / "a.csv", tmp_path / "a.csv.part"
    answer = FileAnswer("a.png", (), "the file is empty")
    for begun in (b"", b'{"rare'):
        part.write_bytes(begun)
        with pytest.raises(InputError, match="--resume"):
            AnswersJournal(file)
        with AnswersJournal(file, resume=True) as journal:
            journal.add(answer)
            with pytest.raises(InputError, match="another process writes"):
                AnswersJournal(file, resume=True).__enter__()
        assert names(tmp_path) == ["a.csv"]
    part.write_bytes(b"my own notes")
    with pytest.raises(InputError, match="no journal"):
        AnswersJournal(file, resume=True)


def test_checkpoints_of_a_stage_that_ended_go(
    training_data: TrainingData, tiny: Callable[..., dict[str, object]], tmp_path: Path
) -> None:
    """Killed between the end of a stage and the removal of its checkpoints."""
    recipe = load_recipe(tiny())
    into = tmp_path / f"01-{recipe.stages[0].title}"
    into.mkdir()
    for name in ("last.ckpt", "best.ckpt", ".raresign-last-x.ckpt"):
        (into / name).touch()
    assert list(fit_stages(recipe, training_data, tmp_path, done=1, resume=True)) == []
    assert names(into) == []


def test_a_report_that_a_kill_left_out_is_written(
    finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    (run / "report.html").unlink()
    train(data_folder, run, resume=True, report=False)
    assert not (run / "report.html").exists()
    train(data_folder, run, resume=True)
    assert (run / "report.html").read_text().rstrip().endswith("</html>")


def test_a_batch_that_memory_does_not_hold_is_halved(
    new_net: Callable[[], SignNet], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = new_net().eval()
    crops = np.random.default_rng(0).integers(0, 256, (40, 3, 32, 32), np.uint8)
    wanted = net_outputs(net, crops)
    forward, sizes = SignNet.forward, []

    def small(self: SignNet, some: object) -> object:
        if len(some) > 16:  # type: ignore[arg-type]
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")
        sizes.append(len(some))  # type: ignore[arg-type]
        return forward(self, some)  # type: ignore[arg-type]

    monkeypatch.setattr(SignNet, "forward", small)
    with pytest.warns(UserWarning, match="batch of 40 crops: going on with 20"):
        found = net_outputs(net, crops)
    assert sizes == [10, 10, 10, 10]
    assert np.allclose(found.embedding, wanted.embedding, atol=1e-5)


@pytest.mark.filterwarnings("ignore:out of memory")
def test_a_crop_that_memory_does_not_hold_is_an_error() -> None:
    def never(start: int, end: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryError, match="a single crop"):
        list(parts_that_fit(never, 4, 4))
    assert not is_out_of_memory(RuntimeError("shapes"))


def test_a_killed_drawing_process_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1h7v7z"/></svg>'
    wanted = svg_renderer.draw_svg(svg, 32, "a.svg")
    draw, kills = svg_renderer._Worker.draw, []

    def killing(worker: svg_renderer._Worker, *given: object) -> object:
        if not kills:
            os.kill(worker._process.pid, signal.SIGKILL)
            kills.append(worker)
        return draw(worker, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(svg_renderer._Worker, "draw", killing)
    assert svg_renderer.draw_svg(svg, 32, "a.svg").tobytes() == wanted.tobytes()
    assert len(kills) == 1


def test_make_faults_in_small() -> None:
    """Some kills of the quickest operation, as `make faults` does hundreds."""
    told = subprocess.run(
        ["make", "-n", "faults"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "tools/faults" in told.stdout
    command = [
        "tools/faults",
        "--cold",
        "--only",
        "pack",
        "--kills",
        "4",
        "--pile",
        "12",
        "--no-others",
    ]
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "| pack | 4 |" in ended.stdout
