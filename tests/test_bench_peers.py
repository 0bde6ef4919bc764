"""The benchmark's peers do the work they are timed for; one that is missing is said, not fatal."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import sys
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor

from raresign.cli.speed_table import synth_table
from raresign.lab.bench import synth
from raresign.lab.bench.material import BenchMaterial
from raresign.lab.bench.measure import median_seconds, peak_growth_mb
from raresign.lab.bench.peers.albumentations import AlbumentationsChain
from raresign.lab.bench.peers.chain import MissingLibraryError, load_library, to_training
from raresign.lab.bench.peers.inputs import PeerInputs
from raresign.lab.bench.peers.kornia import KorniaChain
from raresign.lab.bench.peers.pool import AllCores
from raresign.lab.bench.peers.published import PublishedFiles, PublishedInMemory
from raresign.lab.bench.peers.strengths import Shares
from raresign.lab.bench.peers.torchvision import TorchvisionChain
from raresign.synthesis.preset import RoadPreset

ALWAYS = Shares(haze=1.0, gradient=1.0, motion=1.0, jpeg=1.0)
CHAINS = {
    "kornia": KorniaChain,
    "torchvision": TorchvisionChain,
    "albumentations": AlbumentationsChain,
    "published": lambda inputs, shares: PublishedInMemory(inputs),
}


@pytest.fixture(scope="module")
def material() -> BenchMaterial:
    return BenchMaterial.load(None, 64)


@pytest.fixture(scope="module")
def inputs(material: BenchMaterial) -> PeerInputs:
    return PeerInputs.from_material(material)


@pytest.fixture(scope="module", params=CHAINS)
def chain(request, inputs):
    """A chain whose every step happens to every crop; skipped where its library is missing."""
    try:
        return CHAINS[request.param](inputs, ALWAYS)
    except MissingLibraryError as error:
        pytest.skip(str(error))


def crops_of(chain, first: int, count: int) -> Tensor:
    """What a run of the benchmark ends with."""
    if isinstance(chain, KorniaChain):
        return chain.crops(first, count)
    return to_training([chain.make(first, count)])


def test_a_chain_ends_with_what_training_takes(chain):
    crops = crops_of(chain, 5, 7)
    assert crops.shape == (7, 3, 64, 64)
    assert crops.dtype == torch.float32
    assert crops.is_contiguous()
    assert crops.isfinite().all()
    assert crops.min() >= 0
    assert 0.5 < crops.max() <= 1


def test_equal_numbers_give_equal_crops_and_others_other_ones(chain, inputs):
    classes = len(inputs.icons)
    first = crops_of(chain, 0, 4)
    assert torch.equal(first, crops_of(chain, 0, 4))
    again = crops_of(chain, classes, 4)  # the same classes
    assert ((first - again).abs().mean((1, 2, 3)) > 0.01).all()


def test_every_crop_draws_its_own_parameters(chain, inputs, monkeypatch):
    monkeypatch.setattr(type(inputs), "label", lambda self, number: 0)
    if isinstance(chain, KorniaChain):
        monkeypatch.setattr(chain, "_icons", chain._icons[:1])
    crops = crops_of(chain, 0, 6)
    for one in range(6):
        for other in range(one):
            assert (crops[one] - crops[other]).abs().mean() > 0.01, (one, other)


def test_a_crop_shows_its_own_sign(chain, inputs):
    count = min(24, len(inputs.icons))
    # Of eight crops a class the mean: single ones may be dark, blurred or before a busy photo.
    shown = torch.stack([crops_of(chain, k * len(inputs.icons), count) for k in range(8)]).mean(0)
    icons = torch.from_numpy(inputs.icons[:count]).permute(0, 3, 1, 2).float() / 255
    own, others = [], []
    for label, icon in enumerate(icons):
        plate = icon[3] > 0.5
        seen = torch.cat([icon[None, :3], shown])[:, :, plate].flatten(1)
        alike = torch.corrcoef(seen)[0, 1:]  # the icon's detail and every class's crops
        own.append(alike[label])
        others.append((alike.sum() - alike[label]) / (count - 1))
    assert sum(own) / count > 0.2
    assert sum(own) / count > 2 * sum(others) / count
    # The first classes are warning triangles, alike but for the middle.
    assert sum(a > b for a, b in zip(own, others, strict=True)) > 0.8 * count


def test_the_callers_random_numbers_are_left_alone(chain):
    before = torch.get_rng_state()
    crops_of(chain, 3, 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_steps_happen_as_often_as_in_our_preset():
    preset = RoadPreset(motion_blur={"probability": 0.25}, haze={"probability": 0.75})
    shares = Shares.of(preset)
    assert (shares.motion, shares.haze) == (0.25, 0.75)
    assert shares.jpeg == preset.jpeg.probability
    assert shares.gradient == preset.light_gradient.probability


def test_the_published_generator_writes_readable_files(inputs):
    files = PublishedFiles(inputs).make(0, 3)
    sides = [Image.open(io.BytesIO(file)).size for file in files]
    assert len(sides) == 3
    assert all(16 <= side < 250 for size in sides for side in size)


def test_photos_of_any_size_are_cut_to_one():
    sizes = [(300, 200), (65, 500), (40, 30), (64, 64)]  # high, wide; two need enlarging
    photos = [np.full((*size, 3), 9, np.uint8) for size in sizes]
    inputs = PeerInputs.from_pictures([np.zeros((128, 128, 4), np.uint8)], photos, 64)
    assert inputs.photos.shape == (4, 64, 64, 3)
    assert (inputs.photos == 9).all()
    assert inputs.scene(np.random.default_rng(0)).shape == (64, 64, 3)


class Worker:
    """A chain that tells where it runs."""

    about = "test"

    def make(self, first: int, count: int) -> list[int]:
        if first < 0:
            raise ValueError("a chain that fails")
        return [first, count, torch.get_num_threads(), os.getpid()]


def test_all_cores_share_the_work_each_on_one_thread(inputs):
    published = partial(PublishedInMemory, inputs)
    with AllCores({"worker": Worker, "published": published}) as cores:
        parts = cores.make("worker", 10, 6 * cores.workers)
        pictures = cores.make("published", 0, 4 * cores.workers)
        with pytest.raises(ValueError, match="a chain that fails"):
            cores.make("worker", -100, 10)
    assert [part[0] for part in parts] == list(range(10, 10 + 6 * cores.workers, 3))
    assert {part[1] for part in parts} == {3}
    assert {part[2] for part in parts} == {1}
    assert os.getpid() not in {part[3] for part in parts}
    alone = [published().make(2 * k, 2) for k in range(2 * cores.workers)]
    np.testing.assert_array_equal(np.concatenate(pictures), np.concatenate(alone))


@pytest.mark.parametrize(
    ("build", "module", "said"),
    [
        (KorniaChain, "kornia.augmentation", "not installed: pip install kornia==0.9.0"),
        (AlbumentationsChain, "albumentations", "not installed: pip install albumentations==2.0.8"),
        (AlbumentationsChain, "cv2", "not installed: pip install albumentations==2.0.8"),
        (TorchvisionChain, "torchvision.transforms.v2", "not installed: pip install torchvision"),
    ],
)
def test_a_missing_library_says_how_to_install_it(build, module, said, inputs, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not there
    with pytest.raises(MissingLibraryError, match=said):
        build(inputs, Shares())


def test_a_broken_library_says_what_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "broken_peer.py").write_text('raise ImportError("libGL.so.1: cannot open")')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingLibraryError, match="cannot be imported: libGL"):
        load_library("broken_peer", "broken-peer")


@pytest.fixture
def short(monkeypatch, material):
    """The benchmark with a few crops in each run, and one run of each."""
    full = synth._peers

    def few(*arguments):
        peers = full(*arguments).items()
        return {name: dataclasses.replace(peer, crops=4) for name, peer in peers}

    monkeypatch.setattr(synth, "_peers", few)
    monkeypatch.setattr(synth, "BLOCK", 4)
    monkeypatch.setattr(synth, "GPU_BLOCK", 4)
    monkeypatch.setattr(KorniaChain, "batch", 4)
    once = partial(median_seconds, warmup=0)
    monkeypatch.setattr(synth, "median_seconds", lambda parts, runs: once(parts, 1))
    monkeypatch.setattr(BenchMaterial, "load", lambda data, size: material)


NAMES = ("published_generator", "published_in_memory", "torchvision", "albumentations")


def test_every_contestant_has_its_figures(short, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    figures = synth.bench_synth(True, None)
    speed = figures["synth.crops_per_second"]
    rivals = [name + cores for name in NAMES for cores in ("", "_all_cores")] + ["kornia"]
    for name in rivals:
        if figures.get(f"synth.{name}", "not").startswith("not"):
            continue
        own = figures[f"synth.{name}_crops_per_second"]
        slowest = figures[f"synth.{name}_crops_per_second_slowest"]
        assert 0 < slowest <= own <= figures[f"synth.{name}_crops_per_second_fastest"]
        key = "synth.ratio" if name == "published_generator" else f"synth.ratio_{name}"
        assert figures[key] == pytest.approx(speed / own)
    assert figures["synth.reference_preset_ratio"] == pytest.approx(
        figures["synth.reference_preset_crops_per_second"]
        / figures["synth.published_generator_crops_per_second"]
    )
    assert figures["synth.gpu"] == "skipped: no CUDA device"
    assert "1 thread" in figures["synth.published_generator"]
    assert "process" in figures["synth.torchvision_all_cores"]
    if sys.platform == "linux":
        assert figures["synth.peak_memory_mb"] > 0
        assert figures["synth.peak_memory_one_block_mb"] > 0
    json.dumps(figures)


def test_missing_peers_do_not_stop_the_benchmark(short, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for module in ("kornia.augmentation", "albumentations"):
        monkeypatch.setitem(sys.modules, module, None)
    figures = synth.bench_synth(True, None)
    for name in ("kornia", "albumentations"):
        assert figures[f"synth.{name}"].startswith(f"not installed: pip install {name}==")
        assert f"synth.{name}_crops_per_second" not in figures
        assert f"synth.ratio_{name}" not in figures
    assert figures["synth.ratio"] > 0

    table, rest = synth_table(figures)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text  # nothing cut off
    for word in ("road", "kornia", "not installed", "torchvision", "all cores", "skipped"):
        assert word in text
    assert not [key for key in rest if "slowest" in key or "ratio_" in key]
    assert rest["synth.ratio"] == figures["synth.ratio"]


def test_a_gpu_has_rows_of_its_own(short, material, inputs, monkeypatch):
    """The arithmetic of the rows, with the CPU standing in for the device."""
    waits = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 2**20)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 4 * 2**20)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waits.append(1))
    cpu = {"synth.published_generator_crops_per_second": 2.0}
    figures = synth._gpu(material, inputs, Shares(), 1, cpu, device="cpu")
    speed = figures["synth.gpu_crops_per_second"]
    assert figures["synth.gpu_ratio"] == pytest.approx(speed / 2)
    assert figures["synth.gpu_peak_memory_mb"] == 3
    assert figures["synth.gpu"] == "a GPU, 4 a call"
    assert len(waits) >= 9  # after every call, also in the run that memory is read from
    if "synth.ratio_kornia_gpu" in figures:
        rival = figures["synth.kornia_gpu_crops_per_second"]
        assert figures["synth.ratio_kornia_gpu"] == pytest.approx(speed / rival)


def test_a_failing_chain_gives_the_threads_back(inputs):
    class Fails:
        about = "test"

        def make(self, first: int, count: int) -> None:
            assert torch.get_num_threads() == 1
            raise ValueError("a chain that fails")

    torch.set_num_threads(2)
    try:
        peer = synth._Peer(Fails, 4)
        with AllCores({}) as cores:
            contestants = synth._one_and_all("fails", Fails(), peer, 1, cores)
        with pytest.raises(ValueError, match="a chain that fails"):
            contestants["fails"].run(0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a peak that can be reset")
def test_peak_memory_is_that_of_the_work_alone():
    def work() -> None:
        np.ones(100 * 2**20, np.uint8)

    np.ones(400 * 2**20, np.uint8)  # an earlier, higher peak
    assert peak_growth_mb(work) == pytest.approx(100, abs=20)
    assert peak_growth_mb(work) == pytest.approx(100, abs=20)
    assert peak_growth_mb(lambda: None) < 10


def test_memory_is_left_out_where_the_system_has_no_peak(tmp_path, monkeypatch):
    monkeypatch.setattr("raresign.lab.bench.measure._CLEAR", tmp_path / "none" / "clear_refs")
    assert peak_growth_mb(lambda: None) is None
