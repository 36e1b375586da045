"""The platform's words for states, times and log places."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from anyfit.backend import Cause, EndpointStatus, Status
from anyfit.errors import UsageError
from anyfit_modelmaker.catalog import frameworks, offerings
from anyfit_modelmaker.logs import page_of, query_of
from anyfit_modelmaker.series import metric_series, use_series
from anyfit_modelmaker.states import ENDPOINT_STATUS, JOB_STATUS, job_state
from anyfit_modelmaker.wire import Version, entries, log_page, machines, service, version


def made(**members: Any) -> Version:
    return version({"id": 1, "versionId": 2, **members})


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("STARTING", Status.PENDING),
        ("DOWNLOAD_DATA", Status.PREPARING),
        ("TRAINING", Status.RUNNING),
        ("STOPPING", Status.STOPPING),
        ("STOPING", Status.STOPPING),
        ("FINISH", Status.SUCCEEDED),
        ("STARTING_FAIL", Status.FAILED),
        ("TRAINING_FAIL", Status.FAILED),
        ("STOPPED", Status.STOPPED),
        ("PONDERING", Status.UNKNOWN),
        ("", Status.UNKNOWN),
    ],
)
def test_job_words(word: str, status: Status) -> None:
    """Every word of the platform is a neutral state and stays visible; a new one is unknown."""
    state = job_state(made(status=word), 0)

    assert (state.status, state.native) == (status, word)
    assert state.reason or status not in (Status.UNKNOWN, Status.PENDING) or word == "STARTING"


def test_endpoint_words() -> None:
    """The same for services."""
    assert ENDPOINT_STATUS == {
        "DEPLOYING": EndpointStatus.CREATING,
        "RUNNING": EndpointStatus.READY,
        "DEPLOYING_FAIL": EndpointStatus.FAILED,
        "STOPPING": EndpointStatus.STOPPING,
        "STOPPED": EndpointStatus.STOPPED,
    }
    assert len(JOB_STATUS) == 9


@pytest.mark.parametrize(
    ("members", "cause"),
    [
        ({"status": "STOPPED", "maxRuntime": 60, "duration": 61}, Cause.TIMEOUT),
        (
            {
                "status": "STOPPED",
                "maxRuntime": 60,
                "startTime": "2024-01-01 00:00:00",
                "endTime": "2024-01-01 00:01:00",
            },
            Cause.TIMEOUT,
        ),
        ({"status": "STOPPED", "maxRuntime": 60, "duration": 5}, Cause.NONE),
        ({"status": "STOPPED"}, Cause.NONE),
        ({"status": "STARTING_FAIL"}, Cause.START),
    ],
)
def test_causes(members: dict[str, Any], cause: Cause) -> None:
    """What ran too long is told from what somebody stopped, and what never started says so."""
    assert job_state(made(**members), 0).cause == cause


def test_times_are_of_the_service() -> None:
    """Times are in the service's own zone."""
    state = job_state(made(status="FINISH", createTime="2019-05-14 11:48:31", endTime="soon"), 8)

    assert state.created_at == datetime(2019, 5, 14, 3, 48, 31, tzinfo=timezone.utc)
    assert state.ended_at is None


def logs(*rows: dict[str, Any]) -> Any:
    return log_page({"logs": list(rows)})


def test_log_by_number() -> None:
    """Lines without a time are counted: the next page begins with the number after the last."""
    page = page_of(logs({"id": 4, "content": "a"}, {"id": "5", "content": "b"}), "id:4", nodes=1, ended=False)

    assert [line.text for line in page.lines] == ["a", "b"]
    assert query_of("") == {"lastId": 0}
    assert query_of(page.cursor) == {"lastId": 6}
    assert not page.more


def test_log_by_time() -> None:
    """Where lines carry times, the place is a time, unchanged."""
    page = page_of(logs({"id": 0, "content": "a", "time": 1557805711000, "nanTime": 3}), "", nodes=1, ended=False)

    assert query_of(page.cursor) == {"lastTime": 1557805711000, "lastNan": 3}
    assert page.lines[0].time == datetime(2019, 5, 14, 3, 48, 31, tzinfo=timezone.utc)


