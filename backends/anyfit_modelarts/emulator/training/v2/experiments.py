"""Experiments, which group jobs (reference, section 3.1, J19)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from anyfit_emulator.records import Records
from anyfit_modelarts.emulator.calls import Arguments
from anyfit_modelarts.emulator.errors import V2, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.training.v2.algorithm_bodies import NAME
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Experiments"]

_KIND = "v2-experiment"
_SORTS = ("create_time", "update_time", "name")


class Experiments:
    """The desk; safe from any thread.

    Attributes:
        count: How many jobs an experiment has; set by who knows.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = threading.RLock()
        self.count: Callable[[str], int] = lambda experiment_id: 0

    def create(self, arguments: Arguments) -> dict[str, Any]:
        """`POST /training-experiments`."""
        members = Members(arguments.body)
        metadata = members.child("metadata", required=True)
        members.finish(V2.invalid)
        assert metadata is not None  # noqa: S101  the line before
        return self._shown(self._add(metadata))

    def all(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-experiments`."""
        query = arguments.query
        offset, limit = query.whole("offset", 0, 0), query.whole("limit", 10, 1, 50)
        sort, order = query.word("sort_by", "create_time", _SORTS), query.word("order", "desc", ("asc", "desc"))
        workspace = query.text("workspace_id", "0")
        documents = [one for _, one in self._records.all(_KIND) if one["workspace_id"] == workspace]
        documents.sort(key=lambda one: one[sort], reverse=order == "desc")
        items = [self._shown(one) for one in documents[offset * limit : (offset + 1) * limit]]
        bounds = {"limit": limit, "offset": offset, "sort_by": sort, "order": order}
        return {"total": len(documents), "count": len(items), **bounds, "items": items}

    def detail(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-experiments/{id}`."""
        return self._shown(self.find(arguments.path["id"]))

    def change(self, arguments: Arguments) -> dict[str, Any]:
        """`PUT /training-experiments/{id}`."""
        members = Members(arguments.body)
        name, description = members.text("name", pattern=NAME), members.text("description", 256)
        members.finish(V2.invalid)
        with self._lock:
            document = self.find(arguments.path["id"])
            if name and name != document["name"]:
                self._refuse_twin(name)
            document |= {"name": name or document["name"], "update_time": milliseconds(time.time())}
            if description is not None:
                document["description"] = description
            self._records.put(_KIND, document["id"], document)
        return {"name": document["name"], "description": document["description"]}

    def delete(self, arguments: Arguments) -> None:
        """`DELETE /training-experiments/{id}`; its jobs stay."""
        self._records.remove(_KIND, self.find(arguments.path["id"])["id"])

    def check_name(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-experiment-names`."""
        return {"is_duplicate": self._by_name(arguments.query.text("experiment_name")) is not None}

    def find(self, experiment_id: str) -> dict[str, Any]:
        """An experiment.

        Raises:
            ApiError: There is none.
        """
        document = self._records.get(_KIND, experiment_id)
        if document is None:
            raise ApiError(V2.invalid, f"The training experiment {experiment_id} does not exist.")
        return document

    def of_job(self, reference: dict[str, str]) -> str:
        """The id of the experiment that a new job names, which is made if only its name is new; "" for none."""
        if not reference:
            return ""
        if "id" in reference:
            return str(self.find(reference["id"])["id"])
        with self._lock:
            known = self._by_name(reference.get("name", ""))
            return str((known or self._add(Members(dict(reference))))["id"])

    def reference(self, experiment_id: str) -> dict[str, Any] | None:
        """How a job shows it."""
        document = self._records.get(_KIND, experiment_id) if experiment_id else None
        return {"id": document["id"], "name": document["name"], "serial_number": "1"} if document else None

    def _add(self, metadata: Members) -> dict[str, Any]:
        name = metadata.text("name", required=True, pattern=NAME)
        description, workspace = metadata.text("description", 256), metadata.text("workspace_id")
        metadata.finish(V2.invalid)
        with self._lock:
            self._refuse_twin(str(name))
            now = milliseconds(time.time())
            document = {
                "id": str(uuid4()),
                "name": name,
                "description": description or "",
                "workspace_id": workspace or "0",
                "create_time": now,
                "update_time": now,
            }
            self._records.put(_KIND, document["id"], document)
        return document

    def _by_name(self, name: str) -> dict[str, Any] | None:
        return next((one for _, one in self._records.all(_KIND) if one["name"] == name), None)

    def _refuse_twin(self, name: str) -> None:
        if self._by_name(name):
            raise ApiError(V2.invalid, f"The training experiment {name} already exists.")

    def _shown(self, document: dict[str, Any]) -> dict[str, Any]:
        return {"metadata": document, "statistic": {"job_count": self.count(document["id"])}}
