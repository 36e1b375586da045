"""Submitting over a bad line: the journal says what is certain, and no more."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from anyfit import intents
from anyfit.backend import Capabilities, EndpointRef, Feature, JobRef, Plan, Status
from anyfit.codec import dumps
from anyfit.console import Console
from anyfit.errors import (
    AnyfitError,
    AuthError,
    Conflict,
    LostAnswer,
    NotFound,
    ServiceError,
    SpecError,
    StorageError,
    Unsupported,
    UsageError,
)
from anyfit.estimator import Estimator
from anyfit.job import find_job
from anyfit.model import find_model
from anyfit.predictor import deploy_endpoint, find_endpoint
from anyfit.session import Session
from anyfit.spec import EndpointSpec, JobSpec, Variant
from anyfit.submission import check_spec, submit
from anyfit.testing import Bench
from anyfit.training import start
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings

if TYPE_CHECKING:
    from anyfit.storage import Store, Uri

LOST = ServiceError("no answer came")
MODEL = "import os; open(os.path.join(os.environ['ANYFIT_MODEL_DIR'], 'm'), 'w').close()"
HANDLER = """
def model_fn(model_dir):
    return None

def predict_fn(data, model):
    return data
"""
DIE = """
import sys
from anyfit.backend import Plan
from anyfit.codec import loads
from anyfit.journal import Journal
Journal(sys.argv[1]).intend(loads(Plan, sys.stdin.read()), "", "")
"""


class BadLine(LocalBackend):
    """The local backend behind a line that fails at chosen moments."""

    before: BaseException | None = None  # the request does not arrive
    after: BaseException | None = None  # it arrives, the answer does not
    looking: AnyfitError | None = None
    storing: BaseException | None = None
    requests = 0

    def store(self, uri: Uri) -> Store:
        if self.storing:
            raise self.storing
        return super().store(uri)

    def submit(self, plan: Plan) -> JobRef:
        self.requests += 1
        if self.before:
            raise self.before
        ref = super().submit(plan)
        if self.after:
            raise self.after
        return ref

    def find(self, key: str) -> JobRef | None:
        if self.looking:
            raise self.looking
        return super().find(key)

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        self.requests += 1
        if self.before:
            raise self.before
        ref = super().deploy(spec)
        if self.after:
            raise self.after
        return ref

    def find_endpoint(self, name: str) -> EndpointRef | None:
        if self.looking:
            raise self.looking
        return super().find_endpoint(name)


@pytest.fixture
def line(tmp_path: Path) -> BadLine:
    """A line that is good so far."""
    return BadLine(Settings(), tmp_path / "local")


@pytest.fixture
def bench(line: BadLine, tmp_path: Path) -> Iterator[Bench]:
    """A bench at the end of the line."""
    bench = Bench(line, tmp_path / "bench")
    yield bench
    line.looking = line.before = line.after = line.storing = None
    bench.close()


def rows(bench: Bench) -> list[tuple[str, bool]]:
    """What the journal says: keys, and whether it knows where the jobs are."""
    return [(row.key, bool(row.ref)) for row in bench.session.journal.jobs()]


def test_the_answer_is_lost(line: BadLine, bench: Bench) -> None:
    """A request whose answer is lost is looked up by name, and not sent again."""
    line.after = LOST
    job = bench.start(bench.spec("print('ran')", name="mine"))
    bench.wait(job)

    assert line.requests == 1
    assert bench.lines(job) == ["ran"]
    assert rows(bench) == [("mine", True)]


def test_the_request_is_lost(line: BadLine, bench: Bench) -> None:
    """A request that did not arrive is an error, and the name is free for another try."""
    line.before = LOST
    with pytest.raises(ServiceError, match="no answer came"):
        bench.start(bench.spec("print('ran')", name="mine"))

    assert rows(bench) == []
    line.before = None
    bench.run(bench.spec("print('ran')", name="mine"))
    assert line.requests == 2


def test_nobody_knows(line: BadLine, bench: Bench) -> None:
    """While nobody can tell whether the request arrived, the intent stays and nothing is sent again."""
    line.after, line.looking = ServiceError("no answer came"), ServiceError("still no answer")
    with pytest.raises(ServiceError, match="no answer came") as caught:
        bench.start(bench.spec("print('ran')", name="mine"))

    assert caught.value.__cause__ is line.looking
    assert "it is looked up before anything is sent" in caught.value.hint
    assert rows(bench) == [("mine", False)]
    with pytest.raises(ServiceError, match="still no answer"):
        bench.start(bench.spec("print('ran')", name="mine"))
    assert rows(bench) == [("mine", False)]
    assert line.requests == 1
    line.looking = None
    ref = line.find("mine")
    assert ref is not None
    line.delete(ref)


def test_trying_again_what_had_arrived(line: BadLine, bench: Bench) -> None:
    """Who tries again once the line is good is told that the job is there, and it is no longer lost."""
    line.after, line.looking = ServiceError("no answer came"), ServiceError("still no answer")
    with pytest.raises(ServiceError):
        bench.start(bench.spec("print('ran')", name="mine"))
    line.after = line.looking = None
    with pytest.raises(Conflict):
        bench.start(bench.spec("print('ran')", name="mine"))

    assert rows(bench) == [("mine", True)]
    assert line.requests == 1
    job = find_job(bench.session, "mine")
    bench.wait(job)
    assert bench.lines(job) == ["ran"]


def test_trying_again_what_had_not_arrived(line: BadLine, bench: Bench) -> None:
    """Who tries again once the line is good gets the job that never arrived."""
    line.before, line.looking = ServiceError("no answer came"), ServiceError("still no answer")
    with pytest.raises(ServiceError):
        bench.start(bench.spec("print('ran')", name="mine"))
    line.before = line.looking = None
    bench.run(bench.spec("print('ran')", name="mine"))

    assert rows(bench) == [("mine", True)]


def test_an_interrupted_client_says_so(line: BadLine, bench: Bench, tmp_path: Path) -> None:
    """Ctrl-C while the request is under way does not look as if nothing had happened."""
    (tmp_path / "train.py").write_text("print('ran')")
    estimator = Estimator(entry_point=tmp_path / "train.py")
    estimator._session = bench.session
    line.before = KeyboardInterrupt()
    talk = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        start(estimator, None, job_name="mine", version_of=None, console=Console(talk=talk))

    told = "anyfit: interrupted; job mine may have been started all the same: anyfit jobs tells\n"
    assert talk.getvalue().endswith(told)


@pytest.mark.parametrize("arrived", [True, False])
def test_an_interrupted_client_goes_on(line: BadLine, bench: Bench, arrived: bool) -> None:
    """Ctrl-C while the request is under way leaves the name to whoever tries again, in the same process or another."""
    line.after, line.before = (KeyboardInterrupt(), None) if arrived else (None, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.start(bench.spec("print('ran')", name="mine"))

    assert [row.key for row in bench.session.journal.abandoned()] == ["mine"]
    line.after = line.before = None
    if arrived:
        with pytest.raises(Conflict):
            bench.start(bench.spec("print('ran')", name="mine"))
        bench.wait(find_job(bench.session, "mine"))
    else:
        bench.run(bench.spec("print('ran')", name="mine"))
    assert rows(bench) == [("mine", True)]


def test_an_intent_that_was_only_written(line: BadLine, bench: Bench) -> None:
    """An intent of this process that nobody is at, because Ctrl-C came right after it, is no reason to refuse."""
    plan = bench.plan(bench.spec("print('ran')", name="mine"))
    bench.session.journal.intend(plan, "", "")
    bench.run(plan.spec)

    assert rows(bench) == [("mine", True)]


def test_two_threads_with_one_name(line: BadLine, bench: Bench) -> None:
    """A thread that is about to submit a job is left alone by another that wants the same name."""
    spec = bench.spec("print('ran')", name="mine")
    inside, goon = threading.Event(), threading.Event()

    class Slow(BadLine):
        def submit(self, plan: Plan) -> JobRef:
            inside.set()
            assert goon.wait(30)
            return super().submit(plan)

    slow = Slow(Settings(), line.home.path.parent)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(submit, bench.session, slow, bench.plan(spec), lambda *_: None)
        assert inside.wait(30)
        with pytest.raises(Conflict):
            bench.start(spec)
        goon.set()
        bench.wait(first.result())

    assert rows(bench) == [("mine", True)]


def test_another_client_dies_over_the_name(line: BadLine, bench: Bench) -> None:
    """A name that a client died over is free for the next one, which looks it up first."""
    plan = bench.plan(bench.spec("print('ran')", name="mine"))
    subprocess.run([sys.executable, "-c", DIE, str(bench.folder / "home")], input=dumps(plan), text=True, check=True)
    bench.run(plan.spec)

    assert rows(bench) == [("mine", True)]


def endpoints(bench: Bench) -> list[tuple[str, bool]]:
    """The same of endpoints."""
    return [(row.name, bool(row.ref)) for row in bench.session.journal.endpoints()]


def served(bench: Bench) -> Variant:
    """A model to deploy."""
    return bench.variant(bench.register(bench.run(bench.spec(MODEL, handler=HANDLER))))


def test_the_answer_of_a_deployment_is_lost(line: BadLine, bench: Bench) -> None:
    """An endpoint whose answer is lost is looked up by name, and gone on with."""
    variant = served(bench)
    line.after = LOST
    predictor = bench.deploy(variant, name="mine")

    assert predictor.predict([1]) == [1]
    assert endpoints(bench) == [("mine", True)]


def test_a_deployment_that_nobody_knows_of(line: BadLine, bench: Bench) -> None:
    """An endpoint that cannot be looked up either stays open, and is looked up by who tries again."""
    variant = served(bench)
    line.before, line.looking = ServiceError("no answer came"), ServiceError("still no answer")
    with pytest.raises(ServiceError, match="no answer came") as caught:
        bench.deploy(variant, name="mine")

    assert caught.value.__cause__ is line.looking
    assert endpoints(bench) == [("mine", False)]
    with pytest.raises(ServiceError, match="still no answer"):
        bench.deploy(variant, name="mine")
    line.before = line.looking = None
    bench.deploy(variant, name="mine")
    assert endpoints(bench) == [("mine", True)]


def test_an_answer_that_is_long_in_coming(line: BadLine, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a slow service makes after the answer was given up is waited for a little, and then left open."""
    monkeypatch.setattr(intents, "_PAUSES", (0.0, 0.0, 0.0))
    looks: list[str] = []

    def find(key: str) -> JobRef | None:
        looks.append(key)
        return LocalBackend.find(line, key) if len(looks) == 3 else None

    monkeypatch.setattr(line, "find", find)
    line.after = LostAnswer("the answer was lost")
    job = bench.start(bench.spec("print('here')", name="slow"))
    assert (looks, rows(bench)) == (["slow"] * 3, [("slow", True)])
    bench.wait(job)

    looks.clear()
    line.after, line.before = None, LostAnswer("the answer was lost")
    with pytest.raises(LostAnswer, match="the answer was lost"):
        bench.start(bench.spec("pass", name="never"))
    assert rows(bench)[0] == ("never", False)  # it may come yet
    line.before = None
    monkeypatch.setattr(line, "find", lambda key: LocalBackend.find(line, key))
    assert bench.run(bench.spec("pass", name="never")).state.status == Status.SUCCEEDED


