"""Jobs: looking, stopping, deleting, and what they leave, whatever their generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any

from attrs import evolve

from anyfit.backend import Artifact, Cause, JobRef, JobState, LogPage, Named, Plan, Series, Status
from anyfit.cloud.ending import ask_to_end
from anyfit.cloud.leavings import HIDDEN, End, artifacts_in, read_document, read_end, remove_folders
from anyfit.codec import from_data
from anyfit.errors import AnyfitError, AuthError, NotFound, ServiceError
from anyfit.http import RetryPolicy
from anyfit.metrics import scan_log
from anyfit.spec import JobSpec
from anyfit.storage import Store, Uri
from anyfit_modelarts.blame import with_input
from anyfit_modelarts.bundle import JOB
from anyfit_modelarts.finding import Finder
from anyfit_modelarts.guess import guessed_spec
from anyfit_modelarts.logs import page_after, page_at_end
from anyfit_modelarts.places import obs_uri
from anyfit_modelarts.states import job_state
from anyfit_modelarts.submitting import submit
from anyfit_modelarts.training import Training
from anyfit_modelarts.wire import Run

__all__ = ["Jobs"]

_FEW = 2  # so many jobs are asked for one by one rather than in a list
_END_SECONDS = 60.0  # so long deleting waits for a job that it has stopped


class Jobs:
    """The jobs of one project.

    Args:
        finder: Knows where they are.
        store: Opens the store of a URI.
        policy: How to wait.
        pause: Seconds between two looks at what is about to end.
    """

    def __init__(self, finder: Finder, store: Callable[[Uri], Store], policy: RetryPolicy, pause: float) -> None:
        self._finder = finder
        self._store = store
        self._policy = policy
        self._pause = pause
        self._lock = Lock()
        self._written: dict[str, Mapping[str, Any]] = {}
        self._ended: dict[str, JobState] = {}
        self._files: dict[str, tuple[str, Sequence[str]]] = {}
        self._over: set[str] = set()

    def submit(self, plan: Plan) -> JobRef:
        """Start the job; an answer that was lost is looked up by name, and never asked for twice."""
        return self._finder.ref(submit(plan, self._finder))

    def find(self, key: str) -> JobRef | None:
        """The job of that key."""
        return self._finder.find(key)

    def every(self, limit: int | None) -> list[Named[JobRef]]:
        """All jobs, or so many of them, newest first."""
        return self._finder.every(limit)

    # looking

    def describe(self, refs: Sequence[JobRef]) -> list[JobState]:
        """How jobs are: those that run are asked for in one list where that tells, the others one by one."""
        live: dict[str, Run] = {}
        for training in (self._finder.v1, self._finder.v2):
            ids = {ref.id for ref in refs if self._finder.of(ref.id) is training and ref.id not in self._ended}
            if len(ids) > _FEW:
                live |= training.live(ids)
        return [self._describe(ref.id, live.get(ref.id)) for ref in refs]

    def _describe(self, id: str, run: Run | None) -> JobState:
        if run is None:
            try:
                run = self._finder.of(id).get(id)
            except NotFound as fault:
                self._forget(id)
                reason = f"there is no such job on ModelArts: {fault.message}"
                return JobState(status=Status.UNKNOWN, reason=reason, gone=True)
        state = job_state(run)
        if not state.status.finished:
            return state
        known = self._ended.get(id)
        if known is not None:
            return known
        try:
            state = self._with_cause(run, self._with_end(run, state))
        except AuthError:
            return state  # who may not read there may know the rest
        with self._lock:
            self._ended[id] = state
        return state

    def _with_end(self, run: Run, state: JobState) -> JobState:
        """With how the script ended, which anyfit's launcher has left among the results."""
        if state.status == Status.SUCCEEDED or not run.code:
            return state
        end = read_end(self._store, self._results(run)) if run.output else End()
        if end == End():
            return state
        if end.overran and state.status != Status.STOPPED:
            limit = self._job_file(run).get("max_run")
            reason = f"it ran longer than its {limit} s"
            return evolve(state, status=Status.FAILED, cause=Cause.TIMEOUT, reason=reason, exit_code=None)
        return state if state.status == Status.STOPPED else end.told(state)

    def _with_cause(self, run: Run, state: JobState) -> JobState:
        """With the input that is to blame where the script did not run, if the platform names its place."""
        if state.cause is not Cause.START or "/" not in state.reason:
            return state
        return with_input(state, self._spec(run))

    def logs(self, ref: JobRef, cursor: str) -> LogPage:
        """A page of the log, of all nodes."""
        training = self._finder.of(ref.id)
        again = ref.id in self._files and not cursor
        id, files = self._log_files(ref.id)
        return page_after(
            cursor,
            files,
            lambda file, line: training.after(id, file, line),
            ended=lambda: self._is_over(ref.id, ask=again),
        )

    def logs_tail(self, ref: JobRef, lines: int, node: int | None) -> LogPage | None:
        """The last lines, where the platform can begin at the end; else None."""
        training = self._finder.of(ref.id)
        id, files = self._log_files(ref.id)
        return page_at_end(lines, node, files, lambda file, count: training.newest(id, file, count))

    def _log_files(self, id: str) -> tuple[str, Sequence[str]]:
        """The whole id, and the names of the logs, asked for until each node has one."""
        known = self._files.get(id)
        if known is not None:
            return known
        training = self._finder.of(id)
        run = training.get(id)
        files = training.log_files(run)
        with self._lock:
            if run.status.finished:
                self._over.add(id)
            if len(files) >= run.nodes:
                self._files[id] = run.id, files
        return run.id, files

    def _is_over(self, id: str, *, ask: bool) -> bool:
        """Whether the job has ended, as far as it is known here, or the platform says when it is asked."""
        if id in self._ended or id in self._over:
            return True
        over = ask and self._finder.of(id).get(id).status.finished
        if over:
            with self._lock:
                self._over.add(id)
        return over

    def job_spec(self, ref: JobRef) -> JobSpec:
        """What was asked for: as anyfit wrote it beside the code, else as far as the platform tells.

        The description alone can have been changed meanwhile.
        """
        return self._spec(self._finder.of(ref.id).get(ref.id))

    def _spec(self, run: Run) -> JobSpec:
        job = self._job_file(run)
        return (
            evolve(from_data(JobSpec, job["spec"]), description=run.description) if "spec" in job else guessed_spec(run)
        )

    def artifacts(self, ref: JobRef) -> list[Artifact]:
        """What lies where the job wrote to; empty before it ends."""
        run = self._finder.of(ref.id).get(ref.id)
        if not run.status.finished:
            return []
        launched = bool(self._job_file(run))
        return artifacts_in(self._store, self._results(run), str if launched else _shown)

    def output_uri(self, ref: JobRef) -> str:
        """Where results come to."""
        return str(self._results(self._finder.of(ref.id).get(ref.id)))

    def metrics(self, ref: JobRef) -> list[Series]:
        """What the definitions find in the log, and what the platform itself knows."""
        training = self._finder.of(ref.id)
        definitions = self.job_spec(ref).metric_definitions
        found = scan_log(partial(self.logs, ref), definitions) if definitions else []
        names = {series.name for series in found}
        return found + [each for each in training.results(training.get(ref.id)) if each.name not in names]

    def utilization(self, ref: JobRef) -> list[Series]:
        """Machine use."""
        training = self._finder.of(ref.id)
        return training.utilization(training.get(ref.id))

    # changing

    def stop(self, ref: JobRef) -> None:
        """Ask the job to end."""
        training = self._finder.of(ref.id)
        run = training.get(ref.id)
        if run.status.finished or run.status == Status.STOPPING:
            return
        ask_to_end(lambda: training.stop(run.id), lambda: training.get(ref.id).status.finished)

    def delete(self, ref: JobRef) -> None:
        """Remove the job, with its versions' parent if it was the last, and what anyfit alone has put into the bucket.

        Results stay. The launcher's word of the end is among them, and comes until the job has ended.
        """
        training = self._finder.of(ref.id)
        try:
            run = training.get(ref.id)
        except NotFound:
            return
        self._end(training, run)
        training.delete(run.id)
        remove_folders(self._store, self._ours(run))
        self._forget(ref.id)

    def set_description(self, ref: JobRef, description: str) -> None:
        """Change what is said about the job."""
        training = self._finder.of(ref.id)
        training.describe(training.get(ref.id).id, description)

    # below

    def _end(self, training: Training, run: Run) -> None:
        """Stop a job that runs, and give it a while to save what it has."""
        if run.status.finished:
            return
        self.stop(self._finder.ref(run.id))
        waited = 0.0
        while waited < _END_SECONDS:
            try:
                if training.get(run.id).status.finished:
                    return
            except NotFound:
                return
            self._policy.sleep(self._pause)
            waited += self._pause

    def _ours(self, run: Run) -> list[Uri]:
        """The folders of code and notes that anyfit has put there; what cannot be told stays, and does no harm."""
        with suppress(AnyfitError):
            if self._job_file(run):
                notes = [self._results(run).join(HIDDEN)] if run.output else []
                return [Uri.parse(run.code).as_dir(), *notes]
        return []

    def _results(self, run: Run) -> Uri:
        if not run.output:
            raise ServiceError("ModelArts does not tell where the job's output is", backend="modelarts")
        return obs_uri(run.output).as_dir()

    def _job_file(self, run: Run) -> Mapping[str, Any]:
        """What anyfit wrote down beside the code, if it did."""
        known = self._written.get(run.id)
        if known is not None:
            return known
        written: Mapping[str, Any] = {}
        if self._finder.places.key_in(run.code):
            written = read_document(self._store, Uri.parse(run.code).as_dir().join(JOB))
        with self._lock:
            self._written[run.id] = written
        return written

    def _forget(self, id: str) -> None:
        with self._lock:
            for kept in (self._written, self._ended, self._files):
                kept.pop(id, None)
            self._over.discard(id)


def _shown(name: str) -> str:
    """What a script without anyfit's launcher leaves is its model."""
    return name if name.partition("/")[0] in ("model", "checkpoints") else f"model/{name}"
