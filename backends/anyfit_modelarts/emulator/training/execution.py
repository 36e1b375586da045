"""One run, from its creation to its end, in a thread of its own (reference, section 4)."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import evolve, frozen

from anyfit_emulator.moving import Cancelled, Missing, download
from anyfit_emulator.running import Command, Course, LineLog, NotStarted, Outcome, Run
from anyfit_emulator.storage import ObjectStore
from anyfit_modelarts.emulator.training import life as stages
from anyfit_modelarts.emulator.training.cluster import Cluster
from anyfit_modelarts.emulator.training.container import Container
from anyfit_modelarts.emulator.training.life import Life
from anyfit_modelarts.emulator.training.logbook import Logbook
from anyfit_modelarts.emulator.training.plan import Plan, Unfit
from anyfit_modelarts.emulator.training.syncing import Syncing

__all__ = ["Execution", "Manners"]

_REQUIREMENTS = "pip-requirements.txt"
_HOOKS = (("ma-pre-start.sh", "bash"), ("ma-pre-start.py", "python"))


@frozen
class Manners:
    """How this emulator runs things.

    Attributes:
        pause: Seconds in each state before the start, so that somebody can see it.
        period: Seconds between copies of outputs to OBS.
        install: Whether what `pip-requirements.txt` names is installed, for the run alone.
    """

    pause: float = 0.0
    period: float = 30.0
    install: bool = False


class Execution(Course):
    """Runs a plan.

    Args:
        life: Kept up to date under `lock`.
        folder: Where its containers are while it lives, and what it used of the machine.
        logs: Take its lines, by node.
        make_plan: Says what to do on these machines.
        changed: Called with the lock held, whenever the life has changed.
    """

    def __init__(
        self,
        life: Life,
        folder: Path,
        logs: Sequence[LineLog],
        store: ObjectStore,
        lock: threading.RLock,
        manners: Manners,
        make_plan: Callable[[Cluster], Plan],
        changed: Callable[[], None],
    ) -> None:
        super().__init__(f"train-{folder.name}", lock)
        self._life = life
        self._folder = folder
        self._logs = logs
        self._book = Logbook(logs, folder)
        self._store = store
        self._manners = manners
        self._make_plan = make_plan
        self._changed = changed

    def to_stop(self) -> None:
        if not self._life.has_ended:
            super().to_stop()
            self._go(stages.STOPPING)

    def live(self) -> None:
        try:
            stage, message = self._through()
        except Cancelled:
            stage, message = stages.STOPPED, ""
        except (Unfit, Missing, NotStarted) as error:
            self._book.say(str(error))
            stage, message = stages.FAILED, str(error)
        except Exception as error:
            traceback.print_exc()
            stage, message = stages.FAILED, f"the emulator has failed: {error!r}"
        for index in range(self._life.nodes):
            Container(self._root(index)).remove()
        with self.lock:
            self._life.ended = time.time()
            self._life.message = message
            self._go(stage)

    def _through(self) -> tuple[str, str]:
        self.rest(self._manners.pause)
        self._life.queued = time.time()
        self._advance(stages.QUEUED)
        self.rest(self._manners.pause)
        cluster = Cluster.make(self._life.nodes)
        self._life.prepared, self._life.address = time.time(), list(cluster.addresses)
        self._advance(stages.PREPARING)
        plan = self._make_plan(cluster)
        boxes = [self._prepare(plan, index) for index in range(self._life.nodes)]
        self._before(plan, boxes)
        self._book.begin(plan)
        with Syncing(self._store, plan.uploads, boxes, self._manners.period, self._book.say) as syncing:
            outcome = self._main(plan, boxes)
            unsaved = "" if self.is_abandoned else syncing.finish()
        if not self.is_abandoned:
            self._book.export(plan, self._store)
        return self._judge(outcome, unsaved)

    def _prepare(self, plan: Plan, index: int) -> Container:
        box = Container.make(self._root(index))
        try:
            for place in (*plan.directories, *(item.place for item in plan.uploads)):
                box.path(place).mkdir(parents=True, exist_ok=True)
            for place, text in plan.files.items():
                box.path(place).write_text(box.inside(text))
            for item in plan.downloads:
                with suppress(*([Missing] if item.optional else [])):
                    download(self._store, item.uri, box.path(item.place), self.stopping.is_set)
        except OSError as error:
            raise Unfit(str(error)) from error
        if plan.boot and not box.path(plan.boot).is_file():
            raise Unfit(f"the boot file {plan.boot} is not among the code")
        return box

    def _before(self, plan: Plan, boxes: list[Container]) -> None:
        """What a preset image does before the user's program."""
        if not plan.boot:
            return
        if boxes[0].path(plan.code).joinpath(_REQUIREMENTS).is_file():
            self._requirements(plan, boxes)
        for name, program in _HOOKS:
            if boxes[0].path(plan.boot).parent.joinpath(name).is_file():
                place = plan.boot.rpartition("/")[0] + f"/{name}"
                commands = [self._command(plan, box, index, (program, place)) for index, box in enumerate(boxes)]
                self._must(self._run_all(commands), name)

    def _requirements(self, plan: Plan, boxes: list[Container]) -> None:
        if not self._manners.install:
            self._book.say(f"{_REQUIREMENTS} is not installed here, the emulator's packages are used")
            return
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        commands = []
        for index, box in enumerate(boxes):
            argv = (*pip, "--target", str(box.packages), "-r", _REQUIREMENTS)
            commands.append(evolve(self._command(plan, box, index, argv), directory=box.path(plan.code)))
        self._must(self._run_all(commands), _REQUIREMENTS)

    def _must(self, outcome: Outcome, what: str) -> None:
        if outcome.reason == "stopped":
            raise Cancelled
        if outcome.reason == "failed":
            raise Unfit(f"{what} ended with code {next(code for code in outcome.codes if code)}")

    def _main(self, plan: Plan, boxes: list[Container]) -> Outcome:
        outcome = self._attempt(plan, boxes)
        for left in range(plan.retries, 0, -1):
            if outcome.reason != "failed" or self.stopping.is_set():
                break
            self._life.failures.append([self._life.started, time.time(), max(self._life.codes)])
            self._book.say(f"the training is started again, {left} of {plan.retries} times are left")
            try:
                outcome = self._attempt(plan, boxes)
            except Cancelled:  # stopped in between; there are outputs of the attempts before
                return evolve(outcome, reason="stopped")
        return outcome

    def _attempt(self, plan: Plan, boxes: list[Container]) -> Outcome:
        commands = [
            self._command(plan, box, index, plan.nodes[index].argv, main=True) for index, box in enumerate(boxes)
        ]
        helpers = [
            evolve(self._command(plan, boxes[index], index, helper.argv), prefix=helper.prefix, awaited=False)
            for index, node in enumerate(plan.nodes)
            for helper in node.helpers
        ]
        outcome = self._run_all([*commands, *helpers], plan.seconds, main=True)
        self._life.codes = [128 - code if code < 0 else code for code in outcome.codes[: len(commands)]]
        self._book.finish(plan, self._life.codes)
        return outcome

    def _command(self, plan: Plan, box: Container, index: int, argv: Sequence[str], *, main: bool = False) -> Command:
        directory = box.path(plan.directory)
        directory.mkdir(parents=True, exist_ok=True)
        return Command(
            [box.inside(word) for word in argv],
            directory,
            box.environment(plan.nodes[index].environment),
            usage=self._folder / f"usage-{index}.txt" if main else None,
            log=self._logs[index],
        )

    def _run_all(self, commands: list[Command], seconds: float | None = None, *, main: bool = False) -> Outcome:
        run = Run(str(self._folder), commands, self._logs[0])
        with self.lock:
            if self.stopping.is_set():
                raise Cancelled
            try:
                run.start()
            except ValueError as error:  # a NUL in an argument, a variable's name that is none
                raise Unfit(f"the program cannot be started: {error}") from error
            self.run = run
            if main:
                self._life.started = time.time()
                self._go(stages.RUNNING)
        return run.wait(seconds)

    def _judge(self, outcome: Outcome, unsaved: str) -> tuple[str, str]:
        if outcome.reason == "timeout":
            return stages.STOPPED, "stopped after the time that was asked for"
        if outcome.reason == "stopped":
            return stages.STOPPED, unsaved
        if outcome.reason == "failed":
            failed = [f"worker-{index} exited with code {code}" for index, code in enumerate(self._life.codes) if code]
            return stages.FAILED, next(iter(failed), "a parameter server failed")
        return (stages.FAILED, unsaved) if unsaved else (stages.COMPLETED, "")

    def _root(self, index: int) -> Path:
        return self._folder / f"root-{index}"

    def _advance(self, stage: str) -> None:
        """Go on to a stage, unless the run is being stopped."""
        with self.lock:
            if self.stopping.is_set():
                raise Cancelled
            self._go(stage)

    def _go(self, stage: str) -> None:
        if not self.is_abandoned:
            self._life.stage = stage
            self._changed()
