"""The request bodies of the second generation."""

from __future__ import annotations

import math
import shlex
from typing import Any

from anyfit.backend import Request
from anyfit.secret import markers
from anyfit_modelarts.bundle import LAUNCHER
from anyfit_modelarts.places import obs_path, obs_uri
from anyfit_modelarts.training.v2 import OUTPUT
from anyfit_modelarts.translate.work import CHECKPOINTS, RESUME, Work, name_of
from anyfit_modelarts.wire import Input

__all__ = ["hours_of", "request_v2"]


def request_v2(work: Work) -> Request:
    """The call that makes a job."""
    spec, options = work.spec, work.options
    metadata = {
        "name": name_of(spec.key),
        "description": spec.description,
        "workspace_id": work.workspace,
        "annotations": dict(options.annotations),
        "training_experiment_reference": {"name": options.experiment} if options.experiment else {},
    }
    body = {"kind": "job", "metadata": _given(metadata), "algorithm": _algorithm(work), "spec": _spec(work)}
    return Request("POST /v2/{project_id}/training-jobs", body)


def hours_of(work: Work) -> int:
    """The platform's own limit, in whole hours; where the launcher keeps the exact one, the platform's comes after."""
    seconds = work.spec.max_run
    return seconds // 3600 + 1 if work.launched else math.ceil(seconds / 3600)


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", None, {}, [])}


def _algorithm(work: Work) -> dict[str, Any]:
    spec, options = work.spec, work.options
    inputs = [_input(each) for each in work.inputs]
    outputs = [_place(OUTPUT, work.output)]
    if spec.checkpoint_path:
        folder = f"{spec.checkpoint_path.rstrip('/')}/"
        inputs.append(_place(RESUME, folder))
        outputs.append(_place(CHECKPOINTS, folder))
    members = {
        "parameters": [{"name": name, "value": value} for name, value in work.parameters.items()],
        "inputs": inputs,
        "outputs": outputs,
        "environments": {**spec.environment, **markers(spec.secrets)},
        "local_code_dir": options.local_code_dir,
        "working_dir": options.working_dir,
    }
    return {**_what_runs(work), **_given(members)}


def _what_runs(work: Work) -> dict[str, Any]:
    spec, options = work.spec, work.options
    if options.algorithm_id:
        return {"id": options.algorithm_id}
    if options.subscription_id:
        return {"subscription_id": options.subscription_id, "item_version_id": options.item_version_id}
    members: dict[str, Any] = {}
    if work.code:
        members["code_dir"] = _spelled(work.code)
    if work.engine is not None:
        return {**members, "boot_file": _boot(work), "engine": {"engine_id": work.engine.native}}
    members["engine"] = {"image_url": spec.image}
    if command := _command(work):
        members["command"] = command
    return members


def _boot(work: Work) -> str:
    boot = LAUNCHER if work.launched else work.options.boot_file
    return _spelled(boot if boot.startswith(("obs://", "file://", "/")) else f"{work.code}{boot}")


def _spelled(place: str) -> str:
    """A place in OBS as the platform spells it; what lies in the image already stays a `file://`."""
    return place if place.startswith("file://") else obs_path(place)


def _command(work: Work) -> str:
    spec = work.spec
    if work.launched:
        return f"{work.settings.python} ${{MA_JOB_DIR}}/{obs_uri(work.code).name}/{LAUNCHER}"
    return shlex.join([*spec.command, *spec.arguments])


def _input(each: Input) -> dict[str, Any]:
    if each.dataset_id:
        dataset = {"id": each.dataset_id, "version_id": each.dataset_version_id}
        return {"name": each.name, "remote": {"dataset": dataset}}
    return _place(each.name, each.uri)


def _place(name: str, uri: str) -> dict[str, Any]:
    return {"name": name, "remote": {"obs": {"obs_url": obs_path(uri)}}}


def _spec(work: Work) -> dict[str, Any]:
    options = work.options
    members = {
        "resource": _resource(work),
        "log_export_path": {"obs_url": obs_path(f"{options.log_path.rstrip('/')}/")} if options.log_path else {},
        "volumes": [dict(volume) for volume in options.volumes],
        "auto_stop": {"time_unit": "HOURS", "duration": hours_of(work)},
        "schedule_policy": _given({"priority": options.priority, "preemptible": options.preemptible}),
        "notification": dict(options.notification),
    }
    return _given(members)


def _resource(work: Work) -> dict[str, Any]:
    machine, nodes = work.machine, work.spec.instance_count
    if not work.options.pool_id:
        return {"flavor_id": machine.spec_id, "node_count": nodes}
    resource: dict[str, Any] = {"pool_id": work.options.pool_id, "node_count": nodes}
    if machine.spec_id:
        resource["flavor_id"] = machine.spec_id
    elif machine.cpus:
        resource["main_container_customized_flavor"] = {
            "cpu_core_num": machine.cpus,
            "mem_size": machine.memory_gib,
            "accelerator_num": float(machine.gpu_count),
        }
    return resource
