"""Telling observers what happens to jobs and endpoints, whatever they do in answer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from anyfit.plugins.hooks import JobEvent, ObserverHooks, StorageHooks

if TYPE_CHECKING:
    import pluggy

    from anyfit.backend import EndpointRef, JobRef, JobState
    from anyfit.spec import EndpointSpec, JobSpec

__all__ = ["PLUGINS", "Observers", "observers"]

PLUGINS = "anyfit.plugins"


class Observers:
    """The loaded observers; each method calls one hook of all of them.

    An observer that raises is named on stderr (by the logger `anyfit.plugins`) and not called again in this
    process; the job and the other observers go on.
    """

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._manager = manager
        self._failed: set[str] = set()

    def prepare_job(self, spec: JobSpec) -> JobSpec:
        """The job as the observers want it; each sees the answer of the one before."""
        for name, call in self._callers("anyfit_prepare_job"):
            for changed in self._guarded(name, call, spec=spec):
                if isinstance(changed, type(spec)):
                    spec = changed
                else:
                    self._report(name, f"anyfit_prepare_job answered {type(changed).__name__}, not a JobSpec")
        return spec

    def job_submitted(self, ref: JobRef, spec: JobSpec) -> None:
        """A backend has accepted the job."""
        self._tell("anyfit_job_submitted", ref=ref, spec=spec)

    def job_event(self, event: JobEvent) -> None:
        """The state of a job has changed."""
        self._tell("anyfit_job_event", ref=event.ref, event=event)

    def job_finished(self, ref: JobRef, state: JobState) -> None:
        """A job has come to its end."""
        self._tell("anyfit_job_finished", ref=ref, state=state)

    def endpoint_deployed(self, ref: EndpointRef, spec: EndpointSpec) -> None:
        """A backend has accepted the endpoint."""
        self._tell("anyfit_endpoint_deployed", ref=ref, spec=spec)

    def _tell(self, hook: str, **arguments: object) -> None:
        for name, call in self._callers(hook):
            self._guarded(name, call, **arguments)

    def _callers(self, hook: str) -> Iterator[tuple[str, pluggy.HookCaller]]:
        """One caller per observer, in the order in which pluggy would call them."""
        everyone = self._manager.get_plugins()
        for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            if impl.plugin_name not in self._failed:
                yield impl.plugin_name, self._manager.subset_hook_caller(hook, everyone - {impl.plugin})

    def _guarded(self, name: str, call: pluggy.HookCaller, **arguments: object) -> list[Any]:
        try:
            return list(call(**arguments))
        except (Exception, SystemExit) as error:
            self._report(name, f"{call.name} raised {type(error).__name__}: {error}")
            return []

    def _report(self, name: str, what: str) -> None:
        self._failed.add(name)
        _warn(f"the plugin {name} is left out from now on: {what}")


@cache
def observers() -> Observers:
    """The installed observers, loaded when first asked for.

    One that cannot be loaded is named on stderr and left out; one that implements a hook which does not
    exist is a `UsageError`, for its author wants to know.
    """
    from anyfit.plugins.installed import installed
    from anyfit.plugins.load import BrokenPlugin, manager, register

    made = manager(ObserverHooks, StorageHooks)
    for entry in installed(PLUGINS):
        try:
            register(made, entry)
        except BrokenPlugin as error:
            _warn(f"{error.message}; it is left out ({error.hint})")
    return Observers(made)


def _warn(text: str) -> None:
    # Not `warnings`: under `-W error` a plugin's fault would become the end of the job.
    from logging import getLogger

    getLogger("anyfit.plugins").warning(text)
