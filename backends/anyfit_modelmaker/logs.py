"""Reading a log with a cursor that any process can go on with.

The platform has two ways to ask: by the number of a line, which is inclusive, and by its time, which is not. The
first page is asked for by number; where its lines carry times the rest is asked for by time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from anyfit.backend import LogLine, LogPage
from anyfit.errors import UsageError
from anyfit_modelmaker.wire import Log, moment

__all__ = ["PAGE", "page_of", "query_of"]

PAGE = 200
_BY_ID = re.compile(r"id:(\d+)")
_BY_TIME = re.compile(r"time:(\d+):(\d+)")
_NODE = re.compile(r"\[(\d+)\] ")


def query_of(cursor: str) -> Mapping[str, int]:
    """The query for the page after a cursor."""
    if not cursor:
        return {"lastId": 0}
    if by_id := _BY_ID.fullmatch(cursor):
        return {"lastId": int(by_id[1])}
    if by_time := _BY_TIME.fullmatch(cursor):
        return {"lastTime": int(by_time[1]), "lastNan": int(by_time[2])}
    raise UsageError(f"{cursor!r} is no place in a log of ModelMaker", hint="follow the log from its beginning")


def page_of(logs: Sequence[Log], cursor: str, *, nodes: int, ended: bool) -> LogPage:
    """The lines and where to go on.

    Args:
        logs: What the platform answered.
        cursor: What it was asked with.
        nodes: Of the job; with several each line says whose it is.
        ended: Whether the job is known to have ended: then the log is read until there is nothing.
    """
    lines = tuple(_line(log, nodes) for log in logs)
    if not logs:
        return LogPage((), cursor)
    return LogPage(lines, _after(logs[-1]), more=ended or len(logs) >= PAGE)


def _after(log: Log) -> str:
    if log.time is not None and log.nan is not None:
        return f"time:{log.time}:{log.nan}"
    return f"id:{log.id + 1}"


def _line(log: Log, nodes: int) -> LogLine:
    text, node = log.content, 0
    if nodes > 1 and (prefix := _NODE.match(text)):
        text, node = text[prefix.end() :], int(prefix[1])
    return LogLine(text.rstrip("\r\n"), moment(log.time) if log.time is not None else None, node)
