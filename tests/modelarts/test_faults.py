"""What a fault must not change: the facts about a job, whose it is, what a list holds; and who an account is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Catalog, Cause, EndpointRef, JobRef, ModelRef, Status
from anyfit.errors import AuthError, Conflict, ServiceError, UsageError
from anyfit.offers import catalog_of
from anyfit.spec import EndpointSpec, JobSpec, Variant
from anyfit_modelarts.backend import ModelArtsBackend

Make = Callable[..., ModelArtsBackend]

UUID = "0d30f1bc-0a38-4e4c-9d5c-3f2e1a8b7c6d"
OTHER = "11111111-0a38-4e4c-9d5c-3f2e1a8b7c6d"
REF = JobRef("modelarts", "cn-north-4", UUID)
JOB = f"/v2/training-jobs/{UUID}"
SEARCH = "POST /v2/training-job-searches"
HOME = "anyfit/jobs/mnist/0123456789abcdef"
END = f"GET /b/{HOME}/output/.anyfit/end.json"
WRITTEN = f"GET /b/{HOME}/code/anyfit_job.json"
DENIED = (403, b"<Error><Code>AccessDenied</Code></Error>")
MISSING = (404, b"<Error><Code>NoSuchKey</Code></Error>")
BROKEN = (400, b"<Error><Code>InvalidRequest</Code></Error>")
OLD = "/v1/training-jobs/1/versions"


def content(value: Any) -> tuple[int, bytes]:
    """An object that holds a JSON value."""
    return 200, json.dumps(value).encode()


def job(phase: str = "Failed", *, home: str = HOME, output: str = "", **more: Any) -> dict[str, Any]:
    """A job that anyfit's launcher runs."""
    channel = {"name": "train_url", "remote": {"obs": {"obs_url": f"/b/{output or f'{home}/output/'}"}}}
    return {
        "metadata": {"id": UUID, "name": "mnist", "create_time": 1767323040000},
        "status": {"phase": phase, "start_time": 1767323045000, "duration": 5000, "tasks": ["worker-0"]},
        "algorithm": {"code_dir": f"/b/{home}/code/", "outputs": [channel], **more},
    }


def found(*items: Any) -> dict[str, Any]:
    """A page of jobs."""
    return {"count": len(items), "items": list(items)}


# what the store knows


def test_end_is_asked_for_until_it_is_known(script: Any, scripted: Make) -> None:
    """A store that fails once costs no job its exit code; one that has nothing is not asked again."""
    script.on(f"GET {JOB}", job())
    script.on(END, BROKEN, content({"exit_code": 3, "signal": None, "overran": False}))
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
    script.on(f"GET {JOB}", job())
    script.on(END, DENIED)
    backend = scripted()

    assert backend.describe([REF])[0].status == Status.FAILED
    script.on(END, content({"exit_code": None, "signal": None, "overran": True}))
    script.on(WRITTEN, content({"max_run": 60}))
    (state,) = backend.describe([REF])
    assert (state.cause, state.reason) == (Cause.TIMEOUT, "it ran longer than its 60 s")


def test_faults_are_no_answer_of_the_store(script: Any, scripted: Make) -> None:
    """What anyfit wrote beside the code is not taken for missing because it cannot be read at the moment."""
    script.on(f"GET {JOB}", job())
    script.on(WRITTEN, DENIED)
    backend = scripted()
    for ask in (backend.job_spec, backend.artifacts, backend.metrics):
        with pytest.raises(AuthError):
            ask(REF)
    script.on(WRITTEN, content({"spec": {"name": "mnist", "metric_definitions": {"loss": "x"}}}))

    assert backend.job_spec(REF).metric_definitions == {"loss": "x"}


def test_jobs_of_others_need_no_store(script: Any, scripted: Make) -> None:
    """Code that does not lie where anyfit puts it is not searched for anyfit's notes."""
    script.on(f"GET {JOB}", job(home="theirs"))
    spec = scripted().job_spec(REF)

    assert spec.name == "mnist"
    assert not [asked for asked in script.asked if asked.path.startswith("/b/")]


