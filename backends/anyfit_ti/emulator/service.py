"""Tencent TI as something that `anyfit emulate ti` starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from anyfit_emulator.records import Records
from anyfit_emulator.running.leftovers import kill_marked
from anyfit_emulator.storage.admin import Administration
from anyfit_emulator.storage.faults import FaultPlan, Faults
from anyfit_emulator.storage.requestlog import RequestLog
from anyfit_ti.emulator.account import Account
from anyfit_ti.emulator.app import TiApp
from anyfit_ti.emulator.cls import LogService
from anyfit_ti.emulator.desk import REGIONS, Desk, Site
from anyfit_ti.emulator.jobs.desk import Jobs
from anyfit_ti.emulator.machines import Machines
from anyfit_ti.emulator.monitor import Monitor
from anyfit_ti.emulator.serving.desk import Serving
from anyfit_ti.emulator.sts import Sts

if TYPE_CHECKING:
    from anyfit_emulator.http import App
    from anyfit_emulator.service import Room

__all__ = ["DESKS", "TiService"]

GRACE = 1.0  # what programs get when the emulator ends
DESKS: tuple[Callable[[Site], Desk], ...] = (Sts, Serving)  # what needs no other desk


class TiService:
    """The platform, with the room's object store as its COS.

    Args:
        pause: Seconds that a job or task stays in each state before its program runs, so that clients get to see these.
        machines: How many machines there are for jobs and tasks; None for no limit.

    Attributes:
        account: Whose everything is.
        jobs: Training jobs of the older generation.
        requests: What was asked so far.
    """

    def __init__(self, room: Room, pause: float = 0.0, machines: int | None = None) -> None:
        self._room = room
        self._port = self._logs_port = 0
        folder = room.storage.store.system / "ti"
        kill_marked(str(folder))  # an emulator that was killed could not
        self._records = Records(folder / "state.sqlite")
        keys = room.storage.credentials
        self.account = Account(self._records, keys)
        site = Site(
            self.account,
            self._records,
            room.storage.store,
            folder,
            self._listen,
            pause,
            Machines(machines),
        )
        self.jobs = Jobs(site)
        self._desks: list[Desk] = [self.jobs, Monitor(self.jobs), *(make(site) for make in DESKS)]
        self.requests = RequestLog()
        plan = FaultPlan(Faults.parse(room.faults))
        self._logs = LogService(self.jobs, keys, plan, self.requests)
        self._app = TiApp(self._desks, keys, plan, self.requests, Administration(self.requests, plan, keys))

    @property
    def endpoint(self) -> str:
        """Where every service of the API is."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Accept connections, and go on where an earlier emulator of this directory ended."""
        self._port = self._listen(self._app)
        self._logs_port = self._listen(self._logs)
        for desk in self._desks:
            desk.start()

    def stop(self) -> None:
        """End programs; what they belong to stays on disk as it is."""
        deadline = time.monotonic() + GRACE + 0.7  # the whole program has three seconds
        for desk in self._desks:
            desk.end(GRACE)
        for desk in self._desks:
            desk.join(deadline)
        self._records.close()

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
