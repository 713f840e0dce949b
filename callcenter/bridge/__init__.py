"""The link to the telephone exchange over AMI. See `bridge.Bridge`."""

from callcenter.bridge.actions import Actions, Leg
from callcenter.bridge.bridge import Bridge, BridgeCallbacks, Originated
from callcenter.bridge.calls import Calls, Snapshot
from callcenter.bridge.errors import (
    ActionRefusedError,
    ActionTimeoutError,
    BridgeError,
    LinkDownError,
    UnsafeValueError,
)
from callcenter.bridge.household import HouseholdData
from callcenter.bridge.link import LinkState
from callcenter.bridge.seats import SeatWish
from callcenter.bridge.settings import BridgeSettings

__all__ = [
    "ActionRefusedError",
    "ActionTimeoutError",
    "Actions",
    "Bridge",
    "BridgeCallbacks",
    "BridgeError",
    "BridgeSettings",
    "Calls",
    "HouseholdData",
    "Leg",
    "LinkDownError",
    "LinkState",
    "Originated",
    "SeatWish",
    "Snapshot",
    "UnsafeValueError",
]
