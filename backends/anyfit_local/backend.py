"""The backend `local`: jobs, models and endpoints are processes and folders of this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
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
from anyfit.errors import NotFound, Unsupported
from anyfit.spec import EndpointSpec, JobSpec, ModelSpec
from anyfit_local.layout import REGION, Home
from anyfit_local.settings import Settings

if TYPE_CHECKING:
    from anyfit.storage import Store, Uri

__all__ = ["LocalBackend"]

_SYSTEMS = ("linux", "darwin")


class LocalBackend(Backend):
    """Runs everything here, without an account and without a network."""

    name: ClassVar[str] = "local"

    def __init__(self, settings: Settings, folder: Path, *, system: str = sys.platform) -> None:
        if system not in _SYSTEMS:
            raise Unsupported(
                f"the local backend runs on Linux and macOS, not on {system}",
                hint="on Windows, use it within WSL",
                backend=self.name,
            )
        self.settings = settings
        self.home = Home(Path(settings.home).expanduser().absolute() if settings.home else folder / "local")

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            missing={Feature.ENDPOINT_METRICS: "nobody counts requests on this machine"},
            poll_seconds=0.05,
            max_code_mib=4096,
            schemes=("file", "s3", "obs", "cos"),
            installs_requirements=self.settings.install_requirements,
        )

    def catalog(self) -> Catalog:
        return self._catalog

    @cached_property
    def _catalog(self) -> Catalog:
        from anyfit_local.machine import offering

        return Catalog(offerings=(offering(),))

    def plan(self, spec: JobSpec, catalog: Catalog) -> Plan:
        from anyfit_local.translate import make_plan

        return make_plan(spec, catalog, self.settings, self.home)

    def store(self, uri: Uri) -> Store:
        from anyfit.stores import profile_store

        return profile_store(self.profile, uri)

    def submit(self, plan: Plan) -> JobRef:
        from anyfit_local.submitting import submit

        return submit(plan, self.home, self.profile)

    def describe(self, refs: Sequence[JobRef]) -> Sequence[JobState]:
        from anyfit_local import jobs

        return [jobs.state(self.home, ref) for ref in refs]

    def logs(self, ref: JobRef, cursor: str = "") -> LogPage:
        from anyfit_local import jobs

        return jobs.logs(self.home.existing(ref), cursor)

    def logs_tail(self, ref: JobRef, lines: int, node: int | None = None) -> LogPage:
        from anyfit_local import jobs

        return jobs.logs_tail(self.home.existing(ref), lines, node)

    def job_spec(self, ref: JobRef) -> JobSpec:
        from anyfit_local import jobs

        return jobs.spec_of(self.home.existing(ref))

    def set_description(self, ref: JobRef, description: str) -> None:
        from anyfit_local import jobs

        jobs.set_description(self.home.existing(ref), description)

    def artifacts(self, ref: JobRef) -> Sequence[Artifact]:
        from anyfit_local import jobs

        return jobs.artifacts(self.home.existing(ref))

    def output_uri(self, ref: JobRef) -> str:
        from anyfit_local import jobs

        return jobs.output_uri(self.home.existing(ref))

    def stop(self, ref: JobRef) -> None:
        from anyfit_local import jobs

        jobs.stop(self.home.existing(ref))

    def delete(self, ref: JobRef) -> None:
        from anyfit_local import jobs

        jobs.delete(self.home, ref)

    def find(self, key: str) -> JobRef | None:
        ref = JobRef(self.name, REGION, key)
        try:
            self.home.existing(ref)
        except NotFound:
            return None
        return ref

    def list(self, limit: int | None = None) -> Sequence[Named[JobRef]]:
        from anyfit_local import jobs

        return jobs.every_job(self.home)[:limit]

    def metrics(self, ref: JobRef) -> Sequence[Series]:
        from anyfit_local import jobs

        return jobs.metrics(self.home.existing(ref))

    def utilization(self, ref: JobRef) -> Sequence[Series]:
        from anyfit_local import jobs

        return jobs.utilization(self.home.existing(ref))

    def register(self, spec: ModelSpec) -> ModelRef:
        from anyfit_local import models

        return models.register(spec, self.home, self.store)

    def models(self, name: str = "") -> Sequence[ModelInfo]:
        from anyfit_local import models

        return models.every_model(self.home, name)

    def delete_model(self, ref: ModelRef) -> None:
        from anyfit_local import models

        models.delete(self.home, ref)

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        from anyfit_local import endpoints

        return endpoints.deploy(spec, self.home, self.settings, self.catalog())

    def endpoint(self, ref: EndpointRef) -> EndpointState:
        from anyfit_local import endpoints

        return endpoints.state(endpoints.existing(self.home, ref))

    def endpoints(self) -> Sequence[Named[EndpointRef]]:
        from anyfit_local import endpoints

        return endpoints.every_endpoint(self.home)

    def find_endpoint(self, name: str) -> EndpointRef | None:
        from anyfit_local import endpoints

        return endpoints.find(self.home, name)

    def update_endpoint(self, ref: EndpointRef, spec: EndpointSpec) -> None:
        from anyfit_local import endpoints

        endpoints.update(endpoints.existing(self.home, ref), spec, self.home, self.settings, self.catalog())

    def start_endpoint(self, ref: EndpointRef) -> None:
        from anyfit_local import endpoints

        endpoints.start(endpoints.existing(self.home, ref))

    def stop_endpoint(self, ref: EndpointRef) -> None:
        from anyfit_local import endpoints

        endpoints.stop(endpoints.existing(self.home, ref))

    def undeploy(self, ref: EndpointRef) -> None:
        from anyfit_local import endpoints

        endpoints.delete(self.home, ref)

    def endpoint_logs(self, ref: EndpointRef, cursor: str = "") -> LogPage:
        from anyfit_local import endpoints

        return endpoints.logs(endpoints.existing(self.home, ref), cursor)

    def invoke(self, ref: EndpointRef, payload: Payload) -> Payload:
        from anyfit_local import endpoints

        return endpoints.invoke(endpoints.existing(self.home, ref), payload)
