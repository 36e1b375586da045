"""Submitting over a bad line: the journal says what is certain, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from anyfit.backend import Capabilities, Feature, JobRef, Plan
from anyfit.errors import AnyfitError, AuthError, Conflict, NotFound, ServiceError, SpecError, StorageError, Unsupported
from anyfit.spec import JobSpec
from anyfit.submission import check_spec
from anyfit.testing import Bench
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings

if TYPE_CHECKING:
    from anyfit.storage import Store, Uri

LOST = ServiceError("no answer came")


class BadLine(LocalBackend):
    """The local backend behind a line that fails at chosen moments."""

    before: AnyfitError | None = None  # the request does not arrive
    after: AnyfitError | None = None  # it arrives, the answer does not
    looking: AnyfitError | None = None
    storing: AnyfitError | None = None
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
    """While nobody can tell whether the request arrived, the intent stays, and the name stays taken."""
    line.after, line.looking = LOST, ServiceError("still no answer")
    with pytest.raises(ServiceError, match="still no answer"):
        bench.start(bench.spec("print('ran')", name="mine"))

    assert rows(bench) == [("mine", False)]
    with pytest.raises(Conflict):
        bench.start(bench.spec("print('ran')", name="mine"))
    assert line.requests == 1
    line.looking = None
    ref = line.find("mine")
    assert ref is not None
    line.delete(ref)


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
