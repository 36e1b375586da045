"""Reading a log with a cursor that any process can go on with.

Both generations are searched by time and answer page by page, with a context that finds the next page. A context does
not live for ever, and finds nothing that is written after the search. So a cursor also holds, for each pod, the time of
its last line and how many lines of that very time were seen: a new search begins there and leaves those out. Lines of
different pods arrive late now and then, so with several of them a new search begins a while earlier.

Which node a pod is, its name does not always tell. So in jobs of several nodes anyfit's conventions say it in a line of
its own, which is read here and not shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field, frozen

from anyfit.backend import LogLine, LogPage
from anyfit.errors import AnyfitError, AuthError, UsageError
from anyfit_ti.wire import Raw, moment, nanoseconds, table, text

__all__ = ["Entry", "entries_2019", "entries_2021", "read_page", "read_tail"]

_LATE = 20 * 10**9
_MOST = 9000  # the platform pages through 10000 lines of a search, and no more
_POD = re.compile(r"(?:^|-)(launcher|master|worker|ps|chief|driver|executor|head)(?:-(\d+))?(?=$|\.)")
_NODE = re.compile(r"anyfit: node (\d+) of \d+")

Fetch = Callable[[int, str], tuple[Sequence["Entry"], str]]
"""Searches from a time, or goes on by a context; answers entries, oldest first, and the next context or ""."""


@frozen
class Entry:
    """A line: when in nanoseconds since 1970, of which pod, on which node."""

    at: int
    pod: str
    node: int
    text: str


@define
class _Pod:
    """How far a pod was read: the time of its last line, how many of that time, how many of them to leave out.

    `node` is which node it is, as far as its name or a line of it has told.
    """

    at: int
    seen: int
    again: int = 0
    node: int = 0

    def is_new(self, at: int) -> bool:
        """Whether a line of that time was not seen before; counts it."""
        if at < self.at:
            return False
        if at > self.at:
            self.at, self.seen, self.again = at, 1, 0
            return True
        if self.again:
            self.again -= 1
            return False
        self.seen += 1
        return True


@define
class _Place:
    """What a cursor says."""

    start: int = 0
    context: str = ""
    pods: dict[str, _Pod] = field(factory=dict)
    rows: int = 0

    def restart(self, begin: int, nodes: int) -> None:
        """Begin a new search where every pod has been read."""
        times = [pod.at for pod in self.pods.values()]
        last, first = max(times, default=begin), min(times, default=begin)
        late = last - _LATE if nodes > 1 else last
        self.start = max(begin, min(last, max(first, late)) if len(times) >= nodes else late)
        self.rows = 0
        for pod in self.pods.values():
            pod.again = pod.seen

    def renew(self, begin: int, nodes: int) -> bool:
        """Begin a new search before the platform ends this one, where that begins later."""
        if self.rows < _MOST or not self.context:
            return False
        start, again = self.start, {name: pod.again for name, pod in self.pods.items()}
        rows = self.rows
        self.restart(begin, nodes)
        if self.start > start:
            self.context = ""
            return True
        self.start, self.rows = start, rows
        for name, pod in self.pods.items():
            pod.again = again[name]
        return False

    def take(self, entry: Entry) -> LogLine | None:
        """The entry as a line, unless it was seen before or is none of the script's."""
        pod = self.pods.get(entry.pod)
        if pod is None:
            pod = self.pods[entry.pod] = _Pod(entry.at, 1, node=entry.node)
        elif not pod.is_new(entry.at):
            return None
        if told := _NODE.fullmatch(entry.text):
            pod.node = int(told[1])
            return None
        return LogLine(entry.text, moment(entry.at) if entry.at else None, pod.node)

    def written(self) -> str:
        """As text."""
        pods = {name: [pod.at, pod.seen, pod.again, pod.node] for name, pod in self.pods.items()}
        return json.dumps({"s": self.start, "c": self.context, "r": self.rows, "p": pods}, separators=(",", ":"))


def read_page(fetch: Fetch, cursor: str, *, begin: int, nodes: int) -> LogPage:
    """The lines after a cursor, and where to go on.

    Args:
        fetch: Asks the platform.
        cursor: "" for the beginning.
        begin: A time before the first line.
        nodes: How many nodes the job has.
    """
    place = _read(cursor)
    while True:
        if not place.context:
            place.restart(begin, nodes)
        try:
            entries, place.context = fetch(place.start, place.context)
        except AnyfitError as fault:
            if not place.context or not _of_context(fault):
                raise
            place.context = ""
            continue
        place.rows += len(entries)
        lines = tuple(line for entry in entries if (line := place.take(entry)) is not None)
        more = place.renew(begin, nodes) or bool(place.context)
        if lines or not more:
            return LogPage(lines, place.written(), more=more)


def _of_context(fault: AnyfitError) -> bool:
    """Whether a context may be what the platform refuses: it has answered, and the keys were right."""
    return bool(fault.status) and not isinstance(fault, AuthError)


def read_tail(fetch: Callable[[str], tuple[Sequence[Entry], str]], count: int) -> LogPage | None:
    """The last lines and where to go on, None where that cannot be told for sure.

    Args:
        fetch: Asks the platform by a context, newest first.
        count: How many lines.
    """
    found: list[Entry] = []
    context, begun = "", False
    while (context or not begun) and len(found) < _MOST:
        entries, context = fetch(context)
        found += entries
        begun = True
        if len(found) > count and found[-1].at < found[0].at:
            break
    times = [entry.at for entry in found]
    whole = not context or times[-1] < times[0]
    if len({entry.pod for entry in found}) > 1 or not whole or (context and len(found) <= count):
        return None
    place = _Place()
    if found:
        place.pods[found[0].pod] = _Pod(times[0], times.count(times[0]), node=found[0].node)
    lines = [LogLine(e.text, moment(e.at) if e.at else None, e.node) for e in reversed(found[:count])]
    return LogPage(tuple(lines), place.written())


def entries_2021(rows: Sequence[Raw]) -> list[Entry]:
    """What DescribeLogs answers."""
    return [_entry(nanoseconds(text(row, "Timestamp")), text(row, "PodName"), text(row, "Message")) for row in rows]


def entries_2019(rows: Sequence[Raw]) -> list[Entry]:
    """What the log service answers: the line is in a JSON text."""
    found = []
    for row in rows:
        content = _content(row)
        message = text(content, "message") or text(content, "log")
        pods = [text(content, name) for name in ("pod_name", "pod", "host", "instance")] + [text(row, "source")]
        pod = next((name for name in pods if name), text(row, "filename"))
        found.append(_entry(nanoseconds(text(row, "timestamp")), pod, message))
    return found


def _entry(at: int | None, pod: str, message: str) -> Entry:
    match = _POD.search(pod)
    short = match[0].lstrip("-") if match else pod
    node = int(match[2] or 0) if match else 0
    return Entry(at or 0, short, node, message.rstrip("\r\n"))


def _content(row: Raw) -> Mapping[str, object]:
    try:
        content = json.loads(text(row, "content"))
    except ValueError:
        return {"message": text(row, "content")}
    return table({"": content}, "")


def _read(cursor: str) -> _Place:
    if not cursor:
        return _Place()
    try:
        told = json.loads(cursor)
        pods = {str(name): _Pod(*map(int, numbers)) for name, numbers in told["p"].items()}
        return _Place(int(told["s"]), str(told["c"]), pods, int(told["r"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{cursor!r} is no place in a log of TI", hint="follow the log from its beginning") from None
