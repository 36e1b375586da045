"""An event loop in a thread with any number of listening sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING

from anyfit_emulator.http.connection import Connection
from anyfit_emulator.http.message import App

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["HttpServer"]

WORKERS = 128  # threads that move large bodies; small requests need none
BACKLOG = 1024


class HttpServer:
    """Serves applications on loopback from a thread of its own.

    `listen` binds at once, so the port is known and taken before anything is served:

        with HttpServer() as server:
            port = server.listen(app)

    Attributes:
        connections: The open connections, touched on the event loop only.
    """

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="emulator")
        self._loop = _new_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="emulator-http", daemon=True)

    def start(self) -> None:
        """Run the event loop."""
        self._thread.start()

    def listen(self, app: App, *, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve `app` on `host` and `port` (0: any free one); answers the port. The server must be running."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise OSError(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}") from error
        bound = int(sock.getsockname()[1])
        asyncio.run_coroutine_threadsafe(self._serve(app, sock), self._loop).result()
        return bound

    def stop(self) -> None:
        """Close everything at once, transfers under way included."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, app: App, sock: socket.socket) -> None:
        server = await self._loop.create_server(
            lambda: Connection(app, self, self._executor), sock=sock, backlog=BACKLOG
        )
        self._servers.append(server)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)  # let transports report their loss


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not made for every platform; a third slower without
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
