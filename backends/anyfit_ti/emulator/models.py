"""The model repository: models, their versions, and their import into it (reference, section 3.10)."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from attrs import asdict

from anyfit_emulator.moving import Cancelled, Missing, copy, remove
from anyfit_ti.emulator.desk import TIONE_2021, Call, Site, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.ids import digits
from anyfit_ti.emulator.modelversions import FAILED, RUNNING, SUCCESS, TYPES, Model, ModelVersion, place_of, read_config
from anyfit_ti.emulator.places import NOWHERE, Place, read_place
from anyfit_ti.emulator.selecting import page, select, tagged
from anyfit_ti.emulator.times import utc

__all__ = ["Models"]

MODEL, VERSION, EXIST = "MODEL", "VERSION", "EXIST"
_NAME = re.compile(r"[A-Za-z0-9\u4e00-\u9fff][A-Za-z0-9_\-\u4e00-\u9fff]{0,59}")


class Models:
    """All models of the account; safe from any thread.

    Attributes:
        lock: Held by every method; services hold it as well, since each asks the other.
        is_used: Whether a service needs a model version; set by who knows.
        output_of: Where a training task of an id writes to, or None; set by who knows.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._records = site.records
        self.lock = threading.RLock()
        self._models = {key: Model(**document) for key, document in site.records.all("model")}
        self._versions = {key: ModelVersion(**document) for key, document in site.records.all("model-version")}
        self._imports: list[threading.Thread] = []
        self._ending = threading.Event()
        self.is_used: Callable[[str], bool] = lambda version_id: False
        self.output_of: Callable[[str], Place | None] = lambda task_id: None

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "CreateTrainingModel": self.create,
                "DescribeTrainingModels": self.describe_all,
                "DescribeTrainingModelVersion": self.describe_version,
                "DescribeTrainingModelVersions": self.describe_versions,
                "DeleteTrainingModel": self.delete,
                "DeleteTrainingModelVersion": self.delete_version,
            }
        }

    def start(self) -> None:
        """Go on with imports that were under way."""
        with self.lock:
            for version in self._versions.values():
                if version.status == RUNNING:
                    self._import(version)

    def end(self, grace: float) -> None:
        """Leave imports as they are."""
        self._ending.set()

    def join(self, deadline: float) -> None:
        """Wait for them, until a moment of the monotonic clock."""
        for thread in list(self._imports):
            thread.join(max(0.0, deadline - time.monotonic()))

    def find(self, version_id: str) -> ModelVersion:
        """A version.

        Raises:
            ApiError: There is none of that id.
        """
        with self.lock:
            try:
                return self._versions[version_id]
            except KeyError:
                raise _missing(f"model version {version_id}") from None

    # actions

    def create(self, call: Call) -> dict[str, Any]:
        """A new model with its first version, a further version, or more files for one that there is."""
        fields = call.fields
        method = fields.text("ImportMethod", required=True, one_of=(MODEL, VERSION, EXIST))
        config = read_config(fields)
        source = self._source(fields)
        target = read_place(fields, "ModelOutputPath")
        move = fields.text("ModelMoveMode", "COPY", one_of=("COPY", "CUT")) == "CUT"
        with self.lock:
            if method == EXIST:
                version = self._existing(fields, source, move)
            else:
                model = self._new_model(fields) if method == MODEL else self._model(fields)
                version = self._new_version(model, fields.text("TrainingModelVersion"), config, source, target, move)
            self._save(version)
            self._import(version)
            return {"Id": version.model_id, "TrainingModelVersionId": version.id}

    def describe_all(self, call: Call) -> dict[str, Any]:
        """The models, newest first."""
        fields = call.fields
        ascending = fields.text("Order", "DESC", one_of=("ASC", "DESC")) == "ASC"
        fields.text("OrderField", one_of=("CreateTime",))
        with self.lock:
            models = sorted(self._models.values(), key=lambda model: model.created, reverse=not ascending)
            found = tagged(select(models, fields, self._filters()), fields, lambda model: model.tags)
            shown = page(found, fields, default=20, most=100)
            whole = fields.flag("WithModelVersions")
            return {"TrainingModels": [self._head(model, whole) for model in shown], "TotalCount": len(found)}

    def describe_version(self, call: Call) -> dict[str, Any]:
        """One version."""
        version = self.find(call.fields.text("TrainingModelVersionId", required=True))
        with self.lock:
            return {"TrainingModelVersion": self._to_wire(version)}

    def describe_versions(self, call: Call) -> dict[str, Any]:
        """The versions of a model, newest first."""
        fields = call.fields
        with self.lock:
            versions = select(self._versions_of(self._model(fields)), fields, _VERSION_FILTERS)
            return {"TrainingModelVersions": [self._to_wire(version) for version in reversed(versions)]}

    def delete(self, call: Call) -> dict[str, Any]:
        """A model with its versions, or those of one type; the model goes with the last of them."""
        fields = call.fields
        kind = fields.text("ModelVersionType", one_of=TYPES)
        with self.lock:
            model = self._model(fields)
            versions = [one for one in self._versions_of(model) if kind in ("", one.config["VersionType"])]
            for version in versions:
                self._refuse_if_used(version)
            for version in versions:
                self._drop(version, fields.flag("EnableDeleteCos"))
            self._drop_if_empty(model)
        return {}

    def delete_version(self, call: Call) -> dict[str, Any]:
        """One version; the model goes with the last of them."""
        fields = call.fields
        with self.lock:
            version = self.find(fields.text("TrainingModelVersionId", required=True))
            self._refuse_if_used(version)
            self._drop(version, fields.flag("EnableDeleteCos"))
            self._drop_if_empty(self._models[version.model_id])
        return {}

    # rules

    def _source(self, fields: Fields) -> Place:
        """Where the files come from: a folder that is named, or the output of a task."""
        kind = fields.text("TrainingModelSource", "COS", one_of=("JOB", "COS", "CFS"))
        if kind == "CFS":
            raise fields.bad("TrainingModelSource", "must be JOB or COS: there is no file store here")
        task_id = fields.text("TrainingJobId", required=kind == "JOB" and not fields.has("TrainingModelCosPath"))
        place = read_place(fields, "TrainingModelCosPath", required=kind == "COS")
        if place is None:
            place = self.output_of(task_id)
            if place is None:
                raise ApiError("ResourceNotFound", f"The training task {task_id} does not exist, or has no output.")
        if place.is_empty(self._site.store):
            code = "InvalidParameterValue.CosPathNotExist"
            raise fields.bad("TrainingModelCosPath", f"does not exist: there is nothing at {place.uri}", code)
        return place

    def _existing(self, fields: Fields, source: Place, move: bool) -> ModelVersion:
        model, name = self._model(fields), fields.text("TrainingModelVersion", required=True)
        version = next((one for one in self._versions_of(model) if one.name == name), None)
        if version is None:
            raise _missing(f"version {name} of model {model.id}")
        if version.status == RUNNING:
            raise ApiError("FailedOperation.Processing", f"Model version {version.id} is being imported.")
        version.source, version.move = source.to_wire(), move
        version.status, version.error = RUNNING, ""
        return version

    def _new_model(self, fields: Fields) -> Model:
        name = fields.text("TrainingModelName", required=True)
        if not _NAME.fullmatch(name):
            what = "must be 1 to 60 characters: letters, digits, `_` and `-`, a letter or digit first"
            raise fields.bad("TrainingModelName", what, "InvalidParameterValue.BadName")
        if any(model.name == name for model in self._models.values()):
            raise ApiError("FailedOperation.DuplicateName", f"There is a model {name} already.")
        tags = [
            {"TagKey": tag.text("TagKey", required=True), "TagValue": tag.text("TagValue")}
            for tag in fields.parts("Tags")
        ]
        model = Model(f"m-{digits(19)}", name, time.time(), tags)
        self._models[model.id] = model
        self._records.put("model", model.id, asdict(model))
        return model

    def _new_version(
        self, model: Model, name: str, config: dict[str, Any], source: Place, target: Place | None, move: bool
    ) -> ModelVersion:
        taken = {version.name for version in self._versions_of(model)}
        if name in taken:
            raise ApiError("FailedOperation.DuplicateName", f"Model {model.id} has a version {name} already.")
        number = 1 + max((int(one[1:]) for one in taken if re.fullmatch(r"v\d+", one)), default=0)
        name = name or f"v{number}"
        place, copied = (target, source.to_wire()) if target else (source, None)
        identifier = f"mv-v{number}-{digits(19)}"
        version = ModelVersion(identifier, model.id, name, config, place.to_wire(), copied, move, time.time())
        self._versions[version.id] = version
        return version

    def _import(self, version: ModelVersion) -> None:
        if version.source is None:
            version.status = SUCCESS
            self._save(version)
            return
        thread = threading.Thread(target=self._copy, args=(version,), name=f"import-{version.id}", daemon=True)
        self._imports = [*filter(threading.Thread.is_alive, self._imports), thread]
        thread.start()

    def _copy(self, version: ModelVersion) -> None:
        source, target = place_of(version.source or NOWHERE), version.where
        try:
            copy(self._site.store, source.uri, target.uri, self._ending.is_set)
            if version.move and source.uri != target.uri:
                remove(self._site.store, source.uri)
        except Cancelled:
            return  # it begins anew at the next start
        except Missing as error:
            outcome, why = FAILED, str(error)
        else:
            outcome, why = SUCCESS, ""
        with self.lock:
            version.status, version.error, version.source = outcome, why, None
            self._save(version)

    def _save(self, version: ModelVersion) -> None:
        if version.id in self._versions:
            self._records.put("model-version", version.id, asdict(version))

    def _drop(self, version: ModelVersion, with_files: bool) -> None:
        del self._versions[version.id]
        self._records.remove("model-version", version.id)
        if with_files:
            remove(self._site.store, version.where.uri)

    def _drop_if_empty(self, model: Model) -> None:
        if not self._versions_of(model):
            del self._models[model.id]
            self._records.remove("model", model.id)

    def _refuse_if_used(self, version: ModelVersion) -> None:
        if self.is_used(version.id):
            raise ApiError("OperationDenied.NotAllow", f"Model version {version.id} is used by a service.")

    def _model(self, fields: Fields) -> Model:
        model_id = fields.text("TrainingModelId", required=True)
        try:
            return self._models[model_id]
        except KeyError:
            raise _missing(f"model {model_id}") from None

    def _versions_of(self, model: Model) -> list[ModelVersion]:
        versions = [version for version in self._versions.values() if version.model_id == model.id]
        return sorted(versions, key=lambda version: version.created)

    # answers

    def _filters(self) -> dict[str, Callable[[Model], list[str]]]:
        def each(name: str) -> Callable[[Model], list[str]]:
            return lambda model: [str(version.config[name]) for version in self._versions_of(model)]

        return {
            "keyword": lambda model: [model.name, model.id],
            "TrainingModelName": lambda model: [model.name],
            "TrainingModelId": lambda model: [model.id],
            "ModelVersionType": each("VersionType"),
            "TrainingModelSource": each("TrainingModelSource"),
            "AlgorithmFramework": each("AlgorithmFramework"),
            "ModelFormat": each("TrainingModelFormat"),
        }

    def _head(self, model: Model, whole: bool) -> dict[str, Any]:
        versions = [self._to_wire(version) for version in reversed(self._versions_of(model))] if whole else []
        return {
            "TrainingModelId": model.id,
            "TrainingModelName": model.name,
            "Tags": model.tags,
            "CreateTime": utc(model.created),
            "TrainingModelVersions": versions,
            "ModelAffiliation": "MODEL_REPO",
        }

    def _to_wire(self, version: ModelVersion) -> dict[str, Any]:
        model = self._models[version.model_id]
        return {
            **version.config,
            "TrainingModelId": model.id,
            "TrainingModelName": model.name,
            "TrainingModelVersionId": version.id,
            "TrainingModelVersion": version.name,
            "TrainingModelCosPath": version.place,
            "TrainingModelCreateTime": utc(model.created),
            "TrainingModelCreator": self._site.account.uin,
            "CreateTime": utc(version.created),
            "TrainingModelStatus": version.status,
            "TrainingModelProgress": 100 if version.status == SUCCESS else 0,
            "TrainingModelErrorMsg": version.error,
        }


_VERSION_FILTERS: dict[str, Callable[[ModelVersion], list[str]]] = {
    "TrainingModelVersionId": lambda version: [version.id],
    "ModelVersionType": lambda version: [version.config["VersionType"]],
    "ModelFormat": lambda version: [version.config["TrainingModelFormat"]],
    "AlgorithmFramework": lambda version: [version.config["AlgorithmFramework"]],
}


def _missing(what: str) -> ApiError:
    return ApiError("ResourceNotFound.NoModel", f"There is no {what}.")
