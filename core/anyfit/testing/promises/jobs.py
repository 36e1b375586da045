"""Promises about jobs: submitting, looking, stopping, deleting, and what they leave."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import evolve

from anyfit.backend import Backend, Cause, Feature, JobRef, JobState, Named, Status
from anyfit.errors import Conflict, JobFailed, JobStopped, NotFound, Unsupported
from anyfit.job import Job, find_job
from anyfit.storage import Uri
from anyfit.testing import scripts
from anyfit.testing.bench import Bench
from anyfit.testing.promises.suite import Suite, needs
from anyfit.watch import follow

__all__ = ["JobPromises"]

_RANK = {
    Status.PENDING: 0,
    Status.PREPARING: 1,
    Status.RUNNING: 2,
    Status.STOPPING: 3,
    Status.UPLOADING: 3,
    Status.SUCCEEDED: 4,
    Status.FAILED: 4,
    Status.STOPPED: 4,
}


def _only_forward(statuses: list[Status]) -> bool:
    ranks = [_RANK[status] for status in statuses]
    return ranks == sorted(ranks)


class JobPromises(Suite):
    """The life of a job."""

    def test_success(self, done: Job) -> None:
        """A script that ends well is a job that succeeded."""
        state = done.state

        assert state.status == Status.SUCCEEDED, done.state
        assert state.native
        assert state.cause == Cause.NONE
        assert state.exit_code == 0 or not self.tells_exit_codes

    def test_times(self, done: Job) -> None:
        """Times know their zone and follow each other, and the history goes only forward."""
        state = done.state
        times = [at for at in (state.created_at, state.started_at, state.ended_at) if at is not None]

        assert state.created_at is not None
        assert state.ended_at is not None
        assert all(at.tzinfo is not None for at in times)
        assert times == sorted(times)
        assert [step.at for step in state.history] == sorted(step.at for step in state.history)
        assert _only_forward([step.status for step in state.history])
        assert not state.history or state.history[-1].status == state.status

    def test_states_go_forward(self, bench: Bench) -> None:
        """Whoever watches a job from its first moment sees it go forward, to one end."""
        job = bench.start(bench.spec(scripts.STEPS))
        seen = [s.status for s in follow(job, logs=False, timeout=self.job_seconds) if isinstance(s, JobState)]

        assert _only_forward(seen)
        assert seen[-1] == Status.SUCCEEDED
        assert sum(status.finished for status in seen) == 1

    def test_the_end_is_the_end(self, done: Job, failed: Job, bench: Bench, elsewhere: Bench) -> None:
        """A job that has ended stays as it is, for everybody."""
        refs = [done.ref, failed.ref]
        states = [list(each.backend.describe(refs)) for each in (bench, bench, elsewhere)]

        assert states[0] == states[1] == states[2]
        assert states[0] == [done.state, failed.state]

    def test_failure(self, failed: Job, bench: Bench) -> None:
        """A script that ends badly is a job that failed: its exit code and its own traceback can be had."""
        state = failed.state

        assert state.status == Status.FAILED
        assert state.exit_code == 3 or not self.tells_exit_codes
        assert "RuntimeError: the script fell over" in bench.lines(failed)
        with pytest.raises(JobFailed, match="the script fell over"):
            failed.wait()

    def test_max_run_is_enforced(self, bench: Bench) -> None:
        """A job that runs longer than it may is ended, and the cause says so."""
        if self.shortest_max_run is None:
            pytest.skip("max_run is not enforced here")
        job = bench.run(bench.spec(scripts.SLEEP, max_run=self.shortest_max_run))

        assert job.state.status == Status.FAILED
        assert job.state.cause == Cause.TIMEOUT

    def test_ref_is_text(self, done: Job, elsewhere: Bench) -> None:
        """A job's reference becomes text and back, and finds the job from anywhere."""
        ref = JobRef.parse(str(done.ref))

        assert ref == done.ref
        assert ref.backend == elsewhere.backend.name
        assert elsewhere.backend.describe([ref])[0].status == Status.SUCCEEDED

    def test_describe_keeps_the_order(self, backend: Backend, done: Job, failed: Job) -> None:
        """Many jobs are described at once in the order asked, those that do not exist among them."""
        unknown = evolve(done.ref, id=self.unknown_id)
        states = backend.describe([failed.ref, unknown, done.ref])

        assert [state.status for state in states] == [Status.FAILED, Status.UNKNOWN, Status.SUCCEEDED]
        assert states[1].reason
        assert list(backend.describe([])) == []

    def test_name_is_taken(self, backend: Backend, bench: Bench, done: Job) -> None:
        """A second job of the same key is a conflict and leaves the first as it was."""
        before = backend.describe([done.ref])
        plan = bench.plan(done.spec)
        with pytest.raises(Conflict):
            backend.submit(plan)

        assert backend.describe([done.ref]) == before
        assert backend.find(done.spec.key) == done.ref

    def test_find(self, done: Job, elsewhere: Bench) -> None:
        """A job is found by its key on a machine that never saw it; what is not there is None."""
        assert elsewhere.backend.find(done.spec.key) == done.ref
        assert elsewhere.backend.find(elsewhere.name()) is None

    def test_list(self, bench: Bench, elsewhere: Bench) -> None:
        """Every job is in the list, once, the newest first."""
        older = bench.run(bench.spec(scripts.NODE))
        newer = bench.run(bench.spec(scripts.NODE))
        listed = list(elsewhere.backend.list())
        refs = [each.ref for each in listed]

        assert refs.index(newer.ref) < refs.index(older.ref)
        assert len(set(refs)) == len(refs)
        assert Named(newer.spec.key, newer.ref) in listed
        assert list(elsewhere.backend.list(1)) == listed[:1]
        assert list(elsewhere.backend.list(len(listed) + 1)) == listed

    def test_attach_elsewhere(self, done: Job, bench: Bench, elsewhere: Bench) -> None:
        """A machine that never saw the job rebuilds what was asked for, by name and by reference."""
        for asked in (done.spec.key, str(done.ref)):
            found = find_job(elsewhere.session, asked)

            assert found.ref == done.ref
            assert found.state == done.state
            for name in ("name", "version", "entry_point", "hyperparameters", "instance_count"):
                assert getattr(found.spec, name) == getattr(done.spec, name), name
            assert set(found.spec.inputs) == set(done.spec.inputs)
            assert elsewhere.lines(found) == bench.lines(done)
            elsewhere.session.journal.forget(found.ref, elsewhere.backend.place)

    def test_description(self, backend: Backend, bench: Bench, elsewhere: Bench) -> None:
        """What is said about a job can be changed, and nothing else changes by it."""
        needs(backend, Feature.DESCRIPTION)
        job = bench.run(bench.spec(scripts.NODE, description="before"))
        before = job.refresh()
        job.set_description("after: 学习")

        assert elsewhere.backend.job_spec(job.ref).description == job.spec.description == "after: 学习"
        assert job.refresh() == before
        with pytest.raises(NotFound):
            backend.set_description(evolve(job.ref, id=self.unknown_id), "nobody")

    def test_stop(self, backend: Backend, bench: Bench) -> None:
        """A running job can be stopped, also twice, and what it has said stays."""
        job = bench.start(bench.spec(scripts.WAIT))
        bench.wait_for_line(job, "begin")
        running = list(backend.artifacts(job.ref))
        job.stop()
        job.stop()
        bench.wait(job)
        job.stop()

        assert running == []
        assert job.state.status == Status.STOPPED
        assert "begin" in bench.lines(job)
        with pytest.raises(JobStopped):
            job.wait()

    def test_stop_after_the_end(self, done: Job, failed: Job) -> None:
        """Stopping a job that has ended changes nothing."""
        for job in (done, failed):
            before = job.refresh()
            job.stop()

            assert job.refresh() == before

    def test_delete(self, backend: Backend, bench: Bench, elsewhere: Bench) -> None:
        """A deleted job is gone for everybody, and deleting it again is no error."""
        job = bench.run(bench.spec(scripts.NODE))
        backend.delete(job.ref)
        backend.delete(job.ref)

        for each in (backend, elsewhere.backend):
            state = each.describe([job.ref])[0]
            assert state.status == Status.UNKNOWN
            assert state.gone and state.reason
            assert each.find(job.spec.key) is None
            assert job.ref not in [listed.ref for listed in each.list()]

    def test_unknown_job(self, backend: Backend, done: Job) -> None:
        """What is asked of a job that does not exist is answered with NotFound, and deleting it is fine."""
        unknown = evolve(done.ref, id=self.unknown_id)
        for ask in (backend.logs, backend.job_spec, backend.artifacts, backend.output_uri, backend.stop):
            with pytest.raises(NotFound):
                ask(unknown)
        backend.delete(unknown)

    def test_artifacts(self, backend: Backend, done: Job) -> None:
        """What the script left is listed by name and size, and can be read where its URI says."""
        found = {artifact.name: artifact for artifact in backend.artifacts(done.ref)}
        expected = {"model/model.json": b'{"factor": 2}', "model/parts/words.txt": b"one two"}

        assert set(expected) <= set(found)
        for name, content in expected.items():
            artifact, uri = found[name], Uri.parse(found[name].uri)
            assert artifact.kind == "model"
            assert artifact.uri.endswith(f"/{name}")
            assert artifact.size in (None, len(content))
            assert backend.store(uri).read(uri.key) == content
        outputs = [a for a in found.values() if a.kind == "output" and a.name.endswith("tables/result.csv")]
        assert len(outputs) == 1
        assert all(a.kind in ("model", "output", "checkpoint", "log") for a in found.values())

    def test_download(self, done: Job, tmp_path: Path) -> None:
        """What the job left can be brought here."""
        folder = done.download(tmp_path, kind="model")

        assert (folder / "model" / "model.json").read_text() == '{"factor": 2}'
        assert (folder / "model" / "parts" / "words.txt").read_text() == "one two"

    def test_output_uri(self, backend: Backend, done: Job) -> None:
        """The folder of the outputs can be listed, and they are in it."""
        uri = Uri.parse(backend.output_uri(done.ref)).as_dir()
        keys = [entry.key for entry in backend.store(uri).list(uri.key)]

        assert any(key.endswith("/tables/result.csv") for key in keys)

    def test_output_path(self, backend: Backend, bench: Bench, storage: str) -> None:
        """With an output path of its own, everything that a job leaves as model or output lies below it."""
        job = bench.run(bench.spec(scripts.REPORT, output_path=f"{storage}out/"))
        left = [a for a in backend.artifacts(job.ref) if a.kind in ("model", "output")]

        assert {"model/model.json", "model/parts/words.txt"} <= {a.name for a in left}
        assert all(a.uri.startswith(f"{storage}out/") for a in left)

    def test_metrics(self, backend: Backend, done: Job) -> None:
        """Metrics that the script printed are curves, by name and in order."""
        needs(backend, Feature.METRICS)
        series = {each.name: each for each in done.metrics()}

        assert [point.value for point in series["loss"].points] == [1.0, 0.5, 0.33]
        assert [point.step for point in series["loss"].points] == [0, 1, 2]

    def test_utilization(self, backend: Backend, done: Job) -> None:
        """The machine's use is curves over time."""
        needs(backend, Feature.UTILIZATION)
        for series in done.utilization():
            steps = [point.step for point in series.points]

            assert series.name
            assert series.unit
            assert steps == sorted(steps)

    def test_missing_series_are_refused(self, backend: Backend, done: Job) -> None:
        """Curves that the backend does not have are refused with its reason."""
        for feature, ask in ((Feature.METRICS, backend.metrics), (Feature.UTILIZATION, backend.utilization)):
            if not backend.capabilities.can(feature):
                with pytest.raises(Unsupported) as caught:
                    ask(done.ref)
                assert backend.capabilities.missing[feature] in caught.value.message

    def test_versions(self, backend: Backend, bench: Bench, done: Job) -> None:
        """A new version is a job of its own under the same name."""
        needs(backend, Feature.VERSIONS)
        second = bench.run(evolve(done.spec, version=2))

        assert second.state.status == Status.SUCCEEDED
        assert second.ref != done.ref
        assert backend.find(done.spec.key) == done.ref
        assert backend.find(second.spec.key) == second.ref
        assert backend.job_spec(second.ref).version == 2

    def test_threads(self, backend: Backend, done: Job, failed: Job) -> None:
        """Several threads may ask at once."""
        refs = [done.ref, failed.ref]
        with ThreadPoolExecutor(4) as pool:
            states = list(pool.map(lambda _: list(backend.describe(refs)), range(8)))
            pages = list(pool.map(lambda _: backend.logs(done.ref), range(8)))

        assert all(each == states[0] for each in states)
        assert all(each == pages[0] for each in pages)
