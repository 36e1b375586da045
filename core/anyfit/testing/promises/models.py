"""Promises about registered models."""

from __future__ import annotations

import pytest
from attrs import evolve

from anyfit.backend import Backend, Feature, ModelRef
from anyfit.errors import Unsupported
from anyfit.job import Job
from anyfit.spec import ModelSpec
from anyfit.storage import Uri
from anyfit.testing import scripts
from anyfit.testing.bench import Bench
from anyfit.testing.promises.suite import Suite, needs

__all__ = ["ModelPromises"]


class ModelPromises(Suite):
    """Models are versions under a name."""

    def test_versions_of_a_model(self, backend: Backend, bench: Bench, elsewhere: Bench, done: Job) -> None:
        """Registering a name again makes a new version; both are listed, the newest first."""
        needs(backend, Feature.MODELS)
        name = bench.name()
        first, second = bench.register(done, model_name=name), bench.register(done, model_name=name)
        infos = list(elsewhere.backend.models(name))

        assert [info.ref for info in infos] == [second.ref, first.ref]
        assert {info.name for info in infos} == {name}
        assert infos[0].version != infos[1].version
        assert {info.ref for info in infos} <= {info.ref for info in backend.models()}
        assert ModelRef.parse(str(first.ref)) == first.ref

    def test_deleted_model(self, backend: Backend, bench: Bench, done: Job) -> None:
        """A deleted version is gone, the others stay, and deleting it again is no error."""
        needs(backend, Feature.MODELS)
        name = bench.name()
        first, second = bench.register(done, model_name=name), bench.register(done, model_name=name)
        backend.delete_model(first.ref)
        backend.delete_model(first.ref)

        assert [info.ref for info in backend.models(name)] == [second.ref]

    def test_unknown_model(self, backend: Backend, bench: Bench, done: Job) -> None:
        """A name without models has none, and deleting what does not exist is fine."""
        needs(backend, Feature.MODELS)
        known = bench.register(done)
        backend.delete_model(evolve(known.ref, id=self.unknown_id))

        assert list(backend.models(bench.name())) == []
        assert [info.ref for info in backend.models(known.name)] == [known.ref]

    def test_model_of_files(self, backend: Backend, bench: Bench, storage: str) -> None:
        """Files that no job has left are a model too, with a handler of their own."""
        needs(backend, Feature.MODELS, Feature.ENDPOINTS)
        folder = f"{storage}{bench.name()}/"
        for name, content in (("model.json", b'{"factor": 3}'), ("parts/words.txt", b"one two")):
            uri = Uri.parse(f"{folder}{name}")
            backend.store(uri).put(uri.key, content)
        model = bench.register_files(folder, scripts.HANDLER)
        predictor = bench.deploy(bench.variant(model))

        assert predictor.predict([1, 2])["answer"] == [3, 6]
        assert [(info.ref, info.job) for info in backend.models(model.name)] == [(model.ref, "")]

    def test_missing_models_are_refused(self, backend: Backend, done: Job) -> None:
        """A backend without models refuses everything about them with its reason."""
        if backend.capabilities.can(Feature.MODELS):
            return
        reason = backend.capabilities.missing[Feature.MODELS]
        ref = ModelRef(backend.name, done.ref.region, self.unknown_id)
        spec = ModelSpec(name="model", artifact="file:///model/")
        for ask in (lambda: backend.register(spec), backend.models, lambda: backend.delete_model(ref)):
            with pytest.raises(Unsupported) as caught:
                ask()
            assert reason in caught.value.message
