"""What is known about a failed job, and small questions about it.

A question answers with facts by name when it holds, and with None when it does not.
"""

from __future__ import annotations

import re
import signal as signals
from collections.abc import Callable, Mapping, Sequence

from attrs import evolve, frozen

from anyfit.backend import Cause, JobState
from anyfit.failure.tracebacks import Raised, Traceback, clean, decisive
from anyfit.spec import JobSpec

__all__ = [
    "Evidence",
    "Facts",
    "Question",
    "all_of",
    "any_of",
    "cause",
    "code",
    "gather",
    "launcher",
    "line",
    "message",
    "overran",
    "raised",
    "reason",
    "signal",
    "waited",
]

_NO_CODE = -1  # what platforms say where a script has none, for it never ran
LAST_LINES = 60
"""How many of the last lines can name the reason when there is no traceback."""


@frozen(kw_only=True)
class Evidence:
    """Everything that a diagnosis goes by.

    Attributes:
        job: The job's name.
        state: What the platform says.
        spec: What was asked for, when known.
        lines: The last lines of the log, clean.
        code: The exit code as the platform tells it.
        signal: Name of the signal that ended the script, also where a shell turned it into 128+n, or "".
        trace: The traceback that tells most, or None.
        raised: The exception of it that is looked at.
    """

    job: str
    state: JobState
    spec: JobSpec | None
    lines: tuple[str, ...]
    code: int | None = None
    signal: str = ""
    trace: Traceback | None = None
    raised: Raised | None = None

    @property
    def fatal(self) -> tuple[Raised, ...]:
        """The exceptions of the traceback, the last one first; one that was raised again stands where it began."""
        raised = self.trace.raised if self.trace else ()
        origins = {(each.type.rpartition(".")[2], each.message): each for each in reversed(raised)}
        return tuple(origins.values())

    def about(self, exception: Raised) -> Evidence:
        """The same, looking at that exception."""
        return evolve(self, raised=exception)


Facts = Mapping[str, str]
Question = Callable[[Evidence], "Facts | None"]


def gather(*, job: str, state: JobState, tail: Sequence[str], spec: JobSpec | None) -> Evidence:
    """Look through what there is."""
    lines = tuple(clean(text) for text in tail)
    ended_by = _signal_name(state)
    trace = decisive(lines)
    if trace and not _matters(trace, state, ended_by, len(lines)):
        trace = None
    return Evidence(
        job=job,
        state=state,
        spec=spec,
        lines=lines,
        code=None if state.exit_code == _NO_CODE else state.exit_code,
        signal=ended_by,
        trace=trace,
    )


def _matters(trace: Traceback, state: JobState, ended_by: str, count: int) -> bool:
    """Whether the traceback has to do with the end.

    An uncaught exception ends the script with code 1. When it ended otherwise it went on after the traceback,
    which then matters only at the end of the log.
    """
    uncaught = not ended_by and state.cause is Cause.NONE and state.exit_code in (None, 1)
    return uncaught or count - trace.end <= LAST_LINES


def _signal_name(state: JobState) -> str:
    """Name of the signal; shells and containers say 128+n, Python's subprocess says -n."""
    number, code = state.signal, state.exit_code
    if number is None and code is not None and code != _NO_CODE:
        number = code - 128 if code > 128 else -code
    if not number or number < 0:
        return ""
    try:
        return signals.Signals(number).name
    except ValueError:  # a real-time signal, or an exit code such as 255 that is none
        return f"SIG{number}" if state.signal else ""


def cause(word: Cause) -> Question:
    """Does the platform itself say so?"""
    return lambda evidence: {} if evidence.state.cause is word else None


def reason(pattern: str) -> Question:
    """Does the platform's explanation look like that?"""

    def ask(evidence: Evidence) -> Facts | None:
        match = re.search(pattern, evidence.state.reason)
        return None if match is None else _groups(match)

    return ask


def signal(*names: str) -> Question:
    """Was it one of these signals?"""
    return lambda evidence: {} if evidence.signal in names else None


def code(*codes: int) -> Question:
    """Did the script end by itself with one of these codes?"""
    return lambda evidence: {} if not evidence.signal and evidence.code in codes else None


def raised(name: str, text: str = "", *, at: str = "") -> Question:
    """Is its class named so, its message like `text`, and "file: code" of its innermost frame like `at`?"""

    def ask(evidence: Evidence) -> Facts | None:
        exception = evidence.raised
        if exception is None or not re.fullmatch(rf"(?:.*\.)?(?:{name})", exception.type):
            return None
        match = re.search(text, exception.message)
        where = f"{exception.innermost.file}: {exception.innermost.source}"
        return _groups(match) if match and re.search(at, where) else None

    return ask


def message(text: str) -> Question:
    """Does any exception's message look like that?"""
    return raised(r".*", text)


def line(pattern: str) -> Question:
    """Does one of the last lines look like that? The last such line counts."""

    def ask(evidence: Evidence) -> Facts | None:
        last = reversed(evidence.lines[-LAST_LINES:])
        match = next((found for text in last if (found := re.search(pattern, text))), None)
        return None if match is None else _groups(match)

    return ask


def launcher(*codes: int, text: str = "") -> Question:
    """Did the launcher end with one of these codes, after a line of its own in which `text` occurs?"""
    said = line(r"(?:^|[\s\]:])anyfit: (?P<message>.+)")

    def ask(evidence: Evidence) -> Facts | None:
        facts = said(evidence) if evidence.code in codes else None
        return facts if facts and re.search(text, facts["message"]) else None

    return ask


def overran(evidence: Evidence) -> Facts | None:
    """Did it run for as long as it was allowed to, to the second?"""
    started, ended = evidence.state.started_at, evidence.state.ended_at
    if evidence.spec is None or started is None or ended is None:
        return None
    return {} if (ended - started).total_seconds() >= evidence.spec.max_run else None


def waited(evidence: Evidence) -> Facts | None:
    """Was there a limit on waiting, and did it never start?"""
    if evidence.spec is None or evidence.spec.max_wait is None or evidence.state.started_at is not None:
        return None
    return {"wait": str(evidence.spec.max_wait)}


def all_of(*questions: Question) -> Question:
    """Do all hold? Their facts together."""

    def ask(evidence: Evidence) -> Facts | None:
        facts: dict[str, str] = {}
        for question in questions:
            answer = question(evidence)
            if answer is None:
                return None
            facts.update(answer)
        return facts

    return ask


def any_of(*questions: Question) -> Question:
    """Does at least one hold? The facts of the first."""

    def ask(evidence: Evidence) -> Facts | None:
        answers = (question(evidence) for question in questions)
        return next((answer for answer in answers if answer is not None), None)

    return ask


def _groups(match: re.Match[str]) -> Facts:
    return {name: text or "" for name, text in match.groupdict().items()}
