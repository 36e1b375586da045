"""The platform's words and shapes, and what is made of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyfit.backend import Cause, JobState, Status
from anyfit.errors import UsageError
from anyfit.spec import Channel, JobSpec
from anyfit_modelarts.blame import with_input
from anyfit_modelarts.guess import guessed_spec
from anyfit_modelarts.logs import LINES, Window, page_after, page_at_end, split_doubled, split_lines
from anyfit_modelarts.series import use_series, v1_results
from anyfit_modelarts.states import PHASES, V1_STATUS, job_state, v1_state, v2_state
from anyfit_modelarts.training import v1, v2
from anyfit_modelarts.wire import Run

BEGUN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)

# ------------------------------------------------------------------------------------------ states


@pytest.mark.parametrize("number", range(22))
def test_every_number(number: int) -> None:
    """Every status of the first generation has its word and its neutral word, and those that end are ends."""
    word, status = v1_state(number)
    ends = {3, 5, 10, 11, 12, 13, 14, 16, 17, 21}

    assert word == V1_STATUS[number][0]
    assert status.finished == (number in ends)


@pytest.mark.parametrize(
    ("phase", "secondary", "status", "cause"),
    [
        ("Creating", "Creating", Status.PENDING, Cause.NONE),
        ("Pending", "Queuing", Status.PENDING, Cause.NONE),
        ("Running", "Running", Status.RUNNING, Cause.NONE),
        ("Terminating", "Terminating", Status.STOPPING, Cause.NONE),
        ("Completed", "Completed", Status.SUCCEEDED, Cause.NONE),
        ("Failed", "Failed", Status.FAILED, Cause.NONE),
        ("Failed", "CreateFailed", Status.FAILED, Cause.START),
        ("Terminated", "Terminated", Status.STOPPED, Cause.NONE),
        ("Abnormal", "Lost", Status.FAILED, Cause.LOST),
        ("Abnormal", "TerminatedFailed", Status.FAILED, Cause.NONE),
        ("Abnormal", "Unknown", Status.FAILED, Cause.NONE),
        ("Dreaming", "", Status.UNKNOWN, Cause.NONE),
    ],
)
def test_phases(phase: str, secondary: str, status: Status, cause: Cause) -> None:
    """Phases of the second generation, with what their second word adds."""
    native, neutral = v2_state(phase, secondary)
    state = job_state(Run(id="x", name="x", native=native, status=neutral))

    assert (state.status, state.cause) == (status, cause)
    assert native.startswith(phase)
    assert bool(state.reason) == (status == Status.UNKNOWN or cause != Cause.NONE)


def test_every_phase_is_tested() -> None:
    """No phase is missing in the table above."""
    words = "Creating Pending Running Terminating Completed Failed Terminated Abnormal"

    assert set(PHASES) == set(words.split())


@pytest.mark.parametrize(("hours", "status"), [(1, Status.FAILED), (2, Status.STOPPED)])
def test_stopped_by_the_clock(hours: int, status: Status) -> None:
    """The platform has one word for what a user stopped and for what ran too long; the times tell."""
    run = Run(
        id="x",
        name="x",
        native="Terminated",
        status=Status.STOPPED,
        started=BEGUN,
        ended=BEGUN + timedelta(hours=1, seconds=2),
        limit_seconds=3600 * hours,
    )
    state = job_state(run)

    assert state.status == status
    assert (state.cause == Cause.TIMEOUT) == (status == Status.FAILED)


# ------------------------------------------------------------------------------------------ logs

LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(LINE, min_size=1, max_size=8))
def test_doubled_lines(lines: list[str]) -> None:
    """A content in which a blank line follows each line gives the lines, empty ones among them."""
    content = "\n\n".join(lines) + "\n"

    assert split_doubled(content, len(lines)) == tuple(lines)


@given(st.lists(LINE, min_size=1, max_size=8))
def test_single_lines(lines: list[str]) -> None:
    """So does one without; the count decides, whatever the habit of the generation is."""
    content = "\n".join(lines) + "\n"

    assert split_lines(content, len(lines)) == tuple(lines)


def test_no_lines() -> None:
    """Nothing is no line; one empty line is one."""
    assert split_doubled("", 0) == ()
    assert split_lines("", None) == ()
    assert split_doubled("", 1) == ("",)


class Log:
    """A log as the platform gives it, in windows of at most 500 lines."""

    def __init__(self, count: int) -> None:
        self.count = count

    def after(self, file: str, line: str) -> Window:
        """The lines after one."""
        begin = int(line) + 1 if line else 0
        numbers = range(begin, min(self.count, begin + LINES))
        if not numbers:
            return Window()
        return Window(tuple(f"{file} {n}" for n in numbers), str(numbers[0]), str(numbers[-1]))


@given(st.lists(st.integers(0, 1200), min_size=1, max_size=3), st.lists(st.integers(0, 700), max_size=3))
def test_following(counts: list[int], growth: list[int]) -> None:
    """Following from the beginning gives every line of every node once, in order, while they grow."""
    files = [f"worker-{n}" for n in range(len(counts))]
    logs = dict(zip(files, map(Log, counts), strict=True))
    said: dict[int, list[str]] = {node: [] for node in range(len(files))}
    cursor, rounds = "", [0, *growth, 0, 0, 0]
    for more in rounds:
        for log in logs.values():
            log.count += more
        again = True
        while again:
            page = page_after(cursor, files, lambda file, line: logs[file].after(file, line), ended=lambda: False)
            for line in page.lines:
                said[line.node].append(line.text)
            cursor, again = page.cursor, page.more

    assert said == {node: [f"{file} {n}" for n in range(logs[file].count)] for node, file in enumerate(files)}
    assert not cursor or set(json.loads(cursor)) <= set(files)


def test_foreign_cursor() -> None:
    """A cursor of somewhere else is refused."""
    with pytest.raises(UsageError, match="no place in a log"):
        page_after("id:7", ["worker-0"], Log(3).after, ended=lambda: False)


def test_end_of_a_log() -> None:
    """The last lines come from the end; where there is no common end, they do not."""

    def newest(file: str, count: int) -> Window:
        return Window(("a", "b")[-count:], "1", "2")

    page = page_at_end(1, None, ["x.0"], newest)

    assert page is not None
    assert ([line.text for line in page.lines], page.cursor) == (["b"], '{"x.0": "2"}')
    assert page_at_end(0, None, ["x.0"], newest) is not None
    assert page_at_end(LINES + 1, None, ["x.0"], newest) is None
    assert page_at_end(1, None, ["x.0", "x.1"], newest) is None
    assert page_at_end(1, None, ["x.0"], lambda *_: None) is None


# ------------------------------------------------------------------------------------------ shapes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
V1_NAMES = (
    "job_id version_id version_name status start_time duration create_time train_url app_url worker_server_num"
    " parameter data_source data_url error_result"
)
V2_NAMES = "metadata status algorithm spec phase tasks task_statuses outputs inputs remote obs obs_url auto_stop"


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(V1_NAMES.split()), JSON, max_size=6))
def test_any_row_of_the_first_generation(row: dict[str, Any]) -> None:
    """Whatever stands in an answer, reading it raises nothing, and it is a job."""
    run = v1._run(row, 7)

    assert run.id.startswith("7/")
    assert job_state(run).status in Status
    assert guessed_spec(run).name


@settings(max_examples=50)
@given(st.recursive(JSON, lambda inner: st.dictionaries(st.sampled_from(V2_NAMES.split()), inner, max_size=4)))
def test_any_row_of_the_second_generation(row: Any) -> None:
    """So it is with the second generation."""
    run = v2._run(row if isinstance(row, dict) else {})

    assert job_state(run).status in Status
    assert guessed_spec(run).name


def test_version_of_a_job() -> None:
    """A version's results lie in its own folder below the place that was asked for; those of an image do not."""
    row = {"version_id": 11, "version_name": "V0002", "status": 10, "train_url": "/b/out/", "app_url": "/b/code/"}

    assert v1._run(row, 1).output == "obs://b/out/V0002/"
    assert v1._run({**row, "user_image_url": "i"}, 1).output == "obs://b/out/"


