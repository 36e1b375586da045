"""The command line as a person at a terminal sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["on_terminal"]


def on_terminal(
    cli: Any,
    *words: str,
    keys: str = "",
    columns: int = 100,
    environ: Mapping[str, str] = MappingProxyType({}),
    drawing: Mapping[str, Path] = MappingProxyType({}),
) -> tuple[int, str]:
    """Run a command on a terminal; answers its exit code and everything that was drawn.

    Once a text of `drawing` was drawn, its file is made.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {name: text for name, text in cli.environ.items() if name not in ("CI", "NO_COLOR")} | dict(environ)
    process = subprocess.Popen(cli.command(*words), cwd=cli.folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, keys.encode())
    drawn = b""
    while True:
        try:
            drawn += os.read(ours, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            break
        for text, path in drawing.items():
            if text.encode() in drawn:
                path.touch()
    os.close(ours)
    return process.wait(timeout=60), drawn.decode()
