"""Endpoints of both generations, and asking them: a reference says of which one an endpoint is.

A service group of 2021 is `ti://region/ms-...`, a service of TI-EMS is `ti://region/2019/id`.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Lock

from anyfit.backend import EndpointRef, EndpointState, EndpointStatus, LogPage, ModelRef, Named, Payload
from anyfit.errors import AuthError, NotFound, ServiceError, SpecError
from anyfit.http import Transport
from anyfit.refusal import prediction_error
from anyfit.spec import EndpointSpec
from anyfit_ti.door import Answer, Door
from anyfit_ti.errors import where_offered
from anyfit_ti.serving_2019 import OLD, OldServices
from anyfit_ti.serving_2021 import Groups
from anyfit_ti.settings import Settings
from anyfit_ti.translate import options_of

__all__ = ["Services"]

_GATEWAY = (404, 502, 503, 504)
_REFUSED = 401


class Services:
    """The endpoints of one account.

    Args:
        new: Those of 2021.
        old: Those of 2019.
        transport: Makes predictions.
        settings: The backend's.
    """

    def __init__(self, new: Groups, old: OldServices, transport: Transport, settings: Settings) -> None:
        self._new = new
        self._old = old
        self._transport = transport
        self._settings = settings
        self._order: tuple[Groups | OldServices, ...] = (old, new) if settings.api == "2019" else (new, old)
        self._lock = Lock()
        self._doors: dict[str, Door] = {}

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        """Make an endpoint of the generation that its models are of."""
        side = self._of_models(spec)
        return self._ref(side, side.deploy(spec, options_of(spec.options)))

    def state(self, ref: EndpointRef) -> EndpointState:
        """How the endpoint is."""
        side, identity = self._side(ref)
        return side.state(identity)

    def every(self) -> list[Named[EndpointRef]]:
        """All endpoints, newest first; those of the other generation where it can be asked."""
        first, second = self._order
        rows = [(at, Named(name, self._ref(first, identity))) for at, name, identity in first.every()]
        with where_offered():
            rows += [(at, Named(name, self._ref(second, identity))) for at, name, identity in second.every()]
        return [named for _, named in sorted(rows, key=lambda row: row[0], reverse=True)]

    def find(self, name: str) -> EndpointRef | None:
        """The endpoint of that name: in the generation that is set, else in the other, where that can be asked."""
        first, second = self._order
        found = first.find(name)
        if found is not None:
            return self._ref(first, found)
        with where_offered():
            found = second.find(name)
        return self._ref(second, found) if found is not None else None

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
                return ServiceError(
                    f"endpoint {ref.id} is {state.status.value}{f': {state.reason}' if state.reason else ''}",
                    hint=f"start it: anyfit endpoints start {ref}" if stopped else f"see: anyfit endpoints {ref}",
                    backend="ti",
                    status=str(answer.status),
                )
        hint = "" if ref.id.startswith(OLD) else f"see its log: anyfit endpoints logs {ref}"
        return prediction_error(ref.id, answer.status, answer.body, backend="ti", log_hint=hint)

    def _forget(self, ref: EndpointRef) -> None:
        with self._lock:
            self._doors.pop(ref.id, None)

    def _of_models(self, spec: EndpointSpec) -> Groups | OldServices:
        """The generation of an endpoint's models, which has to be one."""
        if not spec.variants:
            raise SpecError("variants: there is nothing to serve")
        refs = [ModelRef.parse(variant.model) for variant in spec.variants]
        strange = next((ref for ref in refs if ref.backend != "ti"), None)
        if strange is not None:
            raise NotFound(f"there is no model {strange} on TI", hint="anyfit models lists them", backend="ti")
        old = {ref.id.startswith(OLD) for ref in refs}
        if len(old) > 1:
            raise SpecError("variants: the models are of two generations", hint="an endpoint serves those of one")
        return self._old if old.pop() else self._new

    def _side(self, ref: EndpointRef) -> tuple[Groups | OldServices, str]:
        if ref.id.startswith(OLD):
            return self._old, ref.id.removeprefix(OLD)
        return self._new, ref.id

    def _ref(self, side: Groups | OldServices, identity: str) -> EndpointRef:
        old = isinstance(side, OldServices)
        return EndpointRef("ti", self._settings.region, OLD + identity if old else identity)
