"""A report on a job of several nodes is about the one that failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from attrs import evolve

from anyfit.backend import Artifact, JobRef, JobState, LogLine, LogPage, Status
from anyfit.errors import UsageError
from anyfit.failure import failing_node
from anyfit.job import Job
from anyfit.testing import Bench
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings

TRACE = ["Traceback (most recent call last):", '  File "train.py", line 2, in <module>', "    boom()"]
MESSENGER = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: node 1 failed"
SCRIPT = """
import os, sys, time
print("here is", os.environ["RANK"], flush=True)
if os.environ["RANK"] == "1":
    %s
time.sleep(60)
"""


class Cloud(LocalBackend):
    """A platform that tells neither which node failed nor where logs lie."""

    def describe(self, refs: Sequence[JobRef]) -> Sequence[JobState]:
        return [evolve(state, node=None, reason="") for state in super().describe(refs)]

    def artifacts(self, ref: JobRef) -> Sequence[Artifact]:
        return [artifact for artifact in super().artifacts(ref) if artifact.kind != "log"]

    def logs_tail(self, ref: JobRef, lines: int, node: int | None = None) -> LogPage:
        page = super().logs_tail(ref, lines, node)
        return evolve(page, lines=tuple(evolve(line, time=None) for line in page.lines))


@pytest.fixture(params=[LocalBackend, Cloud])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A bench with a backend that knows the node, and one that does not."""
    bench = Bench(request.param(Settings(), tmp_path / "local"), tmp_path / "bench")
    yield bench
    bench.close()


def failed(bench: Bench, statement: str) -> Job:
    """A job of three nodes whose second has done this."""
    job = bench.run(bench.spec(SCRIPT % statement, instance_count=3))
    assert job.state.status == Status.FAILED
    return job


def test_the_log_of_the_node(bench: Bench) -> None:
    """The report shows the lines and names the log of the node that raised, and of no other."""
    job = failed(bench, "raise ValueError('bad luck')")
    report = job.report()

    assert report.tail[0] == "here is 1" and report.tail[-1] == "ValueError: bad luck"
    assert not any(line in report.tail for line in ("here is 0", "here is 2"))
    if isinstance(bench.backend, Cloud):
        assert report.log == f"anyfit logs {job.spec.key} --node 1"
    else:
        assert report.log.endswith("/logs/node-1.log") and Path(report.log).read_text().startswith("here is 1\n")


def test_no_report_of_success(bench: Bench) -> None:
    """Of a job that has not failed no failure is reported."""
    job = bench.run(bench.spec("print('well')"))

    with pytest.raises(UsageError, match=f"job {job.spec.key} has not failed: it is SUCCEEDED"):
        job.report()


def test_a_node_that_says_nothing(bench: Bench) -> None:
    """Without a traceback the platform's word counts; where that is missing the logs of all are named."""
    job = failed(bench, "sys.exit(3)")
    report = job.report()

    if isinstance(bench.backend, Cloud):
        assert report.log == f"anyfit logs {job.spec.key}"
    else:
        assert report.log.endswith("/logs/node-1.log")
        assert report.tail == ("here is 1",)


def lines(node: int, *texts: str) -> list[LogLine]:
    """Lines of one node."""
    return [LogLine(text, node=node) for text in texts]


def test_which_node() -> None:
    """The first traceback that tells most decides, also where the lines of the nodes are mixed."""
    first, second = lines(1, *TRACE, "ValueError: first"), lines(2, *TRACE, "ValueError: second")
    mixed = [line for pair in zip(second[:3], first[:3], strict=True) for line in pair]

    assert failing_node([*mixed, first[3], second[3]]) == 1
    assert failing_node([*mixed, second[3], first[3]]) == 2
    assert failing_node([*lines(0, *TRACE, MESSENGER), *first]) == 1
    assert failing_node([*lines(0, "hello"), *lines(1, "hello")]) is None
    assert failing_node([]) is None
