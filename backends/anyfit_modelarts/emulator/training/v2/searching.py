"""Finding jobs (reference, section 3.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from anyfit_modelarts.emulator.errors import V2, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.training.v2.values import Job
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Search"]

_KEYS = frozenset({"algorithm_name", "create_time", "kind", "name", "phase", "runtime_type", "user_id"})
_OPERATORS = frozenset({"between", "in", "like", "not"})
_SORTS = ("create_time", "name", "duration", "phase")


@frozen
class Search:
    """What is looked for.

    Attributes:
        offset: Which page, from 0.
        filters: Key, operator, values.
    """

    offset: int
    limit: int
    sort: str
    order: str
    workspace: str
    train_type: str
    filters: tuple[tuple[str, str, tuple[str, ...]], ...]
    tags: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def read(cls, body: dict[str, Any]) -> Search:
        """From the body.

        Raises:
            ApiError: It is not good.
        """
        members = Members(body)
        offset, limit = members.whole("offset", 0) or 0, members.whole("limit", 1, 50) or 10
        sort, order = members.text("sort_by") or "create_time", members.text("order") or "desc"
        members.text("group_by")
        workspace = members.text("workspace_id") or "0"
        train_type = members.word("train_type", ("job", "ftjob")) or "job"
        filters = tuple(_filter(item) for item in members.children("filters"))
        tags = tuple(
            (item.text("key", required=True) or "", _texts(item, "values")) for item in members.children("tags")
        )
        if len(tags) > 10:
            members.fault("tags", "must be at most 10")
        members.finish(V2.invalid)
        if sort not in _SORTS or order not in ("asc", "desc"):
            raise ApiError("ModelArts.2790", f"The sort {sort} {order} is not supported.")
        return cls(offset, limit, sort, order, workspace, train_type, filters, tags)

    def find(self, jobs: Iterable[Job], user: str) -> list[Job]:
        """The jobs that fit, in order."""
        found = [job for job in jobs if self._fits(job, user)]
        keys = {
            "create_time": lambda job: job.life.created,
            "name": lambda job: job.name,
            "duration": lambda job: job.life.duration(0.0),
            "phase": lambda job: job.phase,
        }
        return sorted(found, key=keys[self.sort], reverse=self.order == "desc")

    def page(self, found: list[Job]) -> list[Job]:
        """Those of them that are asked for."""
        return found[self.offset * self.limit : (self.offset + 1) * self.limit]

    def _fits(self, job: Job, user: str) -> bool:
        if job.metadata["workspace_id"] != self.workspace or self.train_type != "job":
            return False
        if any(job.tags.get(key) not in values for key, values in self.tags if values):
            return False
        return all(_holds(_values(job, user)[key], operator, values) for key, operator, values in self.filters)


def _filter(item: Members) -> tuple[str, str, tuple[str, ...]]:
    key, operator = item.text("key", required=True), item.text("operator", required=True)
    if key not in _KEYS:
        raise ApiError("ModelArts.2807", f"The search key {key} is not supported.")
    if operator not in _OPERATORS:
        raise ApiError("ModelArts.2808", f"The search operator {operator} is not supported.")
    values = item.raw("value")
    good = isinstance(values, list) and values and all(isinstance(value, str) for value in values)
    if good and operator == "between":
        good = len(values) == 2 and (key != "create_time" or all(value.isdigit() for value in values))
    if not good:
        raise ApiError("ModelArts.2809", f"The search value of {key} is not supported.")
    return key, operator, tuple(values)


def _texts(item: Members, name: str) -> tuple[str, ...]:
    values = item.raw(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        item.fault(name, "must be a list of strings")
        return ()
    return tuple(values)


def _values(job: Job, user: str) -> dict[str, str]:
    return {
        "name": job.name,
        "create_time": str(milliseconds(job.life.created)),
        "phase": job.phase,
        "algorithm_name": str(job.algorithm.get("name", "")),
        "kind": "job",
        "user_id": user,
        "runtime_type": "",
    }


def _holds(value: str, operator: str, wanted: tuple[str, ...]) -> bool:
    if operator == "like":
        return any(text in value for text in wanted)
    if operator == "between":
        low, high = (text.zfill(20) for text in wanted)
        return low <= value.zfill(20) <= high
    return (value in wanted) == (operator == "in")
