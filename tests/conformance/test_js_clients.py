"""The same of clients in JavaScript, each in a process of its own. RETINUE_JS_CLIENTS is the folder in which they are installed."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from answers import GREETING, PLACE, answers
from shared import Agent, AgentMaker

HOME = os.environ.get("RETINUE_JS_CLIENTS")
NODE = os.environ.get("RETINUE_NODE", "node")
NAMES = ["openai chat", "openai responses", "anthropic", "ai-sdk", "ai-sdk chat", "ai-sdk compatible", "ai-sdk anthropic",
         "langchain chat", "langchain responses", "openai-agents"]


def ask(name: str, step: str, agent: Agent, slug: str | None = None) -> Any:
    base = agent.base_url.replace(agent.slug, slug) if slug else agent.base_url
    assert HOME, "RETINUE_JS_CLIENTS is not set: scripts/test conformance sets it"
    # Packages are found from where the script is.
    script = Path(HOME) / "clients.mjs"
    shutil.copyfile(Path(__file__).parent / "js" / "clients.mjs", script)
    command = [NODE, str(script), name, step, base, base.removesuffix("/v1"), agent.account.key, slug or agent.slug]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_client_in_its_defaults(name: str, agent: AgentMaker) -> None:
    told = ask(name, "all", agent(answers))
    assert told == {"chat": GREETING, "stream": GREETING, "tool": "It is rain in Oslo.", "typed": PLACE}


@pytest.mark.parametrize("name", NAMES)
def test_a_client_is_told_at_once(name: str, agent: AgentMaker) -> None:
    poor = agent(answers, budget={"limit_usd": "0.000001", "period": "total", "action": "block"})
    assert ask(name, "chat", poor) == {"status": 402}
    assert ask(name, "chat", poor, "nobody") == {"status": 404}
    assert len(poor.requests) == 0
