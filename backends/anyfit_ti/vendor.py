"""The vendor's own configuration: its variables, and the files of its SDKs.

The strongest first, in the order of the vendor's own chain: variables, the file of the TI SDK, that of tikit, that of
the general SDK.
"""

from __future__ import annotations

import configparser
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from anyfit.backend import VendorFile
from anyfit.errors import ConfigError

__all__ = ["parse_yaml", "vendor_files"]

_VARIABLES = {
    "TENCENTCLOUD_SECRET_ID": "secret_id",
    "TENCENTCLOUD_SECRET_KEY": "secret_key",
    "TENCENTCLOUD_TOKEN": "token",
    "TENCENTCLOUD_REGION": "region",
}
_IN_CONTAINERS = {
    "QCLOUD_CONTAINER_INSTANCE_CREDENTIALS_URL": "credentials_url",
    "INSTANCE_CREDENTIAL_URL": "credentials_url",
    "REGION": "region",
}
_KEYS = frozenset({"secret_id", "secret_key", "token", "role_arn"})
_PAIR = re.compile(r"( *)([\w.-]+)\s*:(?:\s+(.*?))?\s*")
_QUOTED = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)')\s*(?:#.*)?""")


def vendor_files() -> Sequence[VendorFile]:
    """What the vendor's tools would read; keys are taken from one source, never half from one and half from another."""
    found = [_of_variables(_VARIABLES)]
    files: list[tuple[str, Callable[[str], Mapping[str, str]]]] = [
        ("~/.ti/config.yaml", _ti),
        ("~/.tikit/credential", _tikit),
        ("~/.tencentcloud/credentials", _profile),
        ("/etc/tencentcloud/credentials", _profile),
    ]
    for name, read in files:
        path = Path(name).expanduser()
        if path.exists():
            found.append([VendorFile(str(path), _values(path, read))])
    if "TI_TASK_ID" in os.environ or "QCLOUD_CONTAINER_INSTANCE_CREDENTIALS_URL" in os.environ:
        found.append(_of_variables(_IN_CONTAINERS))
    kept: list[VendorFile] = []
    keyed = False
    for source in found:
        whole = {name for each in source for name in each.values}
        usable = not keyed and {"secret_id", "secret_key"} <= whole
        mine = source if usable else [_without_keys(each) for each in source]
        kept += [each for each in mine if each.values]
        keyed = keyed or usable
    return kept


def parse_yaml(text: str) -> dict[str, dict[str, str]]:
    """Sections of names and texts: as much of YAML as the vendor's file is made of; `ValueError` for anything else."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#") or line.strip() == "---":
            continue
        pair = _PAIR.fullmatch(line)
        if pair is None:
            raise ValueError(f"line {number} is not of the form `name: value`")
        indent, name, value = pair[1], pair[2], _scalar(pair[3] or "", number)
        if not indent and not value:
            current = sections.setdefault(name, {})
        elif indent and current is not None:
            current[name] = value
        elif not indent:
            current = None  # a value of the file itself, which nobody reads
        else:
            raise ValueError(f"line {number} belongs to no section")
    return sections


def _scalar(text: str, number: int) -> str:
    """A value as text, whatever YAML would make of it: account numbers must not become numbers."""
    if text.startswith(('"', "'")):
        quoted = _QUOTED.fullmatch(text)
        if quoted is None:
            raise ValueError(f"line {number}: the quotes do not match")
        plain = quoted[2]
        return re.sub(r"\\(.)", r"\1", quoted[1]) if plain is None else plain.replace("''", "'")
    if text.startswith(("{", "[", "|", ">", "&", "*")):
        raise ValueError(f"line {number}: only plain values can be read here")
    return re.sub(r"(?:^|\s+)#.*", "", text)


def _without_keys(source: VendorFile) -> VendorFile:
    return VendorFile(source.origin, {name: value for name, value in source.values.items() if name not in _KEYS})


def _of_variables(names: Mapping[str, str]) -> list[VendorFile]:
    return [VendorFile(name, {key: os.environ[name]}) for name, key in names.items() if os.environ.get(name)]


def _values(path: Path, read: Callable[[str], Mapping[str, str]]) -> Mapping[str, Any]:
    try:
        return {name: value for name, value in read(path.read_text(encoding="utf-8-sig")).items() if value}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, configparser.Error) as fault:
        why = str(fault) if isinstance(fault, (ValueError, OSError)) else f"{type(fault).__name__}"
        raise ConfigError(f"{path} cannot be read: {why}", hint="repair the file, or remove it") from fault


def _ti(text: str) -> Mapping[str, str]:
    table = parse_yaml(text)["basic"]
    return {name: table.get(name, "") for name in ("region", "uin", "app_id", "secret_id", "secret_key")}


def _tikit(text: str) -> Mapping[str, str]:
    table = json.loads(text)
    return {name: str(table.get(name) or "") for name in ("secret_id", "secret_key", "region")}


def _profile(text: str) -> Mapping[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    table = parser["default"]
    return {name: table.get(name, "") for name in ("secret_id", "secret_key", "role_arn")}
