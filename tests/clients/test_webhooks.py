"""Webhooks, received by a server that knows nothing of Retinue but what Standard Webhooks' own library checks."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import Account, Agent, AgentMaker
from provider import Json
from standardwebhooks import Webhook, WebhookVerificationError
from test_runs import says

Message = tuple[dict[str, str], bytes]


class Handler(BaseHTTPRequestHandler):
    server: "Receiver"

    def do_POST(self) -> None:  # noqa: N802, the name is the standard library's
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.messages.append((dict(self.headers), body))
        answers = self.server.answers
        self.send_response(answers.pop(0) if answers else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.messages: list[Message] = []
        #: How the next ones are answered; 204 when nothing is said.
        self.answers: list[int] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


@dataclass
class Hook:
    account: Account
    receiver: Receiver
    name: str
    secrets: list[str] = field(default_factory=list)

    def call(self, method: str, path: str = "", body: Json | None = None) -> Json:
        return self.account.worker.call(self.account.key, method, f"/api/v1/webhooks/{self.name}{path}", body)

    def wait(self, count: int) -> list[Message]:
        end = time.monotonic() + 60
        while len(self.receiver.messages) < count:
            assert time.monotonic() < end, self.call("GET", "/deliveries")
            time.sleep(0.05)
        return self.receiver.messages


@pytest.fixture
def hook(account: Account, request: pytest.FixtureRequest) -> Iterator[Hook]:
    with Receiver() as receiver:
        hook = Hook(account, receiver, request.node.name.replace("_", "-")[:63].strip("-"))
        made = hook.call("PUT", body={"url": f"http://127.0.0.1:{receiver.server_port}/in", "runs": "named"})
        hook.secrets.append(made["secret"])
        yield hook
        hook.call("DELETE", "?force=true")
        receiver.shutdown()


def run(bot: Agent, thread: str) -> Json:
    path = f"/accounts/{bot.account.slug}/agents/{bot.slug}/threads/{thread}/runs"
    return bot.account.worker.call(bot.account.key, "POST", path, {"message": "Hi"})


def test_the_library_verifies_what_a_run_sends(agent: AgentMaker, hook: Hook) -> None:
    bot = agent(lambda body: says(body, "Snow, and ünïcode."), webhooks=[hook.name])
    begun = run(bot, "w")
    [(headers, body)] = hook.wait(1)
    event = Webhook(hook.secrets[0]).verify(body, headers)
    assert (event["type"], event["data"]["id"]) == ("run.completed", begun["id"])
    assert event["data"]["message"] == "Snow, and ünïcode."
    with pytest.raises(WebhookVerificationError):
        Webhook(hook.secrets[0]).verify(body.replace(b"Snow", b"Rain"), headers)


def test_both_secrets_verify_while_one_is_rotated(hook: Hook) -> None:
    rotated = hook.call("POST", "/rotate", {"keep_s": 600})
    hook.secrets.append(rotated["secret"])
    hook.call("POST", "/test")
    [(headers, body)] = hook.wait(1)
    for secret in hook.secrets:
        assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"
    stranger = "whsec_" + "A" * 43 + "="
    with pytest.raises(WebhookVerificationError):
        Webhook(stranger).verify(body, headers)


def test_a_message_that_fails_comes_again_with_its_id_and_a_signature_of_its_own(hook: Hook) -> None:
    hook.receiver.answers = [500]
    hook.call("POST", "/test")
    (first, body), (second, again) = hook.wait(2)
    id_of = {name.lower(): value for name, value in first.items()}["webhook-id"]
    assert {name.lower(): value for name, value in second.items()}["webhook-id"] == id_of
    assert body == again
    for headers in (first, second):
        Webhook(hook.secrets[0]).verify(body, headers)
    [delivery] = hook.call("GET", "/deliveries")["data"]
    end = time.monotonic() + 30
    while delivery["status"] != "sent" and time.monotonic() < end:
        time.sleep(0.05)
        [delivery] = hook.call("GET", "/deliveries")["data"]
    assert (delivery["status"], delivery["attempts"]) == ("sent", 2)
