"""Bundles: the same answers as the run, the same bytes each time, and no wrong file believed."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import raresign
from conftest import CROP_SIZE, Ended
from raresign.answers.class_means import ClassMeans
from raresign.answers.prototypes import PrototypeIndex
from raresign.bundles import archive
from raresign.bundles.archive import MANIFEST, read_archive, write_archive
from raresign.bundles.bundle import Bundle, bundle_parts
from raresign.errors import InputError
from raresign.framing.finder import Finder, own_finder
from raresign.runtime.onnx_encoder import OnnxEncoder
from raresign.simulated.photo import simulated_photo

Cli = Callable[..., Ended]
ALLOWED = ("numpy", "onnxruntime", "PIL", "safetensors", "lazy_loader", "packaging", "google")
ALLOWED += ("flatbuffers", "raresign")
COMMANDS = ("typer", "rich", "click", "shellingham", "pygments", "markdown_it", "mdurl")
COMMANDS += ("typing_extensions", "annotated_doc", "pydantic", "pydantic_core", "annotated_types")
COMMANDS += ("typing_inspection",)
ONLY = """
import json, sys
allowed = {allowed!r}
class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in allowed and top not in sys.stdlib_module_names and not top.startswith("_"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Only())
"""
LIBRARY = (
    ONLY.format(allowed=ALLOWED)
    + """
import raresign
bundle, crop = sys.argv[1:]
print(json.dumps(raresign.load(bundle).answer(crop).as_dict()))
"""
)
COMMAND = (
    ONLY.format(allowed=(*ALLOWED, *COMMANDS))
    + """
from raresign.cli import main
main()
"""
)


@pytest.fixture(scope="module")
def bundle(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the finished run; nobody writes to it."""
    return raresign.export(finished_run, tmp_path_factory.mktemp("bundle") / "tiny.raresign")


@pytest.fixture
def crops() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (9, 3, CROP_SIZE, CROP_SIZE), np.uint8)


@pytest.fixture
def crop(data_folder: Path) -> Path:
    return data_folder / "smalltest" / "0003.png"


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# --- the same answers -----------------------------------------------------------------------------


def test_it_answers_as_the_run(bundle: Path, finished_run: Path, crops: np.ndarray) -> None:
    run, model = raresign.load(finished_run), raresign.load(bundle)
    wanted, said = run.recognise(crops), model.recognise(crops)
    for name in ("probabilities", "logits", "cosines", "levels", "known", "sign", "family"):
        assert np.array_equal(getattr(said, name), getattr(wanted, name)), name
    assert said.families == wanted.families
    assert [vars(one) | {"icons": ()} for one in run.catalogue.classes] == [
        vars(one) for one in model.catalogue.classes
    ]
    assert model.framing == run.framing


def test_files_are_answered_as_by_the_run(
    cli: Cli, bundle: Path, finished_run: Path, data_folder: Path
) -> None:
    folder = data_folder / "smalltest"
    one, other = (cli("predict", model, folder, "--json") for model in (bundle, finished_run))
    assert one.code == other.code == 0
    assert one.out == other.out
    assert "built-in" not in one.err
    assert cli("evaluate", bundle, data_folder, "--json").out == (
        cli("evaluate", finished_run, data_folder, "--json", "--out", bundle.parent / "out").out
    )


def test_photos_and_added_classes_are_folded_in(
    bundle: Path, finished_run: Path, crops: np.ndarray, tmp_path: Path
) -> None:
    run = raresign.load(finished_run)
    rng = np.random.default_rng(1)
    photos, lift = rng.normal(size=(3, 16)).astype(np.float32), rng.normal(size=17)
    head = run.head.with_photos(2, photos, lift.astype(np.float32))
    lifted = replace(run, head=head)
    out, content = tmp_path / "lifted.raresign", Bundle.open(bundle).parts["encoder.onnx"]
    write_archive(out, bundle_parts(lifted, content, "", {}), {})
    wanted, said = lifted.recognise(crops), raresign.load(out).recognise(crops)
    assert np.array_equal(said.probabilities, wanted.probabilities)
    assert np.array_equal(said.known, wanted.known)
    with pytest.raises(InputError, match="export it again"):
        raresign.load(out).head.with_photos(0, photos, None)


