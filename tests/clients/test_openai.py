"""The official OpenAI client, pointed at an agent: `base_url=…/agents/{agent}/v1` and nothing else changed."""

import json
import threading

import openai
import pytest
from conftest import AgentMaker, Worker, new_account
from openai import AsyncOpenAI, DefaultHttpxClient
from provider import Json, Provider, chunks, completion
from pydantic import BaseModel

HELLO = [{"role": "user", "content": "hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
#: One transparent pixel.
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def hi(_: Json) -> Json:
    return completion({"content": "Hi there."})


def streamed_hi(_: Json) -> list[Json]:
    return chunks([{"content": "Hi "}, {"content": "there."}])


def test_chat(agent: AgentMaker) -> None:
    bot = agent(hi)
    reply = bot.client().chat.completions.with_raw_response.create(model=bot.slug, messages=HELLO, max_tokens=50)
    assert reply.headers["x-call-id"] and reply.headers["x-agent-version"] == "1"
    answer = reply.parse()
    assert answer.choices[0].message.content == "Hi there."
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (12, 5)
    [request] = bot.requests
    assert request["messages"][0] == {"role": "system", "content": "Be brief."}
    assert request["messages"][1]["content"] == "hello"


def test_a_model_of_the_line_is_as_good_a_name_as_the_slug(agent: AgentMaker) -> None:
    bot = agent(hi)
    for name in (bot.slug, bot.model, f"emu:{bot.model}"):
        assert bot.client().chat.completions.create(model=name, messages=HELLO).choices[0].message.content


def test_one_client_reaches_every_agent_of_the_account(agent: AgentMaker) -> None:
    bots = [agent(hi), agent(hi)]
    account = bots[0].account
    client = bots[0].client(base_url=f"{account.worker.url}/accounts/{account.slug}/v1")
    listed = [model.id for model in client.models.list()]
    for bot in bots:
        assert bot.slug in listed
        assert client.chat.completions.create(model=bot.slug, messages=HELLO).model == bot.slug
        assert len(bot.requests) == 1
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nobody", messages=HELLO)


def test_stream(agent: AgentMaker) -> None:
    bot = agent(streamed_hi)
    options = {"include_usage": True}
    stream = list(bot.client().chat.completions.create(
        model=bot.slug, messages=HELLO, stream=True, stream_options=options,
    ))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == "Hi there."
    assert [chunk.usage.completion_tokens for chunk in stream if chunk.usage] == [5]
    with bot.client().chat.completions.stream(model=bot.slug, messages=HELLO) as events:
        final = events.get_final_completion()
    assert final.choices[0].message.content == "Hi there."


def test_a_tool_is_called_and_its_result_goes_back(agent: AgentMaker) -> None:
    def answer(body: Json) -> Json:
        if body["messages"][-1]["role"] == "tool":
            return completion({"content": "It snows in Oslo."})
        return completion({"content": None, "tool_calls": [CALL]}, "tool_calls")

    bot = agent(answer)
    create = bot.client().chat.completions.create
    first = create(model=bot.slug, messages=HELLO, tools=[WEATHER], tool_choice="required")
    [call] = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Oslo"})
    assert bot.requests[0]["tools"][0]["function"]["parameters"] == WEATHER["function"]["parameters"]
    assert bot.requests[0]["tool_choice"] == "required"

    result = {"role": "tool", "tool_call_id": call.id, "content": "snow"}
    second = create(model=bot.slug, messages=[*HELLO, first.choices[0].message, result], tools=[WEATHER])
    assert second.choices[0].message.content == "It snows in Oslo."
    *_, asked, told = bot.requests[1]["messages"]
    assert asked["tool_calls"][0]["function"]["arguments"] == '{"city":"Oslo"}'
    assert (told["tool_call_id"], told["content"]) == ("call_1", "snow")


def test_tool_calls_are_streamed(agent: AgentMaker) -> None:
    def piece(**function: str) -> Json:
        return {"tool_calls": [{"index": 0, "function": function}]}

    start = {"tool_calls": [{"index": 0, **CALL, "function": {"name": "weather", "arguments": ""}}]}
    deltas = [start, piece(arguments='{"ci'), piece(arguments='ty":"Oslo"}')]
    bot = agent(lambda _: chunks(deltas, "tool_calls"))
    with bot.client().chat.completions.stream(model=bot.slug, messages=HELLO, tools=[WEATHER]) as events:
        [call] = events.get_final_completion().choices[0].message.tool_calls
    assert (call.id, call.function.name, call.function.arguments) == ("call_1", "weather", '{"city":"Oslo"}')


class Event(BaseModel):
    name: str
    guests: list[str]


def test_structured_output(agent: AgentMaker) -> None:
    party = {"name": "Party", "guests": ["Ada", "Alan"]}
    bot = agent(lambda _: completion({"content": json.dumps(party)}))
    reply = bot.client().chat.completions.parse(model=bot.slug, messages=HELLO, response_format=Event)
    assert reply.choices[0].message.parsed == Event(**party)
    [request] = bot.requests
    schema = request["response_format"]["json_schema"]
    assert (schema["name"], schema["strict"]) == ("Event", True)
    assert set(schema["schema"]["properties"]) == {"name", "guests"}


@pytest.mark.parametrize("url", [PIXEL, "https://example.com/cat.png"])
def test_images_reach_the_provider_untouched(agent: AgentMaker, url: str) -> None:
    bot = agent(hi)
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    bot.client().chat.completions.create(model=bot.slug, messages=[{"role": "user", "content": content}])
    [request] = bot.requests
    [text, image] = request["messages"][-1]["content"]
    assert (text["text"], image["image_url"]["url"]) == ("What is it?", url)


def test_models(agent: AgentMaker) -> None:
    bot = agent(hi)
    assert bot.slug in [model.id for model in bot.client().models.list()]


async def ask(bot, number: int) -> str:
    async with AsyncOpenAI(base_url=bot.base_url, api_key=bot.account.key) as client:
        reply = await client.chat.completions.create(
            model=bot.slug, messages=[{"role": "user", "content": f"number {number}"}],
        )
    return reply.choices[0].message.content


def test_the_asynchronous_client(agent: AgentMaker) -> None:
    import asyncio

    bot = agent(lambda body: completion({"content": body["messages"][-1]["content"]}))

    async def several() -> list[str]:
        return await asyncio.gather(*(ask(bot, number) for number in range(5)))

    assert asyncio.run(several()) == [f"number {number}" for number in range(5)]


def test_a_wrong_key_is_an_authentication_error(agent: AgentMaker) -> None:
    bot = agent(hi)
    with pytest.raises(openai.AuthenticationError) as caught:
        bot.client(api_key="retinue_wrong").chat.completions.create(model=bot.slug, messages=HELLO)
    assert caught.value.code == "unauthenticated"


def test_a_wrong_model_or_agent_is_not_found(agent: AgentMaker) -> None:
    bot = agent(hi)
    with pytest.raises(openai.NotFoundError) as caught:
        bot.client().chat.completions.create(model="gpt-999", messages=HELLO)
    assert caught.value.code == "model_not_found"
    nowhere = bot.base_url.replace(bot.slug, "no-such-agent")
    with pytest.raises(openai.NotFoundError):
        bot.client(base_url=nowhere).chat.completions.create(model="gpt-999", messages=HELLO)


def test_a_request_that_makes_no_sense_is_a_bad_request(agent: AgentMaker) -> None:
    bot = agent(hi)
    with pytest.raises(openai.BadRequestError) as caught:
        bot.client().chat.completions.create(model=bot.slug, messages=HELLO, temperature=99)
    assert caught.value.type == "invalid_request_error"
    assert caught.value.param == "temperature"
    assert bot.requests == []


def test_what_no_model_of_the_line_can_do_is_unprocessable(agent: AgentMaker) -> None:
    bot = agent(hi, capabilities=["streaming"])
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        bot.client().chat.completions.create(model=bot.slug, messages=HELLO, tools=[WEATHER])
    assert caught.value.code == "unsupported_capability"
    assert "tools" in caught.value.message


def test_a_spent_budget_is_402_and_is_not_retried(agent: AgentMaker) -> None:
    bot = agent(hi, budget={"limit_usd": "0.000001", "period": "total", "action": "block"})
    sent = []
    counting = DefaultHttpxClient(event_hooks={"request": [sent.append]})
    with pytest.raises(openai.APIStatusError) as caught:
        bot.client(http_client=counting).chat.completions.create(model=bot.slug, messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (402, "budget_exceeded")
    assert (len(sent), bot.requests) == (1, [])


def test_too_many_calls_a_minute_are_a_rate_limit(worker: Worker, provider: Provider, agent: AgentMaker) -> None:
    bot = agent(hi, of=new_account(worker, provider, "frugal", "budget"))
    create = bot.client(max_retries=0).chat.completions.create
    with pytest.raises(openai.RateLimitError) as caught:
        for _ in range(61):
            create(model=bot.slug, messages=HELLO)
    assert caught.value.code == "rate_limited"
    headers = caught.value.response.headers
    assert headers["ratelimit-policy"] == '"calls";q=60;w=60'
    assert headers["ratelimit"] == f'"calls";r=0;t={headers["retry-after"]}'
    assert len(bot.requests) == 60


def test_too_many_calls_at_once_are_a_rate_limit(agent: AgentMaker) -> None:
    asked, over = threading.Event(), threading.Event()

    def slow(body: Json) -> Json:
        asked.set()
        assert over.wait(60)
        return hi(body)

    bot = agent(slow, max_concurrency=1)
    create = bot.client(max_retries=0).chat.completions.create
    first = threading.Thread(target=create, kwargs={"model": bot.slug, "messages": HELLO})
    first.start()
    try:
        assert asked.wait(60)
        with pytest.raises(openai.RateLimitError) as caught:
            create(model=bot.slug, messages=HELLO)
        assert caught.value.code == "concurrency_exceeded"
    finally:
        over.set()
        first.join(60)
    # The client waits and tries again by itself, as for any rate limit.
    assert bot.client(max_retries=5).chat.completions.create(model=bot.slug, messages=HELLO).choices
