"""Jobs of both generations: a reference says of which one it is.

A task of 2021 is `ti://region/train-...`, a job of 2019 is `ti://region/2019/name`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from anyfit.backend import Artifact, JobRef, JobState, LogPage, Named, Plan, Series, Status
from anyfit.errors import NotFound, ServiceError, Unsupported
from anyfit.metrics import Scanner
from anyfit.secret import revealed
from anyfit.spec import JobSpec
from anyfit_ti.errors import where_offered
from anyfit_ti.jobs_2019 import OldJobs
from anyfit_ti.jobs_2021 import Tasks
from anyfit_ti.patience import looks
from anyfit_ti.series import NO_USE

__all__ = ["Jobs"]

_OLD = "2019/"
_PATIENCE = 120.0


class Jobs:
    """The jobs of one account.

    Args:
        new: Those of 2021.
        old: Those of 2019.
        region: For references.
        api: The generation that is asked first.
        sleep: Waits for the end of what is to be deleted.
    """

    def __init__(self, new: Tasks, old: OldJobs, region: str, api: str, sleep: Callable[[float], None]) -> None:
        self._new = new
        self._old = old
        self._region = region
        self._sleep = sleep
        self._order: tuple[Tasks | OldJobs, ...] = (old, new) if api == "2019" else (new, old)

    def submit(self, plan: Plan) -> JobRef:
        """Start the job."""
        (request,) = plan.requests
        body = revealed(request.body, plan.spec.secrets)
        side = self._old if request.action == "CreateTrainingJob" else self._new
        return self._ref(side, side.submit(plan, body))

    def find(self, key: str) -> JobRef | None:
        """The job of that key: in the generation that is set, else in the other, where that can be asked."""
        first, second = self._order
        found = first.find(key)
        if found is not None:
            return self._ref(first, found)
        with where_offered():
            found = second.find(key)
        return self._ref(second, found) if found is not None else None

    def every(self) -> list[Named[JobRef]]:
        """All jobs, newest first; those of the other generation where it can be asked."""
        first, second = self._order
        rows = [(at, Named(name, self._ref(first, identity))) for at, name, identity in first.every()]
        with where_offered():
            rows += [(at, Named(name, self._ref(second, identity))) for at, name, identity in second.every()]
        return [named for _, named in sorted(rows, key=lambda row: row[0], reverse=True)]

    def describe(self, refs: Sequence[JobRef]) -> list[JobState]:
        """How jobs are, each generation asked once for all of its own."""
        states: dict[JobRef, JobState] = {}
        for side in self._order:
            mine = {identity: ref for ref in refs if (identity := _own(side, ref)) is not None}
            if mine:
                states |= {mine[identity]: state for identity, state in side.describe(list(mine)).items()}
        return [states.get(ref) or _gone(ref) for ref in refs]

    def logs(self, ref: JobRef, cursor: str) -> LogPage:
        """A page of the log."""
        side, identity = self._side(ref)
        return side.logs(identity, cursor)

    def logs_tail(self, ref: JobRef, lines: int, node: int | None) -> LogPage | None:
        """The last lines, None where the whole log has to be read for them."""
        side, identity = self._side(ref)
        return side.logs_tail(identity, lines) if isinstance(side, Tasks) and node is None else None

    def job_spec(self, ref: JobRef) -> JobSpec:
        """What was asked for."""
        side, identity = self._side(ref)
        return side.job_spec(identity)

    def artifacts(self, ref: JobRef) -> list[Artifact]:
        """What the job left."""
        side, identity = self._side(ref)
        return side.artifacts(identity)

    def output_uri(self, ref: JobRef) -> str:
        """Where results come to."""
        side, identity = self._side(ref)
        return side.output_uri(identity)

    def metrics(self, ref: JobRef) -> list[Series]:
        """The curves that the script has printed, and those of other names that it has pushed."""
        scanner = Scanner(self.job_spec(ref).metric_definitions)
        cursor, more = "", True
        while more:
            page = self.logs(ref, cursor)
            for line in page.lines:
                scanner.feed(line)
            cursor, more = page.cursor, page.more
        printed = scanner.series()
        side, identity = self._side(ref)
        pushed = side.pushed(identity) if isinstance(side, Tasks) else []
        names = {series.name for series in printed}
        return printed + [series for series in pushed if series.name not in names]

    def utilization(self, ref: JobRef) -> list[Series]:
        """Use of machines."""
        side, identity = self._side(ref)
        if isinstance(side, Tasks):
            raise Unsupported(f"ti has no utilization: {NO_USE}", backend="ti")
        return side.utilization(identity)

    def push(self, ref: JobRef, values: Mapping[str, float], at: int, step: int | None) -> None:
        """Add points to curves of a task."""
        side, identity = self._side(ref)
        if not isinstance(side, Tasks):
            raise Unsupported("jobs of 2019 have no call for metrics", backend="ti")
        side.push(identity, values, at, step)

    def stop(self, ref: JobRef) -> None:
        """Ask the job to end."""
        side, identity = self._side(ref)
        side.stop(identity)

    def delete(self, ref: JobRef) -> None:
        """Remove the job, which is stopped before that if it runs; one that is gone is fine."""
        side, identity = self._side(ref)
        with suppress(NotFound):
            self._end(ref)
            side.delete(identity)

    def _end(self, ref: JobRef) -> None:
        side, identity = self._side(ref)
        if side.is_over(identity):
            return
        side.stop(identity)
        for _ in looks(self._sleep, _PATIENCE):
            if side.is_over(identity):
                return
        raise ServiceError(f"job {ref.id} does not end", hint="try again later", backend="ti")

    def _side(self, ref: JobRef) -> tuple[Tasks | OldJobs, str]:
        old = ref.id.startswith(_OLD)
        return (self._old, ref.id.removeprefix(_OLD)) if old else (self._new, ref.id)

    def _ref(self, side: Tasks | OldJobs, identity: str) -> JobRef:
        return JobRef("ti", self._region, identity if isinstance(side, Tasks) else _OLD + identity)


def _own(side: Tasks | OldJobs, ref: JobRef) -> str | None:
    """The id of a job of this side."""
    old = ref.id.startswith(_OLD)
    return ref.id.removeprefix(_OLD) if old == isinstance(side, OldJobs) else None


def _gone(ref: JobRef) -> JobState:
    return JobState(status=Status.UNKNOWN, reason=f"there is no job {ref.id} on TI", gone=True)
