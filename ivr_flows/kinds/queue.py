"""``queue``: waits for a person; the place and the expected wait are always told. ``emergency`` is the core's ladder,
which nothing here can change."""

from collections.abc import Iterator

from ivr_flows.dialplan_writer import key
from ivr_flows.kinds.kind import Edge, Kind, Option, Ways
from ivr_flows.kinds.values import OneOf, Whole, Wrong
from ivr_flows.model import END, Step
from ivr_flows.step_writer import StepWriter


def _check(step: Step) -> Iterator[Wrong]:
    written = sorted(set(step.lines) - {"queue"})
    if step.options["queue"] == "emergency":
        if written:
            yield Wrong(
                f"紧急队列不能有 {', '.join(written)}；请删去",
                f"the emergency queue takes no {', '.join(written)}; remove it",
            )
    elif "otherwise" not in step.edges:
        yield Wrong(
            "缺少 otherwise：没人接听时去哪一步", "`otherwise` is missing: the step for a caller whom nobody answered"
        )


def _dialplan(step: Step, out: StepWriter) -> None:
    if step.options["queue"] == "emergency":
        out.does("Goto(emergency,s,1)")
        return
    out.does("Gosub(flow-queue,join,1(%(limit)s))", limit=out.long_seconds(step.options["limit"]))
    out.forced(("otherwise", "answered"))
    out.comes_back_from_queue("pressed")
    out.label("again")
    out.waits()
    # c: come back when the seat hangs up. i: a seat's phone cannot forward a caller. No transfer or other keys.
    out.does("Queue(service,ci${RING_TONE},,,$[${QUEUE_UNTIL} - ${EPOCH}],,service-answered)")
    out.goes_either('"${QUEUESTATUS}" = "CONTINUE"', "answered", "otherwise")
    out.label("pressed")
    for edge in step.edges:
        if edge not in ("answered", "otherwise"):
            out.goes_if('"${QUEUE_KEY}" = "%(key)s"', edge, key=key(edge))
    # A key without a meaning: back to his place, for as long as was left.
    out.does("GotoIf($[${QUEUE_UNTIL} > ${EPOCH}]?again)")
    out.goes("otherwise")


KIND = Kind(
    name="queue",
    summary="排队等人工 / waits for a person",
    main=Option(
        "queue",
        OneOf({"service": "话务队列 / the service queue", "emergency": "紧急求助 / the emergency ladder"}),
        "哪个队列 / which queue",
    ),
    options=(Option("limit", Whole(10, 3600), "最多等几秒 / seconds to wait at most", 300),),
    ways=Ways("keys", r"[1-8*#]", "排队时按键去哪一步 / keys that lead out of the queue", most=3),
    edges=(
        Edge("answered", "有人接听，通话结束 / somebody answered, and the talk is over", default=END, fixed=True),
        Edge("otherwise", "等满了，或队列已满 / the limit is reached, or the queue is full", optional=True),
    ),
    check=_check,
    dialplan=_dialplan,
)
