"""The words for what went wrong."""

from __future__ import annotations

from enum import Enum

__all__ = ["FailureKind"]


class FailureKind(str, Enum):
    """What kind of failure it was; the value is what `--json` shows."""

    IMPORT_ERROR = "import-error"
    SYNTAX_ERROR = "syntax-error"
    REQUIREMENTS = "requirements"
    ENTRY_POINT_MISSING = "entry-point-missing"
    PROGRAM_MISSING = "program-missing"
    BAD_ARGUMENT = "bad-argument"
    MISSING_VARIABLE = "missing-variable"
    MISSING_DATA = "missing-data"
    ENCODING = "encoding"
    PERMISSION = "permission"
    DISK_FULL = "disk-full"
    NETWORK = "network"
    GPU_MISSING = "gpu-missing"
    OUT_OF_MEMORY = "out-of-memory"
    TIMEOUT = "timeout"
    SEGFAULT = "segfault"
    ABORTED = "aborted"
    KILLED = "killed"
    ASSERTION = "assertion"
    EXCEPTION = "exception"
    EXIT_CODE = "exit-code"
    START = "start"
    INPUT = "input"
    OUTPUT = "output"
    LOST = "lost"
    REBOOT = "reboot"
    UNKNOWN = "unknown"
