"""Promises about endpoints: making, asking, changing, pausing and removing them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Backend, EndpointRef, EndpointStatus, Feature, Named, Payload
from anyfit.errors import AnyfitError, Conflict, NotFound, PredictionError, Unsupported
from anyfit.job import Job
from anyfit.model import Model
from anyfit.predictor import Predictor
from anyfit.spec import EndpointSpec, Variant
from anyfit.testing.bench import Bench
from anyfit.testing.promises.suite import Suite, needs

__all__ = ["EndpointPromises"]

_JSON = "application/json"
_ENOUGH = 200


def _tags(predictor: Predictor, *, until: int, most: int = _ENOUGH) -> set[str]:
    """Which models answer, asked until so many different ones have, or often enough."""
    seen: set[str] = set()
    for _ in range(most):
        seen.add(predictor.predict([1])["tag"])
        if len(seen) == until:
            break
    return seen


def _log(backend: Backend, ref: EndpointRef, cursor: str = "") -> tuple[list[str], str]:
    """What an endpoint has said since that cursor, and the one after it."""
    lines: list[str] = []
    more = True
    while more:
        page = backend.endpoint_logs(ref, cursor)
        lines += [line.text for line in page.lines]
        cursor, more = page.cursor, page.more
    return lines, cursor


class EndpointPromises(Suite):
    """The life of an endpoint."""

    @pytest.fixture(scope="class")
    @classmethod
    def models(cls, backend: Backend, bench: Bench, done: Job) -> tuple[Model, Model]:
        """Two versions of a model that answer with different tags."""
        needs(backend, Feature.MODELS, Feature.ENDPOINTS)
        name = bench.name()
        tags = ({"CONTRACT_TAG": "first"}, {"CONTRACT_TAG": "second"})
        first, second = (bench.register(done, model_name=name, environment=tag) for tag in tags)
        return first, second

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls, bench: Bench, models: tuple[Model, Model]) -> Predictor:
        """An endpoint that nobody changes."""
        return bench.deploy(bench.variant(models[0]))

    def test_ready(self, backend: Backend, served: Predictor, models: tuple[Model, Model]) -> None:
        """An endpoint that is ready says so, in the platform's word too, and what it serves."""
        state = backend.endpoint(served.ref)

        assert state.status == EndpointStatus.READY
        assert state.native
        assert state.spec is None or [v.model for v in state.spec.variants] == [str(models[0].ref)]

    def test_found_elsewhere(self, served: Predictor, elsewhere: Bench) -> None:
        """A machine that never saw the endpoint finds it by name and in the list, and can ask it."""
        ref = elsewhere.backend.find_endpoint(served.name)

        assert ref == served.ref
        assert EndpointRef.parse(str(ref)) == ref
        assert Named(served.name, served.ref) in elsewhere.backend.endpoints()
        assert elsewhere.backend.find_endpoint(elsewhere.name()) is None
        answer = elsewhere.backend.invoke(served.ref, Payload(b"[1]", _JSON))
        assert json.loads(answer.body)["answer"] == [2]

    def test_prediction(self, served: Predictor) -> None:
        """JSON goes in and comes out; the handler has its model and its variables."""
        assert served.predict([1, 2.5]) == {"answer": [2, 5.0], "tag": "first"}

    def test_answer_says_what_it_is(self, backend: Backend, served: Predictor) -> None:
        """The answer has the content type that was asked for."""
        answer = backend.invoke(served.ref, Payload(b"[3]", _JSON, _JSON))

        assert answer.content_type.startswith(_JSON)
        assert json.loads(answer.body)["answer"] == [6]

    def test_refusal(self, served: Predictor) -> None:
        """Data that the handler refuses are a 4xx with its words, and the next request is answered."""
        with pytest.raises(PredictionError, match="such data are not taken here") as caught:
            served.predict("refuse")

        assert caught.value.status.startswith("4")
        assert served.predict([1])["answer"] == [2]

    def test_crash(self, served: Predictor) -> None:
        """A handler that falls over is a 5xx with its words, and the next request is answered."""
        with pytest.raises(PredictionError, match="the handler fell over") as caught:
            served.predict("crash")

        assert caught.value.status.startswith("5")
        assert served.predict([1])["answer"] == [2]

    def test_endpoint_name_is_taken(
        self, backend: Backend, bench: Bench, served: Predictor, models: tuple[Model, Model]
    ) -> None:
        """A second endpoint of the same name is a conflict and leaves the first as it was."""
        with pytest.raises(Conflict):
            backend.deploy(EndpointSpec(name=served.name, variants=(bench.variant(models[1]),)))

        assert served.predict([1])["tag"] == "first"

    def test_unknown_model_is_not_served(self, backend: Backend, bench: Bench, models: tuple[Model, Model]) -> None:
        """A model that does not exist cannot be served, and no endpoint is left behind."""
        variant = evolve(bench.variant(models[0]), model=str(evolve(models[0].ref, id=self.unknown_id)))
        name = bench.name()
        with pytest.raises(AnyfitError):
            backend.deploy(EndpointSpec(name=name, variants=(variant,)))

        assert backend.find_endpoint(name) is None

    def test_endpoint_logs(self, backend: Backend, served: Predictor) -> None:
        """What the handler prints is in the endpoint's log, or at least what happened to it; each line once."""
        needs(backend, Feature.ENDPOINT_LOGS)
        awaited = "the handler has its model" if backend.capabilities.can(Feature.ENDPOINT_OUTPUT) else ""
        latest = time.monotonic() + self.endpoint_seconds
        lines, cursor = _log(backend, served.ref)
        while not any(awaited in line for line in lines) and time.monotonic() < latest:
            time.sleep(backend.capabilities.poll_seconds / 10)
            more, cursor = _log(backend, served.ref, cursor)
            lines += more
        lines += _log(backend, served.ref, cursor)[0]

        assert any(awaited in line for line in lines)
        assert _log(backend, served.ref)[0][: len(lines)] == lines

    def test_pause(self, backend: Backend, bench: Bench, models: tuple[Model, Model]) -> None:
        """A stopped endpoint answers nothing and stays; started again it serves what it served."""
        needs(backend, Feature.ENDPOINT_PAUSE)
        predictor = bench.deploy(bench.variant(models[1]))
        predictor.stop()
        predictor.stop()
        with pytest.raises(AnyfitError):
            predictor.wait(self.endpoint_seconds)

        assert predictor.info().status == EndpointStatus.STOPPED
        with pytest.raises(AnyfitError):
            predictor.predict([1])
        assert backend.find_endpoint(predictor.name) == predictor.ref

        predictor.start(wait=False)
        predictor.start(wait=False)
        predictor.wait(self.endpoint_seconds)
        assert predictor.predict([1])["tag"] == "second"

    def test_update(self, backend: Backend, bench: Bench, models: tuple[Model, Model]) -> None:
        """An endpoint serves something else after an update, under the same reference."""
        needs(backend, Feature.ENDPOINT_UPDATE)
        first, second = (bench.variant(model) for model in models)
        predictor = bench.deploy(first)
        self._update(predictor, second)

        assert backend.find_endpoint(predictor.name) == predictor.ref
        assert _tags(predictor, until=2, most=10) == {"second"}

    def test_weights(self, backend: Backend, bench: Bench, models: tuple[Model, Model]) -> None:
        """Traffic is shared out by weight: all that have one answer, those without none."""
        needs(backend, Feature.ENDPOINT_UPDATE, Feature.TRAFFIC_WEIGHTS)
        first, second = (bench.variant(model) for model in models)
        predictor = bench.deploy(evolve(first, weight=1.0), evolve(second, weight=1.0))

        assert _tags(predictor, until=2) == {"first", "second"}
        self._update(predictor, evolve(first, weight=1.0), evolve(second, weight=0.0))
        assert _tags(predictor, until=2, most=20) == {"first"}

    def test_missing_weights_are_refused(self, backend: Backend, bench: Bench, models: tuple[Model, Model]) -> None:
        """Where traffic cannot be shared out, an endpoint of two models is refused with the reason."""
        if backend.capabilities.can(Feature.TRAFFIC_WEIGHTS):
            return
        with pytest.raises(Unsupported) as caught:
            bench.deploy(*map(bench.variant, models))

        assert backend.capabilities.missing[Feature.TRAFFIC_WEIGHTS] in caught.value.message

    def test_undeploy(self, backend: Backend, bench: Bench, elsewhere: Bench, models: tuple[Model, Model]) -> None:
        """An endpoint that is removed is gone for everybody, its model stays, and removing it again is no error."""
        predictor = bench.deploy(bench.variant(models[0]))
        backend.undeploy(predictor.ref)
        backend.undeploy(predictor.ref)

        for each in (backend, elsewhere.backend):
            assert each.find_endpoint(predictor.name) is None
            assert predictor.ref not in [listed.ref for listed in each.endpoints()]
        assert models[0].ref in {info.ref for info in backend.models(models[0].name)}

    def test_unknown_endpoint(self, backend: Backend, served: Predictor) -> None:
        """What is asked of an endpoint that does not exist is answered with NotFound, and removing it is fine."""
        unknown = evolve(served.ref, id=self.unknown_id)
        for ask in (backend.endpoint, lambda ref: backend.invoke(ref, Payload(b"[1]", _JSON))):
            with pytest.raises(NotFound):
                ask(unknown)
        backend.undeploy(unknown)

    def test_missing_endpoints_are_refused(self, backend: Backend, done: Job) -> None:
        """What a backend cannot do with endpoints it refuses with its reason."""
        ref = EndpointRef(backend.name, done.ref.region, self.unknown_id)
        spec = EndpointSpec(name="endpoint", variants=(Variant(model="a://b/c"),))
        asks: list[tuple[Feature, Callable[[], Any]]] = [
            (Feature.ENDPOINTS, lambda: backend.deploy(spec)),
            (Feature.ENDPOINTS, lambda: backend.endpoint(ref)),
            (Feature.ENDPOINTS, backend.endpoints),
            (Feature.ENDPOINTS, lambda: backend.find_endpoint("endpoint")),
            (Feature.ENDPOINTS, lambda: backend.undeploy(ref)),
            (Feature.ENDPOINTS, lambda: backend.invoke(ref, Payload(b"1", _JSON))),
            (Feature.ENDPOINT_UPDATE, lambda: backend.update_endpoint(ref, spec)),
            (Feature.ENDPOINT_PAUSE, lambda: backend.start_endpoint(ref)),
            (Feature.ENDPOINT_PAUSE, lambda: backend.stop_endpoint(ref)),
            (Feature.ENDPOINT_LOGS, lambda: backend.endpoint_logs(ref)),
            (Feature.ENDPOINT_METRICS, lambda: backend.endpoint_metrics(ref)),
        ]
        for feature, ask in asks:
            if not backend.capabilities.can(feature):
                with pytest.raises(Unsupported) as caught:
                    ask()
                assert backend.capabilities.missing[feature] in caught.value.message

    def _update(self, predictor: Predictor, *variants: Variant) -> None:
        spec = EndpointSpec(name=predictor.name, variants=variants)
        predictor.backend.update_endpoint(predictor.ref, spec)
        predictor.wait(self.endpoint_seconds)
