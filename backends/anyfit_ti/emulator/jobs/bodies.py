"""What `CreateTrainingJob` asks for, held against the rules (reference, sections 2.1, 2.6 and 2.7)."""

from __future__ import annotations

import re
from typing import Any

from anyfit_emulator.moving import split_uri
from anyfit_emulator.storage import ObjectStore
from anyfit_emulator.storage.errors import StoreError
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.jobs.hyperparameters import HyperParameters
from anyfit_ti.emulator.jobs.images import framework_of
from anyfit_ti.emulator.specs import Spec, old_spec
from anyfit_ti.emulator.variables import read_variables

__all__ = ["check_job"]

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ROLE = re.compile(r"[\w+=,.@-]{1,128}")
_MOST_FILE_SYSTEMS = 2


def check_job(fields: Fields, store: ObjectStore) -> dict[str, Any]:
    """The request with every field that it may have, absent ones as null.

    Raises:
        ApiError: Something is wrong with it.
    """
    name = fields.text("TrainingJobName", required=True)
    if not _NAME.fullmatch(name):
        what = "must be 1 to 63 letters, digits, `-` and `_`, with a letter or digit at both ends"
        raise fields.bad("TrainingJobName", what, "InvalidParameterValue.BadName")
    if fields.text("RoleName") and not _ROLE.fullmatch(fields.text("RoleName")):
        raise fields.bad("RoleName", "is no name of a role")
    resources, spec = _resources(_part(fields, "ResourceConfig"))
    config = {
        "TrainingJobName": name,
        "AlgorithmSpecification": _algorithm(_part(fields, "AlgorithmSpecification")),
        "InputDataConfig": _inputs(fields.parts("InputDataConfig")),
        "OutputDataConfig": _output(_part(fields, "OutputDataConfig"), store),
        "ResourceConfig": resources,
        "StoppingCondition": _stopping(fields.part("StoppingCondition")),
        "VpcConfig": _network(fields.part("VpcConfig")),
        "HyperParameters": fields.text("HyperParameters") or None,
        "RoleName": fields.text("RoleName") or None,
        "EnvConfig": read_variables(fields, "EnvConfig"),
        "RetryWhenResourceInsufficient": fields.text(
            "RetryWhenResourceInsufficient", "Disabled", one_of=("Enabled", "Disabled")
        ),
    }
    _check_file_systems(config)
    _check_hyperparameters(fields, spec, store)
    return config


def _part(fields: Fields, name: str) -> Fields:
    found = fields.part(name, required=True)
    assert found is not None  # noqa: S101  it is required
    return found


def _algorithm(fields: Fields) -> dict[str, Any]:
    image, algorithm = fields.text("TrainingImageName"), fields.text("AlgorithmName")
    if algorithm:
        raise fields.bad("AlgorithmName", "is no built-in algorithm, there are none here")
    if not image:
        raise ApiError("MissingParameter", "The request is missing a required parameter `TrainingImageName`.")
    framework_of(image)
    mode = _mode(fields, "TrainingInputMode") or "File"
    return {"TrainingImageName": image, "TrainingInputMode": mode, "AlgorithmName": None}


def _mode(fields: Fields, name: str) -> str | None:
    mode = fields.text(name, one_of=("File", "Pipe"))
    if mode == "Pipe":
        raise fields.bad(name, "cannot be Pipe here")
    return mode or None


