"""The service: the model's own answers, whoever asks beside whom, and one form of every error."""

from __future__ import annotations

import base64
import io
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import raresign
from raresign.errors import InputError
from raresign.service.application import build_app
from raresign.service.batching import Batcher, StoppingError
from raresign.service.jobs import Jobs
from raresign.service.own_process import OwnProcess, add_here
from raresign.service.refusal import Refused
from raresign.service.served_model import Loaded, ServedModel
from raresign.service.settings import Settings

_MISSING = 'needs pip install "raresign[serve]" httpx2'
for _library in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
    pytest.importorskip(_library, reason=_MISSING)
TestClient = pytest.importorskip("starlette.testclient", reason=_MISSING).TestClient

WITHOUT_TORCH = """
import sys
for heavy in ("torch", "timm", "lightning", "onnx", "scipy", "pyarrow", "sklearn"):
    sys.modules[heavy] = None
from raresign.cli import main
main()
"""
HERE = "http://127.0.0.1:8000"
CODES = ("2.5", "3.24.n40", "1.11.1", "4.1.1", "3.1", "5.19.1", "6.4", "3.20")


def file_of(code: str, side: int = 60) -> bytes:
    """A crop of a drawn sign on grey, as a PNG file."""
    sign = Image.fromarray(raresign.render_sign(code, side))
    crop = Image.new("RGB", (side + 12, side + 12), (110, 115, 120))
    crop.paste(sign, (6, 6), sign)
    return png(crop)


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    return {code: file_of(code) for code in CODES}


@pytest.fixture(scope="module")
def model() -> ServedModel:
    return ServedModel("built-in")


@pytest.fixture
def client(model: ServedModel) -> Iterator[Any]:
    with TestClient(build_app(Settings(), model), base_url=HERE) as found:
        yield found


def serving(model: ServedModel, **settings: Any) -> Any:
    return TestClient(
        build_app(Settings(**settings), model), base_url=HERE, raise_server_exceptions=False
    )


def is_error(answer: Any, status: int) -> bool:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "hint"}
    return bool(answer.json()["error"])


