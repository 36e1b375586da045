"""Runs at the start of every Python of a job: paths of the container, as scripts spell them, lead to where they lie."""

from __future__ import annotations

import builtins
import functools
import io
import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

_TWO = ("link", "rename", "replace", "symlink")  # functions of two paths
_ONE = (
    "access", "chdir", "chmod", "listdir", "lstat", "mkdir", "open", "readlink", "remove", "rmdir", "scandir",
    "stat", "statvfs", "truncate", "unlink", "utime",
)  # fmt: skip


def shift(root: str, directories: list[str]) -> None:
    """Let these directories lie below a root."""

    def moved(path: Any) -> Any:
        text = os.fspath(path) if isinstance(path, os.PathLike) else path
        if isinstance(text, str) and any(text == head or text.startswith(head + "/") for head in directories):
            return root + text
        return path

    def patched(function: Callable[..., Any], paths: int) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            return function(*map(moved, arguments[:paths]), *arguments[paths:], **named)

        for abilities in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
            if function in abilities:
                abilities.add(call)  # other modules ask whether a function is among them
        return call

    for names, paths in ((_ONE, 1), (_TWO, 2)):
        for name in names:
            setattr(os, name, patched(getattr(os, name), paths))
    builtins.open = io.open = patched(open, 1)


def hide() -> None:
    """Leave the functions of this file out of tracebacks, as there are none of them in a real container."""
    shown = sys.excepthook
    mine = hide.__code__.co_filename

    def others(trace: TracebackType | None) -> TracebackType | None:
        while trace and trace.tb_frame.f_code.co_filename == mine:
            trace = trace.tb_next
        return trace

    def without_mine(trace: TracebackType | None) -> TracebackType | None:
        first = at = others(trace)
        while at:
            at.tb_next = others(at.tb_next)
            at = at.tb_next
        return first

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        each: BaseException | None = error
        seen: list[BaseException] = []
        while each is not None and each not in seen:
            each.__traceback__ = without_mine(each.__traceback__)
            seen.append(each)
            each = each.__cause__ or each.__context__
        shown(kind, error, error.__traceback__)

    sys.excepthook = show


if os.environ.get("EMULATED_ROOT"):
    shift(os.environ["EMULATED_ROOT"], os.environ["EMULATED_DIRECTORIES"].split(os.pathsep))
    hide()