def test_an_intent_of_another_account(line: BadLine, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An intent is not looked up where it was not asked for: nothing there would mean nothing."""
    plan = bench.plan(bench.spec("pass", name="mine"))
    bench.session.journal.intend(plan, "", "alice@north")
    bench.session.journal.leave("local", "mine", "alice@north")
    bench.session._backends["local", ""] = line
    monkeypatch.setattr(BadLine, "place", "bob@north")

    (told,) = bench.session.reconcile()
    assert told == (
        "could not find out whether job mine was started: it was asked of alice@north, and local is set to bob@north"
    )
    assert rows(bench) == [("mine", False)]


def test_a_reference_of_another_region(line: BadLine, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same id may be another thing elsewhere: it is neither looked at nor touched."""
    bench.session._backends["local", ""] = line
    monkeypatch.setattr(BadLine, "region", "north")
    looks: list[Any] = [find_job, find_endpoint, find_model]
    for look in looks:
        with pytest.raises(UsageError, match=r"local://south/1 is in the region south, and local is set to north"):
            look(bench.session, "local://south/1")


def test_a_profile_of_the_references_region(line: BadLine, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose profile has moved to another region is reached with a profile of its own region."""
    job = bench.run(bench.spec("print('hello')", name="mine"))
    moved, here = BadLine(Settings(), bench.folder / "moved"), line
    monkeypatch.setattr(BadLine, "region", property(lambda self: "south" if self is moved else "localhost"))
    session = Session(bench.session.config)
    session.journal = bench.session.journal
    session._backends.update({("local", "then"): moved, ("local", ""): here})
    session.journal.forget(job.ref, "")
    session.journal.adopt(job.spec, job.ref, "then", "")

    found = find_job(session, "mine")
    assert found.backend is here and found.session.profile == ""
    assert [text.text for text in found.logs()] == ["hello"]


def test_a_deployment_is_lost_or_refused(line: BadLine, bench: Bench) -> None:
    """An endpoint that was refused, or whose request did not arrive, leaves its name free."""
    spec = EndpointSpec(name="mine", variants=(Variant(model="local://localhost/m/1"),))
    for fault in (ServiceError("no answer came"), AuthError("expired")):
        line.before = fault
        with pytest.raises(type(fault)):
            deploy_endpoint(bench.session, line, spec, job="", wait=False)

        assert endpoints(bench) == []


@pytest.mark.parametrize("refusal", [SpecError("no such queue"), AuthError("expired"), NotFound("no such bucket")])
def test_refusals(line: BadLine, bench: Bench, refusal: AnyfitError) -> None:
    """A clear refusal frees the name."""
    line.before = refusal
    with pytest.raises(type(refusal)):
        bench.start(bench.spec("pass"))

    assert rows(bench) == []


def test_staging_fails(line: BadLine, bench: Bench) -> None:
    """When the code cannot be brought to its place nothing is requested, and the name is free."""
    line.storing = StorageError("the bucket is gone")
    with pytest.raises(StorageError):
        bench.start(bench.spec("pass"))

    assert rows(bench) == []
    assert line.requests == 0


class Little(LocalBackend):
    """A local backend that can do as little as possible."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(missing=dict.fromkeys(Feature, "the moon is full"), max_code_mib=1)


@pytest.mark.parametrize(
    "change",
    [
        {"image": "registry/image:1"},
        {"framework": "pytorch"},
        {"instance_count": 2},
        {"version": 2},
        {"checkpoint_path": "s3://b/k/"},
    ],
    ids=str,
)
def test_what_a_backend_cannot(tmp_path: Path, change: dict[str, object]) -> None:
    """What a backend lacks is refused with its reason before anything is packed or sent."""
    little = Little(Settings(), tmp_path)

    check_spec(JobSpec(name="mine"), little)
    with pytest.raises(Unsupported, match="the moon is full"):
        check_spec(evolve(JobSpec(name="mine"), **change), little)  # type: ignore[arg-type]


def test_too_much_code(tmp_path: Path, bench: Bench) -> None:
    """A bundle over the cap is refused with its largest files."""
    spec = bench.spec("pass")
    assert spec.code is not None
    large = evolve(spec, code=evolve(spec.code, size=3 * 1024**2, largest=(("weights.bin", 2 * 1024**2),)))

    with pytest.raises(SpecError, match=r"^source_dir: the code is 3\.0 MiB packed, local takes 1 MiB") as caught:
        check_spec(large, Little(Settings(), tmp_path))
    assert "weights.bin (2.0 MiB)" in caught.value.hint


@pytest.mark.parametrize("field", ["output_path", "checkpoint_path"])
def test_a_place_that_nothing_stores(field: str, tmp_path: Path) -> None:
    """A URI of an unknown scheme is refused before anything runs for it, with what there is."""
    place: dict[str, Any] = {field: "s4://bucket/x/"}
    spec = evolve(JobSpec(name="j", entry_point="t.py"), **place)
    with pytest.raises(SpecError, match=f"{field}: nothing stores s4://") as caught:
        check_spec(spec, LocalBackend(Settings(), tmp_path))

    assert "s3" in caught.value.hint
