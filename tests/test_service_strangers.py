"""The service and people who mean harm: guessed keys, headers and paths in what they send."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

import raresign
from raresign.service.attempts import MOST, Attempts
from raresign.service.served_model import ServedModel

_MISSING = 'needs pip install "raresign[serve]" httpx2'
for _library in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
    pytest.importorskip(_library, reason=_MISSING)
pytest.importorskip("starlette.testclient", reason=_MISSING)

from test_service import is_error, serving  # noqa: E402 - after what it needs

EVIL = "a\r\nSet-Cookie: x=1"
PATHS = (
    "..%2f..%2frun.json",
    "%2e%2e%2frun.json",
    "..%5crun.json",
    "%00",
    "%0d%0aX-Evil:%201",
    "%ff",
)


@pytest.fixture(scope="module")
def model() -> ServedModel:
    return ServedModel("built-in")


def test_who_guesses_keys_is_held_up_and_nobody_else(
    model: ServedModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys.txt"
    known, late = (raresign.new_service_key(file, name) for name in ("camera", "late"))
    with serving(model, keys=str(file)) as client, caplog.at_level("WARNING", "raresign.service"):

        def asked(key: str) -> Any:
            return client.get("/v1/classes", headers={"X-API-Key": key})

        assert asked(known).status_code == 200
        for _ in range(3 * MOST):  # an old key in a program's settings guesses nothing
            assert is_error(asked("rs_old"), 401)
        for number in range(MOST - 1):
            assert is_error(asked(f"rs_{number}"), 401)
        answer = asked("rs_one_more")
        assert is_error(answer, 429)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert is_error(asked(late), 429), "a guess that is right tells nothing now"
        assert is_error(client.get("/v1/classes"), 401)
        assert asked(known).status_code == 200, "behind a proxy all have one address"
        assert client.get("/healthz").status_code == 200
    told = [record for record in caplog.records if record.msg == "many wrong keys"]
    assert len(told) == 1
    assert "rs_" not in caplog.text + repr(told[0].__dict__)


def test_wrong_keys_are_forgotten_in_time_and_bounded() -> None:
    now = 0.0
    attempts = Attempts(most=2, seconds=60, clock=lambda: now)
    assert [attempts.wait("2001:db8::1", guess, None) for guess in "abc"] == [0, 0, 60]
    now = 59.0
    assert attempts.wait("2001:db8::ffff", "right", "camera") == 1, "the same customer"
    assert attempts.wait("2001:db8:0:1::1", "right", "camera") == 0
    now = 60.0
    assert attempts.wait("2001:db8::1", "right", "camera") == 0
    for number in range(20_000):
        attempts.wait(f"10.0.{number // 256}.{number % 256}", "guess", None)
    assert len(vars(attempts)["_visitors"]) == 10_000


@pytest.mark.parametrize("path", PATHS)
def test_a_path_in_a_code_reaches_no_file(path: str, model: ServedModel) -> None:
    with serving(model) as client:
        for method, place in (("DELETE", "/v1/classes/"), ("GET", "/v1/jobs/"), ("GET", "/")):
            answer = client.request(method, place + path)
            assert answer.status_code in (404, 405, 409), answer.text
            assert "x-evil" not in answer.headers
            assert "root:" not in answer.text
        asked = client.get("/v1/model?code=" + path)
        assert asked.status_code == 200
        assert asked.json()["known"] is False


def test_no_text_of_a_request_reaches_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(run: str, icon: str, code: str, names: tuple[str, ...], say: Any) -> dict[str, Any]:
        raise raresign.InputError(f"the class code {code!r}", EVIL)

    model = ServedModel("built-in", add)
    monkeypatch.setattr(model, "kind", "run")
    icon = base64.b64encode(b"<svg/>").decode()
    with serving(model) as client:
        began = client.post("/v1/classes", json={"code": EVIL, "name": EVIL, "icon": icon})
        assert began.status_code == 202, began.text
        assert model.jobs.wait(10)
        for answer in (
            began,
            client.get(began.headers["Location"]),
            client.post("/v1/classify", content=b"x", headers={"Content-Type": "a/b\t" + EVIL[4:]}),
            client.post("/v1/classify", files={"picture": (EVIL, b"x")}),
            client.post("/v1/classify", files={EVIL: ("a.png", b"x")}),
        ):
            assert "set-cookie" not in answer.headers
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
