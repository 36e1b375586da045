"""The service as an application: from an HTTP request to an HTTP response."""

from __future__ import annotations

import re
import traceback
from functools import partial
from urllib.parse import parse_qsl

from anyfit_emulator.http import Request, Response
from anyfit_emulator.reception import Reception
from anyfit_emulator.routing import Router
from anyfit_emulator.storage.admin import Administration
from anyfit_modelmaker.emulator.errors import ApiError
from anyfit_modelmaker.emulator.faults import injected
from anyfit_modelmaker.emulator.routes import KEYS, LOGIN, Arguments, Desks, Operation, routes
from anyfit_modelmaker.emulator.serving.replica import PATH
from anyfit_modelmaker.emulator.serving.signature import is_signed
from anyfit_modelmaker.emulator.wire import answer, parse_body

__all__ = ["BASE", "INFER", "ModelMakerApp"]

BASE = "/mmr"
INFER = "/infer"
BODY_LIMIT = 8 << 20
_INFER = re.compile(rf"(?:{INFER}/(\d+))?{PATH}/?")
_SLASHES = re.compile("//+")


class ModelMakerApp:
    """Answers the API below `/mmr`, predictions below `/infer/<service>` or by the Host header, and administration."""

    def __init__(self, desks: Desks, reception: Reception, administration: Administration) -> None:
        self._desks = desks
        self._router: Router[Operation] = routes(desks)
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
        if path.startswith(BASE + "/"):
            return self._api(request, path.removeprefix(BASE).rstrip("/"))
        if match := _INFER.fullmatch(path):
            service = match[1] or request.headers.get("host", "").partition(".")[0]
            return self._reception.answered(
                "Predict", service, request, lambda: self._predict(request, service), injected
            )
        return answer({"errorMessage": f"there is nothing at {request.path}"}, 404)

    def _api(self, request: Request, path: str) -> Response:
        found = self._router.find(request.method, path)
        if found is None:
            allowed = self._router.methods(path)
            status, what = (405, f"allows {', '.join(allowed)}") if allowed else (404, "is no path of this service")
            return answer({"errorMessage": f"{path} {what}"}, status)
        operation, words = found
        do = partial(self._call, request, operation, words)
        return self._reception.answered(operation.name, path, request, do, injected)

    def _call(self, request: Request, operation: Operation, words: dict[str, str]) -> Response:
        try:
            self._check_token(request, operation)
            body = parse_body(request.body.read(BODY_LIMIT))
            return answer(operation.do(Arguments(words, dict(parse_qsl(request.query, keep_blank_values=True)), body)))
        except ApiError as error:
            return answer({"errorCode": error.code, "errorMessage": error.message}, error.status)
        except Exception as error:
            traceback.print_exc()
            return answer({"errorMessage": f"the emulator has failed: {error!r}"}, 500)

    def _check_token(self, request: Request, operation: Operation) -> None:
        if operation.name == LOGIN:
            return
        try:
            self._desks.account.check(request.headers.get("auth-token", ""))
        except ApiError as error:
            if operation.name == KEYS:  # the client of this call looks at the status alone
                error.status = 401
            raise

    def _predict(self, request: Request, service: str) -> Response:
        if not is_signed(request.headers, self._desks.account.secret_of):
            return answer({"message": "the signature is missing or wrong"}, 401)
        if request.method != "POST":
            return answer({"message": "only POST is allowed"}, 405)
        if not service.isascii() or not service.isdigit():
            return answer({"message": "the host name does not begin with a service's id"}, 404)
        return self._desks.services.predict(int(service), request)
