"""What all promises are tried on: the fixtures that a backend supplies, and jobs that several tests look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest

from anyfit.backend import Backend, Feature
from anyfit.job import Job
from anyfit.testing import scripts
from anyfit.testing.bench import Bench

__all__ = ["HYPERPARAMETERS", "Suite", "needs"]

HYPERPARAMETERS: Mapping[str, Any] = {
    "epochs": 3,
    "rate": 0.5,
    "shuffle": True,
    "frozen": False,
    "resume": None,
    "words": "two words, 'quoted' \"twice\" & 学习",
    "layers": [64, 32.5, "x", None, True],
    "nested": {"a": {"b": [1, 2]}, "c": False},
}


def needs(backend: Backend, *features: Feature) -> None:
    """Skip the test, with the backend's own reason, unless it has the features."""
    for feature in features:
        if not backend.capabilities.can(feature):
            pytest.skip(f"{backend.name} has no {feature.value}: {backend.capabilities.missing[feature]}")


class Suite:
    """Settings and fixtures of the suite.

    Attributes:
        job_seconds: How long a small job may take from submitting to its end.
        endpoint_seconds: How long an endpoint may take to answer.
        job_fields: Fields that every job of the suite needs here, for instance `framework` or `options`.
        variant_fields: The same for every variant of an endpoint, for instance `instance_type`.
        tells_exit_codes: Whether states hold the script's exit code.
        shortest_max_run: The smallest `max_run`, in seconds, that is enforced; None when none is.
        unknown_id: An id that no job, model or endpoint has.
        secrets: The secrets that the backend was made with; none may turn up anywhere.
    """

    job_seconds: ClassVar[float] = 60.0
    endpoint_seconds: ClassVar[float] = 120.0
    job_fields: ClassVar[Mapping[str, Any]] = {}
    variant_fields: ClassVar[Mapping[str, Any]] = {}
    tells_exit_codes: ClassVar[bool] = True
    shortest_max_run: ClassVar[int | None] = 1
    unknown_id: ClassVar[str] = "no-such-thing"
    secrets: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls) -> Backend:
        """A backend that is ready to run jobs; every suite has to supply one."""
        raise NotImplementedError("supply a fixture `backend`, of the scope class and a class method")

    @pytest.fixture(scope="class")
    @classmethod
    def fresh_backend(cls, backend: Backend) -> Backend:
        """The same place as seen by another process: a new object, where the suite supplies one."""
        return backend

    @pytest.fixture(scope="class")
    @classmethod
    def storage(cls, backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> str:
        """URI of a folder, ending in `/`, that jobs here can read and write; a local one where that will do."""
        if "file" not in backend.capabilities.schemes:
            pytest.skip("the suite supplies no fixture `storage`, and jobs here reach no file of this machine")
        return f"{tmp_path_factory.mktemp('storage').as_uri()}/"

    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
        """Runs scripts on the backend."""
        bench = cls.bench_for(backend, tmp_path_factory)
        yield bench
        bench.close()

    @pytest.fixture(scope="class")
    @classmethod
    def elsewhere(cls, fresh_backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
        """A machine that never saw any of the jobs."""
        bench = cls.bench_for(fresh_backend, tmp_path_factory)
        yield bench
        bench.close()

    @pytest.fixture(scope="class")
    @classmethod
    def done(cls, bench: Bench) -> Job:
        """A job that has succeeded, and told and left everything that a job can."""
        spec = bench.spec(
            scripts.REPORT,
            handler=scripts.HANDLER,
            hyperparameters=HYPERPARAMETERS,
            arguments=("--", "as it is"),
            environment={"CONTRACT_TEXT": "x = 'y z'"},
            inputs={
                "train": bench.channel({"a.txt": "first", "deep/b.txt": "second"}),
                "test": bench.channel({"single.txt": "alone"}),
            },
            metric_definitions={"loss": r"loss=([0-9.]+)"},
            description="from the contract suite",
            tags={"made-by": "anyfit"},
        )
        return bench.run(spec)

    @pytest.fixture(scope="class")
    @classmethod
    def failed(cls, bench: Bench) -> Job:
        """A job whose script ended with 3."""
        return bench.run(bench.spec(scripts.FAIL))

    @classmethod
    def bench_for(cls, backend: Backend, folders: pytest.TempPathFactory) -> Bench:
        """A bench with the suite's settings."""
        return Bench(
            backend,
            folders.mktemp("bench"),
            job_seconds=cls.job_seconds,
            endpoint_seconds=cls.endpoint_seconds,
            job_fields=cls.job_fields,
            variant_fields=cls.variant_fields,
        )
