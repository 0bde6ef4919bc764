"""`synth`: the crops on disk are a function of settings and number, however often it was killed."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import raresign.commands.synth.crop_writers as crop_files_module
import raresign.commands.synth.write_crops as synth_module
from raresign.commands.synth.crop_writers import FORMATS
from raresign.commands.synth.replay import render_again, verify_crops
from raresign.commands.synth.write_crops import synthesise
from raresign.errors import InputError
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.registry import standard
from raresign.synthesis.effects.colour import Exposure
from raresign.synthesis.preset import RoadPreset

SMALL: dict[str, Any] = {"size": 16, "per_class": 3}
# Two blocks of 512 numbers: 100 crops of 6 classes.
TWO_BLOCKS: dict[str, Any] = {"size": 16, "per_class": 100}


def content_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest_of(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "manifest.parquet").to_pylist()
    return rows


@pytest.fixture(scope="session")
def crops(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three crops of every class."""
    folder = tmp_path_factory.mktemp("synth") / "crops"
    assert synthesise(data_folder, folder, **SMALL).written == 18
    return folder


@pytest.fixture(scope="session")
def more(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two blocks in every format."""
    folder = tmp_path_factory.mktemp("synth")
    for form in FORMATS:
        assert synthesise(data_folder, folder / form, form=form, **TWO_BLOCKS).written == 600
    return {form: folder / form for form in FORMATS}


class TestWhatIsWritten:
    def test_counts_and_manifest(self, crops: Path, catalogue: SignCatalogue) -> None:
        folders = {path.name for path in crops.iterdir() if path.is_dir()}
        assert folders == set(catalogue.codes)  # no .parts left
        for code in catalogue.codes:
            assert len(list((crops / code).iterdir())) == 3
        rows = manifest_of(crops)
        assert [row["number"] for row in rows] == list(range(18))
        settings = json.loads((crops / "settings.json").read_text())
        for row in rows:
            assert row["path"].startswith(row["class"] + "/")
            assert catalogue.codes[row["label"]] == row["class"]
            assert row["icon"] == f"{row['class']}.svg"
            assert (row["seed"], row["tries"] >= 1) == (settings["seed"], True)
            with Image.open(crops / row["path"]) as picture:
                assert picture.size == (16, 16)
                assert picture.mode == "RGB"
        assert len({(crops / row["path"]).read_bytes() for row in rows}) == 18

    def test_every_parameter_has_a_column(self, more: dict[str, Path]) -> None:
        table = pq.read_table(more["png"] / "manifest.parquet")
        preset = RoadPreset.model_validate(
            json.loads((more["png"] / "settings.json").read_text())["preset"]
        )
        ranges = [
            f"{name}.{field}"
            for name, effect in preset.effects().items()
            for field in type(effect).model_fields
            if isinstance(getattr(effect, field), tuple) and effect.probability > 0
        ]
        assert set(ranges) <= set(table.column_names)
        pose = np.array(table["pose.rotation"].to_pylist(), float)
        assert not np.isnan(pose).any()
        low, high = preset.pose.rotation[0], preset.pose.rotation[-1]
        assert ((low <= pose) & (pose <= high)).all()
        assert {len(pair) for pair in table["pose.tilt"].to_pylist()} == {2}
        # An effect of a few crops has values there and null elsewhere, all its fields together.
        happened = [value is not None for value in table["motion_blur.length"].to_pylist()]
        assert 0 < sum(happened) < 600
        angles = table["motion_blur.angle"].to_pylist()
        assert [value is not None for value in angles] == happened

    def test_formats_hold_the_same_pixels(self, more: dict[str, Path]) -> None:
        for row, in_shard in zip(manifest_of(more["png"]), manifest_of(more["tar"]), strict=True):
            in_shard.pop("key")
            assert {**in_shard, "path": row["path"]} == row
            with Image.open(more["png"] / row["path"]) as picture:
                pixels = np.asarray(picture)
            webp = (more["webp"] / row["path"]).with_suffix(".webp")
            with Image.open(webp) as picture:
                assert np.array_equal(np.asarray(picture), pixels)

    @pytest.mark.parametrize(("form", "suffix"), [("tar", "png"), ("tar-webp", "webp")])
    def test_shards_are_webdataset(self, more: dict[str, Path], form: str, suffix: str) -> None:
        rows = manifest_of(more[form])
        assert {row["path"] for row in rows} == {"shard-000000.tar"}
        with tarfile.open(more[form] / "shard-000000.tar") as tar:
            members = tar.getmembers()
            # All files of a key stand side by side, and a key has no dot.
            assert [member.name for member in members] == [
                f"{row['key']}.{end}" for row in rows for end in ("cls", "json", suffix)
            ]
            assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {
                (0, 0, 0, "")
            }
            for row, png in zip(rows, manifest_of(more["png"]), strict=True):
                label, note, picture = (
                    tar.extractfile(f"{row['key']}.{end}").read()  # type: ignore[union-attr]
                    for end in ("cls", "json", suffix)
                )
                assert int(label) == row["label"]
                told = json.loads(note)
                assert told.keys() == {name for name, value in row.items() if value is not None}
                assert np.float32(told["pose.rotation"]) == np.float32(row["pose.rotation"])
                with (
                    Image.open(io.BytesIO(picture)) as ours,
                    Image.open(more["png"] / png["path"]) as theirs,
                ):
                    assert np.array_equal(np.asarray(ours), np.asarray(theirs))

    def test_reference_preset(self, data_folder: Path, tmp_path: Path) -> None:
        synthesise(data_folder, tmp_path / "crops", preset="reference", **SMALL)
        assert all(
            0 <= row["reference.angle"] + 15 <= 30 for row in manifest_of(tmp_path / "crops")
        )
        assert verify_crops(tmp_path / "crops").same == 18

    def test_other_seeds_make_other_crops(
        self, crops: Path, data_folder: Path, tmp_path: Path
    ) -> None:
        synthesise(data_folder, tmp_path / "crops", **SMALL, seed=1)
        ours, theirs = content_of(crops), content_of(tmp_path / "crops")
        for name, data in ours.items():
            assert not name.endswith(".png") or theirs[name] != data

    def test_icons_alone(self, own_data: Path, tmp_path: Path) -> None:
        for folder in ("cropped-train", "smalltest", "background_images"):
            shutil.rmtree(own_data / folder)
        said: list[str] = []
        result = synthesise(own_data, tmp_path / "crops", size=16, per_class=1, say=said.append)
        assert result.written == 6
        assert any("made up" in line for line in said)


@contextmanager
def dying_after(files: int, how: BaseException) -> Iterator[None]:
    """Encoding fails after so many pictures, in the middle of writing the next file."""
    write = Path.write_bytes
    written: list[Path] = []
    lock = threading.Lock()

    def dying(self: Path, data: bytes) -> int:
        if self.suffix in (".json", ".csv"):
            return write(self, data)
        with lock:
            if len(written) == files:
                write(self, data[:10])
                raise how
            written.append(self)
        return write(self, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crop_files_module.Path, "write_bytes", dying)
        yield


class TestStoppedAndResumed:
    @pytest.mark.parametrize("files", [0, 7])
    def test_interrupted(self, crops: Path, data_folder: Path, tmp_path: Path, files: int) -> None:
        out = tmp_path / "crops"
        with dying_after(files, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            synthesise(data_folder, out, **SMALL)
        half = [name for name in content_of(out) if name.endswith(".png")]
        assert len(half) == files  # none half-written, no litter
        assert synthesise(data_folder, out, **SMALL).written == 18 - files
        assert comparable(out) == comparable(crops)

    def test_full_disk(self, crops: Path, data_folder: Path, tmp_path: Path) -> None:
        out = tmp_path / "crops"
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with dying_after(5, full), pytest.raises(InputError, match=r"No space left.*make room"):
            synthesise(data_folder, out, **SMALL)
        assert synthesise(data_folder, out, **SMALL).written == 13
        assert comparable(out) == comparable(crops)

    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
    @pytest.mark.parametrize("form", ["webp", "tar"])
    def test_killed(
        self, data_folder: Path, more: dict[str, Path], tmp_path: Path, form: str
    ) -> None:
        """SIGKILL while files are being written, in a process of its own."""
        out = tmp_path / "crops"
        kill_when_writing(
            f"""
import raresign.commands.synth.crop_writers as files, time
encode = files.encode
def slow(*a):
    time.sleep(0.01)
    return encode(*a)
files.encode = slow
from raresign.commands.synth.write_crops import synthesise
synthesise({str(data_folder)!r}, {str(out)!r}, form={form!r}, size=16, per_class=100)
""",
            out,
        )
        assert not (out / "manifest.parquet").exists()
        # What a kill between creating and renaming a file leaves.
        litter = out / (".shard-000000-abc.tar" if form == "tar" else "4.1.1/.000003-a_b.webp")
        litter.parent.mkdir(exist_ok=True)
        litter.write_bytes(b"half")
        synthesise(data_folder, out, form=form, **TWO_BLOCKS)
        assert comparable(out) == comparable(more[form])

    @pytest.mark.parametrize("form", FORMATS)
    def test_killed_before_the_manifest_is_joined(
        self, data_folder: Path, more: dict[str, Path], tmp_path: Path, form: str
    ) -> None:
        out = tmp_path / "crops"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(synth_module.Manifest, "join", lambda _: (_ for _ in ()).throw(KeyError))
            with pytest.raises(KeyError):
                synthesise(data_folder, out, form=form, **TWO_BLOCKS)
        assert (out / ".parts").is_dir()
        assert synthesise(data_folder, out, form=form, **TWO_BLOCKS).written == 0
        assert comparable(out) == comparable(more[form])

    @pytest.mark.parametrize("form", ["png", "tar"])
    def test_missing_files_come_back(
        self, data_folder: Path, more: dict[str, Path], tmp_path: Path, form: str
    ) -> None:
        out = Path(shutil.copytree(more[form], tmp_path / "crops"))
        path = out / manifest_of(out)[540]["path"]
        path.unlink()
        result = synthesise(data_folder, out, form=form, **TWO_BLOCKS)
        assert result.written == (1 if form == "png" else 600)
        assert comparable(out) == comparable(more[form])

    def test_lost_manifest_comes_back(
        self, data_folder: Path, more: dict[str, Path], tmp_path: Path
    ) -> None:
        out = Path(shutil.copytree(more["png"], tmp_path / "crops"))
        (out / "manifest.parquet").unlink()
        assert synthesise(data_folder, out, **TWO_BLOCKS).written == 0
        assert comparable(out) == comparable(more["png"])

    def test_finished_folder_is_left_alone(self, crops: Path, data_folder: Path) -> None:
        before = {path: path.stat().st_mtime_ns for path in crops.rglob("*")}
        assert synthesise(data_folder, crops, **SMALL).written == 0
        assert {path: path.stat().st_mtime_ns for path in crops.rglob("*")} == before

    def test_progress_counts_what_is_there(
        self, data_folder: Path, more: dict[str, Path], tmp_path: Path
    ) -> None:
        seen: list[tuple[int, int]] = []
        synthesise(
            data_folder, tmp_path / "a", progress=lambda *now: seen.append(now), **TWO_BLOCKS
        )
        assert seen[0] == (0, 600)
        assert seen[-1] == (600, 600)
        assert sorted(seen) == seen

    def test_killed_while_the_first_or_the_last_file_was_written(
        self, data_folder: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "crops"
        out.mkdir()
        (out / ".settings-ab_1.json").write_bytes(b"{")
        assert synthesise(data_folder, out, **SMALL).written == 18
        (out / ".manifest-ab_1.parquet").write_bytes(b"half")
        assert synthesise(data_folder, out, **SMALL).written == 0
        assert not list(out.glob(".*"))


def comparable(folder: Path) -> dict[str, bytes]:
    """Every file but the settings, which name the data folder."""
    files = content_of(folder)
    files.pop("settings.json")
    return files


def kill_when_writing(program: str, out: Path) -> None:
    """Run a program and kill it outright while it writes crops."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    deadline = time.monotonic() + 60
    while not len([path for path in out.rglob("*") if path.is_file()]) > 1:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.15)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


