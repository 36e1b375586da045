"""Names of machines and images, and the platform's ways to write times."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.backend import Cause, Status
from anyfit_ti.catalog import environment_of, offerings, shipped
from anyfit_ti.images import image_of, python_tag
from anyfit_ti.machines import NAMES_2019, NAMES_2021, parse_name
from anyfit_ti.states import SECONDARY_2019, STATUS_2021, state_2019, state_2021
from anyfit_ti.wire import Machine, beijing, job_2019, nanoseconds, rfc3339, task, time_of

KNOWN = {
    "TI.SMALL2.1core2g": (1, 2, "", 0),
    "TI.20XLARGE320.80core320g": (80, 320, "", 0),
    "TI.GN10X.4XLARGE80.2xV100": (16, 80, "V100", 2),
    "TI.GN10X.18XLARGE320.8xV100": (72, 320, "V100", 8),
    "ML.GN8.3XLARGE112": (14, 112, "P40", 2),
    "TI.S.MEDIUM.POST": (2, 4, "", 0),
    "TI.S.LARGE": (4, 8, "", 0),
    "TI.S.2XLARGE16.POST": (8, 16, "", 0),
    "TI.GN7.LARGE20.POST": (4, 20, "quarterT4", 1),
    "TI.GN7.2XLARGE40.POST": (10, 40, "halfT4", 1),
    "TI.GN7.2XLARGE32.POST": (8, 32, "T4", 1),
    "TI.GN7.8XLARGE128.POST": (32, 128, "T4", 1),
    "TI.GN7.20XLARGE320.POST": (80, 320, "T4", 4),
    "TI.GN10.2XLARGE40.POST": (8, 40, "V100", 1),
    "TI.GN10.20XLARGE320.POST": (80, 320, "V100", 8),
    "TI.S6.MEDIUM2.POST": (2, 2, "", 0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_machines(name: str) -> None:
    """Names of the documents are read as the documents describe them."""
    size = parse_name(name)

    assert (size.cpus, size.memory_gib, size.gpu_model, size.gpu_count) == KNOWN[name]


@pytest.mark.parametrize("name", [*NAMES_2019, *NAMES_2021])
def test_every_listed_machine(name: str) -> None:
    """Every machine that the documents list has cores and memory, and accelerators if its family has."""
    size = parse_name(name)

    assert size.cpus > 0
    assert size.memory_gib > 0
    assert bool(size.gpu_count) == bool(size.gpu_model) == ("GN" in name)
    assert bool(size.gpu_memory_gib) == bool(size.gpu_count)


@given(cpus=st.integers(1, 512), memory=st.integers(1, 4096), size=st.sampled_from(["SMALL2", "LARGE", "6XLARGE96"]))
def test_cores_in_names(cpus: int, memory: int, size: str) -> None:
    """What a name says outright goes before what its size means."""
    found = parse_name(f"TI.{size}.{cpus}core{memory}g")

    assert (found.cpus, found.memory_gib, found.gpu_count) == (cpus, memory, 0)


@given(number=st.integers(1, 64), memory=st.integers(1, 999), cards=st.integers(1, 16), post=st.booleans())
def test_sizes_in_names(number: int, memory: int, cards: int, post: bool) -> None:
    """A size is four cores each, and GB behind it; cards are counted where the name counts them."""
    found = parse_name(f"TI.XY9.{number}XLARGE{memory}.{cards}xH20{'.POST' if post else ''}")

    assert (found.cpus, found.memory_gib, found.gpu_model, found.gpu_count) == (4 * number, memory, "H20", cards)


@given(name=st.text(max_size=60), alias=st.text(max_size=20), gpu=st.sampled_from(["", "T4"]))
def test_any_name(name: str, alias: str, gpu: str) -> None:
    """No name is a fault; what it does not say is 0."""
    size = parse_name(name, alias, gpu)

    assert size.cpus >= 0
    assert bool(size.gpu_model) == bool(size.gpu_count) or "x" in name or alias


@pytest.mark.parametrize(
    ("alias", "gpu", "found"),
    [
        ("8C32G 1*T4", "T4", (8, 32, "T4", 1)),
        ("4C20G 1/4*T4", "", (4, 20, "quarterT4", 1)),
        ("2C4G", "", (2, 4, "", 0)),
        ("", "A10", (0, 0, "A10", 1)),
    ],
)
def test_alias(alias: str, gpu: str, found: tuple[Any, ...]) -> None:
    """What the console shows is read where a name says nothing."""
    size = parse_name("TI.NEW", alias, gpu)

    assert (size.cpus, size.memory_gib, size.gpu_model, size.gpu_count) == found


def test_prices_and_stock() -> None:
    """Prices are yuan; a machine without one has none; where all would be sold out the field means the opposite."""
    listed = [Machine("TI.S.MEDIUM.POST", "2C4G", "", True, 70), Machine("TI.S.LARGE.POST", "4C8G", "", False)]
    first, second = offerings({"TRAIN": listed, "INFERENCE": listed[:1]})

    assert (first.price, first.currency, first.in_stock, first.tasks) == (0.7, "CNY", True, ("train", "serve"))
    assert (second.price, second.currency, second.in_stock, second.tasks) == (None, "", False, ("train",))
    assert [offer.in_stock for offer in offerings({"TRAIN": listed[1:]})] == [True]


@pytest.mark.parametrize("api", ["2019", "2021"])
def test_shipped_catalog(api: str) -> None:
    """What the documents list can be planned with, and names no price."""
    catalog = shipped(api)

    assert {offer.price for offer in catalog.offerings} == {None}
    assert all(each.name and each.version and each.native for each in catalog.frameworks)


@pytest.mark.parametrize(
    ("framework", "version", "python", "tag"),
    [
        ("tensorflow", "1.14.0", "py3", "1.14.0-py3"),
        ("tensorflow", "1.15", "py3", "1.15-gpu-cu100-py3"),
        ("tensorflow", "2.0.0", "py2", "2.0.0-gpu-cu100-py2"),
        ("tensorflow", "2.1.0", "py3", "2.1.0-gpu-cu101-py3"),
        ("pytorch", "1.1.0", "py3", "1.1.0-py3"),
        ("pytorch", "1.3.1", "py3", "1.3.1-gpu-cu100-py3"),
        ("pytorch", "1.5", "py3", "1.5-gpu-cu101-py3"),
        ("mxnet", "1.4.1", "py3", "1.4.1-py3"),
        ("sklearn", "0.20.3", "py3", "0.20.3-py3"),
    ],
)
def test_images(framework: str, version: str, python: str, tag: str) -> None:
    """Images are named as the vendor's SDK names them."""
    assert image_of(framework, version, python) == f"ccr.ccs.tencentyun.com/ti_containers/{framework}:{tag}"


