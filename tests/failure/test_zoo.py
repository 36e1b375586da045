"""Each script of the zoo really runs and really fails, and is named rightly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anyfit.backend import Cause, JobState, Status
from anyfit.failure import FailureKind, FailureReport, Language, diagnose
from anyfit.spec import Channel, JobSpec

if TYPE_CHECKING:
    Animal = Any


def run(animal: Animal, folder: Path) -> tuple[JobState, list[str]]:
    """Run the script as a job would and return how it ended and what it printed."""
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    for name in animal.inputs:
        channel = folder / "input" / "data" / name
        channel.mkdir(parents=True)
        environ[f"SM_CHANNEL_{name.upper()}"] = str(channel)
    arguments = [word for key, value in animal.hyperparameters.items() for word in (f"--{key}", str(value))]
    process = subprocess.Popen(
        [sys.executable, str(animal.path), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=environ,
    )
    cause = Cause.NONE
    try:
        output, _ = process.communicate(timeout=animal.max_run)
    except subprocess.TimeoutExpired:
        cause = Cause.TIMEOUT
        process.kill()
        output, _ = process.communicate()
    code = process.returncode
    state = JobState(
        status=Status.FAILED,
        cause=cause,
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
    )
    return state, output.decode(errors="replace").splitlines()


def report_on(animal: Animal, folder: Path, language: Language = "en") -> FailureReport:
    """Run the script and diagnose it."""
    state, tail = run(animal, folder)
    spec = JobSpec(
        name=animal.path.stem,
        entry_point=animal.path.name,
        max_run=animal.max_run,
        hyperparameters=animal.hyperparameters,
        inputs={name: Channel(uri=f"obs://bucket/{name}") for name in animal.inputs},
    )
    return diagnose(job=spec.name, state=state, tail=tail, log="the.log", spec=spec, language=language)


def test_a_failing_script_is_named_rightly(animal: Animal, tmp_path: Path) -> None:
    """The kind, the cause, and the exit code or signal are those that the head of the script expects."""
    report = report_on(animal, tmp_path)

    assert report.kind == FailureKind(animal.expect), str(report)
    assert animal.says in report.cause, str(report)
    if animal.exit_code is not None:
        assert report.exit_code == animal.exit_code
    if animal.signal:
        assert report.signal == animal.signal
    assert "?" not in report.cause, "a fact is missing"


def test_the_zoo_is_large_enough(zoo: list[Animal]) -> None:
    """At least 20 scripts, and every kind that a script can bring about by itself."""
    outside = {"start", "input", "output", "lost", "reboot", "unknown"}

    assert len(zoo) >= 20
    assert {animal.expect for animal in zoo} == {kind.value for kind in FailureKind} - outside


@pytest.mark.parametrize("name", ["memory_error", "timeout", "missing_data_in_channel"])
def test_the_same_report_in_chinese(zoo: list[Animal], name: str, tmp_path: Path) -> None:
    """The kind does not depend on the language, and the sentences do."""
    animal = next(animal for animal in zoo if animal.path.stem == name)
    report = report_on(animal, tmp_path, "zh")

    assert report.kind == FailureKind(animal.expect)
    assert "可能的原因" in str(report)
    assert animal.says not in report.cause


def test_signals_are_numbered_as_the_system_numbers_them() -> None:
    """The name of a signal is looked up, not guessed."""
    state = JobState(status=Status.FAILED, signal=int(signal.SIGUSR1))

    assert diagnose(job="j", state=state, tail=[], log="").signal == "SIGUSR1"
