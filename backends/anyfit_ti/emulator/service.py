"""Tencent TI as something that `anyfit emulate ti` starts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from anyfit_emulator.reception import Reception
from anyfit_emulator.records import Records
from anyfit_emulator.running.leftovers import kill_marked
from anyfit_emulator.storage.admin import Administration
from anyfit_emulator.storage.faults import FaultPlan, Faults
from anyfit_emulator.storage.requestlog import RequestLog
from anyfit_ti.emulator.account import Account
from anyfit_ti.emulator.app import TiApp
from anyfit_ti.emulator.cls import LogService
from anyfit_ti.emulator.desk import REGIONS, Site
from anyfit_ti.emulator.machines import Machines
from anyfit_ti.emulator.platform import Platform

if TYPE_CHECKING:
    from anyfit_emulator.http import App
    from anyfit_emulator.service import Room

__all__ = ["TiService"]

GRACE = 1.0  # what programs get when the emulator ends


class TiService:
    """The platform, with the room's object store as its COS.

    Args:
        pause: Seconds that a job or task stays in each state before its program runs, so that clients get to see these.
        machines: How many machines there are for jobs and tasks; None for no limit.

    Attributes:
        account: Whose everything is.
        platform: Its parts.
        requests: What was asked so far.
    """

    def __init__(self, room: Room, pause: float = 0.0, machines: int | None = None) -> None:
        self._room = room
        self._port = self._logs_port = 0
        self._folder = folder = room.storage.store.system / "ti"
        kill_marked(str(folder))  # an emulator that was killed could not
        self._records = Records(folder / "state.sqlite")
        keys = room.storage.credentials
        self.account = Account(self._records, keys, keys.find(room.storage.access_key))
        site = Site(
            self.account,
            self._records,
            room.storage.store,
            folder,
            self._listen,
            lambda: self.endpoint,
            room.storage.cos_endpoint,
            pause,
            Machines(machines),
        )
        self.platform = Platform.build(site)
        self.requests = RequestLog()
        plan = FaultPlan(Faults.parse(room.faults))
        self._logs = LogService(self.platform.jobs, keys, plan, self.requests)
        administration = Administration(self.requests, plan, keys)
        self._app = TiApp(self.platform.desks, self.account, Reception(plan, self.requests), administration)

    @property
    def endpoint(self) -> str:
        """Where every service of the API is."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Accept connections, and go on where an earlier emulator of this directory ended."""
        self._port = self._listen(self._app)
        self._logs_port = self._listen(self._logs)
        for desk in self.platform.desks:
            desk.start()

    def stop(self) -> None:
        """End programs; what they belong to stays on disk as it is."""
        began = time.monotonic()  # the whole program has three seconds
        for desk in self.platform.desks:
            desk.end(GRACE)
        self._join(began + GRACE + 0.7)
        kill_marked(str(self._folder))  # where the machine is busy, who has to end them may be late
        self._join(began + GRACE + 1.4)
        self._records.close()

    def _join(self, deadline: float) -> None:
        for desk in self.platform.desks:
            desk.join(deadline)

    def ready(self) -> dict[str, str]:
        """What a client needs."""
        storage = self._room.storage
        return {
            "endpoint": self.endpoint,
            "tiems_endpoint": self.endpoint,
            "cls_endpoint": f"http://127.0.0.1:{self._logs_port}",
            "cos_endpoint": storage.cos_endpoint,
            "region": REGIONS[0],
            "uin": self.account.uin,
            "app_id": self.account.app_id,
            "secret_id": storage.access_key,
            "secret_key": storage.secret_key,
            "bucket": storage.bucket,
            "role": self.account.role,
        }

    def profile(self) -> str:
        """Lines for `anyfit.toml`."""
        return "[profiles.emulator.ti]\n" + "".join(f'{name} = "{value}"\n' for name, value in self.ready().items())

    def _listen(self, app: App) -> int:
        return self._room.http.listen(app, port=self._room.take_port())
