"""One ONNX graph of a model answers as the model does: in Python, C++ and a browser.

The libraries of the last two come with `tools/example_libraries.sh .examples` (`make test` calls
it); what is missing is told as the reason of a skip.
"""

from __future__ import annotations

import functools
import http.server
import io
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import raresign
from conftest import Ended
from raresign.fitting.one_graph.whole_model import one_graph
from raresign.framing.finder import framing_boxes
from raresign.framing.framed_picture import framed
from raresign.runs.built_in import built_in_recogniser
from raresign.signs.countries.drawn_sign import render_sign

ROOT = Path(raresign.__file__).parents[2]
EXAMPLES = ROOT / "examples"
LIBRARIES = Path(os.environ.get("RARESIGN_EXAMPLES", ROOT / ".examples"))
HINT = f"run tools/example_libraries.sh {LIBRARIES.name}"
# Width, height, what is drawn: shrunk, enlarged, one way each, cut by the edge, no sign at all.
PICTURES = [(70, 90, "3.24.n50"), (24, 22, "2.5"), (150, 40, "1.11.1"), (200, 230, "4.1.1")]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small photos of drawn signs, and one of noise."""
    folder, found = tmp_path_factory.mktemp("pictures"), []
    for number, (width, height, code) in enumerate(PICTURES):
        scene = Image.effect_noise((width, height), 40).convert("RGB")
        side = min(width, height) * (5 + number % 2) // 6
        sign = Image.fromarray(render_sign(code, side))
        scene.paste(sign, (width // 3 - side // 4, height // 8), sign)
        found.append(folder / f"{number}.ppm")
        scene.save(found[-1])
    found.append(folder / "noise.ppm")
    Image.effect_noise((64, 64), 90).convert("RGB").save(found[-1])
    return found


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model as one graph; it looks for signs and says "unknown"."""
    return raresign.export("built-in", tmp_path_factory.mktemp("graph") / "signs.onnx")


def told(model: raresign.Recogniser, path: Path) -> tuple[str, str, str, float]:
    answer = model.answer(path)
    best = answer.answers[0]
    return best.code, best.name, str(answer.level), best.probability


def test_the_graph_answers_as_the_model(graph: Path, pictures: list[Path]) -> None:
    session, model = onnxruntime.InferenceSession(graph), raresign.load()
    for path in pictures:
        with Image.open(path) as picture:
            said = session.run(None, {"picture": np.asarray(picture)})
        named = dict(zip([one.name for one in session.get_outputs()], said, strict=True))
        code, name, level, probability = told(model, path)
        assert (named["code"][0], named["name"][0], named["level"][0]) == (code, name, level)
        assert named["probability"][0] == pytest.approx(probability, abs=1e-3)
        assert named["codes"].tolist() == list(model.catalogue.codes)
        assert named["codes"][named["probabilities"][0].argmax()] == code
        assert named["family"][0] == model.answer(path).family
        assert named["probabilities"].sum() == pytest.approx(1, abs=1e-4)
    assert "205" in session.get_modelmeta().custom_metadata_map["card"]


def test_crops_are_those_of_pillow(pictures: list[Path], graph: Path) -> None:
    """To the last bit, but where Pillow resamples down before across: then nearly."""
    import onnx
    from onnx import helper

    whole = onnx.load(graph)
    for name, shape in (("crop/crop", [1, 3, 64, 64]), ("found/box", [4])):
        whole.graph.output.append(helper.make_tensor_value_info(name, 1, shape))
    session = onnxruntime.InferenceSession(whole.SerializeToString())
    exact = 0
    for path in pictures:
        with Image.open(path) as picture:
            pixels = {"picture": np.asarray(picture)}
            crop, box = session.run(["crop/crop", "found/box"], pixels)
            wanted = framed(picture, 64, box)
            assert np.abs(box - framing_boxes([picture], "found")[0]).max() < 2e-3
        apart = np.abs(np.rint(crop[0] * 255) - wanted)
        assert (apart > 2).mean() < 0.05
        exact += not apart.any()
    assert exact >= len(pictures) // 2


def test_photos_and_runs_without_rules_are_folded_in(
    finished_run: Path, pictures: list[Path], tmp_path: Path
) -> None:
    """Classes with photos, whole crops, int8 and fp16 encoders; a head without a rule."""
    run = raresign.load(finished_run)
    rng = np.random.default_rng(1)
    photos, lift = rng.normal(size=(3, 16)).astype(np.float32), rng.normal(size=17)
    lifted = run.head.with_photos(2, photos, lift.astype(np.float32))
    content = (finished_run / "encoder.onnx").read_bytes()
    for head in (lifted, replace(lifted, rule=None), replace(run.head, no_sign=None)):
        model = replace(run, head=head)
        session = onnxruntime.InferenceSession(one_graph(model, content, {}))
        for path in pictures:
            with Image.open(path) as picture:
                pixels = {"picture": np.asarray(picture)}
            code, _, level, probability = told(model, path)
            said = session.run(["code", "level", "probability"], pixels)
            assert (said[0][0], said[1][0]) == (code, level)
            assert said[2][0] == pytest.approx(probability, abs=0.01)


