"""Moments as texts: every action has its own form (reference, section 3.0 and open question 10)."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

__all__ = ["BEIJING", "beijing", "detail", "nanos", "parse", "utc"]

BEIJING = timezone(timedelta(hours=8))


def utc(seconds: float) -> str:
    """`2023-11-14T22:13:20Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else ""


def nanos(time_ns: int) -> str:
    """`2023-11-14T22:13:20.123456789Z`."""
    return f"{utc(time_ns // 1_000_000_000)[:-1]}.{time_ns % 1_000_000_000:09d}Z"


def beijing(seconds: float) -> str:
    """`2023-11-15 06:13:20`; "" for none."""
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""


def detail(seconds: float) -> str:
    """`2023-11-15T06:13:20+08`, as a task's detail has it, without minutes; "" for none."""
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%dT%H:%M:%S+08") if seconds else ""


def parse(text: str) -> float:
    """A moment in any form that clients send; without an offset it is Beijing's.

    Raises:
        ValueError: It is none.
    """
    whole = text.strip().replace(" ", "T", 1)
    whole = whole[:-1] + "+00:00" if whole.endswith(("Z", "z")) else whole
    whole = whole + ":00" if len(whole) > 3 and whole[-3] in "+-" and "T" in whole[:-3] else whole
    head, dot, rest = whole.partition(".")
    if dot:  # Python knows microseconds at most
        digits = len(rest) - len(rest.lstrip("0123456789"))
        whole = f"{head}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"
    moment = datetime.fromisoformat(whole)
    return (moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)).timestamp()
