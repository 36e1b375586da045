"""One request on its way through the service, and what its operation needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal
from urllib.parse import quote

from attrs import define, field

from anyfit_emulator.http import Request, Response
from anyfit_emulator.storage.addressing import Address
from anyfit_emulator.storage.auth import Claim, Identity
from anyfit_emulator.storage.dialects import Dialect
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.faults import NOTHING, Decision
from anyfit_emulator.storage.payload import Payload
from anyfit_emulator.storage.store import ObjectStore
from anyfit_emulator.storage.uploads import Uploads
from anyfit_emulator.storage.values import Meta
from anyfit_emulator.storage.xml import document, tag

__all__ = ["Call", "Operation", "Options", "xml_response"]

DOCUMENT_LIMIT = 4 << 20
STORED_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)


@define(slots=True)
class Options:
    """How the service is set up.

    Attributes:
        region: The name it gives for its region.
        suffixes: Host names that buckets may be put in front of.
        min_part: The smallest size of a part that is not the last, or None for what the dialect says.
        unpack: Whether `aws-chunked` bodies are unpacked; the OBS service stores them as they come.
        checksums: What becomes of the wish that an upload's parts be checked: services that are only compatible with
            S3 ignore or refuse it.
    """

    region: str = "us-east-1"
    suffixes: tuple[str, ...] = ("localhost", "127.0.0.1")
    min_part: int | None = None
    unpack: bool = True
    checksums: Literal["kept", "ignored", "refused"] = "kept"


@define(slots=True)
class Call:
    """Everything an operation looks at.

    Attributes:
        operation: Its name, in the words of S3.
        claim: The request as signatures see it; has the decoded query.
        identity: Who sent it; set once that is known.
    """

    request: Request
    operation: str
    dialect: Dialect
    address: Address
    claim: Claim
    store: ObjectStore
    uploads: Uploads
    options: Options
    fault: Decision = NOTHING
    counted: bool = False
    identity: Identity | None = field(default=None)

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.address.bucket

    @property
    def key(self) -> str:
        """The object's key."""
        return self.address.key

    @property
    def query(self) -> dict[str, str]:
        """The decoded query."""
        return self.claim.query

    def own(self, name: str) -> str:
        """The value of the dialect's header of that name; S3 spellings are always understood."""
        headers = self.request.headers
        return self.dialect.own(headers, name) or headers.get(f"x-amz-{name}", "")

    def number(self, name: str, default: int) -> int:
        """A whole number from the query."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit()):
            raise StoreError("InvalidArgument", f"{name} must be a whole number.")
        return int(text)

    @property
    def escaped(self) -> bool:
        """Whether the client wants keys escaped once more, as not all of them can be text of XML."""
        kind = self.query.get("encoding-type", "")
        if kind.lower() not in ("", "url"):
            raise StoreError("InvalidArgument", "The encoding-type can only be url.")
        return bool(kind)

    def text(self, name: str, value: str) -> str:
        """An element with a key or a part of one."""
        return tag(name, quote(value, safe="/-_.~*") if self.escaped else value)

    def payload(self, wanted: Iterable[str] = ()) -> Payload:
        """The body, to be streamed."""
        if self.identity is None:
            raise StoreError("AccessDenied")
        return Payload(self.request, self.identity, unpack=self.options.unpack, wanted=wanted)

    def body(self) -> bytes:
        """The whole body of a request whose body is a document."""
        payload = self.payload()
        data = bytearray()
        for piece in payload:
            data += piece
            if len(data) > DOCUMENT_LIMIT:
                raise StoreError("EntityTooLarge")
        payload.verify()
        return bytes(data)

    def meta(self) -> Meta:
        """What the headers say of the object."""
        headers = self.request.headers
        stored = {name: headers[name] for name in STORED_HEADERS if name in headers}
        encoding = [word.strip() for word in stored.pop("content-encoding", "").split(",")]
        encoding = [word for word in encoding if word and word != "aws-chunked"]
        if encoding:
            stored["content-encoding"] = ",".join(encoding)
        if storage_class := self.own("storage-class"):
            stored["storage-class"] = storage_class
        prefix = f"{self.dialect.prefix}meta-"
        user = {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}
        return Meta(stored, user)

    def own_headers(self, **values: str) -> list[tuple[str, str]]:
        """Response headers of the dialect, without those that are empty."""
        return [(self.dialect.prefix + name.replace("_", "-"), value) for name, value in values.items() if value]


Operation = Callable[[Call], Response]


def xml_response(call: Call, name: str, inner: Iterable[str], headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A response with a document."""
    return Response(
        200,
        [("Content-Type", "application/xml"), *headers],
        document(name, call.dialect.namespace, inner),
    )