# lost answers


def plan(backend: ModelArtsBackend, catalog: Catalog, **fields: Any) -> Any:
    """A plan whose results go to a place that the user has named."""
    usual = {"image": "registry/image:1", "command": ("run",), "output_path": "obs://b/out/"}
    return backend.plan(JobSpec(name="mnist", **{**usual, **fields}), catalog)


@pytest.mark.parametrize(
    "theirs",
    [
        {"code_dir": "/b/anyfit/jobs/mnist/fedcba9876543210/code/"},
        {"code_dir": None, "command": "another"},
        {"code_dir": None, "outputs": []},
    ],
)
def test_older_job_is_not_taken_for_this_one(script: Any, scripted: Make, catalog: Catalog, theirs: Any) -> None:
    """After a lost answer a job of the same name and output, but of other code or command, is a conflict."""
    backend = scripted()
    script.on("POST /v2/training-jobs", (500, b""))
    script.on(SEARCH, found(job(output="out/", **theirs)))
    with pytest.raises(Conflict):
        backend.submit(plan(backend, catalog))


def test_job_with_a_command_is_found_again(script: Any, scripted: Make, catalog: Catalog) -> None:
    """The same job, of the same command and output, is."""
    backend = scripted()
    made = plan(backend, catalog)
    script.on("POST /v2/training-jobs", (500, b""))
    script.on(SEARCH, found({**job(), "algorithm": made.requests[0].body["algorithm"]}))

    assert backend.submit(made) == REF


# endings


def test_log_of_an_ended_job(script: Any, scripted: Make) -> None:
    """A log that has ended is read until there is nothing, also by who never asked how the job is, and again later."""
    page = {"lines": 1, "content": "a line\n", "start_line": "1", "end_line": "1"}
    script.on(f"GET {JOB}", job("Running"))
    script.on(f"GET {JOB}/logs/worker-0", page)
    backend = scripted()

    assert not backend.logs(REF).more
    script.on(f"GET {JOB}", job("Completed"))
    again = backend.logs(REF)
    assert again.more
    assert backend.logs(REF, again.cursor).more
    assert scripted().logs(REF).more


def test_metrics_of_a_job_that_talks(script: Any, scripted: Make) -> None:
    """Metrics of a running job are those of its log so far, even if there is another line at every look."""
    script.on(f"GET {JOB}", job("Running"))
    script.on(WRITTEN, content({"spec": {"name": "mnist", "metric_definitions": {"loss": "loss=(.*)"}}}))
    page = {"lines": 1, "content": "loss=1\n", "start_line": "1", "end_line": "1"}
    script.on(f"GET {JOB}/logs/worker-0", *[page] * 9, BROKEN)
    (series,) = scripted().metrics(REF)

    assert [point.value for point in series.points] == [1]


def test_delete_ends_the_job_first(script: Any, scripted: Make, pauses: list[float]) -> None:
    """A job that runs is stopped before it is deleted, and has a while to save what it has."""
    script.on(f"GET {JOB}", job("Running"), job("Running"), job("Terminating"), job("Terminated"))
    script.on(WRITTEN, MISSING)
    script.on(f"POST {JOB}/actions", {})
    script.on(f"DELETE {JOB}", (204, b""))
    scripted().delete(REF)
    calls = [(asked.method, asked.path.rpartition("/")[2]) for asked in script.asked if UUID in asked.path]

    assert [method for method, last in calls if (method, last) != ("GET", UUID)] == ["POST", "DELETE"]
    assert pauses == [0.01]


def test_delete_of_a_job_that_does_not_end(script: Any, scripted: Make, pauses: list[float]) -> None:
    """After a minute the platform is asked to delete it all the same."""
    script.on(f"GET {JOB}", job("Terminating"))
    script.on(f"DELETE {JOB}", (204, b""))
    script.on(WRITTEN, MISSING)
    scripted(poll_seconds=7.0).delete(REF)

    assert pauses == [7.0] * 9
    assert len(script.calls(f"DELETE {JOB}")) == 1


