"""Alarms: conditions that need a person's act, and the answers that end them."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from api.context import Operator, Reader, Site
from api.models import Body, Done, Limit, Name, Offset, Page, answer, done, page, read_model
from api.problems import unknown
from wcs.core import entities as e
from wcs.core import events as v

router = APIRouter(prefix="/alarms", tags=["alarms"])
ALARM = {
    "number": 3, "subject": "CR1", "code": "outcome_unknown", "text": "task 17: where is load unit 1000123?",
    "raised_ms": 1800000000000, "task": 17, "load_unit": 1000123,
    "answers": ["at_source", "on_device", "at_sink", "gone"],
}  # fmt: skip
AlarmModel = read_model(e.Alarm, ALARM)


class AlarmDetail(BaseModel):
    """With the places that the answers are about, where it is about a task."""

    alarm: AlarmModel  # type: ignore[valid-type]
    device: str
    source: str
    sink: str


class AnswerBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"answer": "at_sink"}]})
    answer: Name


@router.get("", response_model=Page[AlarmModel])  # type: ignore[valid-type]
async def list_alarms(site: Site, _: Reader, limit: Limit = 100, offset: Offset = 0) -> Response:
    """Open alarms."""
    return page(site.view.alarm, limit, offset)


@router.get("/{number}", response_model=AlarmDetail)
async def read_alarm(site: Site, _: Reader, number: int) -> Response:
    alarm = site.view.alarm.get(number)
    if alarm is None:
        raise unknown("number", "open alarm", number)
    task = site.view.task.get(alarm.task)
    places = (task.device, task.source, task.sink) if task is not None else ("", "", "")
    return answer({"alarm": alarm, "device": places[0], "source": places[1], "sink": places[2]})


@router.post("/{number}/answer", response_model=Done)
async def answer_alarm(site: Site, actor: Operator, number: int, body: AnswerBody) -> Response:
    """Answer with one of the alarm's answers."""
    if number not in site.view.alarm:
        raise unknown("number", "open alarm", number)
    return done(
        await site.submit(lambda at_ms: v.AlarmAnswered(at_ms=at_ms, actor=actor, alarm=number, answer=body.answer))
    )
