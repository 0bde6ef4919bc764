"""The built-in model: in the package, whole, without torch; as a run, as weights, as answers."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

import raresign
from conftest import Ended
from raresign.errors import InputError
from raresign.models import built_in_files
from raresign.models.built_in_files import ENCODER, FACTS, MOST_BYTES, PARTS, facts, part
from raresign.models.built_in_weights import encoder_state
from raresign.models.pretrained import load_weights
from raresign.signs.countries.registry import standard
from raresign.training.recipe import load_recipe
from test_run_folder import FORBIDDEN

Cli = Callable[..., Ended]
SHIPPED = built_in_files.FOLDER
ROOT = Path(raresign.__file__).parents[2]
LINE = "built-in model: 205 Russian signs, trained from drawings without one photograph of a sign"
SCRIPT = f"""
import json, sys
class Never:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {(*FORBIDDEN, "onnx", "scipy", "sklearn", "matplotlib")!r}:
            raise ImportError(name + " is forbidden here")
sys.meta_path.insert(0, Never())
from raresign.cli import main
main()
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the built-in model's files to spoil, in the place of the package's."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "built_in"))
    monkeypatch.setattr(built_in_files, "FOLDER", folder)
    return folder


@pytest.fixture
def crop(data_folder: Path) -> Path:
    return data_folder / "smalltest" / "0003.png"


def test_no_placeholder_is_shipped() -> None:
    recipe = facts()["run"]["settings"]["recipe"]
    assert recipe["name"] == "built-in"
    (told,), (now,) = recipe["stages"], load_recipe("built-in").stages
    assert told.items() <= now.model_dump(mode="json").items()  # settings may have come since


def test_it_is_in_the_package_and_small() -> None:
    files = sorted(path.name for path in SHIPPED.iterdir())
    assert files == sorted((FACTS, *PARTS))
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= MOST_BYTES == 8_000_000
    known = facts()
    for name in PARTS:
        content = (SHIPPED / name).read_bytes()
        assert known["files"][name] == hashlib.sha256(content).hexdigest()
    assert len(known["commit"]) == 40
    assert known["licence"] == "Apache-2.0"
    assert not any(stage["real"] for stage in known["run"]["settings"]["recipe"]["stages"])
    assert known["run"]["settings"]["data"] == "gost"


