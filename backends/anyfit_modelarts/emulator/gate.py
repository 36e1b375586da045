"""The gateway: who may come in (reference, sections 1.5 and 1.6)."""

from __future__ import annotations

import hmac

from anyfit_emulator.http import Request
from anyfit_emulator.storage import Credential
from anyfit_modelarts.emulator.account import Account
from anyfit_modelarts.emulator.calls import Caller
from anyfit_modelarts.emulator.errors import ApiError, GatewayError, Surface
from anyfit_modelarts.emulator.signing import SKEW_SECONDS, Claim, moment_of, parse_header, signature

__all__ = ["check_project", "identify"]


def identify(account: Account, request: Request, body: bytes) -> Caller:
    """Who sent a request, by its token or its signature.

    Raises:
        GatewayError: Nobody who is known.
    """
    if authorization := request.headers.get("authorization", ""):
        return _signed(account, request, body, authorization)
    return _with_token(account, request.headers.get("x-auth-token", ""))


def check_project(caller: Caller, project: str, surface: Surface) -> None:
    """Let callers ask for their own project alone.

    Raises:
        ApiError: It is another, or the token is good for none.
    """
    if not caller.project:
        raise ApiError("ModelArts.0212", "The token must contain a project.", 401)
    if caller.project != project:
        code, status = surface.stranger
        raise ApiError(code, "The project ID in the URL does not match that of the token.", status)


def _with_token(account: Account, text: str) -> Caller:
    if not text:
        raise _incorrect("x-auth-token not found")
    token = account.token(text)
    if token is None:
        raise _incorrect("decrypt token fail")
    if account.clock() >= token.expires:
        raise GatewayError("0307", "The token must be updated", 401)
    return account.caller(project=token.project)


def _signed(account: Account, request: Request, body: bytes, authorization: str) -> Caller:
    parsed = parse_header(authorization)
    if parsed is None:
        raise _incorrect("the Authorization header is not of the form SDK-HMAC-SHA256 Access=…")
    access_key, signed, given = parsed
    claim = Claim(request.method, request.path, request.query, request.headers, body)
    credential = account.keys(access_key)
    if credential is None:
        raise _incorrect(f"ak {access_key} not exist")
    moment = moment_of(claim)
    if moment is None or abs(account.clock() - moment) > SKEW_SECONDS:
        raise _incorrect("signature expired, X-Sdk-Date differs too much from the present")
    if not {"host", "x-sdk-date"} <= set(signed):
        raise _incorrect("verify aksk signature fail: host and x-sdk-date must be signed")
    if not hmac.compare_digest(signature(claim, signed, credential.secret_key), given):
        raise _incorrect("verify aksk signature fail")
    _check_security_token(account, credential, request.headers.get("x-security-token", ""))
    return account.caller(project=True)


def _check_security_token(account: Account, credential: Credential, text: str) -> None:
    if text != credential.token:
        raise _incorrect("verify aksk signature fail: X-Security-Token is missing or wrong")
    if credential.expires is not None and account.clock() >= credential.expires:
        raise _incorrect(f"ak {credential.access_key} has expired")


def _incorrect(what: str) -> GatewayError:
    return GatewayError("0301", f"Incorrect IAM authentication information: {what}", 401)
