"""Where models and services are found: one by its id, all of them in numbered pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anyfit.cloud.numbers import whole
from anyfit.errors import NotFound
from anyfit_modelarts.client import Client, Raw
from anyfit_modelarts.wire import rows, table, text

__all__ = ["one", "pages"]

_ID = re.compile(r"[A-Za-z0-9_-]+")
_PAGE = 1000


def pages(client: Client, path: str, member: str, asked: Raw, what: str) -> Iterator[Raw]:
    """All rows of a list, in as many requests as there are pages; things with an id come once, however they move."""
    id = f"{member[:-1]}_id"
    seen: set[str] = set()
    number, count = 0, 0
    while True:
        answer = table(client.get(path, what, {**asked, "offset": number, "limit": _PAGE}))
        found = rows(answer.get(member))
        fresh = [row for row in found if text(row.get(id)) not in seen]
        yield from fresh
        seen.update(text(row[id]) for row in fresh if id in row)
        number, count = number + 1, count + len(fresh)
        total = whole(answer.get("total_count"))
        if not fresh or (len(found) < _PAGE if total is None else count >= total):
            return


def one(path: str, id: str, what: str) -> str:
    """The path of a thing; `NotFound` for what cannot be an id."""
    if not _ID.fullmatch(id):
        raise NotFound(
            f"there is no {what} {id!r} on ModelArts", hint=f"anyfit {what}s lists them", backend="modelarts"
        )
    return f"{path}/{id}"
