"""Promises about what reaches the script: the portable environment of anyfit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Backend, Feature, Status
from anyfit.codec import dumps
from anyfit.errors import SpecError, Unsupported
from anyfit.job import Job
from anyfit.launch.anyfit_launch import encode_arguments
from anyfit.testing import scripts
from anyfit.testing.bench import Bench
from anyfit.testing.promises.suite import HYPERPARAMETERS, Suite, needs

__all__ = ["ScriptPromises"]


class ScriptPromises(Suite):
    """A script finds the same world everywhere."""

    @pytest.fixture(scope="class")
    @classmethod
    def report(cls, bench: Bench, done: Job) -> dict[str, Any]:
        """What the script of `done` has found."""
        found = [line for line in bench.lines(done) if line.startswith("REPORT ")]
        assert len(found) == 1, "\n".join(bench.lines(done))
        report: dict[str, Any] = json.loads(found[0].removeprefix("REPORT "))
        return report

    def test_hyperparameters_keep_their_types(self, report: dict[str, Any]) -> None:
        """Every JSON value arrives as what it was."""
        assert json.dumps(report["hyperparameters"], sort_keys=True) == json.dumps(HYPERPARAMETERS, sort_keys=True)

    def test_arguments(self, report: dict[str, Any]) -> None:
        """Hyperparameters are arguments by the documented table, and the user's own arguments follow as they are."""
        assert report["arguments"] == [*encode_arguments("sagemaker", dict(HYPERPARAMETERS)), "--", "as it is"]

    def test_environment(self, report: dict[str, Any], done: Job) -> None:
        """The user's variables and the name of the job arrive."""
        assert report["environment"]["CONTRACT_TEXT"] == "x = 'y z'"
        assert report["environment"]["ANYFIT_JOB_BACKEND"] == done.ref.backend
        assert report["job"] == done.spec.key

    def test_inputs(self, report: dict[str, Any]) -> None:
        """Inputs are folders with everything that was passed; a single file is in a folder too."""
        assert report["inputs"] == {
            "train": {"a.txt": "first", "deep/b.txt": "second"},
            "test": {"single.txt": "alone"},
        }

    def test_aliases(self, report: dict[str, Any]) -> None:
        """Scripts that were written for SageMaker or TI find their variables too."""
        environment = report["environment"]

        assert json.loads(environment["SM_HPS"])["epochs"] == 3
        assert environment["SM_CHANNEL_TRAIN"] == environment["ANYFIT_CHANNEL_TRAIN"]
        assert environment["SM_MODEL_DIR"] == environment["TM_MODEL_DIR"] == environment["ANYFIT_MODEL_DIR"]

    def test_no_secret_arrives(self, report: dict[str, Any]) -> None:
        """No secret that the backend was made with reaches the script."""
        assert not [secret for secret in self.secrets if secret in json.dumps(report)]

    def test_secrets_of_the_job(
        self, backend: Backend, bench: Bench, elsewhere: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A secret of the job reaches its script and stands nowhere else; a platform without a place refuses it."""
        needs(backend, Feature.SECRETS)
        monkeypatch.setenv("CONTRACT_SECRET", "hush-5ac1")
        spec = bench.spec(scripts.PRIVATE, secrets={"TOKEN": "env:CONTRACT_SECRET"})
        try:
            plan = bench.plan(spec)
        except Unsupported as fault:
            assert fault.message.startswith("secrets.TOKEN: ")
            return
        job = bench.run(spec)

        assert "TOKEN has 9 characters" in bench.lines(job)
        assert "hush-5ac1" not in dumps(plan) and "hush-5ac1" not in dumps(elsewhere.backend.job_spec(job.ref))
        assert job.spec.secrets == {"TOKEN": "env:CONTRACT_SECRET"}
        monkeypatch.delenv("CONTRACT_SECRET")
        with pytest.raises(SpecError, match=r"^secrets\.TOKEN: .*CONTRACT_SECRET"):
            bench.start(evolve(spec, name=bench.name()))

    def test_nodes(self, backend: Backend, bench: Bench) -> None:
        """With several nodes each runs the script, knows its rank and the others, and says so under its number."""
        needs(backend, Feature.MULTI_NODE)
        job = bench.run(bench.spec(scripts.NODE, instance_count=2))

        assert job.state.status == Status.SUCCEEDED, bench.lines(job)
        for node in range(2):
            (line,) = (text for text in bench.lines(job, node) if text.startswith("NODE "))
            told = json.loads(line.removeprefix("NODE "))
            assert told["ANYFIT_NODE_RANK"] == str(node)
            assert told["ANYFIT_INSTANCE_COUNT"] == "2"
            assert told["ANYFIT_CURRENT_HOST"] == json.loads(told["ANYFIT_HOSTS"])[node]
            assert told["MASTER_ADDR"]

    def test_checkpoints(self, backend: Backend, bench: Bench, storage: str) -> None:
        """What one job leaves as its checkpoint, the next one with the same checkpoint path finds."""
        needs(backend, Feature.CHECKPOINTS)
        path = f"{storage}checkpoints/"
        for epoch in range(2):
            job = bench.run(bench.spec(scripts.CHECKPOINT, checkpoint_path=path))

            assert job.state.status == Status.SUCCEEDED, bench.lines(job)
            assert f"epoch {epoch}" in bench.lines(job)
