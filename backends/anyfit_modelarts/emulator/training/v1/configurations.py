"""Saved configurations (reference, section 2.13)."""

from __future__ import annotations

import time
from typing import Any

from anyfit_emulator.records import Records
from anyfit_modelarts.emulator.calls import Arguments
from anyfit_modelarts.emulator.errors import V1, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.training.catalog import ENGINES
from anyfit_modelarts.emulator.training.v1.bodies import NAME, check_config
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Configurations"]

_KIND = "v1-config"
_SORTS = ("config_name", "config_desc", "create_time")


class Configurations:
    """The desk."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def create(self, arguments: Arguments) -> dict[str, Any]:
        """`POST /training-job-configs`."""
        members = Members(arguments.body)
        name = members.text("config_name", required=True, pattern=NAME)
        members.finish(V1.invalid)
        if self._records.get(_KIND, name):
            raise ApiError("ModelArts.0105", f"The configuration {name} already exists.")
        return self._put(str(name), members, time.time())

    def change(self, arguments: Arguments) -> dict[str, Any]:
        """`PUT /training-job-configs/{name}`."""
        known = self._find(arguments)
        return self._put(arguments.path["name"], Members(arguments.body), known["created"])

    def all(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-job-configs`; there are no samples."""
        query = arguments.query
        size, page = query.whole("per_page", 10, 1, 1000), query.whole("page", 1, 1, 65535)
        sort, order = query.word("sortBy", "config_name", _SORTS), query.word("order", "desc", ("asc", "desc"))
        samples = query.word("config_type", "custom", ("custom", "sample")) == "sample"
        documents = [] if samples else [document for _, document in self._records.all(_KIND)]
        rows = [_row(document) for document in documents if query.text("search_content") in document["name"]]
        rows.sort(key=lambda row: row[sort], reverse=order == "desc")
        return {"config_total_count": len(rows), "configs": rows[(page - 1) * size : page * size]}

    def detail(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-job-configs/{name}`."""
        known = self._find(arguments)
        config, flavor = known["config"], known["flavor"]
        machine = {"spec_code": flavor} if flavor else {}
        empty = dict.fromkeys(("pool_name", "nas_type", "nas_mount_path", "nas_share_addr", "dataset_name"))
        return {**empty, **config, **machine, **_row(known)}

    def delete(self, arguments: Arguments) -> dict[str, Any]:
        """`DELETE /training-job-configs/{name}`."""
        self._find(arguments)
        self._records.remove(_KIND, arguments.path["name"])
        return {}

    def _put(self, name: str, members: Members, created: float) -> dict[str, Any]:
        desc = members.text("config_desc", 256) or ""
        asked = check_config(members, saved=True)
        flavor = asked.flavor.code if asked.flavor else ""
        document = {"name": name, "desc": desc, "created": created, "config": asked.config, "flavor": flavor}
        self._records.put(_KIND, name, document)
        return {}

    def _find(self, arguments: Arguments) -> dict[str, Any]:
        name = arguments.path["name"]
        document = self._records.get(_KIND, name)
        if document is None:
            raise ApiError("ModelArts.0105", f"The configuration {name} does not exist.", 404)
        return document


def _row(document: dict[str, Any]) -> dict[str, Any]:
    config = document["config"]
    engine = next((engine for engine in ENGINES if engine.id == config.get("engine_id")), None)
    return {
        "config_name": document["name"],
        "config_desc": document["desc"],
        "create_time": milliseconds(document["created"]),
        "engine_type": engine.type if engine else None,
        "engine_name": engine.name if engine else None,
        "engine_id": engine.id if engine else None,
        "engine_version": engine.version if engine else None,
        "user_image_url": config.get("user_image_url"),
        "user_command": config.get("user_command"),
    }
