"""What the emulated model says: enough for a chat, a tool round trip, and an answer of a schema."""

import json

from provider import Json, chunks, completion

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
PLACE = {"city": "Oslo", "degrees": 7}
GREETING = "Hi there."


def answers(request: Json) -> Json | list[Json]:
    """Calls the tool `weather` that it is offered, says what its output is, answers a schema, and else greets. Texts become vectors."""
    if "input" in request:
        vectors = [{"object": "embedding", "index": n, "embedding": [0.5, -1.25]} for n in range(len(request["input"]))]
        return {"object": "list", "data": vectors, "usage": {"prompt_tokens": 6, "total_tokens": 6}}
    last = request["messages"][-1]
    tools = {tool["function"]["name"] for tool in request.get("tools") or []}
    wants_json = (request.get("response_format") or {}).get("type") in ("json_schema", "json_object")
    # Some clients ask for an answer of a schema as the call of a tool.
    other = next(iter(tools - {"weather"}), None)
    if "weather" in tools and last["role"] == "user":
        delta: Json = {"tool_calls": [{"index": 0, **CALL}]}
    elif other and last["role"] == "user":
        call = {"id": "call_2", "type": "function", "function": {"name": other, "arguments": json.dumps(PLACE)}}
        delta = {"tool_calls": [{"index": 0, **call}]}
    elif wants_json:
        delta = {"content": json.dumps(PLACE)}
    elif last["role"] == "tool":
        delta = {"content": f"It is {last['content']}."}
    else:
        delta = {"content": GREETING}
    if request.get("stream"):
        return chunks([delta], finish="tool_calls" if "tool_calls" in delta else "stop")
    finish = "tool_calls" if "tool_calls" in delta else "stop"
    return completion({"content": None} | delta, finish)


def greets(request: Json) -> Json | list[Json]:
    """Greets, whatever tools it is offered."""
    return chunks([{"content": GREETING}]) if request.get("stream") else completion({"content": GREETING})
