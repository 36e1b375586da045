"""From a version to what its containers do: the world of the first generation (reference, sections 4.1 to 4.5)."""

from __future__ import annotations

import json
import shlex

from anyfit_emulator.storage import Credential
from anyfit_modelarts.emulator.datasets import Datasets
from anyfit_modelarts.emulator.places import as_directory, last_name, to_s3
from anyfit_modelarts.emulator.training.cluster import Cluster
from anyfit_modelarts.emulator.training.container import IMAGE
from anyfit_modelarts.emulator.training.plan import Download, Helper, Node, Plan, Unfit
from anyfit_modelarts.emulator.training.v1.bodies import dataset_of
from anyfit_modelarts.emulator.training.v1.values import Job, Version
from anyfit_modelarts.emulator.training.wording import RANK_TABLE, quoted_arguments, rank_table

__all__ = ["WORK", "data_places", "log_name", "make_plan", "work_environment"]

HOME = "/home/work"
WORK = f"{HOME}/user-job-dir"
_USER = "uid=1101(work) gid=1101(work) groups=1101(work)"


def make_plan(
    job: Job, version: Version, cluster: Cluster, keys: Credential, endpoint: str, datasets: Datasets
) -> Plan:
    """What the version's machines do.

    Raises:
        Unfit: There is nothing to run.
    """
    config = version.config
    data = data_places(config, datasets)
    app, boot = _code(config)
    common = {**work_environment(keys, endpoint), "BATCH_JOB_ID": version.resource_id, **_many(data)}
    arguments = _arguments(version, data)
    custom = "user_image_url" in config
    starts = _start(version, boot, arguments)
    nodes = []
    for index in range(version.nodes):
        told = {**common, **_place(version, cluster, index)}
        argv = starts
        if custom:
            told |= _custom(job, version, cluster, data)
        elif boot:
            argv = (*starts, *_together(version, cluster, index))
        helpers, preamble = _helpers(version, cluster, index, starts), _preamble(job, config, app, boot, argv)
        nodes.append(Node(argv, told, _log_uri(job, version, index), helpers, preamble))
    return Plan(
        tuple(nodes),
        HOME if custom else WORK,
        directories=(WORK,),
        downloads=(Download(app, f"{WORK}/{last_name(app)}"),) if boot and not custom else (),
        files=rank_table(cluster.addresses, version.machine),
        code=f"{WORK}/{last_name(app)}" if boot and not custom else "",
        boot=f"{WORK}/{boot}" if boot and not custom else "",
        pipe=f"/tmp/log/{job.name}.log",  # noqa: S108  said, not opened
    )


def log_name(job: Job, index: int) -> str:
    """The name of a node's log (reference, section 2.10)."""
    return f"job-{job.name.lower().replace('_', '-')}.{index}"


def data_places(config: dict[str, object], datasets: Datasets) -> list[str]:
    """Where the data lies, as `s3://…`."""
    if found := dataset_of(config):
        place = datasets.place(*found)
        if place is None:
            raise Unfit(f"the URL of dataset {found[0]} could not be resolved")
        return [place]
    sources = config.get("data_source") or ([{"data_url": config["data_url"]}] if "data_url" in config else [])
    assert isinstance(sources, list)  # noqa: S101  it was checked
    return [to_s3(source["data_url"]) for source in sources]


def work_environment(keys: Credential, endpoint: str) -> dict[str, str]:
    """What every container of this generation is told."""
    return {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "S3_ACCESS_KEY_ID": keys.access_key,
        "S3_SECRET_ACCESS_KEY": keys.secret_key,
        "S3_ENDPOINT": endpoint,
        "S3_USE_HTTPS": "0",
        "S3_VERIFY_SSL": "0",
        "DLS_LOCAL_CACHE_PATH": "/cache",
        "CACHE_HOME": "/cache",
    }


def _code(config: dict[str, str]) -> tuple[str, str]:
    """The code's place, and the boot file relative to where programs start."""
    if "app_url" not in config:
        return "", ""
    app, boot = as_directory(to_s3(config["app_url"])), to_s3(config["boot_file_url"])
    return app, f"{last_name(app)}/{boot[len(app) :]}"


def _train_url(version: Version) -> str:
    place = version.config.get("train_url")
    return f"{as_directory(to_s3(place))}{version.name}/" if place else ""


def _arguments(version: Version, data: list[str]) -> tuple[str, ...]:
    pairs = [("data_url", data[0])] if data else []
    if train := _train_url(version):
        pairs.append(("train_url", train))
    if version.machine.kind != "Ascend":
        pairs.append(("num_gpus", str(max(1, version.machine.cards))))
    pairs += [(item["label"], str(item["value"])) for item in version.config.get("parameter", ())]
    return quoted_arguments(pairs)


