"""Misbehaviour of the API on request, out of the same specification as the object store's.

    error=503:0.2   refused with the code that goes with the status, the answer's own status being 200 as ever;
                    502 and 504 are a page of the gateway before the service, with that status
    slowdown=0.1    RequestLimitExceeded
    reset=0.1       the connection is reset, nothing is done
    lost=0.05       it is done, then the connection is reset without an answer
    latency=50ms    a wait before every answer

`only=` knows operations by their actions, such as `CreateTrainingTask`; what concerns bodies of downloads (truncate,
shorten, corrupt) has no effect here.
"""

from __future__ import annotations

from collections.abc import Callable

from anyfit_emulator.http import Response
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.wire import failure, new_request_id

__all__ = ["injected"]

_CODES = {
    400: "InvalidRequest",
    401: "AuthFailure",
    403: "UnauthorizedOperation",
    404: "ResourceNotFound",
    429: "RequestLimitExceeded",
    500: "InternalError",
    503: "ServiceUnavailable",
}
_PAGE = b"<html><head><title>%d</title></head><body>bad gateway</body></html>"


def injected(status: int, word: str, refuse: Callable[[ApiError], Response] | None = None) -> Response:
    """The answer that an error of the plan is; `refuse` writes a refusal in the words of another service."""
    code = "RequestLimitExceeded" if word == "SlowDown" else _CODES.get(status)
    if code is None:
        return Response(status, [("Content-Type", "text/html")], _PAGE % status)
    error = ApiError(code, "injected fault")
    return refuse(error) if refuse else failure(error, new_request_id())
