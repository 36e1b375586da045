"""Bringing uploads and inputs to a backend's store, and keeping its catalog."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from attrs import evolve

from anyfit.backend import Backend, Capabilities, Catalog, Match, Note, Offering, Plan, Upload
from anyfit.config import Config
from anyfit.errors import AnyfitError, AuthError, ConfigError, NotFound, SpecError, StorageError
from anyfit.inputs import has_to_move, measured
from anyfit.offers import catalog_of, kept_catalog
from anyfit.session import Session
from anyfit.show import plan_lines
from anyfit.spec import Channel, JobSpec
from anyfit.stage import check_inputs, stage, with_what_is_there
from anyfit.storage import Entry, Page, Store, Uri, open_store
from anyfit.submission import make_plan, outline

MACHINE = Offering(spec_id="m", cpus=1, memory_gib=1)


class Remote(Backend):
    """A backend whose jobs read no file of this machine; its store is a folder all the same."""

    name = "remote"

    def __init__(self, *catalogs: Catalog, keep: float = 60.0, place: str = "") -> None:
        self.catalogs = list(catalogs) or [Catalog((MACHINE,))]
        self.asked = 0
        self.keep = keep
        self._place = place

    @property
    def place(self) -> str:
        return self._place

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(schemes=("s3",), catalog_seconds=self.keep)

    def catalog(self) -> Catalog:
        self.asked += 1
        return self.catalogs[min(self.asked, len(self.catalogs)) - 1]

    def plan(self, spec: JobSpec, catalog: Catalog) -> Plan:
        from anyfit.catalog import choose

        return Plan(spec=spec, backend="remote", region="r", offering=choose(spec.instance_type, catalog.offerings))

    def store(self, uri: Uri) -> Store:
        return open_store(uri)

    submit = job_spec = describe = logs = artifacts = output_uri = stop = delete = find = list = None  # type: ignore[assignment]


class Closed(Remote):
    """The same without keys for the stores of others."""

    def store(self, uri: Uri) -> Store:
        if not uri.is_local:
            raise AuthError("no credentials")
        return open_store(uri)


class Holding(Remote):
    """The same with one bucket."""

    def __init__(self, kept: Store) -> None:
        super().__init__()
        self.kept = kept

    def store(self, uri: Uri) -> Store:
        return self.kept


def planned(*uploads: Upload) -> Plan:
    return Plan(spec=JobSpec(name="j"), backend="remote", region="r", offering=MACHINE, uploads=uploads)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A session with a home of its own."""
    return Session(Config(environ={"ANYFIT_HOME": str(tmp_path / "home")}))


def tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


class Kept(Store):
    """A bucket of a few keys, or one that does not let us in; it counts how often it is asked."""

    scheme, bucket = "s3", "b"

    def __init__(self, *keys: str, fault: AnyfitError | None = None) -> None:
        self.keys, self.fault, self.asked = keys, fault, 0

    def list_page(self, prefix: str = "", *, token: str = "", delimiter: bool = False, limit: int = 1000) -> Page:
        self.asked += 1
        if self.fault:
            raise self.fault
        now = datetime.now(timezone.utc)
        return Page(tuple(Entry(key, 1, now) for key in self.keys if key.startswith(prefix))[:limit])

    stat = open = put = delete = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("uri", "kept", "asked"),
    [
        ("s3://b/data/", Kept("data/a"), 1),
        ("s3://b/data", Kept("data/a"), 1),
        ("s3://b/data/", Kept(fault=AuthError("you may not look", status="AccessDenied")), 1),
        ("s3://b/data/", Kept(fault=StorageError("not now")), 1),
        ("obs://b/data/", Kept(), 0),
        ("file:///data/", Kept(), 0),
    ],
)
def test_inputs_that_may_be_there(uri: str, kept: Kept, asked: int) -> None:
    """Only what lies in the backend's own store is looked for, by one key; where nobody tells, it may be there."""
    check_inputs(Holding(kept), JobSpec(name="j", inputs={"train": Channel(uri=uri)}))

    assert kept.asked == asked


