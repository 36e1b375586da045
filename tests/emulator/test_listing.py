"""Listings against a model that is too simple to be wrong."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from anyfit_emulator.storage.listing import Entry, list_page

NAMES = st.text("ab/\U0001f600é", min_size=1, max_size=6).map(str.encode)
PREFIXES = st.text("ab/", max_size=3).map(str.encode)


def model(keys: list[bytes], prefix: bytes, delimiter: bytes) -> list[bytes]:
    """Everything a listing shows, in order: keys, and common prefixes once."""
    shown: list[bytes] = []
    for key in sorted(keys):
        if key.startswith(prefix):
            rest, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, b"", b"")
            item = prefix + rest + delimiter if found else key
            if item not in shown[-1:]:
                shown.append(item)
    return shown


def walk(keys: list[bytes], prefix: bytes, delimiter: bytes, limit: int) -> Iterator[list[bytes]]:
    """Page by page what `list_page` shows."""

    def scan(start: bytes, end: bytes | None) -> Iterator[Entry]:
        return ((key, 0, 0, "") for key in sorted(keys) if key >= start and (end is None or key < end))

    after: bytes | None = b""
    while after is not None:
        page = list_page(scan, prefix, delimiter, after, limit)
        yield sorted([*(entry[0] for entry in page.entries), *page.prefixes])
        after = page.next


@given(st.lists(NAMES, unique=True, max_size=30), PREFIXES, st.sampled_from([b"", b"/", b"ab"]), st.integers(1, 5))
def test_pages_put_together_show_everything_once(
    keys: list[bytes], prefix: bytes, delimiter: bytes, limit: int
) -> None:
    """Whatever the page size, nothing is missing, doubled or out of order."""
    pages = list(walk(keys, prefix, delimiter, limit))

    assert [item for page in pages for item in page] == model(keys, prefix, delimiter)
    assert all(len(page) == limit for page in pages[:-1])


def test_a_prefix_of_the_highest_bytes_has_no_end() -> None:
    """Keys that nothing follows are found as well."""
    assert [*walk([b"\xff\xff", b"\xffa"], b"\xff", b"", 9)] == [[b"\xffa", b"\xff\xff"]]
