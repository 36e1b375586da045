"""One instance of a service: a container whose program is started, watched, and started again when it ends."""

from __future__ import annotations

import http.client
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from anyfit_emulator.http import Request, Response
from anyfit_emulator.moving import Cancelled, Missing
from anyfit_emulator.running import Command, LineLog
from anyfit_emulator.running.ports import HOST, free_port
from anyfit_emulator.serving import NotServing, Server, forward
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.container import Unfit
from anyfit_ti.emulator.serving.inference import InferenceContainer
from anyfit_ti.emulator.serving.launch import Launch
from anyfit_ti.emulator.serving.program import Requirements, program

__all__ = ["Event", "Pod"]

START_SECONDS = 120.0
ANSWER_SECONDS = 120.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0  # before a program that ended is started again
_LOOK = 0.05
_EVENTS = {
    "Pending": "Mounting the model",
    "Waiting": "Started container infer",
    "Running": "Container infer is ready",
    "CrashLoopBackOff": "Back-off restarting failed container",
    "Unfit": "Error: the container cannot be started",
    "Stopped": "Stopped container infer",
}
_HOT_LOOK = 0.5
_LONG = 3600.0


@frozen
class Event:
    """Something that happened to a pod.

    Attributes:
        warning: Whether it is a bad thing.
    """

    at: float
    warning: bool
    text: str


class Pod:
    """An instance; it lives from `start` until some time after `stop`.

    Args:
        folder: Its own; the tree and the log go there, its name is the pod's.
        changed: Called, from the pod's own thread, whenever an attribute below is another.

    Attributes:
        state: `Pending` (its container is being filled), `Waiting` (its program is being started), `Running`,
            `CrashLoopBackOff` (it ended and will be started again), `Unfit` (it never will be), `Stopped`.
        reason: Why, for the two before the last.
        restarts: How often its program was started again.
        created: When.
        started: When its program became ready last; 0 for never.
        events: What happened to it.
    """

    def __init__(self, launch: Launch, folder: Path, store: ObjectStore, changed: Callable[[], None]) -> None:
        self.name = folder.name
        self.state, self.reason = "Pending", ""
        self.restarts = 0
        self.created, self.started = time.time(), 0.0
        self.events = [Event(self.created, False, _EVENTS["Pending"])]
        self.log = LineLog(folder / "log")
        self._launch = launch
        self._folder = folder
        self._store = store
        self._changed = changed
        self._stopping = threading.Event()
        self._grace = 0.0
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._requirements: Requirements | None = None
        self._second, self._taken = 0, 0  # requests that were let in during this second
        self._busy = 0  # requests that are being answered
        self._thread = threading.Thread(target=self._live, name=f"pod-{self.name}", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether requests may be passed on to it."""
        return self.state == "Running" and not self._stopping.is_set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Ask it to end; so many seconds are left to what it is answering, or to its program."""
        with self._lock:
            self._grace = grace
            self._stopping.set()
            if self._requirements:
                self._requirements.stop()
            if self._busy and grace:
                late = threading.Timer(grace, self._end_program, (0.0,))
                late.daemon = True
                late.start()
                return
        self._end_program(grace)

    def join(self, seconds: float) -> None:
        """Wait for the end of it."""
        self._thread.join(seconds)

    def admit(self) -> bool:
        """Whether it takes one more request now; if so, `forward` must follow."""
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._taken = second, 0
            if not self.ready or (self._launch.rate and self._taken >= self._launch.rate):
                return False
            self._taken += 1
            self._busy += 1
            return True

    def forward(self, request: Request, path: str) -> Response:
        """Pass a request on that was admitted.

        Raises:
            NotServing: The program does not answer.
        """
        server = self._server
        try:
            if server is None:
                raise NotServing("the program has ended")
            return forward(request, server.port, path, ANSWER_SECONDS)
        finally:
            with self._lock:
                self._busy -= 1
                last = self._stopping.is_set() and not self._busy
            if last:
                self._end_program(self._grace)

    def _end_program(self, grace: float) -> None:
        with self._lock:
            if self._server:
                self._server.stop(grace)

    def _live(self) -> None:
        root = self._folder / "root"
        try:
            container = InferenceContainer(root, self._launch, free_port())
            self._prepare(container)
            self._run(container)
        except (Unfit, Missing, OSError) as error:
            self._become("Unfit", str(error))
            self._stopping.wait()
        except Cancelled:
            pass
        shutil.rmtree(root, ignore_errors=True)
        self._become("Stopped")

    def _run(self, container: InferenceContainer) -> None:
        """Run the program again and again, until the pod shall end."""
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            command = Command(program(self._launch, container), container.model, container.variables())
            self._serve(container, command)
            pause = FIRST_PAUSE if time.monotonic() - began > LONGEST_PAUSE else pause
            if not self._stopping.wait(pause):
                pause = min(2 * pause, LONGEST_PAUSE)
                self.restarts += 1
                container.port = free_port()  # the last one may have been taken meanwhile

    def _prepare(self, container: InferenceContainer) -> None:
        container.fill(self._store, self._stopping.is_set)
        with self._lock:
            self._requirements = Requirements(str(self._folder), container, self.log)
            if self._stopping.is_set():
                raise Cancelled
        try:
            self._requirements.install()
        except Unfit:
            if self._stopping.is_set():
                raise Cancelled from None
            raise

    def _serve(self, container: InferenceContainer, command: Command) -> None:
        """Run the program once, to its end."""
        server = Server(str(self._folder), command, self.log, (container.port, self._launch.port))
        self._become("Waiting")
        reason = ""
        try:
            with self._lock:
                if self._stopping.is_set():
                    return
                server.start()
                self._server = server
            server.wait(START_SECONDS, self._stopping.is_set)
            self._probe(server)
            self.started = time.time()
            self._become("Running")
            while not server.join(_HOT_LOOK if self._launch.hot else _LONG):
                with suppress(Missing):
                    container.refresh(self._store)
            reason = "the program ended"
        except NotServing as error:
            reason = str(error)
            server.stop(self._grace)
            while not server.join(_LONG):
                pass
        self._server = None
        if not self._stopping.is_set():
            self._become("CrashLoopBackOff", reason)

    def _probe(self, server: Server) -> None:
        """Wait until the program says that it is ready."""
        latest = time.monotonic() + START_SECONDS
        while self._launch.ready_path and not self._answers_well(server):
            if self._stopping.wait(_LOOK) or server.join(0.0):
                raise NotServing("the program ended before it was ready")
            if time.monotonic() > latest:
                raise NotServing(f"{self._launch.ready_path} is not answered with 200 after {START_SECONDS:g} s")

    def _answers_well(self, server: Server) -> bool:
        connection = http.client.HTTPConnection(HOST, server.port, timeout=5)
        try:
            connection.request("GET", self._launch.ready_path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _become(self, state: str, reason: str = "") -> None:
        self.state, self.reason = state, reason
        text = _EVENTS[state] + (f": {reason}" if reason else "")
        self.events.append(Event(time.time(), bool(reason), text))
        self._changed()
