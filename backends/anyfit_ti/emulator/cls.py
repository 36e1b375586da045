"""The log service, as far as the older generation's SDK searches it (reference, section 2.8).

Plain GET requests, signed as COS's are. Jobs write to the topic `TrainingJob` of the log set `TiOne`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from anyfit_emulator.http import Request, Response
from anyfit_emulator.reception import misbehave
from anyfit_emulator.storage.auth import qsign
from anyfit_emulator.storage.auth.values import Claim, parse_query
from anyfit_emulator.storage.credentials import CredentialTable
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.faults import FaultPlan
from anyfit_emulator.storage.requestlog import LoggedRequest, RequestLog
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.faults import injected
from anyfit_ti.emulator.jobs.desk import Jobs
from anyfit_ti.emulator.jobs.values import Job
from anyfit_ti.emulator.loglines import LogLine, lines
from anyfit_ti.emulator.times import beijing, parse

__all__ = ["LogService"]

LOGSET = {"logset_id": "a1b2c3d4-0000-4000-8000-000000000001", "logset_name": "TiOne", "period": 7}
TOPIC = {"topic_id": "a1b2c3d4-0000-4000-8000-000000000002", "topic_name": "TrainingJob"}
_CREATED = {"create_time": "2020-01-01 00:00:00"}
_MOST = 100
_LONGEST = 10_000
_OPERATIONS = {"/logsets": "ListLogsets", "/topics": "ListTopics", "/searchlog": "SearchLog"}


class ClsError(Exception):
    """A refusal.

    Attributes:
        status: The HTTP status; clients look at the body alone.
        code: The `errorcode`.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class LogService:
    """An application."""

    def __init__(self, jobs: Jobs, keys: CredentialTable, plan: FaultPlan, log: RequestLog) -> None:
        self._jobs = jobs
        self._keys = keys
        self._plan = plan
        self._log = log

    def quick(self, request: Request) -> bool:
        """Searching reads files."""
        return False

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        operation = _OPERATIONS.get(request.path, "UnknownLogRequest")
        decision = self._plan.decide(operation, request.query)
        response = misbehave(self._plan, decision, lambda: self._guarded(request), _injected)
        fault = decision.kind or (decision.error[1] if decision.error else "")
        self._log.add(LoggedRequest(operation, "", request.path, 0, response.status, 0, response.length, fault))
        return response

    def _guarded(self, request: Request) -> Response:
        try:
            return _answer(200, self._do(request))
        except ClsError as error:
            return _answer(error.status, {"errorcode": error.code, "errormessage": str(error)})

    def _do(self, request: Request) -> dict[str, Any]:
        if request.method != "GET" or request.path not in _OPERATIONS:
            raise ClsError(404, "InvalidRequest", f"{request.method} {request.path} is not understood")
        pairs = parse_query(request.query)
        self._authenticate(request, pairs)
        query = dict(pairs)
        if request.path == "/logsets":
            return {"logsets": [LOGSET | _CREATED]}
        if query.get("logset_id") != LOGSET["logset_id"]:
            raise ClsError(404, "LogsetNotExist", "there is no such log set")
        if request.path == "/topics":
            whole = {"logset_id": LOGSET["logset_id"], **TOPIC, "path": "", "collection": True, "index": True}
            return {"topics": [whole | _CREATED]}
        return self._search(query)

    def _authenticate(self, request: Request, pairs: list[tuple[str, str]]) -> None:
        headers = {**request.headers, qsign.TOKEN: request.headers.get("x-cls-token", "")}
        claim = Claim(request.method, request.path, pairs, headers)
        try:
            qsign.from_header(claim, headers.get("authorization", ""), self._keys)
        except StoreError as error:
            raise ClsError(401, "AuthFailed", f"the signature is missing or wrong: {error.code}") from None

    def _search(self, query: dict[str, str]) -> dict[str, Any]:
        if TOPIC["topic_id"] not in query.get("topic_ids", "").split(","):
            raise ClsError(404, "TopicNotExist", "there is no such topic")
        field, colon, name = query.get("query", "").partition(":")
        if field != "job" or not colon:
            raise ClsError(400, "QueryError", "only `job:<name>` can be searched for")
        start, end = _moment(query, "start_time"), _moment(query, "end_time")
        limit, first = _number(query, "limit", _MOST), _number(query, "context", 0)
        if not 1 <= limit <= _MOST:
            raise ClsError(400, "InvalidParam", f"limit: it must be 1 to {_MOST}")
        job = self._jobs.find(name)
        found = list(self._found(job, start, end)) if job and job.logs else []
        if query.get("sort", "desc") != "asc":
            found.reverse()
        if first + limit > _LONGEST:
            raise ClsError(400, "InvalidParam", f"context: no more than {_LONGEST} lines can be paged through")
        page = found[first : first + limit]
        more = first + limit < len(found)
        return {
            "context": str(first + limit) if more else "",
            "listover": not more,
            "sql_flag": False,
            "results": [_result(job, line) for line in page if job],
        }

    def _found(self, job: Job, start: float, end: float) -> Iterable[LogLine]:
        """Lines from one second on and before the other: windows that follow each other miss and double none."""
        log = self._jobs.log_of(job)
        for line in lines(log, log.after(int(start * 1e9) - 1)):
            if line.time_ns >= end * 1e9:
                return
            yield line


def _injected(status: int, word: str) -> Response:
    return injected(status, word, _refusal)


def _refusal(error: ApiError) -> Response:
    return _answer(500, {"errorcode": error.code, "errormessage": error.message})


def _result(job: Job, line: LogLine) -> dict[str, Any]:
    content = {"job": job.name, "message": f"{line.text}\n", "stream": line.stream}
    return {
        **TOPIC,
        "timestamp": beijing(line.time_ns / 1e9),
        "filename": "",
        "source": job.hosts[line.container],
        "content": json.dumps(content, ensure_ascii=False) + "\n",
    }


def _moment(query: dict[str, str], name: str) -> float:
    try:
        return parse(query.get(name, ""))
    except ValueError:
        raise ClsError(400, "InvalidParam", f"{name}: it must be YYYY-MM-DD HH:MM:SS") from None


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ClsError(400, "InvalidParam", f"{name}: it is not valid")
    return int(text)


def _answer(status: int, document: dict[str, Any]) -> Response:
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return Response(status, [("Content-Type", "application/json")], body)
