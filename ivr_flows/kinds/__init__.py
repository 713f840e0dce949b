"""The kinds of steps there are: one file and one line each."""

from collections.abc import Mapping

from ivr_flows.kinds import (
    answer,
    back,
    branch,
    callback,
    digits,
    flow,
    hang_up,
    hours,
    language,
    menu,
    queue,
    recognise,
    say,
    survey,
    tell,
    transfer,
    voice_message,
)
from ivr_flows.kinds import set as set_
from ivr_flows.kinds.kind import Kind

KINDS: Mapping[str, Kind] = {
    "say": say.KIND,
    "menu": menu.KIND,
    "digits": digits.KIND,
    "hours": hours.KIND,
    "language": language.KIND,
    "recognise": recognise.KIND,
    "tell": tell.KIND,
    "answer": answer.KIND,
    "survey": survey.KIND,
    "queue": queue.KIND,
    "callback": callback.KIND,
    "voice_message": voice_message.KIND,
    "transfer": transfer.KIND,
    "flow": flow.KIND,
    "back": back.KIND,
    "set": set_.KIND,
    "branch": branch.KIND,
    "hang_up": hang_up.KIND,
}
