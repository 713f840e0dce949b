"""Recordings: an operator pauses one while something private is said; a supervisor listens, which is written down."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import FileResponse, HTMLResponse
from itsdangerous import BadData, URLSafeTimedSerializer

from callcenter.console.house import House, InHouse, Operator, Supervisor
from dispatch import cards, recordings
from dispatch.errors import missing
from dispatch.recording_tables import Recording
from foundation.writer import Priority

router = APIRouter()

ArrivalId = Annotated[int, Path(ge=1, le=2**53)]
RecordingId = Annotated[int, Path(ge=1, le=2**53)]
HEARD_WITHIN_S = 1800
"""So long an opened recording can be played, wound back, and played again."""


@router.post("/calls/{arrival_id}/recording")
def pause(
    in_house: InHouse,
    viewer: Operator,
    arrival_id: ArrivalId,
    paused: Annotated[bool, Form()],
) -> HTMLResponse:
    """暂停录音 / 恢复录音."""
    in_house.writer.call(recordings.pause, arrival_id, paused=paused, actor=viewer.actor, priority=Priority.EMERGENCY)
    with in_house.database.read() as session:
        caller = cards.caller_card(session, arrival_id, viewer.sight)
        if caller is None:
            raise missing("来件", "arrival", arrival_id)
        return in_house.pages.fragment("call_actions.html", viewer, caller=caller)


@router.post("/recordings/{recording_id}/open")
def open_one(in_house: InHouse, viewer: Supervisor, recording_id: RecordingId) -> HTMLResponse:
    """Written down who listens, then the player."""
    in_house.writer.call(recordings.open_for, recording_id, actor=viewer.actor)
    ticket = _signer(in_house).dumps([viewer.user_id, recording_id])
    return in_house.pages.fragment("player.html", viewer, source=f"/recordings/{recording_id}/audio?pass={ticket}")


@router.get("/recordings/{recording_id}/audio")
def audio(
    in_house: InHouse,
    viewer: Supervisor,
    recording_id: RecordingId,
    ticket: Annotated[str, Query(alias="pass", max_length=300)] = "",
) -> FileResponse:
    """The sound itself, for whoever has just opened it."""
    try:
        told = _signer(in_house).loads(ticket, max_age=HEARD_WITHIN_S)
    except BadData:
        told = None
    with in_house.database.read() as session:
        row = session.get(Recording, recording_id)
        path = in_house.recording_file(row) if row is not None and row.state == "kept" else None
    if told != [viewer.user_id, recording_id] or path is None:
        raise missing("录音", "recording", recording_id)
    return FileResponse(path, media_type="audio/wav", headers={"Cache-Control": "no-store"})


def _signer(in_house: House) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(in_house.settings.secret, salt="console-recording")
