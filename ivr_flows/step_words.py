"""What people call a step and its ways out, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ivr_flows.kinds.answer import ANSWERS
from ivr_flows.kinds.tell import TELLINGS
from ivr_flows.model import FlowSet, Spoken, Step

Texts = Mapping[str, tuple[str, str]]
"""What each prompt says, in Chinese and in English."""

KIND_WORDS: Mapping[str, tuple[str, str]] = {
    "say": ("播报", "say"),
    "menu": ("按键选择", "menu"),
    "digits": ("输入号码", "digits"),
    "hours": ("时间", "hours"),
    "language": ("语言", "language"),
    "recognise": ("识别来电", "recognise"),
    "tell": ("系统告知", "tell"),
    "answer": ("记录", "answer"),
    "survey": ("评分", "survey"),
    "queue": ("人工", "queue"),
    "callback": ("预约回拨", "call back"),
    "voice_message": ("留言", "voice message"),
    "transfer": ("转接", "transfer"),
    "flow": ("子流程", "sub-flow"),
    "back": ("返回", "back"),
    "set": ("赋值", "set"),
    "branch": ("分支", "branch"),
    "hang_up": ("挂机", "hang up"),
}

_EDGES: Mapping[str, tuple[str, str]] = {
    "next": ("然后", "then"),
    "otherwise": ("否则", "otherwise"),
    "open": ("上班", "open"),
    "closed": ("下班", "closed"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "nothing": ("没有", "nothing"),
    "answered": ("接通", "answered"),
    "device": ("设备", "device"),
    "provider": ("加盟商", "provider"),
    "ticket": ("有工单", "ticket"),
    "known": ("已登记", "known"),
    "unknown": ("不认识", "unknown"),
}

_EDGES_OF: Mapping[tuple[str, str], tuple[str, str]] = {
    ("tell", "next"): ("说完", "told"),
    ("tell", "otherwise"): ("无应答", "no answer"),
    ("menu", "otherwise"): ("没有选", "no choice"),
    ("digits", "otherwise"): ("没有输对", "none right"),
    ("survey", "next"): ("1至5分", "graded"),
    ("survey", "otherwise"): ("没有评", "no grade"),
    ("queue", "otherwise"): ("没人接", "nobody"),
    ("callback", "next"): ("已登记", "noted"),
    ("callback", "otherwise"): ("没有号码", "no number"),
    ("voice_message", "next"): ("已留言", "left"),
    ("voice_message", "otherwise"): ("没有说", "nothing"),
    ("transfer", "next"): ("通话以后", "after it"),
    ("transfer", "otherwise"): ("没有接", "no answer"),
}

_COUNTS: Mapping[str, tuple[str, str]] = {
    "waiting": ("等候人数", "waiting"),
    "free": ("空闲座席", "free seats"),
    "incidents": ("突发事件", "incidents"),
}

_QUEUES: Mapping[str, tuple[str, str]] = {
    "service": ("服务队列", "service queue"),
    "emergency": ("紧急求助", "emergency"),
}

_LANGUAGES: Mapping[str, tuple[str, str]] = {"zh": ("普通话", "Chinese"), "en": ("英语", "English")}


def edge_word(step: Step, edge: str) -> tuple[str, str]:
    """The way out ``edge`` in Chinese and English; a key or a case is itself."""
    return _EDGES_OF.get((step.kind, edge)) or _EDGES.get(edge) or (edge, "")


def said(pieces: Sequence[Spoken], texts: Texts) -> tuple[str, str]:
    """What is said, in Chinese and English; a variable as ``{VAR}``, a prompt without a text as its name."""
    spoken = [
        texts.get(piece.what, (piece.what,) * 2) if piece.how == "prompt" else (f"{{{piece.what}}}",) * 2
        for piece in pieces
    ]
    return "".join(zh for zh, _ in spoken), " ".join(en for _, en in spoken)


def step_words(flow_set: FlowSet, step: Step, texts: Texts) -> tuple[str, str]:
    """What the step does, in Chinese and English, without its kind and its ways out."""
    main = step.options.get(step.kind)
    if isinstance(main, tuple):
        zh, en = said(main, texts)
        if step.kind == "digits":
            return f"{zh} → {step.options['into']}", f"{en} → {step.options['into']}"
        return zh, en
    if step.kind == "branch":
        zh, en = _COUNTS.get(str(main), (str(main),) * 2)
        least = step.options["at_least"]
        return (f"{zh} ≥ {least}", f"{en} ≥ {least}") if str(main) in _COUNTS else (f"{zh} =", f"{en} =")
    if step.kind == "queue" and main == "service":
        return (
            f"{_QUEUES['service'][0]}，最多{step.options['limit']}秒",
            f"service queue, at most {step.options['limit']} s",
        )
    if step.kind == "set":
        told = ", ".join(f"{name} = {value}" for name, value in step.options["set"].items())
        return told, ""
    return _named(flow_set, step.kind, str(main))


def _named(flow_set: FlowSet, kind: str, main: str) -> tuple[str, str]:
    if kind in ("back", "recognise"):
        return "", ""
    if kind == "tell" or kind == "answer":
        zh, _, en = (TELLINGS if kind == "tell" else ANSWERS).get(main, main).partition(" / ")
        return zh, en or main
    if kind == "flow" and main in flow_set.flows:
        title = flow_set.flows[main].title
        return f"{title['zh']}（{main}）", title["en"]
    known = {"queue": _QUEUES, "language": _LANGUAGES}.get(kind, {})
    return known.get(main, (main, ""))
