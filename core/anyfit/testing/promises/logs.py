"""Promises about logs and their cursors."""

from __future__ import annotations

import time
from functools import partial

import pytest

from anyfit.backend import Backend, JobRef, LogLine, log_pages
from anyfit.job import Job
from anyfit.testing import scripts
from anyfit.testing.bench import Bench
from anyfit.testing.promises.suite import Suite

__all__ = ["LogPromises"]


def _rest(backend: Backend, ref: JobRef, cursor: str = "") -> list[str]:
    """The lines after the cursor, as far as they are there."""
    return [line.text for page in log_pages(partial(backend.logs, ref), cursor) for line in page.lines]


def _marked(lines: list[str], mark: str) -> list[str]:
    return [line for line in lines if line.startswith(mark)]


class LogPromises(Suite):
    """What a job says reaches whoever asks, every line once."""

    @pytest.fixture(scope="class")
    @classmethod
    def talk(cls, bench: Bench) -> Job:
        """A job with a log of many and odd lines."""
        return bench.run(bench.spec(scripts.TALK))

    def test_every_line_once(self, bench: Bench, talk: Job) -> None:
        """Every line that the script wrote is there once and in order."""
        lines = bench.lines(talk)

        assert _marked(lines, "line ") == [f"line {number}" for number in range(scripts.LINES)]

    @pytest.mark.parametrize(
        "text", ["naïve café 你好 🎉", "long " + "x" * 1000, "  indented\tby a tab", "to stderr", "no line end"]
    )
    def test_odd_lines(self, bench: Bench, talk: Job, text: str) -> None:
        """Lines come as they were written, whatever they hold and wherever they went."""
        assert bench.lines(talk).count(text) == 1

    def test_nothing_new(self, backend: Backend, talk: Job) -> None:
        """At the end of the log there is an empty page, at once and again and again."""
        cursor, more = "", True
        while more:
            page = backend.logs(talk.ref, cursor)
            cursor, more = page.cursor, page.more
        for _ in range(2):
            page = backend.logs(talk.ref, cursor)
            cursor = page.cursor

            assert page.lines == ()
            assert not page.more

    @pytest.mark.parametrize("count", [0, 1, 7, 100_000])
    def test_the_last_lines(self, backend: Backend, talk: Job, count: int) -> None:
        """The last lines are those that reading all of it ends with, and the cursor goes on after them."""
        texts = [line.text for line in talk.logs()]
        page = backend.logs_tail(talk.ref, count)

        assert [line.text for line in page.lines] == texts[max(0, len(texts) - count) :]
        assert not page.more
        assert _rest(backend, talk.ref, page.cursor) == []

    def test_the_last_lines_of_a_node(self, backend: Backend, talk: Job) -> None:
        """Lines of other nodes do not count."""
        assert backend.logs_tail(talk.ref, 7, node=0).lines == backend.logs_tail(talk.ref, 7).lines
        assert backend.logs_tail(talk.ref, 7, node=1).lines == ()

    def test_cursors_resume(self, bench: Bench, elsewhere: Bench) -> None:
        """From every cursor that was given while the job ran, another process goes on where that one was."""
        job = bench.start(bench.spec(scripts.STEPS))
        pages: list[tuple[str, list[str]]] = [("", [])]
        finished = False
        while not finished:
            time.sleep(job.poll_seconds / 10)
            finished = job.refresh().status.finished
            for page in job.log_pages(pages[-1][0]):
                pages.append((page.cursor, pages[-1][1] + [line.text for line in page.lines]))
        whole = pages[-1][1]

        assert _marked(whole, "step ") == [f"step {number}" for number in range(20)]
        for cursor, before in dict(pages).items():
            assert isinstance(cursor, str)
            assert before + _rest(elsewhere.backend, job.ref, cursor) == whole

    def test_lines_have_their_order_in_time(self, backend: Backend, talk: Job) -> None:
        """Times of lines, where they are known, are aware and never go back; every line names its node."""
        lines: list[LogLine] = list(talk.logs())
        times = [line.time for line in lines if line.time is not None]

        assert all(at.tzinfo is not None for at in times)
        assert times == sorted(times)
        assert {line.node for line in lines} == {0}
