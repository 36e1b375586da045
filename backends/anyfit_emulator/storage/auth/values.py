"""What is signed, and what a good signature proves."""

from __future__ import annotations

from functools import cached_property
from urllib.parse import unquote

from attrs import define, field, frozen

from anyfit_emulator.storage.credentials import Credential

__all__ = ["Claim", "Identity", "StreamSigner", "parse_query"]

SKEW_SECONDS = 15 * 60


def parse_query(text: str, *, plus: str = "+") -> list[tuple[str, str]]:
    """Decoded names and values in the order of a query string; `plus` is what a plus sign in it stands for."""
    pairs = []
    for piece in text.replace("+", plus).split("&") if text else []:
        if piece:
            name, _, value = piece.partition("=")
            pairs.append((unquote(name), unquote(value)))
    return pairs


@define(slots=False)
class Claim:
    """The parts of a request that signatures are about.

    Attributes:
        method: `GET` and so on.
        path: The path as sent.
        pairs: The decoded query.
        headers: By lower-case name.
        bucket: The bucket, if it stood in the host name and not in the path; else "".
    """

    method: str
    path: str
    pairs: list[tuple[str, str]]
    headers: dict[str, str]
    bucket: str = ""

    @cached_property
    def query(self) -> dict[str, str]:
        """The query by name."""
        return dict(self.pairs)

    @cached_property
    def decoded_path(self) -> str:
        """The path without percent signs."""
        return unquote(self.path, "utf-8", "surrogateescape")


@frozen
class StreamSigner:
    """What is needed to verify a body that is signed chunk by chunk."""

    key: bytes
    stamp: str
    scope: str
    seed: str


@frozen
class Identity:
    """Who sent a request, and what the signature says of its body.

    Attributes:
        credential: Whose keys were used.
        scheme: `aws4`, `aws2`, `obs` or `cos`.
        payload: The signed value of x-amz-content-sha256, or "" where the scheme has none.
        signer: For bodies that are signed chunk by chunk.
    """

    credential: Credential
    scheme: str
    payload: str = ""
    signer: StreamSigner | None = field(default=None, repr=False)