@pytest.mark.parametrize(
    ("written", "tag"), [("", "py3"), ("py3", "py3"), ("3.7", "py3"), ("py2", "py2"), ("2.7", "py2")]
)
def test_python(written: str, tag: str) -> None:
    """Any way to write a version of Python is py2 or py3."""
    assert python_tag(written) == tag


@pytest.mark.parametrize(
    ("native", "found"),
    [
        ("torch1.9-py3.8-cuda11.1-gpu", ("pytorch", "1.9", "3.8")),
        ("tf1.15-py3.7-cpu", ("tensorflow", "1.15", "3.7")),
        ("tilearn-llm0.9-torch2.3-py3.10-cuda12.4-gpu", ("pytorch", "2.3", "3.10")),
        ("pytorch1.9.0-py38", ("pytorch", "1.9.0", "3.8")),
        ("something", ("", "", "")),
    ],
)
def test_environments(native: str, found: tuple[str, str, str]) -> None:
    """Environments are read in their parts."""
    framework = environment_of(native)

    assert (framework.name, framework.version, framework.py_version) == found


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("2025-05-28T18:18:33+08", "2025-05-28T10:18:33+00:00"),
        ("2025-11-21 00:00:00", "2025-11-20T16:00:00+00:00"),
        ("2022-09-29T03:17:24Z", "2022-09-29T03:17:24+00:00"),
        ("2022-09-29T03:17:24+08:00", "2022-09-28T19:17:24+00:00"),
        ("2022-09-29T03:17:24.123456789Z", "2022-09-29T03:17:24.123456+00:00"),
    ],
)
def test_times(written: str, wanted: str) -> None:
    """All five spellings of a time are read; without a zone it is Beijing's."""
    assert time_of(written) == datetime.fromisoformat(wanted)


