"""The platform's images for serving, and how images are named in bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from anyfit.errors import AnyfitError, SpecError
from anyfit.images import find_image
from anyfit_ti import wire
from anyfit_ti.catalog import frameworks
from anyfit_ti.settings import Options
from anyfit_ti.wire import Raw

__all__ = ["ServingImage", "find_serving_image", "for_gpu", "image_info"]

_CPU = re.compile(r"\(cpu\)$|-cpu$")


@frozen
class ServingImage:
    """An image of the platform: what it is called, where it is, and of which framework."""

    name: str
    url: str
    framework: str

    @property
    def info(self) -> dict[str, Any]:
        """As a service is told of it."""
        return {"ImageType": "PRESET", "ImageUrl": self.url, "ImageName": self.name}


def find_serving_image(wanted: tuple[str, str, str], images: Sequence[Raw], default: str) -> ServingImage:
    """The image that serves models of a framework; one of its whole names is taken as well."""
    try:
        found, _ = find_image(wanted, frameworks([], [], list(images)), task="serve", default=default)
    except AnyfitError as fault:
        more = "options.ti.serving_framework names another to serve with"
        fault.hint = "; ".join(filter(None, (fault.hint, more)))
        raise
    for row in images:
        image = _image(row)
        if image.name == found.native:
            return image
    raise SpecError(f"framework: TI does not tell where its image {found.native} is")


def for_gpu(info: Mapping[str, Any], images: Sequence[Raw]) -> dict[str, Any]:
    """One of the platform's images as it is for machines with accelerators, where there is such a one."""
    name = _CPU.sub(lambda match: match[0].replace("cpu", "gpu"), str(info.get("ImageName", "")))
    found = next((image for row in images if (image := _image(row)).name == name), None)
    return found.info if found else dict(info)


def image_info(image: str, options: Options) -> dict[str, Any]:
    """An image of one's own as bodies have it."""
    info = {"ImageType": options.image_type or _registry(image), "ImageUrl": image}
    if options.image_registry:
        info["RegistryId"] = options.image_registry
    if options.image_region:
        info["RegistryRegion"] = options.image_region
    return info


def _image(row: Raw) -> ServingImage:
    url = wire.text(row, "ImageUrl")
    return ServingImage(wire.text(row, "ImageName") or url.rpartition("/")[2], url, wire.text(row, "Framework"))


def _registry(image: str) -> str:
    host = image.partition("/")[0]
    if host.endswith("ccs.tencentyun.com"):
        return "CCR"
    return "TCR" if host.endswith("tencentcloudcr.com") else "CUSTOM"
