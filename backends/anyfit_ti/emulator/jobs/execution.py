"""One job's life: eight steps, each with a message of its own (reference, section 2.5)."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from anyfit_emulator.running import Command, LineLog, Outcome
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.container import ML
from anyfit_ti.emulator.execution import Ending, Execution, Surroundings
from anyfit_ti.emulator.filesystems import FileSystems
from anyfit_ti.emulator.jobs.launcher import Launcher, stamp
from anyfit_ti.emulator.jobs.tree import Tree
from anyfit_ti.emulator.jobs.values import Job
from anyfit_ti.emulator.loglines import say
from anyfit_ti.emulator.mirroring import Mirror, to_cos, to_directory

__all__ = ["JobExecution", "Means"]

_DAY = 86400


@frozen
class Means:
    """What jobs are run with.

    Attributes:
        store: Where data, code and outputs are.
        systems: The file systems.
        programs: Directory of what images have and this machine may lack.
        credentials_url: Where programs find keys.
        changed: Called with the lock held, whenever a job has changed.
    """

    store: ObjectStore
    systems: FileSystems
    programs: Path
    credentials_url: Callable[[], str]
    changed: Callable[[Job], None]


class JobExecution(Execution):
    """Runs a job."""

    def __init__(
        self, job: Job, means: Means, surroundings: Surroundings, folder: Path, log: LineLog, *, taken: bool
    ) -> None:
        stopping = job.config["StoppingCondition"] or {}
        limit = stopping.get("MaxRuntimeInSeconds")
        super().__init__(surroundings, folder, log, job.instances, taken=taken, limit=limit)
        self._job = job
        self._means = means
        self._wait_limit = (stopping["MaxWaitTimeInSeconds"] - limit) if limit else _DAY
        self._command_line = ""
        self._tree: Tree | None = None

    def patience(self) -> float:
        """The longest wait less the longest run."""
        return float(self._wait_limit)

    def queued(self) -> None:
        """It stays where it is, "Launching ML instance"."""

    def starting(self) -> None:
        """The machines are there."""
        self._move("Starting", "ML instance ready")

    def prepare(self) -> list[Command]:
        """Fetch data and code."""
        self._advance("Downloading", "Downloading training data")
        self.rest(self.around.pause)
        self._tree = Tree(self._job, self.folder / "root")
        self._tree.fill(self._means.store, self._means.systems, self.stopping.is_set)
        self._advance("Downloading", "Training data ready")
        self.rest(self.around.pause)
        url = self._means.credentials_url()
        launcher = Launcher(self._job, self._tree, self._means.programs, url, self.folder)
        self._command_line = launcher.command_line
        for index in range(self._job.instances):
            say(self.log, index, stamp("Training entry point load", time.time()))
            say(self.log, index, stamp(f"Training command: {self._command_line}", time.time()))
        return launcher.commands()

    def running(self) -> None:
        """The script runs."""
        self._job.started = time.time()
        self._move("Training", "Starting train job")

    def mirrors(self) -> list[Mirror]:
        """Checkpoints are kept while they are made."""
        put = self._put("checkpoints")
        return [Mirror(self._the_tree.shared / "checkpoints", put)] if put else []

    def save(self, outcome: Outcome) -> None:
        """Pack the model and the other outputs, also of a job that failed, and put them where they belong."""
        self._note(outcome)
        self._advance("Training", "Training finished")
        self._advance("Uploading", "Uploading job output")
        packed = self.folder / "root" / "packed"
        packed.mkdir()
        model = _pack(packed / "model.tar.gz", [self._the_tree.shared / "model"])
        _pack(packed / "output.tar.gz", self._the_tree.gather("output/data"))
        put = self._put("")
        if put:
            put(packed)
        place = self._place
        if model and place:
            with self.lock:
                self._job.model = (place[0], f"{place[1]}model.tar.gz")

    def ended(self, ending: Ending) -> None:
        """The last transition."""
        job = self._job
        job.ended = time.time()
        if ending.how == "done":
            self._move("Completed", "Training Job completed", "Completed")
        elif ending.how == "stopped":
            self._move("Stopped", "Training Job stopped", "Stopped")
        elif ending.how == "timeout":
            self._move("MaxRuntimeExceeded", f"MaxRuntimeInSeconds exceeded: {ending.message}", "Stopped")
        else:
            ran = ending.how == "failed" and self._command_line
            job.failure = f"{self._failure_text}{ending.message}" if ran else ending.message
            self._move("Failed", job.failure, "Failed")

    @property
    def _the_tree(self) -> Tree:
        assert self._tree is not None  # noqa: S101  it has been prepared
        return self._tree

    @property
    def _failure_text(self) -> str:
        return f'Run error: \nRunUserEntrypointError:\nCommand "{self._command_line}"\n'

    @property
    def _place(self) -> tuple[str, str] | None:
        """Bucket and prefix of the outputs."""
        output = self._job.config["OutputDataConfig"]
        if not output["CosOutputBucket"]:
            return None
        prefix = (output["CosOutputKeyPrefix"] or "").strip("/")
        return output["CosOutputBucket"], f"{prefix + '/' if prefix else ''}{self._job.name}/output/"

    def _put(self, name: str) -> Callable[[Path], None] | None:
        """Takes files to a folder below the job's outputs; None when nothing is to be kept."""
        place, system = self._place, self._job.config["OutputDataConfig"]["FileSystemDataSource"]
        if place:
            return to_cos(self._means.store, f"cos://{place[0]}/{place[1]}{name}")
        if system:
            path = f"{system['DirectoryPath']}/{self._job.name}/{name}"
            systems = self._means.systems
            return lambda folder: to_directory(systems.directory(system["FileSystemId"], path))(folder)
        return None

    def _note(self, outcome: Outcome) -> None:
        """What the launcher leaves behind."""
        for index, container in enumerate(self._the_tree.containers):
            code = outcome.codes[index] if index < len(outcome.codes) else 0
            failed = outcome.reason == "failed" and code > 0
            name, text = ("failure", self._failure_text) if failed else ("success", "success")
            if outcome.reason == "exited":
                say(self.log, index, stamp("Training success", time.time()))
            if failed or outcome.reason == "exited":
                (container.path(f"{ML}/output") / name).write_text(text)

    def _advance(self, secondary: str, message: str) -> None:
        """Go on, unless the job is being stopped: then it stays Stopping until it is Stopped."""
        with self.lock:
            if not self.stopping.is_set():
                self._move(secondary, message)

    def _move(self, secondary: str, message: str, status: str = "") -> None:
        self._job.move(secondary, message, time.time(), status)
        self._means.changed(self._job)


def _pack(archive: Path, folders: list[Path]) -> bool:
    """Make an archive of what is in directories; False, and no archive, when nothing is."""
    if not any(any(folder.iterdir()) for folder in folders):
        return False
    with tarfile.open(archive, "w:gz") as target:
        for folder in folders:
            for path in sorted(folder.iterdir()):
                target.add(path, path.name)
    return True