def test_exit_code() -> None:
    """The platform's exit code is that of the first node that failed."""
    statuses = [{"task": "worker-0", "exit_code": 0}, {"task": "worker-1", "exit_code": 3, "message": "no"}]
    run = v2._run({"status": {"phase": "Failed", "task_statuses": statuses}})
    state = job_state(run)

    assert (state.exit_code, state.reason) == (3, "no")


@pytest.mark.parametrize("code", [137, 247])
def test_killed(code: int) -> None:
    """The numbers by which a container's end by SIGKILL is told are that signal."""
    statuses = [{"task": "worker-0", "exit_code": code}]
    state = job_state(v2._run({"status": {"phase": "Failed", "task_statuses": statuses}}))

    assert (state.exit_code, state.signal) == (None, 9)


def test_no_exit_code() -> None:
    """A number below zero is what the platform says of a script that never ran."""
    statuses = [{"task": "worker-0", "exit_code": -1, "message": "s3://b/data/: there is no such object"}]
    state = job_state(v2._run({"status": {"phase": "Failed", "task_statuses": statuses}}))

    assert (state.exit_code, state.signal, state.cause) == (None, None, Cause.START)
    assert state.reason == "s3://b/data/: there is no such object"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("s3://b/data/train/: there is no such object", "train"),
        ("/b/data/train is missing", "train"),
        ("obs://b/data/: there is no such object", "all"),
        ("obs://b/data.", "all"),
        ("obs://b/database/: there is no such object", ""),
        ("obs://a-b/data/train/: there is no such object", ""),
        ("the machine is broken", ""),
    ],
)
def test_input_that_is_to_blame(told: str, name: str) -> None:
    """Where the platform names the place of an input, the input is named, however the place is spelt."""
    inputs = {each: Channel(uri=uri) for each, uri in (("all", "obs://b/data"), ("train", "obs://b/data/train/"))}
    spec = JobSpec(name="mnist", inputs=inputs)
    state = with_input(JobState(status=Status.FAILED, cause=Cause.START, reason=told), spec)

    assert (state.cause is Cause.INPUT) == bool(name)
    assert state.reason == (f"inputs.{name} could not be fetched: {told}" if name else told)


