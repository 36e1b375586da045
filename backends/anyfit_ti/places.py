"""Addresses: the bucket's folders, and the platform's ways to name a place in it."""

from __future__ import annotations

import re
from typing import Any

from anyfit.cloud.places import Places
from anyfit.storage import Uri
from anyfit_ti.settings import Settings

__all__ = ["cos_path", "ems_uri", "folder", "places_of", "uri_of_ems"]

_EMS = re.compile(r"cos://([^./]+)\.cos\.[^./]+\.[a-z.]+/(.*)")


def folder(uri: str) -> str:
    """The URI as that of a folder."""
    return uri if uri.endswith("/") else f"{uri}/"


def cos_path(uri: str, region: str) -> dict[str, Any]:
    """A place as the second generation writes it."""
    place = Uri.parse(uri)
    return {"Bucket": place.bucket, "Region": region, "Paths": [place.key]}


def ems_uri(uri: str, region: str) -> str:
    """A folder as TI-EMS writes it: by the bucket's host."""
    place = Uri.parse(uri)
    return f"cos://{place.bucket}.cos.{region}.myqcloud.com/{place.key}"


def uri_of_ems(written: str) -> str:
    """The folder that TI-EMS means, or "" where it is none."""
    match = _EMS.fullmatch(written)
    return f"cos://{match[1]}/{match[2]}" if match else ""


def places_of(settings: Settings) -> Places:
    """The folders of anyfit in the bucket."""
    hint = (
        "set bucket under [ti] in anyfit.toml or in ANYFIT_TI_BUCKET; or uin and app_id for the vendor's default bucket"
    )
    return Places("cos", settings.home_bucket, settings.folder, hint)
