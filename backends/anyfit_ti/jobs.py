"""Jobs of both generations, found by their references: `ti://region/train-...` and `ti://region/2019/name`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from anyfit.backend import Artifact, JobRef, JobState, LogPage, Named, Plan, Series, Status
from anyfit.errors import NotFound, ServiceError
from anyfit.metrics import scan_log
from anyfit.secret import revealed
from anyfit.spec import JobSpec
from anyfit.storage import Uri
from anyfit_ti.errors import MISSING, is_code
from anyfit_ti.generations import Generations, own_id
from anyfit_ti.patience import looks
from anyfit_ti.training import Training

__all__ = ["Jobs"]

_PATIENCE = 120.0


class Jobs:
    """The jobs of one account.

    Args:
        sides: Those of each generation.
        region: For references.
        sleep: Waits for the end of what is to be deleted.
    """

    def __init__(self, sides: Generations[Training], region: str, sleep: Callable[[float], None]) -> None:
        self._sides = sides
        self._region = region
        self._sleep = sleep

    def submit(self, plan: Plan) -> JobRef:
        """Start the job."""
        (request,) = plan.requests
        body = revealed(request.body, plan.spec.secrets)
        side = self._sides.old if request.action == "CreateTrainingJob" else self._sides.new
        try:
            return self._ref(self._sides.id(side, side.submit(plan, body)))
        except NotFound as fault:
            raise _of_input(fault, plan.spec) from fault

    def find(self, key: str) -> JobRef | None:
        """The job of that key."""
        found = self._sides.find(lambda side: side.find(key))
        return None if found is None else self._ref(found)

    def every(self, limit: int | None) -> list[Named[JobRef]]:
        """All jobs, or so many of them, newest first."""
        found = self._sides.every(lambda side: side.every(limit))
        return [Named(name, self._ref(id)) for name, id in found[:limit]]

    def describe(self, refs: Sequence[JobRef]) -> list[JobState]:
        """How jobs are, each generation asked once for all of its own."""
        states: dict[str, JobState] = {}
        for side, ids in self._sides.parted(ref.id for ref in refs):
            found = side.describe([own_id(id) for id in ids])
            states |= {id: found[own_id(id)] for id in ids if own_id(id) in found}
        return [states.get(ref.id) or _gone(ref) for ref in refs]

    def logs(self, ref: JobRef, cursor: str) -> LogPage:
        """A page of the log."""
        return self._of(ref).logs(own_id(ref.id), cursor)

    def logs_tail(self, ref: JobRef, lines: int, node: int | None) -> LogPage | None:
        """The last lines, None where the whole log has to be read for them."""
        return self._of(ref).logs_tail(own_id(ref.id), lines) if node is None else None

    def job_spec(self, ref: JobRef) -> JobSpec:
        """What was asked for."""
        return self._of(ref).job_spec(own_id(ref.id))

    def artifacts(self, ref: JobRef) -> list[Artifact]:
        """What the job left."""
        return self._of(ref).artifacts(own_id(ref.id))

    def output_uri(self, ref: JobRef) -> str:
        """Where results come to."""
        return self._of(ref).output_uri(own_id(ref.id))

    def metrics(self, ref: JobRef) -> list[Series]:
        """The curves that the script has printed, and those of other names that it has pushed."""
        printed = scan_log(partial(self.logs, ref), self.job_spec(ref).metric_definitions)
        names = {series.name for series in printed}
        return printed + [series for series in self._of(ref).pushed(own_id(ref.id)) if series.name not in names]

    def utilization(self, ref: JobRef) -> list[Series]:
        """Use of machines."""
        return self._of(ref).utilization(own_id(ref.id))

    def push(self, ref: JobRef, values: Mapping[str, float], at: int, step: int | None) -> None:
        """Add points to curves of a task."""
        self._of(ref).push(own_id(ref.id), values, at, step)

    def stop(self, ref: JobRef) -> None:
        """Ask the job to end."""
        self._of(ref).stop(own_id(ref.id))

    def delete(self, ref: JobRef) -> None:
        """Remove the job, which is stopped before that if it runs; one that is gone is fine."""
        with suppress(NotFound):
            self._end(ref)
            self._of(ref).delete(own_id(ref.id))

    def _end(self, ref: JobRef) -> None:
        side, id = self._of(ref), own_id(ref.id)
        if side.is_over(id):
            return
        side.stop(id)
        if not any(side.is_over(id) for _ in looks(self._sleep, _PATIENCE)):
            raise ServiceError(f"job {ref.id} does not end", hint="try again later", backend="ti")

    def _of(self, ref: JobRef) -> Training:
        return self._sides.of(ref.id)

    def _ref(self, id: str) -> JobRef:
        return JobRef("ti", self._region, id)


def _of_input(fault: NotFound, spec: JobSpec) -> NotFound:
    """The refusal of a place that is not there, told of the input that is said to lie there, if it is one's."""
    if not is_code(fault.status, MISSING):
        return fault
    keys = {name: Uri.parse(channel.uri).key for name, channel in spec.inputs.items() if not channel.local}
    named = [name for name, key in keys.items() if key and key in fault.message]
    if not named:
        return fault
    name = max(named, key=lambda each: len(keys[each]))
    uri = spec.inputs[name].uri
    hint = f"look whether it is there, and whether the service role may read it: anyfit ls {uri}"
    message = f"inputs.{name}: {fault.message}"
    return NotFound(message, hint=hint, backend="ti", status=fault.status, request_id=fault.request_id)


def _gone(ref: JobRef) -> JobState:
    return JobState(status=Status.UNKNOWN, reason=f"there is no job {ref.id} on TI", gone=True)