@pytest.mark.parametrize("noted", [DENIED, content({"max_run": 60})])
def test_delete_without_its_code(script: Any, scripted: Make, noted: Any) -> None:
    """Code that cannot be deleted stays, and does no harm: the job is gone, and nothing is wrong."""
    script.on(f"GET {JOB}", job())
    script.on(f"DELETE {JOB}", (204, b""))
    script.on(WRITTEN, noted)
    script.on("GET /b/", DENIED)
    scripted().delete(REF)

    assert len(script.calls(f"DELETE {JOB}")) == 1


def test_delete_beside_a_new_version(script: Any, scripted: Make) -> None:
    """A version that is made while another one is deleted keeps its job; with the last one the job goes."""
    script.on(f"GET {OLD}/11", {"job_name": "mnist", "version_id": 11, "status": 10})
    script.on(f"GET {OLD}", {"versions": [{"version_id": 12, "status": 8}]}, {"versions": []})
    script.on(f"DELETE {OLD}/11", {"is_success": True})
    script.on("DELETE /v1/training-jobs/1", {"is_success": True})
    backend = scripted(api="v1")
    for gone in (0, 1):
        backend.delete(JobRef("modelarts", "cn-north-4", "1/11"))
        calls = [f"{asked.method} {asked.path.partition('/training-jobs/')[2]}" for asked in script.asked]

        assert calls.index("DELETE 1/versions/11") < calls.index("GET 1/versions")
        assert len(script.calls("DELETE /v1/training-jobs/1")) == gone


def test_figures_in_one_question(script: Any, scripted: Make) -> None:
    """The use of a machine stands in what is known of the job already, which is asked for once."""
    use = {"system_metric_list": {"interval": 1, "cpuUsage": ["1", "2"]}}
    script.on(f"GET {OLD}/11", {"job_name": "mnist", "version_id": 11, "status": 8, **use})

    assert scripted(api="v1").utilization(JobRef("modelarts", "cn-north-4", "1/11"))
    assert len(script.calls(f"GET {OLD}/11")) == 1


# lists


def row(number: int) -> dict[str, Any]:
    """A job in the list of the first generation."""
    return {"job_id": number, "job_name": f"j{number}", "version_id": number, "version_count": 1, "status": 8}


def test_list_without_a_total(script: Any, scripted: Make) -> None:
    """A list that does not say how long it is is read until a page is short; what moves between pages comes once."""
    script.on(SEARCH, found())
    pages = [[row(n) for n in range(start, stop)] for start, stop in ((0, 1000), (999, 1999), (1999, 2001))]
    script.on("GET /v1/training-jobs", *({"jobs": page} for page in pages))
    ids = [named.ref.id for named in scripted(api="v1").list()]

    assert len(ids) == len(set(ids)) == 2001


def test_all_algorithms(script: Any, scripted: Make) -> None:
    """Built-in algorithms may be more than one page of them."""
    models = [{"model_id": n, "model_name": f"a{n}"} for n in range(130)]
    script.on("GET /v1/built-in-algorithms", {"models": models[:100]}, {"models": models[100:]})
    for call in ("job/resource-specs", "job/ai-engines", "services/specifications"):
        script.on(f"GET /v1/{call}", {})

    assert len(scripted(api="v1").catalog().algorithms) == 130


def test_services_on_several_pages(script: Any, scripted: Make) -> None:
    """So it is with services, whose list may say its length or not."""
    rows = [{"service_id": f"s{n}", "service_name": f"e{n}", "status": "running"} for n in range(1500)]
    for told in ({}, {"total_count": 1500}):
        script.on("GET /v1/services", {"services": rows[:1000], **told}, {"services": rows[999:], **told}, {})

        assert len(scripted().endpoints()) == 1500


# logs as a text


