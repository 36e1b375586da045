"""What a fault must not change: the facts about a job, whose it is, and whether it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from anyfit.backend import EndpointRef, JobRef, ModelRef, Status
from anyfit.errors import AnyfitError, AuthError, Conflict, ServiceError
from anyfit.spec import EndpointSpec, JobSpec, ModelSpec, Variant
from anyfit.storage import Uri
from anyfit_modelmaker.backend import ModelMakerBackend

Make = Callable[..., ModelMakerBackend]

REF = JobRef("modelmaker", "js01", "1/2")
DETAIL = "GET /v1/train/version/2"
LOG = f"{DETAIL}/log"
HOME = "anyfit/jobs/mnist/0123456789abcdef"
END = f"GET /b/{HOME}/output/.anyfit/end.json"
WRITTEN = f"GET /b/{HOME}/code/anyfit_job.json"
DENIED = (403, b"<Error><Code>AccessDenied</Code></Error>")
MISSING = (404, b"<Error><Code>NoSuchKey</Code></Error>")
BROKEN = (400, b"<Error><Code>InvalidRequest</Code></Error>")


def content(value: Any) -> tuple[int, bytes]:
    """An object that holds a JSON value."""
    return 200, json.dumps(value).encode()


def job(status: str = "TRAINING_FAIL", *, home: str = HOME, **more: Any) -> dict[str, Any]:
    """A version that anyfit's launcher runs."""
    places = {"codeUrl": f"s3://b/{home}/code/", "output": f"s3://b/{home}/output/"}
    return {"id": 1, "versionId": 2, "version": "V0001", "status": status, **places, **more}


def line(text: str = "a line") -> dict[str, Any]:
    """A page of a log that has one line."""
    return {"logs": [{"id": 0, "content": text}]}


# what the store knows


def test_end_is_asked_for_until_it_is_known(script: Any, scripted: Make) -> None:
    """A store that fails once costs no job its exit code; one that has nothing is not asked again."""
    script.on(DETAIL, job())
    script.on(WRITTEN, MISSING)
    script.on(END, BROKEN, content({"exit_code": 3, "signal": None}))
    backend = scripted()
    with pytest.raises(ServiceError):
        backend.describe([REF])

    assert [state.exit_code for _ in range(2) for state in backend.describe([REF])] == [3, 3]
    assert len(script.calls(END)) == 2
    script.on(END, MISSING)
    other = scripted()
    assert [state.exit_code for _ in range(2) for state in other.describe([REF])] == [None, None]
    assert len(script.calls(END)) == 3


def test_end_that_nobody_may_read(script: Any, scripted: Make) -> None:
    """Who may not read what the job has left is told how it is, and the rest as soon as the right is there."""
    script.on(DETAIL, job())
    script.on(WRITTEN, MISSING)
    script.on(END, DENIED)
    backend = scripted()

    assert backend.describe([REF])[0].status == Status.FAILED
    script.on(END, content({"exit_code": None, "signal": 9}))
    assert backend.describe([REF])[0].signal == 9


def test_faults_are_no_answer_of_the_store(script: Any, scripted: Make) -> None:
    """What anyfit wrote beside the code is not taken for missing, for good, because it cannot be read just now."""
    script.on(DETAIL, job())
    script.on(WRITTEN, DENIED)
    backend = scripted()
    for ask in (backend.job_spec, backend.artifacts):
        with pytest.raises(AuthError):
            ask(REF)
    script.on(WRITTEN, content({"spec": {"name": "mnist", "metric_definitions": {"loss": "x"}}}))

    assert backend.job_spec(REF).metric_definitions == {"loss": "x"}