@pytest.mark.parametrize("written", ["", "soon", "2025-13-40 00:00:00"])
def test_no_times(written: str) -> None:
    """What is no time is none."""
    assert time_of(written) is None


@given(stamp=st.integers(0, 4 * 10**18))
def test_times_come_back(stamp: int) -> None:
    """A time that is written is read as the same, as exactly as its spelling allows."""
    assert nanoseconds(rfc3339(stamp)) == stamp
    assert nanoseconds(beijing(stamp)) == stamp // 10**9 * 10**9


@pytest.mark.parametrize("word", STATUS_2021)
def test_words_of_2021(word: str) -> None:
    """Every documented status has a neutral one, and stays visible."""
    state = state_2021(task({"Id": "train-1", "Status": word, "StartTime": "2025-05-28T18:18:33+08"}))

    assert (state.status, state.native) == (STATUS_2021[word], word)


@pytest.mark.parametrize("word", SECONDARY_2019)
def test_words_of_2019(word: str) -> None:
    """Every documented secondary status has a neutral one, and stays visible."""
    state = state_2019(job_2019({"TrainingJobStatus": "InProgress", "SecondaryStatus": word}))

    assert (state.status, state.native) == (SECONDARY_2019[word], word)


def test_unknown_words() -> None:
    """A word that no document has is UNKNOWN, and is shown."""
    states = [state_2021(task({"Status": "PONDERING"})), state_2019(job_2019({"TrainingJobStatus": "Pondering"}))]

    assert [state.status for state in states] == [Status.UNKNOWN] * 2
    assert all("ondering" in state.reason.lower() for state in states)


def steps(*words: str) -> dict[str, Any]:
    begin = datetime(2020, 7, 2, 11, 0, tzinfo=timezone(timedelta(hours=8)))
    rows = [
        {"Status": word, "StatusMessage": str(n), "StartTime": f"{begin + timedelta(minutes=n):%Y-%m-%d %H:%M:%S}"}
        for n, word in enumerate(words)
    ]
    return {"SecondaryStatusTransitions": rows, "TrainingEndTime": rows[-1]["StartTime"]}


def test_history_of_2019() -> None:
    """Transitions are a history in which each state is named once."""
    chain = ("Starting", "Starting", "Downloading", "Downloading", "Training", "Training", "Uploading", "Completed")
    state = state_2019(job_2019({"TrainingJobStatus": "Completed", "SecondaryStatus": "Completed", **steps(*chain)}))

    assert [step.status.value for step in state.history] == [
        "PENDING",
        "PREPARING",
        "RUNNING",
        "UPLOADING",
        "SUCCEEDED",
    ]
    assert state.created_at == datetime(2020, 7, 2, 3, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("chain", "cause"),
    [
        (("Starting", "Failed"), Cause.START),
        (("Starting", "Downloading", "Failed"), Cause.INPUT),
        (("Starting", "Downloading", "Training", "Failed"), Cause.NONE),
    ],
)
def test_causes_of_2019(chain: tuple[str, ...], cause: Cause) -> None:
    """Where a job failed tells why, before its script ran."""
    state = state_2019(job_2019({"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed", **steps(*chain)}))

    assert (state.status, state.cause) == (Status.FAILED, cause)


def test_too_long_in_2019() -> None:
    """A job that ran too long is Stopped for the platform, and has failed for us."""
    state = state_2019(job_2019({"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"}))

    assert (state.status, state.cause, state.native) == (Status.FAILED, Cause.TIMEOUT, "MaxRuntimeExceeded")
