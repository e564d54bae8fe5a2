"""A model provider on loopback, in OpenAI's wire: every model answers as its test says, and every request is kept."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
#: A whole reply, or the chunks of a stream.
Answer = Json | Iterable[Json]

USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


def completion(message: Json, finish: str = "stop") -> Json:
    """A whole reply with one choice."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}


def chunks(deltas: list[Json], finish: str = "stop") -> list[Json]:
    """A stream of one choice, its usage last."""
    def chunk(choices: list[Json], usage: Json | None = None) -> Json:
        head = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return {**head, "choices": choices, "usage": usage}

    parts = [{"role": "assistant", "content": ""}, *deltas]
    steps = [chunk([{"index": 0, "delta": part, "finish_reason": None}]) for part in parts]
    end = chunk([{"index": 0, "delta": {}, "finish_reason": finish}])
    return [*steps, end, chunk([], USAGE)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Provider"

    def do_POST(self) -> None:  # noqa: N802, the name is the standard library's
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests[body["model"]].append(body)
        answer = self.server.answers[body["model"]](body)
        if isinstance(answer, dict):
            self.reply("application/json", json.dumps(answer))
        else:
            frames = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in answer)
            self.reply("text/event-stream", f"{frames}data: [DONE]\n\n")

    def reply(self, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Says nothing: pytest's output is for the tests."""


class Provider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Callable[[Json], Answer]] = {}
        self.requests: defaultdict[str, list[Json]] = defaultdict(list)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def model(self, answer: Callable[[Json], Answer]) -> str:
        """Adds a model that answers so; its code."""
        code = f"m-{len(self.answers) + 1}"
        self.answers[code] = answer
        return code
