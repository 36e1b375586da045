"""The cloud as an application: from an HTTP request to an HTTP response."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import parse_qsl
from uuid import uuid4

from anyfit_emulator.http import Request, Response
from anyfit_emulator.reception import Reception
from anyfit_emulator.routing import Router
from anyfit_emulator.storage.admin import Administration
from anyfit_modelarts.emulator import gate
from anyfit_modelarts.emulator.account import Account
from anyfit_modelarts.emulator.calls import Arguments, Caller, Operation, Query
from anyfit_modelarts.emulator.errors import MODELS, V1, V2, ApiError, GatewayError, Surface, failure_body
from anyfit_modelarts.emulator.faults import injected
from anyfit_modelarts.emulator.wire import BODY_LIMIT, answer, parse_body

__all__ = ["Door", "ModelArtsApp"]

Door = Callable[[Request, str], Response]
_SLASHES = re.compile("//+")


class ModelArtsApp:
    """Answers IAM and ModelArts on one port, what lies behind `doors`, and administration.

    Args:
        doors: What is no call of the tables, by the beginning of its path, such as predictions; called with the
            request and the rest of the path, and does everything itself, authentication included.
    """

    def __init__(
        self,
        account: Account,
        router: Router[Operation],
        doors: Mapping[str, tuple[str, Door]],
        reception: Reception,
        administration: Administration,
    ) -> None:
        self._account = account
        self._router = router
        self._doors = doors
        self._reception = reception
        self._administration = administration

    def quick(self, request: Request) -> bool:
        """Nothing is answered on the event loop: calls wait for locks, predictions for programs."""
        return False

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        if self._administration.wants(request):
            return self._administration(request)
        path = _SLASHES.sub("/", request.path)
        prefix = next(filter(path.startswith, self._doors), None)
        if prefix is not None:
            name, door = self._doors[prefix]
            return self._logged(name, path, request, MODELS, lambda: door(request, path.removeprefix(prefix)))
        return self._api(request, path.rstrip("/"))

    def _api(self, request: Request, path: str) -> Response:
        found = self._router.find(request.method, path)
        if found is None:
            return self._logged("Unknown", path, request, _surface_of(path), lambda: self._nothing(path))
        operation, words = found
        do = partial(self._call, request, operation, words)
        return self._logged(operation.name, path, request, operation.surface, do)

    def _logged(
        self, name: str, place: str, request: Request, surface: Surface, do: Callable[[], Response]
    ) -> Response:
        request_id = uuid4().hex

        def refuse(status: int, word: str) -> Response:
            error = injected(status, word)
            return answer(failure_body(error, surface, request_id), error.status)

        safely = partial(self._safely, do, surface, request_id)
        response = self._reception.answered(name, place, request, safely, refuse)
        response.headers.append(("X-Request-Id", request_id))
        return response

    @staticmethod
    def _safely(do: Callable[[], Response], surface: Surface, request_id: str) -> Response:
        try:
            return do()
        except ApiError as error:
            return answer(failure_body(error, surface, request_id), error.status)
        except Exception as error:
            traceback.print_exc()
            broken = ApiError("ModelArts.0010", f"The emulator has failed: {error!r}", 500)
            return answer(failure_body(broken, surface, request_id), 500)

    def _nothing(self, path: str) -> Response:
        if allowed := self._router.methods(path):
            surface = _surface_of(path)
            code = "ModelArts.2803" if surface is V2 else "ModelArts.0015"
            raise ApiError(code, f"The method is not allowed here, only {', '.join(allowed)}.", 405)
        raise GatewayError("0101", "The API does not exist or has not been published in the environment", 404)

    def _call(self, request: Request, operation: Operation, words: dict[str, str]) -> Response:
        surface = operation.surface
        data = request.body.read(BODY_LIMIT)
        if data is None:
            raise GatewayError("0201", f"Bad request: the body is larger than {BODY_LIMIT >> 20} MB", 413)
        caller = self._caller(request, operation, data)
        if "project" in words:
            gate.check_project(caller, words["project"], surface)
        query = Query(dict(parse_qsl(request.query, keep_blank_values=True)), surface.query or surface.invalid)
        body = parse_body(data, surface)
        result = operation.do(Arguments(caller, words, query, body, request.headers))
        if isinstance(result, Response):
            return result
        if surface is V1 and isinstance(result, dict):
            result = {"is_success": True, **result}
        return answer(result, operation.status)

    def _caller(self, request: Request, operation: Operation, data: bytes) -> Caller:
        try:
            return gate.identify(self._account, request, data)
        except GatewayError:
            if not operation.free:
                raise
            return Caller()


def _surface_of(path: str) -> Surface:
    return V2 if path.startswith("/v2/") else V1
