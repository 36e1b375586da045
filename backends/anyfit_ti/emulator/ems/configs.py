"""Service configurations and runtimes of TI-EMS: which model, and what serves it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from attrs import asdict, define

from anyfit_ti.emulator.desk import REGIONS, TIEMS, Call, Site, Tables
from anyfit_ti.emulator.ems.values import beijing, ordered, read_uri
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.selecting import page, select

__all__ = ["Config", "Configs"]

_PUBLIC = {
    "tfserving": ("TensorFlow", "SavedModel, by TensorFlow Serving"),
    "pmml": ("PMML", "PMML models"),
    "angel": ("Angel", "Angel models"),
    "tensorrt": ("TensorRT", "TensorRT plans"),
    "openvino": ("OpenVINO", "OpenVINO models"),
}


@define
class Config:
    """One version of a configuration.

    Attributes:
        number: Of the version, counted for each name.
        uri: Where the model is, as it was given.
    """

    id: str
    name: str
    number: int
    runtime: str
    uri: str
    description: str
    created: float

    @property
    def version(self) -> str:
        """As it is shown."""
        return f"{self.number}.0"

    def to_wire(self) -> dict[str, Any]:
        """As answers show it."""
        return {
            "Id": self.id,
            "Name": self.name,
            "Runtime": self.runtime,
            "ModelUri": self.uri,
            "CreateTime": beijing(self.created),
            "UpdateTime": beijing(self.created),
            "Version": self.version,
            "Description": self.description,
        }


class Configs:
    """All configurations, own runtimes, and the resource groups, which are the public ones.

    Attributes:
        lock: Held by every action; services hold it as well.
        users: Say whether they need a configuration of an id; added by those who may.
        count_in: How many services there are in a resource group; set by who knows.
    """

    def __init__(self, site: Site) -> None:
        self._records = site.records
        self.lock = threading.RLock()
        self._configs = {key: Config(**document) for key, document in site.records.all("ems-config")}
        self._runtimes = dict(site.records.all("ems-runtime"))
        self.users: list[Callable[[str], bool]] = []
        self.count_in: Callable[[str], int] = lambda group_id: 0

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIEMS: {
                "CreateServiceConfig": self.create,
                "DescribeServiceConfigs": self.describe,
                "DeleteServiceConfig": self.delete,
                "CreateRuntime": self.create_runtime,
                "DescribeRuntimes": self.describe_runtimes,
                "DeleteRuntime": self.delete_runtime,
                "DescribeResourceGroups": self.describe_groups,
                "DeleteResourceGroup": self.delete_group,
            }
        }

    def find(self, config_id: str) -> Config:
        """A configuration.

        Raises:
            ApiError: There is none of that id.
        """
        try:
            return self._configs[config_id]
        except KeyError:
            raise ApiError("ResourceNotFound", f"The service config {config_id} does not exist.") from None

    def create(self, call: Call) -> dict[str, Any]:
        """A configuration; a name that there is already gets a further version."""
        fields = call.fields
        with self.lock:
            name, runtime = fields.text("Name", required=True, longest=60), fields.text("Runtime", required=True)
            if runtime not in _PUBLIC and runtime not in self._runtimes:
                raise ApiError("ResourceNotFound", f"The runtime {runtime} does not exist.")
            read_uri(fields, "ModelUri")
            number = 1 + max((one.number for one in self._configs.values() if one.name == name), default=0)
            uri, description = fields.text("ModelUri"), fields.text("Description")
            config = Config(letters(16), name, number, runtime, uri, description, time.time())
            self._configs[config.id] = config
            self._records.put("ems-config", config.id, asdict(config))
            return {"ServiceConfig": config.to_wire()}

    def describe(self, call: Call) -> dict[str, Any]:
        """Configurations, in pages of so many, or of all versions of so many names."""
        fields = call.fields
        keys = {
            "CREATE_TIME": lambda one: one.created,
            "UPDATE_TIME": lambda one: one.created,
            "NAME": lambda one: one.name,
        }
        with self.lock:
            found = select(ordered(list(self._configs.values()), fields, keys), fields, _FILTERS)
            if not fields.flag("PageByName"):
                shown, total = page(found, fields, default=20, most=1000), len(found)
            else:
                names = list(dict.fromkeys(one.name for one in found))
                wanted, total = page(names, fields, default=20, most=1000), len(names)
                shown = [one for name in wanted for one in found if one.name == name]
            return {"ServiceConfigs": [one.to_wire() for one in shown], "TotalCount": total}

    def delete(self, call: Call) -> dict[str, Any]:
        """One, or all of a name."""
        fields = call.fields
        with self.lock:
            if config_id := fields.text("ServiceConfigId"):
                doomed = [self.find(config_id)]
            else:
                name = fields.text("ServiceConfigName", required=True)
                doomed = [one for one in self._configs.values() if one.name == name]
            if not doomed:
                raise ApiError(
                    "ResourceNotFound", f"The service config {fields.text('ServiceConfigName')} does not exist."
                )
            for config in doomed:
                if any(is_user(config.id) for is_user in self.users):
                    raise ApiError("FailedOperation", f"The service config {config.id} is used by a service or a job.")
            for config in doomed:
                del self._configs[config.id]
                self._records.remove("ems-config", config.id)
        return {}

    def create_runtime(self, call: Call) -> dict[str, Any]:
        """An image of the account's own."""
        fields = call.fields
        with self.lock:
            name = fields.text("Name", required=True, longest=60)
            if name in _PUBLIC or name in self._runtimes:
                raise ApiError("FailedOperation.AlreadyExists", f"There is a runtime {name} already.")
            runtime = {
                "Name": name,
                "Framework": fields.text("Framework"),
                "Description": fields.text("Description"),
                "Public": False,
                "HealthCheckOn": fields.flag("HealthCheckOn"),
                "Image": fields.text("Image", required=True),
                "CreateTime": beijing(time.time()),
            }
            self._runtimes[name] = runtime
            self._records.put("ems-runtime", name, runtime)
            return {"Runtime": runtime}

    def describe_runtimes(self, call: Call) -> dict[str, Any]:
        """The public ones and the account's own."""
        public = [
            {
                "Name": name,
                "Framework": framework,
                "Description": description,
                "Public": True,
                "HealthCheckOn": True,
                "Image": None,
                "CreateTime": None,
            }
            for name, (framework, description) in _PUBLIC.items()
        ]
        with self.lock:
            return {"Runtimes": [*public, *self._runtimes.values()], "UserAccess": 1}

    def delete_runtime(self, call: Call) -> dict[str, Any]:
        """One of the account's own."""
        name = call.fields.text("Runtime", required=True)
        with self.lock:
            if name not in self._runtimes:
                raise ApiError("ResourceNotFound", f"There is no runtime {name} of yours.")
            if any(config.runtime == name for config in self._configs.values()):
                raise ApiError("FailedOperation", f"The runtime {name} is used by a service config.")
            del self._runtimes[name]
            self._records.remove("ems-runtime", name)
        return {}

    def describe_groups(self, call: Call) -> dict[str, Any]:
        """The public resource group of every region, which has the region's name."""
        fields = call.fields
        with self.lock:
            groups = select(list(REGIONS), fields, {"id": lambda one: [one], "region": lambda one: [one]})
            shown = [
                {
                    "Id": region,
                    "Region": region,
                    "Name": region,
                    "Description": "public",
                    "Public": True,
                    "Status": "Normal",
                    "ServiceCount": self.count_in(region),
                }
                for region in page(groups, fields, default=20, most=200)
            ]
            return {"TotalCount": len(groups), "ResourceGroups": shown}

    def delete_group(self, call: Call) -> dict[str, Any]:
        """Refused: the public ones belong to all."""
        group_id = call.fields.text("ResourceGroupId", required=True)
        if group_id in REGIONS:
            raise ApiError("UnsupportedOperation", f"The public resource group {group_id} cannot be deleted.")
        raise ApiError("ResourceNotFound", f"The resource group {group_id} does not exist.")


_FILTERS: dict[str, Callable[[Config], list[str]]] = {
    "id": lambda one: [one.id],
    "name": lambda one: [one.name],
    "runtime": lambda one: [one.runtime],
    "version": lambda one: [one.version],
}
