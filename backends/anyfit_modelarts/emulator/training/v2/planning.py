"""From a job to what its containers do: the world of the second generation (reference, sections 4.1, 4.6, 4.7)."""

from __future__ import annotations

import json
import shlex
from typing import Any

from attrs import frozen

from anyfit_emulator.storage import Credential
from anyfit_modelarts.emulator.datasets import Datasets
from anyfit_modelarts.emulator.places import as_directory, last_name, to_s3
from anyfit_modelarts.emulator.training.cluster import Cluster
from anyfit_modelarts.emulator.training.plan import Download, Node, Plan, Unfit, Upload
from anyfit_modelarts.emulator.training.v1.planning import HOME as WORK_HOME
from anyfit_modelarts.emulator.training.v1.planning import work_environment
from anyfit_modelarts.emulator.training.v2.values import Job
from anyfit_modelarts.emulator.training.wording import RANK_TABLE, quoted_arguments, rank_table

__all__ = ["local_dir", "log_object", "make_plan"]

HOME = "/home/ma-user"
RETRIES = "fault-tolerance/job-retry-num"
_HOUR = 3600.0


@frozen
class _World:
    """Where things are in a container.

    Attributes:
        mount: The parent of inputs and outputs.
        jobs: The parent of the code's directory.
        code: The code's directory, or "".
        boot: The boot file, or "".
        directory: Where programs start.
    """

    mount: str
    jobs: str
    code: str
    boot: str
    directory: str


def make_plan(job: Job, cluster: Cluster, keys: Credential, endpoint: str, api: str, datasets: Datasets) -> Plan:
    """What the job's machines do.

    Args:
        endpoint: Of OBS.
        api: Of ModelArts.

    Raises:
        Unfit: There is nothing to run.
    """
    algorithm = job.algorithm
    world = _world(job)
    inputs = [(item, local_dir(job, item, "inputs"), _remote(item, datasets)) for item in algorithm.get("inputs", ())]
    outputs = [(item, local_dir(job, item, "outputs"), _output(item)) for item in algorithm.get("outputs", ())]
    channels = [(item, place) for item, place, _ in (*inputs, *outputs)]
    common = {
        **work_environment(keys, endpoint),
        **_common(job, world, cluster, api),
        "MA_INPUTS": _told("inputs", inputs),
        "MA_OUTPUTS": _told("outputs", outputs),
        **{item["name"]: place for item, place in channels if item.get("access_method") == "env"},
    }
    arguments = quoted_arguments(
        [
            *((item["name"], place) for item, place in channels if item.get("access_method") != "env"),
            *((item["name"], item["value"]) for item in algorithm.get("parameters", ())),
        ]
    )
    starts = [_argv(job, world, cluster, index, arguments) for index in range(job.life.nodes)]
    nodes = [
        Node(
            argv,
            {**common, **_place(job, cluster, index), **algorithm.get("environments", {})},
            _log_uri(job, index),
            preamble=_preamble(world, argv),
        )
        for index, argv in enumerate(starts)
    ]
    code = to_s3(algorithm["code_dir"]) if world.code else ""
    mounted = _mounted(job)
    stop = job.spec.get("auto_stop")
    return Plan(
        tuple(nodes),
        world.directory,
        directories=(world.jobs, f"{HOME}/modelarts/log", *(place for _, place in channels), *_nfs(job)),
        downloads=(
            *((Download(code, world.code),) if code else ()),
            *(Download(uri, place) for _, place, uri in inputs),
            *(Download(uri, place, optional=True) for place, uri in mounted),
        ),
        uploads=tuple(Upload(place, uri) for place, uri in (*((place, uri) for _, place, uri in outputs), *mounted)),
        files=rank_table(cluster.addresses, job.machine),
        code=world.code if world.boot else "",
        boot=world.boot,
        seconds=stop["duration"] * _HOUR if stop else None,
        retries=int(job.metadata["annotations"].get(RETRIES, "0")),
    )


def local_dir(job: Job, channel: dict[str, Any], kind: str) -> str:
    """Where a channel is in the container."""
    mount = f"{WORK_HOME}/modelarts" if _is_old(job) else f"{HOME}/modelarts"
    return str(channel.get("local_dir") or f"{mount}/{kind}/{channel['name']}_0")


def log_object(job: Job, index: int) -> str:
    """The name of a node's log in OBS."""
    return f"modelarts-job-{job.id}-worker-{index}.log"


def _is_old(job: Job) -> bool:
    return job.preset is not None and job.preset.v1_compatible


def _world(job: Job) -> _World:
    algorithm, old = job.algorithm, _is_old(job)
    mount = f"{WORK_HOME}/modelarts" if old else f"{HOME}/modelarts"
    jobs = f"{WORK_HOME}/user-job-dir" if old else algorithm.get("local_code_dir") or f"{mount}/user-job-dir"
    code_dir = algorithm.get("code_dir", "")
    if code_dir.startswith("file://"):
        raise Unfit(f"{code_dir} lies in the image, and images are not pulled here")
    code = f"{jobs}/{last_name(code_dir)}" if code_dir else ""
    boot = ""
    if job.preset:
        boot = f"{code}/{to_s3(algorithm['boot_file'])[len(as_directory(to_s3(code_dir))) :]}"
    directory = jobs if old else algorithm.get("working_dir") or jobs
    return _World(mount, jobs, code, boot, directory)