def test_the_command_writes_it(
    cli: Callable[..., Ended], finished_run: Path, tmp_path: Path, pictures: list[Path]
) -> None:
    sizes = []
    for precision in raresign.PRECISIONS:
        out = tmp_path / f"{precision}.onnx"
        assert cli("export", finished_run, "--out", out, "--precision", precision).code == 0
        session = onnxruntime.InferenceSession(out)
        with Image.open(pictures[0]) as picture:
            assert session.run(["code"], {"picture": np.asarray(picture)})[0][0]
        sizes.append(out.stat().st_size)
    assert sizes[1] < sizes[0]
    ended = cli("export", finished_run, "--out", out, "--patch", tmp_path / "a.raresign")
    assert ended.code == 2
    assert "a graph has no patches" in ended.err


def test_cpp_gives_the_same_answers(graph: Path, pictures: list[Path], tmp_path: Path) -> None:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    if not (LIBRARIES / "include").exists():
        pytest.skip(f"no C++ headers of onnxruntime: {HINT}")
    capi = Path(onnxruntime.__file__).parent / "capi"
    library = next(capi.glob("libonnxruntime.so*"), None)
    if library is None:
        pytest.skip("onnxruntime's wheel has no library to link with")
    program = tmp_path / "answer"
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (tmp_path / name).symlink_to(library)
    command = [compiler, "-std=c++17", "-Wall", "-O1", str(EXAMPLES / "cpp" / "answer.cpp")]
    command += [f"-I{LIBRARIES / 'include'}", str(tmp_path / "libonnxruntime.so")]
    subprocess.run([*command, f"-Wl,-rpath,{tmp_path}", "-o", str(program)], check=True)
    model = raresign.load()
    for path in pictures:
        ended = subprocess.run([program, graph, path], capture_output=True, text=True, check=True)
        *said, probability = ended.stdout.rstrip("\n").split("\t")
        code, name, level, wanted = told(model, path)
        assert said == [code, name, level]
        assert float(probability) == pytest.approx(wanted, abs=1e-3)
    broken = tmp_path / "broken.ppm"
    broken.write_bytes(pictures[0].read_bytes()[:100])
    assert subprocess.run([program, graph, broken], capture_output=True, check=False).returncode


@pytest.fixture
def site(graph: Path, tmp_path: Path) -> Iterator[str]:
    """The page of examples/js beside its library and the graph, on the loopback."""
    if not (LIBRARIES / "ort").exists():
        pytest.skip(f"no onnxruntime-web: {HINT}")
    shutil.copy(EXAMPLES / "js" / "answer.html", tmp_path)
    (tmp_path / "ort").symlink_to((LIBRARIES / "ort").resolve())
    (tmp_path / "signs.onnx").symlink_to(graph)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def guess_type(self, path: str | os.PathLike[str]) -> str:
            script = str(path).endswith(".mjs")  # Python 3.11 does not know it
            return "text/javascript" if script else super().guess_type(path)

        def log_message(self, *_: object) -> None:
            pass

    make = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), make) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.browser
def test_a_web_page_gives_the_same_answers(site: str, pictures: list[Path], browser: Any) -> None:
    model = built_in_recogniser()
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}/answer.html")
    page.wait_for_function("window.answer", timeout=180_000)
    for path in pictures:
        stream = io.BytesIO()
        with Image.open(path) as picture:
            picture.save(stream, "PNG")
        code, name, level, wanted = told(model, path)
        page.set_input_files(
            "#file", {"name": "a.png", "mimeType": "image/png", "buffer": stream.getvalue()}
        )
        page.wait_for_function(
            f"document.getElementById('answer').textContent.includes({f'{code} {name}'!r})",
            timeout=60_000,
        )
        shown = page.text_content("#answer") or ""
        assert ("not sure" in shown) == (level != "class")
        # Its sums are rounded otherwise, so the finder's box may be a hair's breadth off.
        assert float(shown.split()[-2]) == pytest.approx(100 * wanted, abs=3)
    assert all(url.startswith((site, "blob:", "data:")) for url in asked)
    page.close()