def test_the_same_run_is_the_same_bytes(bundle: Path, finished_run: Path, tmp_path: Path) -> None:
    again = raresign.export(finished_run, tmp_path / "again.raresign")
    assert again.read_bytes() == bundle.read_bytes()
    moved = Path(shutil.copytree(finished_run, tmp_path / "moved"))
    third = raresign.export(moved, tmp_path / "third.raresign")
    assert third.read_bytes() == bundle.read_bytes()
    assert str(finished_run).encode() not in bundle.read_bytes()


def test_smaller_ones_answer_alike(cli: Cli, finished_run: Path, tmp_path: Path) -> None:
    run = raresign.load(finished_run)
    pictures = [Image.effect_noise((40, 40), 90).convert("RGB") for _ in range(20)]
    wanted = [one.answers[0].probability for one in run.answer(pictures)]
    sizes = []
    for precision, apart in (("fp32", 0), ("fp16", 0.01), ("int8", 0.15)):
        out = tmp_path / f"{precision}.raresign"
        assert cli("export", finished_run, "--out", out, "--precision", precision).code == 0
        said = [one.answers[0].probability for one in raresign.load(out).answer(pictures)]
        assert np.abs(np.subtract(said, wanted)).max() <= apart
        sizes.append(len(Bundle.open(out).parts["encoder.onnx"]))
    assert sizes[1] < 0.7 * sizes[0]
    assert cli("export", finished_run, "--out", tmp_path / "a.zip").code == 2
    assert cli("export", finished_run, "--out", out, "--precision", "int4").code == 2


def test_it_brings_its_own_finder(bundle: Path, data_folder: Path, tmp_path: Path) -> None:
    """A later version may find signs otherwise; the bundle's crops are framed as it was trained."""
    graph = onnx.load_from_string(own_finder().content)
    graph.metadata_props.add(key="changed", value="in its bytes alone")
    model = raresign.load(bundle)
    other = replace(model, framing="found", finder=Finder(graph.SerializeToString()))
    out, content = tmp_path / "other.raresign", Bundle.open(bundle).parts["encoder.onnx"]
    write_archive(out, bundle_parts(other, content, "", {}), {})
    loaded = raresign.load(out)
    assert loaded.finder is not None
    assert loaded.finder.digest == other.finder.digest != own_finder().digest  # type: ignore[union-attr]
    with pytest.raises(InputError, match="another finder"):
        raresign.evaluate(out, data_folder)
    with pytest.raises(InputError, match="no usable bundle"):
        _rewritten(out, tmp_path, {"finder.onnx": b"no graph"}).recogniser()


def test_what_stands_beside_the_answers(bundle: Path) -> None:
    opened = Bundle.open(bundle)
    icon = opened.icon("2.5")
    assert icon is not None
    with Image.open(io.BytesIO(icon)) as picture:
        assert max(picture.size) == 48
    assert opened.icon("none") is None
    listed = json.loads(opened.parts["catalogue.json"])
    speed = next(row for row in listed["classes"] if row["code"] == "3.24.n60")
    assert (speed["base"], speed["value"]) == ("3.24", "60")
    assert opened.thresholds["conservative"]["probability"] == 0.9
    assert "6 traffic signs" in opened.card
    told = json.loads(opened.parts["preprocessing.json"])
    assert told["encoder"]["shape"] == ["n", 3, CROP_SIZE, CROP_SIZE]
    graph = onnx.load_from_string(opened.parts["encoder.onnx"])
    assert graph.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


def test_a_cautious_model_names_some_of_the_same(bundle: Path, data_folder: Path) -> None:
    model = raresign.load(bundle)
    files = [str(path) for path in sorted((data_folder / "smalltest").iterdir())]
    plain, careful = model.answer(files), model.cautious(0.5).answer(files)
    for one, other in zip(plain, careful, strict=True):
        sure = one.named is not None and one.named.probability >= 0.5
        assert (other.named is not None) == sure
        assert other.level == one.level or one.named is not None


