"""From a neutral spec to CreateTrainingTask of 2021-11-11."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from anyfit.backend import Match, Note, Offering, Plan, Request, Upload
from anyfit.catalog import choose, parse_wish
from anyfit.cloud.planning import checkpoint_mark, copied_first
from anyfit.errors import SpecError
from anyfit.images import find_image
from anyfit.secret import markers
from anyfit_ti.bundle import LAUNCHER
from anyfit_ti.places import cos_path, folder
from anyfit_ti.serving.images import image_info
from anyfit_ti.translate.work import (
    CHECKPOINTS,
    MOUNT,
    Work,
    cost,
    home_of,
    job_file,
    of_no_use,
    refuse_of_other,
)

__all__ = ["part_of_group", "plan_2021"]

_MOST_INPUTS = 10
_MOST_TUNING = 2048
_MOST_REMARK = 1024
_MODES = {"mpi": "MPI"}
_ONLY_2019 = ("input_mode", "channels", "retry_when_short", "cls_log", "log_level")
_MODEL, _OUTPUT = f"{MOUNT}/output/model", f"{MOUNT}/output/output"
_HOSTS = '"$(echo "$NODE_LIST" | sed "s/:[0-9]*//g")"'


def plan_2021(work: Work, uploads: tuple[Upload, ...]) -> Plan:
    """The plan of a training task."""
    spec = work.spec
    refuse_of_other(work.options, "2019", ("role", "security_groups", "cfs_output", "algorithm"))
    offering, resources = _machine(work)
    home = home_of(work, offering, "2021") if work.launched or not spec.output_path else ""
    output = (
        f"{folder(spec.output_path)}{spec.key}/" if spec.output_path else f"{work.places.root}jobs/{spec.key}/output/"
    )
    image, notes = _image(work)
    configs = _data_configs(work)
    body: dict[str, Any] = {"Name": spec.key, **resources, **image, "TrainingMode": _mode(work)}
    if work.launched:
        body["CodePackagePath"] = cos_path(f"{home}code/", work.settings.region)
    body |= {
        "StartCmdInfo": _start(work, offering),
        "DataSource": configs[-1]["DataSourceType"] if configs else "",
        "DataConfigs": configs,
        "Output": cos_path(output, work.settings.region),
        "Envs": [*_variables(work), *_private(work)],
        **_tuning(work),
        **_more(work),
    }
    if work.launched:
        code = f"{home}code/"
        job = job_file(work, offering, output=output, code=code, places=_places(work))
        uploads += work.shipped.for_task(code, spec.code, {**job, "max_run": spec.max_run})
        uploads += checkpoint_mark(spec)
    return Plan(
        spec=work.original,
        backend="ti",
        region=work.settings.region,
        offering=offering,
        uploads=uploads,
        requests=(Request("CreateTrainingTask", _given(body) | dict(work.options.more)),),
        notes=(*notes, *copied_first(work.original, spec), *_notes(work)),
        **cost(offering, spec.instance_count),
    )


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty."""
    return {name: value for name, value in body.items() if value not in ("", [])}


# ------------------------------------------------------------------------------------------ machines and images


def _machine(work: Work) -> tuple[Offering, dict[str, Any]]:
    options, spec = work.options, work.spec
    prepaid = options.charge == "PREPAID" or bool(options.resource_group)
    if prepaid and not options.resource_group:
        raise SpecError("options.ti.resource_group: a PREPAID job needs one", hint="it begins with rsg-")
    if prepaid:
        offering, size = part_of_group(spec.instance_type, options.resource_group)
    else:
        offering = choose(spec.instance_type, work.catalog.offerings, spec.instance_count)
        size = {"InstanceType": offering.spec_id}
    if options.rdma:
        size["RDMAConfig"] = {"Enable": True}
    roles = [{"Role": role, **size, "InstanceNum": count} for role, count in _roles(work)]
    charge = {"ChargeType": "PREPAID", "ResourceGroupId": options.resource_group} if prepaid else {}
    return offering, {"ChargeType": "POSTPAID_BY_HOUR", **charge, "ResourceConfigInfos": roles}


def part_of_group(instance_type: str, group: str) -> tuple[Offering, dict[str, Any]]:
    """A part of a resource group's machines: cores in thousandths, memory in MB, cards in hundredths."""
    wish = parse_wish(instance_type)
    if wish.cpus is None or wish.memory_gib is None:
        raise SpecError(
            f"instance_type: {instance_type!r} says too little for a resource group",
            hint='write for instance "cpu=8 mem=32GB gpu=V100:1"',
        )
    count = int(wish.gpu_count.value) if wish.gpu_count else 0
    size: dict[str, Any] = {"Cpu": int(wish.cpus.value * 1000), "Memory": int(wish.memory_gib.value * 1024)}
    if count:
        size |= {"Gpu": count * 100, "GpuType": wish.gpu_model}
    offering = Offering(
        spec_id=group,
        cpus=wish.cpus.value,
        memory_gib=wish.memory_gib.value,
        gpu_model=wish.gpu_model,
        gpu_count=count,
    )
    return offering, size


