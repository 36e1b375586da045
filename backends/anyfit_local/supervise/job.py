"""The life of one job, from its folder to its final state.

A job is one launcher per node, each in a session of its own. The supervisor holds the lock of the job's folder
as long as it lives: whoever finds the lock free and the state not final knows that it was killed.
Standard library only.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
from contextlib import suppress

from anyfit_local.supervise.collecting import CollectFault
from anyfit_local.supervise.daemon import Refused, detach, spawn, take_name
from anyfit_local.supervise.errand import Errand
from anyfit_local.supervise.evidence import MemoryWatch
from anyfit_local.supervise.nodes import Node
from anyfit_local.supervise.processes import MARK, kill_all, marked, signal_group
from anyfit_local.supervise.pump import Pump
from anyfit_local.supervise.records import read_record, take_lock
from anyfit_local.supervise.results import Results
from anyfit_local.supervise.status import StatusFile
from anyfit_local.supervise.usage import Meter
from anyfit_local.supervise.verdict import TOLD, judge, unsaved

TYPE_CHECKING = False  # the module of that name costs more than all of ours
if TYPE_CHECKING:
    from typing import Any, NoReturn

__all__ = ["Supervisor", "main"]

_TICK = 1.0
_LOCK_SECONDS = 2.0
_DRAIN_SECONDS = 1.0
_WAKING = (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT)


class Ended(Exception):
    """The job ends before or after its script with this verdict."""

    def __init__(self, status: str, cause: str = "", reason: str = "") -> None:
        super().__init__(reason)
        self.verdict = {"cause": cause, "reason": reason}
        self.status = status


class Asked(Exception):
    """Somebody wants the job to end while data is moved for it."""


class Supervisor:
    """Runs the job whose prepared folder is `folder`."""

    def __init__(self, folder: str) -> None:
        self._prepared = folder
        run = read_record(f"{folder}/run.json")
        if run is None:
            raise Refused(1, f"{folder}/run.json cannot be read")
        self.run = run
        self.folder: str = run["folder"]
        self.nodes: list[Node] = []
        self.ending = ""
        self._told = False
        self._heard = 0
        self._selector = selectors.DefaultSelector()

    # Beginning

    def begin(self) -> None:
        """Take the folder's final name, which is the job's; `Refused` when it is taken."""
        self._wake_on_signals()
        self._lock = take_lock(f"{self._prepared}/supervisor.lock", _LOCK_SECONDS)
        if self._lock is None:
            raise Refused(1, f"{self._prepared}/supervisor.lock is held by somebody else")
        take_name(self._prepared, self.folder)
        os.chdir(self.folder)
        self.status = StatusFile(f"{self.folder}/status.json")
        self.status.move("PREPARING")

    def live(self) -> None:
        """The whole life of the job; whatever happens ends in a final state."""
        try:
            status, verdict = self._live()
        except Ended as end:
            status, verdict = end.status, end.verdict
        except Exception as fault:
            self._kill()
            print(f"{type(fault).__name__}: {fault}", file=sys.stderr, flush=True)
            status, verdict = "FAILED", {"cause": "lost", "reason": f"its supervisor failed: {fault}"}
        self.status.move(status, **verdict)

    def _live(self) -> tuple[str, dict[str, Any]]:
        self._fetch()
        self._memory = MemoryWatch()
        self._start()
        self._watch()
        status, verdict = judge(self.nodes, self.ending, self.run["max_run"], self._memory, self._meter.peak)
        self._forget_what_ended_the_script()
        self.status.move("UPLOADING", **verdict)
        try:
            Results(self.folder, self.run, self._put, self._check).collect(succeeded=status == "SUCCEEDED")
        except Asked:
            return unsaved(status, verdict, self.ending)
        except CollectFault as fault:
            if status == "SUCCEEDED":
                reason = f"its results could not be saved: {fault}"
                return "FAILED", {**verdict, "cause": "output", "reason": reason}
            verdict["reason"] += f"; its outputs could not be saved: {fault}"
        return status, verdict

    def _wake_on_signals(self) -> None:
        """Handlers that do nothing but let `select` return; children get the defaults back."""
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # whatever the client had blocked
        self._awake, wake = os.pipe()
        for end in (self._awake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in _WAKING:
            signal.signal(number, lambda *_: None)
        self._selector.register(self._awake, selectors.EVENT_READ)

    # Data from elsewhere

    def _fetch(self) -> None:
        for errand in self.run["fetch"]:
            try:
                fault = self._move_data("get", errand["uri"], errand["path"])
            except Asked:
                raise Ended(*self._ended_early()) from None
            if fault:
                raise Ended("FAILED", "input", f"{errand['what']} could not be fetched: {fault}")

    def _move_data(self, verb: str, uri: str, path: str) -> str:
        """Let a full Python move files from or to a store; answers the fault, or ""."""
        patience = self.run["stall_seconds"]
        errand = Errand([*self.run["mover"], verb, uri, path], self.folder)
        while not errand.over():
            self._wait(min(_TICK, patience))
            if errand.over():
                break
            if errand.stands_still(patience):
                errand.kill()
                return f"{uri}: nothing has moved for {patience:g} s"
            if self._asked_to_end():
                errand.kill()
                raise Asked
        return errand.fault()

    def _ended_early(self) -> tuple[str, str, str]:
        if self.ending == "stop":
            return "STOPPED", "", "stopped before its script began"
        return "FAILED", "lost", TOLD

    def _put(self, path: str, uri: str) -> None:
        fault = self._move_data("put", uri, path)
        if fault:
            raise CollectFault(fault)

    def _check(self) -> None:
        self._wait(0)
        if self._asked_to_end():
            raise Asked

    def _forget_what_ended_the_script(self) -> None:
        """A job that was stopped saves its outputs: only who asks anew ends that too."""
        self._wait(0)
        if self.ending in ("stop", "told"):
            self._told = False

    # The script

    def _start(self) -> None:
        if self._asked_to_end():
            raise Ended(*self._ended_early())
        python = self.run["launch"][0]
        if not os.access(python, os.X_OK):
            raise Ended("FAILED", "start", f"{python} cannot be started")
        self._began = time.monotonic()
        for index, world in enumerate(self.run["worlds"]):
            reading, writing = os.pipe()
            environment = {
                **os.environ,
                **world["environment"],
                "ANYFIT_WORLD": json.dumps(world["world"]),
                "ANYFIT_GRACE_SECONDS": str(max(1, int(self.run["grace_seconds"]))),
                "PYTHONUNBUFFERED": "1",
                MARK: self.folder,
            }
            pid = spawn(self.run["launch"], environment, self.folder, writing)
            os.close(writing)
            pump = Pump(reading, f"{self.folder}/logs/node-{index}")
            self._selector.register(reading, selectors.EVENT_READ, pump)
            self.nodes.append(Node(world["world"]["current_host"], pid, pump))
        nodes = [[node.host, node.pid, node.since] for node in self.nodes]
        self.status.move("RUNNING", nodes=nodes)
        self._meter = Meter(f"{self.folder}/usage.txt", self._began)

    def _watch(self) -> None:
        """Until every node has ended and nothing of the job is left."""
        deadline = self._began + self.run["max_run"]
        kill_at = float("inf")
        while running := [node for node in self.nodes if node.outcome is None]:
            now = time.monotonic()
            due = kill_at if self.ending else deadline
            self._wait(min(_TICK, max(0.0, due - now), self._meter.wait()))
            self._reap()
            running = [node for node in running if node.outcome is None]
            self._memory.look()
            self._meter.look([node.pid for node in running])
            now = time.monotonic()
            if now >= kill_at:
                self._kill()
                kill_at = float("inf")
            elif running and not self.ending and self._must_end(now >= deadline):
                kill_at = now + self.run["grace_seconds"]
                self._tell_to_end(running)
        self._end_leftovers(kill_at if self.ending else 0.0)
        self._drain()

    def _tell_to_end(self, running: list[Node]) -> None:
        if self.ending != "node":
            self.status.move("STOPPING", heard=self._heard)
        for node in running:
            # To the launcher alone, which passes it on: a script must not be told twice.
            os.kill(node.pid, signal.SIGTERM)

    def _must_end(self, late: bool) -> bool:
        if late:
            self.ending = "timeout"
        elif not self._asked_to_end() and any(node.outcome for node in self.nodes):
            self.ending = "node"
        return bool(self.ending)

    def _asked_to_end(self) -> bool:
        """Whether somebody asks for the end who has not been heard yet."""
        request = _modified(f"{self.folder}/stop")
        if request not in (0, self._heard):
            self.ending, self._heard = "stop", request
        elif self._told:
            self.ending = "told"
        else:
            return False
        self._told = False
        return True

    def _wait(self, seconds: float) -> None:
        """Move output into the logs, or be woken by a signal."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._told = self._told or bytes([signal.SIGTERM])[0] in os.read(self._awake, 512)
            elif not key.data.move():
                self._selector.unregister(key.fd)

    def _reap(self) -> None:
        for node in self.nodes:
            if node.outcome is None:
                pid, status, used = os.wait4(node.pid, os.WNOHANG)
                if pid:
                    node.end(os.waitstatus_to_exitcode(status))
                    unit = 1 if sys.platform == "darwin" else 1024
                    self._meter.peak = max(self._meter.peak, used.ru_maxrss * unit)

    def _end_leftovers(self, kill_at: float) -> None:
        """What a script leaves behind ends with it, as in a container; when told to stop, it has its grace too."""
        told = False
        while kill_at != float("inf") and time.monotonic() < kill_at and (left := marked(self.folder)):
            if not told:
                for pid in left:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)
                told = True
            self._wait(0.02)
        self._kill()

    def _kill(self) -> None:
        for node in self.nodes:
            # The group's number cannot be anybody else's as long as a member of it lives.
            signal_group(node.pid, signal.SIGKILL)
        kill_all(self.folder, [])

    def _drain(self) -> None:
        """Read what the pipes still hold; a stranger that keeps one open cannot hold the job up.

        However late it is, nothing is left in them: the machine may have had no time for us.
        """
        until = time.monotonic() + _DRAIN_SECONDS
        while len(self._selector.get_map()) > 1 and time.monotonic() < until:
            self._wait(0.05)
        for node in self.nodes:
            node.pump.drain()
            node.pump.close()


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return 0


def main(folder: str) -> NoReturn:
    """Run the job in a prepared folder, detached from whoever started us."""
    supervisor: list[Supervisor] = []

    def begin() -> None:
        supervisor.append(Supervisor(folder))
        supervisor[0].begin()

    detach(begin, lambda: supervisor[0].live())
