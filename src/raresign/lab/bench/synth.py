"""Crops a second of our presets beside the published generator and chains in other libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, cast

import torch

from raresign.lab.bench.material import BenchMaterial
from raresign.lab.bench.measure import median_seconds, peak_growth_mb
from raresign.lab.bench.peers.albumentations import AlbumentationsChain
from raresign.lab.bench.peers.chain import Chain, MissingLibraryError, to_training
from raresign.lab.bench.peers.inputs import PeerInputs
from raresign.lab.bench.peers.kornia import KorniaChain
from raresign.lab.bench.peers.pool import AllCores
from raresign.lab.bench.peers.published import PublishedFiles, PublishedInMemory
from raresign.lab.bench.peers.strengths import Shares
from raresign.lab.bench.peers.torchvision import TorchvisionChain
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import SyntheticBatch
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import RoadPreset, load_preset
from raresign.synthesis.synthesiser import build_synthesiser

BLOCK = 2048
"""Crops a call that our presets are meant to be rendered with on a CPU, as training does."""
GPU_BLOCK = 4096
_SIZE = 64
_PRESETS = {"road": "road", "reference_preset": "reference"}  # name among the figures: preset


@dataclass(frozen=True)
class _Contestant:
    """One way to make crops: what it is, how many a run makes, and the run from crop `first` on."""

    about: str
    crops: int
    run: Callable[[int], object]


@dataclass(frozen=True)
class _Peer:
    """A chain to be made here and in every process, its crops a run, what ends a run."""

    build: Callable[[], Chain]
    crops: int  # about 0.1 s on one thread
    finish: Callable[[list[Any]], object] = to_training


def bench_synth(quick: bool, data: Path | None) -> dict[str, Any]:
    """Time the presets `road` and `reference` and their peers: same icons, photos and size.

    Loading, imports and the start of processes are not timed. All end with the (N, 3, 64, 64)
    float32 tensor that training takes, but for the published generator, which ends with PNG files
    in memory. What each peer's chain holds and lacks stands in its module in `peers`.

    Args:
        quick: 3 short rounds instead of 9 longer ones.
        data: Data folder; drawn signs and procedural backgrounds otherwise.

    Returns:
        By contestant NAME: `synth.NAME` (what it is, or why it did not run),
        `synth.NAME_crops_per_second`, also with `_slowest` and `_fastest`, and `synth.ratio_NAME`,
        how many times faster `road` is; `road` has no NAME in its speeds, and `synth.ratio` is over
        the published generator on one thread. Rows on a GPU end in `gpu`; they are compared with
        `road` on the GPU. `synth.NAME_peak_memory_mb` is how far resident memory rises above its
        level in a run of several calls, `synth.peak_memory_one_block_mb` in one call of `road`.
    """
    rounds, length = (3, 1) if quick else (9, 2)
    material = BenchMaterial.load(data, _SIZE)
    inputs = PeerInputs.from_material(material)
    classes = len(material.catalogue)
    shares = Shares.of(cast(RoadPreset, load_preset("road")))
    threads = _counted(torch.get_num_threads(), "thread")
    renders = {
        name: _rendering(preset, classes, material.icons, material.backgrounds)
        for name, preset in _PRESETS.items()
    }
    contestants = {
        name: _in_calls(f"{threads}, {BLOCK} a call", render, BLOCK, length)
        for name, render in renders.items()
    }
    missing: dict[str, str] = {}
    try:
        kornia = KorniaChain(inputs, shares)
    except MissingLibraryError as error:
        missing["kornia"] = str(error)
    else:
        about = f"{kornia.about}, {threads}, {kornia.batch} a call"
        contestants["kornia"] = _in_calls(about, kornia.crops, kornia.batch, 2 * length)
    memory = _memory(contestants, renders["road"])

    peers = _peers(inputs, shares)
    chains: dict[str, Chain] = {}
    for name, peer in peers.items():
        try:
            chains[name] = peer.build()
        except MissingLibraryError as error:
            missing[name] = str(error)
    with AllCores({name: peers[name].build for name in chains}) as cores:
        for name, chain in chains.items():
            contestants |= _one_and_all(name, chain, peers[name], length, cores)
        figures = _speeds(contestants, rounds)
    figures |= {f"synth.{name}": reason for name, reason in missing.items()}
    for name in contestants:
        if name not in (*_PRESETS, "published_generator"):
            figures[f"synth.ratio_{name}"] = _ratio(figures, "road", name)
    figures["synth.ratio"] = _ratio(figures, "road", "published_generator")
    key = "synth.reference_preset_ratio"
    figures[key] = _ratio(figures, "reference_preset", "published_generator")
    made = renders["road"](0, BLOCK)
    figures["synth.refused_share"] = made.refused / made.drawn
    return figures | memory | _gpu(material, inputs, shares, rounds, figures)


def _counted(count: int, what: str) -> str:
    plural = "es" if what.endswith("s") else "s"
    return f"{count} {what}{plural if count > 1 else ''}"


def _rendering(
    preset: str, classes: int, icons: IconAtlas, backgrounds: BackgroundAtlas, device: str = "cpu"
) -> Callable[[int, int], SyntheticBatch]:
    """A preset of ours as it is called for the crops from `first` on, all classes in turn."""
    engine = build_synthesiser(load_preset(preset), icons, backgrounds, 0)

    def crops(first: int, block: int) -> SyntheticBatch:
        numbers = torch.arange(first, first + block, device=device)
        return engine.render(numbers % classes, numbers)

    return crops


def _in_calls(
    about: str, crops: Callable[[int, int], object], block: int, calls: int
) -> _Contestant:
    """A contestant that makes whole batches: some calls are a run."""

    def run(first: int) -> None:
        for k in range(calls):
            crops(first + k * block, block)

    return _Contestant(about, calls * block, run)


def _peers(inputs: PeerInputs, shares: Shares) -> dict[str, _Peer]:
    """The chains that make crop after crop."""
    return {
        "published_generator": _Peer(partial(PublishedFiles, inputs), 16, list),
        "published_in_memory": _Peer(partial(PublishedInMemory, inputs), 32),
        "torchvision": _Peer(partial(TorchvisionChain, inputs, shares), 48),
        "albumentations": _Peer(partial(AlbumentationsChain, inputs, shares), 128),
    }


def _one_and_all(
    name: str, chain: Chain, peer: _Peer, length: int, cores: AllCores
) -> dict[str, _Contestant]:
    """A chain on one thread, and with as many crops a core on all cores."""
    few = peer.crops * length
    many = few * cores.workers

    def one(first: int) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            peer.finish([chain.make(first, few)])
        finally:
            torch.set_num_threads(threads)

    def all_cores(first: int) -> None:
        peer.finish(cores.make(name, first, many))

    return {
        name: _Contestant(f"{chain.about}, 1 thread", few, one),
        f"{name}_all_cores": _Contestant(_counted(cores.workers, "process"), many, all_cores),
    }


def _speeds(contestants: Mapping[str, _Contestant], rounds: int) -> dict[str, Any]:
    """Time contestants side by side: what each is, and its crops a second."""

    def numbered(contestant: _Contestant) -> Callable[[], object]:
        firsts = count(0, contestant.crops)  # other crops in every round
        return lambda: contestant.run(next(firsts))

    times = median_seconds({name: numbered(each) for name, each in contestants.items()}, rounds)
    figures: dict[str, Any] = {}
    for name, (median, fastest, slowest) in times.items():
        crops, key = contestants[name].crops, _speed_key(name)
        figures[f"synth.{name}"] = contestants[name].about
        figures[key] = crops / median
        figures[f"{key}_slowest"] = crops / slowest
        figures[f"{key}_fastest"] = crops / fastest
    return figures


def _speed_key(name: str) -> str:
    return "synth.crops_per_second" if name == "road" else f"synth.{name}_crops_per_second"


def _ratio(figures: Mapping[str, Any], name: str, other: str) -> float:
    """How many times faster `name` is than `other`."""
    return float(figures[_speed_key(name)] / figures[_speed_key(other)])


def _memory(
    contestants: Mapping[str, _Contestant], road: Callable[[int, int], object]
) -> dict[str, float]:
    """Peak memory of what makes whole batches in this process, after a run that warms it up."""
    peaks = {}
    for name, contestant in contestants.items():
        contestant.run(0)
        prefix = "" if name == "road" else f"{name}_"
        peaks[f"synth.{prefix}peak_memory_mb"] = peak_growth_mb(partial(contestant.run, 0))
    peaks["synth.peak_memory_one_block_mb"] = peak_growth_mb(partial(road, 0, BLOCK))
    return {key: peak for key, peak in peaks.items() if peak is not None}


def _gpu(
    material: BenchMaterial,
    inputs: PeerInputs,
    shares: Shares,
    rounds: int,
    cpu: Mapping[str, Any],
    device: str = "cuda",
) -> dict[str, Any]:
    """The batched contestants on the first CUDA device; a call waits until it has finished."""
    if not torch.cuda.is_available():
        return {"synth.gpu": "skipped: no CUDA device"}
    classes = len(material.catalogue)
    icons = IconAtlas.from_catalogue(material.catalogue, _SIZE, device)
    backgrounds = BackgroundAtlas.from_pictures(material.pictures, _SIZE, device)

    def waited(crops: Callable[[int, int], object], first: int, block: int) -> None:
        crops(first, block)
        torch.cuda.synchronize()

    about = f"{torch.cuda.get_device_name()}, {GPU_BLOCK} a call"
    contestants = {}
    for name, preset in (("gpu", "road"), ("reference_preset_gpu", "reference")):
        render = _rendering(preset, classes, icons, backgrounds, device)
        contestants[name] = _in_calls(about, partial(waited, render), GPU_BLOCK, 4)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    contestants["gpu"].run(0)
    peak = (torch.cuda.max_memory_allocated() - before) / 2**20
    missing = {}
    try:
        kornia = KorniaChain(inputs, shares, device)
        kornia.crops(0, 8)
    except (MissingLibraryError, RuntimeError) as error:  # a peer's trouble is not ours
        missing["synth.kornia_gpu"] = str(error)
    else:
        what, crops = f"{kornia.about}, {about}", partial(waited, kornia.crops)
        contestants["kornia_gpu"] = _in_calls(what, crops, GPU_BLOCK, 1)
    figures = _speeds(contestants, rounds)
    if "kornia_gpu" in contestants:
        figures["synth.ratio_kornia_gpu"] = _ratio(figures, "gpu", "kornia_gpu")
    figures["synth.gpu_ratio"] = figures[_speed_key("gpu")] / cpu[_speed_key("published_generator")]
    return figures | missing | {"synth.gpu_peak_memory_mb": peak}
