"""Clients as people install them, in their defaults: base URL and key changed, and nothing else. Each chats, streams, calls a
tool, has an answer of a schema, and is told at once of money that is spent and of an agent that is not there."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from answers import GREETING, PLACE, answers
from pydantic import BaseModel
from shared import Account, Agent, AgentMaker

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
RAIN = "It is rain in Oslo."


class Place(BaseModel):
    """A place and how warm it is there."""

    city: str
    degrees: int


def weather(city: str) -> str:
    """The weather of a city."""
    return f"rain in {city}"


@dataclass
class Site:
    """An agent's addresses."""

    openai: str
    anthropic: str
    key: str
    name: str

    @classmethod
    def of(cls, agent: Agent, slug: str | None = None) -> "Site":
        base = agent.base_url.replace(agent.slug, slug) if slug else agent.base_url
        return cls(base, base.removesuffix("/v1"), agent.account.key, slug or agent.slug)


class OpenAiChat:
    def client(self, site: Site) -> Any:
        import openai

        return openai.OpenAI(base_url=site.openai, api_key=site.key).chat.completions

    TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
            "properties": {"city": {"type": "string"}}, "required": ["city"]}}}

    def chat(self, site: Site) -> str:
        asked = self.client(site).create(model=site.name, messages=[{"role": "user", "content": "Hi"}])
        return asked.choices[0].message.content

    def stream(self, site: Site) -> str:
        said = self.client(site).create(
            model=site.name, messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in said if chunk.choices)

    def tool(self, site: Site) -> str:
        said: list[Any] = [{"role": "user", "content": "Weather in Oslo?"}]
        first = self.client(site).create(model=site.name, messages=said, tools=[self.TOOL]).choices[0].message
        [call] = first.tool_calls
        output = weather(**json.loads(call.function.arguments))
        said += [first, {"role": "tool", "tool_call_id": call.id, "content": output}]
        return self.client(site).create(model=site.name, messages=said, tools=[self.TOOL]).choices[0].message.content

    def typed(self, site: Site) -> Place:
        asked = self.client(site).parse(
            model=site.name, messages=[{"role": "user", "content": "Where?"}], response_format=Place
        )
        return asked.choices[0].message.parsed


class OpenAiResponses:
    TOOL = {"type": "function", "name": "weather", "parameters": OpenAiChat.TOOL["function"]["parameters"]}

    def client(self, site: Site) -> Any:
        import openai

        return openai.OpenAI(base_url=site.openai, api_key=site.key)

    def chat(self, site: Site) -> str:
        return self.client(site).responses.create(model=site.name, input="Hi").output_text

    def stream(self, site: Site) -> str:
        with self.client(site).responses.stream(model=site.name, input="Hi") as said:
            return "".join(event.delta for event in said if event.type == "response.output_text.delta")

    def tool(self, site: Site) -> str:
        responses = self.client(site).responses
        first = responses.create(model=site.name, input="Weather in Oslo?", tools=[self.TOOL])
        [call] = first.output
        output = {"type": "function_call_output", "call_id": call.call_id,
                  "output": weather(**json.loads(call.arguments))}
        return responses.create(model=site.name, previous_response_id=first.id, input=[output]).output_text

    def typed(self, site: Site) -> Place:
        return self.client(site).responses.parse(model=site.name, input="Where?", text_format=Place).output_parsed


