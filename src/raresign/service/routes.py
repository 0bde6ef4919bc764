"""What is done for each address of the service."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

import raresign
from raresign.service import messages as told
from raresign.service.answering import Answering
from raresign.service.bodies import FORM, kind_of, read_form, read_json
from raresign.service.guard import KEY
from raresign.service.jobs import Job
from raresign.service.refusal import Refused
from raresign.service.served_model import Loaded

if TYPE_CHECKING:
    from starlette.requests import Request

_ICON_BYTES = 2_000_000
_ICONS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpg"))


class Routes:
    """The handlers, one method an address. What is asked often is answered in plain values.

    Args:
        answering: Answers.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._settings, self._model = answering.settings, answering.model

    async def classify(self, request: Request) -> dict[str, Any]:
        """Name signs on pictures."""
        most = self._settings.most_crops
        if kind_of(request) == FORM:
            pictures, form = await read_form(
                request, most, self._settings.most_bytes, told.BoxesAsked, "picture"
            )
            boxes = [form.boxes] * len(pictures)
            top = form.top
        else:
            asked = await read_json(request, told.ClassifyAsked)
            if len(asked.pictures) > most:
                raise Refused(413, f"{len(asked.pictures)} pictures", f"send at most {most}")
            pictures = [b64decode(one.content) for one in asked.pictures]
            boxes, top = [one.boxes for one in asked.pictures], asked.top
        loaded, answers = await self._answering.crops(pictures, boxes, top)
        return {"model": _version(loaded), "answers": answers}

    async def annotate(self, request: Request) -> dict[str, Any]:
        """Say what a detector's boxes show."""
        if kind_of(request) == FORM:
            pictures, form = await read_form(
                request, 1, self._settings.most_bytes, told.DetectionsAsked, "picture"
            )
            picture, detections = pictures[0], form.annotations
        else:
            asked = await read_json(request, told.AnnotateAsked)
            picture, detections = b64decode(asked.content), asked.annotations
        boxes = [one.shape for one in detections]
        loaded, answers = await self._answering.crops([picture], [boxes], 5)
        model, signs = _version(loaded), loaded.recogniser.catalogue
        made = []
        for one, answer in zip(detections, answers, strict=True):
            said: dict[str, str] = {}
            if answer["level"] == "class":
                code, probability = (answer["answers"][0][key] for key in ("code", "probability"))
                said = raresign.semantics(code, signs.country, model, probability)
            pairs = [{"key": key, "value": value} for key, value in said.items()]
            made.append({"id": one.id, "shape": one.shape, "semantics": pairs, "answer": answer})
        return {"model": model, "annotations": made}

    async def classes(self, request: Request) -> BaseModel:
        """List the classes of the model."""
        loaded = self._model.current
        signs = [_known(sign) for sign in loaded.recogniser.catalogue.classes]
        return told.Signs(model=_version(loaded), classes=signs)

    async def add_class(self, request: Request) -> BaseModel:
        """Have a class added from its icon; the job that does it is told under its address."""
        self._may_change(request)
        self._model.check_can_add()
        if kind_of(request) == FORM:
            raise Refused(415, "a form", "send JSON with the icon in base64")
        asked = await read_json(request, told.ClassAsked)
        icon = b64decode(asked.icon)
        if len(icon) > _ICON_BYTES:
            raise Refused(413, "the icon is too large", f"send at most {_ICON_BYTES / 1e6:g} MB")
        if self._model.current.recogniser.catalogue.label_of(asked.code) >= 0:
            raise Refused(422, f"the model has a class '{asked.code}'", "choose another code")
        kind = next((kind for start, kind in _ICONS if icon.startswith(start)), "svg")
        return _told(self._model.add(asked.code, asked.name.strip(), icon, kind))

    async def job(self, request: Request, job: str) -> BaseModel:
        """How far a class is that is being added."""
        found = self._model.jobs.find(job)
        if found is None:
            raise Refused(404, "there is no such job", "jobs end with the service that took them")
        return _told(found)

    async def remove_class(self, request: Request, code: str) -> None:
        """Remove a class that was added."""
        self._may_change(request)
        if self._model.current.recogniser.catalogue.label_of(code) < 0:
            raise Refused(404, f"the model has no class '{code[:100]}'", "see GET /v1/classes")
        await asyncio.to_thread(self._model.remove, code)

    async def model(self, request: Request, code: str | None = None) -> BaseModel:
        """What answers here, and whether a sign is among its classes."""
        loaded = self._model.current
        recogniser = loaded.recogniser
        label = recogniser.catalogue.label_of(code) if code is not None else -1
        card = await asyncio.to_thread(lambda: self._model.card)
        return told.ModelFacts(
            model=_version(loaded),
            kind=self._model.kind,
            raresign=raresign.__version__,
            country=recogniser.catalogue.iso,
            classes=len(recogniser.catalogue),
            crop_size=recogniser.encoder.crop_size,
            card=card,
            asked=_known(recogniser.catalogue[label]) if label >= 0 else None,
            known=None if code is None else label >= 0,
        )

    async def healthy(self, request: Request) -> BaseModel:
        """The process lives."""
        return told.Health(status="ok")

    async def ready(self, request: Request) -> BaseModel:
        """It takes requests."""
        if self._answering.batcher.stopping:
            raise Refused(503, "the service is being stopped", "ask another one")
        return told.Health(status="ready")

    def _may_change(self, request: Request) -> None:
        """Refuse a key that may only ask, and a model that only answers."""
        key: Any = request.scope.get(KEY)
        if key is not None and not key.may_change:
            hint = "raresign new-key FILE --may-change makes one that may"
            raise Refused(403, f"the key '{key.name}' may not change classes", hint)
        if self._settings.workers > 1:
            hint = (
                "change the run with `raresign add-class` or `raresign remove-class`: all workers "
                "take it within seconds; or serve with --workers 1"
            )
            problem = f"one of {self._settings.workers} workers does not change the model"
            raise Refused(409, problem, hint)
        self._model.check_changeable()


def _told(job: Job) -> told.JobTold:
    result = None if job.result is None else told.SignAdded(**job.result)
    return told.JobTold(
        id=job.id,
        code=job.code,
        state=job.state,
        message=job.message,
        hint=job.hint,
        result=result,
    )


def _version(loaded: Loaded) -> str:
    return f"{loaded.name}/{loaded.version}"


def _known(sign: Any) -> told.SignKnown:
    return told.SignKnown(
        code=sign.code, name=sign.title, family=sign.family, type=sign.type, twin=sign.twin
    )
