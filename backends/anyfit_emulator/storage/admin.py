"""The emulator's own endpoints, below a path that can be no bucket's.

    GET    /_emulator/requests       counts by operation and the latest requests, as JSON
    DELETE /_emulator/requests       forget them
    PUT    /_emulator/faults         the body is a fault specification; empty for none
    PUT    /_emulator/credentials    {"access_key", "secret_key", "token"?, "expires_in"?} are let in from now on

Looking is free to whoever reaches the port; changing needs `Authorization: Bearer <secret key>` of any known keys.
"""

from __future__ import annotations

import json

from anyfit_emulator.http import Request, Response
from anyfit_emulator.storage.credentials import Credential, CredentialTable
from anyfit_emulator.storage.faults import FaultPlan, Faults
from anyfit_emulator.storage.requestlog import RequestLog

__all__ = ["PATH", "Administration"]

PATH = "/_emulator/"
_LIMIT = 1 << 20


class Administration:
    """Answers requests below `PATH`."""

    def __init__(self, log: RequestLog, plan: FaultPlan, credentials: CredentialTable) -> None:
        self._log = log
        self._plan = plan
        self._credentials = credentials

    def wants(self, request: Request) -> bool:
        """Whether the request is for this."""
        return request.path.startswith(PATH)

    def __call__(self, request: Request) -> Response:
        """Answer it."""
        if request.method != "GET" and not self._may_change(request.headers.get("authorization", "")):
            return _json(403, {"error": "changes need 'Authorization: Bearer <secret key>'"})
        try:
            answer = self._do(request.method, request.path.removeprefix(PATH), request.body.read(_LIMIT) or b"")
        except (ValueError, TypeError, KeyError) as error:
            return _json(400, {"error": str(error)})
        return _json(404 if answer is None else 200, answer or {})

    def _may_change(self, authorization: str) -> bool:
        kind, _, secret = authorization.partition(" ")
        return kind == "Bearer" and self._credentials.knows_secret(secret)

    def _do(self, method: str, name: str, body: bytes) -> dict[str, object] | None:
        if (method, name) == ("GET", "requests"):
            return self._log.to_json()
        if (method, name) == ("DELETE", "requests"):
            self._log.clear()
            return {"cleared": True}
        if (method, name) == ("PUT", "faults"):
            self._plan.replace(Faults.parse(body.decode()))
            return {"faults": body.decode()}
        if (method, name) == ("PUT", "credentials"):
            return self._add(json.loads(body))
        return None

    def _add(self, fields: dict[str, str | float]) -> dict[str, object]:
        lifetime = fields.pop("expires_in", None)
        expires = None if lifetime is None else self._credentials.clock() + float(lifetime)
        words = {name: str(value) for name, value in fields.items()}
        self._credentials.add(Credential(expires=expires, **words))
        return {"expires": expires}


def _json(status: int, value: dict[str, object]) -> Response:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return Response(status, [("Content-Type", "application/json")], body)
