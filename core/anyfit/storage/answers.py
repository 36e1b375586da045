"""What a service's refusals mean to our caller; one table for S3, OBS and COS, however they were asked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from anyfit.errors import AnyfitError, AuthError, NotFound, StorageError
from anyfit.show import one_line
from anyfit.storage.retry import Unsteady
from anyfit.values import frozen

OPAQUE = "opaque"
"""As an entry's checksum: the ETag is no digest of the content, as the service encrypts it or it was appended to."""

__all__ = ["OPAQUE", "ExpiredKeys", "Refusal", "WrongRegion", "is_passing", "parse_refusal", "region_of"]

_NOT_FOUND = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchUpload", "NoSuchResource", "NotFound", "404"})
_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestIsExpired", "TokenRefreshRequired"}
)
_DAMAGED = frozenset(
    {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody"}
)
_BUSY = frozenset(
    {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted", "Throttling"}
)
_PASSING = frozenset({408, 429, 500})  # and all from 502 on: 501 stays what it is, a thing that a service cannot do
_DENIED = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "RequestTimeTooSkewed"}
)
_REDIRECTS = frozenset({301, 307})
_ELSEWHERE = frozenset({"AuthorizationHeaderMalformed", "400"})  # the latter to HEAD, whose answer has no words
_HINTS = {
    "InvalidAccessKeyId": "the service does not know this access key; check the profile",
    "SignatureDoesNotMatch": "the secret key does not fit the access key; check the profile",
    "InvalidToken": "the session token does not go with the keys; get new temporary credentials",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it right",
    "NoSuchBucket": "create the bucket first, or check its name and region",
    "VirtualHostDomainRequired": 'set addressing = "virtual"',
    "PreconditionFailed": "the object changed while it was being read; run it again",
    "EntityTooLarge": "send it in parts",
    "InvalidObjectState": "the object is archived; restore it with the service's own tools first",
}


_WORDLESS = {  # an answer to HEAD has no body that could say it
    403: "the keys are wrong, or may not do this",
    404: "there is no such object, or no such bucket",
}
_KEYS = "check access_key and secret_key, and what the account may do"


def is_passing(code: str) -> bool:
    """Whether what a service refuses with such a word may go well at the next attempt."""
    return code in _BUSY


class ExpiredKeys(AuthError):
    """Temporary keys ended; new ones help."""


class WrongRegion(StorageError):
    """The bucket lies in another region than the one that was asked.

    Attributes:
        region: The one where it lies.
    """

    region: str = ""


@frozen
class Refusal:
    """A service's answer that is no success.

    Attributes:
        status: The HTTP status.
        code: The service's word for it, "" when it sent none.
        message: The service's sentence.
        request_id: For its support desk.
        after: Seconds to wait, from `Retry-After`.
        region: Where the bucket lies, when the service says so.
    """

    status: int
    code: str = ""
    message: str = ""
    request_id: str = ""
    after: float = 0.0
    region: str = ""

    def error(self, what: str) -> AnyfitError:
        """The error to raise when the service refused `what`, such as "put s3://b/k"."""
        word = self.code or str(self.status)
        denied = (word in _DENIED or self.status in (401, 403)) and word != "InvalidObjectState"
        reason = self.message if self.code else _WORDLESS.get(403 if denied else self.status, self.message)
        text = one_line(f"{what}: {word}" + (f": {reason}" if reason else ""))
        data = {"hint": _HINTS.get(word, ""), "status": word, "request_id": self.request_id}
        if word in _EXPIRED:
            return ExpiredKeys(text, **{**data, "hint": "get new temporary credentials"})
        if self.region and (self.status in _REDIRECTS or word in _ELSEWHERE):
            elsewhere = WrongRegion(text, **{**data, "hint": f"the bucket lies in {self.region}: set region"})
            elsewhere.region = self.region
            return elsewhere
        if word in _NOT_FOUND or (self.status == 404 and not self.code):
            return NotFound(text, **data)
        if word in _DAMAGED or is_passing(word) or self.status in _PASSING or self.status > 501:
            error = Unsteady(text, **data)
            error.after = self.after
            return error
        if denied:
            return AuthError(text, **{**data, "hint": data["hint"] or _KEYS})
        return StorageError(text, **data)


def parse_refusal(status: int, headers: dict[str, str], body: bytes) -> Refusal:
    """Read an XML error, or make do with the status."""

    def member(name: str) -> str:
        found = re.search(rf"<{name}>(.*?)</{name}>".encode(), body, re.DOTALL)
        return _unescape(found[1].decode("utf-8", "replace")) if found else ""

    identifier = next((v for k, v in headers.items() if k.endswith("-request-id")), "") or member("RequestId")
    wait = headers.get("retry-after", "")
    after = float(wait) if wait.isdigit() else 0.0
    region = region_of(headers, member("Region"))
    return Refusal(status, member("Code"), member("Message"), identifier, after, region)


def region_of(headers: Mapping[str, str], told: str) -> str:
    """Where a bucket lies, from the headers and the text of a refusal; "" unless it can be part of a host's name."""
    region = headers.get("x-amz-bucket-region", "") or told
    return region if re.fullmatch(r"[a-z0-9-]+", region) else ""


def _unescape(text: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text