def test_the_wheel_takes_its_files() -> None:
    """By the patterns of pyproject.toml; where only an installed package is, there is none."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("raresign = ["))
    package = ROOT / "src" / "raresign"
    taken = {path for glob in json.loads(line.partition("=")[2]) for path in package.glob(glob)}
    assert {SHIPPED / name for name in (FACTS, *PARTS)} <= taken


def test_it_knows_all_signs_that_we_draw() -> None:
    model = raresign.load()
    assert set(model.catalogue.codes) == set(standard("gost").classes)
    assert all(sign.name and sign.family for sign in model.catalogue.classes)
    assert model.encoder.crop_size == facts()["crop_size"]
    assert not model.head.rare.all() or all(model.head.rare)


def test_a_picture_alone_is_answered_without_torch(crop: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, "predict", str(crop), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.strip() == LINE
    told = json.loads(ended.stdout)
    assert told == json.loads(json.dumps(raresign.load().answer(crop, 3).as_dict()))
    assert told["answers"][0]["code"] in standard("gost").classes


def test_what_predict_takes_for_a_run(
    cli: Cli, crop: Path, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def codes(*given: object) -> int:
        """How many files are answered."""
        ended = cli("predict", *given, "--json")
        assert ended.code == 0, ended
        return len(ended.out.splitlines())

    assert codes(crop) == 1
    assert codes(crop, crop) == 2
    assert codes(crop.parent) == len(list(crop.parent.iterdir()))
    assert codes(crop.parent, crop) == len(list(crop.parent.iterdir())) + 1
    assert codes("built-in", crop) == 1
    assert LINE not in cli("predict", finished_run, crop).err
    assert cli("predict", finished_run).code == 2
    assert cli("predict", "built-in").code == 2
    mistyped = cli("predict", tmp_path / "rnu", crop)
    assert mistyped.code == 2
    assert "there is no such run folder" in mistyped.err
    unfinished = Path(shutil.copytree(finished_run, tmp_path / "lost"))  # it holds pictures
    (unfinished / "run.json").unlink()
    assert "run.json" in cli("predict", unfinished, crop).err
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished_run, tmp_path / "built-in")  # a folder of that name comes first
    assert LINE not in cli("predict", "built-in", crop).err


@pytest.mark.parametrize("name", PARTS)
def test_damage_is_told(name: str, own: Path, cli: Cli, crop: Path) -> None:
    content = bytearray((own / name).read_bytes())
    content[len(content) // 2] ^= 1
    (own / name).write_bytes(content)
    with pytest.raises(InputError, match="built-in model is damaged"):
        raresign.load()
    assert cli("predict", crop).code == 2
    (own / name).unlink()
    with pytest.raises(InputError, match="built-in model is damaged"):
        raresign.load()


@pytest.mark.parametrize(
    "change", [{"schema": 99}, {"files": {}}, {"files": None}, {"net": 3}, {"run": None}]
)
def test_damaged_facts_are_told(change: dict[str, object], own: Path) -> None:
    (own / FACTS).write_text(json.dumps({**facts(), **change}), encoding="utf-8")
    with pytest.raises(InputError, match="built-in model is damaged"):
        raresign.load()
    (own / FACTS).write_text("[", encoding="utf-8")
    with pytest.raises(InputError, match="built-in model is damaged"):
        raresign.load()


def test_it_is_measured_on_data_of_fewer_classes(
    cli: Cli, data_folder: Path, tmp_path: Path
) -> None:
    before = sorted(SHIPPED.iterdir())
    ended = cli("evaluate", "built-in", data_folder, "--json")
    assert ended.code == 0, ended
    assert "answered by name: " in ended.err
    metrics = json.loads(ended.out)
    assert len(metrics["per_class"]) == 205
    assert sorted(SHIPPED.iterdir()) == before
    kept = cli("evaluate", "built-in", data_folder, "--out", tmp_path / "figures", "--json")
    assert json.loads(kept.out) == metrics
    found = raresign.load_predictions(tmp_path / "figures")
    assert found.probabilities.shape == (12, 205)
    said = raresign.load().answer(sorted((data_folder / "smalltest").iterdir()))
    assert [found.codes[label] for label in found.predicted] == [
        one.answers[0].code for one in said
    ]


def test_a_run_of_it_answers_alike_and_takes_signs(cli: Cli, crop: Path, tmp_path: Path) -> None:
    icon = tmp_path / "new.svg"
    icon.write_text(standard("gost").svg("3.13.r2.9"), encoding="utf-8")
    refused = cli("add-class", "built-in", icon)
    assert refused.code == 2
    assert "raresign start" in refused.err
    run = tmp_path / "run"
    assert cli("start", run).code == 0
    assert cli("start", run).code == 2  # it is there
    crops = sorted(crop.parent.iterdir())
    one, other = raresign.load(), raresign.load(run)
    for mine, theirs in zip(one.answer(crops), other.answer(crops), strict=True):
        assert mine.as_dict() == theirs.as_dict()
    folder = raresign.RunFolder.open(run)
    folder.check_finished()
    embedding = folder.model()(torch.rand(3, 3, *2 * [one.encoder.crop_size])).embedding
    assert embedding.shape == (3, one.head.rows.shape[1])
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, *2 * [one.encoder.crop_size]))
    with torch.no_grad():
        again = folder.model()(torch.from_numpy(pixels).float() / 255).embedding.numpy()
    said = one.encoder.embed(pixels.astype(np.uint8))
    np.testing.assert_allclose(said, again, atol=1e-3 * np.abs(again).max())
    (added,) = raresign.add_class(run, [icon], ["3.13.r2.9"])
    assert added.family == "red ring"
    assert raresign.load(run).catalogue.codes[-1] == "3.13.r2.9"
    assert len(raresign.load().catalogue) == 205


def test_its_backbone_starts_a_training(cli: Cli, data_folder: Path, tmp_path: Path) -> None:
    known = facts()
    name = known["net"]["backbone"]
    backbone = timm.create_model(name, num_classes=0)
    record = load_weights(backbone, name, "built-in")
    assert (record.source, record.sha256) == ("built-in", known["files"][ENCODER])
    assert record.mean == tuple(known["net"]["mean"])
    state = encoder_state(part(ENCODER, known))
    own = {key: value for key, value in backbone.state_dict().items() if "num_batches" not in key}
    assert all(torch.equal(value, state[f"backbone.{key}"]) for key, value in own.items())
    other = timm.create_model("resnet18", num_classes=0)
    with pytest.raises(InputError, match="backbone is"):
        load_weights(other, "resnet18", "built-in")
    stage = {"kind": "mixed", "steps": 1, "real": 4, "synthetic": 4, "validate_every": 1}
    size = known["crop_size"]
    recipe = {"name": "tiny", "backbone": name, "crop_size": size, "stages": [stage]}
    load_recipe(recipe)
    file = tmp_path / "tiny.yaml"
    file.write_text(json.dumps(recipe), encoding="utf-8")
    run = tmp_path / "run"
    ended = cli("train", data_folder, "--out", run, "--recipe", file, "--start", "built-in")
    assert ended.code == 0, ended
    assert raresign.RunFolder.open(run).info["weights"]["source"] == "built-in"
