"""Lines, events and exports of tasks and services (reference, section 3.6)."""

from __future__ import annotations

import base64
import binascii
import itertools
import time
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from anyfit_emulator.running import LineLog
from anyfit_ti.emulator.desk import TIONE_2021, Call, QuietDesk, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.loglines import lines
from anyfit_ti.emulator.selecting import page
from anyfit_ti.emulator.serving.services import Services
from anyfit_ti.emulator.tasks.register import Register
from anyfit_ti.emulator.tasks.views import to_event
from anyfit_ti.emulator.times import nanos, parse

__all__ = ["Entry", "Logs"]

SERVICES = ("TRAIN", "NOTEBOOK", "INFER", "BATCH")
_STREAMS = ("stdout", "stderr")
_HOUR = 3600
_MOST = 1000
_DEEPEST = 10_000


@frozen
class Entry:
    """One line of a pod."""

    id: str
    time_ns: int
    pod: str
    stream: str
    text: str

    def to_wire(self) -> dict[str, str]:
        """As answers show it."""
        return {
            "Id": self.id,
            "Message": self.text,
            "PodName": self.pod,
            "Timestamp": nanos(self.time_ns),
            "PkgId": self.id.rpartition("-")[0],
            "PkgLogId": self.id.rpartition("-")[2],
        }


@frozen
class Wanted:
    """What is asked for; times in nanoseconds."""

    service: str
    service_id: str
    pod: str
    start: int
    end: int
    words: tuple[str, ...] = ()
    stream: str = ""

    def fits(self, entry: Entry) -> bool:
        """Whether a line is meant."""
        inside = self.start <= entry.time_ns <= self.end
        return inside and self.stream in ("", entry.stream) and all(word in entry.text for word in self.words)


class Logs(QuietDesk):
    """Answers for training and for services.

    Args:
        services: Tell of their pods.
    """

    def __init__(self, tasks: Register, services: Services) -> None:
        self._tasks = tasks
        self._services = services

    def tables(self) -> Tables:
        """What it answers."""
        return {TIONE_2021: {"DescribeLogs": self.describe, "DescribeEvents": self.describe_events}}

    def describe(self, call: Call) -> dict[str, Any]:
        """`DescribeLogs`: a page, and where the next one begins."""
        fields = call.fields
        wanted = read_wanted(fields)
        limit = fields.integer("Limit", 100, least=1)
        if limit > _MOST:
            raise fields.bad("Limit", f"must not be more than {_MOST}", "InvalidParameterValue.LimitExceeded")
        descending = fields.text("Order", "DESC", one_of=("ASC", "DESC")) != "ASC"
        fields.text("OrderField", one_of=("Timestamp",))
        seen, last = _read_context(fields)
        skip = 0 if last else fields.integer("Offset")
        if seen + skip + limit > _DEEPEST:
            message = f"No more than {_DEEPEST} lines can be paged through; narrow the time."
            raise ApiError("FailedOperation.ContextLimitError", message)
        found = self._ordered(wanted, last, descending=descending)
        shown = list(itertools.islice(found, skip, skip + limit))
        more = next(found, None) is not None
        context = f"{seen + skip + len(shown)}.{shown[-1].time_ns}" if more else ""
        return {
            "Content": [entry.to_wire() for entry in shown],
            "Context": base64.urlsafe_b64encode(context.encode()).decode(),
        }

    def describe_events(self, call: Call) -> dict[str, Any]:
        """`DescribeEvents`; of services, what happened to the pods that live."""
        fields = call.fields
        wanted = read_wanted(fields)
        if wanted.service == "INFER":
            events = self._services.events(wanted.service_id)
        else:
            found = self._tasks.find(wanted.service_id) if wanted.service == "TRAIN" else None
            events = list(found[1].events) if found else []
        events = [event for event in events if wanted.start <= event["At"] * 1e9 <= wanted.end]
        if fields.text("Order", "DESC", one_of=("ASC", "DESC")) != "ASC":
            events.reverse()
        shown = page(events, fields, default=100, most=100)
        return {"Events": [to_event(event) for event in shown], "TotalCount": len(events)}

    def entries(self, wanted: Wanted) -> Iterator[Entry]:
        """All lines that are meant, the oldest first."""
        read = {"TRAIN": self._of_tasks, "INFER": self._of_services}.get(wanted.service)
        return filter(wanted.fits, read(wanted)) if read else iter(())

    def _ordered(self, wanted: Wanted, last: int, *, descending: bool) -> Iterator[Entry]:
        """In the order that is asked for, from behind the last one that was given before."""
        if not descending:
            for entry in self.entries(wanted):
                if entry.time_ns > last:
                    yield entry
            return
        for entry in reversed(list(self.entries(wanted))):
            if not last or entry.time_ns < last:
                yield entry

    def _of_tasks(self, wanted: Wanted) -> Iterator[Entry]:
        if wanted.service_id:
            found = self._tasks.find(wanted.service_id)
            runs = [found] if found else []
        else:
            runs = [(task, run) for task, run in self._tasks.runs() if wanted.pod.startswith(run.id[:6])]
        for task, run in sorted(runs, key=lambda one: one[1].created):
            names = task.pod_names(run)
            if not any(_named(name, wanted.pod) for name in names):
                continue
            log = self._tasks.log_of(task, run)
            for line in lines(log, log.after(wanted.start - 1)):
                if line.time_ns > wanted.end:
                    break
                if _named(names[line.container], wanted.pod):
                    pod = names[line.container]
                    yield Entry(f"{run.id}-{line.number}", line.time_ns, pod, line.stream, line.text)

    def _of_services(self, wanted: Wanted) -> Iterator[Entry]:
        found = [
            Entry(f"{pod}-{line.number}", line.time_ns, pod, "stdout", line.text)
            for pod, log in self._services.logs(wanted.service_id).items()
            if _named(pod, wanted.pod)
            for line in _whole(log)
        ]
        yield from sorted(found, key=lambda entry: entry.time_ns)