def test_a_patch_brings_a_new_class(finished_run: Path, tmp_path: Path, cli: Cli) -> None:
    """Byte for byte what an export of the changed run is, and a fraction of it."""
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    old = raresign.export(run, tmp_path / "old.raresign")
    drawing = tmp_path / "2.1.svg"
    drawing.write_text(raresign.standard("gost").svg("2.1"), encoding="utf-8")
    raresign.add_class(run, [drawing])
    new = raresign.export(run, tmp_path / "new.raresign")
    patch, made = tmp_path / "a.raresign-patch", tmp_path / "made.raresign"
    assert cli("export", run, "--out", patch, "--patch", old).code == 0
    assert cli("patch", old, patch, "--out", made).code == 0
    assert made.read_bytes() == new.read_bytes()
    assert "2.1" in raresign.load(made).catalogue.codes
    assert patch.stat().st_size < old.stat().st_size / 3
    assert cli("patch", new, patch, "--out", made).code == 0  # it was applied already
    assert made.read_bytes() == new.read_bytes()
    half = raresign.export(run, tmp_path / "half.raresign", precision="fp16")
    for base in (half, patch):
        ended = cli("patch", base, patch, "--out", tmp_path / "b.raresign")
        assert ended.code == 2
        assert "no patch for" in ended.err
    assert "it is a patch" in cli("predict", patch.rename(tmp_path / "p.raresign"), drawing).err
    other = cli("export", "built-in", "--out", patch, "--patch", old)
    assert other.code == 2
    assert "another network" in other.err
    for command in (("add-class", made, drawing), ("remove-class", made, "2.1")):
        ended = cli(*command)
        assert ended.code == 2
        assert "which only answers" in ended.err


def test_a_patch_brings_photos_and_takes_a_class(
    finished_run: Path, tmp_path: Path, cli: Cli
) -> None:
    """Each is what an export of the changed run is, and there and back is where it began."""
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    photo, drawing = tmp_path / "photo.png", tmp_path / "2.1.svg"
    Image.fromarray(simulated_photo("3.24.n60", 7, 0)).save(photo)
    drawing.write_text(raresign.standard("gost").svg("2.1"), encoding="utf-8")
    patch, made = tmp_path / "a.raresign-patch", tmp_path / "made.raresign"

    def patched(base: Path) -> bytes:
        assert cli("export", run, "--out", patch, "--patch", base).code == 0
        assert cli("patch", base, patch, "--out", made).code == 0
        return made.read_bytes()

    plain = raresign.export(run, tmp_path / "plain.raresign")
    raresign.add_photos(run, "3.24.n60", [photo])
    lifted = raresign.export(run, tmp_path / "lifted.raresign")
    assert patched(plain) == lifted.read_bytes() != plain.read_bytes()
    assert [label for label, _ in raresign.load(made).head.lifts] == [
        raresign.load(run).catalogue.label_of("3.24.n60")
    ]
    raresign.remove_photos(run, ["3.24.n60"])
    assert patched(lifted) == plain.read_bytes()
    raresign.add_class(run, [drawing])
    more = raresign.export(run, tmp_path / "more.raresign")
    raresign.remove_class(run, ["2.1"])
    assert patched(more) == plain.read_bytes()
    assert "2.1" not in raresign.load(made).catalogue.codes

    whole, before = patch.read_bytes(), made.read_bytes()
    other = raresign.export(run, tmp_path / "other.raresign", precision="fp16")
    for base, content, why in (
        (more, whole[:-40], "is no usable bundle"),
        (more, plain.read_bytes(), "it is no patch"),
        (other, whole, "is no patch for"),
        (patch, whole, "is no patch for"),
    ):
        given = tmp_path / "given.raresign-patch"
        given.write_bytes(content)
        ended = cli("patch", base, given, "--out", made)
        assert ended.code == 2
        assert why in ended.err
        assert made.read_bytes() == before
    assert cli("patch", more, patch, "--out", tmp_path / "made.zip").code == 2
    for command in (("add-photos", made, "2.5", photo), ("remove-photos", made, "2.5")):
        ended = cli(*command)
        assert ended.code == 2
        assert "which only answers" in ended.err


# --- without torch --------------------------------------------------------------------------------


def test_the_library_needs_four_others(bundle: Path, crop: Path) -> None:
    ended = python(LIBRARY, bundle, crop)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == json.loads(
        json.dumps(raresign.load(bundle).answer(crop).as_dict())
    )
    ended = python(LIBRARY, "built-in", crop)
    assert ended.returncode == 0, ended.stderr


