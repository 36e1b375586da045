"""The backend `modelarts`: jobs of both generations of Huawei Cloud ModelArts, its models and its services."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, ClassVar

from anyfit.backend import (
    Artifact,
    Backend,
    Capabilities,
    Catalog,
    EndpointRef,
    EndpointState,
    Feature,
    JobRef,
    JobState,
    LogPage,
    ModelInfo,
    ModelRef,
    Named,
    Payload,
    Plan,
    Series,
)
from anyfit.cloud.once import built, once
from anyfit.cloud.stores import RenewingKeys, Stores
from anyfit.http import RetryPolicy, Transport
from anyfit.spec import EndpointSpec, JobSpec, ModelSpec
from anyfit_modelarts.bundle import Shipped
from anyfit_modelarts.places import endpoint, places_of
from anyfit_modelarts.settings import Settings

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from anyfit.storage import Store, Uri
    from anyfit_modelarts.auth import Account
    from anyfit_modelarts.client import Client
    from anyfit_modelarts.invoking import Caller
    from anyfit_modelarts.jobs import Jobs
    from anyfit_modelarts.models import Models
    from anyfit_modelarts.serving import Services

__all__ = ["ModelArtsBackend"]

_NO_OUTPUT = "ModelArts tells what happens to a service, and not what its servers print"


class ModelArtsBackend(Backend):
    """Talks to one project of one account.

    Args:
        settings: What is configured.
        folder: anyfit's own folder, for tokens.
        policy: How to wait between tries.
        adapter: Replaces the network for the platform's calls.
    """

    name: ClassVar[str] = "modelarts"

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        policy: RetryPolicy | None = None,
        adapter: BaseAdapter | None = None,
    ) -> None:
        self._settings = settings
        self._folder = folder / self.name
        self._policy = policy or RetryPolicy()
        self._adapter = adapter
        self._shipped = Shipped.read()
        self._lock = RLock()
        self._stores = Stores("obs", lambda: RenewingKeys(lambda fresh: self._account.keys(fresh=fresh)))

    def __repr__(self) -> str:
        return f"<ModelArtsBackend {self.place}>"

    @property
    def place(self) -> str:
        """The account is told by its user, or by what cannot be turned back into its access key."""
        given = self._settings
        user = f"{given.domain or given.username}/{given.username}"
        who = user if given.username else hashlib.sha256(given.access_key.encode()).hexdigest()[:12]
        project = given.project_id or given.project_name or given.region
        return f"{who}@{endpoint(given)}/{project}"

    @property
    def catalog_place(self) -> str:
        return f"{self.place} {self._settings.api}"

    @property
    def region(self) -> str:
        return self._settings.region

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            missing={Feature.ENDPOINT_OUTPUT: _NO_OUTPUT},
            poll_seconds=self._settings.poll_seconds,
            max_code_mib=5 * 1024,
            name_pattern=r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?",
            name_rule="1 to 64 letters, digits, - and _, with a letter or digit at both ends",
            schemes=("obs",),
            keeps_outputs=True,
            installs_requirements=self._settings.install_requirements,
            catalog_seconds=3600 * self._settings.catalog_hours,
            handlers=("customize_service.py", "inference.py"),
        )

    def catalog(self) -> Catalog:
        from anyfit_modelarts.catalog import read_catalog

        return read_catalog(self._client, self._settings.api)

    def shipped_catalog(self) -> Catalog:
        from anyfit_modelarts.catalog import shipped_catalog

        return shipped_catalog(self._settings.api)

    def plan(self, spec: JobSpec, catalog: Catalog) -> Plan:
        from anyfit_modelarts.translate import make_plan

        return make_plan(spec, catalog, self._settings, self._shipped)

    def store(self, uri: Uri) -> Store:
        return self._stores.of(uri, self.profile)

    def submit(self, plan: Plan) -> JobRef:
        return self._jobs.submit(plan)

    def describe(self, refs: Sequence[JobRef]) -> Sequence[JobState]:
        return self._jobs.describe(refs)

    def logs(self, ref: JobRef, cursor: str = "") -> LogPage:
        return self._jobs.logs(ref, cursor)

    def logs_tail(self, ref: JobRef, lines: int, node: int | None = None) -> LogPage:
        return self._jobs.logs_tail(ref, lines, node) or super().logs_tail(ref, lines, node)

    def job_spec(self, ref: JobRef) -> JobSpec:
        return self._jobs.job_spec(ref)

    def artifacts(self, ref: JobRef) -> Sequence[Artifact]:
        return self._jobs.artifacts(ref)

    def output_uri(self, ref: JobRef) -> str:
        return self._jobs.output_uri(ref)

    def stop(self, ref: JobRef) -> None:
        self._jobs.stop(ref)

    def delete(self, ref: JobRef) -> None:
        self._jobs.delete(ref)

    def find(self, key: str) -> JobRef | None:
        return self._jobs.find(key)

    def list(self, limit: int | None = None) -> Sequence[Named[JobRef]]:
        return self._jobs.every(limit)

    def metrics(self, ref: JobRef) -> Sequence[Series]:
        return self._jobs.metrics(ref)

    def utilization(self, ref: JobRef) -> Sequence[Series]:
        return self._jobs.utilization(ref)

    def set_description(self, ref: JobRef, description: str) -> None:
        self._jobs.set_description(ref, description)

    def register(self, spec: ModelSpec) -> ModelRef:
        from anyfit_modelarts.registering import register

        return register(self, self._models, spec, self._settings)

    def models(self, name: str = "") -> Sequence[ModelInfo]:
        return self._models.infos(name)

    def delete_model(self, ref: ModelRef) -> None:
        self._models.delete(ref)

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        from anyfit_modelarts.machines import machines_for
        from anyfit_modelarts.service_bodies import service_body

        return self._services.deploy(service_body(spec, machines_for(self._client, spec), self._settings))

    def endpoint(self, ref: EndpointRef) -> EndpointState:
        return self._services.state(ref)

    def endpoints(self) -> Sequence[Named[EndpointRef]]:
        return self._services.every()

    def find_endpoint(self, name: str) -> EndpointRef | None:
        return self._services.find(name)

    def update_endpoint(self, ref: EndpointRef, spec: EndpointSpec) -> None:
        from anyfit_modelarts.machines import machines_for
        from anyfit_modelarts.service_bodies import update_body
        from anyfit_modelarts.wire import rows

        config = rows(self._services.detail(ref).get("config"))
        self._services.update(ref, update_body(spec, machines_for(self._client, spec), config))
        self._caller.forget(ref)

    def start_endpoint(self, ref: EndpointRef) -> None:
        self._services.start(ref)

    def stop_endpoint(self, ref: EndpointRef) -> None:
        self._services.stop(ref)

    def undeploy(self, ref: EndpointRef) -> None:
        self._services.delete(ref)
        self._caller.forget(ref)

    def endpoint_logs(self, ref: EndpointRef, cursor: str = "") -> LogPage:
        return self._services.logs(ref, cursor)

    def endpoint_metrics(self, ref: EndpointRef) -> Sequence[Series]:
        return self._services.metrics(ref)

    def invoke(self, ref: EndpointRef, payload: Payload) -> Payload:
        return self._caller.invoke(ref, payload)

    def close(self) -> None:
        transport: Transport | None = built(self, "_transport")
        if transport is not None:
            transport.close()
        self._stores.close()

    @once
    def _transport(self) -> Transport:
        return Transport(self.name, verify=self._settings.verify_ssl, policy=self._policy, adapter=self._adapter)

    @once
    def _account(self) -> Account:
        from anyfit_modelarts.auth import Account

        return Account(self._settings, self._folder, self._transport)

    @once
    def _client(self) -> Client:
        from anyfit_modelarts.client import Client

        return Client(endpoint(self._settings), self._account, self._transport)

    @once
    def _jobs(self) -> Jobs:
        from anyfit_modelarts.finding import Finder
        from anyfit_modelarts.jobs import Jobs
        from anyfit_modelarts.training.v1 import TrainingV1
        from anyfit_modelarts.training.v2 import TrainingV2

        given = self._settings
        v1, v2 = TrainingV1(self._client, given.workspace), TrainingV2(self._client, given.workspace)
        finder = Finder(v1, v2, places_of(given), given.region, given.api)
        return Jobs(finder, self.store, self._policy, given.poll_seconds)

    @once
    def _models(self) -> Models:
        from anyfit_modelarts.models import Models

        return Models(self._client, self._settings, self.store, self._policy)

    @once
    def _services(self) -> Services:
        from anyfit_modelarts.serving import Services

        return Services(self._client, self._settings, self._policy)

    @once
    def _caller(self) -> Caller:
        from anyfit_modelarts.invoking import Caller

        return Caller(self._services, self._models.apis, self._account, self._transport)