class Slow:
    """A recogniser that waits to be let go on."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.go, self.begun = inner, threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def answer_read(self, crops: Any, top: int) -> Any:
        self.begun.set()
        assert self.go.wait(30)
        return self.inner.answer_read(crops, top)


@pytest.fixture
def slow(model: ServedModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    made = Slow(model.current.recogniser)
    monkeypatch.setattr(model, "current", Loaded(made, "slow", ()))  # type: ignore[arg-type]
    yield made
    made.go.set()


# --- answers --------------------------------------------------------------------------------------


def test_answers_are_the_models_own(
    client: Any, pictures: dict[str, bytes], model: ServedModel
) -> None:
    files = [("picture", ("a.png", content)) for content in pictures.values()]
    by_form = client.post("/v1/classify", files=files, data={"top": "3"}).json()
    asked = {"pictures": [{"content": base64_of(one)} for one in pictures.values()], "top": 3}
    by_json = client.post("/v1/classify", json=asked).json()
    assert by_form == by_json
    wanted = raresign.load().answer(list(pictures.values()), top=3)
    assert by_json["model"] == f"built-in/{model.current.version}"
    assert [one["picture"] for one in by_json["answers"]] == [*range(len(CODES))]
    for said, want in zip(by_json["answers"], wanted, strict=True):
        expected = json.loads(json.dumps(want.as_dict()))
        for name in ("answer", "level", "family", "error"):
            assert said[name] == expected[name]
        assert said["known"] == pytest.approx(expected["known"], abs=1e-5)
        assert [one["code"] for one in said["answers"]] == [one.code for one in want.answers]
        for guess, other in zip(said["answers"], want.answers, strict=True):
            assert guess["probability"] == pytest.approx(other.probability, abs=1e-5)


def test_boxes_are_cut_as_by_predict(
    client: Any, pictures: dict[str, bytes], tmp_path: Path
) -> None:
    frame = Image.new("RGB", (300, 200), (90, 110, 120))
    boxes = [[20, 30, 92, 102], [150, 60, 222, 132]]
    for box, code in zip(boxes, CODES, strict=False):
        frame.paste(Image.open(io.BytesIO(pictures[code])), (box[0], box[1]))
    frame.save(tmp_path / "frame.png")
    rows = [",".join(map(str, ("frame.png", *box))) for box in boxes]
    (tmp_path / "boxes.csv").write_text("\n".join(["file,x0,y0,x1,y1", *rows]))
    wanted = [*raresign.predict("built-in", [], boxes=tmp_path / "boxes.csv")]
    content = (tmp_path / "frame.png").read_bytes()
    form = {"boxes": json.dumps(boxes)}
    said = client.post("/v1/classify", files={"picture": content}, data=form).json()["answers"]
    assert [one["answer"] for one in said] == [one.answer for one in wanted]
    assert [one["box"] for one in said] == boxes
    # The same for a platform: statements about each detection.
    detections = [{"id": f"d{k}", "shape": box} for k, box in enumerate(boxes)]
    asked = {"content": base64_of(content), "annotations": detections}
    found = client.post("/v1/annotate", json=asked).json()
    again = client.post(
        "/v1/annotate", files={"picture": content}, data={"annotations": json.dumps(detections)}
    )
    assert again.json() == found
    assert [one["id"] for one in found["annotations"]] == ["d0", "d1"]
    values = ("RU:2.5", "RU:3.24[40]")
    for one, value, want in zip(found["annotations"], values, wanted, strict=True):
        pairs = {pair["key"]: pair["value"] for pair in one["semantics"]}
        if want.level == "class":
            assert pairs["osm|traffic_sign"] == value
            assert pairs[f"classification_model[osm|traffic_sign={value}]"] == found["model"]
        else:
            assert not pairs


def test_parallel_clients_get_their_own_answers(
    model: ServedModel, pictures: dict[str, bytes]
) -> None:
    wanted = {code: raresign.load().answer(one).answer for code, one in pictures.items()}
    assert len({*wanted.values()}) > 4, "signs that cannot be told apart show no mix-up"
    with serving(model, window_ms=30) as client:

        def ask(number: int) -> None:
            codes = [CODES[(number + k) % len(CODES)] for k in range(1 + number % 4)]
            files = [("picture", pictures[code]) for code in codes]
            answer = client.post("/v1/classify", files=files).json()
            assert [one["answer"] for one in answer["answers"]] == [wanted[code] for code in codes]

        with ThreadPoolExecutor(32) as pool:
            list(pool.map(ask, range(96)))
        lines = client.get("/metrics").text.splitlines()
        counts = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    crops = sum(float(value) for key, value in counts.items() if "crops_total{" in key)
    assert crops == float(counts["raresign_batch_crops_sum"]) == 24 * (1 + 2 + 3 + 4)
    assert float(counts["raresign_batch_crops_count"]) < 96, "nothing was answered together"


def test_model_and_its_signs(client: Any) -> None:
    told = client.get("/v1/model", params={"code": "2.5"}).json()
    assert told["known"]
    assert told["kind"] == "built-in"
    assert told["asked"]["code"] == "2.5"
    assert client.get("/v1/model", params={"code": "9.99"}).json()["known"] is False
    assert len(client.get("/v1/classes").json()["classes"]) == told["classes"] == 205
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    page = client.get("/docs")
    assert "/v1/classify" in page.text
    assert not [word for word in ("http://", "https://", "<script") if word in page.text]


def test_description_is_whole(client: Any) -> None:
    described = client.get("/openapi.json").json()
    schemas = described["components"]["schemas"]
    names = set(json.dumps(described).split("#/components/schemas/")[1:])
    assert {name.partition('"')[0] for name in names} <= set(schemas)
    for path in described["paths"].values():
        for what in path.values():
            for status, answer in what["responses"].items():
                if int(status) >= 400:
                    (kind,) = answer["content"].values()
                    assert kind["schema"] == {"$ref": "#/components/schemas/Problem"}


# --- what is refused ------------------------------------------------------------------------------


def test_broken_pictures(client: Any, pictures: dict[str, bytes]) -> None:
    whole = pictures["2.5"]
    files = [("picture", one) for one in (whole, whole[:200], b"", b"GIF89a", whole)]
    answer = client.post("/v1/classify", files=files).json()["answers"]
    assert [one["error"] is None for one in answer] == [True, False, False, False, True]
    assert answer[1]["level"] is answer[1]["answer"] is None
    assert answer[4]["answer"] == answer[0]["answer"]
    outside = {"boxes": json.dumps([[500, 500, 510, 510], [9, 9, 9, 9], [0, 0, 72, 72]])}
    said = client.post("/v1/classify", files={"picture": whole}, data=outside).json()["answers"]
    assert ["lies outside" in said[0]["error"], "is empty" in said[1]["error"]] == [True, True]
    assert said[2]["error"] is None
    nothing = client.post("/v1/classify", files={"picture": whole}, data={"boxes": "[]"})
    assert nothing.json()["answers"] == []
    two = [("picture", whole), ("picture", whole[:200])]
    each = client.post("/v1/classify", files=two, data={"boxes": "[[0, 0, 72, 72]]"})
    assert [one["error"] is None for one in each.json()["answers"]] == [True, False]


def test_huge_pictures(model: ServedModel) -> None:
    with serving(model, most_pixels=10_000, most_bytes=20_000, most_crops=3) as client:
        wide = png(Image.new("RGB", (101, 100)))
        answer = client.post("/v1/classify", files={"picture": wide})
        assert "10000" in answer.json()["answers"][0]["error"]
        assert is_error(client.post("/v1/classify", files={"picture": b"x" * 20_001}), 413)
        chunks = (b"x" * 1000 for _ in range(30))  # without Content-Length
        kind = {"Content-Type": "application/json"}
        assert is_error(client.post("/v1/classify", content=chunks, headers=kind), 413)
        small = png(Image.new("RGB", (9, 9)))
        four = {"pictures": [{"content": base64_of(small)}] * 4}
        assert is_error(client.post("/v1/classify", json=four), 413)
        boxes = {"pictures": [{"content": base64_of(small), "boxes": [[0, 0, 5, 5]] * 4}]}
        assert is_error(client.post("/v1/classify", json=boxes), 413)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b'{"pictures": []}',
        b'{"pictures": [{"content": "%%"}]}',
        b'{"pictures": [{"content": "aaaaa"}]}',
        b'{"pictures": [{"content": "aaaa", "boxes": [[1, 2, 3]]}]}',
        b'{"pictures": [{"content": "aaaa", "boxes": [[1, 2, 3, NaN]]}]}',
        b'{"pictures": [{"content": "aaaa"}], "top": 0}',
        b'{"pictures": [{"content": "aaaa"}], "other": 1}',
        b"\xff\xfe",
    ],
)
def test_wrong_json(client: Any, body: bytes) -> None:
    kind = {"Content-Type": "application/json"}
    assert is_error(client.post("/v1/classify", content=body, headers=kind), 422)


def test_wrong_forms_and_addresses(client: Any) -> None:
    plain = {"Content-Type": "text/plain"}
    assert is_error(client.post("/v1/classify", content=b"x", headers=plain), 415)
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        assert is_error(
            client.post("/v1/classify", content=b"x", headers={"Content-Type": kind}), 422
        )
    assert is_error(client.post("/v1/classify", files={"other": b"x"}), 422)
    assert is_error(client.get("/v1/classify"), 405)
    assert client.put("/v1/classes").headers["Allow"] == "GET, POST"
    assert is_error(client.get("/nothing"), 404)
    assert is_error(client.post("/v1/classes", json={"code": "x", "icon": "aaaa"}), 409)
    assert is_error(client.delete("/v1/classes/2.5"), 409)


def test_full_queue_and_time_limit(slow: Slow, model: ServedModel, pictures: Any) -> None:
    file = {"picture": pictures["2.5"]}
    with serving(model, most_waiting=2, most_crops=2, answer_seconds=0.5) as client:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(
                client.post, "/v1/classify", files=[("picture", file["picture"])] * 2
            )
            assert slow.begun.wait(20)
            full = client.post("/v1/classify", files=file)
            assert is_error(full, 429)
            assert full.headers["Retry-After"] == "1"
            assert client.get("/healthz").status_code == 200
            assert is_error(first.result(), 504)
        slow.go.set()
        until = time.monotonic() + 20
        while (answer := client.post("/v1/classify", files=file)).status_code == 429:
            assert time.monotonic() < until, "places of requests that ended are not freed"
        assert answer.status_code == 200


def test_names_and_origins(client: Any) -> None:
    """A page in the user's browser reaches no service on the loopback, whatever its DNS says."""
    for host in ("evil.example", "127.0.0.1.evil.example", "", "evil.example:8000"):
        assert is_error(client.get("/v1/model", headers={"Host": host}), 421)
    for host in ("localhost:8000", "[::1]:8000", "127.0.0.1"):
        assert client.get("/healthz", headers={"Host": host}).status_code == 200
    assert is_error(client.get("/v1/model", headers={"Origin": "https://evil.example"}), 403)
    assert client.get("/v1/model", headers={"Origin": HERE}).status_code == 200


