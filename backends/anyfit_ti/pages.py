"""Reading a whole list, page by page."""

from __future__ import annotations

from collections.abc import Callable

from anyfit_ti.wire import Raw, rows, text, whole

__all__ = ["every_row"]


def every_row(
    ask: Callable[[dict[str, int]], Raw], name: str, size: int, *identity: str, most: int | None = None
) -> list[Raw]:
    """All rows of a list, in as many requests as there are pages.

    Rows are counted by position, so what is made or removed meanwhile moves them: each comes once all the same. Where
    the platform does not say how many there are, the last page is one that is not full.

    Args:
        ask: Asks for a page, given `Offset` and `Limit`.
        name: The member of the answer that holds the rows.
        size: How many a page may have.
        identity: The members that tell rows apart.
        most: So many rows are enough.
    """
    found: dict[object, Raw] = {}
    offset = 0
    while True:
        answer = ask({"Offset": offset, "Limit": size})
        page = rows(answer, name)
        for row in page:
            key = tuple(text(row, member) for member in identity)
            found.setdefault(key if any(key) else len(found), row)
        offset += len(page)
        total = whole(answer.get("TotalCount"))
        over = not page or (len(page) < size if total is None else offset >= total)
        if over or (most is not None and len(found) >= most):
            return list(found.values())[:most]
