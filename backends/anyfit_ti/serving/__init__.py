"""Endpoints of both generations, and asking them: `ti://region/ms-...` is a service group of 2021, and
`ti://region/2019/...` a service of TI-EMS.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import Protocol

from anyfit.backend import EndpointRef, EndpointState, EndpointStatus, LogPage, ModelRef, Named, Payload
from anyfit.errors import AuthError, NotFound, ServiceError, SpecError
from anyfit.http import Transport
from anyfit.refusal import not_ready, prediction_error
from anyfit.spec import EndpointSpec
from anyfit_ti.generations import Generations, Row, is_old, own_id
from anyfit_ti.serving.invoking import Answer, Door
from anyfit_ti.settings import Options
from anyfit_ti.translate.work import options_of

__all__ = ["Services", "Serving"]

_GATEWAY = (404, 502, 503, 504)
_REFUSED = 401


class Serving(Protocol):
    """The endpoints of one generation, by the platform's own ids."""

    def deploy(self, spec: EndpointSpec, options: Options) -> str:
        """Make an endpoint; what fails half-way is taken back, unless it may be somebody else's."""

    def update(self, identity: str, spec: EndpointSpec, options: Options) -> None:
        """Serve something else."""

    def start(self, identity: str) -> None:
        """Serve again."""

    def stop(self, identity: str) -> None:
        """Stop serving."""

    def delete(self, identity: str) -> None:
        """Remove the endpoint."""

    def renew_token(self, identity: str) -> None:
        """Another token in place of the one that callers show."""

    def state(self, identity: str) -> EndpointState:
        """How the endpoint is."""

    def every(self) -> list[Row]:
        """All endpoints."""

    def find(self, name: str) -> str | None:
        """The endpoint of that name."""

    def door(self, identity: str) -> Door:
        """Where the endpoint is asked, and with what."""

    def logs(self, identity: str, cursor: str) -> LogPage:
        """What the servers said."""


class Services:
    """The endpoints of one account.

    Args:
        sides: Those of each generation.
        transport: Makes predictions.
        region: For references.
    """

    def __init__(self, sides: Generations[Serving], transport: Transport, region: str) -> None:
        self._sides = sides
        self._transport = transport
        self._region = region
        self._lock = Lock()
        self._doors: dict[str, Door] = {}

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        """Make an endpoint of the generation that its models are of."""
        side = self._of_models(spec)
        return self._ref(self._sides.id(side, side.deploy(spec, options_of(spec.options))))

    def state(self, ref: EndpointRef) -> EndpointState:
        """How the endpoint is."""
        side, identity = self._side(ref)
        return side.state(identity)

    def every(self) -> list[Named[EndpointRef]]:
        """All endpoints, newest first."""
        return [Named(name, self._ref(id)) for name, id in self._sides.every(lambda side: side.every())]

    def find(self, name: str) -> EndpointRef | None:
        """The endpoint of that name."""
        found = self._sides.find(lambda side: side.find(name))
        return None if found is None else self._ref(found)

    def update(self, ref: EndpointRef, spec: EndpointSpec) -> None:
        """Serve something else."""
        side, identity = self._side(ref)
        if self._of_models(spec) is not side:
            raise SpecError(
                f"models: endpoint {ref.id} and its new models are of two generations",
                hint="deploy the models as an endpoint of their own",
            )
        side.update(identity, spec, options_of(spec.options))

    def start(self, ref: EndpointRef) -> None:
        """Serve again."""
        side, identity = self._side(ref)
        side.start(identity)

    def stop(self, ref: EndpointRef) -> None:
        """Stop serving."""
        side, identity = self._side(ref)
        side.stop(identity)

    def delete(self, ref: EndpointRef) -> None:
        """Remove the endpoint; one that is gone is fine."""
        side, identity = self._side(ref)
        with suppress(NotFound):
            side.delete(identity)
        self._forget(ref)

    def renew_token(self, ref: EndpointRef) -> None:
        """Another token for callers."""
        side, identity = self._side(ref)
        side.renew_token(identity)
        self._forget(ref)

    def logs(self, ref: EndpointRef, cursor: str) -> LogPage:
        """What the servers said."""
        side, identity = self._side(ref)
        return side.logs(identity, cursor)

    def invoke(self, ref: EndpointRef, payload: Payload) -> Payload:
        """One prediction; where a token that was kept is refused, once more with the one of now."""
        known = self._doors.get(ref.id)
        door = known or self._open(ref)
        try:
            answer = door.ask(self._transport, payload)
            if known and answer.status == _REFUSED:
                door = self._open(ref)
                answer = door.ask(self._transport, payload)
        except ServiceError:
            self._forget(ref)  # it may be somewhere else by now
            raise
        if not answer.ok:
            raise self._refusal(ref, answer)
        with self._lock:
            self._doors[ref.id] = door
        return Payload(answer.body, answer.content_type, payload.accept)

    def _open(self, ref: EndpointRef) -> Door:
        self._forget(ref)
        side, identity = self._side(ref)
        return side.door(identity)

    def _refusal(self, ref: EndpointRef, answer: Answer) -> Exception:
        if answer.status == _REFUSED:
            self._forget(ref)
            return AuthError(
                f"endpoint {ref.id}: its token is refused",
                hint="was it changed a moment ago? ask again",
                backend="ti",
                status="401",
            )
        if answer.status in _GATEWAY:
            self._forget(ref)
            state = self.state(ref)
            if state.status != EndpointStatus.READY:
                stopped = state.status == EndpointStatus.STOPPED
                hint = f"start it: anyfit endpoints start {ref}" if stopped else f"see: anyfit endpoints {ref}"
                return not_ready(ref.id, state, hint=hint, backend="ti", status=str(answer.status))
        hint = "" if is_old(ref.id) else f"see its log: anyfit endpoints logs {ref}"
        return prediction_error(ref.id, answer.status, answer.body, backend="ti", log_hint=hint)

    def _forget(self, ref: EndpointRef) -> None:
        with self._lock:
            self._doors.pop(ref.id, None)

    def _of_models(self, spec: EndpointSpec) -> Serving:
        """The generation of an endpoint's models, which has to be one."""
        if not spec.variants:
            raise SpecError("variants: there is nothing to serve")
        refs = [ModelRef.parse(variant.model) for variant in spec.variants]
        strange = next((ref for ref in refs if ref.backend != "ti"), None)
        if strange is not None:
            raise NotFound(f"there is no model {strange} on TI", hint="anyfit models lists them", backend="ti")
        ((side, _), *others) = self._sides.parted(ref.id for ref in refs)
        if others:
            raise SpecError("variants: the models are of two generations", hint="an endpoint serves those of one")
        return side

    def _side(self, ref: EndpointRef) -> tuple[Serving, str]:
        return self._sides.of(ref.id), own_id(ref.id)

    def _ref(self, id: str) -> EndpointRef:
        return EndpointRef("ti", self._region, id)
