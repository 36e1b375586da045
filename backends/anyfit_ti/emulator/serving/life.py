"""What happens to services by itself: they come up, fail, end, and come up again after a restart."""

from __future__ import annotations

from typing import Any

from anyfit_emulator.http import Request, Response
from anyfit_ti.emulator.callbacks import message, tell
from anyfit_ti.emulator.desk import Site
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.filesystems import FileSystems
from anyfit_ti.emulator.models import Models
from anyfit_ti.emulator.places import Place
from anyfit_ti.emulator.serving.fleet import Fleet, State
from anyfit_ti.emulator.serving.launch import Launch
from anyfit_ti.emulator.serving.orders import grace_of, launch_of, replicas_of
from anyfit_ti.emulator.serving.register import Register, Service

__all__ = ["Life"]


class Life:
    """Runs what the register says; safe from any thread.

    Attributes:
        fleet: What runs.
    """

    def __init__(self, site: Site, models: Models, register: Register) -> None:
        self._models = models
        self._register = register
        self._lock = register.lock
        self._volumes = FileSystems(site.folder / "cfs")
        self._ending = False
        self.fleet = Fleet(site.store, site.folder / "service", self._heard)
        models.is_used = self._uses

    def start(self) -> None:
        """Run again what shall run."""
        with self._lock:
            for service in self._register.services.values():
                if service.wanted and service.business != "CREATE_FAILED":
                    self.deploy(service)

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        self._ending = True
        self.fleet.end(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        self.fleet.join(deadline)

    def deploy(self, service: Service) -> None:
        """Run it as it is configured now, in place of what runs."""
        try:
            launch = self._launch(service)
        except ApiError as error:  # its model version is gone
            service.wanted, service.reason = 0, error.message
            self._register.keep(service)
            return
        self.fleet.run(service.id, launch, service.wanted, grace_of(service.config))

    def stop(self, service: Service) -> None:
        """End its instances, and remember how many there were."""
        if service.wanted:
            service.before, service.wanted = service.wanted, 0
        self.fleet.stop(service.id, grace_of(service.config))

    def resume(self, service: Service) -> None:
        """Run as many as before, if it is stopped.

        Raises:
            ApiError: Its model version was deleted meanwhile.
        """
        if not service.wanted:
            self._launch(service)
            service.wanted = service.before or replicas_of(service.config)
            self.deploy(service)

    def change(self, service: Service, config: dict[str, Any]) -> None:
        """Configure it anew; only another launch needs other instances."""
        count = replicas_of(config)
        if not service.wanted:
            service.config, service.before = config, count
            return
        before = self._launch(service)
        service.config, service.wanted = config, count
        if self._launch(service) != before:
            self.deploy(service)
        else:
            self.fleet.scale(service.id, count, grace_of(config))

    def state(self, service: Service) -> State:
        """How its instances are."""
        return self.fleet.state(service.id)

    def forward(self, service: Service, request: Request, path: str) -> Response:
        """Pass a request on.

        Raises:
            NotServing: Nothing answers.
            Busy: Nothing takes more requests now.
        """
        return self.fleet.forward(service.id, request, path)

    def locate(self, version_id: str) -> Place:
        """Where the files of a model version are.

        Raises:
            ApiError: There is none of that id, or it was not imported.
        """
        version = self._models.find(version_id)
        if version.status != "STATUS_SUCCESS":
            raise ApiError("FailedOperation.NotAllow", f"Model version {version_id} is {version.status}.")
        return version.where

    def _launch(self, service: Service) -> Launch:
        return launch_of(service.config, self.locate, self._volumes)

    def _heard(self, service_id: str) -> None:
        """Take note of what a service's instances have come to."""
        with self._lock:
            service = self._register.services.get(service_id)
            if service is None or self._ending:
                return
            state = self.state(service)
            if service.business == "CREATING":
                self._created(service, state)
            if service.operation:
                self._call_back(service, state)

    def _created(self, service: Service, state: State) -> None:
        """See whether a creation has come to an end."""
        if state.status == "Normal":
            group = self._register.group(service.group_id)
            service.business = "CREATE_SUCCEED" if group.charge == "PREPAID" else "BILLING"
        elif state.unfit:
            service.business, service.reason, service.wanted = "CREATE_FAILED", state.reason, 0
            self.fleet.stop(service.id, 0.0)
        else:
            return
        self._register.keep(service)

    def _call_back(self, service: Service, state: State) -> None:
        """Tell the user's server once what was asked for is done, or failed."""
        news: tuple[int, str] | None = None
        if service.business == "CREATE_FAILED":
            news = (10000, service.reason)
        elif service.operation == "Stop" and state.status == "Stopped":
            news = (10002, "SERVICE_STOPPED")
        elif service.operation != "Stop" and state.status == "Normal":
            news = (0, "SERVICE_ALL_AVAILABLE")
        if news:
            if url := service.fixed.get("CallbackUrl"):
                tell(url, message(*news, service.id, "ems", service.operation, service.asked))
            service.operation = ""
            self._register.keep(service)

    def _uses(self, version_id: str) -> bool:
        with self._lock:
            return any(
                (service.config.get("ModelInfo") or {}).get("ModelVersionId") == version_id
                for service in self._register.services.values()
                if service.wanted
            )
