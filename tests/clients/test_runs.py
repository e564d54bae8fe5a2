"""Runs, driven by clients that know nothing of them: an agent's own tools, threads and Idempotency-Key in OpenAI's protocol."""

import json
import subprocess

from conftest import ROOT, Agent, AgentMaker
from provider import Answer, Json, chunks, completion
from test_openai import HELLO, WEATHER, hi


def calls(body: Json, name: str, arguments: str) -> Answer:
    """The model calls a tool, as a stream where one was asked for."""
    call = {"index": 0, "id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": arguments}}
    said = {"tool_calls": [call]}
    return chunks([said], "tool_calls") if body.get("stream") else completion(said, "tool_calls")


def says(body: Json, text: str) -> Answer:
    return chunks([{"content": text}]) if body.get("stream") else completion({"content": text})


def results(body: Json) -> list[str]:
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


def clock_then_weather(body: Json) -> Answer:
    """Asks the agent's own clock, then the client's weather, then answers."""
    match len(results(body)):
        case 0:
            return calls(body, "current_time", "")
        case 1:
            return calls(body, "weather", '{"city":"Oslo"}')
        case _:
            return says(body, f"In Oslo there is {results(body)[1]}.")


def asked(bot: Agent) -> int:
    return len(bot.requests)


def test_an_agent_uses_its_own_tool_and_then_the_clients(agent: AgentMaker) -> None:
    bot = agent(clock_then_weather, tools=["current_time"])
    create = bot.client().chat.completions.create
    first = create(model=bot.slug, messages=HELLO, tools=[WEATHER])
    [call] = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Oslo"})
    assert asked(bot) == 2

    result = {"role": "tool", "tool_call_id": call.id, "content": "snow"}
    second = create(model=bot.slug, messages=[*HELLO, first.choices[0].message, result], tools=[WEATHER])
    assert second.choices[0].message.content == "In Oslo there is snow."
    assert second.choices[0].finish_reason == "stop"
    # The run goes on where it was: the clock is not asked again.
    assert asked(bot) == 3 and len(results(bot.requests[2])) == 2


def test_a_run_with_tools_is_streamed(agent: AgentMaker) -> None:
    bot = agent(clock_then_weather, tools=["current_time"])
    with bot.client().chat.completions.stream(model=bot.slug, messages=HELLO, tools=[WEATHER]) as events:
        message = events.get_final_completion().choices[0].message
    [call] = message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    with bot.client().chat.completions.stream(
        model=bot.slug, messages=[*HELLO, message.model_dump(exclude_none=True), result], tools=[WEATHER]
    ) as events:
        assert events.get_final_completion().choices[0].message.content == "In Oslo there is rain."


def test_a_thread_remembers_and_only_what_is_new_is_said(agent: AgentMaker) -> None:
    bot = agent(lambda body: says(body, f"You said {len(body['messages']) - 1} things."))
    client = bot.client(default_headers={"x-thread": f"customer-of-{bot.slug}"})
    for question in ["I am Ada.", "Who am I?"]:
        reply = client.chat.completions.with_raw_response.create(
            model=bot.slug, messages=[{"role": "user", "content": question}]
        )
        assert reply.headers["x-thread"] and reply.headers["x-run"]
    assert reply.parse().choices[0].message.content == "You said 3 things."
    assert [message["content"] for message in bot.requests[1]["messages"][1:]] == [
        "I am Ada.", "You said 1 things.", "Who am I?"
    ]


def test_a_call_under_a_key_is_made_once(agent: AgentMaker) -> None:
    bot = agent(lambda body: hi(body) if not body.get("stream") else says(body, "Hi there."))
    client = bot.client(default_headers={"idempotency-key": "question-1"})
    ask = lambda: client.chat.completions.create(model=bot.slug, messages=HELLO)  # noqa: E731
    assert {ask().choices[0].message.content for _ in range(3)} == {"Hi there."}
    assert asked(bot) == 1


def test_vercels_ai_sdk_drives_a_run_with_tools(agent: AgentMaker) -> None:
    bot = agent(clock_then_weather, tools=["current_time"])
    for mode in ["generate", "stream"]:
        script = [str(ROOT / "node_modules/node/bin/node"), str(ROOT / "tests/clients/ai-sdk.mjs"), bot.base_url, bot.account.key, bot.slug, mode]
        ended = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout) == {"text": "In Oslo there is snow in Oslo.", "cities": ["Oslo"]}
