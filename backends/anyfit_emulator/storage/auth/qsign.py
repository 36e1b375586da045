"""The signature of COS, `q-sign-algorithm=sha1`, in a header or in a query."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from hashlib import sha1
from urllib.parse import quote, unquote

from anyfit_emulator.storage.auth.values import SKEW_SECONDS, Claim, Identity
from anyfit_emulator.storage.credentials import CredentialTable
from anyfit_emulator.storage.errors import StoreError

__all__ = ["from_header", "from_query"]

_NAMES = "q-sign-algorithm q-ak q-sign-time q-key-time q-header-list q-url-param-list q-signature"
_FIELDS = frozenset(_NAMES.split())
TOKEN = "x-cos-security-token"  # noqa: S105  a header's name


def from_header(claim: Claim, header: str, table: CredentialTable) -> Identity:
    """Verify an `Authorization: q-sign-algorithm=…` header."""
    fields = {name: unquote(value) for name, _, value in (piece.partition("=") for piece in header.split("&"))}
    return _verify(claim, fields, table)


def from_query(claim: Claim, table: CredentialTable) -> Identity:
    """Verify a presigned URL."""
    return _verify(claim, claim.query, table)


def _verify(claim: Claim, fields: Mapping[str, str], table: CredentialTable) -> Identity:
    try:
        access_key, key_time, given = fields["q-ak"], fields["q-key-time"], fields["q-signature"]
        start, end = (int(word) for word in fields["q-sign-time"].split(";"))
        names = fields["q-header-list"].split(";")
        parameters = fields["q-url-param-list"].split(";")
    except (KeyError, ValueError):
        raise StoreError("InvalidArgument", "The authorization is malformed.") from None
    if fields.get("q-sign-algorithm") != "sha1":
        raise StoreError("InvalidArgument", "The authorization's algorithm must be sha1.")
    credential = table.find(access_key)
    now = table.clock()
    if now > end:
        raise StoreError("RequestIsExpired", details={"ServerTime": str(int(now))})
    if start > now + SKEW_SECONDS:
        raise StoreError("RequestTimeTooSkewed", details={"ServerTime": str(int(now))})
    key = hmac.digest(credential.secret_key.encode(), key_time.encode(), sha1).hex().encode()
    text = ""
    for http_string in _http_strings(claim, names, parameters):
        digest = sha1(http_string.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
        text = f"sha1\n{fields['q-sign-time']}\n{digest}\n"
        if hmac.compare_digest(hmac.digest(key, text.encode(), sha1).hex(), given):
            table.check_token(credential, claim.headers.get(TOKEN) or claim.query.get(TOKEN, ""))
            return Identity(credential, "cos")
    raise StoreError("SignatureDoesNotMatch", details={"StringToSign": text})


def _http_strings(claim: Claim, names: list[str], parameters: list[str]) -> Iterator[str]:
    """What was signed: with the host as received, then without its port, as the SDK signs it."""
    path = claim.decoded_path
    query = _signed({name: value for name, value in claim.pairs if name not in _FIELDS}, parameters)
    host = claim.headers.get("host", "")
    for spelling in dict.fromkeys((host, host.rpartition(":")[0] or host)):
        headers = _signed({**claim.headers, "host": spelling}, names)
        yield f"{claim.method.lower()}\n{path}\n{query}\n{headers}\n"


def _signed(values: Mapping[str, str], names: list[str]) -> str:
    pairs = {_encode(name).lower(): _encode(value) for name, value in values.items()}
    return "&".join(f"{name}={pairs[name]}" for name in sorted(names) if name in pairs)


def _encode(text: str) -> str:
    return quote(text, safe="-_.~", errors="surrogateescape")
