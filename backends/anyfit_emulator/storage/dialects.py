"""What the three protocols call things."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

__all__ = ["COS", "OBS", "S3", "Dialect", "dialect_of"]


@frozen
class Dialect:
    """One protocol's words.

    Attributes:
        name: `s3`, `obs` or `cos`.
        prefix: How its own headers begin.
        namespace: The XML namespace of its documents, or "".
        content_type: What an object has that was put without one.
        min_part: The smallest size of a part that is not the last, in bytes.
        expired_status: The HTTP status for temporary keys that have expired.
        plus: What a plus sign in a query stands for.
    """

    name: str
    prefix: str
    namespace: str
    content_type: str
    min_part: int
    expired_status: int
    plus: str = "+"

    def own(self, headers: Mapping[str, str], name: str) -> str:
        """The value of the header `x-…-<name>`, or ""."""
        return headers.get(self.prefix + name, "")


S3 = Dialect("s3", "x-amz-", "http://s3.amazonaws.com/doc/2006-03-01/", "binary/octet-stream", 5 << 20, 400)
OBS = Dialect("obs", "x-obs-", "http://obs.myhwclouds.com/doc/2015-06-30/", "binary/octet-stream", 100 << 10, 403)
COS = Dialect("cos", "x-cos-", "", "application/octet-stream", 1 << 20, 403, plus=" ")


def dialect_of(headers: Mapping[str, str], query: Mapping[str, str], default: Dialect) -> Dialect:
    """The protocol of a request, told from its signature; else `default`."""
    authorization = headers.get("authorization", "")
    if authorization.startswith("q-sign") or "q-signature" in query:
        return COS
    if authorization.startswith("OBS ") or "AccessKeyId" in query:
        return OBS
    if authorization.startswith("AWS") or "X-Amz-Signature" in query or "AWSAccessKeyId" in query:
        return S3
    return default
