"""Algorithms of one's own: kept, listed, and made part of jobs (reference, section 3.2)."""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from anyfit_emulator.records import Records
from anyfit_modelarts.emulator.account import Account
from anyfit_modelarts.emulator.calls import Arguments
from anyfit_modelarts.emulator.errors import V2, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.places import last_name, to_s3
from anyfit_modelarts.emulator.storehouse import Storehouse
from anyfit_modelarts.emulator.training.v2.algorithm_bodies import NAME, check_code, check_program, engine_shown
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Algorithms"]

_KIND = "v2-algorithm"
_SORTS = ("create_time", "name", "update_time")
_REQUIREMENTS = ("flavor_type", "device_distributed_mode", "host_distributed_mode")


class Algorithms:
    """The desk; safe from any thread."""

    def __init__(self, records: Records, storehouse: Storehouse, account: Account) -> None:
        self._records = records
        self._storehouse = storehouse
        self._account = account
        self._lock = threading.RLock()

    def create(self, arguments: Arguments) -> dict[str, Any]:
        """`POST /algorithms`."""
        document = self._checked(arguments.body)
        with self._lock:
            self._refuse_twin(document["metadata"]["name"], "")
            now = milliseconds(time.time())
            document["metadata"] |= {"id": str(uuid4()), "create_time": now, "update_time": now}
            return self._keep(document)

    def change(self, arguments: Arguments) -> dict[str, Any]:
        """`PUT /algorithms/{id}`."""
        document = self._checked(arguments.body)
        with self._lock:
            known = self.find(arguments.path["id"])["metadata"]
            self._refuse_twin(document["metadata"]["name"], known["id"])
            kept = {"id": known["id"], "create_time": known["create_time"]}
            document["metadata"] |= {**kept, "update_time": milliseconds(time.time())}
            return self._keep(document)

    def all(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /algorithms`."""
        query = arguments.query
        offset, limit = query.whole("offset", 0, 0), query.whole("limit", 50, 1, 50)
        sort, order = query.word("sort_by", "create_time", _SORTS), query.word("order", "desc", ("asc", "desc"))
        key, _, wanted = unquote(query.text("searches")).partition(":")
        if key not in ("", "name"):
            raise ApiError("ModelArts.2807", f"The search key {key} is not supported.")
        workspace = query.text("workspace_id", "0")
        with self._lock:
            documents = [document for _, document in self._records.all(_KIND)]
        found = [
            document
            for document in documents
            if wanted in document["metadata"]["name"] and document["metadata"]["workspace_id"] == workspace
        ]
        found.sort(key=lambda document: document["metadata"][sort], reverse=order == "desc")
        return {
            "total": len(documents),
            "count": len(found),
            "limit": limit,
            "offset": offset,
            "sort_by": sort,
            "order": order,
            "group_by": query.text("group_by"),
            "items": found[offset : offset + limit],
        }

    def detail(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /algorithms/{id}`."""
        return self.find(arguments.path["id"])

    def delete(self, arguments: Arguments) -> None:
        """`DELETE /algorithms/{id}`."""
        with self._lock:
            self._records.remove(_KIND, self.find(arguments.path["id"])["metadata"]["id"])

    def find(self, algorithm_id: str) -> dict[str, Any]:
        """An algorithm as the API shows it.

        Raises:
            ApiError: There is none.
        """
        document = self._records.get(_KIND, algorithm_id)
        if document is None:
            raise ApiError("ModelArts.2755", f"The algorithm {algorithm_id} does not exist.")
        return document

    def _checked(self, body: dict[str, Any]) -> dict[str, Any]:
        members = Members(body)
        metadata, config = members.child("metadata", required=True), members.child("job_config", required=True)
        if metadata is not None:
            name = metadata.text("name", required=True, pattern=NAME)
            description = metadata.text("description", 256)
            workspace = metadata.text("workspace_id")
        requirements = _requirements(members)
        members.finish(V2.invalid)
        assert config is not None  # noqa: S101  the line before
        program = check_program(config)
        customizable = config.flag("parameters_customization")
        members.finish(V2.invalid)
        check_code(program, self._storehouse)
        job_config = {
            "parameters_customization": customizable is not False,
            **program,
            "engine": engine_shown(program.get("engine", {})),
            "code_tree": self._tree(program.get("code_dir")),
        }
        return {
            "metadata": {
                "name": name,
                "description": description or "",
                "workspace_id": workspace or "0",
                "ai_project": "default-ai-project",
                "user_name": self._account.username,
                "domain_id": self._account.domain_id,
                "source": "custom",
                "api_version": "",
                "is_valid": True,
                "state": "",
                "tags": [],
                "attr_list": [],
                "version_num": 0,
                "size": sum(size for _, size in self._files(program.get("code_dir"))),
            },
            "job_config": job_config,
            "resource_requirements": requirements,
            "advanced_config": body.get("advanced_config") or {},
        }

    def _refuse_twin(self, name: str, but: str) -> None:
        for key, document in self._records.all(_KIND):
            if document["metadata"]["name"] == name and key != but:
                raise ApiError("ModelArts.2821", f"The algorithm name {name} already exists.")

    def _keep(self, document: dict[str, Any]) -> dict[str, Any]:
        self._records.put(_KIND, document["metadata"]["id"], document)
        return document

    def _files(self, code_dir: str | None) -> list[tuple[str, int]]:
        return self._storehouse.files(to_s3(code_dir)) if code_dir and not code_dir.startswith("file://") else []

    def _tree(self, code_dir: str | None) -> dict[str, Any]:
        names = [{"name": name, "children": []} for name, _ in self._files(code_dir)]
        return {"name": f"{last_name(code_dir)}/", "children": names} if code_dir else {}


def _requirements(members: Members) -> list[dict[str, Any]]:
    found = []
    for item in members.children("resource_requirements"):
        key = item.word("key", _REQUIREMENTS, required=True)
        values = item.raw("values") if "values" in item else item.raw("value")
        if not isinstance(values, list):
            item.fault("values", "must be a list")
        found.append({"key": key, "value": values, "operator": item.word("operator", ("in",)) or "in"})
    return found
