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
def map_path_parameters(context: schemathesis.HookContext, path_parameters: Any) -> Any:
    is_call = CALLED.search(context.operation.path)
    for name, made_up in path_parameters.items() if isinstance(path_parameters, dict) else ():
        # The same in every run; one of four stays as it was made up.
        leads_somewhere = zlib.crc32(repr(made_up).encode()) % 4
        if name == "agent" and is_call:
            # Other agents may have been given a model that no provider here has.
            path_parameters[name] = "talker" if leads_somewhere else "nobody"
        elif name in THERE and leads_somewhere:
            path_parameters[name] = THERE[name]
    return path_parameters