class TestMoreAndFewer:
    @pytest.mark.parametrize("form", FORMATS)
    def test_more_crops_keep_the_first(
        self, data_folder: Path, more: dict[str, Path], tmp_path: Path, form: str
    ) -> None:
        out = tmp_path / "crops"
        synthesise(data_folder, out, form=form, size=16, per_class=2)
        assert synthesise(data_folder, out, form=form, **TWO_BLOCKS).written == 588
        assert comparable(out) == comparable(more[form])

    @pytest.mark.parametrize("form", ["png", "tar"])
    def test_fewer_crops_remove_none(
        self, data_folder: Path, more: dict[str, Path], tmp_path: Path, form: str
    ) -> None:
        out = Path(shutil.copytree(more[form], tmp_path / "crops"))
        result = synthesise(data_folder, out, form=form, size=16, per_class=1)
        assert (result.written, result.crops, result.asked) == (0, 600, 6)
        assert content_of(out) == content_of(more[form])

    def test_a_shard_that_a_kill_left_unlisted_is_listed(
        self, data_folder: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "crops"
        synthesise(data_folder, out, form="tar", size=16, per_class=1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(synth_module.Manifest, "add", lambda *_: (_ for _ in ()).throw(KeyError))
            with pytest.raises(KeyError):
                synthesise(data_folder, out, form="tar", size=16, per_class=2)
        result = synthesise(data_folder, out, form="tar", size=16, per_class=1)
        assert result.crops == len(manifest_of(out)) == 12
        assert verify_crops(out).same == 12

    def test_fewer_crops_after_a_kill_list_every_file(
        self, data_folder: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "crops"
        with dying_after(60, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            synthesise(data_folder, out, **TWO_BLOCKS)
        synthesise(data_folder, out, size=16, per_class=1)
        files = {name for name in content_of(out) if name.endswith(".png")}
        assert {row["path"] for row in manifest_of(out)} == files
        assert verify_crops(out).same == len(files)


class TestAgain:
    @pytest.mark.parametrize("form", FORMATS)
    @pytest.mark.parametrize("threads", [1, 2])
    def test_every_row_renders_to_its_crop(
        self, more: dict[str, Path], form: str, threads: int
    ) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            result = verify_crops(more[form])
            assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(before)
        assert (result.crops, result.same, result.different) == (600, 600, ())

    def test_written_on_two_threads(
        self, data_folder: Path, more: dict[str, Path], tmp_path: Path
    ) -> None:
        torch.set_num_threads(2)
        try:
            synthesise(data_folder, tmp_path / "crops", **TWO_BLOCKS)
        finally:
            torch.set_num_threads(1)
        assert comparable(tmp_path / "crops") == comparable(more["png"])

    @pytest.mark.parametrize("row", [0, 17, 149])
    @pytest.mark.parametrize("suffix", ["png", "webp"])
    def test_one_row(self, more: dict[str, Path], tmp_path: Path, row: int, suffix: str) -> None:
        picture = tmp_path / f"crop.{suffix}"
        found = render_again(more["png"] / "manifest.parquet", row, picture)
        with Image.open(picture) as ours, Image.open(more["png"] / found["path"]) as theirs:
            assert np.array_equal(np.asarray(ours), np.asarray(theirs))

    def test_changed_crops_are_told(self, more: dict[str, Path], tmp_path: Path) -> None:
        out = Path(shutil.copytree(more["png"], tmp_path / "crops"))
        rows = manifest_of(out)
        with Image.open(out / rows[3]["path"]) as picture:
            pixels = np.array(picture)
        pixels[5, 5, 0] ^= 1
        Image.fromarray(pixels).save(out / rows[3]["path"])
        (out / rows[9]["path"]).unlink()
        (out / rows[540]["path"]).write_bytes(b"no picture")
        result = verify_crops(out)
        assert result.same == 597
        assert dict(result.different).keys() == {rows[k]["path"] for k in (3, 9, 540)}

    def test_changed_manifest_is_told(self, more: dict[str, Path], tmp_path: Path) -> None:
        out = Path(shutil.copytree(more["png"], tmp_path / "crops"))
        table = pq.read_table(out / "manifest.parquet")
        values = table["pose.shear"].to_numpy().copy()
        values[12] += 0.001
        place = table.column_names.index("pose.shear")
        pq.write_table(table.set_column(place, "pose.shear", [values]), out / "manifest.parquet")
        assert [problem for _, problem in verify_crops(out).different] == [
            "other values in the manifest"
        ]

    def test_damaged_shard(self, more: dict[str, Path], tmp_path: Path) -> None:
        out = Path(shutil.copytree(more["tar"], tmp_path / "crops"))
        shard = out / "shard-000000.tar"
        shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2 + 700])  # within a file
        result = verify_crops(out)
        assert (result.same, len(result.different)) == (0, 600)
        assert "cannot be read: unexpected end" in result.different[0][1]

    def test_other_icons_or_backgrounds(self, own_data: Path, tmp_path: Path) -> None:
        out = tmp_path / "crops"
        synthesise(own_data, out, **SMALL)
        with pytest.raises(InputError, match="no row 18"):
            render_again(out / "manifest.parquet", 18, tmp_path / "a.png")
        moved = own_data.rename(tmp_path / "moved")
        with pytest.raises(InputError, match="is not there"):
            verify_crops(out)
        assert verify_crops(out, moved).same == 18
        (moved / "icons" / "2.5.svg").write_text(standard("gost").svg("7.4"))
        with pytest.raises(InputError, match=r"icons of .* are not those"):
            verify_crops(out, moved)
        with pytest.raises(InputError, match="its icons were others"):
            synthesise(moved, out, **SMALL)

    def test_another_engine(
        self, data_folder: Path, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = Path(shutil.copytree(crops, tmp_path / "crops"))
        matrix = Exposure.matrix
        monkeypatch.setattr(Exposure, "matrix", lambda *given: matrix(*given) * 0.9)
        with pytest.raises(InputError, match=r"made with raresign .*; this is raresign"):
            synthesise(data_folder, out, **SMALL)
        with pytest.raises(InputError, match="use the version that made it"):
            render_again(out / "manifest.parquet", 0, tmp_path / "a.png")
        said: list[str] = []
        assert verify_crops(out, say=said.append).same < 18
        assert "come out otherwise" in said[0]

    def test_nothing_to_verify(self, tmp_path: Path, crops: Path) -> None:
        with pytest.raises(InputError, match=r"no settings\.json"):
            verify_crops(tmp_path)
        with pytest.raises(InputError, match="no such manifest"):
            render_again(tmp_path / "manifest.parquet", 0, tmp_path / "a.png")
        with pytest.raises(InputError, match=r"name a \.png"):
            render_again(crops / "manifest.parquet", 0, tmp_path / "a.jpg")


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"seed": 1}, "seed was 0, not 1"),
            ({"size": 17}, "size was 16, not 17"),
            ({"preset": "reference"}, "preset"),
            ({"form": "tar"}, 'format was "png", not "tar"'),
        ],
    )
    def test_other_settings(
        self, crops: Path, data_folder: Path, change: dict[str, Any], told: str
    ) -> None:
        before = content_of(crops)
        with pytest.raises(InputError, match=f"other settings.*{told}"):
            synthesise(data_folder, crops, **{**SMALL, **change})
        assert content_of(crops) == before

    def test_a_changed_preset_file_is_another_setting(
        self, data_folder: Path, tmp_path: Path
    ) -> None:
        preset = tmp_path / "mine.yaml"
        preset.write_text("background: {flat: 0.0}\n")
        out = tmp_path / "crops"
        synthesise(data_folder, out, preset=str(preset), size=16, per_class=1)
        preset.write_text("background: {flat: 1.0}\n")
        with pytest.raises(InputError, match=r"preset\.background\.flat was 0\.0, not 1\.0"):
            synthesise(data_folder, out, preset=str(preset), size=16, per_class=2)

    def test_a_folder_of_something_else_is_not_touched(
        self, data_folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "thesis.txt").write_text("mine")
        with pytest.raises(InputError, match="not empty"):
            synthesise(data_folder, tmp_path, **SMALL)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
        with pytest.raises(InputError, match="is a file"):
            synthesise(data_folder, tmp_path / "thesis.txt", **SMALL)
        with pytest.raises(OSError, match="Not a directory"):
            synthesise(data_folder, tmp_path / "thesis.txt" / "crops", **SMALL)

    @pytest.mark.parametrize(
        "wrong",
        [{"per_class": 0}, {"size": 4}, {"size": 5000}, {"preset": "x"}, {"form": "bmp"}],
    )
    def test_wrong_settings(self, data_folder: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
        with pytest.raises(InputError):
            synthesise(data_folder, tmp_path / "crops", **{**SMALL, **wrong})
        assert not (tmp_path / "crops").exists()

    @pytest.mark.parametrize("text", ["{", "[]", "{}"])
    def test_damaged_settings_file(
        self, crops: Path, data_folder: Path, tmp_path: Path, text: str
    ) -> None:
        out = Path(shutil.copytree(crops, tmp_path / "crops"))
        (out / "settings.json").write_text(text)
        with pytest.raises(InputError, match="other settings"):
            synthesise(data_folder, out, **SMALL)

    def test_damaged_manifest(self, crops: Path, data_folder: Path, tmp_path: Path) -> None:
        out = Path(shutil.copytree(crops, tmp_path / "crops"))
        (out / "manifest.parquet").write_bytes(b"PAR1 rubbish")
        with pytest.raises(InputError, match="delete it"):
            synthesise(data_folder, out, **SMALL)

    def test_a_class_that_would_leave_the_folder(self, tmp_path: Path, data_folder: Path) -> None:
        from raresign.commands.synth.crop_writers import crop_files

        for code in ("..", "manifest.parquet"):
            with pytest.raises(InputError, match="cannot have a folder"):
                crop_files(tmp_path, (code,), "png")

    @pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
    def test_two_at_once(self, crops: Path, data_folder: Path) -> None:
        import fcntl

        with (crops / "settings.json").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with pytest.raises(InputError, match="another process"):
                synthesise(data_folder, crops, **SMALL)


Cli = Callable[..., Any]


class TestCommandLine:
    def test_json(self, cli: Cli, data_folder: Path, tmp_path: Path) -> None:
        out = tmp_path / "crops"
        options = ("--per-class", 2, "--size", 16, "--format", "tar", "--json")
        told = json.loads(cli("synth", data_folder, "--out", out, *options).out)
        assert (told["written"], told["crops"], told["out"]) == (12, 12, str(out))
        verified = cli("synth", "--verify", out, "--json")
        assert verified.code == 0
        assert json.loads(verified.out) == {"crops": 12, "same": 12, "different": []}
        again = cli(
            "synth", "--again", out / "manifest.parquet", "--row", 5, "--out", tmp_path / "a.png"
        )
        assert "row 5, shard-000000.tar:000000005, rendered" in again.out
        fewer = cli("synth", data_folder, "--out", out, "--size", 16, "--per-class", 1,
                    "--format", "tar")  # fmt: skip
        assert "more than you asked for" in fewer.out

    def test_verify_finds(self, cli: Cli, data_folder: Path, crops: Path, tmp_path: Path) -> None:
        out = Path(shutil.copytree(crops, tmp_path / "crops"))
        (out / "4.1.1" / "000001.png").unlink()
        ended = cli("synth", "--verify", out)
        assert ended.code == 1
        assert "4.1.1/000001.png: No such file" in ended.out
        assert "17 of 18" in ended.out

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ((), "no data folder"),
            (("DATA",), "no --out"),
            (("DATA", "--sheet", "x", "--per-class", 3), "no --out"),
            (("DATA", "--out", "x", "--row", 3), "--row means nothing"),
            (("--verify", "x", "--seed", 3), "--seed means nothing"),
            (("--again", "x"), "needs --row and --out"),
            (("nowhere", "--out", "x"), "nowhere"),
            (("DATA", "--out", "x", "--per-class", 0), "0 crops"),
            (("DATA", "--out", "x", "--format", "bmp"), "bmp"),
        ],
    )
    def test_refused(
        self,
        cli: Cli,
        data_folder: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        options: tuple[Any, ...],
        told: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        ended = cli("synth", *(data_folder if option == "DATA" else option for option in options))
        assert ended.code == 2
        assert told in ended.err
        assert not list(tmp_path.iterdir())

    def test_ctrl_c(self, cli: Cli, data_folder: Path, tmp_path: Path, crops: Path) -> None:
        out = tmp_path / "crops"
        options = ("--per-class", 3, "--size", 16)
        with dying_after(4, KeyboardInterrupt()):
            ended = cli("synth", data_folder, "--out", out, *options)
        assert ended.code == 130
        assert "the same command goes on" in ended.err
        assert "14 crops written" in cli("synth", data_folder, "--out", out, *options).out
        assert comparable(out) == comparable(crops)
