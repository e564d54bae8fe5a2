"""Clients that want an older `openai`, in an environment of their own: base URL and key changed, and nothing else."""

import json
from typing import Any

import pytest
from answers import GREETING, PLACE, answers
from shared import Agent, AgentMaker


def weather(city: str) -> str:
    """The weather of a city."""
    return f"rain in {city}"


TOOL = {"type": "function", "function": {"name": "weather", "description": "The weather of a city.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


def poor(agent: AgentMaker) -> Agent:
    return agent(answers, budget={"limit_usd": "0.000001", "period": "total", "action": "block"})


def test_instructor(agent: AgentMaker) -> None:
    import instructor
    import openai
    from pydantic import BaseModel

    class Place(BaseModel):
        city: str
        degrees: int

    made = agent(answers)
    said = [{"role": "user", "content": "Where?"}]
    client = openai.OpenAI(base_url=made.base_url, api_key=made.account.key)
    for mode in [instructor.Mode.TOOLS, instructor.Mode.JSON]:
        asked = instructor.from_openai(client, mode=mode).chat.completions
        assert asked.create(model=made.slug, messages=said, response_model=Place).model_dump() == PLACE
    spent = poor(agent)
    client = openai.OpenAI(base_url=spent.base_url, api_key=spent.account.key)
    with pytest.raises(Exception, match="402|budget"):
        instructor.from_openai(client).chat.completions.create(model=spent.slug, messages=said, response_model=Place)
    assert len(spent.requests) == 0


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_litellm(agent: AgentMaker, wire: str) -> None:
    import litellm

    def ask(made: Agent, **more: Any) -> Any:
        base = made.base_url if wire == "openai" else made.base_url.removesuffix("/v1")
        return litellm.completion(model=f"{wire}/{made.slug}", api_base=base, api_key=made.account.key, **more)

    made, said = agent(answers), [{"role": "user", "content": "Hi"}]
    assert ask(made, messages=said).choices[0].message.content == GREETING
    pieces = ask(made, messages=said, stream=True)
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == GREETING
    first = ask(made, messages=said, tools=[TOOL]).choices[0].message
    [call] = first.tool_calls
    output = weather(**json.loads(call.function.arguments))
    said = [*said, first.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": output}]
    assert ask(made, messages=said, tools=[TOOL]).choices[0].message.content == "It is rain in Oslo."
    spent = poor(agent)
    with pytest.raises(Exception) as error:
        ask(spent, messages=[{"role": "user", "content": "Hi"}])
    assert "budget" in str(error.value).lower()
    assert len(spent.requests) == 0


def test_llama_index(agent: AgentMaker) -> None:
    from llama_index.core.llms import ChatMessage
    from llama_index.core.tools import FunctionTool
    from llama_index.llms.openai_like import OpenAILike

    def model(made: Agent) -> OpenAILike:
        # `OpenAI` itself takes only the models of a list that it has.
        return OpenAILike(model=made.slug, api_base=made.base_url, api_key=made.account.key, is_chat_model=True,
                          is_function_calling_model=True)

    made = agent(answers)
    assert model(made).chat([ChatMessage("Hi")]).message.content == GREETING
    assert "".join(piece.delta for piece in model(made).stream_chat([ChatMessage("Hi")])) == GREETING
    tool = FunctionTool.from_defaults(weather)
    response = model(made).predict_and_call([tool], "Weather in Oslo?")
    assert str(response) == "rain in Oslo"
    spent = poor(agent)
    with pytest.raises(Exception, match="402|budget"):
        model(spent).chat([ChatMessage("Hi")])
    assert len(spent.requests) == 0


def test_llm(agent: AgentMaker) -> None:
    import llm
    from llm.default_plugins.openai_models import Chat

    made = agent(answers)
    model = Chat(made.slug, model_name=made.slug, api_base=made.base_url, supports_tools=True, supports_schema=True)
    model.key = made.account.key
    assert model.prompt("Hi").text() == GREETING
    assert "".join(model.prompt("Hi", stream=True)) == GREETING
    assert model.chain("Weather in Oslo?", tools=[llm.Tool.function(weather)]).text() == "It is rain in Oslo."
    assert json.loads(model.prompt("Where?", schema=llm.schema_dsl("city, degrees int")).text()) == PLACE