@pytest.mark.parametrize("kept", [Kept("datum/a"), Kept(fault=NotFound("no such bucket"))])
def test_inputs_that_are_not_there(kept: Kept) -> None:
    """An input that is not there is refused by its name, with a place to look at."""
    with pytest.raises(NotFound) as caught:
        check_inputs(Holding(kept), JobSpec(name="j", inputs={"train": Channel(uri="s3://b/data/x/")}))

    assert caught.value.message == "inputs.train: there is nothing at s3://b/data/x/"
    assert "anyfit ls s3://b/data/" in caught.value.hint


@pytest.mark.parametrize(
    "fault", [AuthError("s3://b: no credentials", hint="give"), ConfigError("no region", hint="give")]
)
def test_inputs_that_nobody_can_ask_for(fault: AnyfitError) -> None:
    """Where no service was asked, for keys or settings are missing, that is said before a job runs for it."""
    with pytest.raises(type(fault)) as caught:
        check_inputs(Holding(Kept(fault=fault)), JobSpec(name="j", inputs={"train": Channel(uri="s3://b/data/x/")}))

    assert (caught.value.message, caught.value.hint) == (f"inputs.train: {fault.message}", "give")


def test_uploads(tmp_path: Path) -> None:
    """Files, texts and whole folders come to their targets; the second time nothing is sent."""
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "a.txt").write_text("alpha")
    (tmp_path / "data" / "b.txt").write_text("b")
    (tmp_path / "one.bin").write_text("12345678")
    target = (tmp_path / "store").as_uri()
    plan = planned(
        Upload(target=f"{target}/code/one.bin", source=str(tmp_path / "one.bin"), size=8),
        Upload(target=f"{target}/code/job.json", content=b"{}", kind="job"),
        Upload(target=f"{target}/inputs/x/", source=f"{(tmp_path / 'data').as_uri()}/", kind="input"),
        Upload(target=f"{target}/inputs/y/", source=(tmp_path / "one.bin").as_uri(), kind="input"),
    )
    first, second = stage(Remote(), plan), stage(Remote(), plan)

    assert tree(tmp_path / "store") == {
        "code/job.json": "{}",
        "code/one.bin": "12345678",
        "inputs/x/b.txt": "b",
        "inputs/x/deep/a.txt": "alpha",
        "inputs/y/one.bin": "12345678",
    }
    assert first.startswith("4 uploads, 24 B")
    assert "3 there already" in second


def test_what_is_there_already(tmp_path: Path) -> None:
    """A plan tells what of its inputs need not move any more; where the store does not answer, that stays open."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("alpha")
    (tmp_path / "data" / "b.txt").write_text("b")
    source, target = f"{(tmp_path / 'data').as_uri()}/", (tmp_path / "store").as_uri()
    plan = planned(
        Upload(target=f"{target}/inputs/x/", source=source, kind="input", size=6),
        Upload(target="s3://b/inputs/x/", source=source, kind="input", size=6),
        Upload(target=f"{target}/inputs/y/", source=source, kind="input"),
        Upload(target=f"{target}/job.json", content=b"{}", kind="job"),
    )
    backend = Closed()
    assert [upload.there for upload in with_what_is_there(backend, plan).uploads] == [0, None, None, None]
    (tmp_path / "store/inputs/x").mkdir(parents=True)
    (tmp_path / "store/inputs/x/a.txt").write_text("alpha")
    some = with_what_is_there(backend, plan)
    stage(Remote(), planned(plan.uploads[0]))
    everything = with_what_is_there(backend, plan)

    assert [upload.there for upload in some.uploads] == [5, None, None, None]
    assert f"upload   input (6 B, 5 B there already) to {target}/inputs/x/" in plan_lines(some)
    assert f"upload   input (6 B, all there already) to {target}/inputs/x/" in plan_lines(everything)
    assert f"upload   input (6 B) to {target}/inputs/x/" in plan_lines(plan)


def test_an_input_that_nobody_can_look_at(session: Session, tmp_path: Path) -> None:
    """A plan names the input, and goes on with what can be told; the machines have nothing to do with it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("alpha")
    inputs = {"near": Channel(uri=f"{(tmp_path / 'data').as_uri()}/"), "far": Channel(uri="obs://b/data/")}
    spec = JobSpec(name="j", entry_point="t.py", inputs=inputs)
    plan = outline(session, Closed(), spec)

    assert plan.notes == (Note("inputs.far", Match.NEAR, "nobody could look how much it is: no credentials"),)
    assert plan.spec.inputs["near"].size == 5
    with pytest.raises(AuthError, match=r"^inputs\.far: no credentials"):
        make_plan(session, Closed(), spec)


