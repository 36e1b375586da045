"""The vendor's own configuration: the variables and the credentials file of its SDK."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from anyfit.backend import VendorFile
from anyfit.errors import ConfigError

__all__ = ["vendor_files"]

_VARIABLES = {
    "HUAWEICLOUD_SDK_AK": "access_key",
    "HUAWEICLOUD_SDK_SK": "secret_key",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN": "security_token",
    "HUAWEICLOUD_SDK_PROJECT_ID": "project_id",
    "HUAWEICLOUD_SDK_IAM_ENDPOINT": "iam_endpoint",
    "HUAWEICLOUD_SDK_REGION": "region",
    "HUAWEICLOUD_SDK_DOMAIN_NAME": "domain",
    "HUAWEICLOUD_SDK_USERNAME": "username",
    "HUAWEICLOUD_SDK_PASSWORD": "password",
}
_FILE_KEYS = {
    "ak": "access_key",
    "sk": "secret_key",
    "security_token": "security_token",
    "project_id": "project_id",
    "iam_endpoint": "iam_endpoint",
}
_PAIRS = (("access_key", "secret_key"), ("username", "password"))


def vendor_files() -> Sequence[VendorFile]:
    """What the vendor's SDK would read, the strongest first."""
    found = []
    if given := _whole({name: os.environ.get(variable, "") for variable, name in _VARIABLES.items()}):
        found.append(VendorFile("HUAWEICLOUD_SDK_*", given))
    path = Path(os.environ.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE") or "~/.huaweicloud/credentials").expanduser()
    if path.exists():
        found.append(VendorFile(str(path), _whole(_values(path))))
    return found


def _values(path: Path) -> dict[str, str]:
    """The section `[basic]`; `[global]` is for services without a project."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, configparser.Error) as fault:
        raise ConfigError(
            f"{path} cannot be read as credentials of the Huawei Cloud SDK: {type(fault).__name__}",
            hint="it is an INI file with [basic]; repair it, or point HUAWEICLOUD_SDK_CREDENTIALS_FILE elsewhere",
        ) from None  # the parser's message shows the line, which may hold a key
    section: Mapping[str, str] = parser["basic"] if parser.has_section("basic") else {}
    return {name: section.get(key, "").strip() for key, name in _FILE_KEYS.items()}


def _whole(values: Mapping[str, str]) -> dict[str, str]:
    """What is given, pairs only where both halves are: half a pair is no use, and must not spoil anyfit's own."""
    given = {name: value for name, value in values.items() if value}
    for pair in _PAIRS:
        if not all(name in given for name in pair):
            given = {name: value for name, value in given.items() if name not in pair}
    if "access_key" not in given:
        given.pop("security_token", None)
    return given
