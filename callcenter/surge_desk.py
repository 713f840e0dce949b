"""Keeps a surge's plan going while the service runs: plans, carries out what is due, and plans again as answers come.

The planner runs in a process of its own, of low priority: it computes for seconds, and an emergency must not wait for
it. Rows are carried out one by one, each by a command of its own, at the lowest priority of the writer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime, timedelta
from multiprocessing import get_context

from dispatch import surge, surge_plans, surge_reading
from dispatch.surge import Plan, Pressure
from dispatch.surge_reading import Snapshot
from dispatch.surge_tables import SurgePlan
from foundation.database import Database
from foundation.errors import AppError
from foundation.writer import Priority, Writer

log = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(seconds=20)
"""A plan is not made again sooner: several answers are taken together."""
AT_ONCE = 20
"""So many rows are carried out in one look; the next look is a second later."""

Planner = Callable[[Snapshot], tuple[Plan, Pressure]]


def compute(snapshot: Snapshot) -> tuple[Plan, Pressure]:
    """What the planner's process does."""
    return (
        surge.make_plan(snapshot.requests, snapshot.servers),
        surge.pressure(snapshot.requests, snapshot.servers),
    )


class SurgeDesk:
    """`look` runs each second; `step` is the same without the loop. `stop` ends the planner's process."""

    def __init__(self, database: Database, writer: Writer, planner: Planner | None = None) -> None:
        self._database = database
        self._writer = writer
        self._planner = planner
        self._pool: ProcessPoolExecutor | None = None
        self._ended = True  # a plan may have ended while no process ran

    async def look(self, now: datetime) -> None:
        """One step, in a thread: the loop goes on."""
        await asyncio.to_thread(self.step, now)

    def step(self, now: datetime) -> None:
        """Plan if the plan is out of date; carry out what is due; end what has nothing left to do."""
        with self._database.read() as session:
            plan = surge_reading.open_plan(session)
            old = plan is not None and _rested(plan, now) and surge_reading.news(session, plan)
        if plan is None:
            self.stop()
            self._let_go()
            return
        self._ended = True
        if old:
            self._plan_again(now)
        if plan.state == "running":
            self._carry_out()
            self._end_if_done()

    def stop(self) -> None:
        """End the planner's process, if there is one."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def _plan_again(self, now: datetime) -> None:
        with self._database.read() as session:
            snapshot = surge_reading.snapshot(session, now)
        if snapshot.plan_id is None:
            return
        began = time.monotonic()
        found, pressure = self._computed(snapshot)
        seconds = time.monotonic() - began
        while self._call(surge_plans.sweep, snapshot.plan_id):
            pass  # what an earlier planning left behind
        for at in range(0, len(found.visits), surge_plans.ROWS_AT_ONCE):
            part = found.visits[at : at + surge_plans.ROWS_AT_ONCE]
            self._call(surge_plans.store, snapshot.plan_id, snapshot.version + 1, snapshot, part)
        self._call(surge_plans.turn, snapshot, found, pressure, seconds)
        while self._call(surge_plans.sweep, snapshot.plan_id):
            pass

    def _computed(self, snapshot: Snapshot) -> tuple[Plan, Pressure]:
        if self._planner is not None:
            return self._planner(snapshot)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=os.nice, initargs=(10,))
        try:
            return self._pool.submit(compute, snapshot).result()
        except BrokenProcessPool:
            self._pool = None  # it was killed; the next look begins a new one
            raise

    def _carry_out(self) -> None:
        with self._database.read() as session:
            plan = surge_reading.open_plan(session)
            due = surge_reading.due_rows(session, plan, AT_ONCE) if plan is not None else []
        for row_id in due:
            try:
                self._call(surge_plans.carry_out, row_id)
            except AppError as error:
                self._call(surge_plans.give_up, row_id, f"{error.zh} / {error.en}")

    def _let_go(self) -> None:
        """After the end: who was planned and not asked for is offered as on other days."""
        if not self._ended:
            return
        with self._database.read() as session:
            rows = surge_reading.left_over(session, AT_ONCE)
        for row_id in rows:
            self._call(surge_plans.let_go, row_id)
        self._ended = bool(rows)

    def _end_if_done(self) -> None:
        with self._database.read() as session:
            plan = surge_reading.open_plan(session)
            if plan is None or not surge_reading.is_done(session, plan):
                return
        self._call(surge_plans.end, "没有等待的求助了 / nothing waits any more")

    def _call(self, command: Callable[..., object], *args: object) -> object:
        return self._writer.call(command, *args, actor="surge", priority=Priority.BULK)


def _rested(plan: SurgePlan, now: datetime) -> bool:
    return plan.planned_at is None or now - plan.planned_at >= AGAIN_AFTER
