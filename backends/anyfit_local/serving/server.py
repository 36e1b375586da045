"""The life of an endpoint's server: load, serve, change models without a gap, stop when all is answered.

SIGTERM stops it, SIGUSR1 lets it read `endpoint.json` again. Its lock is held as long as it lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
from collections.abc import Iterator
from typing import Any, NoReturn

from anyfit_local.serving.app import App
from anyfit_local.serving.fleet import Fleet
from anyfit_local.serving.pool import LoadFault
from anyfit_local.supervise.daemon import CONFLICT, Refused, detach, take_name
from anyfit_local.supervise.processes import MARK, boot_id, started
from anyfit_local.supervise.records import read_record, take_lock, write_record

__all__ = ["Server", "main"]

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
_GRACE_SECONDS = 30
_LOCK_SECONDS = 2.0
_PORTS = range(10_000, 20_000)
_ATTEMPTS = 20


class Server:
    """Serves the endpoint whose folder, prepared or existing, is `folder`."""

    def __init__(self, folder: str) -> None:
        self._prepared = folder
        plan = read_record(f"{folder}/endpoint.json")
        if plan is None:
            raise Refused(1, f"{folder}/endpoint.json cannot be read")
        self.plan = plan
        self.folder: str = plan["folder"]
        self.status: dict[str, Any] = read_record(f"{folder}/status.json") or {}

    def begin(self) -> None:
        """Take the lock and, when the endpoint is new, its final name."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # until somebody listens
        self._lock = take_lock(f"{self._prepared}/server.lock", _LOCK_SECONDS)
        if self._lock is None:
            raise Refused(CONFLICT, "its server runs already")
        os.environ[MARK] = self.folder
        os.chdir(self._prepared)  # from here on the folder is ".", whatever its name
        self.report("CREATING", reason="", boot_id=boot_id(), server=[os.getpid(), started(os.getpid())])
        if self._prepared != self.folder:
            take_name(self._prepared, self.folder)

    def report(self, status: str, **facts: Any) -> None:
        """Write down how the endpoint is."""
        self.status.update(facts, status=status)
        write_record("status.json", self.status)

    def live(self) -> None:
        """Serve until told to stop."""
        try:
            with self._listen() as listening:
                self.report("CREATING", port=listening.getsockname()[1])
                asyncio.run(self._serve(listening))
        except LoadFault as fault:
            self.report("FAILED", reason=f"the model could not be loaded: {fault}")
        except Exception as fault:
            self.report("FAILED", reason=f"its server failed: {type(fault).__name__}: {fault}")
            raise
        else:
            self.report("STOPPED", reason="")

    def _listen(self) -> socket.socket:
        """The port it had before, or another one when somebody else has that now.

        Ports are below the range that systems give to clients, so that none of these sits there after a pause.
        """
        host = self.plan["host"]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        former = self.status.get("port")
        for port in (*([former] if former else []), *random.sample(_PORTS, _ATTEMPTS), 0):
            listening = socket.socket(family)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind((host, port))
                listening.listen(1024)
            except OSError:
                listening.close()
                if port == 0:
                    raise
                continue
            return listening
        raise AssertionError("port 0 is never taken")

    async def _serve(self, listening: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._reload = asyncio.Event()
        self.app = App(self.plan["name"], self.plan["max_request_bytes"])
        self._web = _web_server(self.app)
        self._stopping = asyncio.Event()
        self._loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        self._loop.add_signal_handler(signal.SIGUSR1, self._reload.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        serving = asyncio.ensure_future(self._web.serve(sockets=[listening]))
        try:
            await self._until_stopped(Fleet(self.plan, self.folder))
        finally:
            self._web.should_exit = True
            await serving
            if self.app.fleet is not None:
                await self.app.fleet.close()

    async def _until_stopped(self, fleet: Fleet) -> None:
        if not await self._before_stop(fleet.start()):
            return
        self.app.fleet = fleet
        self.report("READY", reason="", generation=fleet.generation)
        while await self._before_stop(self._reload.wait()):
            self._reload.clear()
            await self._update()
        self.report("STOPPING")

    async def _before_stop(self, what: Any) -> bool:
        """Wait for something; False when we are told to stop before it is done."""
        wanted = asyncio.ensure_future(what)
        stop = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait([wanted, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if wanted.done():
            wanted.result()
            return not self._stopping.is_set()
        wanted.cancel()
        await asyncio.gather(wanted, return_exceptions=True)
        return False

    async def _update(self) -> None:
        """Bring the new models up beside the old ones, then change over; the old ones stay when that fails."""
        plan = read_record("endpoint.json")
        former = self.app.fleet
        if plan is None or former is None or plan["generation"] == former.generation:
            return
        self.report("UPDATING", reason="")
        fleet = Fleet(plan, self.folder)
        try:
            if not await self._before_stop(fleet.start()):
                return
        except LoadFault as fault:
            write_record("endpoint.json", former.plan)
            reason = f"the update failed, the former models go on: {fault}"
            self.report("READY", reason=reason, refused=plan["generation"])
            return
        self.app.fleet = fleet
        self.report("READY", reason="", generation=fleet.generation)
        await former.close()


def _web_server(app: App) -> Any:
    import uvicorn

    class Quiet(uvicorn.Server):
        """Leaves signals to us."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return Quiet(config)


def main(folder: str) -> NoReturn:
    """Serve the endpoint in a folder, detached from whoever started us."""
    server: list[Server] = []

    def begin() -> None:
        server.append(Server(folder))
        server[0].begin()

    detach(begin, lambda: server[0].live())
