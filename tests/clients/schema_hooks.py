"""Lets most of the paths that Schemathesis makes up lead to something that is there."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

import schemathesis

DOCUMENT = json.loads((Path(__file__).parents[2] / "assets/openapi.json").read_text())
#: Where agents are talked to.
CALLED = {
    path for path, item in DOCUMENT["paths"].items() if any(operation["x-role"] == "caller" for operation in item.values())
}
THERE: dict[str, str] = json.loads(os.environ["RETINUE_THERE"])
#: What only serves calls: the talker's slug and id, and its provider. Schemathesis also makes values up of what it has been
#: answered, so it comes to know them.
SPARED: list[str] = json.loads(os.environ["RETINUE_SPARED"])


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: Any) -> Any:
    for name, made_up in path_parameters.items() if isinstance(path_parameters, dict) else ():
        # The same in every run; one of four stays as it was made up.
        if name in THERE and zlib.crc32(repr(made_up).encode()) % 4:
            path_parameters[name] = THERE[name]
    return path_parameters


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Only the talker is talked to, and nothing else is done to it or its provider: other agents may have been given a
    model that no provider here has. Its thread stays, and events come as a list: a thread's stream of them has no end."""
    if case.operation.path.endswith("/events"):
        case.headers = {**(case.headers or {}), "Accept": "application/json"}
    if case.operation.method.upper() == "DELETE" and (case.path_parameters or {}).get("thread") == THERE["thread"]:
        case.path_parameters["thread"] = "away"
    if case.operation.path in CALLED:
        if "agent" in (case.path_parameters or {}):
            leads_somewhere = zlib.crc32(repr(case.path_parameters["agent"]).encode()) % 4
            case.path_parameters["agent"] = SPARED[0] if leads_somewhere else "nobody"
        elif isinstance(case.body, dict) and "model" in case.body:
            # Behind the account the body names the agent.
            leads_somewhere = zlib.crc32(repr(case.body["model"]).encode()) % 4
            case.body["model"] = SPARED[0] if leads_somewhere else "nobody"
        return
    for name, value in (case.path_parameters or {}).items():
        if value in SPARED:
            case.path_parameters[name] = THERE["agent"]
    if isinstance(case.body, (dict, list, str)):
        case.body = spared(case.body)


def spared(value: Any) -> Any:
    """The same of something else than what is spared."""
    if isinstance(value, dict):
        return {spared(name): spared(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [spared(inner) for inner in value]
    return THERE["agent"] if value in SPARED else value
