"""The images of the older generation, by their naming rule (reference, section 7.1)."""

from __future__ import annotations

import re

from anyfit_ti.emulator.errors import ApiError

__all__ = ["FRAMEWORKS", "framework_of"]

FRAMEWORKS = ("tensorflow", "pytorch", "mxnet", "sklearn")
_URI = re.compile(r"[a-z0-9][\w.-]*(?::\d+)?(?:/[a-z0-9][\w.-]*)+(?::[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})?")
_OWN = re.compile(r"ccr\.ccs\.tencentyun\.com/(?:ti_containers|ti_public)/([\w.-]+)(?::([\w.-]+))?")
_TAG = re.compile(r"\d+(?:\.\w+)+(?:-(?:gpu|cpu)(?:-cu\d+)?)?-py[23]")


def framework_of(uri: str) -> str:
    """The framework of one of the platform's images; "" for an image of the user's.

    Raises:
        ApiError: There is no such image.
    """
    if not _URI.fullmatch(uri):
        raise ApiError("InvalidParameterValue.InvalidTrainingImageName", f"`{uri}` is no name of an image.")
    match = _OWN.fullmatch(uri)
    if match is None:
        return ""
    if match[1] not in FRAMEWORKS:
        raise ApiError("InvalidParameterValue.ImageNotFound", f"There is no image {uri}.")
    if not _TAG.fullmatch(match[2] or ""):
        message = f"There is no version `{match[2] or ''}` of {match[1]}."
        raise ApiError("InvalidParameterValue.FrameworkVersionNotSupport", message)
    return match[1]
