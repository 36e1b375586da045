"""What the platform, the launcher and signals mean, whatever the script itself said."""

from __future__ import annotations

from typing import Final

from anyfit.backend import Cause
from anyfit.failure import details
from anyfit.failure.evidence import all_of, cause, launcher, line, overran, reason, signal, waited
from anyfit.failure.kinds import FailureKind as Kind
from anyfit.failure.rules import Rule, either

__all__ = ["OUTSIDE"]

_NO_MEMORY = either(("std::bad_alloc", "[Oo]ut of memory", "[Cc]annot allocate memory", "failed to allocate memory"))

_PLATFORM = (
    Rule(Kind.TIMEOUT, "timeout-waiting", all_of(cause(Cause.TIMEOUT), waited), "specs"),
    Rule(Kind.TIMEOUT, "timeout", cause(Cause.TIMEOUT), "longer", details.limit),
    Rule(Kind.OUT_OF_MEMORY, "oom-platform", cause(Cause.OUT_OF_MEMORY), "specs"),
    Rule(Kind.KILLED, "killed-not-oom", cause(Cause.KILLED)),
    Rule(Kind.LOST, "lost", cause(Cause.LOST), "again"),
    Rule(Kind.REBOOT, "reboot", cause(Cause.REBOOT), "again"),
    Rule(Kind.INPUT, "input", all_of(cause(Cause.INPUT), reason(r"\binputs\.(?P<channel>[\w.-]*\w)")), "set-input"),
    Rule(Kind.INPUT, "input", cause(Cause.INPUT), "plan"),
    Rule(Kind.OUTPUT, "output", cause(Cause.OUTPUT), "plan"),
)

_LAUNCHER = (
    Rule(Kind.ENTRY_POINT_MISSING, "launcher", launcher(66), "plan"),
    Rule(Kind.REQUIREMENTS, "launcher", launcher(69)),
    Rule(Kind.PROGRAM_MISSING, "launcher", launcher(72)),
    Rule(Kind.DISK_FULL, "launcher", launcher(73, text=r"No space left|quota exceeded"), "bigger-disk"),
    Rule(Kind.PERMISSION, "launcher", launcher(73, text=r"[Pp]ermission denied|Read-only file system"), "plan"),
    Rule(Kind.MISSING_DATA, "launcher", launcher(74), "plan"),
    Rule(Kind.OUTPUT, "launcher", launcher(75), "plan"),
    Rule(Kind.NETWORK, "launcher", launcher(76)),
    Rule(Kind.TIMEOUT, "timeout", launcher(77, text="max_run"), "longer", details.limit),
    Rule(Kind.START, "launcher", launcher(64, 70, 71, 73, 78), "doctor"),
    Rule(Kind.START, "start", cause(Cause.START), "doctor"),
)

_SIGNALS = (
    Rule(Kind.TIMEOUT, "timeout", all_of(signal("SIGKILL", "SIGTERM"), overran), "longer", details.limit),
    Rule(Kind.TIMEOUT, "timeout-cpu", signal("SIGXCPU")),
    Rule(Kind.DISK_FULL, "file-too-large", signal("SIGXFSZ"), detail=details.at_path),
    Rule(Kind.OUT_OF_MEMORY, "oom-killed", signal("SIGKILL"), "specs"),
    Rule(
        Kind.OUT_OF_MEMORY,
        "oom-native",
        all_of(signal("SIGABRT", "SIGSEGV", "SIGTRAP", "SIGILL"), line(rf"(?P<message>{_NO_MEMORY})")),
        "specs",
    ),
    Rule(
        Kind.OUT_OF_MEMORY,
        "oom-shm",
        all_of(signal("SIGBUS", "SIGABRT"), line(r"shared memory|/dev/shm")),
        "specs",
    ),
    Rule(Kind.SEGFAULT, "segfault", signal("SIGSEGV", "SIGBUS"), "see-fault"),
    Rule(Kind.ABORTED, "illegal-instruction", signal("SIGILL"), "specs"),
    Rule(Kind.ABORTED, "aborted", signal("SIGABRT", "SIGFPE", "SIGTRAP", "SIGSYS", "SIGQUIT"), "see-fault"),
    Rule(Kind.KILLED, "interrupted", signal("SIGINT"), "again"),
    Rule(Kind.KILLED, "killed", lambda evidence: {} if evidence.signal else None),
)

OUTSIDE: Final = (*_PLATFORM, *_LAUNCHER, *_SIGNALS)
