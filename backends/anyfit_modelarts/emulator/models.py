"""Models: imported from the object store, in versions (reference, sections 5.1 to 5.3)."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import asdict, define, field

from anyfit_emulator.moving import Cancelled, Missing
from anyfit_emulator.records import Records
from anyfit_emulator.storage import ObjectStore
from anyfit_modelarts.emulator.calls import Caller, Query
from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.serving import modelwire
from anyfit_modelarts.emulator.serving.engines import IMAGES
from anyfit_modelarts.emulator.serving.importing import check_model
from anyfit_modelarts.emulator.serving.packages import FAILED, take_in
from anyfit_modelarts.emulator.serving.paging import page, wanted
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Model", "Models"]

MISSING = "ModelArts.3001"
EXISTS = "ModelArts.3002"
IN_USE = "ModelArts.3009"
BAD_SOURCE = "ModelArts.3017"
_MOVING = ("publishing", "building")
_SORTS = ("create_at", "model_version", "model_size")


@define
class Model:
    """One version of a model.

    Attributes:
        asked: What was asked for, under the wire's names.
        status: `publishing`, `published` or `failed`.
        created: In milliseconds.
        config: Of its package, once it is published.
        code_place: Where its customize_service.py came from.
        code: The error's, when the import failed; `message` goes with it.
    """

    id: str
    asked: dict[str, Any]
    status: str
    created: int
    owner: str = ""
    tenant: str = ""
    project: str = ""
    size: int = 0
    config: dict[str, Any] = field(factory=dict)
    code_place: str = ""
    code: str = ""
    message: str = ""


class Models:
    """All models of the account; safe from any thread.

    Args:
        folder: Where packages are kept; an import copies them, so what becomes of their source is of no matter.
        pause: Seconds that an import takes at least, so that clients get to see it.

    Attributes:
        lock: Held by every method; services hold it as well.
        is_used: Whether a service has a model; set by who knows.
    """

    def __init__(self, records: Records, store: ObjectStore, folder: Path, pause: float = 0.0) -> None:
        self._records = records
        self._store = store
        self._folder = folder
        self._pause = pause
        self.lock = threading.RLock()
        self._models = {key: Model(**document) for key, document in records.all("model")}
        self._ending = threading.Event()
        self._imports: dict[str, threading.Thread] = {}
        self.is_used: Callable[[str], bool] = lambda model_id: False

    def recover(self) -> None:
        """Begin again with imports that an earlier emulator did not finish."""
        with self.lock:
            for model in self._models.values():
                if model.status in _MOVING:
                    self._begin(model)

    def end(self) -> None:
        """Ask imports to end, because the emulator ends; does not wait."""
        self._ending.set()

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        with self.lock:
            threads = list(self._imports.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    # calls

    def create(self, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
        """Import a model."""
        asked = check_model(body)
        with self.lock:
            name, version = asked["model_name"], asked["model_version"]
            if any(self._is(model, name, version) for model in self._models.values()):
                raise ApiError(EXISTS, f"There is version {version} of the model {name} already.", 409)
            now = milliseconds(time.time())
            owners = (caller.user_id, caller.domain_id, caller.project)
            model = Model(str(uuid4()), asked, "publishing", now, *owners)
            self._models[model.id] = model
            self._save(model)
            self._begin(model)
            return {"model_id": model.id}

    def all(self, query: Query) -> dict[str, Any]:
        """The list."""
        with self.lock:
            found = [modelwire.head(model) for model in self._models.values() if self._fits(model, query)]
        total, shown = page(found, query, _SORTS, "create_at")
        return {"total_count": total, "count": len(shown), "models": shown}

    def detail(self, model_id: str) -> dict[str, Any]:
        """One model."""
        with self.lock:
            return modelwire.detail(self.find(model_id))

    def delete(self, model_id: str, query: Query) -> dict[str, Any]:
        """Delete one version, or all of that name."""
        cascade = query.word("cascade", "false", ("true", "false")) == "true"
        with self.lock:
            model = self.find(model_id)
            name = model.asked["model_name"]
            family = [other for other in self._models.values() if other.asked["model_name"] == name]
            deleted, kept = [], []
            for one in family if cascade else [model]:
                if self.is_used(one.id):
                    kept.append(_refusal(one))
                else:
                    self._drop(one)
                    deleted.append(one.id)
        return {"delete_success_list": deleted, "delete_failed_list": kept}

    # what services need

    def find(self, model_id: str) -> Model:
        """A model.

        Raises:
            ApiError: There is none of that id.
        """
        with self.lock:
            try:
                return self._models[model_id]
            except KeyError:
                raise ApiError(MISSING, f"The model {model_id} does not exist.", 404) from None

    def package(self, model: Model) -> Path:
        """The directory of a model's package, which is not to be changed."""
        return self._folder / model.id

    # imports

    def _begin(self, model: Model) -> None:
        thread = threading.Thread(target=self._import, args=(model,), name=f"import-{model.id}", daemon=True)
        self._imports[model.id] = thread
        thread.start()

    def _import(self, model: Model) -> None:
        try:
            self._ending.wait(self._pause)
            self._take_in(model)
        except Cancelled:
            self._settle(model, model.status)
        except ApiError as error:
            self._settle(model, "failed", error.code, error.message)
        except Missing as error:
            self._settle(model, "failed", BAD_SOURCE, str(error))
        except OSError as error:
            self._settle(model, "failed", FAILED, str(error))
        else:
            self._settle(model, "published")
        finally:
            with self.lock:
                self._imports.pop(model.id, None)

    def _take_in(self, model: Model) -> None:
        asked = model.asked
        if asked["model_type"] == "Template":
            raise ApiError(FAILED, f"There is no template {asked['template']['template_id']}.", 500)
        if asked["model_type"] in IMAGES:
            model.config = asked.get("initial_config", {})
            return
        target = self.package(model)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        package = take_in(self._store, asked, target, lambda: self._is_void(model))
        model.config, model.size, model.code_place = package.config, package.size, package.code

    def _settle(self, model: Model, status: str, code: str = "", message: str = "") -> None:
        with self.lock:
            gone = model.id not in self._models
            if gone or status == "failed":
                shutil.rmtree(self.package(model), ignore_errors=True)
            if gone or self._ending.is_set():
                return
            model.status, model.code, model.message = status, code, message
            self._save(model)

    def _is_void(self, model: Model) -> bool:
        return self._ending.is_set() or model.id not in self._models

    # rules

    def _drop(self, model: Model) -> None:
        del self._models[model.id]
        self._records.remove("model", model.id)
        if model.id not in self._imports:
            shutil.rmtree(self.package(model), ignore_errors=True)

    def _save(self, model: Model) -> None:
        self._records.put("model", model.id, asdict(model))

    @staticmethod
    def _is(model: Model, name: str, version: str) -> bool:
        return (model.asked["model_name"], model.asked["model_version"]) == (name, version)

    @staticmethod
    def _fits(model: Model, query: Query) -> bool:
        shown = modelwire.head(model)
        exact = query.word("exact_match", "false", ("true", "false")) == "true"
        name = query.text("model_name")
        if name and not (name == shown["model_name"] if exact else name in shown["model_name"]):
            return False
        if query.text("description") not in shown["description"]:
            return False
        if shown["model_type"] == query.text("not_model_type"):
            return False
        return wanted(shown, query, ("model_version", "model_status", "model_type", "workspace_id"))


def _refusal(model: Model) -> dict[str, Any]:
    message = f"The model {model.id} is in use by a service."
    return {"model_id": model.id, "error_code": IN_USE, "error_msg": message, "error_message": message}
