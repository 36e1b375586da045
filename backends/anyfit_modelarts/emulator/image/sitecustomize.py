"""Runs at the start of every Python of a job: paths of the container, as scripts spell them, lead to where they lie."""

from __future__ import annotations

import builtins
import functools
import io
import os
from collections.abc import Callable
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


if os.environ.get("EMULATED_ROOT"):
    shift(os.environ["EMULATED_ROOT"], os.environ["EMULATED_DIRECTORIES"].split(os.pathsep))
