"""What can go wrong in the town, said so that a test's reader knows what to look at."""


class TownError(Exception):
    """The town cannot do what it was asked to do."""


class NotSeenError(AssertionError):
    """What was waited for did not happen in time; the message ends with what the diary shows."""
