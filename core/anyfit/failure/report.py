"""What a user gets to read, or a program to parse, when a job failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import asdict, frozen

from anyfit.failure.kinds import FailureKind
from anyfit.failure.labels import LABELS
from anyfit.failure.language import Language

__all__ = ["FailureReport"]


@frozen(kw_only=True)
class FailureReport:
    """How and why a job failed, the same on every backend; `str()` is the report in plain text.

    Attributes:
        job: The job's name.
        kind: What kind of failure it was.
        summary: The kind in words, with the exit code or signal.
        traceback: The script's own traceback, with what is chained to it, or "".
        tail: The last lines of the log.
        exit_code: As the platform tells it, or None.
        signal: Name of the signal that ended the script, such as "SIGSEGV", or "".
        log: Where the full log lies.
        cause: The likely cause, and what can be done about it.
        next_command: What to type next.
        language: Of `summary`, `cause` and the text.
    """

    job: str
    kind: FailureKind
    summary: str
    traceback: str
    tail: tuple[str, ...]
    exit_code: int | None
    signal: str
    log: str
    cause: str
    next_command: str
    language: Language = "en"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return asdict(self) | {"kind": self.kind.value, "tail": list(self.tail)}

    def _lines(self) -> Iterator[str]:
        yield self._say("headline", job=self.job, summary=self.summary)
        yield ""
        if self.traceback:
            yield from self._section(self._say("traceback"), self.traceback.split("\n"))
        if not self.tail:
            yield self._say("no-log")
            yield ""
        elif lines := self._untold():
            yield from self._section(self._say("tail", count=str(len(self.tail))), lines)
        yield from self._fields()

    def _untold(self) -> list[str]:
        """The last lines of the log, but for the traceback that stands above them already."""
        lines, told, above = list(self.tail), self.traceback.split("\n"), self._say("above")
        if not self.traceback:
            return lines
        whole = [start for start in range(len(lines)) if lines[start : start + len(told)] == told]
        if whole:
            lines[whole[-1] : whole[-1] + len(told)] = [above]
        else:
            ends = [length for length in range(1, len(told)) if lines[:length] == told[-length:]]
            lines[: max(ends, default=0)] = [above] if ends else []
        return lines if lines != [above] else []

    def _section(self, title: str, lines: list[str]) -> Iterator[str]:
        yield f"{title}{self._colon}"
        yield from (f"  {line}".rstrip() for line in lines)
        yield ""

    def _fields(self) -> Iterator[str]:
        fields = {
            "exit-code": "" if self.exit_code is None else str(self.exit_code),
            "signal": self.signal,
            "log": self.log,
            "cause": self.cause,
            "next": self.next_command,
        }
        shown = {self._say(name) + self._colon: value for name, value in fields.items() if value}
        width = max(map(len, shown), default=0)
        fill = "\u3000" if self.language == "zh" else " "  # a Chinese character is as wide as two spaces
        for label, value in shown.items():
            yield f"{label.ljust(width, fill)} {value}"

    @property
    def _colon(self) -> str:
        return "：" if self.language == "zh" else ":"

    def _say(self, label: str, **facts: str) -> str:
        return LABELS[label].say(self.language, facts)
