"""Calls of services of the second API: any method, any path (reference, section 5.12)."""

from __future__ import annotations

from anyfit_emulator.http import Request, Response
from anyfit_emulator.serving import NotServing
from anyfit_modelarts.emulator import gate
from anyfit_modelarts.emulator.account import Account
from anyfit_modelarts.emulator.errors import V2, ApiError, GatewayError
from anyfit_modelarts.emulator.serving.gateway import NO_BACKEND, anew, unanswered, unknown
from anyfit_modelarts.emulator.serving.v2.desk import InferServices

__all__ = ["PREFIX", "InferGateway"]

PREFIX = "/v2/infers/"
_MIB = 1 << 20


class InferGateway:
    """Lets calls through to the services."""

    def __init__(self, account: Account, services: InferServices) -> None:
        self._account = account
        self._services = services

    def __call__(self, request: Request, rest: str) -> Response:
        """Answer a call; `rest` is a service's id and a path of its program.

        Raises:
            ApiError: It does not get through.
        """
        service_id, _, path = rest.partition("/")
        service, deployment = self._services.lookup(service_id)
        if service is None:
            raise unknown()
        runtime = service.asked["runtime_config"]
        most = runtime["service_limit"]["request_size_limit"]
        data = request.body.read(most * _MIB)
        if data is None:
            raise GatewayError("0201", f"Bad request: the body is larger than {most} MB", 413)
        if runtime["service_invoke"]["auth_type"] == "TOKEN":
            caller = gate.identify(self._account, request, data)
            gate.check_project(caller, service.project, V2)
        if deployment is None:
            raise ApiError(NO_BACKEND, f"The service is {service.status}, nothing answers for it.", 503)
        part = deployment.next_part()
        whole = f"/{path}" + (f"?{request.query}" if request.query else "")
        try:
            return part.predict(anew(request, data), whole)
        except NotServing as error:
            deployment.look()
            raise unanswered(error) from error
