"""Where a task's code and data come from, and where its output goes (reference, sections 3.1, 3.2 and 4.6)."""

from __future__ import annotations

import posixpath
from typing import Any

from anyfit_emulator.moving import entries
from anyfit_emulator.storage import ObjectStore
from anyfit_emulator.storage.errors import StoreError
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.places import NOWHERE

__all__ = ["read_code", "read_mounts", "read_output", "uri_of"]

_MOST = 10
_LONGEST = 1024
_LONGEST_PART = 255
_RESERVED = ("/", "/opt", "/opt/ml")
_USAGES = ("BUILTIN_CODE", "BUILTIN_DATA", "BUILTIN_MODEL", "USER_DATA", "USER_CODE", "USER_MODEL", "OUTPUT", "OTHER")
_COS = ("COS", "COSFS")
_CFS = ("CFS", "CFSTurbo")
_ELSEWHERE = ("GooseFS", "GooseFSx", "HDFS", "WEDATA_HDFS", "AIMarket_Algo_Data", "AIMarket_Algo_PreModel")


def uri_of(place: dict[str, Any]) -> str:
    """A place as `cos://bucket/path`; "" for none."""
    return f"cos://{place['Bucket']}/{place['Paths'][0]}" if place["Bucket"] else ""


def read_code(fields: Fields, store: ObjectStore) -> dict[str, Any]:
    """The code package: a folder, or an archive."""
    part = fields.part("CodePackagePath")
    if part is None or not part.text("Bucket"):
        return NOWHERE
    place = _place(part)
    _require(part, store, place)
    return place


def read_output(fields: Fields, store: ObjectStore) -> dict[str, Any]:
    """Where `/opt/ml/output` is kept."""
    part = fields.part("Output")
    if part is None or not part.text("Bucket"):
        return NOWHERE
    place = _place(part)
    try:
        store.require_bucket(place["Bucket"])
    except StoreError:
        message = f"There is no bucket {place['Bucket']}."
        raise part.bad("Bucket", message, "InvalidParameterValue.CosPathNotExist") from None
    return place


def read_mounts(fields: Fields, store: ObjectStore) -> list[dict[str, Any]]:
    """The data configurations, each with one source.

    Raises:
        ApiError: There is one that cannot be had.
    """
    configs = fields.parts("DataConfigs")
    if len(configs) > _MOST:
        code = "InvalidParameterValue.DataConfigNumLimitExceeded"
        raise fields.bad("DataConfigs", f"must not hold more than {_MOST}", code)
    default = fields.text("DataSource")
    found = [_mount(one, default, store) for one in configs]
    paths = [one["MappingPath"] for one in found]
    if len(set(paths)) != len(paths):
        raise fields.bad("DataConfigs", "must not use a MappingPath twice", "InvalidParameterValue.PathIllegal")
    return found


def _mount(fields: Fields, default: str, store: ObjectStore) -> dict[str, Any]:
    path = fields.text("MappingPath", required=True)
    place = posixpath.normpath("/" + path.strip("/"))
    good = path.startswith("/") and ".." not in path.split("/") and len(path) <= _LONGEST
    if not good or place in _RESERVED or any(len(part.encode()) > _LONGEST_PART for part in path.split("/")):
        what = f"must be an absolute path, not too long, and none of {', '.join(_RESERVED)}"
        raise fields.bad("MappingPath", what, "InvalidParameterValue.PathIllegal")
    kind = fields.text("DataSourceType", default or "COS")
    found: dict[str, Any] = {
        "MappingPath": place,
        "DataSourceUsage": fields.text("DataSourceUsage", one_of=_USAGES),
        "DataSourceType": kind,
        "ReadOnly": fields.flag("ReadOnly"),
        **dict.fromkeys(("DataSetSource", "COSSource", "CFSSource", "CFSTurboSource", "CBSSource")),
    }
    if kind in _COS:
        part = _source(fields, "COSSource")
        found["COSSource"] = _place(part)
        if kind == "COS":
            _require(part, store, found["COSSource"])
    elif kind in _CFS:
        name = f"{kind}Source" if fields.has(f"{kind}Source") else "CFSSource"
        part = _source(fields, name)
        found[name] = {"Id": part.text("Id", required=True), "Path": part.text("Path", "/")}
    elif kind == "DATASET":
        identifier = _source(fields, "DataSetSource").text("Id", required=True)
        raise ApiError("InvalidParameterValue.DatasetNotExist", f"There is no dataset {identifier}.")
    elif kind == "CBS":
        volume = _source(fields, "CBSSource").integer("VolumeSizeInGB", required=True, least=10)
        found["CBSSource"] = {"VolumeSizeInGB": volume}
    else:
        what = "cannot be had here" if kind in _ELSEWHERE else "is not known"
        raise fields.bad("DataSourceType", f"{what}: {kind}", "InvalidParameterValue.UnsupportedDataConfig")
    return found


def _source(fields: Fields, name: str) -> Fields:
    part = fields.part(name, required=True)
    assert part is not None  # noqa: S101  it is required
    return part


def _place(fields: Fields) -> dict[str, Any]:
    paths = fields.texts("Paths", required=True)
    if len(paths) != 1:
        raise fields.bad("Paths", "must hold one path")
    path = paths[0].lstrip("/")
    if ".." in path.split("/"):
        raise fields.bad("Paths", "must not hold `..`", "InvalidParameterValue.PathIllegal")
    return {"Bucket": fields.text("Bucket", required=True), "Region": fields.text("Region"), "Paths": [path]}


def _require(fields: Fields, store: ObjectStore, place: dict[str, Any]) -> None:
    bucket, path = place["Bucket"], place["Paths"][0]
    folder = path if not path or path.endswith("/") else f"{path}/"
    try:
        known = bool(path and store.lookup(bucket, path)) or any(entries(store, bucket, folder))
    except StoreError:
        known = False
    if not known:
        what = f"does not exist: there is nothing at {uri_of(place)}"
        raise fields.bad("Paths", what, "InvalidParameterValue.CosPathNotExist")
