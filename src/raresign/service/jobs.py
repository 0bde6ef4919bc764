"""What takes longer than a request: jobs, one at a time, in a bounded queue."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import raresign
from raresign.service.own_process import BrokenOffError, Say
from raresign.service.refusal import Refused, too_many
from raresign.service.request_log import tell

State = Literal["queued", "running", "done", "failed"]
Work = Callable[[Say], dict[str, Any]]
_MOST_WAITING = 16
_KEPT = 200


@dataclass(eq=False)
class Job:
    """A class that is being added.

    Args:
        id: Its name in addresses.
        code: Of the class.
        state: How far it is.
        message: The same in words, or what went wrong.
        hint: What to do about it.
        result: What is known of the class, once it is there.
    """

    id: str
    code: str
    state: State = "queued"
    message: str = "waits for its turn"
    hint: str = ""
    result: dict[str, Any] | None = None


class Jobs:
    """Does jobs in a thread, in the order in which they came.

    Args:
        rest: Is called when nothing is left to do, and to break off what runs.
        most_waiting: Jobs that wait beside the one that runs.
        kept: Jobs that can still be asked for; the oldest are forgotten.

    Example:
        >>> jobs = Jobs(lambda: None)
        >>> job = jobs.submit("2.5", lambda say: {"code": "2.5"})
        >>> jobs.wait(10), job.state, jobs.find(job.id) is job
        (True, 'done', True)
    """

    def __init__(
        self, rest: Callable[[], object], most_waiting: int = _MOST_WAITING, kept: int = _KEPT
    ) -> None:
        self._rest, self._most_waiting, self._kept = rest, most_waiting, kept
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._waiting: deque[tuple[Job, Work]] = deque()
        self._known: dict[str, Job] = {}
        self._stopping = False

    @property
    def busy(self) -> bool:
        """Whether a job waits or runs."""
        return not self._idle.is_set()

    def submit(self, code: str, work: Work) -> Job:
        """Let something be done when its turn has come.

        Args:
            code: Class code.
            work: Gives the result; it is handed what takes messages.

        Raises:
            Refused: 429, too many wait; 503, the service is being stopped.
        """
        job = Job(secrets.token_hex(16), code)
        with self._lock:
            if self._stopping:
                raise Refused(503, "the service is being stopped", "ask another one")
            if len(self._waiting) >= self._most_waiting:
                raise too_many("classes to add", seconds=10)
            self._waiting.append((job, work))
            self._known[job.id] = job
            ended = [one.id for one in self._known.values() if one.state in ("done", "failed")]
            for old in ended[: max(len(self._known) - self._kept, 0)]:
                del self._known[old]
            if self._idle.is_set():
                self._idle.clear()
                threading.Thread(target=self._do_all, name="jobs", daemon=True).start()
        return job

    def find(self, name: str) -> Job | None:
        """The job of an id; None if there is none, or if it is forgotten."""
        return self._known.get(name)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left to do; whether that is so."""
        return self._idle.wait(seconds)

    def close(self) -> None:
        """Take nothing new, let what waits fail, and break off what runs."""
        with self._lock:
            self._stopping = True
            for job, _ in self._waiting:
                _fail(job, "the service was stopped before its turn came", "send it again")
            self._waiting.clear()
            self._rest()

    def _do_all(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._rest()
                    self._idle.set()
                    return
                job, work = self._waiting.popleft()
                job.state, job.message = "running", "is being added"
            _do(job, work)
            tell("job", code=job.code, state=job.state, why=job.message[:300])


def _do(job: Job, work: Work) -> None:
    """Do one job, whatever happens."""

    def say(text: str) -> None:
        job.message = text

    try:
        result = work(say)
    except raresign.InputError as error:
        _fail(job, error.problem, error.hint)
    except OSError as error:
        problem = f"the run cannot be written: {error.strerror or error}"
        _fail(job, problem, "let the service write to it")
    except BrokenOffError:
        _fail(job, "was broken off; the model is as it was", "send it again")
    except Exception:
        tell("fault", logging.ERROR, fault=True, job=job.id)
        _fail(job, "a fault of the service", f"its log says more of job {job.id}")
    else:
        job.result, job.message = result, "is in the model"
        job.state = "done"


def _fail(job: Job, message: str, hint: str) -> None:
    job.message, job.hint = message, hint
    job.state = "failed"
