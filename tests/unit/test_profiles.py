"""What was made with a profile, or without one, is looked after in the same way, whatever is configured now."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyfit.backend import EndpointStatus, Status
from anyfit.estimator import Estimator
from anyfit.job import find_job
from anyfit.listing import every_endpoint, refresh_rows
from anyfit.predictor import Predictor, find_endpoint
from anyfit.session import Session

TOML = """
[profiles.aside.local]
home = "aside"
"""
SCRIPT = """
import os
open(os.path.join(os.environ["ANYFIT_MODEL_DIR"], "model.json"), "w").write("1")
"""
HANDLER = """
def model_fn(model_dir):
    return None

def predict_fn(data, model):
    return data
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a profile that keeps its jobs elsewhere."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "anyfit.toml").write_text(TOML)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text(SCRIPT)
    (tmp_path / "src" / "inference.py").write_text(HANDLER)
    return tmp_path


def fitted(profile: str | None) -> Estimator:
    """A training that has ended."""
    estimator = Estimator(entry_point="train.py", source_dir="src", profile=profile)
    estimator.fit(job_name="mine", logs=False)
    return estimator


@pytest.mark.parametrize(("then", "now"), [(None, "aside"), ("aside", None)])
def test_a_job(project: Path, monkeypatch: pytest.MonkeyPatch, then: str | None, now: str | None) -> None:
    """A job is found with the profile that it was submitted with, and without one if there was none."""
    fitted(then)
    if now:
        monkeypatch.setenv("ANYFIT_PROFILE", now)
    session = Session.open()
    job = find_job(session, "mine")

    assert job.backend.profile == (then or "")
    assert job.refresh().status == Status.SUCCEEDED
    rows = session.journal.jobs()
    rows[0].status = "RUNNING"
    assert refresh_rows(session, rows) == []
    assert rows[0].status == "SUCCEEDED"


@pytest.mark.parametrize(("then", "now"), [(None, "aside"), ("aside", None)])
def test_an_endpoint(project: Path, monkeypatch: pytest.MonkeyPatch, then: str | None, now: str | None) -> None:
    """An endpoint answers, by its name and by its reference, and is listed as it is."""
    made = fitted(then).deploy()
    try:
        if now:
            monkeypatch.setenv("ANYFIT_PROFILE", now)
        session = Session.open()

        assert find_endpoint(session, "mine").predict([1]) == [1]
        assert find_endpoint(session, str(made.ref)).predict([1]) == [1]
        ((listed, state),) = every_endpoint(session)
        assert isinstance(listed, Predictor)
        assert (listed.name, state.status) == ("mine", EndpointStatus.READY)
    finally:
        made.delete()


CLOUD = """
[profiles.far.modelmaker]
host_base = "https://%s/mmr"
region = "js01"
username = "me"
password = "%s"
"""


def test_a_configuration_that_changes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session notices that its file leads elsewhere by now, and overlooks what leads to the same place or nowhere."""
    file = tmp_path / "anyfit.toml"

    def write(text: str) -> None:
        file.write_text(text)
        file.chmod(0o600)

    monkeypatch.chdir(tmp_path)
    write(CLOUD % ("here.example", "old"))
    session = Session.open(backend="modelmaker", profile="far")
    backend = session.backend()
    monkeypatch.chdir("/")

    assert session.moved(backend) == ""
    write(CLOUD % ("here.example", "new"))
    assert session.moved(backend) == ""
    for broken in ("[profiles.far.modelmaker", "", "[profiles.far.modelmaker]\nregion = 3"):
        write(broken)
        assert session.moved(backend) == ""
    file.unlink()
    assert session.moved(backend) == ""
    write(CLOUD % ("there.example", "old"))
    assert session.moved(backend) == "me@https://js01there.example/mmr"