def test_long_log_is_not_sent_again(script: Any, scripted: Make) -> None:
    """Of a log that has grown long only the new bytes are asked for, where there is a link to it."""
    old, new = b"x" * 99 + b"\n", "neu \u00fc\n".encode()
    whole = old * 1000
    script.on(f"GET {JOB}/logs/worker-0", (405, b""))
    script.on(f"GET {JOB}", job("Running"))
    preview = {"content": whole.decode(), "current_size": len(whole), "full_size": len(whole)}
    script.on(f"GET {JOB}/tasks/worker-0/logs/preview", preview)
    script.on(f"GET {JOB}/tasks/worker-0/logs/url", {"obs_url": f"{script.url}/signed"})
    backend = scripted()
    page = backend.logs(REF)
    script.on("GET /signed", (206, new), (416, b""), (200, whole + new), (403, b""))
    pages = [backend.logs(REF, page.cursor) for _ in range(4)]

    assert [[line.text for line in each.lines] for each in pages] == [["neu \u00fc"], [], ["neu \u00fc"], []]
    assert script.headers("GET /signed")[0]["Range"] == f"bytes={len(whole)}-"
    assert len(script.calls(f"GET {JOB}/tasks/worker-0/logs/preview")) == 2


def test_preview_that_cuts_a_character(script: Any, scripted: Make) -> None:
    """A preview that begins within a character moves no place in the log."""
    whole = "\u00fc\u00fc\none\n".encode()
    script.on(f"GET {JOB}/logs/worker-0", (405, b""))
    script.on(f"GET {JOB}", job("Completed"))
    cut = {"content": whole[1:].decode("utf-8", "replace"), "current_size": len(whole) - 1, "full_size": len(whole)}
    script.on(f"GET {JOB}/tasks/worker-0/logs/preview", cut)
    cursor = json.dumps({"worker-0": "byte:5"})

    assert [line.text for line in scripted().logs(REF, cursor).lines] == ["one"]


# endpoints, places


@pytest.mark.parametrize(
    "theirs", [{"model_id": OTHER}, {"weight": "50"}, {"instance_count": 2}, {"specification": "larger"}]
)
def test_older_service_is_not_taken_for_this_one(script: Any, scripted: Make, theirs: Any) -> None:
    """After a lost answer a service of the same name, but of another model or machine, is a conflict."""
    usual = {"spec_status": "normal", "memory_info": {"unit": "MB", "memory": 8192}, "cpu_info": {"cpu": 2}}
    script.on("GET /v1/services/specifications", {"specifications": [{**usual, "specification": "two"}]})
    script.on("POST /v1/services", (500, b""))
    script.on("GET /v1/services", {"services": [{"service_id": UUID, "service_name": "e", "status": "running"}]})
    mine = {"model_id": UUID, "weight": "100", "specification": "two", "instance_count": 1}
    script.on(f"GET /v1/services/{UUID}", {"service_id": UUID, "config": [{**mine, **theirs}]})
    backend = scripted()
    spec = EndpointSpec(name="e", variants=(Variant(model=str(ModelRef("modelarts", "cn-north-4", UUID))),))
    with pytest.raises(Conflict, match="endpoint_name"):
        backend.deploy(spec)
    script.on(f"GET /v1/services/{UUID}", {"service_id": UUID, "config": [mine]})

    assert backend.deploy(spec) == EndpointRef("modelarts", "cn-north-4", UUID)
    assert len(script.calls("POST /v1/services")) == 2


@pytest.mark.parametrize("cursor", ["x", "1", "1.2.3", "-1.0", "1.x"])
def test_place_that_is_none_among_events(scripted: Make, cursor: str) -> None:
    """A place among events that nobody has told is a mistake of the caller."""
    with pytest.raises(UsageError, match="no place among events"):
        scripted().endpoint_logs(EndpointRef("modelarts", "cn-north-4", UUID), cursor)


