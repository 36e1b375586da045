"""The same zoo through `fit` on this machine: the whole way from the script to the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anyfit import Estimator, JobFailed
from anyfit.failure import FailureKind
from anyfit_local.supervise.evidence import out_of_memory_kills

if TYPE_CHECKING:
    Animal = Any


def test_fit_names_the_failure(animal: Animal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fit` raises one report that names the failure and says where the log is and what to do next."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    channels = {name: tmp_path / "data" / name for name in animal.inputs}
    for folder in channels.values():
        folder.mkdir(parents=True)
    estimator = Estimator(
        entry_point=str(animal.path),
        hyperparameters=animal.hyperparameters,
        max_run=animal.max_run,
        backend="local",
    )

    quiet = out_of_memory_kills()  # empty where the kernel does not tell
    with pytest.raises(JobFailed) as caught:
        estimator.fit({name: str(path) for name, path in channels.items()}, logs=False)

    report = caught.value.report
    expected = animal.watched if animal.watched and quiet and quiet == out_of_memory_kills() else animal.expect
    assert report.kind == FailureKind(expected), str(report)
    assert animal.says in report.cause
    assert animal.signal in ("", report.signal)
    assert animal.exit_code in (None, report.exit_code)
    assert report.log.endswith("node-0.log")
    assert report.next_command
