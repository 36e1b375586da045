"""Values to JSON and back: for the journal, for `--json`, for what a backend keeps beside a job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["dumps", "from_data", "loads", "to_data"]

_T = TypeVar("_T")


def to_data(value: Any) -> Any:
    """The value as JSON's own types; attributes that hold bytes are left out."""
    if attrs.has(type(value)):
        fields = ((a.name, getattr(value, a.name)) for a in attrs.fields(type(value)))
        return {name: to_data(v) for name, v in fields if not isinstance(v, bytes)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(to_data(key)): to_data(v) for key, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_data(v) for v in value]
    return value


def dumps(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON text."""
    return json.dumps(to_data(value), ensure_ascii=False, indent=indent)


def from_data(cls: type[_T], data: Any) -> _T:
    """The inverse of `to_data`; unknown members are ignored, so that older programs read newer data."""
    return _converter().structure(data, cls)


def loads(cls: type[_T], text: str) -> _T:
    """The inverse of `dumps`."""
    return from_data(cls, json.loads(text))


@cache
def _converter() -> Converter:
    from cattrs import Converter

    converter = Converter()
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return converter
