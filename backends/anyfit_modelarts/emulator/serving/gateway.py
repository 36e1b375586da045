"""Calls of real-time services: who may, at which path, which model (reference, section 5.8)."""

from __future__ import annotations

from attrs import evolve

from anyfit_emulator.http import Body, Request, Response
from anyfit_emulator.serving import NotServing
from anyfit_modelarts.emulator import gate
from anyfit_modelarts.emulator.account import Account
from anyfit_modelarts.emulator.errors import MODELS, ApiError, GatewayError
from anyfit_modelarts.emulator.serving.deployment import Deployment, Part
from anyfit_modelarts.emulator.serving.desk import Services
from anyfit_modelarts.emulator.wire import BODY_LIMIT

__all__ = ["NO_BACKEND", "PREFIX", "Gateway", "anew", "unanswered", "unknown"]

PREFIX = "/v1/infers/"
NOT_FORWARDED = "ModelArts.4302"
NO_BACKEND = "ModelArts.4503"
_STAGE = "RELEASE"
_CREDENTIALS = frozenset({"authorization", "x-auth-token", "x-sdk-date", "x-security-token"})


class Gateway:
    """Lets calls through to the services; codes of this gateway begin with `APIG`."""

    def __init__(self, account: Account, services: Services) -> None:
        self._account = account
        self._services = services

    def __call__(self, request: Request, rest: str) -> Response:
        """Answer a call; `rest` is a service's id and the path of one of its APIs.

        Raises:
            ApiError: It does not get through.
        """
        try:
            return self._answer(request, rest)
        except GatewayError as error:
            error.code = error.code.replace("APIGW.", "APIG.")
            raise

    def _answer(self, request: Request, rest: str) -> Response:
        data = request.body.read(BODY_LIMIT)
        if data is None:
            raise GatewayError("0201", f"Bad request: the body is larger than {BODY_LIMIT >> 20} MB", 413)
        caller = gate.identify(self._account, request, data)
        service_id, _, path = rest.partition("/")
        service, deployment = self._services.lookup(service_id)
        if service is None or request.headers.get("x-stage", _STAGE).upper() != _STAGE:
            raise unknown()
        gate.check_project(caller, service.project, MODELS)
        if deployment is None:
            raise ApiError(NO_BACKEND, f"The service is {service.status}, nothing answers for it.", 503)
        path = f"/{path}"
        if refused := _refused(deployment, path, request.method):
            return refused
        return self._forward(service_id, deployment, anew(request, data), path)

    def _forward(self, service_id: str, deployment: Deployment, request: Request, path: str) -> Response:
        part = deployment.next_part()
        if not _has(part, path, request.method):
            raise unknown()
        try:
            response = part.predict(request, path)
        except NotServing as error:
            self._services.traffic.count(service_id, part.model_id, failed=True)
            deployment.look()
            raise unanswered(error) from error
        self._services.traffic.count(service_id, part.model_id, failed=response.status >= 400)
        return response


def _refused(deployment: Deployment, path: str, method: str) -> Response | None:
    """The answer to a path or a method that no model of the service has."""
    methods = [part.apis[path] for part in deployment.parts if path in part.apis]
    if not methods:
        raise unknown()
    if not any(method in words for words in methods):
        return Response(405, [("Content-Type", "text/plain")], b"Method Not Allowed")
    return None


def _has(part: Part, path: str, method: str) -> bool:
    return method in part.apis.get(path, ())


def anew(request: Request, data: bytes) -> Request:
    """The request with its body to be read once more, and without what is for the gateway alone."""
    body = Body(len(data))
    body.feed(data)
    body.complete = True
    headers = {name: value for name, value in request.headers.items() if name not in _CREDENTIALS}
    return evolve(request, body=body, headers=headers)


def unanswered(error: NotServing) -> ApiError:
    """What to tell when nothing answered."""
    if isinstance(error.__cause__, TimeoutError):
        return ApiError(NO_BACKEND, "The service did not answer in time.", 503)
    return ApiError(NOT_FORWARDED, f"The gateway could not forward the request: {error}", 502)


def unknown() -> GatewayError:
    """What to tell when there is no such place."""
    return GatewayError("0101", "The API does not exist or has not been published in the environment", 404)
