"""Small things a person must look at that are no tickets; one open task for a kind and subject."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatch.errors import missing
from dispatch.tables import StaffTask
from foundation.text import clean
from foundation.writer import Work


def add_tasks(
    w: Work, kind: str, texts: Mapping[str, str], *, numbers: Mapping[str, str] | None = None,
    arrival_ids: Mapping[str, int] | None = None, ticket_ids: Mapping[str, int] | None = None,
) -> None:  # fmt: skip
    """Put tasks on the board, `texts` being subject -> words; a subject that is there already is left as it is."""
    if not texts:
        return
    rows = [
        {
            "kind": kind,
            "subject": clean(subject, 160),
            "text": clean(words, 1000),
            "number": (numbers or {}).get(subject, ""),
            "arrival_id": (arrival_ids or {}).get(subject),
            "ticket_id": (ticket_ids or {}).get(subject),
            "created_at": w.now,
        }
        for subject, words in texts.items()
    ]
    insert = postgresql.insert if w.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    add = insert(StaffTask).on_conflict_do_nothing(
        index_elements=["kind", "subject"], index_where=text("done_at IS NULL")
    )
    w.session.execute(add, rows)
    w.log("task.added", task=kind, count=len(rows))


def settle(w: Work, kind: str, subject: str) -> None:
    """What the task asked for has happened by itself."""
    change = update(StaffTask).where(
        StaffTask.kind == kind, StaffTask.subject == clean(subject, 160), StaffTask.done_at.is_(None)
    )
    w.session.execute(change.values(done_at=w.now, done_by=w.actor).execution_options(synchronize_session=False))


def finish_task(w: Work, task_id: int) -> None:
    """Somebody has seen to it. Finishing a finished task is no error."""
    change = update(StaffTask).where(StaffTask.id == task_id, StaffTask.done_at.is_(None))
    done = w.session.execute(change.values(done_at=w.now, done_by=w.actor).execution_options(synchronize_session=False))
    if done.rowcount == 1:  # type: ignore[attr-defined]
        w.log("task.done", task=task_id)
    elif w.session.get(StaffTask, task_id) is None:
        raise missing("事项", "task", task_id)
