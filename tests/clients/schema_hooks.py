"""Lets most of the paths that Schemathesis makes up lead to something that is there."""

import json
import os
import re
import zlib
from typing import Any

import schemathesis

#: Where agents are talked to.
CALLED = re.compile(r"/(chat|stream|v1/models|v1/chat/completions)$")
THERE: dict[str, str] = json.loads(os.environ["RETINUE_THERE"])


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: dict[str, Any] | None) -> Any:
    for name, made_up in (path_parameters or {}).items():
        # The same in every run; one of four stays as it was made up.
        if name in THERE and zlib.crc32(repr(made_up).encode()) % 4:
            path_parameters[name] = THERE[name]
    if CALLED.search(context.operation.path) and path_parameters.get("agent") == THERE["agent"]:
        path_parameters["agent"] = "talker"
    return path_parameters
