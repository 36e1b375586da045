"""Cursors of logs, against a log service that is played here: it searches by time and pages with a context."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anyfit.errors import AnyfitError, AuthError, ServiceError, SpecError, UsageError
from anyfit_ti.logs import Entry, entries_2019, entries_2021, read_page, read_tail

SECOND = 10**9


class Service:
    """Lines by time; a context is good for the search that it comes from."""

    def __init__(self, page: int) -> None:
        self.lines: list[Entry] = []
        self._page = page

    def fetch(self, start: int, context: str) -> tuple[Sequence[Entry], str]:
        """A page."""
        at = int(context or 0)
        found = sorted((line for line in self.lines if line.at >= start), key=lambda line: line.at)
        after = at + self._page
        return found[at:after], str(after) if after < len(found) else ""


def read(service: Service, cursor: str, nodes: int = 1) -> tuple[list[tuple[int, str]], str]:
    """All that there is after a cursor; the cursor goes through text each time."""
    lines: list[tuple[int, str]] = []
    more = True
    while more:
        page = read_page(service.fetch, cursor, begin=0, nodes=nodes)
        lines += [(line.node, line.text) for line in page.lines]
        cursor, more = page.cursor, page.more
    return lines, cursor


@given(
    page=st.integers(1, 7),
    steps=st.lists(st.lists(st.integers(0, 2), max_size=9), max_size=8),
)
def test_every_line_once(page: int, steps: list[list[int]]) -> None:
    """However coarse the times are and wherever a reader stops, each line comes once and in order."""
    service, cursor, now = Service(page), "", 0
    written: list[str] = []
    seen: list[str] = []
    for step in steps:
        for wait in step:
            now += wait * SECOND
            written.append(str(len(written)))
            service.lines.append(Entry(now, "worker-0", 0, written[-1]))
        lines, cursor = read(service, cursor)
        seen += [text for _, text in lines]

    assert seen == written


@given(
    page=st.integers(1, 5),
    steps=st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=9), max_size=6),
)
def test_lines_of_pods_that_come_late(page: int, steps: list[list[tuple[int, int, bool]]]) -> None:
    """Lines of one pod that arrive behind those of another are not missed, as long as they come soon."""
    service, cursor, now = Service(page), "", 100
    written: dict[int, list[str]] = {0: [], 1: [], 2: []}
    seen: dict[int, list[str]] = {0: [], 1: [], 2: []}
    late: list[Entry] = []
    for step in steps:
        service.lines += late
        late = []
        behind: set[int] = set()
        for pod, wait, is_late in step:
            now += wait * SECOND // 4
            written[pod].append(str(len(written[pod])))
            entry = Entry(now, f"worker-{pod}", pod, written[pod][-1])
            behind |= {pod} if is_late else set()
            (late if pod in behind else service.lines).append(entry)
        lines, cursor = read(service, cursor, nodes=3)
        for node, text in lines:
            seen[node].append(text)
    service.lines += late
    for node, text in read(service, cursor, nodes=3)[0]:
        seen[node].append(text)

    assert seen == written


class Strict(Service):
    """Refuses to page through more than ten thousand lines."""

    def fetch(self, start: int, context: str) -> tuple[Sequence[Entry], str]:
        assert int(context or 0) < 10_000
        return super().fetch(start, context)


class Forgetful(Service):
    """Has forgotten the contexts of before."""

    def __init__(self, page: int, fault: AnyfitError) -> None:
        super().__init__(page)
        self.fault: AnyfitError | None = fault

    def fetch(self, start: int, context: str) -> tuple[Sequence[Entry], str]:
        if context and self.fault:
            raise self.fault
        return super().fetch(start, context)


@given(page=st.integers(1, 7), at=st.integers(1, 20), waits=st.lists(st.integers(0, 2), min_size=20, max_size=20))
def test_context_that_has_ended(page: int, at: int, waits: list[int]) -> None:
    """A reader who comes back after the platform has forgotten the search goes on where it was."""
    service, now = Service(page), 1
    for wait in waits:
        now += wait * SECOND
        service.lines.append(Entry(now, "worker-0", 0, str(len(service.lines))))
    seen: list[str] = []
    cursor = ""
    while len(seen) < at:
        found = read_page(service.fetch, cursor, begin=0, nodes=1)
        seen += [line.text for line in found.lines]
        cursor = found.cursor
    forgetful = Forgetful(100, SpecError("no such context", status="InvalidParameter"))
    forgetful.lines = service.lines
    seen += [text for _, text in read(forgetful, cursor)[0]]

    assert seen == [str(n) for n in range(20)]


@pytest.mark.parametrize(
    "fault", [AuthError("keys", status="AuthFailure"), ServiceError("no network"), ServiceError("x", status="500")]
)
def test_fault_that_is_none_of_the_context(fault: AnyfitError) -> None:
    """Refused keys and a dead network are told as they are; so is what a new search does not mend."""
    service = Service(1)
    service.lines = [Entry(n, "worker-0", 0, str(n)) for n in range(1, 4)]
    cursor = read_page(service.fetch, "", begin=0, nodes=1).cursor
    asked: list[str] = []

    def fetch(start: int, context: str) -> tuple[Sequence[Entry], str]:
        asked.append(context)
        raise fault

    with pytest.raises(type(fault)):
        read_page(fetch, cursor, begin=0, nodes=1)
    assert asked == (["1", ""] if fault.status == "500" else ["1"])


def test_very_long_logs() -> None:
    """A search is given up for a new one before the platform ends it, and no line is lost or doubled by that."""
    service = Strict(1000)
    service.lines = [Entry(n // 3 * SECOND, "worker-0", 0, str(n)) for n in range(25_000)]

    assert [text for _, text in read(service, "")[0]] == [str(n) for n in range(25_000)]


@example(page=2, waits=[0, 1, 0], count=0)
@given(page=st.integers(1, 5), waits=st.lists(st.integers(0, 2), max_size=20), count=st.integers(0, 25))
def test_the_end(page: int, waits: list[int], count: int) -> None:
    """The last lines are those that reading all of it ends with, and the cursor goes on after them."""
    service, now = Service(page), 1
    for wait in waits:
        now += wait
        service.lines.append(Entry(now, "worker-0", 0, str(len(service.lines))))

    def backwards(context: str) -> tuple[Sequence[Entry], str]:
        at = int(context or 0)
        found = list(reversed(service.lines))
        return found[at : at + page], str(at + page) if at + page < len(found) else ""

    tail = read_tail(backwards, count)
    more = Entry(now, "worker-0", 0, "more")
    whole = [line.text for line in service.lines]
    service.lines.append(more)

    assert tail is not None
    assert [line.text for line in tail.lines] == whole[max(0, len(whole) - count) :]
    assert [text for _, text in read(service, tail.cursor)[0]] == ["more"]


def test_an_end_that_cannot_be_told() -> None:
    """Where lines of two pods are mixed, or too many are wanted, the whole log has to be read."""
    mixed = [Entry(2, "worker-0", 0, "b"), Entry(1, "launcher", 0, "a")]
    many = [Entry(9, "worker-0", 0, "x")] * 1000

    assert read_tail(lambda _: (mixed, ""), 5) is None
    assert read_tail(lambda _: (many, "more"), 20_000) is None


def test_nodes_tell_who_they_are() -> None:
    """Where a pod's name tells no number, a line of anyfit's does, which is not shown."""
    service = Service(10)
    for at, (pod, text) in enumerate([("10.0.0.9", "anyfit: node 1 of 2"), ("10.0.0.9", "a"), ("10.0.0.7", "b")]):
        service.lines.append(Entry(at + 1, pod, 0, text))
    lines, cursor = read(service, "", nodes=2)
    service.lines.append(Entry(5, "10.0.0.9", 0, "c"))

    assert lines == [(1, "a"), (0, "b")]
    assert read(service, cursor, nodes=2)[0] == [(1, "c")]


@pytest.mark.parametrize(
    "cursor", ["x", "{}", "[]", '{"s":"a","c":"","r":0,"p":{}}', '{"s":1,"c":"","r":0,"p":{"a":[1]}}']
)
def test_no_cursor_of_ours(cursor: str) -> None:
    """What is no cursor is the caller's fault."""
    with pytest.raises(UsageError, match="no place in a log"):
        read_page(Service(1).fetch, cursor, begin=0, nodes=1)


