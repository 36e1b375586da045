"""Bits that TI-EMS's answers share."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any, TypeVar

from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.places import Place

__all__ = ["beijing", "ordered", "read_uri"]

T = TypeVar("T")
_URI = re.compile(r"cos://(?P<bucket>[a-z0-9-]+-\d+)\.cos\.(?P<region>[a-z0-9-]+)\.myqcloud\.com/(?P<path>.*)")
_EIGHT_HOURS = 8 * 3600


def beijing(seconds: float) -> str:
    """A moment as `2020-07-02T11:24:50+08:00`; "" for none."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(seconds + _EIGHT_HOURS)) if seconds else ""


def read_uri(fields: Fields, name: str) -> Place:
    """A folder as `cos://<bucket>.cos.<region>.myqcloud.com/<folder>/`.

    Raises:
        ApiError: It is none.
    """
    match = _URI.fullmatch(fields.text(name, required=True))
    path = match["path"].strip("/") if match else ""
    if match is None or ".." in path.split("/"):
        what = "must be cos://<bucket>-<appid>.cos.<region>.myqcloud.com/<folder>/"
        raise fields.bad(name, what, "InvalidParameter")
    return Place(match["bucket"], match["region"], path + "/" if path else "")


def ordered(items: Sequence[T], fields: Fields, keys: dict[str, Any]) -> list[T]:
    """By `OrderField` and `Order`; the newest first unless told otherwise."""
    key = keys[fields.text("OrderField", "CREATE_TIME", one_of=tuple(keys)) or "CREATE_TIME"]
    ascending = fields.text("Order", "DESC", one_of=("ASC", "DESC")) == "ASC"
    return sorted(items, key=key, reverse=not ascending)