def _mode(work: Work) -> str:
    return work.options.training_mode or _MODES.get(work.spec.distribution, "DDP")


def _roles(work: Work) -> list[tuple[str, int]]:
    """The roles of the platform's modes; anyfit's own launch needs workers only."""
    count = work.spec.instance_count
    by_mode = {
        "PS_WORKER": [("PS", 1), ("WORKER", count)],
        "SPARK": [("DRIVER", 1), ("EXECUTOR", count)],
        "RAY": [("HEAD", 1), ("WORKER", count - 1)],
    }
    return [(role, nodes) for role, nodes in by_mode.get(_mode(work), [("WORKER", count)]) if nodes]


def _image(work: Work) -> tuple[dict[str, Any], tuple[Note, ...]]:
    spec, options = work.spec, work.options
    if spec.image:
        return {"ImageInfo": image_info(spec.image, options)}, ()
    wanted = (spec.framework, spec.framework_version, spec.py_version)
    default = work.settings.default_framework
    found, note = find_image(wanted, work.catalog.frameworks, task="train", default=default)
    named = {"FrameworkName": found.name.upper(), "FrameworkVersion": found.version}
    return {**named, "FrameworkEnvironment": found.native}, (note,) if note else ()


# ------------------------------------------------------------------------------------------ what is started


def _start(work: Work, offering: Offering) -> dict[str, str]:
    command = _command(work, offering)
    mode = _mode(work)
    commands = {"StartCmd": "", "PsStartCmd": "", "WorkerStartCmd": command}
    if mode == "PS_WORKER":  # the platform tells no process what it is
        commands |= {"PsStartCmd": f"TI_ROLE=PS {command}", "WorkerStartCmd": f"TI_ROLE=WORKER {command}"}
    if mode == "SPARK":
        commands |= {"StartCmd": command, "WorkerStartCmd": ""}
    return commands


def _command(work: Work, offering: Offering) -> str:
    """What a shell in each container is told; the platform adds nothing to it."""
    spec = work.spec
    if not work.launched:
        return shlex.join([*spec.command, *spec.arguments])
    launch = f"{work.settings.python} -u {MOUNT}/code/{LAUNCHER}"
    return f"{_mpirun(work, offering)} {launch}" if _by_platform(work) else launch


def _by_platform(work: Work) -> bool:
    """Whether the platform has prepared its nodes for mpirun, which then starts the launcher as often as is wanted."""
    return work.spec.distribution == "mpi" and _mode(work) in ("MPI", "HOROVOD")


def _mpirun(work: Work, offering: Offering) -> str:
    each = work.options.processes_per_host or max(1, offering.gpu_count)
    names = [
        "PATH",
        "LD_LIBRARY_PATH",
        "NODE_LIST",
        "TI_TASK_ID",
        "TI_INSTANCE_ID",
        *work.spec.environment,
        *work.spec.secrets,
    ]
    passed = " ".join(f"-x {shlex.quote(name)}" for name in names)
    more = f" {work.options.mpi_options}" if work.options.mpi_options else ""
    total = each * work.spec.instance_count
    return (
        f"mpirun --allow-run-as-root --oversubscribe --bind-to none -np {total} --map-by ppr:{each}:node"
        f" --host {_HOSTS} {passed}{more}"
    )


def _private(work: Work) -> list[dict[str, Any]]:
    """Variables whose values the console hides."""
    return [{"Name": name, "Value": value, "IsPrivate": True} for name, value in markers(work.spec.secrets).items()]


def _variables(work: Work) -> list[dict[str, Any]]:
    return [{"Name": name, "Value": value} for name, value in _told(work).items()]


def _told(work: Work) -> dict[str, str]:
    """A command of the user's own gets what it needs to find its things; the launcher sees to that by itself."""
    spec = work.spec
    if work.launched:
        return dict(spec.environment)
    channels = {f"TM_CHANNEL_{name.upper()}": f"{MOUNT}/input/data/{name}" for name in work.channels}
    hyperparameters = json.dumps(dict(spec.hyperparameters), sort_keys=True)
    ours = {"TM_MODEL_DIR": _MODEL, "TM_OUTPUT_DATA_DIR": _OUTPUT, "TM_HPS": hyperparameters}
    return {**ours, "TM_CHANNELS": json.dumps(list(work.channels)), **channels, **spec.environment}


def _tuning(work: Work) -> dict[str, str]:
    text = _tuning_text(work.spec.hyperparameters)
    return {"TuningParameters": text} if len(text) <= _MOST_TUNING else {}


def _tuning_text(hyperparameters: Mapping[str, Any]) -> str:
    return json.dumps(dict(hyperparameters), ensure_ascii=False)


# ------------------------------------------------------------------------------------------ data


