"""A person's decisions in a studio: confirmed, corrected, taken back; each told by its answer."""

from __future__ import annotations

import csv
import json
import os
import re
import time
from pathlib import Path
from typing import Any

from digests import digests

CODES = ("1.11.1", "1.11.2", "2.5", "3.24.n40", "3.24.n60", "4.1.1")
STEPS = 12
_SAID = "said"
"""The file that notes what the studio has answered; in the place of the browser's memory."""


def decided(pile: Path, place: Path) -> None:
    """Go on with the decisions where they were, to the end; then write the corrections down.

    Raises:
        AssertionError: A decision is lost that the studio had answered, or one is there twice.
    """
    from starlette.testclient import TestClient

    from raresign.studio.application import create_studio

    os.environ["RARESIGN_CACHE"] = str(place / "cache")
    studio = create_studio(place / "run", language="en")
    client = TestClient(studio, base_url="http://127.0.0.1")
    client.headers["accept"] = "text/html"
    page = client.get("/history").text
    token = re.search('name="studio-token" content="(.*?)"', page)
    assert token is not None
    client.headers |= {"x-raresign-token": token[1], "accept": "application/json"}
    store = studio.state.workplace.store
    done = len(store.actions(most=1000))
    told = (place / _SAID).read_bytes().count(b"\n") if (place / _SAID).exists() else 0
    if done - told not in (0, 1):
        raise AssertionError(f"{told} decisions were answered, {done} are kept")
    search = _Pile(client, pile)
    for step in range(done, STEPS):
        answer = _decide(client, store, search, step)
        if answer.status_code != 200:
            raise AssertionError(f"step {step}: {answer.status_code} {answer.text[:300]}")
        with (place / _SAID).open("ab") as file:
            file.write(b"x\n")
    saved = client.post("/review/corrections/save")
    if saved.status_code != 200:
        raise AssertionError(f"corrections: {saved.status_code} {saved.text[:300]}")
    for end in studio.state.workplace.endings:
        end()
    store.close()


class _Pile:
    """Waits for the index when a decision first needs it."""

    def __init__(self, client: Any, folder: Path) -> None:
        self.client, self.folder, self.ready = client, folder, False

    def wait(self) -> None:
        limit = time.monotonic() + 120
        while not self.ready:
            page = self.client.get("/find/candidates?code=2.5").text
            self.ready = "data-row" in page
            if not self.ready:
                self.client.get("/find/progress")
                if time.monotonic() > limit:
                    raise AssertionError(f"the pile is not indexed: {page[:500]}")
                time.sleep(0.02)


def _decide(client: Any, store: Any, pile: _Pile, step: int) -> Any:
    """One step makes one action."""
    if step == 0:
        return client.post("/find/source", json={"folder": str(pile.folder), "boxes": ""})
    if step % 4 == 3:  # take back what was done two steps ago, or the last one
        last = store.actions(most=1)[0]
        return client.post(f"/undo/{last.id}")
    if step % 2:
        row, code = step % 20, CODES[(step // 2) % 6]
        known = store.values("correction")
        shown = _shown(client, row, known)
        return client.post("/review/correct", json={"row": row, "after": code, "shown": shown})
    pile.wait()
    answer = "yes" if step % 3 else "no"
    return client.post("/find/decide", json={"rows": [step], "code": "2.5", "answer": answer})


def _shown(client: Any, row: int, known: dict[str, Any]) -> str | None:
    """The correction that the page of a row shows."""
    here = client.app.state.workplace
    from raresign.studio.reviewing import Reviewing

    return Reviewing(here).shown(row) if known else None


def decisions_of(place: Path) -> dict[str, str]:
    """All actions in their order, what each subject is now, the corrections, and files around."""
    from raresign.studio.store import Store

    found = digests(place, without=("cache",))
    for ours in ("data/corrections.csv", _SAID):  # read below; a note of this suite
        found.pop(ours, None)
    store = Store(place / "run" / "studio.sqlite")
    try:
        for one in reversed(store.actions(most=1000)):
            told = one.kind, one.subject, one.before, one.after, one.undoes, one.undone_by
            found[f"action {one.id}"] = json.dumps(told)
        for kind in ("found", "correction", "pile"):
            found[kind] = json.dumps(store.values(kind), sort_keys=True)
    finally:
        store.close()
    with (place / "data" / "corrections.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [{**row, "when": ""} for row in csv.DictReader(file)]
    found["corrections"] = json.dumps(rows)
    return found
