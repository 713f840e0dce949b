"""Flows inside the running application: the keeper of its exchange node, and whoever answers what calls ask."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from callcenter.bridge.actions import Actions
from callcenter.bridge.asking import Ask
from callcenter.exchange.flows import FlowsNotLoaded, NodeFlows
from callcenter.flows.keeper import FlowKeeper
from callcenter.flows.telling import Teller
from foundation.asterisk.provision import find_espeak
from foundation.clock import Clock
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.writer import Writer
from ivr_flows import queries
from ivr_flows.numbers_spoken import Language
from ivr_flows.sounds import PromptError, install
from ivr_flows.speech import SpeechError, Voice, forget, speak

log = logging.getLogger(__name__)

_FORGET_EVERY_S = 3600.0


@dataclass(frozen=True)
class FlowPlan:
    """Where the node's files go: `folder` for versions, `sounds` for what is spoken, None where the exchange's disk is
    not ours; `recordings` are the site's own. `by_hand`: a person brings the versions to the exchange."""

    folder: Path
    sounds: Path | None = None
    recordings: Path | None = None
    by_hand: bool = False
    cache: Path | None = None


class FlowRoom:
    """Made by the service in its loop; `run` belongs among its tasks."""

    def __init__(
        self,
        plan: FlowPlan,
        node: str,
        numbers: NumberPlan,
        actions: Actions,
        database: Database,
        writer: Writer,
        clock: Clock,
        *,
        is_ready: Callable[[], bool],
        on_alarm: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._database = database
        self._on_alarm = on_alarm
        self._renewing: asyncio.Task[None] | None = None
        self._voice: Voice | None = None
        self._voice_lock = threading.Lock()
        self._seen: tuple[int, str] | None = None
        self._forgotten_at = 0.0
        self.keeper = FlowKeeper(
            node, NodeFlows(plan.folder, actions, by_hand=plan.by_hand), database, writer, clock,
            is_ready=is_ready, not_loaded=(FlowsNotLoaded,), on_alarm=on_alarm, before_loading=self._have_prompts,
        )  # fmt: skip
        self.teller = Teller(database, clock, numbers, self._speak, actions.set_var)

    def hear(self, ask: Ask) -> None:
        """A call asks; in the event path."""
        self.teller.hear(ask)

    async def run(self) -> None:
        """Keep the node until cancelled."""
        try:
            await self.keeper.run()
        finally:
            if self._renewing is not None:
                self._renewing.cancel()
            await self.teller.stop()

    async def notice(self, _now: datetime) -> None:
        """A publication may be ordered by another process, whose commits nobody tells us of. A chore of each second."""
        coming = await asyncio.to_thread(self._coming)
        if coming != self._seen:
            self._seen = coming
            self.keeper.look_soon()
        if self._plan.sounds is not None and time.monotonic() - self._forgotten_at > _FORGET_EVERY_S:
            self._forgotten_at = time.monotonic()
            await asyncio.to_thread(forget, self._plan.sounds)

    def renew_soon(self, renew: Callable[[], int | None]) -> None:
        """Have the flows in force compiled again, by `renew`, where this software would compile them otherwise."""
        self._renewing = asyncio.create_task(self._renew(renew), name="renew flows")

    async def _renew(self, renew: Callable[[], int | None]) -> None:
        try:
            version = await asyncio.to_thread(renew)
        except Exception as error:
            log.exception("the flows in force could not be compiled again by this software; they stay as they are")
            self._on_alarm(f"正在使用的流程须重新发布 / the flows in force must be published again: {error}")
        else:
            if version is not None:
                log.info("the flows in force were compiled again by this software, as version %d", version)

    @property
    def metrics(self) -> dict[str, float]:
        """Figures of the questions."""
        return {f"questions_{name}": value for name, value in asdict(self.teller.counters).items()}

    def _coming(self) -> tuple[int, str] | None:
        with self._database.read() as session:
            coming = queries.under_way(session)
            return (coming.id, coming.state) if coming is not None else None

    def _speak(self, text: str, language: str) -> str:
        if self._plan.sounds is None:
            raise SpeechError("the exchange's sounds are not on this machine")
        told: Language = "en" if language == "en" else "zh"
        return speak(text, told, self._known_voice(), self._plan.sounds)

    def _have_prompts(self) -> None:
        """A new version may say what nothing said before: have it spoken before a caller could hear silence."""
        espeak = find_espeak(self._plan.cache)
        if self._plan.sounds is None or self._plan.recordings is None or espeak is None:
            return
        try:
            install(self._plan.sounds, self._plan.recordings, espeak, cache=self._plan.cache)
        except (PromptError, OSError) as error:
            log.exception("not every prompt of the new flows could be made")
            self._on_alarm(f"有提示音没有做好 / not every prompt could be made: {error}")

    def _known_voice(self) -> Voice:
        with self._voice_lock:
            if self._voice is None:
                espeak = find_espeak(self._plan.cache)
                if espeak is None:
                    raise SpeechError("there is no espeak-ng here yet")
                self._voice = Voice(espeak, self._plan.cache)
            return self._voice