def _data_configs(work: Work) -> list[dict[str, Any]]:
    spec, options = work.spec, work.options
    configs = [_cos(work, f"input/data/{name}", channel.uri) for name, channel in spec.inputs.items()]
    configs += [_cfs(name, wanted) for name, wanted in options.cfs.items()]
    for name, source in options.sources.items():
        configs.append({"MappingPath": f"{MOUNT}/input/data/{name}", **source})
    if spec.checkpoint_path:
        place = "checkpoints" if options.cos_mode == "COSFS" else f"input/data/{CHECKPOINTS}"
        configs.append(_cos(work, place, folder(spec.checkpoint_path)))
    if len(configs) > _MOST_INPUTS:
        raise SpecError(f"inputs: {len(configs)} are too many", hint=f"TI takes {_MOST_INPUTS}, checkpoints among them")
    return configs


def _cos(work: Work, place: str, uri: str) -> dict[str, Any]:
    return {
        "MappingPath": f"{MOUNT}/{place}",
        "DataSourceType": work.options.cos_mode,
        "COSSource": cos_path(uri, work.settings.region),
    }


def _cfs(name: str, wanted: Mapping[str, str]) -> dict[str, Any]:
    return {
        "MappingPath": f"{MOUNT}/input/data/{name}",
        "DataSourceType": "CFS",
        "CFSSource": {"Id": wanted.get("id", ""), "Path": wanted.get("path", "/")},
        "ReadOnly": wanted.get("mode", "ro") != "rw",
    }


def _places(work: Work) -> dict[str, Any]:
    """What the conventions in the container have to know beside what the platform tells there."""
    places: dict[str, Any] = {"generation": "2021", "by_platform": _by_platform(work)}
    if work.spec.checkpoint_path:
        places["checkpoints"] = "mounted" if work.options.cos_mode == "COSFS" else "copied"
    return places


# ------------------------------------------------------------------------------------------ the rest


def _more(work: Work) -> dict[str, Any]:
    spec, options = work.spec, work.options
    if len(spec.description) > _MOST_REMARK:
        raise SpecError(f"description: {len(spec.description)} characters are too many", hint=f"{_MOST_REMARK} at most")
    more: dict[str, Any] = {"LogEnable": bool(options.log_set)}
    if bool(options.log_set) != bool(options.log_topic):
        raise SpecError("options.ti.log_topic: a log set and a topic go together", hint="give both, or none")
    if options.log_set:
        more["LogConfig"] = {"LogsetId": options.log_set, "TopicId": options.log_topic}
    more |= {"VpcId": options.vpc, "SubnetId": options.subnet, "Remark": spec.description}
    more["Tags"] = [{"TagKey": key, "TagValue": value} for key, value in spec.tags.items()]
    more["CallbackUrl"] = options.callback_url
    if options.hang_minutes:
        more["TrainToolConfig"] = {"EnableHangMonitor": True, "LogHangTimeoutInMinute": options.hang_minutes}
    if options.supply:
        more["ResourceSupplyAttribute"] = {"SupplyType": options.supply}
    return more


def _notes(work: Work) -> Iterator[Note]:
    spec, options = work.spec, work.options
    if work.launched:
        yield Note("max_run", Match.NEAR, "kept by anyfit's launcher; the platform has no limit of its own")
    else:
        yield Note("max_run", Match.NONE, "the platform has no limit of its own, and the command is yours")
    if spec.max_wait is not None:
        yield Note("max_wait", Match.NONE, "a task waits for its machine as long as it takes")
    if spec.volume_size:
        yield Note("volume_size", Match.NONE, "the machine has the disk that it has; mount CFS for more")
    if spec.distribution == "parameter-server" and not options.training_mode:
        text = (
            "by anyfit's launcher: a server and a worker on each node; training_mode = PS_WORKER is the platform's way"
        )
        yield Note("distribution", Match.NEAR, text)
    if not _tuning(work):
        yield Note(
            "hyperparameters", Match.NEAR, f"longer than the {_MOST_TUNING} characters that the console can show"
        )
    if spec.checkpoint_path and options.cos_mode == "COS":
        yield Note(
            "checkpoint_path",
            Match.NEAR,
            "kept beside the results when the job ends, and brought there before the next job of this path;"
            ' options.ti.cos_mode = "COSFS" mounts it',
        )
    if not work.launched:
        yield from _notes_of_command(work)
    yield from of_no_use(options, "2019", _ONLY_2019)


def _notes_of_command(work: Work) -> Iterator[Note]:
    spec = work.spec
    if spec.hyperparameters:
        yield Note("hyperparameters", Match.NEAR, "in the variable TM_HPS, for the command is your own")
    if work.channels:
        where = "; ".join(f"{name} in {MOUNT}/input/data/{name}" for name in work.channels)
        yield Note("inputs", Match.EXACT, where)
    yield Note("output_path", Match.EXACT, f"what the command leaves in {MOUNT}/output is kept, a model in {_MODEL}")
