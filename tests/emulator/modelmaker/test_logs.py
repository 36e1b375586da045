"""Logs in both forms, and what is read out of them."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def long(rig: Any) -> int:
    """A version that wrote 450 lines."""
    version = rig.run(rig.job("for i in range(450): print('line', i)"))
    return int(version["versionId"])


def test_pages_by_number_are_inclusive_and_have_200_lines(rig: Any, long: int) -> None:
    """`lastId=N` begins with line N; ids are positions without gaps."""
    pages = [rig.get(f"/v1/train/version/{long}/log?lastId={first}")["logs"] for first in (0, 200, 400, 450, 9999)]

    assert [len(page) for page in pages] == [200, 200, 50, 0, 0]
    assert [line["id"] for page in pages for line in page] == list(range(450))
    assert pages[1][0]["content"] == "line 200"


def test_pages_by_time_are_exclusive(rig: Any, long: int) -> None:
    """The last line's pair leads to the next page; pairs grow strictly."""
    time, nano, found = 0, 0, []
    while page := rig.get(f"/v1/train/version/{long}/log?lastTime={time}&lastNan={nano}")["logs"]:
        assert len(page) <= 200
        found += page
        time, nano = page[-1]["time"], page[-1]["nanTime"]

    pairs = [(line["time"], line["nanTime"]) for line in found]
    assert [line["content"] for line in found] == [f"line {i}" for i in range(450)]
    assert pairs == sorted(set(pairs))
    assert all(0 <= nano < 1_000_000 for _, nano in pairs)


def test_lines_come_while_the_job_runs(rig: Any) -> None:
    """A line can be read as soon as it is written."""
    answer = rig.post("/v1/train", rig.custom("/bin/sh", "-c 'echo one; sleep 60'"))
    rig.training(answer["versionId"])

    assert rig.log(answer["versionId"]) == ["one"]
    assert rig.get(f"/v1/train/version/{answer['versionId']}")["status"] == "TRAINING"
    rig.post(f"/v1/train/{answer['versionId']}/stop")
    rig.ended(answer["versionId"])


def test_whatever_bytes_come(rig: Any) -> None:
    """Standard error is there, a last line needs no end, bytes that are no UTF-8 are replaced, empty lines count."""
    version = rig.run(rig.custom("/bin/sh", r"""-c 'printf "a\r\n\n"; printf "\377b\n" >&2; printf "end"'"""))

    assert rig.log(version["versionId"]) == ["a", "", "\ufffdb", "end"]


def test_metrics_by_expression(rig: Any) -> None:
    """The first group is y, the second x or a count; what is no number is left out; search semantics."""
    script = """
print("step 100, training accuracy 0.86")
print("step 200, training accuracy n/a")
print("step 300, training accuracy nan")
print("step 400, training accuracy  0.9 ")
print("INFO loss = 1.5e-1 , step = 10")
print("INFO loss = 2 , step = 20")
"""
    monitors = [
        {"name": "accuracy", "regular": r".*?accuracy\s(.*)", "sample": "training accuracy 0.86"},
        {"name": "loss", "regular": r"loss\s=\s(.*)\s,\sstep\s=\s(.*)"},
        {"name": "none", "regular": "nothing (.*)"},
    ]
    version = rig.run(rig.job(script, monitors=monitors))

    assert rig.get(f"/v1/train/version/{version['versionId']}/performance-monitor") == {
        "monitors": [
            {"name": "accuracy", "data": [{"x": 1, "y": 0.86}, {"x": 2, "y": 0.9}]},
            {"name": "loss", "data": [{"x": 10, "y": 0.15}, {"x": 20, "y": 2}]},
            {"name": "none", "data": []},
        ]
    }


def test_metrics_grow_with_the_log(rig: Any) -> None:
    """Each look goes on where the last one ended; the mark of an instance is not part of a line."""
    script = """
import os, time
print("y=1", flush=True)
while not os.path.exists("../output/go"):
    time.sleep(0.01)
print("y=2", flush=True)
"""
    answer = rig.post("/v1/train", rig.job(script, instance=2, monitors=[{"name": "y", "regular": "^y=(.*)"}]))
    path = f"/v1/train/version/{answer['versionId']}/performance-monitor"
    rig.training(answer["versionId"], lines=2)
    first = rig.get(path)["monitors"][0]["data"]
    (rig.sandbox(answer["versionId"]) / "output" / "go").touch()
    rig.ended(answer["versionId"])

    assert first == [{"x": 1, "y": 1}, {"x": 2, "y": 1}]
    assert rig.get(path)["monitors"][0]["data"] == [*first, {"x": 3, "y": 2}, {"x": 4, "y": 2}]
    assert rig.get(path) == rig.get(path)


def test_no_monitors_no_metrics(rig: Any, long: int) -> None:
    """An empty list, and not an error."""
    assert rig.get(f"/v1/train/version/{long}/performance-monitor") == {"monitors": []}


def test_utilization_is_measured(rig: Any) -> None:
    """A busy process with much memory shows; percentages are of the machine that was asked for."""
    script = """
import os
ballast = bytearray(200 << 20)
while not os.path.exists("../output/go"): pass
"""
    version = rig.post("/v1/train", rig.job(script, resourceId=500100))["versionId"]  # 2 cores, 4 GiB
    path = f"/v1/train/version/{version}/resource-monitor"
    rig.until(
        lambda: [sample["memory"] for sample in rig.get(path)["monitors"]], lambda seen: max(seen[1:], default=0) > 4.8
    )
    (rig.sandbox(version) / "output" / "go").touch()
    rig.ended(version)
    samples = rig.get(path)["monitors"]

    assert len(samples) >= 2
    assert 1 < max(sample["cpu"] for sample in samples) <= 60  # other programs may be busy too
    assert 4.8 < max(sample["memory"] for sample in samples) < 15
    assert set(samples[0]) == {"time", "instance", "cpu", "memory"}
    assert [sample["time"] for sample in samples] == sorted(sample["time"] for sample in samples)


def test_even_the_shortest_job_has_a_sample(rig: Any) -> None:
    """One per instance at least."""
    version = rig.run(rig.custom("true", instance=2))
    samples = rig.get(f"/v1/train/version/{version['versionId']}/resource-monitor")["monitors"]

    assert {sample["instance"] for sample in samples} == {0, 1}
