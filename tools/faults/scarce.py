"""Processes that die under a command, and memory that does not hold a batch."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
from children import run_child
from material import Material
from table import Fault

import raresign
from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet
from raresign.signs.icons import svg_renderer
from raresign.studio.workshop import Workshop

_SPARE_MB = (4, 16, 32, 64, 128)


def dying_workers(material: Material, place: Path) -> Fault:
    """The process that draws SVG, and the one that a studio makes signs in."""
    fault = Fault("a worker process is killed", ended="drawn by another; a message, then it works")
    for name, work in (("svg", partial(_svg_worker, material)), ("studio", _studio_worker)):
        ended = run_child(work)
        fault.tries += 1
        if ended.code == 0 and ended.value is True:
            fault.right += 1
        else:
            fault.problems.append(f"worker, {name}: {ended.value} {ended.told}")
    return fault


def _svg_worker(material: Material) -> bool:
    """Every process that draws is killed once before it answers."""
    svg = (material.icons / "3.1.svg").read_bytes()
    wanted = svg_renderer.draw_svg(svg, 64, "3.1.svg")
    killed, draw = [0], svg_renderer._Worker.draw

    def killing(worker: svg_renderer._Worker, *given: object) -> object:
        if not killed[0]:
            os.kill(worker._process.pid, signal.SIGKILL)
            killed[0] += 1
        return draw(worker, *given)  # type: ignore[arg-type]

    svg_renderer._Worker.draw = killing  # type: ignore[method-assign,assignment]
    return svg_renderer.draw_svg(svg, 64, "3.1.svg") == wanted and killed[0] == 1


def _studio_worker() -> bool:
    """It is killed while it works: a message; asked again, another one works."""
    vars(sys.modules["__main__"]).pop("__file__", None)  # a new process does not run this suite
    vars(sys.modules["__main__"])["__spec__"] = None
    shop = Workshop()

    def kill() -> None:
        while not (shop._pool and shop._pool._processes):
            time.sleep(0.01)
        os.kill(next(iter(shop._pool._processes)), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    try:
        shop.call(time.sleep, 60)
    except raresign.InputError as error:
        return "ended" in str(error) and shop.call(max, 1, 2) == 2
    return False


def scarce_memory() -> Fault:
    """Batches through the net and through the encoder, with less and less memory."""
    fault = Fault("out of memory at a batch", ended="halved and said, or one message")
    halved = 0
    for name in ("torch", "onnx"):
        wanted = run_child(partial(_embedded, name, None)).value
        for spare in _SPARE_MB:
            ended = run_child(partial(_embedded, name, spare))
            fault.tries += 1
            halved += "out of memory at a batch" in ended.told and ended.code == 0
            same = ended.code == 0 and np.allclose(ended.value, wanted, atol=1e-4)
            if same or (ended.code == 2 and "memory" in ended.told.lower()):
                fault.right += 1
            else:
                fault.problems.append(f"memory, {name}, {spare} MB: {ended.code} {ended.told}")
    fault.ended = f"halved and said ({halved}), or one message"
    return fault


def _embedded(name: str, spare: int | None) -> np.ndarray:
    """Embeddings of 64 crops with so many MB to spare."""
    import torch

    side = 96
    crops = np.random.default_rng(0).integers(0, 256, (64, 3, side, side), np.uint8)
    torch.manual_seed(1)
    if name == "torch":
        net = SignNet("resnet18", 4, 16, weights="none", crop_size=side).eval()
        embed = partial(net_outputs, net)
    else:
        encoder = raresign.load().encoder
        crops = crops[:, :, : encoder.crop_size, : encoder.crop_size]
        embed = encoder.embed  # type: ignore[assignment]
    if spare is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + spare * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    found = embed(crops)
    return np.asarray(getattr(found, "embedding", found))
