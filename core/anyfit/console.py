"""What a person sees of a running job: results on stdout, talk on stderr, a live line only on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TextIO

from anyfit.backend import JobState, LogLine, Match, Note
from anyfit.metrics import Scanner
from anyfit.phases import Phases
from anyfit.show import seconds_text

if TYPE_CHECKING:
    from anyfit.job import Job
    from anyfit.storage.options import Progress

__all__ = ["Console", "silent"]

_TICK = 0.1
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Console:
    """Tells the phases, the log and the end of a job.

    Args:
        out: Where log lines go; stdout by default.
        talk: Where everything else goes; stderr by default.
        definitions: Metrics whose newest values the live line shows.
        live: Whether to draw a live line; by default on a terminal, unless CI or NO_COLOR is set.
    """

    def __init__(
        self,
        out: TextIO | None = None,
        talk: TextIO | None = None,
        *,
        definitions: Mapping[str, str] | None = None,
        live: bool | None = None,
    ) -> None:
        self._out = sys.stdout if out is None else out
        self._talk = sys.stderr if talk is None else talk
        self._live = _is_live(self._talk) if live is None else live
        self._phases = Phases()
        self.watch_metrics(definitions or {})
        self._drawn = False
        self._last_tick = 0.0

    def watch_metrics(self, definitions: Mapping[str, str]) -> None:
        """Show the newest values of these metrics in the live line."""
        self._metrics = Scanner(definitions)

    def say(self, text: str) -> None:
        """One line of talk."""
        self._clear()
        print(f"anyfit: {text}", file=self._talk, flush=True)

    def phase(self, name: str, seconds: float | None, detail: str = "") -> None:
        """A phase is over; nobody knows its seconds when it passed between two looks."""
        took = "-" if seconds is None else seconds_text(seconds)
        self.say(f"{name:<8} {took:>9}  {detail}".rstrip())

    def note(self, note: Note) -> None:
        """What becomes of a field on this backend, unless it is carried out exactly."""
        if note.match != Match.EXACT:
            self.say(f"note: {note.field}: {note.text}")

    def state(self, state: JobState) -> None:
        """The job's state has changed."""
        for name, seconds in self._phases.feed(state):
            self.phase(name, seconds)

    def log(self, line: LogLine, *, several: bool = False) -> None:
        """A line of the job's log; with its node where there are several."""
        self._clear()
        self._metrics.feed(line)
        print(f"[{line.node}] {line.text}" if several else line.text, file=self._out, flush=True)

    def tick(self) -> None:
        """Time has passed: draw the live line anew."""
        now = time.monotonic()
        if not self._live or now - self._last_tick < _TICK:
            return
        self._last_tick = now
        spin = _SPINNER[int(now / _TICK) % len(_SPINNER)]
        values = "  ".join(f"{name} {value:g}" for name, value in self._metrics.newest().items())
        self._draw(f"{spin} {self._phases.current or 'wait'} {self._elapsed()}  {values}".rstrip())

    def transfer(self, progress: Progress) -> None:
        """An input is on its way: tell in the live line how far it is."""
        from anyfit.storage.progress import progress_text

        if self._live and not progress.finished:
            self._draw(f"upload {progress_text(progress)}")

    def _draw(self, text: str) -> None:
        width = os.get_terminal_size(self._talk.fileno()).columns
        self._drawn = True  # before it is, for Ctrl-C may come in between
        print(f"\r\033[K{text[: width - 1]}", end="", file=self._talk, flush=True)

    def settle(self) -> None:
        """Leave the terminal clean."""
        self._clear()

    def detached(self, key: str) -> None:
        """Ctrl-C was pressed; the job goes on."""
        self._clear()
        # Said even by a silent console: nobody can ask for it later.
        Console.say(self, f"detached; the job goes on. attach: anyfit attach {key}   stop: anyfit stop {key}")

    def succeeded(self, job: Job) -> None:
        """The job is done: how it did, where its model lies and what to type next."""
        from anyfit.outcome import outcome_lines

        for line in outcome_lines(job):
            self.say(line)

    def _elapsed(self) -> str:
        since = self._phases.since
        return seconds_text((datetime.now(timezone.utc) - since).total_seconds()) if since else ""

    def _clear(self) -> None:
        if self._drawn:
            print("\r\033[K", end="", file=self._talk, flush=True)
            self._drawn = False


class _Silent(Console):
    """Says nothing at all."""

    def say(self, text: str) -> None:
        pass

    def log(self, line: LogLine, *, several: bool = False) -> None:
        pass

    def succeeded(self, job: Job) -> None:
        pass


def silent() -> Console:
    """A console that says nothing, for callers who look at the job themselves."""
    return _Silent(live=False)


def _is_live(talk: TextIO) -> bool:
    return talk.isatty() and not os.environ.get("CI") and "NO_COLOR" not in os.environ
