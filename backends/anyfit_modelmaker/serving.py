"""Endpoints: services of the platform, and asking them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from anyfit.backend import (
    EndpointRef,
    EndpointState,
    EndpointStatus,
    ModelRef,
    Named,
    Offering,
    Payload,
)
from anyfit.catalog import choose
from anyfit.errors import AuthError, Conflict, NotFound, ServiceError, SpecError
from anyfit.http import Transport
from anyfit.refusal import not_ready, prediction_error
from anyfit.shares import percents
from anyfit.spec import EndpointSpec, Variant
from anyfit.storage.settings import StoreSettings
from anyfit_modelmaker.client import Client
from anyfit_modelmaker.places import host_of, predict_url
from anyfit_modelmaker.settings import Options, Settings
from anyfit_modelmaker.signing import PredictionAuth
from anyfit_modelmaker.states import ENDPOINT_STATUS
from anyfit_modelmaker.translate import limited, options_of, pool
from anyfit_modelmaker.wire import Service, pairs, time_of

__all__ = ["Services", "service_request"]

_VARIABLES = "ANYFIT_SERVICE_VARIABLES"
_GATEWAY = (502, 503, 504)


def service_request(spec: EndpointSpec, offerings: Sequence[Offering]) -> dict[str, Any]:
    """The body that makes or changes a service; pure."""
    if not spec.variants:
        raise SpecError("variants: there is nothing to serve")
    options = options_of(spec.options)
    shares = percents([variant.weight for variant in spec.variants])
    models = [_model(*pair, options, offerings) for pair in zip(spec.variants, shares, strict=True)]
    return {"name": spec.name, "type": "ONLINE_SERVICE", "serviceModels": models}


def _model(variant: Variant, share: int, options: Options, offerings: Sequence[Offering]) -> dict[str, Any]:
    ref = ModelRef.parse(variant.model)
    if ref.backend != "modelmaker" or not ref.id.isdigit():
        raise NotFound(
            f"there is no model {variant.model!r} on ModelMaker", hint="anyfit models lists them", backend="modelmaker"
        )
    item: dict[str, Any] = {
        "modelVersionId": int(ref.id),
        "weight": share,
        "instanceCount": limited("initial_instance_count", variant.instance_count, 10),
        "resourcePoolType": options.resource_pool_type,
    }
    custom = pool(options, variant.instance_type)
    if custom:
        item["customResource"] = custom
    else:
        item["resourceId"] = int(choose(variant.instance_type, offerings, task="serve").spec_id)
    if variant.environment:
        item["envs"] = pairs({**variant.environment, _VARIABLES: ",".join(variant.environment)})
    return item


class Services:
    """The services of one account.

    Args:
        client: Makes the calls.
        transport: Makes predictions.
        keys: Gives the account's key pair.
        settings: The backend's.
    """

    def __init__(
        self,
        client: Client,
        transport: Transport,
        keys: Callable[[], StoreSettings],
        settings: Settings,
    ) -> None:
        self._client = client
        self._transport = transport
        self._keys = keys
        self._settings = settings
        self._lock = Lock()
        self._urls: dict[int, str] = {}

    def deploy(self, body: Mapping[str, Any]) -> EndpointRef:
        """Make a service; an answer that was lost is looked up by name, and another one's service is a conflict."""
        try:
            return self._ref(self._client.create_service(body).id)
        except ServiceError:
            found = self.find(body["name"])
            if found is None:
                raise
            if not _is_made_from(self._client.service(_id(found)), body):
                raise _conflict(body["name"]) from None
            return found

    def state(self, ref: EndpointRef) -> EndpointState:
        """How the service is."""
        service = self._client.service(_id(ref))
        return EndpointState(
            status=ENDPOINT_STATUS.get(service.status, EndpointStatus.UNKNOWN),
            native=service.status,
            reason=service.message,
            url=self._url(service),
            spec=self._spec(service),
            created_at=time_of(service.created, self._settings.utc_offset_hours),
        )

    def every(self) -> list[Named[EndpointRef]]:
        """All services."""
        return [Named(entry.name, self._ref(entry.id)) for entry in self._client.services()]

    def find(self, name: str) -> EndpointRef | None:
        """The service of that name."""
        return next((self._ref(entry.id) for entry in self._client.services() if entry.name == name), None)

    def update(self, ref: EndpointRef, body: Mapping[str, Any]) -> None:
        """Serve something else."""
        self._client.update_service(_id(ref), body)

    def start(self, ref: EndpointRef) -> None:
        """Serve again."""
        if self._client.service(_id(ref)).status not in ("RUNNING", "DEPLOYING"):
            self._client.start_service(_id(ref))

    def stop(self, ref: EndpointRef) -> None:
        """Stop serving."""
        if self._client.service(_id(ref)).status not in ("STOPPED", "STOPPING"):
            self._client.stop_service(_id(ref))

    def delete(self, ref: EndpointRef) -> None:
        """Remove the service."""
        if ref.id.isdigit():
            self._client.delete_service(int(ref.id))
            with self._lock:
                self._urls.pop(int(ref.id), None)

    def invoke(self, ref: EndpointRef, payload: Payload) -> Payload:
        """One signed prediction."""
        identity = _id(ref)
        url = self._urls.get(identity) or self._url(self._client.service(identity))
        keys = self._keys()
        headers = {"Content-Type": payload.content_type, "Accept": payload.accept, "Host": host_of(url, identity)}
        response = self._transport.send(
            "POST",
            url,
            data=payload.body,
            headers=headers,
            auth=PredictionAuth(keys.access_key, keys.secret_key),
        )
        if response.ok:
            with self._lock:
                self._urls[identity] = url
            kind = response.headers.get("Content-Type", "application/octet-stream")
            return Payload(response.content, kind, payload.accept)
        raise self._refusal(ref, response.status_code, response.content)

    def _refusal(self, ref: EndpointRef, status: int, body: bytes) -> Exception:
        with self._lock:
            self._urls.pop(_id(ref), None)
        if status == 401:
            return AuthError(
                f"endpoint {ref.id}: the signature of the request is refused",
                hint="is this machine's clock right?",
                backend="modelmaker",
                status="401",
            )
        if status in _GATEWAY or status == 404:
            state = self.state(ref)
            if state.status != EndpointStatus.READY:
                hint = f"start it: anyfit endpoints start {ref}"
                return not_ready(ref.id, state, hint=hint, backend="modelmaker", status=str(status))
        return prediction_error(ref.id, status, body, backend="modelmaker")

    def _url(self, service: Service) -> str:
        return service.address or predict_url(self._settings)

    def _spec(self, service: Service) -> EndpointSpec | None:
        if not service.models:
            return None
        return EndpointSpec(
            name=service.name,
            variants=tuple(
                Variant(
                    model=str(ModelRef("modelmaker", self._settings.region, str(model.model_version_id))),
                    weight=model.weight,
                    instance_type="" if model.resource_id is None else str(model.resource_id),
                    instance_count=model.instance_count,
                    environment={name: value for name, value in model.envs.items() if name != _VARIABLES},
                )
                for model in service.models
            ),
        )

    def _ref(self, service: int) -> EndpointRef:
        return EndpointRef("modelmaker", self._settings.region, str(service))


def _is_made_from(service: Service, body: Mapping[str, Any]) -> bool:
    """Whether a service serves what was asked for, on the same machines."""
    parts = body["serviceModels"]
    asked = [(part["modelVersionId"], part["weight"], part["instanceCount"]) for part in parts]
    told = [(model.model_version_id, model.weight, model.instance_count) for model in service.models]
    machines = {part["modelVersionId"]: part.get("resourceId") for part in parts}
    return sorted(asked) == sorted(told) and all(
        model.resource_id in (None, machines[model.model_version_id]) for model in service.models
    )


def _conflict(name: str) -> Conflict:
    return Conflict(
        f"endpoint_name: there is already an endpoint {name!r} on ModelMaker",
        hint="choose another name, or delete the endpoint",
        backend="modelmaker",
    )


def _id(ref: EndpointRef) -> int:
    if not ref.id.isdigit():
        raise NotFound(
            f"there is no endpoint {ref.id!r} on ModelMaker", hint="anyfit endpoints lists them", backend="modelmaker"
        )
    return int(ref.id)