def test_stranger() -> None:
    """A job that others have made is a spec as far as the platform tells."""
    algorithm = {
        "boot_file": "/b/code/train.py",
        "engine": {"engine_id": "e"},
        "parameters": [{"name": "lr", "value": "0.1"}],
        "inputs": [{"name": "data_url", "remote": {"obs": {"obs_url": "/b/data/"}}}],
        "environments": [{"SEED": "7"}],
        "outputs": [{"name": "other", "remote": {"obs": {"obs_url": "obs://b/out/"}}}],
    }
    spec = {"resource": {"flavor_id": "f", "node_count": 2}}
    found = guessed_spec(v2._run({"metadata": {"name": "n", "id": "i"}, "algorithm": algorithm, "spec": spec}))

    assert (found.name, found.entry_point, found.instance_type, found.instance_count) == ("n", "train.py", "f", 2)
    assert found.hyperparameters == {"lr": "0.1"}
    assert found.environment == {"SEED": "7"}
    assert found.inputs["data_url"].uri == "obs://b/data/"
    assert found.output_path == "obs://b/out/"


# ------------------------------------------------------------------------------------------ series


def test_use() -> None:
    """One value stands for a minute; -1 is none; numbers may be text."""
    found = use_series({"cpuUsage": ["1.5", -1, 3], "npuUtil": [-1], "gpuUtil": None, "strange": [1]}, BEGUN)

    assert [(series.name, series.unit) for series in found] == [("cpu", "%"), ("strange", "1")]
    assert [(p.step, p.value, p.time) for p in found[0].points] == [
        (0, 1.5, BEGUN),
        (2, 3.0, BEGUN + timedelta(minutes=2)),
    ]


def test_results_of_an_algorithm() -> None:
    """What an algorithm of the platform has reached is a curve of one point."""
    total = {"total_metric_values": {"f1_score": 0.9, "recall": "x", "id": 3}}

    assert [(s.name, s.points[0].value) for s in v1_results({"total_metric": total})] == [("f1_score", 0.9)]
