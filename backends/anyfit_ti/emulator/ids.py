"""Ids: random digits, or lower-case letters and digits, as the platform makes them (reference, section 3.0)."""

from __future__ import annotations

import secrets
import string

__all__ = ["digits", "letters"]

_LETTERS = string.ascii_lowercase + string.digits


def digits(count: int) -> str:
    """So many digits, the first not 0."""
    return str(secrets.randbelow(9 * 10 ** (count - 1)) + 10 ** (count - 1))


def letters(count: int) -> str:
    """So many lower-case letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(count))
