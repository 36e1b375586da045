"""Registered models: their life."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from anyfit.backend import ModelInfo, ModelRef, ModelStatus
from anyfit.cloud.leavings import remove_folders
from anyfit.errors import AnyfitError, Conflict, NotFound, ServiceError, SpecError
from anyfit.http import RetryPolicy
from anyfit.storage import Store, Uri
from anyfit_modelarts.answers import Refusal
from anyfit_modelarts.client import Client, Raw
from anyfit_modelarts.errors import kind_of
from anyfit_modelarts.model_bodies import VERSION
from anyfit_modelarts.paging import one, pages
from anyfit_modelarts.places import places_of, uri_of_url
from anyfit_modelarts.settings import Settings
from anyfit_modelarts.states import MODEL_STATUS
from anyfit_modelarts.wire import moment, rows, table, text

__all__ = ["Models"]

_PATH = "/v1/{project}/models"
_JOB = re.compile(r"from (modelarts://\S+)$")
_USED = "ModelArts.3009"
_GONE_SECONDS = 60.0


@frozen
class _Entry:
    """One version as lists show it."""

    id: str
    name: str
    version: str
    raw: Raw


class Models:
    """The models of one project.

    Args:
        client: Makes the calls.
        settings: The backend's.
        store: Opens the store of a URI.
        policy: How to wait for what is about to go.
    """

    def __init__(self, client: Client, settings: Settings, store: Callable[[Uri], Store], policy: RetryPolicy) -> None:
        self._client = client
        self._settings = settings
        self._store = store
        self._policy = policy

    def runtimes(self) -> dict[str, list[str]]:
        """The images of every type of models, those that are no longer offered left out."""
        answer = table(self._client.get(f"{_PATH}/ai-engine-runtimes", "runtimes"))
        return {text(row.get("ai_engine")): _offered(row) for row in rows(answer.get("engine_runtimes"))}

    def next_version(self, name: str) -> str:
        """The version after the last one of that name."""
        known = [_numbers(entry.version) for entry in self._entries(name)]
        last = max((numbers for numbers in known if numbers), default=(0, 0, 0))
        total = (last[0] * 100 + last[1]) * 100 + last[2] + 1
        if total >= 100**3:
            raise SpecError(f"model_version: there is none after 99.99.99 of {name}", hint="choose another model_name")
        return f"{total // 10000}.{total // 100 % 100}.{total % 100}"

    def register(self, body: Raw) -> ModelRef:
        """Import a version; an answer that was lost is looked up by what the version is made of."""
        what = f"model {body['model_name']}:{body['model_version']}"
        try:
            answer = table(self._client.post(_PATH, body, what))
            id = text(answer.get("model_id"))
            if not id:
                raise ServiceError(f"{what}: ModelArts answers without an id", backend="modelarts")
            return self._ref(id)
        except ServiceError as lost:
            found = self._made_of(body)
            if found is None:
                raise lost
            return self._ref(found)

    def infos(self, name: str = "") -> list[ModelInfo]:
        """All versions, or those of one name, newest first."""
        infos = [self._info(entry) for entry in self._entries(name)]
        times = {info.ref.id: info.created_at.timestamp() if info.created_at else 0.0 for info in infos}
        return sorted(infos, key=lambda info: (times[info.ref.id], _numbers(info.version)), reverse=True)

    def delete(self, ref: ModelRef) -> None:
        """Remove a version, and its package where anyfit has put it together."""
        try:
            location = self._location(ref.id)
        except NotFound:
            return
        waited = 0.0
        while (refusal := self._try_delete(ref.id)) is not None:
            leaving = refusal.code == _USED and self._only_leaving(ref.id)
            if not leaving or waited >= _GONE_SECONDS:
                raise _kept(ref, refusal)
            self._policy.sleep(self._settings.poll_seconds)
            waited += self._settings.poll_seconds
        self.remove_package(location)

    def has(self, body: Raw) -> bool:
        """Whether there is the version already, made of the very same things."""
        entry = self._entry(body)
        return entry is not None and self._location(entry.id) == body["source_location"]

    def remove_package(self, location: str) -> None:
        """Remove a package from OBS, if it is one of anyfit's."""
        if not (self._settings.bucket and location.startswith(("http://", "https://"))):
            return  # an image's place, for instance
        folder = uri_of_url(location, self._settings).as_dir()
        root = Uri.parse(places_of(self._settings).root)
        if folder.bucket == root.bucket and folder.key.startswith(f"{root.key}models/"):
            remove_folders(self._store, [folder])

    def apis(self, id: str) -> list[Raw]:
        """What a version's `config.json` says about requests."""
        detail = table(self._client.get(one(_PATH, id, "model"), f"model {id}"))
        return rows(table(detail.get("config")).get("apis"))

    def _try_delete(self, id: str) -> Refusal | None:
        """What the platform says against it, where it does; one that is gone is fine."""
        try:
            answer = table(self._client.delete(one(_PATH, id, "model"), f"deletion of model {id}"))
        except NotFound:
            return None
        for row in rows(answer.get("delete_failed_list")):
            message = text(row.get("error_msg")) or text(row.get("error_message"))
            return Refusal(text(row.get("error_code")), message)
        return None

    def _only_leaving(self, id: str) -> bool:
        """Whether the services that have the model are all about to go."""
        asked = {"model_id": id}
        found = list(pages(self._client, "/v1/{project}/services", "services", asked, "endpoints"))
        return all(text(row.get("status")) == "deleting" for row in found)

    def _entries(self, name: str) -> list[_Entry]:
        asked: dict[str, Any] = {"model_name": name, "exact_match": "true"} if name else {}
        if self._settings.workspace:
            asked["workspace_id"] = self._settings.workspace
        return [
            _Entry(text(row.get("model_id")), text(row.get("model_name")), text(row.get("model_version")), row)
            for row in pages(self._client, _PATH, "models", asked, "models")
            if name in ("", row.get("model_name"))
        ]

    def _made_of(self, body: Raw) -> str | None:
        """After a lost answer: the version that was made of the very same things."""
        entry = self._entry(body)
        if entry is None:
            return None
        if self._location(entry.id) == body["source_location"]:
            return entry.id
        raise Conflict(
            f"model_version: there is already a version {entry.version} of model {entry.name}",
            hint="leave the version out to count on",
            backend="modelarts",
        )

    def _entry(self, body: Raw) -> _Entry | None:
        entries = self._entries(body["model_name"])
        return next((entry for entry in entries if entry.version == body["model_version"]), None)

    def _location(self, id: str) -> str:
        return text(table(self._client.get(one(_PATH, id, "model"), f"model {id}")).get("source_location"))

    def _info(self, entry: _Entry) -> ModelInfo:
        native = text(entry.raw.get("model_status"))
        job = _JOB.search(text(entry.raw.get("description")))
        status = MODEL_STATUS.get(native, ModelStatus.UNKNOWN)
        return ModelInfo(
            ref=self._ref(entry.id),
            name=entry.name,
            version=entry.version,
            status=status,
            native=native,
            reason=self._reason(entry) if status == ModelStatus.FAILED else "",
            created_at=moment(entry.raw.get("create_at")),
            job=job[1] if job else "",
        )

    def _reason(self, entry: _Entry) -> str:
        told = text(entry.raw.get("error_msg")) or text(entry.raw.get("error_message"))
        return told or "ModelArts does not tell why; its console may"

    def _ref(self, id: str) -> ModelRef:
        return ModelRef("modelarts", self._settings.region, id)


def _kept(ref: ModelRef, refusal: Refusal) -> AnyfitError:
    """Why a version stays; the platform says so within an answer that is none of a refusal."""
    kind, hint = kind_of(409, refusal.code)
    what = f"model {ref.id}: ModelArts keeps it ({refusal.code}): {refusal.message}"
    return kind(what, hint=hint, backend="modelarts", status=refusal.code)


def _offered(row: Raw) -> list[str]:
    """The runtimes of a row, whose status stands in a list beside them."""
    names, states = row.get("runtimes"), row.get("status_list")
    listed: Sequence[object] = names if isinstance(names, list) else []
    told: Sequence[object] = states if isinstance(states, list) else []
    states_of = [*told, *["normal"] * (len(listed) - len(told))]
    return [text(name) for name, state in zip(listed, states_of, strict=False) if state in ("normal", "", None)]


def _numbers(version: str) -> tuple[int, ...]:
    found = VERSION.fullmatch(version)
    return tuple(map(int, found.groups())) if found else ()
