"""Reading ahead: the next page of a listing is fetched while the last one is worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread

from anyfit.storage.store import Entry, Page

__all__ = ["read_ahead"]

_PATIENCE = 2.0


class _Fetch:
    """One page being fetched by a thread of its own."""

    def __init__(self, fetch: Callable[[str], Page], token: str) -> None:
        self._page: Page | None = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, args=(fetch, token), name="anyfit-list", daemon=True)
        self._thread.start()

    def _run(self, fetch: Callable[[str], Page], token: str) -> None:
        try:
            self._page = fetch(token)
        except BaseException as error:
            self._error = error

    def leave(self) -> None:
        """Wait for the page that nobody wants any more, but not for a service that does not answer."""
        self._thread.join(_PATIENCE)

    def result(self) -> Page:
        """The page, as soon as it is there."""
        self._thread.join()
        if self._page is None:
            raise self._error or RuntimeError("no page and no error")
        return self._page


def read_ahead(fetch: Callable[[str], Page]) -> Iterator[Entry]:
    """All entries of all pages; `fetch(token)` gives the page of a token, "" the first."""
    page = fetch("")
    while True:
        coming = _Fetch(fetch, page.next) if page.next else None
        try:
            yield from page.entries
        except GeneratorExit:
            if coming:
                coming.leave()
            raise
        if coming is None:
            return
        page = coming.result()
