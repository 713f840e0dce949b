"""The bridge's settings. Times are seconds unless a name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """How to reach one exchange node, and how patient to be with it.

    The defaults are those of docs/telephone.md and of the exchange's rendered manager.conf; tests shorten them.
    """

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    ssl: SSLContext | None = None
    spool: Path | None = None
    """The folder that holds `journal/` with the step files; None where the exchange runs elsewhere."""
    service_queue: str = "service"
    hotline: str = "81890"
    """What a telephone shows that we call back."""

    connect_timeout: float = 5.0
    login_timeout: float = 5.0
    boot_timeout: float = 5.0
    """How long to wait for FullyBooted before going on without it (it comes only with the `system` read right)."""
    resync_timeout: float = 60.0
    backoff_first: float = 1.0
    backoff_cap: float = 30.0
    refused_wait: float = 60.0
    stable_after: float = 10.0
    """A connection that was ready this long starts the back-off anew when it breaks."""

    ping_interval: float = 10.0
    ping_timeout: float = 5.0
    ping_misses: int = 2
    audit_interval: float = 45.0
    """A full resync this often even if nothing seems wrong: events get lost without a sign."""

    action_timeout: float = 5.0
    list_timeout: float = 30.0
    lease_timeout: float = 2.0

    queue_limit: int = 20_000
    """Events waiting for the consumer; more means a resync."""
    buffer_cap: int = 4 * 1024 * 1024
    """Bytes of one unfinished message; more means the peer is broken and the connection is dropped."""

    journal_gather: float = 0.05
    """How long steps of calls that are no emergency wait for one another, to be committed together."""
    journal_batch: int = 500
    """Calls handed over in one go, each with all its steps."""
    journal_pending: int = 100_000
    """Steps kept in memory while they cannot be committed; more stay in the exchange and are read again later."""
    journal_timeout: float = 30.0
    journal_tries: int = 8
    """Refusals of one single step, each while others were accepted, before it is set aside."""
    journal_backoff: float = 0.05
    journal_backoff_cap: float = 5.0
