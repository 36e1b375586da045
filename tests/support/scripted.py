"""A server that answers by script, and pauses that take no time."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, TypeVar

from attrs import frozen

from anyfit.http import RetryPolicy

A = TypeVar("A")


@frozen
class Asked:
    """A request: the name of its call, what it is made of, and its body, read where it is JSON."""

    call: str
    method: str
    path: str
    body: Any
    headers: Mapping[str, str]


@frozen
class Reply:
    """What goes back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class Listener:
    """A server that hands each request on to be answered.

    Attributes:
        url: Where it is.
    """

    def __init__(self) -> None:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = listener.take(self.command, self.path, body, dict(self.headers.items()))
                if reply is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                self.send_response_only(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else reply.body)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def take(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply | None:
        """Answer a request; None closes the connection without an answer."""
        raise NotImplementedError

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


STORED = {"ETag": '"1"'}
"""What a store says with every object; platforms that are played have one at the same place."""


class Script(Listener, Generic[A]):
    """Plays a platform: each call has its answers, of which the last is given for ever.

    A platform's own script says what calls are named, and what its answers look like.

    Attributes:
        asked: What was asked.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[str, list[A]] = {}
        super().__init__()

    def call_of(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        """The name of a call."""
        return f"{method} {path.partition('?')[0]}"

    def usual(self, asked: Asked) -> A:
        """The answer to a call that nothing is said about."""
        raise NotImplementedError

    def reply(self, asked: Asked, answer: A) -> Reply | None:
        """How the platform gives an answer; None closes the connection without one."""
        raise NotImplementedError

    def on(self, call: str, *answers: A) -> None:
        """Answer a call."""
        self._answers[call] = list(answers)

    def calls(self, call: str) -> list[Any]:
        """The bodies with which a call was made."""
        return [asked.body for asked in self.asked if asked.call == call]

    def headers(self, call: str) -> list[Mapping[str, str]]:
        """The headers with which a call was made."""
        return [asked.headers for asked in self.asked if asked.call == call]

    def take(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply | None:
        """Answer a request by script."""
        asked = Asked(self.call_of(method, path, headers), method, path, _read(body), headers)
        self.asked.append(asked)
        answers = self._answers.get(asked.call) or [self.usual(asked)]
        return self.reply(asked, answers.pop(0) if len(answers) > 1 else answers[0])


class Pauses(list[float]):
    """Remembers pauses instead of making them."""

    def policy(self, attempts: int = 4) -> RetryPolicy:
        """A policy that does not wait."""
        return RetryPolicy(attempts=attempts, sleep=self.append, chance=lambda: 1.0)


def _read(body: bytes) -> Any:
    """The JSON of a body; what is stored by the way is none."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body
