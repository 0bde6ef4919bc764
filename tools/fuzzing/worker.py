"""A process that gives inputs of one kind to its reader: spoiled, made by hypothesis, guided."""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.attempts import Attempts, Board
from fuzzing.kind import Target, drawing
from fuzzing.mutation import ODD_TEXTS, ODD_VALUES, Mutator

ROUTES = ("mutated", "hypothesis", "guided")


@dataclass(frozen=True)
class Share:
    """What one worker does.

    Args:
        kind: Its name.
        route: One of `ROUTES`, or "schemathesis".
        first, count: Numbers of inputs, from and before; of routes that have no numbers how many.
        seed: Of all that is drawn.
        memory: Bytes of addresses beyond what the process has when it begins.
        folder: For files; `board` see `Board`; `out` see `Attempts`.
    """

    kind: str
    route: str
    first: int
    count: int
    seed: int
    memory: int
    folder: str
    board: str
    out: str


def work(share: Share) -> None:
    """Do a share, in a process of its own."""
    from fuzzing.kinds import find_kind
    from fuzzing.service import by_description

    kind, folder = find_kind(share.kind), Path(share.folder)
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")  # hints of readers; a filter keeps no list of them
    with _silent(), _instrumented(kind.guided if share.route == "guided" else ()):
        target = kind.open(folder)
        for seed in target.seeds:  # all imports, before memory is bounded
            _quiet(target, seed)
    _bound_memory(share.memory)
    attempts = Attempts(target, Board(Path(share.board)), Path(share.out))
    mutator = Mutator(target.seeds, target.forms, target.head)
    with _silent():
        if share.route == "schemathesis":
            by_description(attempts, share.count, share.seed)
        elif share.route == "mutated":
            _spoiled(mutator, attempts, share)
        elif share.route == "hypothesis":
            _by_hypothesis(target, mutator, attempts, share.count, share.seed)
        else:
            _guided(mutator, attempts, folder / "corpus", share.count, share.seed)


def _spoiled(mutator: Mutator, attempts: Attempts, share: Share) -> None:
    """The good inputs first, then spoiled ones by their numbers."""
    for number in range(share.first, share.count):
        good = mutator.seeds[number] if number < len(mutator.seeds) else None
        attempts.one(good or mutator.make(share.seed * 10_000_000 + number), number)


@contextmanager
def _instrumented(modules: tuple[str, ...]) -> Iterator[None]:
    """Let atheris see the branches of modules that are imported in the block."""
    if not modules:
        yield
        return
    import atheris

    with atheris.instrument_imports(include=list(modules), enable_loader_override=False):
        yield


def _quiet(target: Target, data: bytes) -> None:
    try:
        target.read(data)
    except Exception:
        return


@contextmanager
def _silent() -> Iterator[None]:
    """What readers print goes nowhere; tracebacks of a dying worker still come out at the end."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(nowhere)
        os.close(kept)


def _bound_memory(more: int) -> None:
    """Allow so many bytes of addresses beyond what the process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here


def _by_hypothesis(
    target: Target, mutator: Mutator, attempts: Attempts, count: int, seed: int
) -> None:
    """Inputs made of nothing: values, cells and bytes that hypothesis draws."""
    from hypothesis import given

    @drawing(count, seed)
    @given(_strategy(target, mutator))
    def give(data: bytes) -> None:
        attempts.one(data, attempts.tally.inputs)

    give()


def _strategy(target: Target, mutator: Mutator) -> Any:
    """Texts of JSON and lines with the names that the seeds have; bytes behind a seed's head."""
    from hypothesis import strategies as st

    heads = st.sampled_from(mutator.seeds)
    raw = st.builds(
        lambda seed, at, more: seed[: at % (len(seed) + 1)] + more,
        heads,
        st.integers(0, 1 << 16),
        st.binary(max_size=64),
    )
    if "json" in target.forms:
        names = sorted({name for seed in mutator.seeds for name in _names(seed[target.head :])})
        keys = st.sampled_from(names) if names else st.text(max_size=3)
        leaves = st.one_of(st.sampled_from(ODD_VALUES), st.integers(), st.floats(), st.text())
        values = st.recursive(
            leaves,
            lambda inner: st.one_of(
                st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=6)
            ),
            max_leaves=12,
        )
        wrapped = st.dictionaries(keys, values, min_size=1, max_size=5)
        return st.one_of(wrapped, wrapped, values).map(
            lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
        )
    if "lines" in target.forms:
        random = Random(0)
        pieces = [piece for seed in mutator.seeds for piece in _pieces(seed)]
        cells = random.sample(pieces, min(len(pieces), 200)) + list(ODD_TEXTS)
        lines = st.lists(st.one_of(st.sampled_from(cells), st.text(max_size=5)), max_size=9)
        glued = st.builds(str.join, st.sampled_from(",;\t| ="), lines)
        heads_of = st.sampled_from([seed.decode("utf-8", "replace") for seed in mutator.seeds])
        return st.builds(
            lambda head, at, more: "\n".join([*head.split("\n")[:at], *more]).encode(
                "utf-8", "surrogatepass"
            ),
            heads_of,
            st.integers(0, 4),
            st.lists(glued, max_size=5),
        )
    return raw


def _names(seed: bytes) -> Iterator[str]:
    """All names of objects in a JSON text."""
    for text in (seed, seed.partition(b"\n")[0]):
        try:
            waiting = [json.loads(text)]
        except ValueError:
            continue
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                yield from value
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value
        return


def _pieces(seed: bytes) -> list[str]:
    text = seed.decode("utf-8", "replace")
    for mark in ",;\t| =<>\n":
        text = text.replace(mark, "\1")
    return [piece for piece in text.split("\1") if piece]


def _guided(mutator: Mutator, attempts: Attempts, corpus: Path, count: int, seed: int) -> None:
    """Inputs that reached new branches are spoiled further; atheris ends the process itself."""
    import atheris

    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(mutator.seeds):
        (corpus / f"seed-{number}").write_bytes(data)
    words = corpus.parent / "words"
    told = (
        b'"%s"' % b"".join(b"\\x%02x" % byte for byte in word) for word in mutator.words if word
    )
    words.write_bytes(b"\n".join(told) + b"\n")
    given = [
        *("fuzz", f"-runs={count}", f"-seed={seed + 1}", "-max_len=65536", "-timeout=0"),
        *("-rss_limit_mb=0", "-malloc_limit_mb=0", "-print_final_stats=0", "-verbosity=0"),
        *("-handle_abrt=0", f"-dict={words}", f"-artifact_prefix={corpus.parent}/", str(corpus)),
    ]

    def give(data: bytes) -> None:
        attempts.one(bytes(data), attempts.tally.inputs)

    atheris.Setup(given, give)
    atheris.Fuzz()


if __name__ == "__main__":
    work(Share(**json.loads(sys.argv[1])))
