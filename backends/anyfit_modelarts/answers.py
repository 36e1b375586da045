"""Reading answers: the JSON of a body, and what a refusal says in any of the platform's four shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from requests import Response

__all__ = ["Refusal", "json_of", "refusal_in"]


@frozen
class Refusal:
    """What the service says when it refuses."""

    code: str
    message: str
    solution: str = ""


def json_of(response: Response) -> Any:
    """The JSON of the body; an empty object for no body, None for what is no JSON."""
    if not response.content:
        return {}
    try:
        answer = response.json()
    except ValueError:
        return None
    return {} if answer is None else answer


def refusal_in(answer: Any) -> Refusal | None:
    """The refusal in an answer, or None; IAM and some gateways put theirs one level further down."""
    if not isinstance(answer, Mapping):
        return None
    for table in (answer, answer.get("error")):
        if isinstance(table, Mapping):
            code = _text(table, "error_code", "errorCode", "code")
            message = _text(table, "error_msg", "error_message", "errorMsg", "message", "msg")
            if code or answer.get("is_success") is False:
                return Refusal(code, message, _text(table, "error_solution"))
    return None


def _text(table: Mapping[str, Any], *names: str) -> str:
    return next((str(table[name]) for name in names if table.get(name)), "")