def _inputs(channels: list[Fields]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for channel in channels:
        name = channel.text("ChannelName", required=True)
        if not _CHANNEL.fullmatch(name):
            raise channel.bad("ChannelName", "must be 1 to 64 letters, digits, `-`, `_` and `.`")
        if name in {one["ChannelName"] for one in found}:
            raise channel.bad("ChannelName", f"is there twice: {name}")
        source = _part(channel, "DataSource")
        cos, system = source.part("CosDataSource"), source.part("FileSystemDataSource")
        if (cos is None) == (system is None):
            raise channel.bad("DataSource", "must be one of CosDataSource and FileSystemDataSource")
        sources = {
            "CosDataSource": _cos(cos) if cos else None,
            "FileSystemDataSource": _file_system(system) if system else None,
        }
        mode, content_type = _mode(channel, "InputMode"), channel.text("ContentType") or None
        found.append({"ChannelName": name, "DataSource": sources, "InputMode": mode, "ContentType": content_type})
    return found


def _cos(fields: Fields) -> dict[str, Any]:
    kinds = ("FullyReplicated", "ShardedByCOSKey")
    return {
        "Bucket": fields.text("Bucket", required=True),
        "KeyPrefix": fields.text("KeyPrefix"),
        "DataDistributionType": fields.text("DataDistributionType", kinds[0], one_of=kinds),
        "DataType": fields.text("DataType", "COSPrefix", one_of=("COSPrefix",)),
    }


def _file_system(fields: Fields) -> dict[str, Any]:
    return {
        "DirectoryPath": fields.text("DirectoryPath", required=True),
        "FileSystemType": fields.text("FileSystemType", "cfs", one_of=("cfs",)),
        "FileSystemAccessMode": fields.text("FileSystemAccessMode", "rw", one_of=("rw", "ro")),
        "FileSystemId": fields.text("FileSystemId", required=True),
    }


def _output(fields: Fields, store: ObjectStore) -> dict[str, Any]:
    system = fields.part("FileSystemDataSource")
    bucket = "" if system else fields.text("CosOutputBucket")
    if bucket:
        try:
            store.require_bucket(bucket)
        except StoreError:
            raise fields.bad("CosOutputBucket", f"is no bucket: {bucket}") from None
    return {
        "CosOutputBucket": bucket or None,
        "CosOutputKeyPrefix": fields.text("CosOutputKeyPrefix") if bucket else None,
        "FileSystemDataSource": _file_system(system) if system else None,
    }


def _resources(fields: Fields) -> tuple[dict[str, Any], Spec]:
    kind = fields.text("InstanceType", required=True)
    spec = old_spec(kind)
    if spec is None:
        raise fields.bad("InstanceType", f"is no machine: {kind}", "InvalidParameterValue.InvalidInstanceType")
    config = {
        "InstanceCount": fields.integer("InstanceCount", required=True, least=1, most=100),
        "InstanceType": kind,
        "VolumeSizeInGB": fields.integer("VolumeSizeInGB", 0),
    }
    return config, spec


def _stopping(fields: Fields | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    most = fields.integer("MaxRuntimeInSeconds", 86400, least=1)
    wait = fields.integer("MaxWaitTimeInSeconds", max(172800, most), least=1)
    if wait < most:
        raise fields.bad("MaxWaitTimeInSeconds", "must not be less than MaxRuntimeInSeconds")
    return {"MaxRuntimeInSeconds": most, "MaxWaitTimeInSeconds": wait}


def _network(fields: Fields | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    subnet = fields.text("SubnetId", required=True)
    if not subnet.startswith("subnet-"):
        raise fields.bad("SubnetId", f"is no subnet: {subnet}", "InvalidParameterValue.SubnetNotFound")
    return {"SecurityGroupIds": fields.texts("SecurityGroupIds"), "SubnetId": subnet}


def _check_file_systems(config: dict[str, Any]) -> None:
    sources = [channel["DataSource"]["FileSystemDataSource"] for channel in config["InputDataConfig"]]
    sources.append(config["OutputDataConfig"]["FileSystemDataSource"])
    systems = {source["FileSystemId"] for source in sources if source}
    if len(systems) > _MOST_FILE_SYSTEMS:
        message = f"No more than {_MOST_FILE_SYSTEMS} file systems can be used."
        raise ApiError("InvalidParameterValue.FileSystemNumLimit", message)
    if systems and config["VpcConfig"] is None:
        message = "File systems need `VpcConfig`."
        raise ApiError("InvalidParameterValue.FileSystemNeedVpcConfigSupport", message)


def _check_hyperparameters(fields: Fields, spec: Spec, store: ObjectStore) -> None:
    try:
        found = HyperParameters.parse(fields.text("HyperParameters"))
    except (ValueError, RecursionError) as error:
        raise fields.bad("HyperParameters", f"cannot be read: {error}") from None
    code = found.text("ti_submit_directory")
    if code:
        bucket, key = split_uri(code)
        try:
            known = code.startswith("cos://") and store.lookup(bucket, key)
        except StoreError:
            known = None
        if not known:
            raise ApiError("InvalidParameterValue.TrainCodeNotFound", f"There is no code at {code}.")
    most = int(spec.cards) or spec.cores
    if found.is_on("ti_mpi_enabled") and found.number("ti_mpi_num_of_processes_per_host", 1) > most:
        message = f"{spec.name} has room for {most} processes at most."
        raise ApiError("InvalidParameterValue.MpiProcessesPerHostTooMuch", message)
