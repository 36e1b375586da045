"""Registering models over a bad line, and on a platform that takes its time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from attrs import evolve

from anyfit.backend import Capabilities, ModelInfo, ModelRef, ModelStatus
from anyfit.errors import AnyfitError, AuthError, NotFinished, ServiceError
from anyfit.job import Job
from anyfit.spec import ModelSpec
from anyfit.testing import Bench
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings

LOST = ServiceError("no answer came")
MODEL = "import os; open(os.path.join(os.environ['ANYFIT_MODEL_DIR'], 'm'), 'w').close()"


class Far(LocalBackend):
    """The local backend, far away: requests and answers get lost, and models take their time."""

    before: AnyfitError | None = None  # the request does not arrive
    after: AnyfitError | None = None  # it arrives, the answer does not
    silent_after: int | None = None  # so many looks are answered
    states: tuple[ModelStatus, ...] = ()  # of the newest version, look by look
    looks_for: tuple[str, ...] = ("inference.py",)
    registered: ModelSpec | None = None

    @property
    def capabilities(self) -> Capabilities:
        return evolve(super().capabilities, handlers=self.looks_for)

    def register(self, spec: ModelSpec) -> ModelRef:
        self.registered = spec
        if self.before:
            raise self.before
        ref = super().register(spec)
        if self.after:
            raise self.after
        return ref

    def models(self, name: str = "") -> Sequence[ModelInfo]:
        if self.silent_after is not None:
            self.silent_after -= 1
            if self.silent_after < 0:
                raise ServiceError("still no answer")
        found = super().models(name)
        if not found or not self.states:
            return found
        state, *rest = self.states
        self.states = tuple(rest)
        return [evolve(found[0], status=state, reason="bad files"), *found[1:]]


@pytest.fixture
def far(tmp_path: Path) -> Far:
    """A backend where all is well so far."""
    return Far(Settings(), tmp_path / "local")


@pytest.fixture
def bench(far: Far, tmp_path: Path) -> Iterator[Bench]:
    """A bench with it."""
    bench = Bench(far, tmp_path / "bench")
    yield bench
    far.before = far.after = far.silent_after = None
    far.states = ()
    bench.close()


@pytest.fixture
def job(bench: Bench) -> Job:
    """A job with a model."""
    return bench.run(bench.spec(MODEL))


def test_the_answer_is_lost(far: Far, bench: Bench, job: Job) -> None:
    """A version whose answer is lost is known by not having been there before, and is made once."""
    first = bench.register(job, model_name="mine")
    far.after = LOST
    second = bench.register(job, model_name="mine")

    assert (first.version, second.version) == ("1", "2")
    assert [info.version for info in far.models("mine")] == ["2", "1"]
    assert bench.session.journal.models.abandoned() == []


def test_nobody_knows(far: Far, bench: Bench, job: Job) -> None:
    """A version that cannot be looked up either is looked up by the next client, whose user is told."""
    far.after, far.silent_after = LOST, 1
    with pytest.raises(ServiceError, match="no answer came") as caught:
        bench.register(job, model_name="mine")
    far.after = far.silent_after = None

    assert isinstance(caught.value.__cause__, ServiceError)
    (row,) = bench.session.journal.models.abandoned()
    assert (row.name, row.job) == ("mine", str(job.ref))
    bench.session._backends["local", ""] = far
    (told,) = bench.session.reconcile()
    assert told == "model mine was registered although its client ended; it is local://localhost/mine/1, version 1"
    assert bench.session.reconcile() == []


@pytest.mark.parametrize("fault", [LOST, AuthError("expired")])
def test_nothing_was_made(far: Far, bench: Bench, job: Job, fault: AnyfitError) -> None:
    """What was refused, or did not arrive, leaves nothing to be looked up."""
    far.before = fault
    with pytest.raises(type(fault)):
        bench.register(job, model_name="mine")

    assert bench.session.journal.models.abandoned() == []
    assert far.models() == []


def test_a_client_that_died_first(far: Far, bench: Bench, job: Job) -> None:
    """The next client tells of a version that was never asked for."""
    far.before, far.silent_after = LOST, 1
    with pytest.raises(ServiceError):
        bench.register(job, model_name="mine")
    far.before = far.silent_after = None
    bench.session._backends["local", ""] = far

    assert bench.session.reconcile() == ["model mine was never registered, its client ended first; register it again"]


def test_waiting(far: Far, bench: Bench, job: Job) -> None:
    """A version is waited for until it can be deployed, or its platform says why it cannot."""
    model = bench.register(job, model_name="m", wait=False)
    far.states, model.status = (ModelStatus.PREPARING, ModelStatus.UNKNOWN), ModelStatus.PREPARING
    model.wait()

    assert not far.states and model.status == ModelStatus.READY
    far.states, model.status = (ModelStatus.PREPARING, ModelStatus.FAILED), ModelStatus.PREPARING
    with pytest.raises(ServiceError, match="model m:1 is FAILED: bad files") as caught:
        model.wait()
    assert "anyfit models delete m:1" in caught.value.hint
    far.states, model.status = (ModelStatus.PREPARING,), ModelStatus.PREPARING
    with pytest.raises(NotFinished, match="still PREPARING"):
        model.wait(timeout=-1)


def test_handler_that_the_backend_looks_for(far: Far, bench: Bench) -> None:
    """Where none is named, the first of the backend's handlers that the job's code has goes with the model."""
    job = bench.run(bench.spec(MODEL, handler="def model_fn(folder): return 1\n"))
    found = []
    for names in (("inference.py",), ("no.py", "train.py", "inference.py"), ("no.py",)):
        far.looks_for = names
        bench.register(job)
        assert far.registered is not None
        found.append((far.registered.entry_point, far.registered.code is not None))

    assert found == [("inference.py", True), ("train.py", True), ("", False)]
