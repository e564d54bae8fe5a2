"""Clients in their default, OpenAI's Responses: base URL and key changed, and nothing else; and Anthropic's own client."""

import time

import anthropic
import openai
import pytest
from conftest import Agent, AgentMaker
from provider import Json, chunks, completion
from pydantic import BaseModel

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}


def answers(request: Json) -> Json | list[Json]:
    """Calls the tool that it is offered, says what its output is, and else greets."""
    last = request["messages"][-1]
    if request.get("tools") and last["role"] == "user":
        delta: Json = {"tool_calls": [{"index": 0, **CALL}]}
    elif last["role"] == "tool":
        delta = {"content": f"It is {last['content']}."}
    else:
        delta = {"content": "Hi there."}
    if request.get("stream"):
        return chunks([delta], finish="tool_calls" if "tool_calls" in delta else "stop")
    return completion({"content": None} | delta)


@pytest.fixture
def bot(agent: AgentMaker) -> Agent:
    return agent(answers)


def test_a_response_is_kept_and_gone_on_from(bot: Agent) -> None:
    client = bot.client()
    first = client.responses.create(model=bot.slug, input="I am Ada.", instructions="Be kind.")
    assert (first.output_text, first.status) == ("Hi there.", "completed")
    assert first.usage and first.usage.total_tokens == first.usage.input_tokens + first.usage.output_tokens
    client.responses.create(model=bot.slug, input="Who am I?", previous_response_id=first.id)
    said = [message["content"] for message in bot.requests[-1]["messages"]]
    assert said == ["Be brief.", "I am Ada.", "Hi there.", "Who am I?"], "instructions hold for one response"
    kept = client.responses.retrieve(first.id)
    assert (kept.output_text, kept.instructions) == ("Hi there.", "Be kind.")
    assert [item.type for item in client.responses.input_items.list(first.id)] == ["message"]


def test_a_stream_is_heard_again_from_any_event(bot: Agent) -> None:
    client = bot.client()
    with client.responses.stream(model=bot.slug, input="Hi") as stream:
        said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        whole = stream.get_final_response()
    assert (said, whole.output_text) == ("Hi there.", "Hi there.")
    events = list(client.responses.retrieve(whole.id, stream=True))
    assert events[-1].type == "response.completed"
    for seen, event in enumerate(events[:-1]):
        rest = list(client.responses.retrieve(whole.id, stream=True, starting_after=event.sequence_number))
        assert [other.type for other in rest] == [other.type for other in events[seen + 1 :]]


@pytest.mark.parametrize("store", [True, False])
def test_tools(bot: Agent, store: bool) -> None:
    client = bot.client()
    first = client.responses.create(model=bot.slug, input="Weather?", tools=[WEATHER], store=store)
    [call] = [item for item in first.output if item.type == "function_call"]
    assert (call.name, call.arguments) == ("weather", '{"city":"Oslo"}')
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "raining"}
    if store:
        then = client.responses.create(
            model=bot.slug, previous_response_id=first.id, input=[output], tools=[WEATHER])
    else:
        said = [{"role": "user", "content": "Weather?"}, *(item.model_dump() for item in first.output), output]
        then = client.responses.create(model=bot.slug, input=said, tools=[WEATHER], store=False)
    assert then.output_text == "It is raining."


def test_structured_output(agent: AgentMaker) -> None:
    class Person(BaseModel):
        name: str
        age: int

    bot = agent(lambda request: chunks([{"content": '{"name":"Ada","age":36}'}]) if request.get("stream") else completion(
        {"content": '{"name":"Ada","age":36}'}))
    parsed = bot.client().responses.parse(model=bot.slug, input="Who?", text_format=Person)
    assert parsed.output_parsed == Person(name="Ada", age=36)
    assert bot.requests[-1]["response_format"]["json_schema"]["name"] == "Person"


def test_background(bot: Agent) -> None:
    client = bot.client()
    begun = client.responses.create(model=bot.slug, input="Hi", background=True)
    assert begun.status in ("queued", "in_progress")
    end = time.monotonic() + 60
    while (now := client.responses.retrieve(begun.id)).status != "completed":
        assert time.monotonic() < end, now
    assert now.output_text == "Hi there."
    assert client.responses.cancel(begun.id).status == "completed"
    client.responses.delete(begun.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(begun.id)


def test_conversations(bot: Agent) -> None:
    client = bot.client()
    said = {"type": "message", "role": "user", "content": "I am Ada."}
    conversation = client.conversations.create(metadata={"topic": "x"}, items=[said])
    response = client.responses.create(model=bot.slug, conversation=conversation.id, input="Who am I?")
    assert response.conversation and response.conversation.id == conversation.id
    items = list(client.conversations.items.list(conversation.id, order="asc"))
    assert [item.role for item in items] == ["user", "user", "assistant"]
    assert client.conversations.items.retrieve(items[0].id, conversation_id=conversation.id) == items[0]
    assert client.conversations.update(conversation.id, metadata={"a": "b"}).metadata == {"a": "b"}
    assert client.conversations.delete(conversation.id).deleted


def test_errors(bot: Agent) -> None:
    client = bot.client(max_retries=0)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="nobody", input="Hi")
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model=bot.slug, input=[{"type": "computer_call"}])
    budget = f"/api/v1/agents/{bot.slug}/budget"
    bot.account.worker.call(bot.account.key, "PUT", budget, {"limit_usd": "0.000001", "period": "day"})
    with pytest.raises(openai.APIStatusError) as spent:
        bot.client().responses.create(model=bot.slug, input="Hi")
    assert spent.value.status_code == 402


def test_anthropics_client(bot: Agent) -> None:
    client = anthropic.Anthropic(base_url=bot.base_url.removesuffix("/v1"), api_key=bot.account.key)
    asked = [{"role": "user", "content": "Hi"}]
    message = client.messages.create(model=bot.slug, max_tokens=50, messages=asked)
    assert message.content[0].text == "Hi there."
    with client.messages.stream(model=bot.slug, max_tokens=50, messages=asked) as stream:
        assert "".join(stream.text_stream) == "Hi there."
    tools = [{"name": "weather", "description": "d", "input_schema": WEATHER["parameters"]}]
    called = client.messages.create(model=bot.slug, max_tokens=50, messages=asked, tools=tools)
    [use] = [block for block in called.content if block.type == "tool_use"]
    assert (called.stop_reason, use.input) == ("tool_use", {"city": "Oslo"})
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "raining"}
    turn = {"role": "assistant", "content": [block.model_dump() for block in called.content]}
    said = [*asked, turn, {"role": "user", "content": [result]}]
    then = client.messages.create(model=bot.slug, max_tokens=50, messages=said, tools=tools)
    assert then.content[0].text == "It is raining."
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="nobody", max_tokens=50, messages=asked)
