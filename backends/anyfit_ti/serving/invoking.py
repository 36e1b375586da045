"""Asking an endpoint: where it is, and what it wants to be shown."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen
from requests import PreparedRequest
from requests.auth import AuthBase

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
        headers = {"Content-Type": payload.content_type, "Accept": payload.accept}
        response = transport.send("POST", self.url, data=payload.body, headers=headers, auth=_Shown(self.headers))
        kind = response.headers.get("Content-Type", "application/octet-stream")
        return Answer(response.status_code, response.content, kind)


class _Shown(AuthBase):
    """Shows what opens a door, and keeps what a ~/.netrc may have for its host out of it."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers.update(self._headers)
        return request