def _remote(channel: dict[str, Any], datasets: Datasets) -> str:
    remote = channel.get("remote") or {}
    if "obs" in remote:
        return to_s3(remote["obs"]["obs_url"])
    dataset = remote.get("dataset") or {}
    version = dataset.get("version_id") or datasets.newest(str(dataset.get("id")))
    place = datasets.place(str(dataset.get("id")), str(version))
    if place is None:
        raise Unfit(f"the dataset of the channel {channel['name']} does not exist")
    return place


def _output(channel: dict[str, Any]) -> str:
    return to_s3(channel["remote"]["obs"]["obs_url"])


def _told(kind: str, channels: list[tuple[dict[str, Any], str, str]]) -> str:
    items = [
        {"name": item["name"], "local_dir": place, "remote": item.get("remote")}  # as it was written
        for item, place, _ in channels
    ]
    return json.dumps({kind: items})


def _argv(job: Job, world: _World, cluster: Cluster, index: int, arguments: tuple[str, ...]) -> tuple[str, ...]:
    if not job.preset:
        return ("bash", "-c", " ".join([job.algorithm["command"], *map(shlex.quote, arguments)]))
    together: tuple[str, ...] = ()
    if job.preset.name == "PyTorch" and job.life.nodes > 1:
        pairs = {"init_method": f"tcp://{cluster.hosts()[0]}", "rank": index, "world_size": job.life.nodes}
        together = tuple(word for name, value in pairs.items() for word in (f"--{name}", str(value)))
    return ("python", world.boot, *arguments, *together)


def _common(job: Job, world: _World, cluster: Cluster, api: str) -> dict[str, str]:
    nodes, machine = job.life.nodes, job.machine
    told = {
        "MA_HOME": HOME,
        "MA_MOUNT_PATH": f"{HOME}/modelarts",
        "MA_LOG_DIR": f"{HOME}/modelarts/log",
        "MA_JOB_DIR": world.jobs,
        "WORKSPACE": world.code or world.jobs,
        "MA_SCRIPT_INTERPRETER": "",
        "MA_NUM_GPUS": str(machine.cards),
        "MA_TASK_NAME": "worker",
        "MA_NUM_HOSTS": str(nodes),
        "VC_WORKER_NUM": str(nodes),
        "VC_WORKER_HOSTS": ",".join(cluster.addresses),
        "MA_VJ_NAME": f"modelarts-job-{job.id}",
        "MA_JOB_KIND": "job",
        "MA_MASTER_INDEX": "0",
        "MA_APIGW_ENDPOINT": api,
        "MA_DETECT_TRAIN_INJECT_CODE": "1",
        "NCCL_DEBUG": "INFO",
    }
    if job.preset and job.algorithm.get("engine", {}).get("image_url"):
        told["PYTHONPATH"] = world.jobs
    return told


def _place(job: Job, cluster: Cluster, index: int) -> dict[str, str]:
    machine = job.machine
    told = {
        "MA_CURRENT_IP": cluster.addresses[index],
        "MA_CURRENT_HOST_IP": cluster.addresses[index],
        "MA_CURRENT_INSTANCE_NAME": f"modelarts-job-{job.id}-worker-{index}",
        "VC_TASK_INDEX": str(index),
        "MA_TASK_INDEX": str(index),
    }
    if _is_old(job):
        told |= {"DLS_TASK_INDEX": str(index), "DLS_TASK_NUMBER": str(job.life.nodes)}
    if machine.kind == "Ascend":
        told |= {"RANK_TABLE_FILE": RANK_TABLE, "DEVICE_ID": "0", "RANK_ID": str(index * machine.cards)}
        told["RANK_SIZE"] = str(job.life.nodes * machine.cards)
    return told


def _mounted(job: Job) -> list[tuple[str, str]]:
    """Volumes that lie in OBS: their directories in the container, and where they lie."""
    found = []
    for volume in job.spec.get("volumes") or ():
        for kind, name in (("obs", "obs_path"), ("pfs", "pfs_path")):
            if mount := volume.get(kind):
                path = mount[name]
                found.append((mount["local_path"], to_s3(path) if "/" in path else f"s3://{path}/"))
    return found


def _nfs(job: Job) -> tuple[str, ...]:
    return tuple(volume["nfs"]["local_path"] for volume in job.spec.get("volumes") or () if volume.get("nfs"))


def _log_uri(job: Job, index: int) -> str:
    place = (job.spec.get("log_export_path") or {}).get("obs_url")
    return as_directory(to_s3(place)) + log_object(job, index) if place else ""


def _preamble(world: _World, argv: tuple[str, ...]) -> tuple[str, ...]:
    lines = {
        "user": "uid=1102(ma-user) gid=1102(ma-user) groups=1102(ma-user)",
        "pwd": world.directory,
        "boot_file": world.boot,
        "command": argv[2] if argv[0] == "bash" else shlex.join(argv),
    }
    return tuple(f"{name}: {value}" for name, value in lines.items() if value)
