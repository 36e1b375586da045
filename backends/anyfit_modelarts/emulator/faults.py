"""Misbehaviour of the APIs on request, out of the same specification as the object store's.

    error=502:0.2   that status, in the gateway's shape, instead of doing it
    slowdown=0.1    429 APIGW.0308, as the gateway tells who is too fast
    reset=0.1       the connection is reset, nothing is done
    lost=0.05       it is done, then the connection is reset without an answer
    latency=50ms    a wait before every answer

`only=` knows the calls by the names of the tables, such as `CreateTrainingJob`; what concerns bodies of downloads
(truncate, shorten, corrupt) has no effect here.
"""

from __future__ import annotations

from anyfit_modelarts.emulator.errors import GatewayError

__all__ = ["injected"]

_GATEWAY = {
    429: ("0308", "The throttling threshold has been reached: policy user over ratelimit,limit:200,time:1 second"),
    502: ("0201", "Bad request: backend unavailable"),
    503: ("0613", "IAM unavailable"),
    504: ("0201", "Bad request: backend timeout"),
}


def injected(status: int, word: str) -> GatewayError:
    """The refusal that an error of the plan is."""
    status = 429 if word == "SlowDown" else status
    code, message = _GATEWAY.get(status, ("0601", "Internal server error"))
    return GatewayError(code, message, status)
