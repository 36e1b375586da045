"""The vendor's own configuration: `config.json` of its SDK and the variables beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anyfit.backend import VendorFile
from anyfit.errors import ConfigError

__all__ = ["vendor_files"]

_TEXTS = ("username", "password", "host_base", "region", "s3_protocol", "bucket")
_TRUE = ("true", "True", "TRUE")


def vendor_files() -> Sequence[VendorFile]:
    """What the vendor's SDK would read, the strongest first."""
    found = []
    project = os.environ.get("PROJECT_ID", "")
    if project.isdigit():
        found.append(VendorFile("PROJECT_ID", {"project_id": int(project)}))
    path = Path(os.environ.get("MODELMAKER_CONFIG") or "~/.modelmaker/config.json").expanduser()
    if path.exists():
        found.append(VendorFile(str(path), _values(path)))
    return found


def _values(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8-sig"))["iam_config"]
        values = {name: table[name] for name in _TEXTS if _is_given(table.get(name))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise ConfigError(
            f"{path} cannot be read as ModelMaker's configuration: {type(fault).__name__}: {fault}",
            hint='it is a JSON object with "iam_config"; repair it, or point MODELMAKER_CONFIG elsewhere',
        ) from fault
    verify = _verify(table)
    return values if verify is None else values | {"verify_ssl": verify}


def _is_given(value: object) -> bool:
    """Templates of the SDK hold rows of x where a value is to be filled in."""
    return isinstance(value, str) and bool(value.strip("x"))


def _verify(table: Mapping[str, Any]) -> bool | None:
    """The switch under its right name, or as the vendor's `mlcmd` misspells it."""
    for name in ("verify_ssl", "versify_ssl"):
        if isinstance(table.get(name), bool):
            return bool(table[name])
        if isinstance(table.get(name), str):
            return table[name] in _TRUE
    return None
