"""Serves as docker/Dockerfile does, without docker, and prints what the installation weighs.

A plain user (10001, where root runs this), a model and keys that nobody may write to, an empty
working folder: it must answer, refuse whoever has no key, leave no file behind, and end when asked.

Usage: VENV/bin/python tools/container_check.py, with the VENV of tools/container_steps.sh
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from first_answer import installed_mb

USER = 10001  # as in the Dockerfile
START_SECONDS = 120
HEAVY = ("torch", "torchvision", "timm", "lightning", "onnx", "scipy", "pyarrow", "sklearn")


def plain_user() -> dict[str, Any]:
    """How to start a process as that user; nothing where that is not possible."""
    if os.geteuid() != 0:
        return {}
    user: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []}
    try:
        subprocess.run([sys.executable, "-c", ""], check=True, **user)
    except (OSError, subprocess.CalledProcessError):
        print(f"user {USER} cannot run {sys.executable}: checked as root", file=sys.stderr)
        return {}
    return user


def asked(port: int, picture: bytes, key: str | None) -> tuple[int, Any]:
    """Status and JSON of /v1/classify."""
    body = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = Request(
        f"http://127.0.0.1:{port}/v1/classify", body + picture + b"\r\n--x--\r\n", headers
    )
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def main() -> None:
    from PIL import Image

    import raresign

    heavy = [name for name in HEAVY if find_spec(name)]
    assert not heavy, f"installed, too: {heavy}"
    sizes = installed_mb()
    file = io.BytesIO()
    Image.effect_noise((64, 64), 60).convert("RGB").save(file, "PNG")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        keys, work = folder / "keys.txt", folder / "work"
        key = raresign.new_service_key(keys)
        keys.chmod(0o444)
        work.mkdir()
        work.chmod(0o777)
        program = Path(sys.executable).parent / "raresign"
        # All interfaces, as in the container; nobody without a key gets an answer.
        listen = ("--host", "0.0.0.0", "--port", str(port), "--keys", str(keys))
        command = [str(program), "serve", "built-in", *listen]
        alone = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(work)}
        user = plain_user()
        log = folder / "log.txt"
        with (
            log.open("w") as out,
            subprocess.Popen(command, cwd=work, env=alone, stderr=out, **user) as process,
        ):
            until = time.monotonic() + START_SECONDS
            while True:
                assert process.poll() is None, "it has ended"
                assert time.monotonic() < until, "it does not start"
                try:
                    urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.1)
            status, told = asked(port, file.getvalue(), key)
            assert status == 200, told
            assert asked(port, file.getvalue(), None)[0] == 401
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        lines = log.read_text(encoding="utf-8").splitlines()
        assert not (other := [line for line in lines[1:] if line[:1] != "{"]), other
        left = [path.name for path in work.rglob("*")]
        assert not left, f"left behind: {left}"
    summed = {"megabytes": round(sum(sizes.values()), 1), "user": user.get("user")}
    print(json.dumps({**summed, "answer": told["answers"][0]["answer"], "largest": sizes}))


if __name__ == "__main__":
    main()
