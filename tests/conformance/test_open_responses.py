"""The seventeen situations of Open Responses' compliance suite, from its specification of 2026-04-24.

The suite itself is on no registry. Shapes are checked with the types of OpenAI's client, and with the specification's list of
the fields that a response must have.
"""

import base64
import json
import struct
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator

import pytest
from answers import GREETING, answers
from openai.types.responses import CompactedResponse, Response, ResponseStreamEvent
from provider import Json
from pydantic import TypeAdapter
from shared import Agent, AgentMaker
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
ENDS = {"response.completed", "response.incomplete", "response.failed", "error"}
REQUIRED = """id object created_at completed_at status incomplete_details model previous_response_id instructions output error
    tools tool_choice truncation parallel_tool_calls text top_p presence_penalty frequency_penalty top_logprobs temperature
    reasoning user usage max_output_tokens max_tool_calls store background service_tier metadata safety_identifier
    prompt_cache_key""".split()
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Get the current weather for a location",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def png() -> str:
    """A red square of 8 by 8."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xff\0\0" * 8 for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(data).decode()


def user(text: str) -> Json:
    return {"type": "message", "role": "user", "content": text}


def checked(response: Json) -> Json:
    """A response with every field that the specification requires, and as the client's types have them."""
    assert [field for field in REQUIRED if field not in response] == []
    Response.model_validate(response)
    return response


def events(lines: Iterator[str]) -> Iterator[Json]:
    """Events, each as the client's types have it and numbered upwards."""
    last = -1
    for line in lines:
        event = json.loads(line)
        if event["type"] != "error" or "sequence_number" in event:
            EVENT.validate_python(event)
            assert event["sequence_number"] > last
            last = event["sequence_number"]
        yield event


def text(response: Json) -> str:
    messages = [item for item in response["output"] if item["type"] == "message"]
    return "".join(part["text"] for item in messages for part in item["content"])


class Asked:
    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    def open(self, path: str, body: Json) -> urllib.request.Request:
        return urllib.request.Request(
            f"{self.agent.base_url}{path}",
            data=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.agent.account.key}", "content-type": "application/json"},
        )

    def post(self, body: Json, path: str = "/responses") -> Json:
        with urllib.request.urlopen(self.open(path, {"model": self.agent.slug, **body}), timeout=60) as reply:
            return json.loads(reply.read())

    def stream(self, body: Json) -> list[Json]:
        request = self.open("/responses", {"model": self.agent.slug, "stream": True, **body})
        with urllib.request.urlopen(request, timeout=60) as reply:
            assert reply.headers["content-type"] == "text/event-stream"
            data = [line[6:] for line in reply.read().decode().splitlines() if line.startswith("data: ")]
        assert data.pop() == "[DONE]"
        return list(events(iter(data)))

    def connect(self) -> ClientConnection:
        url = self.agent.base_url.replace("http://", "ws://") + "/responses"
        return connect(url, additional_headers={"authorization": f"Bearer {self.agent.account.key}"})

    def turn(self, socket: ClientConnection, body: Json) -> list[Json]:
        """The events of one response over a connection."""
        socket.send(json.dumps({"type": "response.create", "model": self.agent.slug, **body}))

        def lines() -> Iterator[str]:
            while True:
                line = socket.recv(timeout=60)
                assert isinstance(line, str)
                yield line
                if json.loads(line)["type"] in ENDS:
                    return

        return list(events(lines()))


@pytest.fixture
def asked(agent: AgentMaker) -> Asked:
    return Asked(agent(answers))


def completed(heard: list[Json]) -> Json:
    assert heard[-1]["type"] == "response.completed", heard[-1]
    return checked(heard[-1]["response"])


def refused(heard: list[Json], code: str) -> None:
    assert [event["type"] for event in heard] == ["error"], heard
    assert (heard[0]["status"], heard[0]["error"]["code"]) == (400, code), heard
    assert heard[0]["error"]["message"]


def test_basic_response(asked: Asked) -> None:
    response = checked(asked.post({"input": [user("Say hello in exactly 3 words.")]}))
    assert (response["status"], text(response)) == ("completed", GREETING)


def test_assistant_phase(asked: Asked) -> None:
    said = {"type": "message", "role": "assistant", "phase": "commentary", "content": "I will look."}
    response = checked(asked.post({"input": [user("Hi"), said, user("And?")]}))
    assert response["status"] == "completed"


def test_response_output_phase_schema(asked: Asked) -> None:
    response = asked.post({"input": "Hi"})
    for phase in ["commentary", "final_answer"]:
        response["output"][0]["phase"] = phase
        assert Response.model_validate(response).output[0].phase == phase


def test_streaming_response(asked: Asked) -> None:
    heard = asked.stream({"input": [user("Count from 1 to 5.")]})
    assert [event["type"] for event in heard[:2]] == ["response.created", "response.in_progress"]
    said = "".join(event["delta"] for event in heard if event["type"] == "response.output_text.delta")
    assert said == text(completed(heard))


def test_websocket_response(asked: Asked) -> None:
    with asked.connect() as socket:
        heard = asked.turn(socket, {"input": [user("Count from 1 to 3.")]})
    assert heard[0]["type"] == "response.created"
    completed(heard)


def test_websocket_sequential_responses(asked: Asked) -> None:
    with asked.connect() as socket:
        first = completed(asked.turn(socket, {"store": False, "input": "Reply with exactly: first"}))
        second = completed(asked.turn(socket, {"store": False, "input": "Reply with exactly: second"}))
    assert first["id"] != second["id"]


