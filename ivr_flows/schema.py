"""A flow's file as JSON Schema, for editors that help while somebody writes one."""

from __future__ import annotations

from typing import Any, get_args

from ivr_flows.kinds import KINDS
from ivr_flows.kinds.values import FLOW_NAME, NAME, STEP_NAME, VARIABLE_NAME
from ivr_flows.model import END, LANGUAGES, FlowKind
from ivr_flows.reading import MOST_STEPS, MOST_TITLE, MOST_VARIABLES

DRAFT = "http://json-schema.org/draft-07/schema#"


def schema() -> dict[str, Any]:
    """The schema. What lies between the steps (where they lead) only ``check`` can judge; a file that the schema
    refuses is refused by ``reading`` too."""
    title = {"type": "string", "minLength": 1, "maxLength": MOST_TITLE}
    step_name = {**STEP_NAME.schema(), "not": {"const": END}}
    return {
        "$schema": DRAFT,
        "title": "来电流程 / a flow of the telephone",
        "type": "object",
        "properties": {
            "flow": {**FLOW_NAME.schema(), "description": "流程名，与文件名相同 / its name, which is the file's"},
            "title": {
                "type": "object",
                "description": "给人看的名字 / the name for people",
                "properties": dict.fromkeys(LANGUAGES, title),
                "required": list(LANGUAGES),
                "additionalProperties": False,
            },
            "kind": {"enum": list(get_args(FlowKind)), "description": "来电、我们去电、求助中提问 / who rings whom"},
            "given": {
                "type": "array",
                "items": VARIABLE_NAME.schema(),
                "maxItems": MOST_VARIABLES,
                "description": "去电时系统给的变量 / variables that the application gives to a call",
            },
            "operator": {**step_name, "description": "按0去的步骤 / the step for key 0"},
            "centre": {**step_name, "description": "按9去的步骤，不写则同0 / the step for key 9; as 0 if not written"},
            "start": {**step_name, "description": "第一步 / the first step"},
            "steps": {
                "type": "object",
                "propertyNames": {"pattern": f"^{NAME}$", "not": {"const": END}},
                "additionalProperties": {"$ref": "#/definitions/step"},
                "minProperties": 1,
                "maxProperties": MOST_STEPS,
            },
        },
        "required": ["flow", "title", "kind", "start", "steps"],
        "additionalProperties": False,
        "definitions": {
            "step": {"oneOf": [{"$ref": f"#/definitions/{name}"} for name in KINDS]},
            **{name: kind.schema() for name, kind in KINDS.items()},
        },
    }
