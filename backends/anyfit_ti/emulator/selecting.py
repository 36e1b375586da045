"""Lists: filters, order and pages (reference, section 3.0)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from anyfit_ti.emulator.fields import Fields

__all__ = ["page", "select", "tagged"]

T = TypeVar("T")
_MOST_FILTERS = 10


def select(items: Sequence[T], fields: Fields, texts: Mapping[str, Callable[[T], Sequence[str]]]) -> list[T]:
    """Those that every filter lets through.

    Args:
        texts: What a filter of a name compares its values with; one that agrees is enough.

    Raises:
        ApiError: A filter has a name that is not known here, or there are too many.
    """
    filters = fields.parts("Filters")
    if len(filters) > _MOST_FILTERS:
        raise fields.bad("Filters", f"must hold no more than {_MOST_FILTERS}", "InvalidParameterValue.LimitExceeded")
    found = list(items)
    for one in filters:
        name, values = one.text("Name"), one.texts("Values")
        if name not in texts:
            raise one.bad("Name", f"must be one of {', '.join(texts)}", "InvalidParameterValue.InvalidFilter")
        fuzzy, negative = one.flag("Fuzzy"), one.flag("Negative")
        found = [item for item in found if _agrees(texts[name](item), values, fuzzy) is not negative]
    return found


def tagged(items: Sequence[T], fields: Fields, tags: Callable[[T], list[dict[str, Any]]]) -> list[T]:
    """Those that have a tag of every one of `TagFilters`."""
    found = list(items)
    for one in fields.parts("TagFilters"):
        key, values = one.text("TagKey"), one.texts("TagValues")
        found = [
            item
            for item in found
            if any(tag["TagKey"] == key and (not values or tag["TagValue"] in values) for tag in tags(item))
        ]
    return found


def page(items: Sequence[T], fields: Fields, *, default: int, most: int) -> list[T]:
    """The piece that `Offset` and `Limit` ask for."""
    offset = fields.integer("Offset")
    limit = fields.integer("Limit", default)
    if limit > most:
        raise fields.bad("Limit", f"must not be more than {most}", "InvalidParameterValue.PageLimitExceeded")
    return list(items[offset : offset + limit])


def _agrees(texts: Sequence[str], values: Sequence[str], fuzzy: bool) -> bool:
    return any(value in text if fuzzy else value == text for text in texts for value in values)
