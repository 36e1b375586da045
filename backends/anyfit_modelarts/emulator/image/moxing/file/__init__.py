"""Files in OBS (`s3://…`, `obs://…`) and on the disk, by the same functions."""

from __future__ import annotations

from .copying import copy, copy_parallel, rename
from .obs import set_auth
from .opening import File, append, read, write
from .places import (
    exists,
    get_size,
    glob,
    is_directory,
    list_directory,
    make_dirs,
    mk_dir,
    remove,
    scan_dir,
    stat,
    walk,
)
from .shifting import shift

__all__ = [
    "File",
    "append",
    "copy",
    "copy_parallel",
    "exists",
    "get_size",
    "glob",
    "is_directory",
    "list_directory",
    "make_dirs",
    "mk_dir",
    "read",
    "remove",
    "rename",
    "scan_dir",
    "set_auth",
    "shift",
    "stat",
    "walk",
    "write",
]
