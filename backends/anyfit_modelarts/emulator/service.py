"""ModelArts as something that `anyfit emulate modelarts` starts."""

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
from anyfit_modelarts.emulator.account import Account
from anyfit_modelarts.emulator.app import Door, ModelArtsApp
from anyfit_modelarts.emulator.datasets import Datasets
from anyfit_modelarts.emulator.models import Models
from anyfit_modelarts.emulator.routes import Desks, routes
from anyfit_modelarts.emulator.serving.desk import Services
from anyfit_modelarts.emulator.serving.gateway import PREFIX, Gateway
from anyfit_modelarts.emulator.serving.v2.desk import InferServices
from anyfit_modelarts.emulator.serving.v2.gateway import PREFIX as INFER_PREFIX
from anyfit_modelarts.emulator.serving.v2.gateway import InferGateway
from anyfit_modelarts.emulator.storehouse import Storehouse
from anyfit_modelarts.emulator.training.execution import Manners
from anyfit_modelarts.emulator.training.v1.configurations import Configurations
from anyfit_modelarts.emulator.training.v1.desk import Jobs
from anyfit_modelarts.emulator.training.v1.logs import Logs
from anyfit_modelarts.emulator.training.v1.routes import V1Desks
from anyfit_modelarts.emulator.training.v1.visualization import Visualization
from anyfit_modelarts.emulator.training.v2.algorithms import Algorithms
from anyfit_modelarts.emulator.training.v2.desk import TrainingJobs
from anyfit_modelarts.emulator.training.v2.experiments import Experiments
from anyfit_modelarts.emulator.training.v2.logs import LINK_PREFIX, Links
from anyfit_modelarts.emulator.training.v2.reports import Reports
from anyfit_modelarts.emulator.training.v2.routes import V2Desks
from anyfit_modelarts.emulator.training.workshop import Workshop

if TYPE_CHECKING:
    from anyfit_emulator.service import Room

__all__ = ["ModelArtsService"]

REGION = "cn-north-4"
_UNTOLD = frozenset({"project_name"})  # always the region's
GRACE = 1.0  # what programs get when the emulator ends


class ModelArtsService:
    """The platform, with the room's object store as its OBS.

    Args:
        pause: Seconds that a job stays in each state before it runs, and a model in its import, so that clients get to
            see these.
        clock: Tells the Unix time to what gives out and checks tokens and keys.
        period: Seconds between copies of a running job's outputs to OBS.
        install: Whether jobs' `pip-requirements.txt` are installed, for each job alone.

    Attributes:
        account: Its user, and ways to end tokens early.
        requests: What was asked so far.
    """

    def __init__(
        self,
        room: Room,
        pause: float = 0.0,
        clock: Callable[[], float] = time.time,
        period: float = 30.0,
        install: bool = False,
    ) -> None:
        self._room = room
        self._port = 0
        self._folder = folder = room.storage.store.system / "modelarts"
        kill_marked(str(folder))  # an emulator that was killed could not
        self._records = Records(folder / "state.sqlite")
        self.account = Account(self._records, room.storage.credentials, clock, REGION)
        self.requests = RequestLog()
        plan = FaultPlan(Faults.parse(room.faults))
        self._models = Models(self._records, room.storage.store, folder / "models", pause)
        self._services = Services(self._records, self._models, folder / "services", self._address)
        storage, manners = room.storage, Manners(pause, period, install)
        self._workshop = Workshop(self.account, storage.store, folder / "train", manners, self._endpoints)
        datasets = Datasets(storage.store, storage.bucket)
        self._v1 = Jobs(self._records, self._workshop, datasets)
        logs = Logs(self._v1, self._workshop)
        v1 = V1Desks(self._v1, logs, Configurations(self._records), Visualization(self._records))
        self._v2, v2 = self._second(datasets)
        self._infer = InferServices(self._records, storage.store, folder / "infer", self._infer_address)
        desks = Desks(self.account, self._models, self._services, self._infer, v1, v2)
        doors: dict[str, tuple[str, Door]] = {
            PREFIX: ("Predict", Gateway(self.account, self._services)),
            INFER_PREFIX: ("Infer", InferGateway(self.account, self._infer)),
        }
        doors[LINK_PREFIX] = ("FollowLink", self._links)
        administration = Administration(self.requests, plan, room.storage.credentials)
        reception = Reception(plan, self.requests)
        self._app = ModelArtsApp(self.account, routes(desks), doors, reception, administration)

    @property
    def endpoint(self) -> str:
        """Where ModelArts answers, and IAM beside it."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Accept connections, and go on where an earlier emulator of this directory ended."""
        self._v1.recover()  # before anybody can begin another run
        self._v2.recover()
        self._port = self._room.http.listen(self._app, port=self._room.take_port())
        self._models.recover()
        self._services.recover()
        self._infer.recover()

    def stop(self) -> None:
        """End jobs and services; they stay on disk as they are."""
        began = time.monotonic()  # the whole program has three seconds
        self._services.end(GRACE)
        self._infer.end(GRACE)
        self._models.end()
        self._workshop.end(GRACE)
        self._join(began + GRACE + 0.7)
        kill_marked(str(self._folder))  # where the machine is busy, who has to end them may be late
        self._join(began + GRACE + 1.4)
        self._records.close()

    def _join(self, deadline: float) -> None:
        self._services.join(deadline)
        self._infer.join(deadline)
        self._models.join(deadline)
        self._workshop.join(deadline)

    def ready(self) -> dict[str, str]:
        """What a client needs."""
        account = self.account
        return {
            "endpoint": self.endpoint,
            "iam_endpoint": self.endpoint,
            "obs_endpoint": self._room.storage.s3_endpoint,
            "region": account.region,
            "project_id": account.project_id,
            "project_name": account.project_name,
            "domain": account.domain,
            "username": account.username,
            "password": account.password,
            "access_key": account.access_key,
            "secret_key": account.secret_key,
            "bucket": self._room.storage.bucket,
        }

    def profile(self) -> str:
        """Lines for `anyfit.toml`."""
        lines = "".join(f'{name} = "{value}"\n' for name, value in self.ready().items() if name not in _UNTOLD)
        return f"[profiles.emulator.modelarts]\n{lines}"

    def _address(self, service_id: str) -> str:
        return f"{self.endpoint}{PREFIX}{service_id}"

    def _infer_address(self, service_id: str) -> str:
        return f"{self.endpoint}{INFER_PREFIX}{service_id}"

    def _endpoints(self) -> tuple[str, str]:
        return self._room.storage.s3_endpoint, self.endpoint

    def _second(self, datasets: Datasets) -> tuple[TrainingJobs, V2Desks]:
        """The desks of the second generation's training."""
        algorithms = Algorithms(self._records, Storehouse(self._room.storage.store), self.account)
        experiments = Experiments(self._records)
        jobs = TrainingJobs(self._records, self._workshop, datasets, algorithms, experiments)
        account = self.account
        self._links = Links(account.secret_key, account.clock, lambda: self.endpoint, jobs.log_file)
        return jobs, V2Desks(jobs, Reports(jobs, self._workshop, self._links), algorithms, experiments)
