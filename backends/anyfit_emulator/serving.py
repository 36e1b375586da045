"""Processes that serve HTTP on loopback, as containers of an online service do, and requests passed on to them."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable

from anyfit_emulator.http import Request, Response
from anyfit_emulator.running import Command, LineLog, NotStarted, Outcome, Run
from anyfit_emulator.running.ports import HOST, answers, is_free, listens

__all__ = ["NotServing", "Server", "forward"]

BODY_LIMIT = 256 << 20
_LOOK = 0.03
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class NotServing(Exception):
    """A process ended, or did not listen in time, or does not answer; the message says which."""


class Server:
    """A process that is to listen on one of several ports.

    Args:
        key: Marks its processes.
        command: What to run; it should be told its port in some way.
        log: What it writes goes there.
        ports: Where it may listen: the one that it is told, and others that count if nobody has them yet.

    Attributes:
        port: Where it does listen; 0 until `wait` has found out.
    """

    def __init__(self, key: str, command: Command, log: LineLog, ports: tuple[int, ...]) -> None:
        self._key = key
        self._run = Run(key, [command], log)
        self._log = log
        self._ports = (*ports[:1], *filter(is_free, ports[1:]))
        self._outcome: Outcome | None = None
        self._ended = threading.Event()
        self.port = 0

    def start(self) -> None:
        """Start the process.

        Raises:
            NotServing: That is not possible.
        """
        try:
            self._run.start()
        except NotStarted as error:
            self._ended.set()
            raise NotServing(str(error)) from error
        threading.Thread(target=self._watch, name="emulator-server", daemon=True).start()

    def wait(self, seconds: float, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Until it listens.

        Raises:
            NotServing: It ended before, or the time was too short, or `cancelled` said so.
        """
        latest = time.monotonic() + seconds
        while not self._listens():
            if self._ended.wait(_LOOK):
                raise NotServing(f"the program ended{self._how()}")
            if cancelled():
                raise NotServing("it was stopped while it was being started")
            if time.monotonic() > latest:
                raise NotServing(f"nothing listens on port {self._ports[0]} after {seconds:g} s")

    def stop(self, grace: float) -> None:
        """Ask it to end, and kill it after so many seconds; does not wait."""
        self._run.stop(grace)

    def join(self, seconds: float) -> bool:
        """Wait until it has ended; False when it has not."""
        return self._ended.wait(seconds)

    def _watch(self) -> None:
        self._outcome = self._run.wait()
        self._ended.set()

    def _listens(self) -> bool:
        own, *others = self._ports
        if answers(own):
            self.port = own
        else:
            self.port = next((port for port in others if listens(port, self._key)), 0)
        return bool(self.port)

    def _how(self) -> str:
        code = self._outcome.codes[0] if self._outcome else 0
        last = self._log.page(len(self._log) - 1, 1)
        return f" with code {code}" + (f": {last[0].text}" if last else "")


def forward(request: Request, port: int, path: str, seconds: float) -> Response:
    """Pass a request on to a port of this machine, and the answer back.

    Raises:
        NotServing: There was none.
    """
    body = request.body.read(BODY_LIMIT)
    if body is None:
        return Response(413, [("Content-Type", "text/plain")], b"the body is too large\n")
    headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request(request.method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotServing(f"no answer from the program: {error or type(error).__name__}") from error
    finally:
        connection.close()
    kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
    return Response(answer.status, kept, content)