def test_keys(model: ServedModel, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "keys.txt"
    key, other = (raresign.new_service_key(file, name) for name in ("camera", "map"))
    assert file.stat().st_mode & 0o777 == 0o600
    with serving(model, keys=str(file)) as client, caplog.at_level("INFO", "raresign.service"):
        for given in ({}, {"X-API-Key": key[:-1]}, {"Authorization": "Bearer "}):
            answer = client.get("/v1/model", headers=given)
            assert is_error(answer, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        for given in ({"X-API-Key": key}, {"Authorization": f"Bearer {other}"}):
            assert client.get("/v1/model", headers=given).status_code == 200
        for path in ("/metrics", "/docs", "/openapi.json"):
            assert is_error(client.get(path), 401)
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
        icon = {"code": "x", "icon": "aaaa"}
        assert is_error(client.post("/v1/classes", json=icon, headers={"X-API-Key": key}), 403)
    told = [record.told for record in caplog.records if record.msg == "request"]  # type: ignore[attr-defined]
    assert [one["key"] for one in told][3:5] == ["camera", "map"]
    assert key not in caplog.text + repr(told)


def test_no_key_no_network(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(InputError, match="no key"):
            raresign.serve("built-in", host=host)
        with pytest.raises(InputError, match="cannot be read"):
            raresign.serve("built-in", host=host, keys=tmp_path / "none.txt")
    wrong = tmp_path / "wrong.txt"
    for text in ("", "camera secret\n", "# nothing\n"):
        wrong.write_text(text)
        with pytest.raises(InputError, match="key"):
            raresign.serve("built-in", host="0.0.0.0", keys=wrong)


def test_a_fault_tells_nothing_of_itself(
    model: ServedModel, pictures: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Slow):
        def answer_read(self, crops: Any, top: int) -> Any:
            raise RuntimeError("secret")

    broken: Any = Broken(model.current.recogniser)
    with serving(model) as client:
        with monkeypatch.context() as patch:
            patch.setattr(model, "current", Loaded(broken, "broken", ()))
            answer = client.post("/v1/classify", files={"picture": pictures["2.5"]})
            assert is_error(answer, 500)
            assert "secret" not in answer.text
            assert answer.headers["X-Request-ID"] in answer.json()["hint"]
        assert client.post("/v1/classify", files={"picture": pictures["2.5"]}).status_code == 200


# --- changes and the end --------------------------------------------------------------------------


def test_classes_change_while_requests_run(
    finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    served = ServedModel(str(run), add=add_here)
    before = served.current.version
    crop = next((data_folder / "smalltest").glob("*.png")).read_bytes()
    drawing = raresign.standard("gost").svg("3.13.r2.9").encode()
    with serving(served) as client:
        stop = threading.Event()
        seen: set[tuple[str, int]] = set()

        def ask() -> None:
            while not stop.is_set():
                answer = client.post("/v1/classify", files={"picture": crop}, data={"top": "50"})
                assert answer.status_code == 200, answer.text
                told = answer.json()
                seen.add((told["model"].partition("/")[2], len(told["answers"][0]["answers"])))

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask) for _ in range(4)]
            asked = {"code": "3.13.r2.9", "icon": base64_of(drawing), "name": "Height"}
            begun = client.post("/v1/classes", json=asked)
            assert begun.status_code == 202, begun.text
            twice = client.post("/v1/classes", json=asked)
            assert is_error(client.delete("/v1/classes/2.5"), 409), "while another is added"
            added, again = (ended(client, one.headers["Location"]) for one in (begun, twice))
            assert (added["state"], added["result"]["name"]) == ("done", "Height"), added
            assert (again["state"], again["result"]) == ("failed", None)
            assert "already in the run" in again["message"]
            assert again["hint"]
            after = served.current.version
            assert client.get("/v1/model", params={"code": "3.13.r2.9"}).json()["known"]
            assert is_error(client.post("/v1/classes", json=asked), 422)
            assert client.delete("/v1/classes/3.13.r2.9").status_code == 204
            assert is_error(client.delete("/v1/classes/3.13.r2.9"), 404)
            stop.set()
            [one.result() for one in asking]
    assert served.current.version == before != after
    classes = len(served.current.recogniser.catalogue)
    assert (before, classes) in seen
    assert seen <= {(before, classes), (after, classes + 1)}


def ended(client: Any, address: str) -> dict[str, Any]:
    """What is told of a job once it has ended."""
    until = time.monotonic() + 120
    while (told := client.get(address).json())["state"] in ("queued", "running"):
        assert time.monotonic() < until, told
        time.sleep(0.02)
    return dict(told)


def test_jobs_come_one_by_one_and_not_without_end() -> None:
    go, rested, at_once = threading.Event(), threading.Event(), []

    def work(name: str) -> dict[str, Any]:
        at_once.append(name)
        assert go.wait(20)
        if name == "b":
            raise InputError("wrong", "right")
        if name == "c":
            raise ZeroDivisionError("secret")
        return {"code": name}

    jobs = Jobs(rested.set, most_waiting=3, kept=4)
    first = jobs.submit("a", lambda say: work("a"))
    while first.state == "queued":
        time.sleep(0.001)
    rest = [jobs.submit(name, lambda say, name=name: work(name)) for name in "bcd"]
    with pytest.raises(Refused) as full:
        jobs.submit("e", lambda say: {})
    assert (full.value.status, full.value.headers) == (429, {"Retry-After": "10"})
    assert (at_once, jobs.busy) == (["a"], True)
    assert not rested.is_set()
    go.set()
    assert jobs.wait(20)
    assert rested.is_set()
    assert at_once == [*"abcd"]
    told = [(job.state, job.message, job.hint) for job in (first, *rest)]
    assert told[1] == ("failed", "wrong", "right")
    assert "secret" not in str(told[2])
    assert [one[0] for one in told] == ["done", "failed", "failed", "done"]
    last = jobs.submit("f", lambda say: work("f"))
    assert jobs.wait(20)
    assert jobs.find(last.id) is last
    assert jobs.find(first.id) is None, "the oldest is forgotten"
    jobs.close()
    with pytest.raises(Refused):
        jobs.submit("g", lambda say: {})


def test_a_process_that_is_ended_is_told_of(tmp_path: Path) -> None:
    own = OwnProcess()
    jobs = Jobs(own.end)
    one, two = (
        jobs.submit(code, lambda say: own("RUN", "x.svg", "x", (), say)) for code in ("x", "y")
    )
    while vars(own)["_process"] is None:
        time.sleep(0.01)
    jobs.close()
    assert jobs.wait(20)
    assert [one.state, two.state] == ["failed", "failed"]
    assert "as it was" in one.message
    assert "stopped" in two.message


@pytest.mark.slow
def test_the_other_process_tells_what_is_wrong(tmp_path: Path) -> None:
    own = OwnProcess()
    for _ in range(2):
        with pytest.raises(InputError, match="RUN"):
            own(str(tmp_path / "RUN"), "x.svg", "x", (), print)
    own.end()


def test_a_new_bundle_is_loaded_and_a_broken_one_is_not(finished_run: Path, tmp_path: Path) -> None:
    file = raresign.export(finished_run, tmp_path / "tiny.raresign")
    served = ServedModel(str(file))
    first, content = served.current, file.read_bytes()
    assert not served.refresh()
    file.write_bytes(content[:1000])
    assert not served.refresh()
    assert served.current is first
    file.write_bytes(content)
    assert served.refresh()
    assert served.current.version == first.version
    assert served.card is not None
    assert served.card.startswith("# ")


def test_what_was_accepted_is_answered_before_the_end() -> None:
    class Sums:
        def answer_read(self, crops: Any, top: int) -> list[float]:
            time.sleep(0.05)
            return [float(crop.sum()) for crop in crops]

    batcher = Batcher(0.0, 4, 100)
    model = Sums()
    coming = [batcher.submit(model, lambda k=k: [np.full(2, k)] * 3, 3, 1) for k in range(8)]
    assert coming[5].cancel()
    batcher.close()
    del coming[5]
    assert [one.result(timeout=0) for one in coming] == [[2.0 * k] * 3 for k in range(8) if k != 5]
    assert batcher.waiting == 0
    with pytest.raises(StoppingError):
        batcher.submit(model, list, 0, 1)


def until_it_listens(port: int) -> None:
    """A moment passes between "ready" and that, on a busy machine a long one."""
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < until, "the service does not listen"
            time.sleep(0.02)


def test_a_process_that_is_stopped_answers_first(pictures: dict[str, bytes]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", WITHOUT_TORCH, "serve", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        try:
            assert any('"event": "ready"' in line for line in lines)
            until_it_listens(port)
            content = [base64_of(one) for one in pictures.values()] * 2
            body = json.dumps({"pictures": [{"content": one} for one in content]}).encode()
            kind, sent = {"Content-Type": "application/json"}, threading.Barrier(9)

            def ask() -> Any:
                link = HTTPConnection("127.0.0.1", port, timeout=60)
                link.request("POST", "/v1/classify", body, kind)
                sent.wait(60)
                return json.load(link.getresponse())

            with ThreadPoolExecutor(8) as pool:
                coming = [pool.submit(ask) for _ in range(8)]
                sent.wait(60)
                while not any(one.done() for one in coming):
                    time.sleep(0.01)
                process.terminate()
                answers = [one.result() for one in coming]
            assert [len(one["answers"]) for one in answers] == [16] * 8
            assert process.wait(30) == 0
        finally:
            process.kill()
        events = [json.loads(line) for line in lines]
    assert events[-1]["event"] == "stopped"
    assert sum(one.get("route") == "/v1/classify" for one in events) == 8
