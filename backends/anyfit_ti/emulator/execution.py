"""The life of something that runs, in a thread of its own: the same for jobs and tasks of both generations."""

from __future__ import annotations

import shutil
import threading
import time
import traceback
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from anyfit_emulator.moving import Cancelled, Missing
from anyfit_emulator.running import Command, Course, LineLog, NotStarted, Outcome, Run
from anyfit_ti.emulator.container import Unfit
from anyfit_ti.emulator.machines import Machines
from anyfit_ti.emulator.mirroring import Mirror

__all__ = ["Ending", "Execution", "Surroundings"]

_MIRROR_EVERY = 1.0


@frozen
class Surroundings:
    """What every execution of a desk has around it.

    Attributes:
        lock: Guards what is run and its state.
        pause: Seconds in each state before the program runs, so that somebody can see it.
        machines: Where machines are taken from.
    """

    lock: threading.RLock
    pause: float
    machines: Machines


@frozen
class Ending:
    """How it ended.

    Attributes:
        how: `done`, `failed`, `stopped` or `timeout`; `unfit` when it never ran.
        message: Why, unless it is done.
    """

    how: str
    message: str = ""


class Execution(Course):
    """Runs something in the folder that it is given.

    Subclasses say what is done in each step. What they do to the state, they do with the lock held.

    Args:
        key: Marks its processes, see `anyfit_emulator.running.leftovers`.
        log: Takes what the programs write.
        machines: How many machines it needs.
        taken: Whether it has them already.
        limit: Seconds that its programs may run, or None.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        folder: Path,
        log: LineLog,
        machines: int,
        *,
        taken: bool = False,
        limit: float | None = None,
    ) -> None:
        super().__init__(f"ti-{folder.name}", surroundings.lock)
        self.around = surroundings
        self.folder = folder
        self.log = log
        self._limit = limit
        self._machines = machines
        self._taken = taken

    # what is done

    @abstractmethod
    def queued(self) -> None:
        """There are no machines for it; called once, before it waits for some."""

    @abstractmethod
    def starting(self) -> None:
        """There are."""

    @abstractmethod
    def prepare(self) -> list[Command]:
        """Fetch what is needed; answers what to run."""

    @abstractmethod
    def running(self) -> None:
        """The programs have started."""

    @abstractmethod
    def save(self, outcome: Outcome) -> None:
        """The programs have ended; keep what they made."""

    @abstractmethod
    def mirrors(self) -> list[Mirror]:
        """What is kept while the programs run."""

    @abstractmethod
    def ended(self, ending: Ending) -> None:
        """It is over."""

    def patience(self) -> float | None:
        """How many seconds it may wait for machines; None for ever."""
        return None

    # the rest

    def live(self) -> None:
        try:
            ending = self._through()
        except Cancelled:
            ending = Ending("stopped")
        except (Unfit, Missing, NotStarted) as error:
            ending = Ending("unfit", str(error))
        except Exception as error:
            traceback.print_exc()
            ending = Ending("failed", f"the emulator has failed: {error!r}")
        shutil.rmtree(self.folder / "root", ignore_errors=True)
        if self._taken:
            self.around.machines.give_back(self._machines)
        with self.lock:
            if not self.is_abandoned:
                self.ended(ending)

    def _through(self) -> Ending:
        self._take()
        self.rest(self.around.pause)
        with self.lock:
            self._check()
            self.starting()
        self.rest(self.around.pause)
        run = Run(str(self.folder), self.prepare(), self.log)
        with self.lock:
            self._check()
            run.start()
            self.run = run
            self.running()
        mirrors = self.mirrors()
        outcome = self._wait(run, mirrors)
        return self._judge(outcome, self._keep(outcome, mirrors))

    def _take(self) -> None:
        if self._taken or self.around.machines.take(self._machines):
            self._taken = True
            return
        with self.lock:
            self._check()
            self.queued()
        patience = self.patience()
        latest = None if patience is None else time.monotonic() + patience

        def tired() -> bool:
            return self.stopping.is_set() or (latest is not None and time.monotonic() > latest)

        self._taken = self.around.machines.wait(self._machines, tired)
        self._check()
        if not self._taken:
            raise Unfit("the resources are insufficient, and waiting for them took too long")

    def _wait(self, run: Run, mirrors: list[Mirror]) -> Outcome:
        done = threading.Event()

        def keep() -> None:
            while not done.wait(_MIRROR_EVERY):
                with suppress(Missing, OSError):  # it is tried again, and in the end told
                    look(mirrors)

        keeper = threading.Thread(target=keep, name="ti-mirror", daemon=True)
        keeper.start()
        try:
            return run.wait(self._limit)
        finally:
            done.set()
            keeper.join()

    def _keep(self, outcome: Outcome, mirrors: list[Mirror]) -> str:
        """Keep what the programs made; answers what went wrong."""
        if self.is_abandoned:
            return ""
        try:
            look(mirrors)
            self.save(outcome)
        except (Missing, OSError) as error:
            return f"the output could not be saved: {error}"
        return ""

    def _check(self) -> None:
        if self.stopping.is_set():
            raise Cancelled

    def _judge(self, outcome: Outcome, unsaved: str) -> Ending:
        if outcome.reason == "failed":
            code = max(outcome.codes) or min(outcome.codes)  # the others were ended by a signal
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            return Ending("failed", f"the program {how}")
        if outcome.reason == "timeout":
            return Ending("timeout", f"it ran longer than {self._limit:g} s")
        if outcome.reason == "stopped":
            return Ending("stopped", unsaved)
        return Ending("failed", unsaved) if unsaved else Ending("done")


def look(mirrors: list[Mirror]) -> None:
    """Let all look."""
    for mirror in mirrors:
        mirror.look()
