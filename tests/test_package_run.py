"""Making the built-in model: what may be built in, and what float16 and fewer prototypes keep."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import raresign
from raresign.answers.fusion import Fusion
from raresign.answers.head import Head
from raresign.answers.prototypes import PrototypeIndex
from raresign.errors import InputError
from raresign.lab.built_in.half_encoder import half_encoder
from raresign.lab.built_in.package_run import package_run
from raresign.lab.built_in.thin_index import thinned
from raresign.models import built_in_files
from raresign.models.built_in_weights import encoder_state
from raresign.models.outputs import TorchEncoder
from raresign.models.sign_net import SignNet
from raresign.runtime.onnx_encoder import OnnxEncoder


def test_the_half_encoder_holds_the_net(new_net: Callable[[], SignNet]) -> None:
    net = new_net()
    for part in net.modules():  # statistics that folding would lose, and float16 would change
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.normal_(0, 1e-3)
            part.running_var.uniform_(1e-6, 1e5)
    net.eval()
    content = half_encoder(net)
    single = sum(v.numel() for k, v in net.state_dict().items() if "classifier" not in k) * 4
    assert len(content) < 0.75 * single
    found, own = encoder_state(content), net.state_dict()
    lost = {key for key in own if key not in found}
    assert {key for key in lost if "num_batches" not in key} == {
        "classifier.weight",
        "classifier.bias",
    }
    for key, value in found.items():
        scale = key in ("mean", "std")
        halved = own[key] if value.ndim == 1 or scale else own[key].half().float()
        assert torch.equal(value, halved), key
    net.load_state_dict({**own, **found})
    crops = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), np.uint8)
    wanted = TorchEncoder(net).embed(crops)
    said = OnnxEncoder(content).embed(crops)
    np.testing.assert_allclose(said, wanted, atol=1e-4 * np.abs(wanted).max())


def test_weights_too_large_for_float16_are_refused(new_net: Callable[[], SignNet]) -> None:
    net = new_net().eval()
    with torch.no_grad():
        net.embed.weight[0, 0] = 1e5
    with pytest.raises(InputError, match="float16"):
        half_encoder(net)


def test_chosen_prototypes_keep_the_class_means() -> None:
    random = np.random.default_rng(3)
    labels = np.array([0] * 33 + [2] * 4 + [3] * 33)  # class 1 has none
    rows = random.normal(1, 1, (len(labels), 16)) + labels[:, None]
    index = PrototypeIndex(rows, labels, random.integers(0, 2, len(labels)), 4)
    rare = np.zeros(4, bool)
    lengths = np.arange(len(labels), dtype=np.float32)
    families = ("a", "b", "c", "d")
    head = Head(np.eye(4, 16), np.zeros(4), families, rare, index, lengths, Fusion())
    thin = thinned(head, 6)
    assert np.bincount(thin.index.labels, minlength=4).tolist() == [6, 0, 4, 6]
    places = thin.lengths.astype(int)  # each kept row is one of those given, with what it had
    np.testing.assert_allclose(thin.index.embeddings, index.embeddings[places], atol=1e-6)
    assert (thin.index.labels == labels[places]).all()
    assert (thin.index.sources == index.sources[places]).all()
    firsts = np.concatenate([np.flatnonzero(labels == label)[:6] for label in (0, 2, 3)])
    plain = PrototypeIndex(
        index.embeddings[firsts], labels[firsts], index.sources[firsts], 4
    ).class_means
    for label in (0, 3):
        near = thin.index.class_means[label] @ index.class_means[label]
        assert near > max(0.99, plain[label] @ index.class_means[label])
    for label in (0, 2, 3):  # with one row, none is nearer to the mean than the one taken
        own = index.embeddings[labels == label]
        apart = np.square(own - own.mean(0)).sum(1)
        only = thinned(head, 1)
        kept = only.index.embeddings[only.index.labels == label]
        assert np.square(kept - own.mean(0)).sum() == pytest.approx(apart.min(), rel=1e-5)


def test_only_a_run_of_drawings_is_built_in(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "built_in"
    monkeypatch.setattr(built_in_files, "FOLDER", empty)
    with pytest.raises(InputError, match="cannot be built in: it was trained on"):
        package_run(finished_run, "c" * 40)
    assert not empty.exists()


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("crops", "/photos", "trained on /photos"),
        ("icons", "/icons", "not our drawings"),
        ("weights", "hub:timm/some", "licence"),
        ("preset", "mine.yaml", "preset is a file"),
        ("photos", "", "photos were added"),
    ],
)
def test_what_the_shipped_model_must_not_have_seen(
    key: str, value: str, reason: str, started: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(started, tmp_path / "run"))
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    match key:
        case "weights":
            info["weights"]["source"] = value
        case "preset":
            info["settings"]["recipe"]["stages"][0]["preset"] = value
            (run / value).write_text("name: mine\n", encoding="utf-8")
        case "photos":
            (run / "photos").mkdir()
        case _:
            info["settings"][key] = value
    (run / "run.json").write_text(json.dumps(info), encoding="utf-8")
    with pytest.raises(InputError, match=reason):
        package_run(run, "c" * 40)


def test_what_was_built_in_is_built_in_again(
    started: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a run folder and back: the same weights, head and signs, byte for byte."""
    shipped = built_in_files.facts()
    monkeypatch.setattr(built_in_files, "FOLDER", tmp_path / "built_in")
    size, parity = package_run(started, "c" * 40, each=1)
    files = list((tmp_path / "built_in").iterdir())
    assert size == pytest.approx(sum(file.stat().st_size for file in files), rel=1e-3)
    again = built_in_files.facts()
    assert again["commit"] == "c" * 40
    assert again["files"] == shipped["files"]
    assert parity.equal_answers == parity.equal_classes == 1
    assert parity.crops == 205
    monkeypatch.setattr(built_in_files, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="more than 1,000"):
        package_run(started, "d" * 40, each=1)
    assert built_in_files.facts()["commit"] == "c" * 40


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model as a run; nobody writes to it."""
    return raresign.start_run(tmp_path_factory.mktemp("runs") / "started")
