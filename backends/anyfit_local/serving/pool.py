"""The workers of one model version: started, handed one request each, replaced when they die."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

__all__ = ["Answer", "LoadFault", "Pool"]

_LENGTH = struct.Struct("!I")
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
_END_SECONDS = 5.0


class LoadFault(Exception):
    """A worker could not load its model."""


class WorkerLost(Exception):
    """A worker ended in the middle of a request."""


class NotTaken(Exception):
    """A worker had ended before it saw the request, which another may have."""


class Answer:
    """What goes back to the client."""

    def __init__(self, status: int, content_type: str, body: bytes) -> None:
        self.status = status
        self.content_type = content_type
        self.body = body

    @classmethod
    def fault(cls, status: int, kind: str, message: str) -> Answer:
        """An error in the same form as the handler's own."""
        error = {"type": kind, "message": message, "where": ""}
        return cls(status, "application/json", json.dumps({"error": error}).encode())


class _Worker:
    """One worker process and the socket to it."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, argv: list[str], environment: dict[str, str], folder: str) -> _Worker:
        """Start it and wait until its model is loaded."""
        ours, theirs = socket.socketpair()
        try:
            number = theirs.fileno()
            command = [argv[0], argv[1], str(number), *argv[2:]]
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, pass_fds=[number], env=environment, cwd=folder
            )
        except OSError as fault:
            ours.close()
            raise LoadFault(f"{argv[0]} cannot be started: {fault.strerror}") from fault
        finally:
            theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = cls(process, reader, writer)
        try:
            head, _ = await worker._receive()
        except WorkerLost as fault:
            raise LoadFault(str(fault)) from fault
        except asyncio.CancelledError:
            worker.kill()
            raise
        if "fault" in head:
            await worker.end()
            raise LoadFault(head["fault"])
        return worker

    async def ask(self, body: bytes, content_type: str, accept: str) -> Answer:
        """One request and its answer."""
        packed = json.dumps({"content_type": content_type, "accept": accept, "size": len(body)}).encode()
        try:
            self._writer.write(_LENGTH.pack(len(packed)) + packed + body)
            await self._writer.drain()
            await self._receive()
        except (OSError, WorkerLost) as fault:
            raise NotTaken from fault
        head, answer = await self._receive()
        return Answer(head["status"], head["content_type"], answer)

    async def end(self) -> None:
        """Let it finish, and do not wait for ever."""
        self._writer.close()
        try:
            await asyncio.wait_for(self.process.wait(), _END_SECONDS)
        except asyncio.TimeoutError:
            self.kill()
            await self.process.wait()

    def kill(self) -> None:
        """End it at once."""
        self._writer.close()
        with suppress(ProcessLookupError):
            self.process.kill()

    async def _receive(self) -> tuple[dict[str, Any], bytes]:
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            head = json.loads(await self._reader.readexactly(length))
            return head, await self._reader.readexactly(head["size"])
        except (asyncio.IncompleteReadError, OSError):
            await self._lost()
            raise

    async def _lost(self) -> None:
        self._writer.close()
        code = await self.process.wait()
        how = f"with exit code {code}" if code >= 0 else f"by {_signal_name(-code)}"
        raise WorkerLost(f"the worker was ended {how} in the middle of its work; the endpoint's log may tell why")


class Pool:
    """So many workers of one model version."""

    def __init__(self, variant: dict[str, Any], folder: str, seconds: float) -> None:
        self.model: str = variant["model"]
        self.weight: float = variant["weight"]
        self.size: int = variant["workers"]
        self.requests = 0
        self.faults = 0
        self._argv: list[str] = variant["argv"]
        self._environment = {**os.environ, **variant["environment"]}
        self._folder = folder
        self._seconds = seconds
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._workers: set[_Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Start all workers; `LoadFault` when one cannot load its model."""
        starts = [asyncio.ensure_future(self._new_worker()) for _ in range(self.size)]
        try:
            for worker in await asyncio.gather(*starts):
                self._admit(worker)
        except BaseException:
            await asyncio.gather(*starts, return_exceptions=True)
            for start in starts:
                if not start.cancelled() and start.exception() is None:
                    await start.result().end()
            raise

    async def handle(self, body: bytes, content_type: str, accept: str) -> Answer:
        """The answer of the next free worker."""
        self.requests += 1
        answer = await self._handle(body, content_type, accept)
        self.faults += answer.status >= 500
        return answer

    async def close(self) -> None:
        """End all workers."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in self._workers))

    async def _handle(self, body: bytes, content_type: str, accept: str) -> Answer:
        try:
            worker = await asyncio.wait_for(self._free(), self._seconds)
        except asyncio.TimeoutError:
            return Answer.fault(503, "Busy", f"no worker was free within {self._seconds:g} s")
        try:
            answer = await asyncio.wait_for(worker.ask(body, content_type, accept), self._seconds)
        except NotTaken:
            return await self._handle(body, content_type, accept)
        except WorkerLost as fault:
            return Answer.fault(500, "WorkerLost", str(fault))
        except asyncio.TimeoutError:
            worker.kill()  # there is no other way to end what it is at
            return Answer.fault(504, "Timeout", f"the handler took longer than {self._seconds:g} s")
        self._idle.put_nowait(worker)
        return answer

    async def _free(self) -> _Worker:
        while True:
            worker = await self._idle.get()
            if worker.process.returncode is None:
                return worker

    async def _new_worker(self) -> _Worker:
        return await _Worker.start(self._argv, self._environment, self._folder)

    def _admit(self, worker: _Worker) -> None:
        self._workers.add(worker)
        self._idle.put_nowait(worker)
        task = asyncio.ensure_future(self._replace_when_dead(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace_when_dead(self, worker: _Worker) -> None:
        await worker.process.wait()
        self._workers.discard(worker)
        pause = _FIRST_PAUSE
        while not self._closed:
            try:
                self._admit(await self._new_worker())
                return
            except LoadFault as fault:
                print(f"{self.model}: a new worker could not load the model: {fault}", file=sys.stderr, flush=True)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