def read_wanted(fields: Fields) -> Wanted:
    """What a request selects.

    Raises:
        ApiError: It selects nothing that can be.
    """
    service = fields.text("Service", required=True, one_of=SERVICES)
    service_id, pod = fields.text("ServiceId"), fields.text("PodName")
    if not (service_id or pod):
        raise ApiError("MissingParameter", "The request is missing a required parameter `ServiceId` or `PodName`.")
    now = time.time()
    words: list[str] = []
    for one in fields.parts("Filters"):
        if one.text("Name") != "Key":
            raise one.bad("Name", "must be Key", "InvalidParameterValue.InvalidFilter")
        words += one.texts("Values")
    start, end = _moment(fields, "StartTime", now - _HOUR), _moment(fields, "EndTime", now)
    stream = fields.text("LogStream", one_of=_STREAMS)
    return Wanted(service, service_id, pod, start, end, tuple(words), stream)


def _named(name: str, wanted: str) -> bool:
    """Whether a pod is meant; a star at the end stands for anything."""
    if wanted.endswith("*"):
        return name.startswith(wanted[:-1])
    return not wanted or name == wanted


def _whole(log: LineLog) -> Iterator[Any]:
    first = 0
    while found := log.page(first, _MOST):
        yield from found
        first = found[-1].number + 1


def _moment(fields: Fields, name: str, default: float) -> int:
    text = fields.text(name)
    try:
        return int((parse(text) if text else default) * 1e9)
    except ValueError:
        raise fields.bad(name, f"is no time: {text}") from None


def _read_context(fields: Fields) -> tuple[int, int]:
    """How many lines were given before, and when the last one was written."""
    text = fields.text("Context")
    if not text:
        return 0, 0
    try:
        seen, _, last = base64.urlsafe_b64decode(text.encode()).decode().partition(".")
        return int(seen), int(last)
    except (ValueError, binascii.Error):
        raise fields.bad("Context", "was not given by an earlier answer") from None
