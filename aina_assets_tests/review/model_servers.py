"""Local servers that speak the OpenAI and the Anthropic protocol, with answers as the test says.

Belongs here: the protocols' own shapes, over real sockets. What is answered is a list of steps a
model; the last step stays.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

INPUT_TOKENS, OUTPUT_TOKENS = 1_000, 100


@dataclass(frozen=True)
class Answers:
    """An answer in the form asked for: by the tool that is offered, or as JSON."""

    content: Mapping[str, Any]


@dataclass(frozen=True)
class Writes:
    """An answer that is made of what was asked."""

    answer: Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Says:
    """Plain words instead of the tool."""

    text: str


@dataclass(frozen=True)
class Refuses:
    """The provider's own way of refusing."""

    text: str = "I cannot help with that."


@dataclass(frozen=True)
class Status:
    """An error of the protocol."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sleeps:
    """No answer until the server is told to stop."""


@dataclass(frozen=True)
class HangsUp:
    """The connection is closed in the middle of the answer."""


Step = Answers | Writes | Says | Refuses | Status | Sleeps | HangsUp


@dataclass
class Heard:
    """A request: who was asked, with what, and when."""

    model: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    at: float


class ModelServer:
    """Answers for several models of both protocols."""

    def __init__(self) -> None:
        self.steps: dict[str, list[Step]] = {}
        self.heard: list[Heard] = []
        self.url = ""
        self._lock = Lock()
        self._stopped = Event()

    def of(self, model: str) -> list[Heard]:
        return [item for item in self.heard if item.model == model]

    def _next(self, heard: Heard) -> Step:
        with self._lock:
            self.heard.append(heard)
            steps = self.steps[heard.model]
            return steps.pop(0) if len(steps) > 1 else steps[0]


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """A server on a port of its own."""
    server = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard = Heard(body["model"], self.path, headers, body, time.monotonic())
            step = server._next(heard)
            if isinstance(step, Writes):
                step = Answers(step.answer(body))
            is_openai = self.path.endswith("/chat/completions")
            match step:
                case Sleeps():
                    server._stopped.wait(30)
                    self.close_connection = True
                case HangsUp():
                    self.send_response(200)
                    self.send_header("Content-Length", "10000")
                    self.end_headers()
                    self.wfile.write(b'{"id": "cut')
                    self.close_connection = True
                case Status(code, extra):
                    said = {"error": {"message": f"status {code}", "type": "error", "code": None}}
                    self._send(code, said if is_openai else {"type": "error", **said}, extra)
                case _:
                    made = _openai(step, body) if is_openai else _anthropic(step, body)
                    self._send(200, made, {})

        def _send(self, code: int, content: Any, headers: Mapping[str, str]) -> None:
            data = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = Thread(target=http.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        server._stopped.set()
        http.shutdown()
        http.server_close()
        thread.join()


def _openai(step: Step, body: Mapping[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    reason = "stop"
    match step:
        case Answers(content) if "tools" not in body:
            message["content"] = json.dumps(content)
        case Answers(content):
            name = body["tools"][0]["function"]["name"]
            called = {"name": name, "arguments": json.dumps(content)}
            message["tool_calls"] = [{"id": "call_1", "type": "function", "function": called}]
            reason = "tool_calls"
        case Says(text):
            message["content"] = text
        case Refuses(text):
            message["refusal"] = text
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": {
            "prompt_tokens": INPUT_TOKENS,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        },
    }


def _anthropic(step: Step, body: Mapping[str, Any]) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    reason = "end_turn"
    match step:
        case Answers(said) if "tools" not in body:
            content = [{"type": "text", "text": json.dumps(said)}]
        case Answers(said):
            name = body["tools"][0]["name"]
            content = [{"type": "tool_use", "id": "toolu_1", "name": name, "input": said}]
            reason = "tool_use"
        case Says(text):
            content = [{"type": "text", "text": text}]
        case Refuses():
            reason = "refusal"
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    }
