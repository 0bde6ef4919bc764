"""`raresign serve ... &` and `curl ...` of the documentation, done in this process."""

from __future__ import annotations

import re
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import typer

import raresign
from raresign.cli.app import app
from raresign.service.application import build_app
from raresign.service.own_process import add_here
from raresign.service.served_model import ServedModel
from raresign.service.settings import Settings

_OF_SHELL = re.compile(r"\$\(base64 -w0 ([^)]+)\)")


class Served:
    """The last service that a page started; pages talk to it with curl."""

    def __init__(self) -> None:
        self.key = self.job = ""
        self._held = ExitStack()
        self._client: Any = None
        self._model: ServedModel | None = None

    def start(self, words: list[str]) -> None:
        """`raresign serve ...`: every option is read as on the terminal."""
        from starlette.testclient import TestClient

        told: dict[str, Any] = {}
        with mock.patch.object(raresign, "serve", lambda model, **more: told.update(more, m=model)):
            typer.main.get_command(app).main(words, standalone_mode=False)
        told.pop("say")
        told["keys"] = str(told["keys"] or "")
        settings = Settings(str(told.pop("m")), **told)
        model = ServedModel(settings.model, add=add_here)
        self.close()
        self._model = model
        host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host
        client = TestClient(build_app(settings, model), base_url=f"http://{host}:{settings.port}")
        self._client = self._held.enter_context(client)

    def curl(self, command: str) -> Any:
        """The answer to a line with curl: its forms, headers and bodies."""

        def base64_of(found: re.Match[str]) -> str:
            from base64 import b64encode

            return b64encode(Path(found[1]).read_bytes()).decode()

        line = _OF_SHELL.sub(base64_of, command).replace("$KEY", self.key).replace("$ID", self.job)
        words = iter(shlex.split(line, comments=True)[1:])
        address, method = "", ""
        files: list[Any] = []
        more: dict[str, Any] = {"headers": {}, "data": {}}
        for word in words:
            if word == "-F":
                name, _, value = next(words).partition("=")
                if value.startswith("@"):
                    files.append((name, (value, Path(value[1:]).read_bytes())))
                else:
                    more["data"][name] = value
            elif word == "-H":
                name, _, value = next(words).partition(": ")
                more["headers"][name] = value
            elif word == "-d":
                more["content"] = next(words)
                more.pop("data")
            elif word == "-X":
                method = next(words)
            else:
                assert not word.startswith("-"), (
                    f"an option of curl that this test knows not: {word}"
                )
                address = word.replace("HOST", "127.0.0.1")
        if files:
            more["files"] = files
        sent = method or ("POST" if files or "content" in more else "GET")
        if sent in ("GET", "DELETE"):
            more = {"headers": more["headers"]}
        answer = self._client.request(sent, address, **more)
        self.job = answer.headers.get("Location", self.job).rpartition("/")[2]
        return answer

    def close(self) -> None:
        """Stop the service, once its jobs are done."""
        if self._model is not None:
            assert self._model.jobs.wait(120), "a job that does not end"
        self._held.close()