def test_foreign_schemes(scripted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place of another cloud is opened with what the profile says about it."""
    monkeypatch.setenv("ANYFIT_STORAGE_OBS_ACCESS_KEY", "theirs")
    monkeypatch.setenv("ANYFIT_STORAGE_OBS_SECRET_KEY", "hush")
    monkeypatch.setenv("ANYFIT_STORAGE_OBS_ENDPOINT", "http://127.0.0.1:9")
    store = scripted().store(Uri.parse("obs://x/y"))

    assert "127.0.0.1:9" in store.presign("y")
    assert "theirs" in store.presign("y")


# whose a job is


def test_folders_of_strangers(script: Any, scripted: Make) -> None:
    """A folder named jobs is not yet one of anyfit's, whose names have sixteen hexadecimal digits below."""
    theirs = {"codeUrl": "s3://b/jobs/mnist/code/", "output": "s3://b/jobs/mnist/out/"}
    script.on("GET /v1/train", {"trainTasks": [{"id": 1, "name": "mnist"}]})
    versions = [job("FINISH", **theirs), {**job("FINISH"), "versionId": 3, "version": "V0002"}]
    script.on("GET /v1/train/1", {"id": 1, "versions": versions})
    backend = scripted()

    assert backend.find("mnist") == JobRef("modelmaker", "js01", "1/3")
    script.on("GET /v1/train/1", {"id": 1, "versions": versions[:1]})
    assert backend.find("mnist") == REF


@pytest.mark.parametrize(
    "theirs", [{"command": "another"}, {"mirrorUrl": "registry/other:1"}, {"output": None}, {"output": "s3://b/x/"}]
)
def test_older_job_is_not_taken_for_this_one(script: Any, scripted: Make, catalog: Any, theirs: Any) -> None:
    """After a lost answer a job of the same name, but of another command, image or output, is a conflict."""
    backend = scripted()
    spec = JobSpec(name="mnist", image="registry/image:1", command=("run",), output_path="s3://b/out/")
    plan = backend.plan(spec, catalog)
    mine = {"id": 1, "versionId": 2, "status": "STARTING", "version": "V0001", **plan.requests[0].body}
    script.on("POST /v1/train", (500, b""))
    script.on("GET /v1/train", {"trainTasks": [{"id": 1, "name": "mnist"}]})
    script.on("GET /v1/train/1", {"id": 1, "versions": [{**mine, **theirs}]})
    with pytest.raises(Conflict):
        backend.submit(plan)
    script.on("GET /v1/train/1", {"id": 1, "versions": [mine]})

    assert backend.submit(plan) == REF


@pytest.mark.parametrize("theirs", [{"modelVersionId": 8}, {"weight": 50}, {"instanceCount": 2}, {"resourceId": 1}])
def test_older_service_is_not_taken_for_this_one(script: Any, scripted: Make, theirs: Any) -> None:
    """After a lost answer a service of the same name, but of another model or machine, is a conflict."""
    backend = scripted()
    model = str(ModelRef("modelmaker", "js01", "7"))
    spec = EndpointSpec(name="e", variants=(Variant(model=model, instance_type="500151"),))
    script.on("GET /v1/resource/PREDICT", {"resources": [{"id": 500151, "name": "4c 8g", "cpu": 4, "memory": 8}]})
    script.on("POST /v1/service", (500, b""))
    script.on("GET /v1/service", {"services": [{"id": 5, "name": "e"}]})
    mine = {"modelVersionId": 7, "weight": 100, "instanceCount": 1, "resourceId": 500151}
    script.on("GET /v1/service/5", {"id": 5, "name": "e", "serviceModels": [{**mine, **theirs}]})
    with pytest.raises(Conflict, match="endpoint_name"):
        backend.deploy(spec)
    script.on("GET /v1/service/5", {"id": 5, "name": "e", "serviceModels": [mine]})

    assert backend.deploy(spec) == EndpointRef("modelmaker", "js01", "5")
    assert len(script.calls("POST /v1/service")) == 2


def test_older_model_is_not_taken_for_this_one(script: Any, scripted: Make) -> None:
    """After a lost answer a model of the same files in another image is none of ours."""
    backend = scripted()
    spec = ModelSpec(name="m", artifact="s3://b/weights/", image="registry/image:1")
    mine = {"versionId": 7, "modelPath": "s3://b/weights/", "mirrorUrl": "registry/image:1"}
    for call in ("GET /v1/resource/TRAIN", "GET /v1/resource/PREDICT", "GET /v1/resource/DEVELOPMENT"):
        script.on(call, {})
    for call in ("basic-framework/TRAIN", "basic-framework/PREDICT", "preset-algorithm", "preset-model"):
        script.on(f"GET /v1/{call}", {})
    script.on("POST /v1/model", (500, b""))
    script.on("GET /v1/model", {"models": [{"id": 5, "name": "m"}]})
    script.on("GET /v1/model/5", {"id": 5, "versions": [{**mine, "mirrorUrl": "registry/other:1"}]})
    with pytest.raises(ServiceError):
        backend.register(spec)
    script.on("GET /v1/model/5", {"id": 5, "versions": [mine]})

    assert backend.register(spec) == ModelRef("modelmaker", "js01", "7")


# endings and beginnings


def test_log_of_an_ended_job(script: Any, scripted: Make) -> None:
    """A log that has ended is read until there is nothing, also by who never asked how the job is, and again later."""
    script.on(DETAIL, job("TRAINING"))
    script.on(LOG, line())
    backend = scripted()

    assert not backend.logs(REF).more
    script.on(DETAIL, job("FINISH"))
    again = backend.logs(REF)
    assert again.more
    assert backend.logs(REF, again.cursor).more
    assert scripted().logs(REF).more


def test_metrics_of_a_job_that_talks(script: Any, scripted: Make) -> None:
    """Metrics of a running job are those of its log so far, even if there is another line at every look."""
    script.on(DETAIL, job("TRAINING"))
    script.on(f"{DETAIL}/performance-monitor", {})
    script.on(WRITTEN, content({"spec": {"name": "mnist", "metric_definitions": {"loss": "loss=(.*)"}}}))
    script.on(LOG, *[line("loss=1")] * 9, BROKEN)
    (series,) = scripted().metrics(REF)

    assert [point.value for point in series.points] == [1]


def test_start_times_stay(script: Any, scripted: Make) -> None:
    """When a job began is still known when it is one of many; times are in the zone that is configured."""
    script.on(DETAIL, job("TRAINING", startTime="2026-01-02 03:04:05"))
    tasks = [{"id": n, "name": f"j{n}", "versionId": n + 1, "status": "TRAINING"} for n in range(1, 4)]
    script.on("GET /v1/train", {"trainTasks": tasks})
    backend = scripted()
    many = [JobRef("modelmaker", "js01", f"{n}/{n + 1}") for n in range(1, 4)]
    alone, among = backend.describe([REF])[0], backend.describe(many)[0]

    assert alone.started_at == among.started_at == datetime(2026, 1, 1, 19, 4, 5, tzinfo=timezone.utc)
    (elsewhere,) = scripted(utc_offset_hours=-1.5).describe([REF])
    assert elsewhere.started_at == datetime(2026, 1, 2, 4, 34, 5, tzinfo=timezone.utc)


def test_stop_that_comes_too_late(script: Any, scripted: Make) -> None:
    """A job that ends between the look and the stop is stopped; one that goes on cannot be, and that is told."""
    script.on("POST /v1/train/2/stop", {"errorCode": 102005, "errorMessage": "it does not run"})
    script.on(DETAIL, job("TRAINING"), job("FINISH"))
    scripted().stop(REF)
    script.on(DETAIL, job("TRAINING"))
    with pytest.raises(AnyfitError, match="it does not run"):
        scripted().stop(REF)


def test_delete_ends_the_job_first(script: Any, scripted: Make, pauses: list[float]) -> None:
    """A job that runs is stopped before it is deleted, and has a while to save what it has."""
    script.on(DETAIL, *[job("TRAINING")] * 3, job("STOPPING"), job("STOPPED"))
    script.on(WRITTEN, MISSING)
    script.on("GET /v1/train/1", {"id": 1, "versions": [job("STOPPED")]}, {"id": 1, "versions": []})
    for call in ("POST /v1/train/2/stop", "DELETE /v1/train/version/2", "DELETE /v1/train/1"):
        script.on(call, {})
    scripted().delete(REF)
    changes = [asked.call for asked in script.asked if asked.method != "GET" and "/train" in asked.path]

    assert changes == ["POST /v1/train/2/stop", "DELETE /v1/train/version/2", "DELETE /v1/train/1"]
    assert pauses == [0.01, 0.01]


def test_delete_of_a_job_that_does_not_end(script: Any, scripted: Make, pauses: list[float]) -> None:
    """After a minute the platform is asked to delete it all the same."""
    script.on(DETAIL, job("STOPPING"))
    script.on(WRITTEN, MISSING)
    script.on("POST /v1/train/2/stop", {})
    script.on("DELETE /v1/train/version/2", {})
    script.on("GET /v1/train/1", {})
    scripted(poll_seconds=7.0).delete(REF)

    assert pauses == [7.0] * 9
    assert len(script.calls("DELETE /v1/train/version/2")) == 1


def test_delete_beside_a_new_version(script: Any, scripted: Make) -> None:
    """A version that is made while the last one is deleted keeps its job; so does a job that does not tell them."""
    script.on(DETAIL, job("FINISH"))
    script.on(WRITTEN, MISSING)
    script.on("DELETE /v1/train/version/2", {})
    other = {**job("TRAINING"), "versionId": 3}
    for lists in (([job("FINISH")], [other]), ([], [])):
        script.on("GET /v1/train/1", *({"id": 1, "versions": versions} for versions in lists))
        scripted().delete(REF)

    assert script.calls("DELETE /v1/train/1") == []


@pytest.mark.parametrize("noted", [DENIED, content({"max_run": 60})])
def test_delete_without_its_code(script: Any, scripted: Make, noted: Any) -> None:
    """Code that cannot be deleted stays, and does no harm: the job is gone, and nothing is wrong."""
    script.on(DETAIL, job("FINISH"))
    script.on(WRITTEN, noted)
    script.on("GET /v1/train/1", {})
    script.on("GET /b", DENIED)
    script.on("GET /b/", DENIED)
    script.on("DELETE /v1/train/version/2", {})
    scripted().delete(REF)

    assert len(script.calls("DELETE /v1/train/version/2")) == 1
