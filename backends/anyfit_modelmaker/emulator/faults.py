"""Misbehaviour of the API on request, out of the same specification as the object store's.

    error=503:0.2   that status instead of doing it
    slowdown=0.1    a page of HTML with status 200, which the real service sends to who is too fast (reference, 3.4)
    reset=0.1       the connection is reset, nothing is done
    lost=0.05       it is done, then the connection is reset without an answer
    latency=50ms    a wait before every answer

`only=` knows the operations by the names of `routes`, such as `CreateTrain`; what concerns bodies of downloads
(truncate, shorten, corrupt) has no effect here.
"""

from __future__ import annotations

from anyfit_emulator.http import Response

__all__ = ["injected"]

_TOO_FAST = (
    b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>too many requests</body></html>"
)
_HTML = [("Content-Type", "text/html")]


def injected(status: int, word: str) -> Response:
    """The answer that an error of the plan is."""
    return Response(200 if word == "SlowDown" else status, list(_HTML), _TOO_FAST)
