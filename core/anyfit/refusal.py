"""What is told of a prediction that failed: the payload is refused, crashed on, or nobody is there to take it."""

from __future__ import annotations

import json

from anyfit.backend import EndpointState
from anyfit.errors import PredictionError, ServiceError

__all__ = ["not_ready", "prediction_error"]

_SHOWN = 1000


def prediction_error(name: str, status: int, body: bytes, *, backend: str, log_hint: str = "") -> PredictionError:
    """The error of an answer; the body of anyfit's own handlers is understood, any other is shown as it is."""
    try:
        error = json.loads(body)["error"]
        message = f"{error['type']}: {error['message']}"
        where = f" ({error['where']})" if error.get("where") else ""
    except (ValueError, KeyError, TypeError):
        message, where = body.decode("utf-8", "replace")[:_SHOWN], ""
    whose = "refused the payload" if status < 500 else "failed on the payload"
    hint = "" if status < 500 else log_hint
    return PredictionError(
        f"endpoint {name} {whose} ({status}): {message}{where}", status=str(status), hint=hint, backend=backend
    )


def not_ready(name: str, state: EndpointState, *, hint: str, backend: str, status: str) -> ServiceError:
    """The error of an endpoint that does not answer, for it is not up."""
    why = f": {state.reason}" if state.reason else ""
    return ServiceError(f"endpoint {name} is {state.status.value}{why}", hint=hint, backend=backend, status=status)
