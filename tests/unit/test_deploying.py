"""From a job to an endpoint in one call, which leaves nothing behind when it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import EndpointRef, ModelRef
from anyfit.errors import AnyfitError, Conflict, ServiceError, SpecError
from anyfit.estimator import Estimator
from anyfit.spec import EndpointSpec, ModelSpec
from anyfit_local.backend import LocalBackend

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


class Noting(LocalBackend):
    """The local backend, which notes what it is asked for."""

    models_asked: list[ModelSpec]
    endpoints_asked: list[EndpointSpec]

    def register(self, spec: ModelSpec) -> ModelRef:
        self.models_asked.append(spec)
        return super().register(spec)

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        self.endpoints_asked.append(spec)
        return super().deploy(spec)


class BadLine(LocalBackend):
    """The local backend, where deploying fails, and after `looks` looks also looking for endpoints."""

    fault: AnyfitError
    looks = 1000

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        raise self.fault

    def find_endpoint(self, name: str) -> EndpointRef | None:
        self.looks -= 1
        if self.looks < 0:
            raise ServiceError("still no answer")
        return super().find_endpoint(name)


@pytest.fixture
def fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estimator]:
    """An estimator whose job has ended."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text(SCRIPT)
    (tmp_path / "src" / "inference.py").write_text(HANDLER)
    estimator = Estimator(entry_point="train.py", source_dir="src")
    job = estimator.fit(job_name="mine", logs=False)
    yield estimator
    for ref in LocalBackend.endpoints(job.backend):  # type: ignore[arg-type]
        LocalBackend.undeploy(job.backend, ref.ref)  # type: ignore[arg-type]


def left(estimator: Estimator) -> tuple[list[str], list[str]]:
    """Model versions and endpoints of the journal that there are."""
    session = estimator.session()
    models = [str(info.ref.id) for info in session.backend().models()]
    return models, [row.name for row in session.journal.endpoints()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"endpoint_name": "no/name"}, "endpoint_name: 'no/name' is no valid name"),
        ({"initial_instance_count": 0}, "initial_instance_count: expected a whole number of 1 or more, got 0"),
        ({"initial_instance_count": "2"}, "initial_instance_count: expected a whole number of 1 or more, got '2'"),
    ],
)
def test_refusals(fitted: Estimator, arguments: dict[str, Any], message: str) -> None:
    """What could never be served is refused before a model version is made."""
    with pytest.raises(SpecError, match=f"^{message}"):
        fitted.deploy(**arguments)

    assert left(fitted) == ([], [])


def test_a_name_that_is_taken(fitted: Estimator) -> None:
    """A second endpoint of one name makes no model version, also when only the backend knows of the first."""
    fitted.deploy()
    with pytest.raises(Conflict, match="endpoint_name: there is already an endpoint 'mine'"):
        fitted.deploy()
    assert left(fitted) == (["mine/1"], ["mine"])

    fitted.session().journal.forget_endpoint(EndpointRef("local", "localhost", "mine"), "")
    with pytest.raises(Conflict, match="endpoint_name: there is already an endpoint 'mine'"):
        fitted.deploy()
    assert left(fitted) == (["mine/1"], [])


def bad_line(estimator: Estimator) -> BadLine:
    """Make the estimator's backend one that can fail."""
    job = estimator.latest_job
    assert job is not None
    assert isinstance(job.backend, LocalBackend)
    line = BadLine(job.backend.settings, job.backend.home.path.parent)
    job.backend = line
    return line


@pytest.mark.parametrize("fault", [SpecError("instance_type: nobody offers that"), ServiceError("no answer came")])
def test_a_refusal_by_the_backend(fitted: Estimator, fault: AnyfitError) -> None:
    """A model version that was made for an endpoint that never was is taken back."""
    bad_line(fitted).fault = fault
    with pytest.raises(type(fault)):
        fitted.deploy()

    assert left(fitted) == ([], [])


def test_an_endpoint_that_may_be_there(fitted: Estimator) -> None:
    """While nobody can tell whether the endpoint was made, its model stays."""
    line = bad_line(fitted)
    line.fault, line.looks = ServiceError("no answer came"), 1
    with pytest.raises(ServiceError, match="no answer came"):
        fitted.deploy()

    assert left(fitted) == (["mine/1"], ["mine"])


def test_what_a_backend_alone_knows(fitted: Estimator) -> None:
    """Options, tags and a description reach the endpoint; options of the job hold for its model, unless given anew."""
    line = bad_line(fitted)
    noting = Noting(line.settings, line.home.path.parent)
    noting.models_asked, noting.endpoints_asked = [], []
    job = fitted.latest_job
    assert job is not None
    job.backend, job.spec = noting, evolve(job.spec, options={"pool": "job", "queue": "job"})
    said = {"description": "for people", "tags": {"team": "vision"}, "options": {"local": {"pool": "given"}}}
    fitted.deploy(wait=False, **said)  # type: ignore[arg-type]
    fitted.register().deploy(endpoint_name="second", wait=False, **said)  # type: ignore[arg-type]
    fitted.register(options={"local": {"queue": "given"}})

    assert [(spec.description, spec.tags, spec.options) for spec in noting.endpoints_asked] == [
        ("for people", {"team": "vision"}, {"pool": "given"})
    ] * 2
    assert [spec.options for spec in noting.models_asked] == [
        {"pool": "given", "queue": "job"},
        {"pool": "job", "queue": "job"},
        {"pool": "job", "queue": "given"},
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loca": {}}, "options.loca: there is no backend 'loca'"),
        ({"local": 1}, "options.local: expected a table of the options of backend 'local', got 1"),
    ],
)
def test_options_of_nobody(fitted: Estimator, options: dict[str, Any], message: str) -> None:
    """Options of a backend that there is not are refused before anything is made."""
    for ask in (fitted.deploy, fitted.register):
        with pytest.raises(SpecError, match=f"^{message}"):
            ask(options=options)

    assert left(fitted) == ([], [])