def test_missing_source(tmp_path: Path) -> None:
    """A source that has gone meanwhile is an error, not a job without data."""
    upload = Upload(target=(tmp_path / "t").as_uri(), source=f"{tmp_path.as_uri()}/gone/", kind="input")
    with pytest.raises((StorageError, LookupError)):
        stage(Remote(), planned(upload))


def test_measuring(tmp_path: Path) -> None:
    """What has to move is measured, and its name is its content; what the jobs can read is left alone."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("same")
    spec = JobSpec(
        name="j",
        inputs={
            "one": Channel(uri=f"{(tmp_path / 'one').as_uri()}/"),
            "two": Channel(uri=f"{(tmp_path / 'two').as_uri()}/"),
            "there": Channel(uri="s3://b/k/"),
        },
    )
    found = measured(spec, Remote()).inputs

    assert (found["one"].size, found["one"].files) == (4, 1)
    assert found["one"].digest == found["two"].digest != ""
    assert found["there"] is spec.inputs["there"]
    (tmp_path / "two" / "a.txt").write_text("else")
    assert measured(spec, Remote()).inputs["two"].digest != found["two"].digest
    assert has_to_move(spec.inputs["one"], ("s3", "obs"))


def test_empty_input(tmp_path: Path) -> None:
    """An input without a file is refused by its name."""
    (tmp_path / "none").mkdir()
    spec = JobSpec(name="j", inputs={"train": Channel(uri=f"{(tmp_path / 'none').as_uri()}/")})
    with pytest.raises(SpecError, match=r"inputs\.train"):
        measured(spec, Remote())


def test_catalog_is_kept(tmp_path: Path) -> None:
    """A catalog is asked for once as long as it is young, for each place; `refresh` asks anew."""
    backend = Remote()
    first = catalog_of(tmp_path, backend)

    assert catalog_of(tmp_path, backend) == first
    assert backend.asked == 1
    assert kept_catalog(tmp_path, Remote(place="another account")) is None
    catalog_of(tmp_path, backend, refresh=True)
    assert backend.asked == 2


@pytest.mark.parametrize("text", ["", "{", '{"offerings": [{}]}', "{}"])
def test_damaged_catalog(tmp_path: Path, text: str) -> None:
    """A file that makes no sense is asked for anew."""
    backend = Remote()
    catalog_of(tmp_path, backend)
    (path,) = (path for path in tmp_path.rglob("*.json"))
    path.write_text(text)

    assert catalog_of(tmp_path, backend).offerings == (MACHINE,)
    assert backend.asked == 2


def test_old_catalog(tmp_path: Path) -> None:
    """A catalog that is too old is asked for anew; a backend that keeps none is asked each time."""
    old = Catalog((MACHINE,), as_of=datetime.now(timezone.utc) - timedelta(seconds=61))
    backend, fresh = Remote(old), Remote(keep=0)
    for _ in range(2):
        catalog_of(tmp_path, backend)
        catalog_of(tmp_path, fresh)

    assert (backend.asked, fresh.asked) == (2, 2)


def test_new_machine(session: Session) -> None:
    """What a kept catalog does not have is looked for in a new one before it is refused."""
    newer = Catalog((MACHINE, evolve(MACHINE, spec_id="new")))
    backend = Remote(Catalog((MACHINE,)), newer)
    spec = JobSpec(name="j", entry_point="t.py", instance_type="m")

    assert make_plan(session, backend, spec).offering.spec_id == "m"
    assert make_plan(session, backend, evolve(spec, instance_type="new")).offering.spec_id == "new"
    assert backend.asked == 2
    with pytest.raises(SpecError):
        make_plan(session, backend, evolve(spec, instance_type="newer"))
