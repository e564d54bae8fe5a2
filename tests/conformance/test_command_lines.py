"""Coding agents on the command line, headless: an address and a key changed, and nothing else. RETINUE_COMMAND_LINES is the
folder in which they are installed."""

import json
import os
import subprocess
from pathlib import Path

from answers import GREETING, greets
from shared import AgentMaker

HOME = os.environ.get("RETINUE_COMMAND_LINES")


def run(folder: Path, name: str, *arguments: str, **env: str) -> str:
    assert HOME, "RETINUE_COMMAND_LINES is not set: scripts/test conformance sets it"
    done = subprocess.run(
        [f"{HOME}/node_modules/.bin/{name}", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **env},
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def test_codex(agent: AgentMaker, tmp_path: Path) -> None:
    made = agent(greets)
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text(f"""
model = "{made.slug}"
model_provider = "retinue"
[model_providers.retinue]
name = "Retinue"
base_url = "{made.base_url}"
env_key = "RETINUE_KEY"
wire_api = "responses"
""")
    said = run(tmp_path, "codex", "exec", "--skip-git-repo-check", "Hi", RETINUE_KEY=made.account.key)
    assert GREETING in said


def test_claude_code(agent: AgentMaker, tmp_path: Path) -> None:
    made = agent(greets)
    base = made.base_url.removesuffix("/v1")
    said = run(tmp_path, "claude", "-p", "Hi", "--output-format", "json",
               ANTHROPIC_BASE_URL=base, ANTHROPIC_API_KEY=made.account.key)
    assert json.loads(said)["result"] == GREETING


def test_opencode(agent: AgentMaker, tmp_path: Path) -> None:
    made = agent(greets)
    options = {"baseURL": made.base_url, "apiKey": made.account.key}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {made.slug: {"name": "Agent"}}}
    (tmp_path / "opencode.json").write_text(json.dumps({"provider": {"retinue": provider}}))
    said = run(tmp_path, "opencode", "run", "--model", f"retinue/{made.slug}", "Hi")
    assert GREETING in said