@pytest.mark.parametrize(
    ("pod", "node"),
    [
        ("train-1-abc-worker-0", 0),
        ("train-1-abc-worker-12", 12),
        ("train-1-abc-launcher", 0),
        ("timaker-abc-worker-3.worker.timaker-abc.svc.cluster.local", 3),
        ("", 0),
    ],
)
def test_names_of_pods(pod: str, node: int) -> None:
    """A pod's name tells its node, where it is of a form that is known."""
    (entry,) = entries_2021([{"PodName": pod, "Message": "x\n", "Timestamp": "2024-01-01T00:00:00.000000002Z"}])

    assert (entry.node, entry.text, entry.at % SECOND) == (node, "x", 2)


def test_lines_of_2019() -> None:
    """A line is in a JSON text, under either of two names; what is no JSON is the line itself."""
    rows = [
        {"timestamp": "2020-07-02 11:24:50", "content": json.dumps({"job": "j", "message": "a\n"})},
        {"timestamp": "2020-07-02 11:24:50", "content": json.dumps({"job": "j", "log": "b\n"}), "source": "10.0.0.1"},
        {"timestamp": "2020-07-02 11:24:51", "content": "plain"},
    ]
    entries = entries_2019(rows)

    assert [entry.text for entry in entries] == ["a", "b", "plain"]
    assert [entry.pod for entry in entries] == ["", "10.0.0.1", ""]
    assert entries[2].at - entries[0].at == SECOND
