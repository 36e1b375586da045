"""Requests and answers as the cloud's API 3.0 writes them (reference, sections 1.2 and 1.5)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from attrs import field, frozen

from anyfit_emulator.http import Request, Response
from anyfit_emulator.storage.auth.values import parse_query
from anyfit_ti.emulator.errors import ApiError

__all__ = ["Incoming", "answer", "failure", "new_request_id", "read", "success"]

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
_LIMITS = {"GET": 32 << 10, FORM: 1 << 20, JSON: 10 << 20}
_COMMON = ("Action", "Version", "Region", "Token", "Language", "RequestClient", "Timestamp", "Nonce")
_SIGNING = ("SecretId", "SignatureMethod", "Signature")


@frozen
class Incoming:
    """A request, before it is known whose it is.

    Attributes:
        method: `GET` or `POST`.
        headers: By lower-case name, values as sent.
        query: As sent; "" for POST.
        body: As sent.
        flat: The parameters of a query or a form, in which lists and objects are spelled out in the names; else None.
        common: Action, Version, Region, Token and Timestamp: from headers, or from the parameters under signature v1.
        parameters: What is asked for.
    """

    method: str
    headers: dict[str, str]
    query: str
    body: bytes = field(repr=False)
    flat: dict[str, str] | None = field(repr=False)
    common: dict[str, str]
    parameters: dict[str, Any] = field(repr=False)


def read(request: Request) -> Incoming:
    """Take a request apart.

    Raises:
        ApiError: It is none of the forms that there are.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    signed = bool(request.headers.get("authorization"))
    if request.method == "GET":
        if len(request.query) > _LIMITS["GET"]:
            raise ApiError("RequestSizeLimitExceeded", "The query is longer than 32 KB.")
        return _incoming(request, b"", dict(parse_query(request.query, plus=" ")), signed)
    if request.method != "POST" or kind not in (JSON, FORM):
        raise ApiError("UnsupportedProtocol", "Only GET, POST of JSON and POST of a form are understood.")
    body = request.body.read(_LIMITS[kind])
    if body is None:
        raise ApiError("RequestSizeLimitExceeded", f"The body is longer than {_LIMITS[kind] >> 20} MB.")
    if kind == FORM:
        if signed:
            raise ApiError("UnsupportedProtocol", "A form cannot be signed with TC3-HMAC-SHA256.")
        return _incoming(request, body, dict(parse_query(body.decode("utf-8", "replace"), plus=" ")), signed)
    try:
        parameters = json.loads(body, parse_constant=_refuse)
        json.dumps(parameters, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ApiError("InvalidRequest", f"The body is not JSON: {error}.") from None
    if not isinstance(parameters, dict):
        raise ApiError("InvalidRequest", "The body must be a JSON object.")
    return Incoming("POST", request.headers, "", body, None, _from_headers(request.headers), parameters)


def success(members: dict[str, Any], request_id: str) -> Response:
    """The answer to what was done."""
    return answer({"Response": {**members, "RequestId": request_id}})


def failure(error: ApiError, request_id: str) -> Response:
    """The answer to what was refused; its HTTP status is 200, too."""
    told = {"Code": error.code, "Message": error.message}
    return answer({"Response": {"Error": told, "RequestId": request_id}})


def new_request_id() -> str:
    """An id for one request."""
    return str(uuid.uuid4())


def answer(document: dict[str, Any]) -> Response:
    """A response."""
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return Response(200, [("Content-Type", JSON)], body)  # the official SDK sees no error with a charset here


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not allowed")


def _incoming(request: Request, body: bytes, flat: dict[str, str], signed: bool) -> Incoming:
    common = _from_headers(request.headers) if signed else {name: flat[name] for name in _COMMON if name in flat}
    hidden = () if signed else (*_COMMON, *_SIGNING)
    asked = {name: value for name, value in flat.items() if name not in hidden}
    query = request.query if request.method == "GET" else ""
    return Incoming(request.method, request.headers, query, body, flat, common, _nested(asked))


def _from_headers(headers: dict[str, str]) -> dict[str, str]:
    return {name: headers[f"x-tc-{name.lower()}"] for name in _COMMON if f"x-tc-{name.lower()}" in headers}


def _nested(flat: dict[str, str]) -> dict[str, Any]:
    """`Filters.0.Name=x` as a list of objects."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        place = tree
        for step in path:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise ApiError("InvalidParameter", f"The parameter `{name}` contradicts another one.")
        place[last] = value
    return {name: _listed(value) for name, value in tree.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    members = {name: _listed(member) for name, member in value.items()}
    if all(name.isascii() and name.isdigit() for name in members):
        return [members[name] for name in sorted(members, key=int)]
    return members
