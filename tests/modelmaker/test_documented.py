"""The client lives on what the platform's documents promise, should its answers hold nothing more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from anyfit.backend import Status
from anyfit.job import find_job
from anyfit.testing import Bench, scripts
from anyfit_modelmaker.backend import ModelMakerBackend
from anyfit_modelmaker.settings import Settings

LISTS = {"trainTasks", "models", "services", "resources", "frameWorks", "presetAlgorithms", "presetModels", "logs"}
KEPT = {"id", "versionId", "name", "content", "errorCode", "errorMessage"}


class Frugal(HTTPAdapter):
    """Leaves of every answer only what some document of the vendor names."""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        response = super().send(request, *args, **kwargs)
        path = (request.path_url or "").partition("?")[0]
        if response.headers.get("Content-Type", "").startswith("application/json") and "/v1/" in path:
            response._content = json.dumps(_documented(request.method or "", path, response.json())).encode()
        return response


def _documented(method: str, path: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if "/auth-" in path or "/resource/" in path or "errorCode" in answer:
        return answer  # sizes of machines are what a user would have to know
    lists = {name: [_row(row) for row in rows] for name, rows in answer.items() if name in LISTS}
    if lists:
        return lists
    if re.search(r"/v1/train/version/\d+$|/v1/service/\d+$", path) and method == "GET":
        address = {"theAddress": answer["accessAddress"]} if "accessAddress" in answer else {}
        return {"status": answer["status"], **address}
    return _row(answer) if method in ("POST", "PUT") else {}


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in KEPT}


@pytest.fixture
def frugal(cloud: Mapping[str, str], tmp_path: Path) -> Iterator[Callable[[str], ModelMakerBackend]]:
    """Makes clients, each on a machine of its own, of a platform that tells nothing but what is documented."""
    made: list[ModelMakerBackend] = []

    def make(machine: str) -> ModelMakerBackend:
        names = ("host_base", "region", "username", "password", "bucket")
        settings: dict[str, Any] = {name: cloud[name] for name in names} | {"poll_seconds": 0.05}
        settings["utc_offset_hours"] = float(cloud["utc_offset_hours"])
        made.append(ModelMakerBackend(Settings(**settings), tmp_path / machine, adapter=Frugal()))
        return made[-1]

    yield make
    for each in made:
        with closing(each):
            pass


def test_life_of_a_job(frugal: Callable[[str], ModelMakerBackend], bench: Callable[[Any], Bench]) -> None:
    """A job is trained, watched, found from elsewhere, measured, collected, versioned and deleted."""
    run, other = bench(frugal("here")), bench(frugal("there"))
    spec = run.spec(scripts.REPORT, handler=scripts.HANDLER, metric_definitions={"loss": r"loss=([0-9.]+)"})
    job = run.run(spec)
    found = find_job(other.session, spec.name)

    assert job.state.status == Status.SUCCEEDED
    assert found.ref == job.ref
    assert found.spec.entry_point == "train.py"
    assert other.lines(found) == run.lines(job)
    assert [point.value for point in found.metrics()[0].points] == [1.0, 0.5, 0.33]
    assert {"model/model.json", "model.tar.gz", "output/tables/result.csv"} <= {a.name for a in found.artifacts()}
    second = run.run(evolve(spec, version=2))
    assert other.backend.find(f"{spec.name}.v2") == second.ref
    job.delete()
    assert other.backend.find(spec.name) is None
    assert other.backend.find(f"{spec.name}.v2") == second.ref


def test_life_of_an_endpoint(frugal: Callable[[str], ModelMakerBackend], bench: Callable[[Any], Bench]) -> None:
    """A model is registered and served, also as a further version, and answers."""
    run = bench(frugal("here"))
    job = run.run(run.spec(scripts.WEIGHTS, handler=scripts.HANDLER))
    name = run.name()
    run.register(job, model_name=name)
    model = run.register(job, model_name=name)
    predictor = run.deploy(run.variant(model))

    assert predictor.predict([1, 2])["answer"] == [2, 4]
    assert run.backend.find_endpoint(predictor.name) == predictor.ref
    predictor.delete()
    assert run.backend.find_endpoint(predictor.name) is None
