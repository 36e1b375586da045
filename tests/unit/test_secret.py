"""Secrets of a job: written down as the place where they are, and sent as what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyfit.errors import SpecError, Unsupported
from anyfit.estimator import Estimator
from anyfit.jobfile import load_job_file
from anyfit.secret import marker, markers, refuse_secrets, resolved, revealed
from anyfit.spec import JobSpec


def test_a_body_is_revealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every marker is replaced wherever it stands, nothing else is, and the plan keeps its own."""
    monkeypatch.setenv("MINE", "s3cret")
    (tmp_path / "token").write_text("t0ken\n")
    secrets = {"A": "env:MINE", "B": f"file:{tmp_path}/token"}
    body = {"envs": [{"name": "A", "value": marker("env:MINE")}], "map": markers(secrets), "n": 1, "text": "env:MINE"}
    sent = revealed(body, secrets)

    assert sent["envs"] == [{"name": "A", "value": "s3cret"}]
    assert sent["map"] == {"A": "s3cret", "B": "t0ken"}
    assert (sent["n"], sent["text"]) == (1, "env:MINE")
    assert body["map"] == {"A": "<secret env:MINE>", "B": f"<secret file:{tmp_path}/token>"}
    assert revealed(body, {}) is body


@pytest.mark.parametrize("where", ["env:NOT_THERE", "file:/no/such/file"])
def test_a_secret_that_cannot_be_had(where: str) -> None:
    """The variable is named, and what to do."""
    with pytest.raises(SpecError, match=r"^secrets\.TOKEN: "):
        resolved({"TOKEN": where})


@pytest.mark.parametrize("where", ["", "env:", "hush", "vault:x", "keyring:alone", 7])
def test_places_that_are_none(where: object) -> None:
    """What does not say where a secret is, is told with its field."""
    with pytest.raises(SpecError, match=r"secrets"):
        Estimator(entry_point="t.py", secrets={"TOKEN": where}).plan()  # type: ignore[dict-item]


def test_one_variable_is_given_once() -> None:
    """A variable is a secret or it is not."""
    with pytest.raises(SpecError, match=r"^secrets\.TOKEN: there is a variable of that name"):
        Estimator(entry_point="t.py", secrets={"TOKEN": "env:X"}, environment={"TOKEN": "x"}).plan()


def test_a_platform_without_a_place() -> None:
    """A backend that would have to write a secret into a file refuses it."""
    spec = JobSpec(name="j", secrets={"TOKEN": "env:X"})
    with pytest.raises(Unsupported, match=r"^secrets\.TOKEN: no variables here"):
        refuse_secrets(spec, "cloud", "no variables here")
    refuse_secrets(JobSpec(name="j"), "cloud", "no variables here")


def test_in_a_job_file(tmp_path: Path) -> None:
    """A file is looked for beside the job file."""
    (tmp_path / "job.toml").write_text(
        'entry_point = "t.py"\n[secrets]\nA = "file:token"\nB = "env:X"\nC = "file:~/t"\n'
    )
    estimator = load_job_file(tmp_path / "job.toml").estimator()

    assert estimator.secrets == {"A": f"file:{tmp_path}/token", "B": "env:X", "C": "file:~/t"}
