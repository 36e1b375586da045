"""What `CreateTrainingTask` asks for, held against the rules (reference, sections 3.0 to 3.2)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Container as Names
from typing import Any
from urllib.parse import urlsplit

from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.tasks.images import check_image
from anyfit_ti.emulator.tasks.mounts import read_code, read_mounts, read_output
from anyfit_ti.emulator.tasks.resources import read_resources
from anyfit_ti.emulator.tasks.roles import MODES, command_for
from anyfit_ti.emulator.variables import read_variables

__all__ = ["check_task", "read_log_config"]

_NAME = re.compile(r"[A-Za-z0-9\u4e00-\u9fff][A-Za-z0-9_\u4e00-\u9fff-]{0,59}")
_COMMANDS = ("StartCmd", "PsStartCmd", "WorkerStartCmd")
_LONGEST_PARAMETERS = 2048
_MOST_RESTARTS = 10
_KEPT = ("ExposeNetworkConfig", "TrainToolConfig", "ResourceSupplyAttribute")


def check_task(fields: Fields, store: ObjectStore, groups: Names[str]) -> dict[str, Any]:
    """The task's definition, under the names of the detail.

    Raises:
        ApiError: Something is wrong with it.
    """
    name = fields.text("Name", required=True)
    if not _NAME.fullmatch(name):
        what = "must be 1 to 60 Chinese characters, letters, digits, `_` and `-`, and not begin with a sign"
        raise fields.bad("Name", what, "InvalidParameterValue.BadName")
    mode = fields.text("TrainingMode", one_of=[mode for mode in MODES if mode])
    commands = _commands(fields)
    resources = read_resources(fields, mode, groups)
    log_enable = fields.flag("LogEnable")
    config = {
        "Name": name,
        "ChargeType": fields.text("ChargeType", required=True),
        "ResourceGroupId": fields.text("ResourceGroupId"),
        "ResourceConfigInfos": resources,
        "FrameworkName": fields.text("FrameworkName"),
        "FrameworkVersion": fields.text("FrameworkVersion"),
        "FrameworkEnvironment": fields.text("FrameworkEnvironment"),
        "ImageInfo": check_image(fields),
        "TrainingMode": mode,
        "CodePackagePath": read_code(fields, store),
        "CodeRepos": _no_repositories(fields),
        "StartCmdInfo": commands,
        "DataConfigs": read_mounts(fields, store),
        "DataSource": fields.text("DataSource"),
        "Output": read_output(fields, store),
        "TuningParameters": _parameters(fields),
        "Envs": [
            {**one, "IsPrivate": item.flag("IsPrivate")}
            for one, item in zip(read_variables(fields, "Envs"), fields.parts("Envs"), strict=True)
        ],
        "VpcId": fields.text("VpcId"),
        "SubnetId": fields.text("SubnetId"),
        "LogEnable": log_enable,
        "LogConfig": read_log_config(fields, needed=log_enable),
        "Tags": [
            {"TagKey": item.text("TagKey", required=True), "TagValue": item.text("TagValue", required=True)}
            for item in fields.parts("Tags")
        ],
        "Remark": fields.text("Remark", longest=1024),
        "CallbackUrl": _callback(fields),
        "Queues": fields.texts("Queues"),
        "BackOffLimit": _restarts(fields.part("SchedulePolicy")),
        **{name: (found.values if (found := fields.part(name)) else None) for name in _KEPT},
    }
    for role in MODES[mode]:
        needed = role in ("PS", "WORKER", "DRIVER") and (mode != "RAY" or role == "HEAD")
        if needed and not command_for(role, commands, mode):
            raise fields.bad("StartCmdInfo", f"has no command for {role}: no image brings one with it here")
    return config


def read_log_config(fields: Fields, *, needed: bool) -> dict[str, str] | None:
    """Where the user wants lines to be sent to."""
    part = fields.part("LogConfig")
    if part is None or not (part.text("LogsetId") and part.text("TopicId")):
        if needed:
            message = "`LogConfig` must name a log set and a topic when `LogEnable` is true."
            raise ApiError("InvalidParameterValue.ClsConfigRequired", message)
        return None
    return {"LogsetId": part.text("LogsetId"), "TopicId": part.text("TopicId")}


def _commands(fields: Fields) -> dict[str, str]:
    """The plain commands, unless they are encoded, too; null and absence are both "no command"."""
    given = fields.part("StartCmdInfo") or Fields({})
    encoded = fields.part("EncodedStartCmdInfo")
    if encoded and encoded.text("StartCmdInfo"):
        try:
            found = json.loads(base64.b64decode(encoded.text("StartCmdInfo"), validate=True))
            given = Fields(dict(found), "EncodedStartCmdInfo.")
        except (ValueError, TypeError, RecursionError) as error:
            raise encoded.bad("StartCmdInfo", f"is not the base64 of a JSON object: {error}") from None
    return {name: given.text(name) for name in _COMMANDS}


def _parameters(fields: Fields) -> str:
    text = fields.text("TuningParameters", longest=_LONGEST_PARAMETERS)
    try:
        if text and not isinstance(json.loads(text), dict):
            raise ValueError("it must be a JSON object")
    except (ValueError, RecursionError) as error:
        raise fields.bad("TuningParameters", f"cannot be read: {error}") from None
    return text


def _callback(fields: Fields) -> str:
    url = fields.text("CallbackUrl")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if url and not good:
        raise fields.bad("CallbackUrl", "must be a URL that begins with http:// or https://")
    return url


def _no_repositories(fields: Fields) -> list[dict[str, str]]:
    for item in fields.parts("CodeRepos"):
        item.text("TargetPath", required=True)
        name = item.text("Id", required=True)
        raise ApiError("InvalidParameterValue.CodeRepoNotFound", f"There is no code repository {name}.")
    return []


def _restarts(fields: Fields | None) -> int:
    if fields is None:
        return 0
    count = fields.integer("BackOffLimit")
    if count > _MOST_RESTARTS:
        code = "InvalidParameterValue.BackOffLimitIllegal"
        raise fields.bad("BackOffLimit", f"must not be more than {_MOST_RESTARTS}", code)
    return count
