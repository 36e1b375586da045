"""Endpoints: asking a served model."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import evolve

from anyfit.arguments import named_arguments
from anyfit.backend import (
    EndpointRef,
    EndpointState,
    EndpointStatus,
    Feature,
    LogLine,
    LogPage,
    ModelRef,
    Payload,
    Series,
    log_pages,
)
from anyfit.errors import AnyfitError, NotFinished, ServiceError, SpecError
from anyfit.intents import EndpointIntent, ask_once
from anyfit.journal import name_taken
from anyfit.names import check_name, named_text
from anyfit.options.by_backend import own_options
from anyfit.spec import EndpointSpec, Variant
from anyfit.validate import check_arguments, check_count

if TYPE_CHECKING:
    from anyfit.backend import Backend
    from anyfit.model import Model
    from anyfit.session import Session

__all__ = ["Predictor", "check_deployment", "check_endpoint", "deploy_endpoint", "find_endpoint"]

_START_SECONDS = 1800.0


class Predictor:
    """A handle on an endpoint.

    Attributes:
        name: The endpoint's name.
        ref: Finds it from anywhere.
    """

    def __init__(self, session: Session, backend: Backend, ref: EndpointRef, name: str) -> None:
        self.session = session
        self.backend = backend
        self.ref = ref
        self.name = name

    @classmethod
    @named_arguments
    def attach(
        cls, name_or_ref: str | EndpointRef, *, backend: str | None = None, profile: str | None = None
    ) -> Predictor:
        """The endpoint of that name or reference, deployed earlier or elsewhere."""
        from anyfit.session import Session

        session = Session.open(backend=backend, profile=profile)
        session.reconcile()
        return find_endpoint(session, name_or_ref)

    @named_arguments
    def predict(self, data: Any, *, content_type: str = "", accept: str = "application/json") -> Any:
        """Ask the model.

        Args:
            data: Bytes go as they are, a NumPy array as `.npy`, everything else as JSON, unless:
            content_type: Says how to send it: `application/json`, `text/csv`, `application/x-npy`, ...; of
                bytes it says what they are.
            accept: How the answer should come; it is decoded by what it says it is.

        Raises `PredictionError` when the handler refuses the data (4xx) or crashes on it (5xx).
        """
        from anyfit.launch.anyfit_inference import NotAcceptable, decode, encode

        if content_type and isinstance(data, (bytes, bytearray, memoryview)):
            body, sent_as = bytes(data), content_type
        else:
            try:
                body, sent_as = encode(data, content_type or _natural_type(data))
            except (NotAcceptable, TypeError, ValueError) as fault:
                why = str(fault).removesuffix("; convert it in output_fn")  # which is what a server would do
                raise SpecError(f"data: cannot be sent as {content_type or 'JSON'}: {why}") from fault
        answer = self.invoke(body, sent_as, accept)
        return decode(answer.body, answer.content_type)

    def invoke(self, body: bytes, content_type: str, accept: str = "application/json") -> Payload:
        """Ask the model with bytes as they are; the answer as it came."""
        with self._named():
            return self.backend.invoke(self.ref, Payload(body, content_type, accept))

    @named_arguments
    def logs(self, *, follow: bool = False, tail: int | None = None) -> Iterator[LogLine]:
        """What the servers said.

        Args:
            follow: Go on until the caller has had enough.
            tail: Begin with the last so many lines.
        """
        check_count("tail", tail)
        self.backend.require(Feature.ENDPOINT_LOGS)
        lines: deque[LogLine] = deque(maxlen=tail)
        cursor = ""
        for page in self._log_pages(cursor):
            cursor = page.cursor
            lines.extend(page.lines)
        yield from lines
        while follow:
            time.sleep(self.backend.capabilities.poll_seconds)
            for page in self._log_pages(cursor):
                cursor = page.cursor
                yield from page.lines

    def metrics(self) -> list[Series]:
        """What the endpoint does and uses, as far as the platform tells: requests, machine use."""
        self.backend.require(Feature.ENDPOINT_METRICS)
        with self._named():
            return list(self.backend.endpoint_metrics(self.ref))

    def to_json(self) -> dict[str, Any]:
        """The endpoint and its state as a JSON object."""
        from anyfit.codec import to_data

        state = to_data(self.info())
        return {"name": self.name, "ref": str(self.ref), "backend": self.ref.backend, **state}

    def info(self) -> EndpointState:
        """How the endpoint is, what it serves and where."""
        with self._named():
            return self.backend.endpoint(self.ref)

    def model_names(self) -> dict[str, str]:
        """`name:version` by reference of every model that the platform tells; none where it tells none."""
        try:
            return {str(info.ref): f"{info.name}:{info.version}" for info in self.backend.models()}
        except AnyfitError:
            return {}

    @named_arguments
    def update(
        self,
        *,
        models: Mapping[str | Model, float] | None = None,
        initial_instance_count: int | None = None,
        instance_type: str | None = None,
        environment: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> None:
        """Serve something else under the same address; what is left out stays as it is.

        Args:
            models: Weight of the traffic by model (a `Model`, a reference, `name:version` or a name).
            initial_instance_count: How many servers for each model.
            instance_type: As for training.
            environment: Variables for the servers.
            wait: Whether to return only when it answers again.
        """
        check_arguments(environment=environment, instance_type=instance_type)
        self.backend.require(Feature.ENDPOINT_UPDATE)
        current = self.info().spec
        if current is None:
            raise ServiceError(f"{self.backend.name} does not tell what endpoint {self.name} serves")
        variants = current.variants if models is None else self._variants(models, current.variants[0])
        changed = tuple(_changed(variant, initial_instance_count, instance_type, environment) for variant in variants)
        spec = evolve(current, variants=changed)
        _check(spec, self.backend)
        with self._named():
            self.backend.update_endpoint(self.ref, spec)
        if wait:
            self.wait()

    def start(self, *, wait: bool = True) -> None:
        """Serve again after `stop`."""
        self.backend.require(Feature.ENDPOINT_PAUSE)
        with self._named():
            self.backend.start_endpoint(self.ref)
        if wait:
            self.wait()

    def stop(self) -> None:
        """Stop serving; `start` goes on with the same models."""
        self.backend.require(Feature.ENDPOINT_PAUSE)
        with self._named():
            self.backend.stop_endpoint(self.ref)

    def delete(self, model: bool = False) -> None:
        """Remove the endpoint; with `model` also the model versions that it serves."""
        served = self.info().spec if model else None
        with self._named():
            self.backend.undeploy(self.ref)
        self.session.journal.forget_endpoint(self.ref, self.backend.place)
        for variant in served.variants if served else ():
            self.backend.delete_model(ModelRef.parse(variant.model))

    @named_arguments
    def wait(self, timeout: float = _START_SECONDS) -> EndpointState:
        """Wait until the endpoint answers; `ServiceError` tells why it does not."""
        deadline = time.monotonic() + timeout
        pause = self.backend.capabilities.poll_seconds
        while not (state := self.info()).status.settled:
            if time.monotonic() > deadline:
                raise NotFinished(
                    f"endpoint {self.name} is still {state.status.value}",
                    hint=f"look again: anyfit endpoints {self.name}",
                )
            time.sleep(pause)
        if state.status != EndpointStatus.READY:
            raise ServiceError(
                f"endpoint {self.name} is {state.status.value}: {state.reason or 'no reason given'}",
                hint=f"see its log: anyfit endpoints logs {self.name}",
                backend=self.ref.backend,
            )
        return state

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Faults call the endpoint by the name that people know, where the platform's id is another."""
        try:
            yield
        except AnyfitError as fault:
            if self.name != self.ref.id:
                fault.message, fault.hint = self._by_name(fault.message), self._by_name(fault.hint)
                fault.args = (fault.message,)
            raise

    def _by_name(self, text: str) -> str:
        """With the name for the reference, or for the platform's id, where a text speaks of the endpoint."""
        called = "|".join(map(re.escape, (str(self.ref), self.ref.id, self.ref.id.rpartition("/")[2])))
        ours = rf"(\bendpoints?(?: start| logs)? ['\"]?)(?:{called})(?![\w/-])"
        return re.sub(ours, lambda found: found[1] + self.name, text)

    def _log_pages(self, cursor: str) -> Iterator[LogPage]:
        def read(cursor: str) -> LogPage:
            with self._named():
                return self.backend.endpoint_logs(self.ref, cursor)

        return log_pages(read, cursor)

    def _variants(self, models: Mapping[str | Model, float], like: Variant) -> tuple[Variant, ...]:
        from anyfit.model import find_model

        if not isinstance(models, Mapping):
            raise SpecError(f"models: expected a table of weights by model, got {models!r}", hint="{model: 1}")
        if len(models) > 1:
            self.backend.require(Feature.TRAFFIC_WEIGHTS)
        found = [find_model(self.session, model, self.backend) if isinstance(model, str) else model for model in models]
        return tuple(
            evolve(like, model=str(model.ref), weight=weight)
            for model, weight in zip(found, models.values(), strict=True)
        )

    def __repr__(self) -> str:
        return f"<Predictor {self.name}: {self.ref}>"

    def _repr_html_(self) -> str:
        from anyfit.show import endpoint_html

        return endpoint_html(self.ref, self.info())


