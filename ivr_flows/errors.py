"""What can go wrong when flows are put into force, with the words people get."""

from __future__ import annotations

from foundation.errors import Conflict, Invalid


class FlowsRefused(Invalid):
    """The check found errors; nothing was written. `details["findings"]` are their lines."""

    error_id = "flows_refused"


class PublicationUnderWay(Conflict):
    """Another publication is on its way to the exchange; one at a time."""

    error_id = "publication_under_way"


class PublicationMoved(Conflict):
    """The publication is no longer where this step would find it."""

    error_id = "publication_moved"


class NothingChanged(Conflict):
    """These flows are in force already."""

    error_id = "nothing_changed"


class NothingBefore(Conflict):
    """The flows in force are the ones that were delivered: there is no step back from them."""

    error_id = "nothing_before"


class VersionTaken(Conflict):
    """Somebody else published between our reading and our writing; compile again under the next number."""

    error_id = "version_taken"
