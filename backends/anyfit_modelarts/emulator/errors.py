"""What is refused, and in which shape (reference, sections 1.3, 1.6 and 1.7)."""

from __future__ import annotations

from typing import Any

from attrs import frozen

__all__ = ["IAM", "MODELS", "V1", "V2", "ApiError", "GatewayError", "Surface", "failure_body"]


@frozen
class Surface:
    """One of the APIs behind the gateway; each tells of failures in its own way.

    Attributes:
        name: `iam`, `v1`, `v2` or `models`.
        invalid: The code for a body or a parameter that is not as documented.
        malformed: The code for a body that is no JSON object.
        stranger: Code and status for a project that is not the caller's.
        query: The code for a parameter behind the question mark, where it is another.
    """

    name: str
    invalid: str
    malformed: str
    stranger: tuple[str, int] = ("ModelArts.0210", 403)
    query: str = ""


IAM = Surface("iam", "IAM.0011", "IAM.0011")
V1 = Surface("v1", "ModelArts.0104", "ModelArts.0101")
V2 = Surface("v2", "ModelArts.2788", "ModelArts.2787", ("ModelArts.2786", 404), "ModelArts.2764")
MODELS = Surface("models", "ModelArts.3037", "ModelArts.0101")


class ApiError(Exception):
    """A refusal: nothing was changed.

    Attributes:
        code: Such as `ModelArts.0104`.
        status: The HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class GatewayError(ApiError):
    """A refusal by the API gateway, before the service sees the request; the code goes without its prefix."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"APIGW.{code}", message, status)


_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}


def failure_body(error: ApiError, surface: Surface, request_id: str) -> dict[str, Any]:
    """The document that tells of a failure."""
    if isinstance(error, GatewayError):
        return {"error_msg": error.message, "error_code": error.code, "request_id": request_id}
    if surface is IAM:
        title = _TITLES.get(error.status, "Internal Server Error")
        return {"error": {"code": error.status, "message": error.message, "title": title}}
    both = {"error_code": error.code, "error_msg": error.message}
    if surface is V1:
        return {"is_success": False, "error_message": error.message, **both}
    if surface is V2:
        return {**both, "error_solution": "Correct the request and send it again."}
    return {"error_message": error.message, **both}
