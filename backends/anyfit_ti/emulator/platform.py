"""All parts of the platform, put together."""

from __future__ import annotations

from attrs import frozen

from anyfit_ti.emulator.billing import Billing
from anyfit_ti.emulator.desk import Desk, Site
from anyfit_ti.emulator.exports import Exports
from anyfit_ti.emulator.images import Images
from anyfit_ti.emulator.jobs.desk import Jobs
from anyfit_ti.emulator.logs import Logs
from anyfit_ti.emulator.metrics import Metrics
from anyfit_ti.emulator.monitor import Monitor
from anyfit_ti.emulator.serving.desk import Serving
from anyfit_ti.emulator.sts import Sts
from anyfit_ti.emulator.tasks.desk import Tasks

__all__ = ["Platform"]


@frozen
class Platform:
    """The parts.

    Attributes:
        jobs: Training of the older generation.
        tasks: Training of the newer generation.
        desks: All that answer something, these two included.
    """

    jobs: Jobs
    tasks: Tasks
    desks: tuple[Desk, ...]

    @classmethod
    def build(cls, site: Site) -> Platform:
        """Make all and let them know of each other."""
        jobs, tasks, serving = Jobs(site), Tasks(site), Serving(site)
        serving.models.output_of = tasks.output_of
        logs = Logs(tasks.register, serving.services)
        desks = (
            *(jobs, tasks, serving, logs),
            *(Monitor(jobs), Metrics(tasks.register), Exports(site, logs), Billing(site), Images(site), Sts(site)),
        )
        return cls(jobs, tasks, desks)
