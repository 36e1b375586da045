"""The image that a task runs in: one of the platform's by name, or the user's (reference, sections 3.1 and 3.2)."""

from __future__ import annotations

import re
from typing import Any

from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields

__all__ = ["FRAMEWORKS", "check_image"]

FRAMEWORKS = ("SPARK", "PYSPARK", "TENSORFLOW", "PYTORCH")
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9_.]*(?:-[a-z][a-z0-9_.]*)*(?:-[\w.]+)*-(?:cpu|gpu|npu)")
_TYPES = ("TCR", "CCR", "CUSTOM", "PRESET", "SYSTEM")
_URL = re.compile(r"[a-zA-Z0-9][\w.-]*(?::\d+)?(?:/[\w.-]+)*(?::[\w.-]+|@sha256:[0-9a-f]{64})?")


def check_image(fields: Fields) -> dict[str, Any] | None:
    """The user's image as answers show it, without secrets; None when a framework is named.

    Raises:
        ApiError: There is neither, or one that cannot be.
    """
    framework = fields.text("FrameworkName")
    image = fields.part("ImageInfo")
    if image is not None and image.text("ImageUrl"):
        kind = image.text("ImageType", required=True)
        if kind.upper().replace("_", "") not in _TYPES:
            code = "InvalidParameterValue.ImageIllegal"
            raise image.bad("ImageType", f"must be one of {', '.join(_TYPES)}", code)
        url = image.text("ImageUrl")
        if not _URL.fullmatch(url):
            raise image.bad("ImageUrl", f"is no image: {url}", "InvalidParameterValue.ImageAddressIllegal")
        words = {name: image.text(name) for name in ("RegistryRegion", "RegistryId", "ImageName")}
        flags = {name: image.flag(name) for name in ("AllowSaveAllContent", "SupportDataPipeline")}
        return {"ImageType": kind, "ImageUrl": url, **words, **flags, "ImageSecret": None}
    if not framework:
        message = "Either `FrameworkName` or `ImageInfo` must be given."
        raise ApiError("InvalidParameterValue.ImageIllegal", message)
    if framework not in FRAMEWORKS:
        what = f"must be one of {', '.join(FRAMEWORKS)}"
        raise fields.bad("FrameworkName", what, "InvalidParameterValue.FrameworkVersionNotSupport")
    environment = fields.text("FrameworkEnvironment")
    if not (environment or fields.text("FrameworkVersion")):
        raise ApiError("MissingParameter", "The request is missing a required parameter `FrameworkEnvironment`.")
    if environment and not _ENVIRONMENT.fullmatch(environment):
        what = f"is no environment of {framework}: {environment}"
        raise fields.bad("FrameworkEnvironment", what, "InvalidParameterValue.FrameworkVersionNotSupport")
    return None
