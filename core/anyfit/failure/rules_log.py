"""What the last lines of a log mean where no exception tells, and what is left when they do not tell either."""

from __future__ import annotations

from typing import Final

from anyfit.failure import details
from anyfit.failure.evidence import all_of, any_of, code, line, raised
from anyfit.failure.kinds import FailureKind as Kind
from anyfit.failure.rules import Rule, either

__all__ = ["LAST_RESORT", "LINES"]

_PIP = either(
    (
        "No matching distribution found .+",
        "Could not find a version .+",
        "ResolutionImpossible.*",
        "Cannot install .+",
        "Failed (?:to build|building wheel) .+",
        "Invalid requirement.+",
        "Could not open requirements file.+",
        "Could not install packages .+",
    )
)

_COMMAND_LINE = (
    Rule(
        Kind.BAD_ARGUMENT,
        "argument-unknown",
        any_of(
            line(r"error: unrecognized arguments: (?P<arguments>.+)"),
            line(r"[Nn]o such option:? '?(?P<arguments>--?[\w-]+)"),
            line(r"Unknown command line flag '(?P<arguments>\S+)'"),
            line(r"Could not consume arg: (?P<arguments>.+)"),
        ),
        "plan",
        details.argument,
    ),
    Rule(
        Kind.BAD_ARGUMENT,
        "argument-required",
        any_of(
            line(r"error: the following arguments are required: (?P<arguments>.+)"),
            line(r"[Mm]issing (?:option|argument|parameter):? '?(?P<arguments>[^'.]+)"),
        ),
        "set-hyperparameter",
        details.argument,
    ),
    Rule(
        Kind.BAD_ARGUMENT,
        "argument-value",
        any_of(
            line(r"error: argument (?P<arguments>[^:\s]+): (?P<message>.+)"),
            line(r"Invalid value for '?(?P<arguments>[^':]+)'?: (?P<message>.+)"),
        ),
        "set-hyperparameter",
        details.argument,
    ),
    Rule(Kind.BAD_ARGUMENT, "argument-other", all_of(code(2), line(r"^\S+: error: (?P<message>.+)")), "plan"),
)

_SETUP = (
    Rule(
        Kind.ENTRY_POINT_MISSING,
        "entry-point",
        any_of(line(r"can't open file '(?P<path>[^']+)'"), line(r"can't find '__main__' module in '?(?P<path>[^']+)")),
        "plan",
    ),
    Rule(Kind.REQUIREMENTS, "requirements", line(rf"ERROR: (?P<message>{_PIP})")),
    Rule(
        Kind.IMPORT_ERROR,
        "module-missing",
        line(r"python\S*: No module named (?P<module>[\w.]+)"),
        "require",
        details.package,
    ),
    Rule(
        Kind.IMPORT_ERROR,
        "library-missing",
        line(r"error while loading shared libraries: (?P<library>\S+): cannot open"),
    ),
    Rule(
        Kind.PROGRAM_MISSING,
        "program",
        any_of(
            all_of(code(127), line(r"(?:^|: )(?P<program>[^\s:]+): (?:command )?not found")),
            all_of(code(127), line(r": (?P<program>[^\s:]+): No such file or directory")),
            line(r"exec: \"(?P<program>[^\"]+)\": executable file not found"),
        ),
    ),
    Rule(
        Kind.PERMISSION,
        "permission-path",
        all_of(code(126), line(r"(?:^|: )(?P<path>[^\s:]+): Permission denied")),
        "plan",
    ),
)

_MACHINE = (
    Rule(Kind.DISK_FULL, "disk-full", line(r"No space left on device"), "bigger-disk", details.at_path),
    Rule(Kind.OUT_OF_MEMORY, "oom-gpu", line(r"CUDA(?: error:)? out of memory"), "specs"),
    Rule(
        Kind.OUT_OF_MEMORY,
        "oom-native",
        line(r"(?P<message>std::bad_alloc|java\.lang\.OutOfMemoryError)"),
        "specs",
    ),
    Rule(
        Kind.OUT_OF_MEMORY,
        "worker-oom",
        line(r"exitcode\s*: -9\b|Signal 9 \(SIGKILL\)|^(?:\S+: line \d+: +\d+ )?Killed\b|exited on signal 9\b"),
        "specs",
    ),
    Rule(
        Kind.SEGFAULT,
        "worker-segfault",
        line(r"exitcode\s*: -11\b|Signal 11 \(SIGSEGV\)|Segmentation fault|exited on signal 11\b"),
        "see-fault",
    ),
)

LINES: Final = (*_COMMAND_LINE, *_SETUP, *_MACHINE)

LAST_RESORT: Final = (
    Rule(Kind.EXCEPTION, "exception", raised(".*"), detail=details.nowhere),
    Rule(Kind.UNKNOWN, "exit-zero", code(0)),
    Rule(Kind.EXIT_CODE, "exit-code", lambda evidence: {} if evidence.code is not None else None),
    Rule(Kind.UNKNOWN, "unknown", lambda _: {}),
)
