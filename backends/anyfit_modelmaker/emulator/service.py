"""ModelMaker as something that `anyfit emulate modelmaker` starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from anyfit_emulator.reception import Reception
from anyfit_emulator.records import Records
from anyfit_emulator.running.leftovers import kill_marked
from anyfit_emulator.storage.admin import Administration
from anyfit_emulator.storage.faults import FaultPlan, Faults
from anyfit_emulator.storage.requestlog import RequestLog
from anyfit_modelmaker.emulator.account import Account
from anyfit_modelmaker.emulator.app import BASE, INFER, ModelMakerApp
from anyfit_modelmaker.emulator.models import Models
from anyfit_modelmaker.emulator.routes import Desks
from anyfit_modelmaker.emulator.serving.desk import Services
from anyfit_modelmaker.emulator.serving.replica import PATH
from anyfit_modelmaker.emulator.training.desk import Training

if TYPE_CHECKING:
    from anyfit_emulator.service import Room

__all__ = ["ModelMakerService"]

REGION = "js01"
GRACE = 1.0  # what programs get when the emulator ends


class ModelMakerService:
    """The platform, with the room's object store as its own.

    Args:
        pause: Seconds that a job stays in each state before TRAINING, so that clients get to see these.
        clock: Tells the Unix time to what gives out tokens and keys.

    Attributes:
        account: Its user, and ways to end tokens early.
        requests: What was asked so far.
    """

    def __init__(self, room: Room, pause: float = 0.0, clock: Callable[[], float] = time.time) -> None:
        self._room = room
        self._port = 0
        self._folder = folder = room.storage.store.system / "modelmaker"
        kill_marked(str(folder))  # an emulator that was killed could not
        self._records = Records(folder / "state.sqlite")
        store = room.storage.store
        self.account = Account(self._records, room.storage.credentials, clock)
        self._training = Training(self._records, store, folder / "train", pause)
        models = Models(self._records)
        self._services = Services(self._records, models, store, folder / "service", self._address)
        self.requests = RequestLog()
        plan = FaultPlan(Faults.parse(room.faults))
        desks = Desks(self.account, self._training, models, self._services, room.storage.s3_endpoint, REGION)
        administration = Administration(self.requests, plan, room.storage.credentials)
        self._app = ModelMakerApp(desks, Reception(plan, self.requests), administration)

    @property
    def host_base(self) -> str:
        """The server URL, as the official client's configuration wants it."""
        return f"http://127.0.0.1:{self._port}{BASE}"

    def start(self) -> None:
        """Accept connections, and go on where an earlier emulator of this directory ended."""
        self._port = self._room.http.listen(self._app, port=self._room.take_port())
        self._training.recover()
        self._services.recover()

    def stop(self) -> None:
        """End jobs and predictors; they stay on disk as they are."""
        began = time.monotonic()  # the whole program has three seconds
        self._training.end(GRACE)
        self._services.end(GRACE)
        self._join(began + GRACE + 0.7)
        kill_marked(str(self._folder))  # where the machine is busy, who has to end them may be late
        self._join(began + GRACE + 1.4)
        self._records.close()

    def _join(self, deadline: float) -> None:
        self._training.join(deadline)
        self._services.join(deadline)

    def ready(self) -> dict[str, str]:
        """What a client needs."""
        return {
            "host_base": self.host_base,
            "region": REGION,
            "username": self.account.username,
            "password": self.account.password,
            "s3_endpoint": self._room.storage.s3_endpoint,
            "access_key": self.account.access_key,
            "secret_key": self.account.secret_key,
            "bucket": self._room.storage.bucket,
            "utc_offset_hours": f"{time.localtime().tm_gmtoff / 3600:g}",
        }

    def profile(self) -> str:
        """Lines for `anyfit.toml`."""
        ready = self.ready()
        names = ("host_base", "region", "username", "password", "bucket")
        lines = [f'{name} = "{ready[name]}"' for name in names] + [f"utc_offset_hours = {ready['utc_offset_hours']}"]
        return "\n".join(["[profiles.emulator.modelmaker]", *lines, ""])

    def _address(self, service_id: int) -> str:
        return f"http://127.0.0.1:{self._port}{INFER}/{service_id}{PATH}"
