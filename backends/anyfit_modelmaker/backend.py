"""The backend `modelmaker`: training jobs, models and services of Wangsu ModelMaker."""

from __future__ import annotations

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
from anyfit_modelmaker.bundle import Shipped
from anyfit_modelmaker.places import base_url, places_of
from anyfit_modelmaker.settings import Settings

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from anyfit.storage import Store, Uri
    from anyfit_modelmaker.auth import Account
    from anyfit_modelmaker.client import Client
    from anyfit_modelmaker.jobs import Jobs
    from anyfit_modelmaker.models import Models
    from anyfit_modelmaker.serving import Services

__all__ = ["ModelMakerBackend"]


class ModelMakerBackend(Backend):
    """Talks to one account of one server.

    Args:
        settings: What is configured.
        folder: anyfit's own folder, for tokens.
        policy: How to wait between tries.
        adapter: Replaces the network for the platform's calls.
    """

    name: ClassVar[str] = "modelmaker"

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
        self._stores = Stores("s3", lambda: RenewingKeys(lambda fresh: self._account.keys(fresh=fresh)))

    def __repr__(self) -> str:
        return f"<ModelMakerBackend {self.place}>"

    @property
    def place(self) -> str:
        return f"{self._settings.username}@{base_url(self._settings.host_base, self._settings.region)}"

    @property
    def region(self) -> str:
        return self._settings.region

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            missing={
                Feature.ENDPOINT_LOGS: "ModelMaker has no call for what a service says; its console shows it",
                Feature.ENDPOINT_OUTPUT: "ModelMaker has no call for what a service says; its console shows it",
                Feature.ENDPOINT_METRICS: "ModelMaker has no call for what a service does; its console shows it",
                Feature.DESCRIPTION: "ModelMaker has no call that changes one",
            },
            poll_seconds=self._settings.poll_seconds,
            max_code_mib=1024,
            name_pattern=r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?",
            name_rule="1 to 64 letters, digits, - and _, with a letter or digit at both ends",
            schemes=("s3",),
            keeps_outputs=True,
            installs_requirements=self._settings.install_requirements,
            catalog_seconds=3600 * self._settings.catalog_hours,
        )

    def catalog(self) -> Catalog:
        from anyfit_modelmaker.catalog import read_catalog

        return read_catalog(self._client)

    def shipped_catalog(self) -> Catalog:
        from anyfit.offers import read_shipped

        return read_shipped("anyfit_modelmaker")

    def plan(self, spec: JobSpec, catalog: Catalog) -> Plan:
        from anyfit_modelmaker.translate import make_plan

        return make_plan(spec, catalog, self._settings, self._shipped)

    def store(self, uri: Uri) -> Store:
        return self._stores.of(uri, self.profile)

    def submit(self, plan: Plan) -> JobRef:
        return self._jobs.submit(plan)

    def describe(self, refs: Sequence[JobRef]) -> Sequence[JobState]:
        return self._jobs.describe(refs)

    def logs(self, ref: JobRef, cursor: str = "") -> LogPage:
        return self._jobs.logs(ref, cursor)

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

    def register(self, spec: ModelSpec) -> ModelRef:
        from anyfit.stage import put_uploads
        from anyfit_modelmaker.models import model_request

        body, uploads = model_request(spec, self.catalog(), self._settings, self._shipped)
        put_uploads(self, uploads)
        return self._models.register(body, spec.version)

    def models(self, name: str = "") -> Sequence[ModelInfo]:
        return self._models.infos(name)

    def delete_model(self, ref: ModelRef) -> None:
        self._models.delete(ref)

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        from anyfit_modelmaker.catalog import offerings
        from anyfit_modelmaker.serving import service_request

        machines = offerings({"PREDICT": self._client.resources("PREDICT")})
        return self._services.deploy(service_request(spec, machines))

    def endpoint(self, ref: EndpointRef) -> EndpointState:
        return self._services.state(ref)

    def endpoints(self) -> Sequence[Named[EndpointRef]]:
        return self._services.every()

    def find_endpoint(self, name: str) -> EndpointRef | None:
        return self._services.find(name)

    def update_endpoint(self, ref: EndpointRef, spec: EndpointSpec) -> None:
        from anyfit_modelmaker.catalog import offerings
        from anyfit_modelmaker.serving import service_request

        machines = offerings({"PREDICT": self._client.resources("PREDICT")})
        self._services.update(ref, service_request(spec, machines))

    def start_endpoint(self, ref: EndpointRef) -> None:
        self._services.start(ref)

    def stop_endpoint(self, ref: EndpointRef) -> None:
        self._services.stop(ref)

    def undeploy(self, ref: EndpointRef) -> None:
        self._services.delete(ref)

    def invoke(self, ref: EndpointRef, payload: Payload) -> Payload:
        return self._services.invoke(ref, payload)

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
        from anyfit_modelmaker.auth import Account

        return Account(self._settings, self._folder, self._transport)

    @once
    def _client(self) -> Client:
        from anyfit_modelmaker.client import Client

        base = base_url(self._settings.host_base, self._settings.region)
        return Client(base, self._account, self._transport, self._policy)

    @once
    def _jobs(self) -> Jobs:
        from anyfit_modelmaker.finding import Finder
        from anyfit_modelmaker.jobs import Jobs
        from anyfit_modelmaker.records import Records

        given, places = self._settings, places_of(self._settings)
        finder = Finder(self._client, Records(self.store, places), places, given.region)
        return Jobs(finder, self.store, given.utc_offset_hours, self._policy, given.poll_seconds)

    @once
    def _models(self) -> Models:
        from anyfit_modelmaker.models import Models

        return Models(self._client, self._settings.region, self._settings.utc_offset_hours)

    @once
    def _services(self) -> Services:
        from anyfit_modelmaker.serving import Services

        return Services(self._client, self._transport, self._account.keys, self._settings)
