"""Letting `open` and the functions of `os` understand places in OBS."""

from __future__ import annotations

import builtins
import functools
import io
import os
from collections.abc import Callable
from typing import Any

__all__ = ["shift"]


def shift(source: str, target: str) -> None:
    """`shift("os", "mox")`: let `open` and `os` understand `s3://` and `obs://` from now on."""
    if (source, target) != ("os", "mox"):
        raise ValueError("only shift('os', 'mox') is understood")
    from . import copying, obs, opening, places

    def either(remote: Callable[..., Any], local: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(local)
        def call(path: Any, *arguments: Any, **named: Any) -> Any:
            return (remote if obs.is_remote(path) else local)(path, *arguments, **named)

        return call

    pairs: list[tuple[Any, str, Callable[..., Any]]] = [
        (builtins, "open", opening.File),
        (io, "open", opening.File),
        (os, "listdir", places.list_directory),
        (os, "makedirs", lambda path, *_, **__: places.make_dirs(path)),
        (os, "mkdir", lambda path, *_, **__: places.make_dirs(path)),
        (os, "remove", places.remove),
        (os, "unlink", places.remove),
        (os, "rename", copying.rename),
        (os, "walk", places.walk),
        (os.path, "exists", places.exists),
        (os.path, "isdir", places.is_directory),
        (os.path, "isfile", lambda path: places.exists(path) and not places.is_directory(path)),
        (os.path, "getsize", places.get_size),
    ]
    for module, name, remote in pairs:
        setattr(module, name, either(remote, getattr(module, name)))
