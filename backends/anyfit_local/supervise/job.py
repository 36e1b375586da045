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
from typing import Any, NoReturn

from anyfit_local.supervise.collecting import CollectFault, pack_model, publish
from anyfit_local.supervise.daemon import Refused, detach, spawn, take_name
from anyfit_local.supervise.evidence import out_of_memory_kills
from anyfit_local.supervise.processes import MARK, kill_all, marked, signal_group, started
from anyfit_local.supervise.pump import Pump
from anyfit_local.supervise.records import read_record, take_lock
from anyfit_local.supervise.status import StatusFile
from anyfit_local.supervise.usage import Meter

__all__ = ["Supervisor", "main"]

_TICK = 1.0
_DRAIN_SECONDS = 1.0
_WAKING = (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT)


class Ended(Exception):
    """The job ends before or after its script with this verdict."""

    def __init__(self, status: str, cause: str = "", reason: str = "") -> None:
        super().__init__(reason)
        self.verdict = {"cause": cause, "reason": reason}
        self.status = status


class Node:
    """One launcher and what is known of its end."""

    def __init__(self, host: str, pid: int, pump: Pump) -> None:
        self.host = host
        self.pid = pid
        self.pump = pump
        self.since = started(pid)
        self.outcome: int | None = None
        """As `os.waitstatus_to_exitcode` says it: negative for a signal."""


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
        self._selector = selectors.DefaultSelector()

    # Beginning

    def begin(self) -> None:
        """Take the folder's final name, which is the job's; `Refused` when it is taken."""
        self._wake_on_signals()
        self._lock = take_lock(f"{self._prepared}/supervisor.lock")
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
        kills = out_of_memory_kills()
        self._start()
        self._watch()
        verdict = self._verdict(kills)
        status = verdict.pop("status")
        self.status.move("UPLOADING", **verdict)
        try:
            self._collect(status == "SUCCEEDED")
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
            fault = self._move_data("get", errand["uri"], errand["path"])
            if fault:
                raise Ended("FAILED", "start", f"{errand['what']} could not be fetched: {fault}")

    def _move_data(self, verb: str, uri: str, path: str) -> str:
        """Let a full Python move files from or to a store; answers the fault, or ""."""
        said = f"{self.folder}/moving.log"
        output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        argv = [*self.run["mover"], verb, uri, path]
        pid = spawn(argv, {**os.environ, MARK: self.folder}, self.folder, output)
        os.close(output)
        while True:
            done, outcome = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            self._wait(_TICK)
            if verb == "get" and self._asked_to_end():
                signal_group(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                raise Ended(*self._ended_early())
        if outcome == 0:
            return ""
        with open(said, encoding="utf-8", errors="replace") as stream:
            return (stream.read().strip().splitlines() or [f"{uri}: no reason given"])[-1]

    def _ended_early(self) -> tuple[str, str, str]:
        if self.ending == "stop":
            return "STOPPED", "", "stopped before its script began"
        return "FAILED", "lost", _TOLD

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
        self._meter = Meter(f"{self.folder}/usage.txt")

    def _watch(self) -> None:
        """Until every node has ended and nothing of the job is left."""
        deadline = self._began + self.run["max_run"]
        kill_at = float("inf")
        while running := [node for node in self.nodes if node.outcome is None]:
            now = time.monotonic()
            self._wait(min(_TICK, max(0.0, min(deadline, kill_at) - now), self._meter.wait()))
            self._reap()
            running = [node for node in running if node.outcome is None]
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
            self.status.move("STOPPING")
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
        if os.path.exists(f"{self.folder}/stop"):
            self.ending = "stop"
        elif self._told:
            self.ending = "told"
        return bool(self.ending)

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
                    node.outcome = os.waitstatus_to_exitcode(status)
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
        """Read what the pipes still hold; a stranger that keeps one open cannot hold the job up."""
        until = time.monotonic() + _DRAIN_SECONDS
        while len(self._selector.get_map()) > 1 and time.monotonic() < until:
            self._wait(0.05)
        for node in self.nodes:
            node.pump.close()

    # The end

    def _verdict(self, kills_before: dict[str, int]) -> dict[str, Any]:
        failed = [node for node in self.nodes if node.outcome]
        first = self._first_failure(failed)
        outcome = first.outcome if first and first.outcome else 0
        facts: dict[str, Any] = {
            "exit_code": outcome if outcome >= 0 else None,
            "signal": -outcome if outcome < 0 else None,
            "peak_memory": self._meter.peak,
            "cause": "",
            "reason": "",
        }
        if self.ending == "stop":
            return {**facts, "status": "STOPPED", "reason": "stopped on request"}
        if self.ending == "timeout":
            reason = f"it ran longer than max_run allows ({self.run['max_run']} s)"
            return {**facts, "status": "FAILED", "cause": "timeout", "reason": reason}
        if self.ending == "told":
            return {**facts, "status": "FAILED", "cause": "lost", "reason": _TOLD}
        if first is None:
            return {**facts, "status": "SUCCEEDED"}
        where = f"node {first.host}" if len(self.nodes) > 1 else "the script"
        cause, reason = self._explain(outcome, where, kills_before)
        log_faults = [node.pump.fault for node in self.nodes if node.pump.fault]
        return {**facts, "status": "FAILED", "cause": cause, "reason": "; ".join([reason, *log_faults])}

    def _first_failure(self, failed: list[Node]) -> Node | None:
        """The node that failed by itself; the others were ended because of it."""
        by_itself = [node for node in failed if node.outcome != -signal.SIGTERM]
        return next(iter(by_itself or failed), None)

    def _explain(self, outcome: int, where: str, kills_before: dict[str, int]) -> tuple[str, str]:
        text = f"{where} ended with exit code {outcome}" if outcome > 0 else f"{where} was ended by {_name(outcome)}"
        kills = out_of_memory_kills()
        grown = [path for path, count in kills.items() if count > kills_before.get(path, count)]
        if not grown:
            return "", text
        seen = f"{self._meter.peak / 1024**2:.0f} MiB"
        if outcome in (-signal.SIGKILL, 128 + signal.SIGKILL):
            why = f"the kernel killed it for lack of memory, says {grown[0]}; the most that was seen is {seen}"
            return "out-of-memory", f"{text}: {why}"
        return "", f"{text}; meanwhile the kernel killed a process for lack of memory, says {grown[0]}"

    def _collect(self, succeeded: bool) -> None:
        """Put model, outputs and checkpoints where the job's spec wants them."""
        if succeeded:
            archive = f"{self.folder}/model.tar.gz"
            pack_model(f"{self.folder}/model", archive)
        if self.run["output_folder"]:
            self._publish(succeeded)
        elif self.run["output_uri"]:
            self._upload(self.run["output_uri"], succeeded)
        if self.run["checkpoint_uri"]:
            self._put(f"{self.folder}/checkpoints", self.run["checkpoint_uri"])

    def _publish(self, succeeded: bool) -> None:
        publish(
            {name: path for name, path in self._results(succeeded).items() if os.path.exists(path)},
            self.run["output_folder"],
        )

    def _upload(self, uri: str, succeeded: bool) -> None:
        for name, path in self._results(succeeded).items():
            if os.path.isfile(path) or (os.path.isdir(path) and os.listdir(path)):
                self._put(path, f"{uri}/{name}")

    def _results(self, succeeded: bool) -> dict[str, str]:
        """A model that is not known to be whole stays in the job's folder."""
        results = {"output": f"{self.folder}/output/data"}
        if succeeded:
            results["model"] = f"{self.folder}/model"
            results["model.tar.gz"] = f"{self.folder}/model.tar.gz"
        return results

    def _put(self, path: str, uri: str) -> None:
        fault = self._move_data("put", uri, path)
        if fault:
            raise CollectFault(fault)


_TOLD = "its supervisor was told to end (SIGTERM): the machine was shut down, or somebody killed it"


def _name(outcome: int) -> str:
    try:
        return signal.Signals(-outcome).name
    except ValueError:
        return f"signal {-outcome}"


def main(folder: str) -> NoReturn:
    """Run the job in a prepared folder, detached from whoever started us."""
    supervisor: list[Supervisor] = []

    def begin() -> None:
        supervisor.append(Supervisor(folder))
        supervisor[0].begin()

    detach(begin, lambda: supervisor[0].live())