def _start(version: Version, boot: str, arguments: tuple[str, ...]) -> tuple[str, ...]:
    config = version.config
    if "user_image_url" in config:
        if command := config.get("user_command"):
            return ("bash", "-c", command)
        if boot:  # the image's own way to start a program
            return ("bash", f"{HOME}/run_train.sh", "python", f"{WORK}/{boot}", *arguments)
        raise Unfit("images are not pulled here, and without a user_command there is nothing to run")
    if boot:
        return ("python", boot, *arguments)
    return ("python", str(IMAGE / "built_in.py"), *arguments)


def _together(version: Version, cluster: Cluster, index: int) -> tuple[str, ...]:
    """Arguments that bring several machines together (reference, section 4.3)."""
    name = version.engine.name if version.engine else ""
    if name == "PyTorch" and version.nodes > 1:
        pairs = {"init_method": f"tcp://{cluster.hosts()[0]}", "rank": str(index), "world_size": str(version.nodes)}
        return quoted_arguments(list(pairs.items()))
    if name == "TensorFlow" and version.nodes > 1:
        return _tensorflow(cluster, "worker", index)
    return ()


def _tensorflow(cluster: Cluster, task: str, index: int) -> tuple[str, ...]:
    hosts = cluster.hosts()
    server = f"{cluster.addresses[0]}:{cluster.port + 1}"
    pairs = {"task_name": task, "task_index": str(index), "ps_hosts": server, "worker_hosts": ",".join(hosts)}
    return quoted_arguments(list(pairs.items()))


def _helpers(version: Version, cluster: Cluster, index: int, starts: tuple[str, ...]) -> tuple[Helper, ...]:
    """The parameter server, which is on the first machine and ends when the workers have."""
    several = version.engine and version.engine.name == "TensorFlow" and version.nodes > 1
    if index or not several or "user_image_url" in version.config or "app_url" not in version.config:
        return ()
    return (Helper((*starts, *_tensorflow(cluster, "ps", 0)), "[ps-0] "),)


def _place(version: Version, cluster: Cluster, index: int) -> dict[str, str]:
    told = {
        "BATCH_TASK_CURRENT_INSTANCE": str(index),
        "DLS_TASK_INDEX": str(index),
        "DLS_TASK_NUMBER": str(version.nodes),
    }
    if version.machine.kind == "Ascend":
        cards = version.machine.cards
        told |= {"RANK_TABLE_FILE": RANK_TABLE, "DEVICE_ID": "0", "RANK_ID": str(index * cards)}
        told["RANK_SIZE"] = str(version.nodes * cards)
    return told


def _custom(job: Job, version: Version, cluster: Cluster, data: list[str]) -> dict[str, str]:
    """What a custom image is told instead of arguments."""
    config, hosts = version.config, cluster.hosts()
    places = {
        "DLS_APP_URL": to_s3(config["app_url"]) if "app_url" in config else "",
        "DLS_DATA_URL": data[0] if data else "",
        "DLS_TRAIN_URL": _train_url(version),
        "DLS_UPLOAD_LOG_OBS_DIR": to_s3(config["log_url"]) if "log_url" in config else "",
        "DLS_USE_UPLOADER": "1" if "log_url" in config else "",
    }
    if len(hosts) == 1:
        places[f"BATCH_{job.name}.0_HOSTS"] = hosts[0]
    else:
        places |= {f"BATCH_CUSTOM{index}_HOSTS": host for index, host in enumerate(hosts)}
    parameters = {item["label"]: str(item["value"]) for item in config.get("parameter", ())}
    return {**{name: value for name, value in places.items() if value}, **parameters}


def _many(data: list[str]) -> dict[str, str]:
    """All places of the data, where there are more than the one argument tells of."""
    if len(data) < 2:
        return {}
    inputs = [
        {"name": "data_url", "parameter": {"label": "data_url", "value": uri}, "data_source": {"obs": {"obs_url": uri}}}
        for uri in data
    ]
    return {"MA_INPUTS": json.dumps({"inputs": inputs})}


def _log_uri(job: Job, version: Version, index: int) -> str:
    place = version.config.get("log_url")
    return f"{as_directory(to_s3(place))}{version.resource_id}-{log_name(job, index)}.log" if place else ""


def _preamble(job: Job, config: dict[str, str], app: str, boot: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    lines = {
        "user": _USER,
        "pwd": HOME if "user_image_url" in config else WORK,
        "app_url": app,
        "boot_file": boot,
        "log_url": f"/tmp/log/{job.name}.log",  # noqa: S108
        "command": argv[2] if argv[0] == "bash" and argv[1] == "-c" else shlex.join(argv[1:]),
        "dependencies_file_dir": f"{WORK}/{last_name(app)}" if app else "",
    }
    return tuple(f"{name}: {value}" for name, value in lines.items() if value)
