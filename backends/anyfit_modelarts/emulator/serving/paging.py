"""Lists of models, services and events: filters, order, pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anyfit_modelarts.emulator.calls import Query

__all__ = ["LIMIT", "page", "wanted"]

LIMIT = 1000
Documents = list[dict[str, Any]]


def wanted(shown: dict[str, Any], query: Query, names: Sequence[str]) -> bool:
    """Whether a document has the values that the query asks for by these names."""
    return all(query.text(name, str(shown[name])) == str(shown[name]) for name in names)


def page(found: Documents, query: Query, sorts: Sequence[str], default: str) -> tuple[int, Documents]:
    """How many were found, and those of the page that the query asks for; `offset` counts pages."""
    by = query.word("sort_by", default, sorts)
    backwards = query.word("order", "desc", ("asc", "desc")) == "desc"
    offset, limit = query.whole("offset", 0, 0), query.whole("limit", LIMIT, 1, LIMIT)
    ordered = sorted(found, key=lambda document: document.get(by) or 0, reverse=backwards)
    return len(found), ordered[offset * limit : (offset + 1) * limit]
