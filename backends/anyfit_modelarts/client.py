"""One call of the platform: authenticated, its answer read, its faults as anyfit's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from attrs import frozen
from requests import Response

from anyfit.errors import AuthError, ServiceError
from anyfit.http import Transport
from anyfit_modelarts.answers import json_of, refusal_in
from anyfit_modelarts.auth import Account
from anyfit_modelarts.errors import STALE, fault_of, normal

__all__ = ["Client", "Raw", "is_stale"]

Raw = Mapping[str, Any]


@frozen
class Client:
    """The calls of one project.

    Attributes:
        base: Where ModelArts is.
        account: Whose calls they are.
        transport: Makes them.
    """

    base: str
    account: Account
    transport: Transport

    def get(self, path: str, what: str, params: Raw | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Look; `path` begins with the generation, `/v1/{project}` or `/v2/{project}`."""
        return self._call("GET", path, what, params=params, headers=headers or {})

    def post(self, path: str, body: Raw | None, what: str, *, repeatable: bool = False) -> Any:
        """Make or do something; `repeatable` when doing it twice is as good as once."""
        return self._call("POST", path, what, json=body, repeatable=repeatable)

    def put(self, path: str, body: Raw, what: str) -> Any:
        """Change something."""
        return self._call("PUT", path, what, json=body)

    def delete(self, path: str, what: str) -> Any:
        """Remove something."""
        return self._call("DELETE", path, what)

    def _call(self, method: str, path: str, what: str, **arguments: Any) -> Any:
        """One call, with a new token where the old one has ended: the service has then done nothing yet."""
        project = self.account.project()
        url = self.base + path.replace("{project}", quote(project, safe=""), 1)
        given = {"Content-Type": "application/json", "Accept": "application/json", **arguments.pop("headers", {})}
        if self.account.signs:
            response = self.transport.send(method, url, headers=given, auth=self.account.signer(project), **arguments)
            return self._read(response, what)
        token = self.account.token()
        response = self.transport.send(method, url, headers={**given, "X-Auth-Token": token}, **arguments)
        if is_stale(response):
            token = self.account.renew(token)
            response = self.transport.send(method, url, headers={**given, "X-Auth-Token": token}, **arguments)
            if is_stale(response):
                raise AuthError(
                    f"{what}: ModelArts does not take the token that IAM has just given",
                    hint="does the token's project belong to this region and endpoint? anyfit config show --origin",
                    backend="modelarts",
                    status=str(response.status_code),
                    request_id=_request_id(response),
                )
        return self._read(response, what)

    def _read(self, response: Response, what: str) -> Any:
        answer = json_of(response)
        refusal = refusal_in(answer)
        status = response.status_code
        if not response.ok or (isinstance(answer, Mapping) and answer.get("is_success") is False):
            raise fault_of(status, refusal, what, _request_id(response))
        if answer is None:
            raise ServiceError(
                f"{what}: ModelArts answers with what is no JSON",
                hint="is endpoint right? anyfit config show --origin",
                backend="modelarts",
                status=str(status),
                request_id=_request_id(response),
            )
        return answer


def is_stale(response: Response) -> bool:
    """Whether another token may help."""
    if response.status_code not in (401, 403):
        return False
    refusal = refusal_in(json_of(response))
    return response.status_code == 401 or (refusal is not None and normal(refusal.code) in STALE)


def _request_id(response: Response) -> str:
    return str(response.headers.get("X-Request-Id", ""))
