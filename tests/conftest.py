"""What holds for every test: nothing leaves this machine, and where a machine runs them none is skipped."""

from __future__ import annotations

import ipaddress
import os
import sys

import pytest

CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_configure(config: pytest.Config) -> None:
    sys.addaudithook(refuse_other_machines)


def refuse_other_machines(event: str, arguments: tuple[object, ...]) -> None:
    """Lets a test reach this machine only. An address that is no number has been looked up by then."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple) or not address:
        return  # a Unix socket, or the kernel's own kinds
    try:
        loopback = ipaddress.ip_address(str(address[0]).split("%")[0]).is_loopback
    except ValueError:
        loopback = address[0] == "localhost"
    if not loopback:
        raise RuntimeError(f"a test tried to reach {address[0]!r}: tests use addresses of this machine only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the long trials out unless they are asked for (`make soak`)."""
    if config.getoption("markexpr"):
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """With CI set a skipped test is a failed one: what was not run was not shown to work."""
    report = yield
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped ({reason}); with CI set no test may be skipped"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):  # type: ignore[no-untyped-def]
    """A whole file that skips itself while it is collected counts the same."""
    report = yield
    if CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} skipped itself while collected; with CI set no test may be skipped"
    return report
