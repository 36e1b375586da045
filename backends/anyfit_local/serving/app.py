"""The face of an endpoint: an ASGI application with `/invocations`, `/ping` and `/info`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from anyfit_local.serving.fleet import Fleet
from anyfit_local.serving.pool import Answer

__all__ = ["App"]

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_METHODS = {"/invocations": ("POST",), "/ping": ("GET", "HEAD"), "/info": ("GET", "HEAD")}
_MOST_WAITING = 256
_MOST_DRAINED = 256 << 20


class TooLarge(Exception):
    """The request is larger than the endpoint takes."""


class Gone(Exception):
    """The client has left before its request was complete."""


class App:
    """Answers requests with the current fleet; None means that the models are still being loaded."""

    def __init__(self, name: str, max_request_bytes: int) -> None:
        self.fleet: Fleet | None = None
        self._name = name
        self._most = max_request_bytes
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        more: dict[str, str] = {}
        try:
            answer = await self._route(scope["method"], scope["path"], headers, receive, more)
        except TooLarge:
            answer = Answer.fault(413, "TooLarge", f"a request may have {self._most} bytes at most")
            more["connection"] = "close"
        except Gone:
            return
        await _respond(send, answer, more, with_body=scope["method"] != "HEAD")

    async def _route(
        self, method: str, path: str, headers: dict[str, str], receive: Receive, more: dict[str, str]
    ) -> Answer:
        allowed = _METHODS.get(path)
        if allowed is None:
            return Answer.fault(404, "NotFound", f"there is no {path} here; there are {', '.join(_METHODS)}")
        if method not in allowed:
            more["allow"] = ", ".join(allowed)
            return Answer.fault(405, "MethodNotAllowed", f"{path} takes {more['allow']}, not {method}")
        if path == "/info":
            return self._info()
        if self.fleet is None:
            more["retry-after"] = "1"
            return Answer.fault(503, "NotReady", "the model is still being loaded")
        if path == "/ping":
            return Answer(200, "application/json", b'{"status": "READY"}')
        if self._waiting >= _MOST_WAITING:
            more["retry-after"] = "1"
            return Answer.fault(503, "Busy", f"{self._waiting} requests are waiting already")
        return await self._invoke(self.fleet, headers, receive, more)

    async def _invoke(self, fleet: Fleet, headers: dict[str, str], receive: Receive, more: dict[str, str]) -> Answer:
        self._waiting += 1
        try:
            body = await self._body(headers, receive)
            fleet = self.fleet or fleet  # another one may have taken over while the body came in
            content_type = headers.get("content-type", "application/json")
            answer, model = await fleet.handle(body, content_type, headers.get("accept", "*/*"))
        finally:
            self._waiting -= 1
        more["x-anyfit-model"] = model
        return answer

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes:
        length = headers.get("content-length", "0")
        body, size = bytearray(), 0
        too_large = length.isdigit() and int(length) > self._most
        while size < self._most + _MOST_DRAINED:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            piece = message.get("body", b"")
            size += len(piece)
            too_large = too_large or size > self._most
            if not too_large:
                body += piece
            if not message.get("more_body"):
                break
        if too_large:  # only now: who is still sending does not listen
            raise TooLarge
        return bytes(body)

    def _info(self) -> Answer:
        fleet = self.fleet
        info = {
            "name": self._name,
            "status": "READY" if fleet else "CREATING",
            "generation": fleet.generation if fleet else 0,
            "variants": fleet.describe() if fleet else [],
        }
        return Answer(200, "application/json", json.dumps(info).encode())


async def _respond(send: Send, answer: Answer, more: dict[str, str], *, with_body: bool) -> None:
    headers = {"content-type": answer.content_type, "content-length": str(len(answer.body)), **more}
    packed = [(key.encode("latin-1"), value.encode("latin-1", "replace")) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": packed})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})
