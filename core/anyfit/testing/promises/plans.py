"""Promises of `capabilities`, `catalog` and `plan`."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from attrs import evolve

from anyfit.backend import Backend, Feature, Plan
from anyfit.codec import dumps, loads, to_data
from anyfit.errors import SpecError, Unsupported
from anyfit.names import timestamped
from anyfit.spec import JobSpec
from anyfit.testing import scripts
from anyfit.testing.bench import Bench
from anyfit.testing.promises.suite import HYPERPARAMETERS, Suite
from anyfit.testing.purity import looks_outside

__all__ = ["PlanPromises"]


def _rich(bench: Bench) -> JobSpec:
    return bench.spec(
        scripts.REPORT,
        hyperparameters=HYPERPARAMETERS,
        environment={"CONTRACT_TEXT": "x"},
        inputs={"train": bench.channel({"a.txt": "first", "deep/b.txt": "second"})},
        metric_definitions={"loss": r"loss=([0-9.]+)"},
        description="from the contract suite",
        tags={"made-by": "anyfit"},
        max_run=3600,
    )


class PlanPromises(Suite):
    """What a backend says before anything is sent."""

    def test_capabilities_are_sound(self, backend: Backend) -> None:
        """Every missing feature has a reason, and the numbers make sense."""
        can = backend.capabilities

        assert all(isinstance(feature, Feature) and reason for feature, reason in can.missing.items())
        assert can.poll_seconds > 0
        assert can.max_code_mib > 0
        assert can.name_rule
        assert can.schemes

    def test_generated_names_are_valid(self, backend: Backend) -> None:
        """Names that anyfit makes up itself are names that the backend takes."""
        name = timestamped("a very long name of a training script, " * 3, datetime.now(timezone.utc))

        assert re.fullmatch(backend.capabilities.name_pattern, name)

    def test_catalog_has_a_machine(self, backend: Backend) -> None:
        """The catalog offers a machine for training, each spec ID once, and no price without its currency."""
        offerings = backend.catalog().offerings

        assert any("train" in offer.tasks and offer.in_stock for offer in offerings)
        assert len({offer.spec_id for offer in offerings}) == len(offerings)
        assert all(offer.cpus > 0 and offer.memory_gib > 0 for offer in offerings)
        assert all(offer.currency for offer in offerings if offer.price is not None)

    def test_plan_is_pure(self, backend: Backend, bench: Bench) -> None:
        """Planning looks at nothing but its arguments, and equal arguments give equal plans."""
        spec, catalog = _rich(bench), backend.catalog()
        with looks_outside() as seen:
            first = backend.plan(spec, catalog)
            second = backend.plan(evolve(spec), evolve(catalog))

        assert seen == []
        assert first == second

    def test_plan_is_complete(self, backend: Backend, bench: Bench) -> None:
        """A plan says what was asked, where it would run, on which machine, and what would be sent."""
        spec, catalog = _rich(bench), backend.catalog()
        plan = backend.plan(spec, catalog)

        assert plan.spec == spec
        assert plan.backend == backend.name
        assert plan.region
        assert plan.offering.spec_id in {offer.spec_id for offer in catalog.offerings}
        assert plan.requests
        assert all(note.field and note.text for note in plan.notes)
        assert plan.cost_per_hour is None or plan.currency

    def test_plan_can_be_written_down(self, backend: Backend, bench: Bench) -> None:
        """A plan survives the journal: to text and back nothing is lost but the bytes of generated files."""
        plan = backend.plan(_rich(bench), backend.catalog())

        assert to_data(loads(Plan, dumps(plan))) == to_data(plan)

    def test_plan_holds_no_secret(self, backend: Backend, bench: Bench) -> None:
        """No secret that the backend was made with is in its plans or in its own words."""
        plan = backend.plan(_rich(bench), backend.catalog())
        shown = "\n".join((dumps(plan), repr(plan), repr(backend), repr(getattr(backend, "__dict__", ""))))

        assert not [secret for secret in self.secrets if secret in shown]

    def test_unknown_machine_is_refused(self, backend: Backend, bench: Bench) -> None:
        """An instance type that nobody offers is refused by its field, with a hint."""
        spec = bench.spec(scripts.REPORT, instance_type="gpu=NoSuchAccelerator:4096")
        with pytest.raises(SpecError, match=r"^instance_type: ") as caught:
            backend.plan(spec, backend.catalog())

        assert caught.value.hint

    def test_unknown_option_is_refused(self, backend: Backend, bench: Bench) -> None:
        """An option that the backend does not have is refused by its name."""
        spec = bench.spec(scripts.REPORT)
        spec = evolve(spec, options={**spec.options, "no_such_option": 1})
        with pytest.raises(SpecError, match="no_such_option"):
            backend.plan(spec, backend.catalog())

    def test_unknown_framework_is_refused(self, backend: Backend, bench: Bench) -> None:
        """Where the catalog lists frameworks, one that it does not list is refused by its field."""
        catalog = backend.catalog()
        if not catalog.frameworks:
            pytest.skip(f"{backend.name} lists no frameworks")
        spec = evolve(bench.spec(scripts.REPORT), image="", framework="no-such-framework", framework_version="")
        with pytest.raises(SpecError, match=r"^framework: "):
            backend.plan(spec, catalog)

    @pytest.mark.parametrize("name", ["", "with space", "slash/ed", "x" * 300])
    def test_impossible_names_are_refused(self, bench: Bench, name: str) -> None:
        """A name that no platform takes is refused before anything is sent."""
        with pytest.raises(SpecError, match=r"^job_name: "):
            bench.plan(evolve(bench.spec(scripts.REPORT), name=name))

    def test_missing_features_are_refused(self, backend: Backend, bench: Bench) -> None:
        """A job that asks for what the backend cannot do is refused with the reason that its capabilities give."""
        spec = bench.spec(scripts.REPORT)
        asking = {
            Feature.CUSTOM_IMAGE: evolve(spec, framework="", image="registry/image:1"),
            Feature.FRAMEWORKS: evolve(spec, image="", framework="pytorch"),
            Feature.MULTI_NODE: evolve(spec, instance_count=2),
            Feature.VERSIONS: evolve(spec, version=2),
            Feature.CHECKPOINTS: evolve(spec, checkpoint_path="file:///checkpoints/"),
        }
        for feature, reason in backend.capabilities.missing.items():
            if feature in asking:
                with pytest.raises(Unsupported, match=re.escape(reason)):
                    bench.plan(asking[feature])