@pytest.mark.parametrize("store", [False, True])
def test_websocket_continuation(asked: Asked, store: bool) -> None:
    with asked.connect() as socket:
        first = completed(asked.turn(socket, {"store": store, "input": "The code word is cobalt."}))
        follow = {"store": store, "previous_response_id": first["id"], "input": "Which?"}
        second = completed(asked.turn(socket, follow))
    assert second["previous_response_id"] == first["id"]
    said = [message["content"] for message in asked.agent.requests[-1]["messages"] if message["role"] != "system"]
    assert said == ["The code word is cobalt.", GREETING, "Which?"]


def test_websocket_reconnect_store_false_recovery(asked: Asked) -> None:
    with asked.connect() as socket:
        first = completed(asked.turn(socket, {"store": False, "input": "The code word is copper."}))
    with asked.connect() as socket:
        follow = {"store": False, "previous_response_id": first["id"], "input": "Which?"}
        refused(asked.turn(socket, follow), "previous_response_not_found")
        everything = [user("The code word is copper."), *first["output"], user("Which?")]
        completed(asked.turn(socket, {"store": False, "input": everything}))


def test_websocket_previous_response_not_found(asked: Asked) -> None:
    with asked.connect() as socket:
        for store in [False, True]:
            body = {"store": store, "previous_response_id": "resp_missing", "input": "Hi"}
            refused(asked.turn(socket, body), "previous_response_not_found")


def test_websocket_failed_continuation_evicts_cache(asked: Asked) -> None:
    with asked.connect() as socket:
        first = completed(asked.turn(socket, {"store": False, "input": "The code word is ember."}))
        follow = {"store": False, "previous_response_id": first["id"]}
        orphan = {"type": "function_call_output", "call_id": "call_nobody", "output": "x"}
        heard = asked.turn(socket, {**follow, "input": [orphan]})
        assert heard[-1]["type"] == "error" and heard[-1]["status"] == 400, heard
        refused(asked.turn(socket, {**follow, "input": "Which?"}), "previous_response_not_found")


def test_websocket_compact_new_chain(asked: Asked) -> None:
    said = [user("We launch on Tuesday."), {"type": "message", "role": "assistant", "content": "Understood."}]
    compacted = asked.post({"input": said}, "/responses/compact")
    with asked.connect() as socket:
        body = {"store": False, "input": [*compacted["output"], user("When?")]}
        completed(asked.turn(socket, body))


def test_system_prompt(asked: Asked) -> None:
    system = {"type": "message", "role": "system", "content": "You are a pirate."}
    assert checked(asked.post({"input": [system, user("Say hello.")]}))["status"] == "completed"
    assert {"role": "system", "content": "You are a pirate."} in asked.agent.requests[-1]["messages"][1:]


def test_tool_calling(asked: Asked) -> None:
    response = checked(asked.post({"input": [user("How is the weather in Oslo?")], "tools": [WEATHER]}))
    [call] = response["output"]
    assert (call["type"], call["name"], json.loads(call["arguments"])) == ("function_call", "weather", {"city": "Oslo"})


def test_image_input(asked: Asked) -> None:
    content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": png()}]
    response = checked(asked.post({"input": [{"type": "message", "role": "user", "content": content}]}))
    assert response["status"] == "completed"
    assert asked.agent.requests[-1]["messages"][-1]["content"][1]["image_url"]["url"] == png()


def test_multi_turn(asked: Asked) -> None:
    said = [user("My name is Alice."), {"type": "message", "role": "assistant", "content": "Hello Alice!"}]
    assert checked(asked.post({"input": [*said, user("What is my name?")]}))["status"] == "completed"
    assert len(asked.agent.requests[-1]["messages"]) == 4


def test_compact_response(asked: Asked) -> None:
    said = [user("We launch on Tuesday."), {"type": "message", "role": "assistant", "content": "Understood."}]
    compacted = asked.post({"input": said, "prompt_cache_key": "compact"}, "/responses/compact")
    CompactedResponse.model_validate(compacted)
    assert compacted["object"] == "response.compaction"
    assert [item["type"] for item in compacted["output"]] == ["compaction"]


def test_compact_missing_model(asked: Asked) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(asked.open("/responses/compact", {"input": [user("Compact this.")]}))
    assert error.value.code in (400, 422)


def test_a_connection_is_bounded_and_survives_nonsense(asked: Asked) -> None:
    """Ours, and none of the seventeen."""
    with asked.connect() as socket:
        for nonsense in ["", "{", "[]", "null", '{"type": "x"}', b"\xff\xfe", "x" * (5 * 1024 * 1024)]:
            socket.send(nonsense)
            fault = json.loads(socket.recv(timeout=60))
            assert (fault["type"], fault["status"]) == ("error", 413 if len(nonsense) > 1_000 else 400), fault
        completed(asked.turn(socket, {"input": "Still here?"}))
        socket.send("x" * (9 * 1024 * 1024))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=60)
        assert closed.value.rcvd.code == 1009


def test_messages_wait_for_each_other_and_too_many_end_the_connection(asked: Asked) -> None:
    body = {"type": "response.create", "model": asked.agent.slug, "input": "Hi", "store": False}
    with asked.connect() as socket:
        for _ in range(5):
            socket.send(json.dumps(body))
        ends = 0
        while ends < 5:
            ends += json.loads(socket.recv(timeout=60))["type"] == "response.completed"
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(500):
                socket.send(json.dumps(body))
            while True:
                socket.recv(timeout=60)
        assert closed.value.rcvd.code == 1008