def deploy_endpoint(session: Session, backend: Backend, spec: EndpointSpec, *, job: str, wait: bool) -> Predictor:
    """Write the intent down, deploy, write the reference down, and wait if asked; see `ask_once` for what may fail."""
    from anyfit.plugins import observers

    _check(spec, backend)
    ref = ask_once(
        EndpointIntent(session, backend, spec, job),
        send=lambda: backend.deploy(spec),
        find=lambda: backend.find_endpoint(spec.name),
    )
    observers().endpoint_deployed(ref, spec)
    predictor = Predictor(session, backend, ref, spec.name)
    if wait:
        predictor.wait()
    return predictor


def check_endpoint(session: Session, backend: Backend, spec: EndpointSpec) -> None:
    """Refuse an endpoint that could not be made, before anything is made for it."""
    _check(spec, backend)
    rows = session.journal.endpoints(backend=backend.name, name=spec.name)
    if any(row.ref and row.place == backend.place for row in rows) or backend.find_endpoint(spec.name) is not None:
        raise name_taken(spec.name, backend.name)


def check_deployment(session: Session, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments of `Estimator.deploy` that no endpoint could have, before a job runs for it."""
    backend = session.backend()
    check_arguments(environment=arguments.get("environment"))
    own_options(arguments.get("options"), backend.name)
    name = arguments.get("endpoint_name", "")
    variant = Variant(model="", instance_count=arguments.get("initial_instance_count", 1))
    spec = EndpointSpec(name=name or "endpoint", variants=(variant,))
    if name:
        check_endpoint(session, backend, spec)
    else:
        _check(spec, backend)


def find_endpoint(session: Session, name_or_ref: str | EndpointRef) -> Predictor:
    """The endpoint of that name or reference: from the journal, else from the backend."""
    name = named_text("endpoint", name_or_ref)
    if "://" in name:
        return _predictor_of(session, EndpointRef.parse(name))
    rows = [row for row in session.journal.endpoints(name=name) if row.ref]
    found = None if rows else session.backend().find_endpoint(name)
    if found is not None:
        return Predictor(session, session.backend(), found, name)
    row = session.endpoint_row(name)
    ref = EndpointRef.parse(row.ref)
    return Predictor(session, session.reach(ref, row.profile), ref, row.name)


def _predictor_of(session: Session, ref: EndpointRef) -> Predictor:
    """With the settings that it was made with, where the journal knows them."""
    row = next(iter(session.journal.endpoints(name=str(ref))), None)
    if row is None:
        return Predictor(session, session.reach(ref), ref, ref.id)
    return Predictor(session, session.reach(ref, row.profile), ref, row.name)


def _check(spec: EndpointSpec, backend: Backend) -> None:
    backend.require(Feature.ENDPOINTS)
    check_name(spec.name, backend.capabilities, "endpoint_name")
    if len(spec.variants) > 1:
        backend.require(Feature.TRAFFIC_WEIGHTS)
    for variant in spec.variants:
        count = variant.instance_count
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise SpecError(f"initial_instance_count: expected a whole number of 1 or more, got {count!r}")
        if not isinstance(variant.weight, (int, float)):
            raise SpecError(f"models: expected a number as the weight of {variant.model}, got {variant.weight!r}")
        if variant.weight < 0:
            raise SpecError(f"models: a weight cannot be negative, got {variant.weight:g} for {variant.model}")
    if not any(variant.weight for variant in spec.variants):
        raise SpecError("models: one weight at least must be more than 0")


def _changed(
    variant: Variant, count: int | None, instance_type: str | None, environment: Mapping[str, str] | None
) -> Variant:
    return evolve(
        variant,
        instance_count=variant.instance_count if count is None else count,
        instance_type=variant.instance_type if instance_type is None else instance_type,
        environment=variant.environment if environment is None else dict(environment),
    )


def _natural_type(data: Any) -> str:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return "application/octet-stream"
    if type(data).__module__ == "numpy":
        return "application/x-npy"
    return "application/json"
