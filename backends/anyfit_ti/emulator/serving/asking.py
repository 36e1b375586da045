"""Requests of the platform's own to programs that it runs."""

from __future__ import annotations

import json
from typing import Any

from anyfit_emulator.http import Request
from anyfit_emulator.http.message import Body

__all__ = ["json_request"]


def json_request(document: dict[str, Any]) -> Request:
    """A POST of a document."""
    content = json.dumps(document).encode()
    body = Body(len(content))
    body.feed(content)
    body.complete = True
    return Request("POST", "/", "", {"content-type": "application/json"}, body, in_thread=True)
