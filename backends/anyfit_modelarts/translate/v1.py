"""The request bodies of the first generation."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from anyfit.backend import Request
from anyfit.catalog import find_preset
from anyfit.errors import SpecError
from anyfit.secret import markers, refuse_secrets
from anyfit_modelarts.bundle import LAUNCHER
from anyfit_modelarts.places import obs_path, obs_uri
from anyfit_modelarts.translate.work import Work

__all__ = ["request_v1"]

_CODE = "/home/work/user-job-dir"
_RUN_TRAIN = "bash /home/work/run_train.sh"


def request_v1(work: Work) -> Request:
    """The call that makes a job, or a version of one."""
    spec = work.spec
    if spec.version > 1:
        config = {**_config(work), "pre_version_id": work.options.pre_version_id or None}
        body: dict[str, Any] = {"job_desc": spec.description, "config": config}
        return Request("POST /v1/{project_id}/training-jobs/{job_id}/versions", body)
    body = {
        "job_name": spec.name,
        "job_desc": spec.description,
        "workspace_id": work.workspace or "0",
        "config": _config(work),
    }
    if work.options.notification:
        body["notification"] = dict(work.options.notification)
    return Request("POST /v1/{project_id}/training-jobs", body)


def _config(work: Work) -> dict[str, Any]:
    spec, options = work.spec, work.options
    config: dict[str, Any] = {"worker_server_num": spec.instance_count}
    if options.pool_id:
        config["pool_id"] = options.pool_id
    else:
        config["flavor"] = {"code": work.machine.spec_id}
    config |= _what_runs(work)
    config["parameter"] = [{"label": name, "value": value} for name, value in _parameters(work)]
    config |= _data(work)
    config["train_url"] = obs_path(work.output)
    if options.log_path:
        config["log_url"] = obs_path(f"{options.log_path.rstrip('/')}/")
    if options.volumes:
        config["volumes"] = [dict(volume) for volume in options.volumes]
    return config


def _what_runs(work: Work) -> dict[str, Any]:
    spec, options = work.spec, work.options
    if options.algorithm_id:
        field = "options.modelarts.algorithm_id"
        return {"model_id": int(find_preset(options.algorithm_id, work.catalog.algorithms, field).native)}
    members: dict[str, Any] = {}
    if work.engine is not None:
        members["engine_id"] = int(work.engine.native.split()[0])
    if work.code:
        members["app_url"] = obs_path(work.code)
    if boot := _boot(work):
        members["boot_file_url"] = obs_path(boot)
    if spec.image:
        members["user_image_url"] = spec.image
        if command := _command(work):
            members["user_command"] = command
    return members


def _boot(work: Work) -> str:
    """The script, in the folder of the code; the platform wants it there."""
    if work.launched:
        return f"{work.code}{LAUNCHER}"
    boot = work.options.boot_file
    return boot if not boot or boot.startswith(("obs://", "/")) else f"{work.code}{boot}"


def _command(work: Work) -> str:
    """What an image of one's own starts: its `run_train.sh` brings the code and passes credentials on."""
    spec = work.spec
    if work.launched:
        folder = obs_uri(work.code).name
        return f"{_RUN_TRAIN} {work.settings.python} {_CODE}/{folder}/{LAUNCHER}"
    return shlex.join([*spec.command, *spec.arguments])


def _parameters(work: Work) -> Iterator[tuple[str, str]]:
    """Arguments of a preset image, variables of one's own."""
    spec = work.spec
    if spec.image:
        yield from () if work.launched else work.parameters.items()
        yield from {**spec.environment, **markers(spec.secrets)}.items()
        return
    refuse_secrets(spec, "modelarts", "frameworks of the first generation have no variables")
    yield from work.parameters.items()
    for each in () if work.launched else work.inputs[1:]:
        if each.uri:
            name = each.name if each.name.endswith("_url") else f"{each.name}_url"
            uri = obs_uri(each.uri)
            yield name, f"s3://{uri.bucket}/{uri.key}"


def _data(work: Work) -> dict[str, Any]:
    """One group of the three: OBS or datasets, and never both."""
    places = [each for each in work.inputs if each.uri]
    sets = [each for each in work.inputs if each.dataset_id]
    if places and sets:
        raise SpecError(
            "inputs: the first generation takes data from OBS or from datasets, not from both",
            hint='set options.modelarts.api to "v2", or name the dataset\'s own folder in OBS',
        )
    if work.options.data_url and len(places) == 1:
        return {"data_url": obs_path(places[0].uri)}
    if places:
        return {"data_source": [{"type": "obs", "data_url": obs_path(each.uri)} for each in places]}
    if len(sets) == 1:
        return {"dataset_id": sets[0].dataset_id, "dataset_version_id": sets[0].dataset_version_id}
    several = [
        {"type": "dataset", "dataset_id": each.dataset_id, "dataset_version": each.dataset_version_id} for each in sets
    ]
    return {"data_source": several} if several else {}
