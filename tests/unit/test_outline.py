"""A plan without an account: from what the backend's package knows, and honest about it."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from attrs import evolve

from anyfit.backend import Catalog, Match, Offering
from anyfit.errors import AnyfitError, AuthError, ServiceError, SpecError
from anyfit.spec import JobSpec
from anyfit.submission import make_plan, outline
from anyfit.testing import Bench
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings

SHIPPED = Catalog(
    offerings=(Offering(spec_id="local", cpus=99, memory_gib=1),), as_of=datetime(2026, 11, 1, tzinfo=timezone.utc)
)


class Mute(LocalBackend):
    """A backend whose platform does not answer."""

    fault: AnyfitError = AuthError("no username is set")
    shipped: Catalog | None = SHIPPED

    def catalog(self) -> Catalog:
        raise self.fault

    def shipped_catalog(self) -> Catalog | None:
        return self.shipped


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with a mute backend."""
    return Bench(Mute(Settings(), tmp_path / "local"), tmp_path / "bench")


@pytest.fixture
def spec(bench: Bench) -> JobSpec:
    """A job."""
    return bench.spec("pass")


@pytest.mark.parametrize("fault", [AuthError("no username is set"), ServiceError("the host is unknown")])
def test_without_an_account(bench: Bench, spec: JobSpec, fault: AnyfitError) -> None:
    """The plan is made of the shipped list, and says so first, with its day and the reason; a fit still fails."""
    assert isinstance(bench.backend, Mute)
    bench.backend.fault = fault
    plan = outline(bench.session, bench.backend, spec)

    assert plan.offering == SHIPPED.offerings[0]
    assert (plan.notes[0].field, plan.notes[0].match) == ("instance_type", Match.NEAR)
    assert "2026-11-01" in plan.notes[0].text and fault.message in plan.notes[0].text
    with pytest.raises(type(fault)):
        make_plan(bench.session, bench.backend, spec)


def test_nothing_shipped(bench: Bench, spec: JobSpec) -> None:
    """A backend that ships no list says what is missing."""
    assert isinstance(bench.backend, Mute)
    bench.backend.shipped = None
    with pytest.raises(AuthError, match="no username is set"):
        outline(bench.session, bench.backend, spec)


def test_what_no_list_offers(bench: Bench, spec: JobSpec) -> None:
    """What is wrong with the job is told as always."""
    with pytest.raises(SpecError, match="instance_type"):
        outline(bench.session, bench.backend, evolve(spec, instance_type="nothing-like-it"))
