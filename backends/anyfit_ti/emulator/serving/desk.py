"""Models and online services of both generations, as one part of the platform."""

from __future__ import annotations

from anyfit_ti.emulator.desk import Do, Site, Tables
from anyfit_ti.emulator.ems.configs import Configs
from anyfit_ti.emulator.ems.jobs import Jobs as EmsJobs
from anyfit_ti.emulator.ems.services import Services as EmsServices
from anyfit_ti.emulator.models import Models
from anyfit_ti.emulator.serving.chat import Chat
from anyfit_ti.emulator.serving.gateway import Gateway
from anyfit_ti.emulator.serving.groups import Groups
from anyfit_ti.emulator.serving.life import Life
from anyfit_ti.emulator.serving.register import Register
from anyfit_ti.emulator.serving.services import Services
from anyfit_ti.emulator.serving.tokens import Tokens

__all__ = ["Serving"]


class Serving:
    """Wires the model repository, the services and the gateway together."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._port = 0
        self.models = Models(site)
        register = Register(site.records, self.models.lock)
        life = Life(site, self.models, register)
        self.services = Services(site, register, life)
        self._gateway = Gateway(register, life)
        groups = Groups(site, register, self.services, self._address)
        configs = Configs(site)
        services, jobs = EmsServices(site, configs), EmsJobs(site, configs)
        self._running = (self.models, life, services, jobs)
        online = (self.services, groups, Tokens(register), Chat(register, self._gateway.ask))
        self._answering = (self.models, *online, configs, services, jobs)

    def tables(self) -> Tables:
        """What it answers."""
        merged: dict[tuple[str, str], dict[str, Do]] = {}
        for part in self._answering:
            for product, actions in part.tables().items():
                merged.setdefault(product, {}).update(actions)
        return merged

    def start(self) -> None:
        """Listen for calls, and run again what shall run."""
        self._port = self._site.listen(self._gateway)
        for part in self._running:
            part.start()

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        for part in self._running:
            part.end(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        for part in self._running:
            part.join(deadline)

    def _address(self, group_id: str) -> str:
        return f"http://127.0.0.1:{self._port}/{group_id}"
