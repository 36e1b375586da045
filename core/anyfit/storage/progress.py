"""Progress for people: one line with bytes, files, rate and the time that is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from anyfit.show import seconds_text, size_text
from anyfit.storage.options import Progress, Report

__all__ = ["ProgressLine", "progress_text", "removal_text", "report_text"]

_EVERY = 10.0


def progress_text(progress: Progress) -> str:
    """How far it is, in one line; while the source is still being listed, totals have a `+`."""
    more = "" if progress.listed else "+"
    rate = progress.bytes / progress.seconds if progress.seconds > 0 else 0.0
    parts = [
        f"{size_text(progress.bytes)} of {size_text(progress.total_bytes)}{more}",
        f"{progress.files} of {progress.total_files}{more} files",
        f"{size_text(rate)}/s",
    ]
    left = progress.total_bytes - progress.bytes
    if progress.listed and not progress.finished and rate > 0 and left > 0:
        parts.append(f"{seconds_text(left / rate)} left")
    if progress.skipped:
        parts.append(f"{progress.skipped} there already")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return ", ".join(parts)


def removal_text(progress: Progress) -> str:
    """How far the removal of objects is, in one line."""
    more = "" if progress.listed else "+"
    parts = [f"{progress.files} of {progress.total_files}{more} deleted ({size_text(progress.bytes)})"]
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return ", ".join(parts)


def report_text(report: Report, *, dry_run: bool = False) -> str:
    """What was done, in one line."""
    would = "would be " if dry_run else ""
    parts = [f"{report.copied} {would}copied ({size_text(report.bytes)})"]
    if report.skipped:
        parts.append(f"{report.skipped} there already")
    if report.deleted:
        parts.append(f"{report.deleted} {would}deleted")
    if report.unproven:
        parts.append(f"{report.unproven} proven by length alone")
    if report.failures:
        parts.append(f"{len(report.failures)} failed")
    return ", ".join(parts) + ("" if dry_run else f" in {seconds_text(report.seconds)}")


class ProgressLine:
    """Shows progress on a stream: a line that is rewritten on a terminal, a line now and then elsewhere.

    Give it to a transfer as `on_progress`; `text` says how far it is.
    """

    def __init__(self, stream: TextIO | None = None, text: Callable[[Progress], str] = progress_text) -> None:
        self._stream = stream or sys.stderr
        self._text = text
        self._terminal = self._stream.isatty()
        self._shown = time.monotonic()
        self._width = 0

    def __call__(self, progress: Progress) -> None:
        if self._terminal:
            self._rewrite("" if progress.finished else self._text(progress))
        elif not progress.finished and time.monotonic() - self._shown >= _EVERY:
            self._shown = time.monotonic()
            print(self._text(progress), file=self._stream, flush=True)

    def _rewrite(self, text: str) -> None:
        import shutil  # brings the archivers along, which only people who watch have time for

        text = text[: shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + text.ljust(self._width) + ("\r" if not text else ""))
        self._stream.flush()
        self._width = len(text)