def test_figures_of_cards(script: Any, scripted: Make) -> None:
    """Figures of cards are told for services that have cards."""
    row = {"model_name": "m", "model_version": "1", "cpu_core_usage": 1, "gpu_usage": 0, "gpu_total": 0}
    script.on(f"GET /v1/services/{UUID}/monitor", {"monitors": [row, {**row, "model_name": "g", "gpu_total": 1}]})
    found = scripted().endpoint_metrics(EndpointRef("modelarts", "cn-north-4", UUID))

    assert [series.name for series in found] == ["m:1 cpu_core_usage", "g:1 cpu_core_usage", "g:1 gpu_usage"]


def test_waiting_for_a_service_that_goes(script: Any, scripted: Make, pauses: list[float]) -> None:
    """Deleting a model waits a minute at most, as the policy says, for services that are about to go."""
    refusal = {"delete_failed_list": [{"error_code": "ModelArts.3009", "error_msg": "used"}]}
    script.on(f"GET /v1/models/{UUID}", {"source_location": "swr/x"})
    script.on(f"DELETE /v1/models/{UUID}", refusal)
    script.on("GET /v1/services", {"services": [{"service_id": UUID, "status": "deleting"}], "total_count": 1})
    with pytest.raises(UsageError):
        scripted(poll_seconds=7.0).delete_model(ModelRef("modelarts", "cn-north-4", UUID))

    assert pauses == [7.0] * 9


def test_place_tells_no_key(scripted: Make) -> None:
    """Accounts are told apart without their access keys; the generation in force is none of the account's."""
    first, second, other = (
        scripted(access_key=key, secret_key="s", api=api) for key, api in (("AK", "v1"), ("AK", "v2"), ("XY", "v2"))
    )

    assert first.place == second.place != other.place
    assert "AK" not in first.place + repr(first) + first.catalog_place
    assert first.catalog_place != second.catalog_place


def test_catalogs_of_both_generations(script: Any, scripted: Make, tmp_path: Path) -> None:
    """What is kept of one generation's lists is not taken for the other's."""
    for call in ("job/resource-specs", "job/ai-engines", "services/specifications", "built-in-algorithms"):
        script.on(f"GET /v1/{call}", {})
    script.on("GET /v1/job/resource-specs", {"specs": [{"spec_code": "both", "core": 2, "cpu": 8, "max_num": 1}]})
    flavor = {"flavor_id": "both", "max_num": 8, "flavor_info": {"cpu": {"core_num": 2}, "memory": {"size": 8}}}
    script.on("GET /v2/training-job-flavors", {"flavors": [flavor]})
    script.on("GET /v2/training-job-engines", {})
    for _ in range(2):
        kept = [catalog_of(tmp_path, scripted(api=api)).offerings[0].max_nodes for api in ("v1", "v2")]

        assert kept == [1, 8]
    assert len(script.calls("GET /v1/job/resource-specs")) == 2


def test_closing_what_was_never_opened(scripted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing a backend that has asked nobody makes nothing."""
    backend = scripted()
    monkeypatch.setattr("anyfit_modelarts.backend.Transport", None)
    backend.close()


def test_newest_jobs(script: Any, scripted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wants few jobs makes no request for more."""
    monkeypatch.setattr("anyfit_modelarts.training.v2._PAGE", 2)
    ids = [f"{number:08d}-0a38-4e4c-9d5c-3f2e1a8b7c6d" for number in range(5)]
    made = [job() for _ in ids]
    for number, id in enumerate(ids):
        made[number]["metadata"] = {"id": id, "name": "mnist", "create_time": 1767323040000 - number}
    pages = [{"items": made[start : start + 2], "count": 5} for start in (0, 2, 4)]
    script.on("GET /v1/training-jobs", {"is_success": True, "jobs": [], "job_total_count": 0})
    script.on(SEARCH, pages[0], *pages)
    backend = scripted(api="v2")

    assert [each.ref.id for each in backend.list(2)] == ids[:2]
    assert len(script.calls(SEARCH)) == 1
    assert [each.ref.id for each in backend.list()] == ids
