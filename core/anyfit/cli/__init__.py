"""The command line: finds the command, and turns errors into exit codes.

What needs no command is answered from a table; a command imports only what it needs itself. So `anyfit --help`
takes little longer than Python itself.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing typing would take as long as everything else here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from anyfit.errors import AnyfitError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; answers the exit code. Errors of our own become a message, all others come through."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _answered(words)
    except BrokenPipeError:  # also of stderr, while an error is told
        return _closed_pipe()


def _answered(words: list[str]) -> int:
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as fault:
        return getattr(fault, "exit_code", 130)
    except Exception as fault:
        from anyfit.errors import AnyfitError

        if isinstance(fault, OSError) and _is_full(fault):
            return _unwritable(fault)
        if not isinstance(fault, AnyfitError):
            raise
        _tell(fault, as_json="--json" in _before_dashes(words))
        return fault.exit_code


def _run(words: list[str]) -> int:
    if sys.stdout is None or sys.stderr is None:
        _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character is no reason to fail
    first = words[0] if words else ""
    if first == "help" and len(words) > 1:
        return _run([words[1], "--help"])
    if first in ("-h", "--help", "help"):
        from anyfit.cli.top import help_text

        print(help_text())
        return 0
    if not words:
        from anyfit.cli.top import help_text

        print(help_text(), file=sys.stderr)
        return 2
    if words in (["version"], ["--version"], ["-V"]):
        import anyfit

        print(f"anyfit {anyfit.__version__}")
        return 0
    return _command(first, words[1:])


def _command(name: str, words: list[str]) -> int:
    from anyfit.cli.table import COMMANDS

    if name not in COMMANDS and name != "__complete":
        from anyfit.cli.top import unknown_command

        raise unknown_command(name)
    module = __import__(f"anyfit.cli.cmd_{name.strip('_')}", fromlist=["run"])
    if name == "__complete":
        return int(module.complete(words))
    if not words and hasattr(module, "BARE"):
        return int(module.run(_Bare(module.BARE)))
    from anyfit.cli.parser import Parser

    parser = Parser(prog=f"anyfit {name}", description=COMMANDS[name], epilog=module.__doc__)
    module.add_arguments(parser)
    return int(module.run(parser.parse(words)))


class _Bare:
    """Arguments by default."""

    def __init__(self, values: dict[str, object]) -> None:
        self.__dict__.update(values)


def _before_dashes(words: list[str]) -> list[str]:
    return words[: words.index("--")] if "--" in words else words


def _tell(fault: AnyfitError, *, as_json: bool) -> None:
    from anyfit.cli.lacking import with_profiles

    fault.hint = with_profiles(fault)
    if as_json:
        import json

        print(json.dumps(fault.to_json(), ensure_ascii=False), flush=True)
        return
    from anyfit.cli.output import to_stderr

    to_stderr(f"anyfit: error: {fault.message or fault}")
    if fault.hint:
        to_stderr(f"hint: {fault.hint}")


def _open_closed_streams() -> None:
    """A shell may start us without stdout or stderr; what nobody wants to see goes nowhere."""
    import os

    nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open as long as the process lives
    sys.stdout = sys.stdout or nowhere
    sys.stderr = sys.stderr or nowhere


def _is_full(fault: OSError) -> bool:
    import errno

    return fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _unwritable(fault: OSError) -> int:
    """There is no room for what we print or keep; a job that was started goes on all the same."""
    where = f" {fault.filename}" if fault.filename else ""
    print(f"anyfit: error: cannot write{where}: {fault.strerror}", file=sys.stderr)
    print("hint: make room on the disk; jobs that were started go on, anyfit jobs lists them", file=sys.stderr)
    _discard(sys.stdout)
    return 4


def _closed_pipe() -> int:
    """Nobody reads on."""
    _discard(sys.stdout, sys.stderr)
    return 141


def _discard(*streams: TextIO) -> None:
    """Let Python's own flush at the end find nothing to complain about."""
    import os

    for stream in streams:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
