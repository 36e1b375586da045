"""Who sent this? TC3-HMAC-SHA256, and the older signature among the parameters (reference, sections 1.3 and 1.4)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterator

from anyfit_emulator.storage.credentials import Credential, CredentialTable
from anyfit_emulator.storage.errors import StoreError
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.wire import Incoming

__all__ = ["authenticate"]

TC3 = "TC3-HMAC-SHA256"
SKEW = 300
_AUTHORIZATION = re.compile(
    rf"{TC3} +Credential=(?P<id>[^/, ]+)/(?P<date>\d{{4}}-\d\d-\d\d)/(?P<service>[\w-]+)/tc3_request *, *"
    r"SignedHeaders=(?P<names>[\w;-]+) *, *Signature=(?P<signature>[0-9a-f]{64})"
)
_OLD_METHODS = {"HmacSHA1": hashlib.sha1, "HmacSHA256": hashlib.sha256}
_UNSIGNED = "UNSIGNED-PAYLOAD"


def authenticate(incoming: Incoming, table: CredentialTable) -> str:
    """Verify a request; answers the service that it was signed for, or "" where the signature does not say.

    Raises:
        ApiError: The signature is missing, wrong, too old, or of unknown keys.
    """
    header = incoming.headers.get("authorization", "")
    if header:
        return _tc3(incoming, header, table)
    if incoming.flat is not None and "Signature" in incoming.flat:
        return _old(incoming, incoming.flat, table)
    raise ApiError("MissingParameter", "The request is missing a required parameter `Authorization`.")


def _tc3(incoming: Incoming, header: str, table: CredentialTable) -> str:
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        raise ApiError("AuthFailure.InvalidAuthorization", "The header `Authorization` is malformed.")
    stamp = _timestamp(incoming, table)
    credential = _find(table, match["id"])
    names = match["names"].split(";")
    if not {"content-type", "host"} <= set(names):
        raise ApiError("AuthFailure.InvalidAuthorization", "`content-type` and `host` must be signed.")
    if time.strftime("%Y-%m-%d", time.gmtime(stamp)) != match["date"]:
        raise _mismatch("The credential's date is not the date of X-TC-Timestamp. ")
    scope = f"{match['date']}/{match['service']}/tc3_request"
    key = f"TC3{credential.secret_key}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), hashlib.sha256)
    for canonical in _canonical(incoming, names):
        digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
        text = f"{TC3}\n{incoming.common['Timestamp']}\n{scope}\n{digest}"
        if hmac.compare_digest(hmac.digest(key, text.encode(), hashlib.sha256).hex(), match["signature"]):
            _check_token(table, credential, incoming.common.get("Token", ""))
            return match["service"]
    raise _mismatch()


def _canonical(incoming: Incoming, names: list[str]) -> Iterator[str]:
    """What was signed: the manual wants header values in lower case, the SDK leaves them as they are."""
    unsigned = incoming.headers.get("x-tc-content-sha256") == _UNSIGNED
    body = hashlib.sha256(_UNSIGNED.encode() if unsigned else incoming.body).hexdigest()
    values = [incoming.headers.get(name, "").strip() for name in names]
    for spelled in ([value.lower() for value in values], values):
        headers = "".join(f"{name}:{value}\n" for name, value in zip(names, spelled, strict=True))
        yield f"{incoming.method}\n/\n{incoming.query}\n{headers}\n{';'.join(names)}\n{body}"


def _old(incoming: Incoming, flat: dict[str, str], table: CredentialTable) -> str:
    _timestamp(incoming, table)
    method = _OLD_METHODS.get(flat.get("SignatureMethod", "HmacSHA1"))
    if method is None:
        raise ApiError("InvalidParameterValue", f"`SignatureMethod` must be one of {', '.join(_OLD_METHODS)}.")
    if not flat.get("Nonce", "").isdigit():
        raise ApiError("MissingParameter", "The request is missing a required parameter `Nonce`.")
    credential = _find(table, flat.get("SecretId", ""))
    pairs = sorted((name.replace("_", "."), value) for name, value in flat.items() if name != "Signature")
    text = "&".join(f"{name}={value}" for name, value in pairs)
    text = f"{incoming.method}{incoming.headers.get('host', '')}/?{text}"
    wanted = base64.b64encode(hmac.digest(credential.secret_key.encode(), text.encode(), method)).decode()
    if not hmac.compare_digest(wanted.encode(), flat["Signature"].encode("utf-8", "replace")):
        raise _mismatch()
    _check_token(table, credential, flat.get("Token", ""))
    return ""


def _timestamp(incoming: Incoming, table: CredentialTable) -> int:
    given = incoming.common.get("Timestamp", "")
    if not (given.isascii() and given.isdigit() and len(given) < 12):
        raise ApiError("MissingParameter", "The request is missing a required parameter `Timestamp`.")
    now = table.clock()
    if abs(now - int(given)) > SKEW:
        message = f"The timestamp {given} is more than {SKEW} s away from the server's time, {int(now)}."
        raise ApiError("AuthFailure.SignatureExpire", message)
    return int(given)


def _find(table: CredentialTable, secret_id: str) -> Credential:
    try:
        return table.find(secret_id)
    except StoreError:
        raise ApiError(
            "AuthFailure.SecretIdNotFound", "The SecretId is not found, please ensure that it is correct."
        ) from None


def _check_token(table: CredentialTable, credential: Credential, token: str) -> None:
    try:
        table.check_token(credential, token)
    except StoreError as error:
        what = {"ExpiredToken": "has expired", "InvalidToken": "is wrong"}.get(error.code, "is missing")
        raise ApiError("AuthFailure.TokenFailure", f"The session token {what}.") from None


def _mismatch(why: str = "") -> ApiError:
    message = f"{why}The provided credentials could not be validated. Please check your signature is correct."
    return ApiError("AuthFailure.SignatureFailure", message)
