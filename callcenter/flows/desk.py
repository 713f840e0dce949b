"""The flows of one home as a person sees them: the draft, what is wrong with it, what is in force, and publishing it.

Everything here reads files and the database and compiles: it blocks, and belongs into a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from foundation.database import Database
from foundation.errors import NotFound
from foundation.writer import Writer
from ivr_flows import approvals, loading, publishing, queries
from ivr_flows.approvals import Lacking
from ivr_flows.check import errors, examine
from ivr_flows.compiler import compile_flows
from ivr_flows.errors import FlowsRefused
from ivr_flows.model import LANGUAGES, Finding, FlowError, FlowSet
from ivr_flows.prompts import FILE, Prompt, prompts
from ivr_flows.publishing import Made

MOST_SHOWN = 50


@dataclass(frozen=True)
class Draft:
    """The files as they are now: the set, None when one of them cannot be used, and everything that is wrong."""

    sources: Mapping[str, bytes]
    flows: FlowSet | None
    findings: Sequence[Finding]
    texts: Mapping[str, tuple[str, str]] = field(repr=False)
    """What each prompt says, in Chinese and English."""

    @property
    def errors(self) -> list[Finding]:
        """What keeps it from being published."""
        return errors(self.findings)


class FlowDesk:
    """`own` is the site's folder of flows, `recordings` that of its prompts, `transfers` the settings' numbers."""

    def __init__(
        self, own: Path, recordings: Path, transfers: Mapping[str, str], database: Database, writer: Writer
    ) -> None:
        self.own = own
        self._recordings = recordings
        self._transfers = dict(transfers)
        self._database = database
        self._writer = writer

    def draft(self, today: date) -> Draft:
        """Read and check the files."""
        told, broken = self._prompts()
        texts = {prompt.name: (prompt.zh, prompt.en) for prompt in told}
        try:
            sources = loading.sources(self.own)
        except OSError as error:
            path, why = str(error.filename or self.own), str(error.strerror or error)
            zh, en = f"文件读不出来（{why}）", f"the file cannot be read ({why})"
            return Draft({}, None, [Finding("error", "unreadable", path, 1, "", zh, en)], texts)
        languages = dict.fromkeys((prompt.name for prompt in told), LANGUAGES)
        unapproved = approvals.unapproved(self._recordings)
        flows, findings = examine(sources, self._transfers, languages, unapproved, today)
        return Draft(sources, flows, [*broken, *findings], texts)

    def lacking(self) -> list[Lacking]:
        """The life-safety prompts that are not approved human recordings, with the reason for each."""
        return approvals.lacking(self._recordings)

    def version(self, number: int) -> FlowSet:
        """The set that was published as `number`; 0 is the delivered one. Raises NotFound."""
        if number == 0:
            return loading.shipped()
        with self._database.read() as session:
            found = queries.version(session, number)
        if found is None:
            raise NotFound(f"没有版本 {number}", f"there is no version {number}")
        return loading.read_set(found.sources, found.transfers)

    def current(self) -> int:
        """The version in force."""
        with self._database.read() as session:
            return queries.current_version(session)

    def publish(self, reason: str, actor: str, today: date) -> tuple[int, int]:
        """Check, compile and order; the publication's id and its version. Raises FlowsRefused, and what
        `publishing.order` raises; before that nothing is written."""
        draft = self.draft(today)
        refuse(draft)
        flows = draft.flows
        assert flows is not None
        sources = {name: text.decode() for name, text in draft.sources.items()}
        warnings = [str(finding) for finding in draft.findings][:MOST_SHOWN]

        def make(number: int) -> Made:
            return Made(number, sources, self._transfers, warnings, compile_flows(flows, number))

        return publishing.publish(self._database, self._writer, make, reason=reason, actor=actor)

    def renew(self) -> int | None:
        """Publish what is in force once more when this software compiles it otherwise than the one that published it;
        the new version's number, None when it is the same text. Raises FlowError, and what `publishing.order` raises.
        """
        with self._database.read() as session:
            number = queries.current_version(session)
            found = queries.version(session, number)
        if found is None:
            return None
        flows = loading.read_set(found.sources, found.transfers)
        if compile_flows(flows, number) == found.dialplan:
            return None

        def make(following: int) -> Made:
            text = compile_flows(flows, following)
            return Made(following, found.sources, found.transfers, list(found.warnings), text)

        reason = "软件更新，重新编译 / compiled again by new software"
        return publishing.publish(self._database, self._writer, make, reason=reason, actor="system", again=True)[1]

    def back(self, reason: str, actor: str) -> int:
        """Order the one step back; its publication's id."""
        return self._writer.call(publishing.order_back, reason, actor=actor)

    def withdraw(self, publication_id: int, reason: str, actor: str) -> None:
        """Take back what no node could carry out yet."""
        self._writer.call(publishing.withdraw, publication_id, reason, actor=actor)

    def _prompts(self) -> tuple[list[Prompt], list[Finding]]:
        try:
            return prompts(self._recordings / FILE), []
        except FlowError as error:
            return prompts(), list(error.findings)


def refuse(draft: Draft) -> None:
    """Raise FlowsRefused when the draft cannot be published, with the first of what is wrong."""
    wrong = draft.errors
    if draft.flows is None or wrong:
        first = wrong[0]
        raise FlowsRefused(
            f"检查发现 {len(wrong)} 处错误，未发布。第一处：{first.path} 第 {first.line} 行 {first.step} {first.zh}",
            f"The check found {len(wrong)} errors; nothing was published. The first: {first.path}, line {first.line}, "
            f"step {first.step or '-'}: {first.en}",
            findings=[str(finding) for finding in wrong],
        )