class Anthropic:
    TOOL = {"name": "weather", "input_schema": OpenAiChat.TOOL["function"]["parameters"]}

    def client(self, site: Site) -> Any:
        import anthropic

        return anthropic.Anthropic(base_url=site.anthropic, api_key=site.key).messages

    def chat(self, site: Site) -> str:
        said = [{"role": "user", "content": "Hi"}]
        return self.client(site).create(model=site.name, max_tokens=100, messages=said).content[0].text

    def stream(self, site: Site) -> str:
        said = [{"role": "user", "content": "Hi"}]
        with self.client(site).stream(model=site.name, max_tokens=100, messages=said) as stream:
            return "".join(stream.text_stream)

    def tool(self, site: Site) -> str:
        said: list[Any] = [{"role": "user", "content": "Weather in Oslo?"}]
        ask = {"model": site.name, "max_tokens": 100, "tools": [self.TOOL]}
        first = self.client(site).create(messages=said, **ask)
        call = next(block for block in first.content if block.type == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": weather(**call.input)}
        said += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
        return self.client(site).create(messages=said, **ask).content[0].text

    def typed(self, site: Site) -> Place:
        said = [{"role": "user", "content": "Where?"}]
        return self.client(site).parse(
            model=site.name, max_tokens=100, messages=said, output_format=Place
        ).parsed_output


class LangChain:
    def __init__(self, **options: Any) -> None:
        self.options = options

    def model(self, site: Site) -> Any:
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(model=site.name, base_url=site.openai, api_key=site.key, **self.options)

    def chat(self, site: Site) -> str:
        return self.model(site).invoke("Hi").text

    def stream(self, site: Site) -> str:
        return "".join(chunk.text for chunk in self.model(site).stream("Hi"))

    def tool(self, site: Site) -> str:
        from langchain_core.messages import HumanMessage, ToolMessage
        from langchain_core.tools import tool

        bound = self.model(site).bind_tools([tool(weather)])
        said: list[Any] = [HumanMessage("Weather in Oslo?")]
        said.append(bound.invoke(said))
        [call] = said[-1].tool_calls
        said.append(ToolMessage(weather(**call["args"]), tool_call_id=call["id"]))
        return bound.invoke(said).text

    def typed(self, site: Site) -> Place:
        return self.model(site).with_structured_output(Place).invoke("Where?")


class LangChainAnthropic(LangChain):
    def model(self, site: Site) -> Any:
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(model=site.name, base_url=site.anthropic, api_key=site.key)


class PydanticAi:
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def model(self, site: Site) -> Any:
        if self.kind == "anthropic":
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            return AnthropicModel(site.name, provider=AnthropicProvider(base_url=site.anthropic, api_key=site.key))
        from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
        from pydantic_ai.providers.openai import OpenAIProvider

        of = OpenAIResponsesModel if self.kind == "responses" else OpenAIChatModel
        return of(site.name, provider=OpenAIProvider(base_url=site.openai, api_key=site.key))

    def agent(self, site: Site, **options: Any) -> Any:
        from pydantic_ai import Agent as PydanticAgent

        return PydanticAgent(self.model(site), **options)

    def chat(self, site: Site) -> str:
        return self.agent(site).run_sync("Hi").output

    def stream(self, site: Site) -> str:
        async def said() -> str:
            async with self.agent(site).run_stream("Hi") as result:
                return "".join([piece async for piece in result.stream_text(delta=True, debounce_by=None)])

        return asyncio.run(said())

    def tool(self, site: Site) -> str:
        return self.agent(site, tools=[weather]).run_sync("Weather in Oslo?").output

    def typed(self, site: Site) -> Place:
        return self.agent(site, output_type=Place).run_sync("Where?").output


class OpenAiAgents:
    def agent(self, site: Site, **options: Any) -> Any:
        from agents import Agent as OpenAiAgent
        from agents import OpenAIResponsesModel
        from openai import AsyncOpenAI

        client = AsyncOpenAI(base_url=site.openai, api_key=site.key)
        return OpenAiAgent(name="x", model=OpenAIResponsesModel(site.name, client), **options)

    def run(self, site: Site, text: str, **options: Any) -> Any:
        from agents import Runner

        return Runner.run_sync(self.agent(site, **options), text).final_output

    def chat(self, site: Site) -> str:
        return self.run(site, "Hi")

    def stream(self, site: Site) -> str:
        from agents import Runner

        async def said() -> str:
            result = Runner.run_streamed(self.agent(site), "Hi")
            return "".join([event.data.delta async for event in result.stream_events()
                            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"])

        return asyncio.run(said())

    def tool(self, site: Site) -> str:
        from agents import function_tool

        return self.run(site, "Weather in Oslo?", tools=[function_tool(weather)])

    def typed(self, site: Site) -> Place:
        return self.run(site, "Where?", output_type=Place)


CLIENTS: dict[str, Any] = {
    "openai chat": OpenAiChat(),
    "openai responses": OpenAiResponses(),
    "anthropic": Anthropic(),
    "langchain-openai chat": LangChain(),
    "langchain-openai responses": LangChain(use_responses_api=True),
    "langchain-anthropic": LangChainAnthropic(),
    "pydantic-ai chat": PydanticAi("chat"),
    "pydantic-ai responses": PydanticAi("responses"),
    "pydantic-ai anthropic": PydanticAi("anthropic"),
    "openai-agents": OpenAiAgents(),
}


def status_of(error: BaseException | None) -> int | None:
    """The status that a client's error has, or the one below it."""
    while error is not None:
        if isinstance(status := getattr(error, "status_code", None), int):
            return status
        error = error.__cause__ or error.__context__
    return None


def refused(ask: Callable[[Site], Any], site: Site) -> int | None:
    with pytest.raises(Exception) as error:
        ask(site)
    return status_of(error.value)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_in_its_defaults(name: str, agent: AgentMaker) -> None:
    client, made = CLIENTS[name], agent(answers)
    site = Site.of(made)
    assert client.chat(site) == GREETING
    assert client.stream(site) == GREETING
    assert client.tool(site) == RAIN
    assert client.typed(site) == Place(**PLACE)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_is_told_at_once(name: str, agent: AgentMaker) -> None:
    client = CLIENTS[name]
    poor = agent(answers, budget={"limit_usd": "0.000001", "period": "total", "action": "block"})
    assert refused(client.chat, Site.of(poor)) == 402
    assert refused(client.chat, Site.of(poor, "nobody")) == 404
    assert len(poor.requests) == 0


def test_openais_client_has_embeddings_models_and_conversations(agent: AgentMaker, account: Account) -> None:
    vectors = account.provider.model(answers)
    account.put(f"/models/emu/{vectors}", {
        "input_usd_per_mtok": "1", "output_usd_per_mtok": "0", "context_tokens": 8_000, "max_output_tokens": 1,
        "capabilities": ["embeddings"],
    })
    made = agent(answers, embeddings=f"emu:{vectors}")
    client = made.client()
    for encoding in [{}, {"encoding_format": "float"}]:
        embedded = client.embeddings.create(model=made.slug, input=["The sea", "The shore"], **encoding)
        assert [one.embedding for one in embedded.data] == [[0.5, -1.25], [0.5, -1.25]]
        assert embedded.usage.prompt_tokens == 6
    assert made.slug in [model.id for model in client.models.list()]
    assert client.models.retrieve(made.slug).id == made.slug
    conversation = client.conversations.create(metadata={"topic": "sea"})
    response = client.responses.create(model=made.slug, input="Hi", conversation=conversation.id)
    listed = client.conversations.items.list(conversation.id, order="asc")
    assert [item.type for item in listed] == ["message", "message"]
    client.conversations.items.delete(response.output[0].id, conversation_id=conversation.id)
    assert len(list(client.conversations.items.list(conversation.id))) == 1
    assert client.conversations.delete(conversation.id).deleted


def test_a_stream_is_heard_again_behind_any_event(agent: AgentMaker) -> None:
    client = (made := agent(answers)).client()
    heard = list(client.responses.create(model=made.slug, input="Hi", stream=True))
    kept = heard[-1].response.id
    for event in heard[:-1]:
        rest = client.responses.retrieve(kept, stream=True, starting_after=event.sequence_number)
        assert [other.sequence_number for other in rest] == [
            other.sequence_number for other in heard if other.sequence_number > event.sequence_number
        ]
