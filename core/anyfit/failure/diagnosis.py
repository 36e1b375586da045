"""From what is known about a failed job to the report on it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from anyfit.backend import JobState
from anyfit.failure.causes import CAUSES
from anyfit.failure.commands import command
from anyfit.failure.details import code_path
from anyfit.failure.evidence import Evidence, gather
from anyfit.failure.kinds import FailureKind
from anyfit.failure.labels import KINDS, LABELS
from anyfit.failure.language import Language
from anyfit.failure.report import FailureReport
from anyfit.failure.rules import Finding, Rule, first
from anyfit.failure.rules_exceptions import EXCEPTIONS
from anyfit.failure.rules_log import LAST_RESORT, LINES
from anyfit.failure.rules_outside import OUTSIDE
from anyfit.failure.tracebacks import Frame
from anyfit.spec import JobSpec

__all__ = ["diagnose"]

SHOWN_LINES = 20
LONGEST_LINE = 500
LONGEST_FACT = 300
_OF_THE_PLATFORM = re.compile(r"\[[^\]]*\bservice log\]", re.IGNORECASE)
_ENDS = ".!?…。！？"


def diagnose(
    *,
    job: str,
    state: JobState,
    tail: Sequence[str],
    log: str,
    spec: JobSpec | None = None,
    language: Language = "en",
    installs_requirements: bool = True,
) -> FailureReport:
    """Say how and why the job failed; pure, and never raises whatever the log holds.

    Args:
        job: Its name.
        state: How it ended.
        tail: The last lines of its log, up to some 2,000; the more, the surer the traceback is found.
        log: Where the full log lies.
        spec: What was asked for, when known.
        language: Of the report.
        installs_requirements: Whether the platform installs what requirements.txt lists.
    """
    evidence = gather(job=job, state=state, tail=tail, spec=spec)
    finding, looked_at = _find(evidence)
    step = _next(finding, evidence, installs_requirements=installs_requirements)
    known = {**facts(looked_at, language), **{k: _short(v) for k, v in finding.facts.items()}}
    return FailureReport(
        job=job,
        kind=finding.kind,
        summary=_summary(evidence, finding.kind, language),
        traceback=evidence.trace.text() if evidence.trace else "",
        tail=tuple(_short(line, LONGEST_LINE) for line in evidence.lines[-SHOWN_LINES:]),
        exit_code=evidence.code,
        signal=evidence.signal,
        log=log,
        cause=CAUSES[finding.cause].say(language, known),
        next_command=command(step, known),
        language=language,
    )


def _next(finding: Finding, evidence: Evidence, *, installs_requirements: bool) -> str:
    """The command that helps here: neither requirements where none are installed, nor a log that is empty."""
    if finding.next == "require" and not installs_requirements:
        return "install"
    return "plan" if finding.next == "logs" and not any(evidence.lines) else finding.next


def facts(evidence: Evidence, language: Language) -> dict[str, str]:
    """The facts that every sentence and every command can use."""
    state, spec, raised = evidence.state, evidence.spec, evidence.raised
    place = raised.place if raised else Frame()
    none = LABELS["none"].say(language, {})
    last = _last_line(evidence)
    message = raised.message.strip().partition("\n")[0].rstrip(". ") if raised else ""
    known = {
        "job": evidence.job,
        "code": "" if evidence.code is None else str(evidence.code),
        "signal": evidence.signal,
        "reason": LABELS["reason"].say(language, {"text": _short(state.reason)}) if state.reason else "",
        "last": LABELS["last"].say(language, {"text": _sentence(_short(last), language)}) if last else "",
        "message": message or last,
        "exception": f"{raised.type}: {message}" if raised and message else raised.type if raised else "",
        "file": code_path(place.file),
        "line": place.line,
        "source": place.source,
        "seconds": str(spec.max_run) if spec else "",
        "longer": str(2 * spec.max_run) if spec else "",
        "bigger": str(2 * spec.volume_size) if spec and spec.volume_size else "100",
        "requirements": posixpath.join(_folder(spec), "requirements.txt"),
        "instance_type": (spec.instance_type if spec else "") or none,
        "channels": ", ".join(spec.inputs if spec else ()) or none,
        "passed": ", ".join(spec.hyperparameters if spec else ()) or none,
    }
    return {name: value if name in ("reason", "last") else _short(value) for name, value in known.items()}


def _find(evidence: Evidence) -> tuple[Finding, Evidence]:
    """What the first table that knows says, and which exception it looked at."""
    found = ((finding, looked_at) for table, looked_at in _looks(evidence) if (finding := first(table, looked_at)))
    return next(found, (Finding(FailureKind.UNKNOWN, "unknown"), evidence))


def _looks(evidence: Evidence) -> Iterator[tuple[tuple[Rule, ...], Evidence]]:
    """The tables in the order in which they are asked, each exception of a chain for itself."""
    exceptions = [evidence.about(raised) for raised in evidence.fatal]
    yield OUTSIDE, evidence
    yield from ((EXCEPTIONS, each) for each in exceptions)
    yield LINES, evidence
    yield from ((LAST_RESORT, each) for each in exceptions[:1])
    yield LAST_RESORT, evidence


def _summary(evidence: Evidence, kind: FailureKind, language: Language) -> str:
    words = KINDS[kind].say(language, {})
    if evidence.signal:
        return LABELS["and-signal"].say(language, {"kind": words, "signal": evidence.signal})
    if evidence.code is None:
        return words
    return LABELS["and-code"].say(language, {"kind": words, "code": str(evidence.code)})


def _last_line(evidence: Evidence) -> str:
    """What the script said last, for platforms write into logs too; their last word where it is not to blame."""
    said = [line for line in evidence.lines if line]
    own = [line for line in said if not _OF_THE_PLATFORM.match(line)]
    if evidence.code == 0:
        return (said or [""])[-1]
    return (own or (said if evidence.code is None else []) or [""])[-1]


def _sentence(text: str, language: Language) -> str:
    """The text with an end that lets another sentence follow."""
    return text if text.endswith(tuple(_ENDS)) else text + ("。" if language == "zh" else ".")


def _folder(spec: JobSpec | None) -> str:
    """The folder that the code comes from, where it is one on this machine."""
    source = spec.code.source if spec and spec.code else ""
    return "" if "://" in source or source.startswith("git@") or source.endswith(".py") else source


def _short(text: str, most: int = LONGEST_FACT) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
