"""AWS Signature Version 2 and its twin of OBS: the same algorithm with other header names."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from hashlib import sha1
from urllib.parse import quote

from anyfit_emulator.storage.auth.values import SKEW_SECONDS, Claim, Identity
from anyfit_emulator.storage.credentials import Credential, CredentialTable
from anyfit_emulator.storage.errors import StoreError

__all__ = ["from_header", "from_query", "string_to_sign"]

_SIGNED = (
    "CDNNotifyConfiguration accelerate acl analytics append attname backtosource cors customdomain defaultObjectAcl"
    " delete deletebucket directcoldaccess encryption inventory length lifecycle location logging metadata"
    " mirrorBackToSource modify name notification object-lock orchestration partNumber policy policyStatus position"
    " publicAccessBlock quota rename replication requestPayment response-cache-control response-content-disposition"
    " response-content-encoding response-content-language response-content-type response-expires restore retention"
    " select select-type storageClass storagePolicy storageinfo tagging torrent truncate uploadId uploads versionId"
    " versioning versions website x-amz-security-token x-image-process x-image-save-bucket x-image-save-object"
    " x-obs-security-token x-oss-process"
)
SIGNED_PARAMETERS = frozenset(_SIGNED.split())
_PREFIXES = {"AWS": "x-amz-", "OBS": "x-obs-"}


def from_header(claim: Claim, header: str, table: CredentialTable) -> Identity:
    """Verify an `Authorization: AWS AK:signature` (or `OBS …`) header."""
    kind, _, rest = header.partition(" ")
    access_key, colon, given = rest.strip().rpartition(":")
    if not colon:
        raise StoreError("InvalidArgument", "The authorization header is malformed.")
    prefix = _PREFIXES[kind]
    credential = table.find(access_key)
    _check_clock(claim, prefix, table)
    dated = f"{prefix}date" in claim.headers
    _compare(claim, credential, "" if dated else claim.headers.get("date", ""), prefix, given)
    table.check_token(credential, claim.headers.get(f"{prefix}security-token", ""))
    return Identity(credential, "obs" if kind == "OBS" else "aws2")


def from_query(claim: Claim, table: CredentialTable) -> Identity:
    """Verify a URL with `Signature` and `Expires` in its query."""
    query = claim.query
    kind = "AWS" if "AWSAccessKeyId" in query else "OBS"
    access_key = query.get("AWSAccessKeyId") or query.get("AccessKeyId") or ""
    expires = query.get("Expires", "")
    if not access_key or not expires.isdigit():
        raise StoreError("AccessDenied", "Query-string authentication needs Signature, Expires and an access key.")
    credential = table.find(access_key)
    if table.clock() > int(expires):
        raise StoreError("AccessDenied", "Request has expired", details={"Expires": expires})
    prefix = _PREFIXES[kind]
    _compare(claim, credential, expires, prefix, query["Signature"])
    name = f"{prefix}security-token"
    table.check_token(credential, query.get(name) or claim.headers.get(name, ""))
    return Identity(credential, "obs" if kind == "OBS" else "aws2")


def string_to_sign(claim: Claim, date: str, prefix: str, resource: str) -> str:
    """What is signed, for one spelling of the resource's path."""
    headers = claim.headers
    special = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers) if name.startswith(prefix))
    parameters = "&".join(
        f"{name}={value}" if value else name
        for name, value in sorted(claim.pairs)
        if name in SIGNED_PARAMETERS or name.startswith(prefix)
    )
    return "\n".join(
        (
            claim.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            date,
            f"{special}{resource}{'?' if parameters else ''}{parameters}",
        )
    )


def _compare(claim: Claim, credential: Credential, date: str, prefix: str, given: str) -> None:
    text = ""
    for resource in _resources(claim):
        text = string_to_sign(claim, date, prefix, resource)
        digest = hmac.digest(credential.secret_key.encode(), text.encode("utf-8", "surrogateescape"), sha1)
        if hmac.compare_digest(b64encode(digest), given.encode()):
            return
    raise StoreError(
        "SignatureDoesNotMatch",
        details={"AWSAccessKeyId": credential.access_key, "SignatureProvided": given, "StringToSign": text},
    )


def _resources(claim: Claim) -> Iterator[str]:
    """Spellings of the path that clients sign: with the host's bucket in front, a slash after a lone bucket or none."""
    front = f"/{claim.bucket}" if claim.bucket else ""
    decoded = claim.decoded_path
    seen = set()
    for path in (claim.path, quote(decoded, safe="/~", errors="surrogateescape"), decoded):
        whole = front + path
        for resource in (whole, whole.rstrip("/"), f"{whole}/" if whole.count("/") == 1 else whole):
            if resource not in seen:
                seen.add(resource)
                yield resource


def _check_clock(claim: Claim, prefix: str, table: CredentialTable) -> None:
    text = claim.headers.get(f"{prefix}date") or claim.headers.get("date", "")
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except ValueError:
        raise StoreError("AccessDenied", "A valid Date header is required") from None
    if abs(table.clock() - moment) > SKEW_SECONDS:
        raise StoreError("RequestTimeTooSkewed", details={"RequestTime": text})
