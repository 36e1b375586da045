"""What a plugin can say: the hook specifications, and the marker of their implementations.

A backend's package may implement the hooks of `BackendHooks` and `StorageHooks`, an observer those of
`ObserverHooks` and `StorageHooks`. An implementation names only the parameters that it wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen
from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from anyfit.backend import BackendFactory, EndpointRef, JobRef, JobState
    from anyfit.spec import EndpointSpec, JobSpec
    from anyfit.storage.opening import StoreFactory

__all__ = ["PROJECT", "BackendHooks", "JobEvent", "ObserverHooks", "StorageHooks", "hookimpl", "hookspec"]

PROJECT = "anyfit"
hookspec = HookspecMarker(PROJECT)
hookimpl = HookimplMarker(PROJECT)


@frozen
class JobEvent:
    """A job's state changed.

    Attributes:
        ref: The job.
        state: How it is now.
        previous: How it was when last seen, or None when it was never seen before.
    """

    ref: JobRef
    state: JobState
    previous: JobState | None = None


class BackendHooks:
    """What a package named in the entry-point group `anyfit.backends` implements."""

    @hookspec
    def anyfit_backends(self) -> BackendFactory:
        """How this package's backend is made.

        Called when the backend is used for the first time. The factory's name is the entry point's name.
        Everything heavy, an SDK above all, is imported no earlier than in the factory's `create`.
        """
        raise NotImplementedError


class StorageHooks:
    """Where data can lie."""

    @hookspec
    def anyfit_storage_schemes(self) -> Mapping[str, StoreFactory]:
        """URI schemes that this plugin can read and write, each with what makes the store of a URI.

        Called once, when the plugin is loaded; the answers go to `anyfit.storage.register_scheme`.
        """
        raise NotImplementedError


class ObserverHooks:
    """What a plugin named in the entry-point group `anyfit.plugins` may implement."""

    @hookspec
    def anyfit_prepare_job(self, spec: JobSpec) -> JobSpec | None:
        """Look at a job before it is planned, and change it if need be.

        Answers the changed job (`attrs.evolve(spec, ...)`), or None to leave it as it is. Observers are asked
        one after another, each with the answer of the one before.
        """
        raise NotImplementedError

    @hookspec
    def anyfit_job_submitted(self, ref: JobRef, spec: JobSpec) -> None:
        """A backend has accepted the job."""

    @hookspec
    def anyfit_job_event(self, ref: JobRef, event: JobEvent) -> None:
        """The state of a job that this process watches has changed; also called for the last change."""

    @hookspec
    def anyfit_job_finished(self, ref: JobRef, state: JobState) -> None:
        """A job that this process watches has succeeded, failed or been stopped."""

    @hookspec
    def anyfit_endpoint_deployed(self, ref: EndpointRef, spec: EndpointSpec) -> None:
        """A backend has accepted the endpoint; it need not be ready yet."""
