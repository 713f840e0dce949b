"""``branch``: goes on by what a variable holds, or by how many are waiting, free or hit by an incident."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ivr_flows.dialplan_writer import Safe, literal, variable
from ivr_flows.kinds.kind import Edge, Kind, Option, Ways
from ivr_flows.kinds.values import LITERAL, VARIABLE, OneOf, Raw, Text, Whole, Wrong
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter

COUNTS: Mapping[str, str] = {
    "waiting": "服务队列里等候的人数 / callers waiting in the service queue",
    "free": "空闲的座席数 / free seats",
    "incidents": "进行中的突发事件数 / mass incidents that are open",
}
"""What the exchange itself can count, without the application."""


@dataclass(frozen=True)
class Subject:
    """A count of the exchange, or a variable of the flow."""

    def read(self, raw: Raw) -> str:
        if isinstance(raw, str) and re.fullmatch(VARIABLE, raw, re.ASCII):
            return raw
        return OneOf({**COUNTS, "VARIABLE": ""}).read(raw)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(COUNTS)}, Text(VARIABLE, "", "").schema()]}


def _check(step: Step) -> Iterator[Wrong]:
    counts = step.options["branch"] in COUNTS
    compares = counts or "at_least" in step.lines
    needed = {"at_least", "yes", "no"} if compares else {"cases"}
    allowed = needed if counts else {*needed, "otherwise"}
    for name in sorted(allowed - set(step.lines)):
        yield Wrong(f"缺少 {name}", f"`{name}` is missing")
    for name in sorted({"at_least", "yes", "no", "cases", "otherwise"} & set(step.lines) - allowed):
        yield Wrong(
            f"{name} 在这里没有用；数量用 at_least, yes, no，变量用 cases, otherwise",
            f"`{name}` has no use here: a count takes at_least, yes, no; a variable takes cases, otherwise",
        )


_COUNTED = {
    "waiting": "${QUEUE_WAITING_COUNT(service)}",
    "free": "${QUEUE_MEMBER(service,ready)}",
    # Written by the application as it opens and ends them.
    "incidents": "${DB(app/incidents)}",
}


def _dialplan(step: Step, out: StepWriter) -> None:
    if step.options["branch"] in COUNTS:
        out.forced(("yes", "no"))
        counted = Safe(_COUNTED[step.options["branch"]])
        least = step.options["at_least"]
        out.goes_either("0${FILTER(0-9,%(counted)s):0:9} >= %(least)s", "yes", "no", counted=counted, least=least)
        return
    # An x before both: two texts are compared, never two numbers (01 is not 1).
    out.does("Set(F_HELD=x${FILTER(a-zA-Z0-9_,${%(held)s})})", held=variable(step.options["branch"]))
    out.does("GotoIf($[${LEN(${F_HELD})} != ${LEN(x${%(held)s})}]?no_case)", held=variable(step.options["branch"]))
    for case in step.edges:
        if case not in ("yes", "no", "otherwise"):
            out.goes_if('"${F_HELD}" = "x%(case)s"', case, case=literal(case))
    out.label("no_case")
    out.goes("otherwise")


KIND = Kind(
    name="branch",
    summary="按变量或人数分路 / goes on by a variable or a count",
    main=Option("branch", Subject(), "变量，或 " + ", ".join(COUNTS) + " / a variable or a count"),
    options=(Option("at_least", Whole(1, 999), "数量至少为 / the count is at least", None),),
    ways=Ways(
        "cases",
        LITERAL,
        "变量等于这个值时去哪一步 / the step for each value",
        asked=False,
        not_these=("otherwise", "yes", "no"),
    ),
    edges=(
        Edge("yes", "达到数量 / the count is reached", optional=True),
        Edge("no", "没有达到 / it is not", optional=True),
        Edge("otherwise", "其他值，或不是数 / any other value, or not a number", optional=True),
    ),
    check=_check,
    dialplan=_dialplan,
)
