"""A Worker of these tests' own, an account in it, and agents on a provider that answers as each test says."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from provider import Answer, Json, Provider

ROOT = Path(__file__).parents[2]
OPERATOR_KEY = "operator-key-of-the-client-tests"
#: Whose agents `/agents/…` are.
DEFAULT_ACCOUNT = "schema"
MASTER_KEY = "Y2xpZW50LXRlc3RzLW1hc3Rlci1rZXktMzItYnl0ZSE="
#: Includes a build when nothing is built yet.
START_SECONDS = 15 * 60

# The pipe closes when this process is gone, however it went; then everything that was started ends. It also ends by
# itself when the server does.
SUPERVISOR = """
"$@" </dev/null &
while kill -0 $! 2>/dev/null; do
  read -r -t 1 _
  [ $? -gt 128 ] || break
done
kill -TERM $! 2>/dev/null
wait
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Worker:
    url: str

    def call(self, key: str, method: str, path: str, body: Json | None = None) -> Json:
        """A call of the administration's API."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.loads(response.read() or b"{}")


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder, port = tmp_path_factory.mktemp("worker"), free_port()
    log = folder / "server.log"
    command = [str(ROOT / "scripts/dev"), "--no-model", "--port", str(port), "--state", str(folder / "state")]
    settings = {"OPERATOR_KEY": OPERATOR_KEY, "MASTER_KEY": MASTER_KEY, "ALLOW_LOOPBACK": "1"} | {
        "DEFAULT_ACCOUNT": DEFAULT_ACCOUNT
    }
    keys = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"}
    env = {name: value for name, value in os.environ.items() if name not in keys} | settings
    with log.open("wb") as output, subprocess.Popen(
        ["bash", "-c", SUPERVISOR, "bash", *command],
        stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, env=env,
    ) as process:
        try:
            wait_until_ready(log, f"ready http://localhost:{port}", process)
            yield Worker(f"http://127.0.0.1:{port}")
        finally:
            process.stdin.close()
            process.wait(60)


def wait_until_ready(log: Path, ready: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while ready not in log.read_text(errors="replace"):
        assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
        time.sleep(0.1)


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    with Provider() as server:
        yield server
        server.shutdown()


@dataclass
class Account:
    worker: Worker
    provider: Provider
    slug: str
    key: str

    def put(self, path: str, body: Json) -> Json:
        return self.worker.call(self.key, "PUT", f"/api/v1{path}", body)


def new_account(worker: Worker, provider: Provider, slug: str, plan: str) -> Account:
    worker.call(OPERATOR_KEY, "POST", "/api/v1/accounts", {"slug": slug, "name": "Client tests", "plan": plan})
    path = f"/api/v1/accounts/{slug}/keys"
    key = worker.call(OPERATOR_KEY, "POST", path, {"name": "tests", "role": "admin"})["key"]
    account = Account(worker, provider, slug, key)
    account.put("/providers/emu", {"wire": "openai", "base_url": provider.base_url, "api_key": "sk-emu"})
    return account


@pytest.fixture(scope="session")
def account(worker: Worker, provider: Provider) -> Account:
    return new_account(worker, provider, "clients", "enterprise")


@dataclass
class Agent:
    account: Account
    slug: str
    model: str

    @property
    def base_url(self) -> str:
        return f"{self.account.worker.url}/accounts/{self.account.slug}/agents/{self.slug}/v1"

    def client(self, **options: Any) -> OpenAI:
        return OpenAI(**{"base_url": self.base_url, "api_key": self.account.key} | options)

    @property
    def requests(self) -> list[Json]:
        """What the provider was asked, in order."""
        return self.account.provider.requests[self.model]


AgentMaker = Callable[..., Agent]


@pytest.fixture
def agent(account: Account) -> AgentMaker:
    """Makes an agent on a model of its own that answers so."""

    def make(
        answer: Callable[[Json], Answer], capabilities: list[str] | None = None, of: Account = account, **definition: Any
    ) -> Agent:
        account = of
        model = account.provider.model(answer)
        every = ["images", "tools", "json_schema", "streaming"]
        account.put(f"/models/emu/{model}", {
            "input_usd_per_mtok": "1", "output_usd_per_mtok": "2", "context_tokens": 100_000,
            "max_output_tokens": 10_000, "capabilities": every if capabilities is None else capabilities,
        })
        body = {"slug": f"agent-{model}", "name": f"Agent {model}", "instructions": "Be brief.",
                "model": f"emu:{model}", "access": "key", **definition}
        account.worker.call(account.key, "POST", "/api/v1/agents", body)
        return Agent(account, f"agent-{model}", model)

    return make
