"""Ids: integers from one counter for everything that is made, so that no two things share one."""

from __future__ import annotations

from anyfit_emulator.records import Records

__all__ = ["next_id"]

FIRST = 500_000


def next_id(records: Records) -> int:
    """An id that nothing had before."""
    return records.next_id(FIRST)
