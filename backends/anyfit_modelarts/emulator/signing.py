"""Verifying `SDK-HMAC-SHA256`, the signature of requests with access keys (reference, section 1.5)."""

from __future__ import annotations

import hmac
import re
from calendar import timegm
from hashlib import sha256
from time import strptime
from urllib.parse import parse_qsl, quote, unquote

from attrs import field, frozen

__all__ = ["ALGORITHM", "SKEW_SECONDS", "Claim", "canonical_request", "moment_of", "parse_header", "signature"]

ALGORITHM = "SDK-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SKEW_SECONDS = 15 * 60
_HEADER = re.compile(rf"{ALGORITHM}\s+Access=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{{64}})")
_FORM = "%Y%m%dT%H%M%SZ"


@frozen
class Claim:
    """A signed request, as far as the signature covers it.

    Attributes:
        path: As on the wire.
        query: As on the wire.
        headers: By lower-case name.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = field(default=b"", repr=False)


def parse_header(text: str) -> tuple[str, list[str], str] | None:
    """Access key, signed headers and signature out of an `Authorization` header; None if it is of another form."""
    match = _HEADER.fullmatch(text.strip())
    return (match[1], match[2].split(";"), match[3]) if match else None


def moment_of(claim: Claim) -> float | None:
    """When the request was signed, as Unix time; None if it does not tell."""
    try:
        return float(timegm(strptime(claim.headers.get("x-sdk-date", ""), _FORM)))
    except ValueError:
        return None


def signature(claim: Claim, signed: list[str], secret: str) -> str:
    """What the signature of the request must be."""
    digest = sha256(canonical_request(claim, signed).encode("utf-8", "surrogateescape")).hexdigest()
    text = f"{ALGORITHM}\n{claim.headers.get('x-sdk-date', '')}\n{digest}"
    return hmac.digest(secret.encode(), text.encode(), sha256).hex()


def canonical_request(claim: Claim, signed: list[str]) -> str:
    """The text whose digest is signed."""
    path = "/".join(_encode(unquote(word, errors="surrogateescape")) for word in claim.path.split("/"))
    pairs = sorted(parse_qsl(claim.query, keep_blank_values=True, errors="surrogateescape"))
    lines = [
        claim.method,
        path if path.endswith("/") else path + "/",
        "&".join(f"{_encode(name)}={_encode(value)}" for name, value in pairs),
        *(f"{name}:{claim.headers.get(name, '').strip()}" for name in signed),
        "",
        ";".join(signed),
        _payload(claim),
    ]
    return "\n".join(lines)


def _payload(claim: Claim) -> str:
    """An empty body is always hashed, whatever the header says (reference, section 9, number 29)."""
    if claim.body and claim.headers.get("x-sdk-content-sha256") == UNSIGNED:
        return UNSIGNED
    return sha256(claim.body).hexdigest()


def _encode(text: str) -> str:
    return quote(text, safe="-_.~", errors="surrogateescape")
