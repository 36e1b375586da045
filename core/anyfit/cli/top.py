"""What `anyfit` answers without running a command: help, version, and which command was meant."""

from __future__ import annotations

from anyfit.cli.table import COMMANDS, GROUPS, exit_code_lines

__all__ = ["help_text", "unknown_command"]

_ELSEWHERE = {
    "cancel": "stop",
    "copy": "cp",
    "create": "fit",
    "delete": "rm",
    "describe": "status",
    "get": "jobs",
    "info": "status",
    "invoke": "predict",
    "kill": "stop",
    "list": "jobs",
    "ps": "jobs",
    "remove": "rm",
    "run": "fit",
    "serve": "deploy",
    "show": "status",
    "start": "fit",
    "submit": "fit",
    "train": "fit",
    "watch": "attach",
}
"""What other tools call what we call otherwise."""


def help_text() -> str:
    """The help of `anyfit` itself."""
    lines = ["usage: anyfit COMMAND [...]", "", "Write a training script once, run it anywhere."]
    for title, commands in GROUPS.items():
        lines += ["", f"{title}:", *(f"  {name:<12} {text}" for name, text in commands.items())]
    lines += ["", "Exit codes:", *exit_code_lines(), "", "anyfit COMMAND --help tells more of a command."]
    return "\n".join(lines)


def unknown_command(word: str) -> Exception:
    """The error for a word that is no command."""
    from anyfit.errors import UsageError, nearest

    if word.startswith("-"):
        return UsageError(f"{word!r} before the command", hint="options come after it: anyfit COMMAND --option")
    meant = _ELSEWHERE.get(word)
    near = f"anyfit {meant}: {COMMANDS[meant]}" if meant else nearest(word, COMMANDS)
    return UsageError(f"there is no command {word!r}", hint=near or "anyfit --help lists them")
