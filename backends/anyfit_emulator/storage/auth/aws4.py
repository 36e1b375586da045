"""AWS Signature Version 4: in a header, in a query, and of chunked bodies."""

from __future__ import annotations

import calendar
import hmac
import re
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, unquote

from anyfit_emulator.storage.auth.values import SKEW_SECONDS, Claim, Identity, StreamSigner
from anyfit_emulator.storage.credentials import Credential, CredentialTable
from anyfit_emulator.storage.errors import StoreError

__all__ = ["from_header", "from_query", "signature", "signing_key"]

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_EXPIRES = 7 * 24 * 3600
_SPACES = re.compile(r"\s+")
_PAYLOAD = re.compile(
    r"[0-9a-fA-F]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    r"|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?"
)
_FIELD = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")


def from_header(claim: Claim, header: str, table: CredentialTable) -> Identity:
    """Verify an `Authorization: AWS4-HMAC-SHA256 …` header."""
    algorithm, _, rest = header.partition(" ")
    fields = dict(_FIELD.findall(rest))
    if algorithm != ALGORITHM or len(fields) != 3:
        raise StoreError("AuthorizationHeaderMalformed")
    payload = claim.headers.get("x-amz-content-sha256", "")
    if not payload:
        raise StoreError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if not _PAYLOAD.fullmatch(payload):
        raise StoreError("InvalidArgument", "x-amz-content-sha256 must be a SHA-256, or tell how the body is signed.")
    access_key, scope = _scope(fields["Credential"])
    stamp = _stamp(claim)
    moment = _moment(stamp)
    _check_scope(scope, stamp)
    credential = table.find(access_key)
    if abs(table.clock() - moment) > SKEW_SECONDS:
        raise StoreError("RequestTimeTooSkewed", details={"RequestTime": stamp})
    signed = fields["SignedHeaders"].split(";")
    _check_signed_headers(claim, signed)
    key = signing_key(credential.secret_key, *scope)
    _compare(claim, credential, key, stamp, scope, signed, claim.pairs, payload, fields["Signature"])
    table.check_token(credential, claim.headers.get("x-amz-security-token", ""))
    signer = StreamSigner(key, stamp, "/".join(scope), fields["Signature"])
    return Identity(credential, "aws4", payload, signer)


def from_query(claim: Claim, table: CredentialTable) -> Identity:
    """Verify a presigned URL."""
    query = claim.query
    try:
        stamp, expires = query["X-Amz-Date"], int(query["X-Amz-Expires"])
        access_key, scope = _scope(query["X-Amz-Credential"])
        signed = query["X-Amz-SignedHeaders"].split(";")
    except (KeyError, ValueError):
        raise StoreError("AccessDenied", "Query-string authentication needs all X-Amz- parameters.") from None
    if query.get("X-Amz-Algorithm") != ALGORITHM or not 0 < expires <= MAX_EXPIRES:
        raise StoreError("AccessDenied", "X-Amz-Algorithm or X-Amz-Expires is not valid.")
    moment = _moment(stamp)
    _check_scope(scope, stamp)
    credential = table.find(access_key)
    if table.clock() > moment + expires:
        raise StoreError("AccessDenied", "Request has expired", details={"X-Amz-Expires": str(expires)})
    if moment > table.clock() + SKEW_SECONDS:
        raise StoreError("AccessDenied", "Request is not yet valid")
    _check_signed_headers(claim, ["x-amz-content-sha256", *signed])  # some clients send that one anyway
    payload = query.get("X-Amz-Content-Sha256") or claim.headers.get("x-amz-content-sha256") or "UNSIGNED-PAYLOAD"
    pairs = [pair for pair in claim.pairs if pair[0] != "X-Amz-Signature"]
    key = signing_key(credential.secret_key, *scope)
    _compare(claim, credential, key, stamp, scope, signed, pairs, payload, query["X-Amz-Signature"])
    table.check_token(credential, query.get("X-Amz-Security-Token", ""))
    return Identity(credential, "aws4", payload)


@lru_cache(maxsize=256)
def signing_key(secret: str, date: str, region: str, service: str, end: str) -> bytes:
    """The key that signs on one day, in one region."""
    key = hmac.digest(f"AWS4{secret}".encode(), date.encode(), sha256)
    for word in (region, service, end):
        key = hmac.digest(key, word.encode(), sha256)
    return key


def signature(key: bytes, kind: str, stamp: str, scope: str, *rest: str) -> str:
    """The signature of a string to sign, whose first line is `kind`."""
    return hmac.digest(key, "\n".join((kind, stamp, scope, *rest)).encode(), sha256).hex()


def _compare(
    claim: Claim,
    credential: Credential,
    key: bytes,
    stamp: str,
    scope: tuple[str, ...],
    signed: Iterable[str],
    pairs: list[tuple[str, str]],
    payload: str,
    given: str,
) -> None:
    # Sorted as pairs: as texts, `a=1` would come after `a-b=1`.
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    query = "&".join(f"{name}={value}" for name, value in encoded)
    headers = "".join([f"{name}:{_trimmed(claim.headers.get(name, ''))}\n" for name in signed])
    tail = f"{query}\n{headers}\n{';'.join(signed)}\n{payload}"
    canonical = ""
    for path in _paths(claim.path):
        canonical = f"{claim.method}\n{path}\n{tail}"
        digest = sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
        expected = signature(key, ALGORITHM, stamp, "/".join(scope), digest)
        if hmac.compare_digest(expected, given):
            return
    raise StoreError(
        "SignatureDoesNotMatch",
        details={
            "AWSAccessKeyId": credential.access_key,
            "SignatureProvided": given,
            "CanonicalRequest": canonical,
        },
    )


def _trimmed(value: str) -> str:
    value = value.strip()
    return _SPACES.sub(" ", value) if "  " in value else value


def _paths(path: str) -> Iterable[str]:
    """The canonical path; a client that escapes more or less than it should is forgiven."""
    canonical = quote(unquote(path, "utf-8", "surrogateescape"), safe="/-_.~", errors="surrogateescape")
    yield canonical
    if canonical != path:
        yield path


def _scope(credential: str) -> tuple[str, tuple[str, str, str, str]]:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5:
        raise StoreError("AuthorizationHeaderMalformed", "The credential has no scope.")
    return parts[0], (parts[1], parts[2], parts[3], parts[4])


def _check_scope(scope: tuple[str, str, str, str], stamp: str) -> None:
    date, _, service, end = scope
    if (service, end) != ("s3", "aws4_request") or not stamp.startswith(date):
        raise StoreError("AuthorizationHeaderMalformed", "The credential's scope is not valid.")


def _check_signed_headers(claim: Claim, signed: list[str]) -> None:
    loose = [name for name in claim.headers if name.startswith("x-amz-") and name not in signed]
    if loose or "host" not in signed:
        raise StoreError(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            details={"HeadersNotSigned": ", ".join(loose) or "host"},
        )


def _stamp(claim: Claim) -> str:
    """The request's time as ISO 8601; some clients have it in `Date` only."""
    stamp = claim.headers.get("x-amz-date")
    if stamp:
        return stamp
    try:
        moment = parsedate_to_datetime(claim.headers.get("date", ""))
    except ValueError:
        raise StoreError("AccessDenied", "A valid Date or x-amz-date header is required") from None
    return moment.strftime("%Y%m%dT%H%M%SZ")


@lru_cache(maxsize=256)
def _moment(stamp: str) -> float:
    try:
        return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise StoreError("AccessDenied", "A valid Date or x-amz-date header is required") from None