def test_commands_tell_what_to_install(bundle: Path, crop: Path, tmp_path: Path) -> None:
    ended = python(COMMAND, "predict", bundle, crop, "--json")
    assert ended.returncode == 0, ended.stderr
    for wrong in (["train", "gost", "--out", tmp_path / "run"], ["bench", "loss"]):
        ended = python(COMMAND, *wrong)
        assert ended.returncode == 2
        assert 'pip install "raresign[train]"' in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    ended = python(LIBRARY.replace("import raresign\n", "from raresign.cli import main; main()\n"))
    assert ended.returncode == 1
    assert 'pip install "raresign[cli]"' in ended.stderr


# --- wrong files ----------------------------------------------------------------------------------


def _rewritten(bundle: Path, folder: Path, parts: dict[str, bytes]) -> Bundle:
    """A bundle with other parts and checksums that fit: its author may be the attacker."""
    manifest, had = read_archive(bundle)
    facts = {k: v for k, v in manifest.items() if k not in ("format", "schema", "parts")}
    write_archive(folder / "own.raresign", {**had, **parts}, facts)
    return Bundle.open(folder / "own.raresign")


def _zip(path: Path, entries: list[tuple[Any, bytes]], kind: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries:
            file.writestr(name, content, kind)
    return path


def _entries(bundle: Path) -> list[tuple[Any, bytes]]:
    with zipfile.ZipFile(bundle) as file:
        return [(name, file.read(name)) for name in file.namelist()]


def _climbing(bundle: Path, path: Path) -> Path:
    return _zip(path, [*_entries(bundle), ("../evil.json", b"{}")])


def _unlisted(bundle: Path, path: Path) -> Path:
    return _zip(path, [*_entries(bundle), ("more.json", b"{}")])


def _lacking(bundle: Path, path: Path) -> Path:
    return _zip(path, [pair for pair in _entries(bundle) if pair[0] != "card.md"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def _twice(bundle: Path, path: Path) -> Path:
    return _zip(path, [*_entries(bundle), ("card.md", b"another")])


def _pickled(bundle: Path, path: Path) -> Path:
    return _zip(path, [*_entries(bundle), ("head.pkl.exe.1", b"\x80\x04.")])


def _bomb(bundle: Path, path: Path) -> Path:
    """Says that it unpacks to a gigabyte of zeros; refused by the size in its table."""
    entries = [*_entries(bundle), ("zeros.json", b"0" * 4096)]
    data = bytearray(_zip(path, entries, zipfile.ZIP_DEFLATED).read_bytes())
    at = data.rindex(b"zeros.json")  # in the central directory, whose header lies 46 bytes before
    data[at - 46 + 24 : at - 46 + 28] = struct.pack("<I", 1 << 30)
    path.write_bytes(data)
    return path


def _newer(bundle: Path, path: Path) -> Path:
    entries = dict(_entries(bundle))
    told = json.loads(entries[MANIFEST]) | {"schema": archive.SCHEMA + 1}
    return _zip(path, [*(entries | {MANIFEST: json.dumps(told).encode()}).items()])


def _changed(bundle: Path, path: Path) -> Path:
    entries = dict(_entries(bundle))
    thresholds = entries["thresholds.json"].replace(b"0.9", b"0.1")
    return _zip(path, [*(entries | {"thresholds.json": thresholds}).items()])


def _no_zip(bundle: Path, path: Path) -> Path:
    path.write_bytes(b"PK is how a zip begins")
    return path


def _half(bundle: Path, path: Path) -> Path:
    path.write_bytes(bundle.read_bytes()[: bundle.stat().st_size // 2])
    return path


def _deep(bundle: Path, path: Path) -> Path:
    entries = dict(_entries(bundle)) | {MANIFEST: b"[" * 100_000}
    return _zip(path, [*entries.items()])


WRONG = {
    _climbing: "a part called '../evil.json'",
    _unlisted: "more.json is in the zip or in the manifest alone",
    _lacking: "card.md is in the zip or in the manifest alone",
    _twice: "two of its parts are called 'card.md'",
    _pickled: "a part called 'head.pkl.exe.1'",
    _bomb: "it unpacks to 1,0",
    _newer: "made by a newer raresign",
    _changed: "the checksum of thresholds.json does not match",
    _no_zip: "no whole zip file",
    _half: "no whole zip file",
    _deep: "nested too deep",
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__[1:])
def test_a_wrong_file_is_one_clear_message(
    spoil: Callable[[Path, Path], Path], bundle: Path, crop: Path, cli: Cli, tmp_path: Path
) -> None:
    ended = cli("predict", spoil(bundle, tmp_path / "wrong.raresign"), crop)
    assert ended.code == 2
    assert len(ended.err.strip().splitlines()) == 1
    assert WRONG[spoil] in ended.err
    assert ended.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wrong.raresign"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_changed_byte_changes_no_answer(
    data: st.DataObject, bundle: Path, tmp_path: Path, crops: np.ndarray
) -> None:
    content = bytearray(bundle.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    changed = tmp_path / "changed.raresign"
    changed.write_bytes(content)
    try:
        said = raresign.load(changed).recognise(crops)
    except InputError:
        return
    wanted = raresign.load(bundle).recognise(crops)  # the byte was of a date or a comment
    assert np.array_equal(said.probabilities, wanted.probabilities)


HEAD_LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "families": lambda plain: plain["families"].pop(),
    "rule": lambda plain: plain["rule"]["score"].update(scale=[0.0] * 5),
    "fusion": lambda plain: plain["fusion"].update(logit_scale="1"),
    "rare": lambda plain: plain.update(rare="yes"),
}


@pytest.mark.parametrize("lie", HEAD_LIES)
def test_parts_that_lie_are_refused(lie: str, bundle: Path, tmp_path: Path) -> None:
    plain = json.loads(Bundle.open(bundle).parts["head.json"])
    HEAD_LIES[lie](plain)
    wrong = _rewritten(bundle, tmp_path, {"head.json": json.dumps(plain).encode()})
    with pytest.raises(InputError, match="no usable bundle"):
        wrong.recogniser()


def test_a_network_reads_no_other_file(bundle: Path, tmp_path: Path) -> None:
    """ONNX lets a tensor name a file for its values: one of the user's, say."""
    graph = onnx.load_from_string(Bundle.open(bundle).parts["encoder.onnx"])
    weight = graph.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    wrong = _rewritten(bundle, tmp_path, {"encoder.onnx": graph.SerializeToString()})
    with pytest.raises(InputError, match="names another file"):
        wrong.recogniser()
    small = _rewritten(bundle, tmp_path, {"encoder.onnx": b"rubbish"})
    with pytest.raises(InputError, match="no usable bundle"):
        small.recogniser()


def test_another_way_to_prepare_pictures_is_refused(bundle: Path, tmp_path: Path) -> None:
    told = json.loads(Bundle.open(bundle).parts["preprocessing.json"])
    told["resize"]["filter"] = "nearest"
    wrong = _rewritten(bundle, tmp_path, {"preprocessing.json": json.dumps(told).encode()})
    with pytest.raises(InputError, match="does not know"):
        wrong.recogniser()


def test_an_unfinished_run_is_not_exported(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(info | {"finished": False}))
    with pytest.raises(InputError, match="has not ended"):
        raresign.export(run, tmp_path / "a.raresign")
    (run / "run.json").write_text(json.dumps(info))
    (run / "encoder.onnx").unlink()
    with pytest.raises(InputError, match="no ONNX form"):
        raresign.export(run, tmp_path / "a.raresign")
    assert not (tmp_path / "a.raresign").exists()


def test_means_are_those_of_the_whole_index() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 4, 40)  # class 4 has no row
    index = PrototypeIndex(rng.normal(size=(40, 8)), labels, np.zeros(40, np.uint8), 5)
    small = ClassMeans.of(index, labels == 1)
    asked = rng.normal(size=(6, 8))
    assert np.array_equal(small.similarities(asked, "mean"), index.similarities(asked, "mean"))
    assert len(small) == (labels == 1).sum()
    with pytest.raises(InputError, match="no prototypes"):
        small.similarities(asked, "nearest")
    with pytest.raises(InputError, match="no prototypes"):
        small.add(asked, [0] * 6, "icon")


def test_an_encoder_uses_as_many_cores_as_it_is_told(bundle: Path, crops: np.ndarray) -> None:
    content = Bundle.open(bundle).parts["encoder.onnx"]
    one, two = (OnnxEncoder(content, threads=number).embed(crops) for number in (1, 2))
    assert np.allclose(one, two, atol=1e-5)
