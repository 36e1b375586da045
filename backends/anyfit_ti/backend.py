"""The backend `ti`: training jobs, models and endpoints of both generations of Tencent TI."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

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
    Offering,
    Payload,
    Plan,
    Series,
)
from anyfit.cloud.once import built, once
from anyfit.cloud.stores import Stores
from anyfit.http import RetryPolicy, Transport
from anyfit.spec import EndpointSpec, JobSpec, ModelSpec
from anyfit_ti.accounts import account_of
from anyfit_ti.bundle import Shipped
from anyfit_ti.generations import Generations
from anyfit_ti.limits import LOGS, WEIGHTS
from anyfit_ti.places import places_of
from anyfit_ti.series import NO_USE
from anyfit_ti.settings import Settings

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from anyfit.storage import Store, Uri
    from anyfit.storage.settings import StoreSettings
    from anyfit_ti.auth import Account
    from anyfit_ti.client import Client
    from anyfit_ti.jobs import Jobs
    from anyfit_ti.models import Models
    from anyfit_ti.models.api_2019 import Configs
    from anyfit_ti.records import Records
    from anyfit_ti.serving import Services, Serving
    from anyfit_ti.serving.client import ServingClient
    from anyfit_ti.training import Training
    from anyfit_ti.wire import Raw

__all__ = ["TiBackend"]


class TiBackend(Backend):
    """Talks to one account in one region.

    Args:
        settings: What is configured.
        folder: anyfit's own folder, for temporary keys.
        policy: How to wait between tries.
        adapter: Replaces the network for the platform's calls.
    """

    name: ClassVar[str] = "ti"

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
        self._stores = Stores("cos", self._store_keys)
        self._lock = RLock()

    def __repr__(self) -> str:
        return f"<TiBackend {self.place}>"

    @property
    def place(self) -> str:
        settings = self._settings
        workspace = f"/{settings.project}" if settings.project else ""
        return f"{account_of(settings)}@{urlsplit(settings.endpoint).netloc}/{settings.region}{workspace}"

    @property
    def region(self) -> str:
        return self._settings.region

    @property
    def capabilities(self) -> Capabilities:
        missing = {
            Feature.VERSIONS: "a job of TI has no versions; run it again under a new name: anyfit rerun",
            Feature.DESCRIPTION: "TI has no call that changes one",
            Feature.ENDPOINT_METRICS: "TI's console shows them",
        }
        if self._settings.api == "2021":
            missing[Feature.UTILIZATION] = NO_USE
        else:
            missing |= {Feature.TRAFFIC_WEIGHTS: WEIGHTS, Feature.ENDPOINT_LOGS: LOGS, Feature.ENDPOINT_OUTPUT: LOGS}
        return Capabilities(
            missing=missing,
            poll_seconds=self._settings.poll_seconds,
            max_code_mib=1024,
            name_pattern=r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,58}[A-Za-z0-9])?",
            name_rule="1 to 60 letters, digits, - and _, with a letter or digit at both ends",
            schemes=("cos",),
            keeps_outputs=True,
            installs_requirements=self._settings.install_requirements,
            catalog_seconds=3600 * self._settings.catalog_hours if self._settings.api == "2021" else 0,
        )

    def catalog(self) -> Catalog:
        from anyfit_ti.catalog import read_catalog

        return read_catalog(self._client, self._settings.api)

    def shipped_catalog(self) -> Catalog:
        from anyfit_ti.catalog import shipped

        return shipped(self._settings.api)

    def plan(self, spec: JobSpec, catalog: Catalog) -> Plan:
        from anyfit_ti.translate import make_plan

        return make_plan(spec, catalog, self._settings, self._shipped)

    def store(self, uri: Uri) -> Store:
        settings = self._settings
        if uri.scheme == "cos" and uri.bucket == settings.home_bucket and not settings.bucket:
            self._home_bucket  # noqa: B018
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

    def push_metrics(self, ref: JobRef, values: Mapping[str, float], step: int | None = None) -> None:
        """Add a point to each of these curves of a task, as its script could; a word of this backend alone."""
        self._jobs.push(ref, values, int(self._account.now()), step)

    def utilization(self, ref: JobRef) -> Sequence[Series]:
        return self._jobs.utilization(ref)

    def register(self, spec: ModelSpec) -> ModelRef:
        from anyfit.stage import put_uploads

        return self._models.register(spec, lambda uploads: put_uploads(self, uploads))

    def models(self, name: str = "") -> Sequence[ModelInfo]:
        return self._models.infos(name)

    def delete_model(self, ref: ModelRef) -> None:
        self._models.delete(ref)

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        return self._services.deploy(spec)

    def endpoint(self, ref: EndpointRef) -> EndpointState:
        return self._services.state(ref)

    def endpoints(self) -> Sequence[Named[EndpointRef]]:
        return self._services.every()

    def find_endpoint(self, name: str) -> EndpointRef | None:
        return self._services.find(name)

    def update_endpoint(self, ref: EndpointRef, spec: EndpointSpec) -> None:
        self._services.update(ref, spec)

    def start_endpoint(self, ref: EndpointRef) -> None:
        self._services.start(ref)

    def stop_endpoint(self, ref: EndpointRef) -> None:
        self._services.stop(ref)

    def undeploy(self, ref: EndpointRef) -> None:
        self._services.delete(ref)

    def endpoint_logs(self, ref: EndpointRef, cursor: str = "") -> LogPage:
        return self._services.logs(ref, cursor)

    def invoke(self, ref: EndpointRef, payload: Payload) -> Payload:
        return self._services.invoke(ref, payload)

    def renew_token(self, ref: EndpointRef) -> None:
        """Another token for callers of an endpoint; the old one opens nothing more. A word of this backend alone."""
        self._services.renew_token(ref)

    def close(self) -> None:
        transport: Transport | None = built(self, "_transport")
        if transport is not None:
            transport.close()
        self._stores.close()

    @once
    def _home_bucket(self) -> str:
        """The vendor's default bucket, which is made when it is first wanted."""
        from anyfit_ti.buckets import make_bucket

        account, bucket = self._account, self._settings.home_bucket
        make_bucket(self._transport, account.store_settings(), bucket, account.now())
        return bucket

    @once
    def _transport(self) -> Transport:
        return Transport(self.name, verify=self._settings.verify_ssl, policy=self._policy, adapter=self._adapter)

    @once
    def _account(self) -> Account:
        from anyfit_ti.auth import Account

        return Account(self._settings, self._folder, self._transport, time.time)

    @once
    def _client(self) -> Client:
        from anyfit_ti.client import Client

        return Client(self._settings, self._account, self._transport, self._policy)

    @once
    def _jobs(self) -> Jobs:
        from anyfit_ti.facts import Bucket
        from anyfit_ti.jobs import Jobs
        from anyfit_ti.training.api_2019 import OldJobs
        from anyfit_ti.training.api_2021 import Tasks

        bucket = Bucket(self.store, self._records)
        now = self._account.now
        new, old = Tasks(self._client, bucket, now), OldJobs(self._client, bucket, now)
        sides: Generations[Training] = Generations(new, old, self._settings.api)
        return Jobs(sides, self._settings.region, self._policy.sleep)

    @once
    def _records(self) -> Records:
        from anyfit_ti.records import Records

        return Records(self.store, places_of(self._settings))

    @once
    def _serving(self) -> ServingClient:
        from anyfit_ti.serving.client import ServingClient

        return ServingClient(self._client)

    @once
    def _configs(self) -> Configs:
        from anyfit_ti.facts import Bucket
        from anyfit_ti.models.api_2019 import Configs

        bucket = Bucket(self.store, self._records)
        return Configs(self._serving, places_of(self._settings), bucket.remove)

    @once
    def _models(self) -> Models:
        from anyfit_ti.bundle import ShippedModel
        from anyfit_ti.models import Models
        from anyfit_ti.models.api_2021 import Repository

        new = Repository(self._serving, places_of(self._settings))
        return Models(new, self._configs, self._settings, ShippedModel.read(), self._serving_images)

    @once
    def _services(self) -> Services:
        from anyfit_ti.serving import Services
        from anyfit_ti.serving.api_2019 import OldServices
        from anyfit_ti.serving.api_2021 import Groups

        now = self._account.now
        new = Groups(
            self._serving, self._settings, self._serving_machines, self._serving_images, now, self._policy.sleep
        )
        old = OldServices(self._serving, self._configs, self._settings)
        sides: Generations[Serving] = Generations(new, old, self._settings.api)
        return Services(sides, self._transport, self._settings.region)

    def _store_keys(self) -> Callable[[], StoreSettings]:
        from anyfit_ti.auth import StoreKeys

        return StoreKeys(self._account)

    def _serving_images(self) -> Sequence[Raw]:
        return self._client.images("Inference")

    def _serving_machines(self) -> Sequence[Offering]:
        from anyfit_ti.catalog import offerings

        return offerings({"INFERENCE": self._client.machines("INFERENCE")})
