"""Asking an endpoint: where it is, and what it wants to be shown."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from anyfit.backend import Payload
from anyfit.http import Transport

__all__ = ["Answer", "Door"]


@frozen
class Answer:
    """What came back."""

    status: int
    body: bytes = field(repr=False)
    content_type: str

    @property
    def ok(self) -> bool:
        """Whether it is a prediction."""
        return 200 <= self.status < 300


@frozen
class Door:
    """Where an endpoint is asked.

    Attributes:
        url: Its address.
        headers: What opens it; they hold a token, which is shown nowhere.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False, default=Factory(dict))

    def ask(self, transport: Transport, payload: Payload) -> Answer:
        """One request, which is made once."""
        headers = {"Content-Type": payload.content_type, "Accept": payload.accept, **self.headers}
        response = transport.send("POST", self.url, data=payload.body, headers=headers)
        kind = response.headers.get("Content-Type", "application/octet-stream")
        return Answer(response.status_code, response.content, kind)
