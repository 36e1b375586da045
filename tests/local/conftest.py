"""What tests of the local backend share: a backend in a folder of its own, and a short way to run scripts on it."""

from __future__ import annotations

import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import evolve

from anyfit.backend import EndpointRef, EndpointState, JobRef, JobState, LogLine, Plan, Status
from anyfit.code.bundle import pack_code
from anyfit.spec import Code, JobSpec
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings
from processes import is_alive

T = TypeVar("T")


class Rig:
    """A local backend, and what a client does with it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.backend = LocalBackend(settings, folder / "home")
        self._count = 0

    def code(self, text: str, name: str = "train.py", **others: str) -> Code:
        """Packed code: one script, and further files by name, dots written as `__`."""
        source = Path(tempfile.mkdtemp(prefix="src-", dir=self.folder))
        (source / name).write_text(textwrap.dedent(text), encoding="utf-8")
        for other, content in others.items():
            (source / other.replace("__", ".")).write_text(textwrap.dedent(content), encoding="utf-8")
        return pack_code(name, str(source), (), self.folder / "packed")[0]

    def plan(self, text: str, *, name: str = "", **fields: Any) -> Plan:
        """The plan for a script."""
        self._count += 1
        code = self.code(text)
        spec = JobSpec(name=name or f"job-{self._count}", entry_point="train.py", code=code, **fields)
        return self.backend.plan(spec, self.backend.catalog())

    def submit(self, text: str, **fields: Any) -> JobRef:
        """Start a script."""
        return self.backend.submit(self.plan(text, **fields))

    def run(self, text: str, **fields: Any) -> tuple[JobRef, JobState]:
        """Run a script to its end."""
        ref = self.submit(text, **fields)
        return ref, self.wait(ref)

    def state(self, ref: JobRef) -> JobState:
        """How the job is."""
        return self.backend.describe([ref])[0]

    def wait(self, ref: JobRef) -> JobState:
        """The job's final state."""
        return until(lambda: state if (state := self.state(ref)).status.finished else None)

    def wait_for_line(self, ref: JobRef, text: str) -> None:
        """Until the job has printed a line."""
        until(lambda: text in self.texts(ref) or None)

    def lines(self, ref: JobRef) -> list[LogLine]:
        """The whole log, page by page."""
        found: list[LogLine] = []
        cursor, more = "", True
        while more:
            page = self.backend.logs(ref, cursor)
            found += page.lines
            cursor, more = page.cursor, page.more
        return found

    def texts(self, ref: JobRef) -> list[str]:
        """The texts of the whole log."""
        return [line.text for line in self.lines(ref)]

    def job_folder(self, ref: JobRef) -> Path:
        """Where the job lives."""
        return self.backend.home.job(ref.id).path

    def wait_endpoint(self, ref: EndpointRef) -> EndpointState:
        """The endpoint once it has settled."""
        return until(lambda: state if (state := self.backend.endpoint(ref)).status.settled else None)

    def with_settings(self, **changes: Any) -> Rig:
        """Another client of the same folder, with other settings."""
        return Rig(self.folder, evolve(self.settings, **changes))

    def close(self) -> None:
        """End everything that a test left running."""
        for endpoint in self.backend.endpoints():
            self.backend.undeploy(endpoint.ref)
        refs = [listed.ref for listed in self.backend.list()]
        for ref, state in zip(refs, self.backend.describe(refs), strict=True):
            if not state.status.finished:
                self.backend.stop(ref)
        for ref in refs:
            self.wait(ref)


def until(look: Callable[[], T | None], seconds: float = 60.0) -> T:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
    return found


class Helpers:
    """Functions that test modules cannot import from here."""

    until = staticmethod(until)
    alive = staticmethod(is_alive)


@pytest.fixture
def helpers() -> Helpers:
    """Waiting, and looking at processes."""
    return Helpers()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A backend that gives scripts half a second to stop."""
    made = Rig(tmp_path, Settings(grace_seconds=0.5))
    yield made
    made.close()


def statuses(state: JobState) -> Sequence[Status]:
    """The states that a job passed through."""
    return [step.status for step in state.history]