def test_log_pages() -> None:
    """A full page is followed by another; at the end every page is; nothing new keeps its place."""
    full = logs(*({"id": number, "content": ""} for number in range(200)))

    assert page_of(full, "", nodes=1, ended=False).more
    assert page_of(full[:1], "", nodes=1, ended=True).more
    assert page_of([], "id:7", nodes=1, ended=True) == page_of([], "id:7", nodes=1, ended=False)
    assert page_of([], "id:7", nodes=1, ended=True).cursor == "id:7"


def test_log_of_many_nodes() -> None:
    """With several nodes a line names its own; with one, what looks like that belongs to the line."""
    rows = logs({"id": 0, "content": "[1] hello"}, {"id": 1, "content": "hello"})

    assert [(line.node, line.text) for line in page_of(rows, "", nodes=2, ended=False).lines] == [
        (1, "hello"),
        (0, "hello"),
    ]
    assert page_of(rows, "", nodes=1, ended=False).lines[0].text == "[1] hello"


def test_foreign_cursor() -> None:
    """A place that is none of ours is refused."""
    with pytest.raises(UsageError, match="no place"):
        query_of("b:17")


def test_machines() -> None:
    """A machine of several purposes is one offering; sizes are read from names where nothing else tells."""
    train = machines({"resources": [{"id": 1, "cpu": 4, "memory": 8}, {"id": 2, "name": "8核16G"}, {"id": 3}]})
    found = offerings({"TRAIN": train, "PREDICT": machines({"resources": [{"id": 1, "cpu": 4, "memory": 8}]})})

    assert [(o.spec_id, o.cpus, o.memory_gib) for o in found] == [("1", 4, 8), ("2", 8, 16), ("3", 0, 0)]
    assert found[0].tasks == ("train", "serve")


def test_framework_names() -> None:
    """A framework's name, version and Python stand in one name of the platform."""
    listed = entries(
        {"frameWorks": [{"id": 5, "name": n} for n in ("TensorFlow-1.13.1-python3.5", "MXNET-python3.5")]}, ""
    )
    found = frameworks({"TRAIN": listed})

    assert [(f.name, f.version, f.py_version) for f in found] == [("tensorflow", "1.13.1", "3.5"), ("mxnet", "", "3.5")]


def test_metrics_with_steps() -> None:
    """The x of a monitor is the step where the script names one; where the platform counts, steps begin at 0."""
    counted = [{"x": 1, "y": 0.5}, {"x": 2, "y": 0.25}]
    named = [{"x": 100, "y": 0.5}, {"x": 200, "y": "0.25"}]
    series = metric_series({"monitors": [{"name": "a", "data": counted}, {"name": "b", "data": named}, {"name": "c"}]})

    assert series is not None
    assert [[(p.step, p.value) for p in each.points] for each in series] == [
        [(0, 0.5), (1, 0.25)],
        [(100, 0.5), (200, 0.25)],
    ]
    assert metric_series({"unknown": 1}) is None


def test_use_of_many_nodes() -> None:
    """The use of each node is its own curve; what is not measured is left out."""
    rows = [{"time": 1557805711000, "instance": node, "cpu": 10 * node, "memory": 1} for node in (0, 1)]

    assert [(s.name, s.unit, s.points[0].value) for s in use_series({"monitors": rows})] == [
        ("cpu.0", "%", 0),
        ("memory.0", "%", 1),
        ("cpu.1", "%", 10),
        ("memory.1", "%", 1),
    ]


def test_address_of_a_service() -> None:
    """The address has no documented name, so it is known by what it is."""
    raw = {"id": 1, "status": "RUNNING", "docs": "https://x/", "apiUrl": "http://h:1/ModelMaker/predict"}

    assert service(raw).address == "http://h:1/ModelMaker/predict"
    assert service({"id": 1}).address == ""
