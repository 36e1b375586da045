"""From a neutral spec to CreateTrainingJob of 2019-10-22, in the form in which the vendor's SDK sends it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve

from anyfit.backend import Match, Note, Offering, Plan, Request, Upload
from anyfit.catalog import choose
from anyfit.cloud.planning import checkpoint_mark, copied_first
from anyfit.errors import SpecError
from anyfit.secret import markers
from anyfit.storage import Uri
from anyfit_ti.bundle import ARCHIVE, LAUNCHER, SOURCE
from anyfit_ti.catalog import find_2019, offering_of
from anyfit_ti.places import folder
from anyfit_ti.translate.work import (
    CHECKPOINTS,
    CODE,
    Work,
    cost,
    home_of,
    job_file,
    of_no_use,
    refuse_of_other,
)
from anyfit_ti.wire import Machine

__all__ = ["plan_2019"]

_DAY = 86400
_WISHES = {"mode": "InputMode", "content_type": "ContentType"}
_NAME = re.compile(r"(?:TI|ML)(?:\.\w+){2,}")
_MOST_FILE_SYSTEMS = 2
_SERVERS = ("tensorflow", "mxnet")  # whose images know parameter servers
_MPI = ("tensorflow", "pytorch")  # and MPI
_ONLY_2021 = ("cos_mode", "supply", "rdma", "training_mode", "log_set", "callback_url", "hang_minutes")


def plan_2019(work: Work, uploads: tuple[Upload, ...]) -> Plan:
    """The plan of a training job."""
    spec, options = work.spec, work.options
    _check(work)
    offering, unlisted = _machine(work)
    family, algorithm, notes = _algorithm(work)
    home = home_of(work, offering, "2019") if work.launched else ""
    base = folder(spec.output_path) if spec.output_path else f"{work.places.root}jobs/"
    results = f"{base}{spec.key}/output/"
    source = f"{home}source/{SOURCE}"
    body: dict[str, Any] = {
        "TrainingJobName": spec.key,
        "AlgorithmSpecification": {**algorithm, "TrainingInputMode": options.input_mode},
        "OutputDataConfig": _output(work, base),
        "ResourceConfig": {
            "InstanceCount": spec.instance_count,
            "InstanceType": offering.spec_id,
            "VolumeSizeInGB": spec.volume_size or 0,
        },
        "InputDataConfig": _inputs(work, home),
        "StoppingCondition": _limits(work),
        "RoleName": options.role or work.settings.role,
        "RetryWhenResourceInsufficient": "Enabled" if _waits(work) else "Disabled",
        "HyperParameters": _encoded({**spec.hyperparameters, **_reserved(work, family, source)}),
    }
    if options.subnet:
        groups = {"SecurityGroupIds": list(options.security_groups)} if options.security_groups else {}
        body["VpcConfig"] = {"SubnetId": options.subnet, **groups}
    variables = {**spec.environment, **markers(spec.secrets)}
    if variables:
        body["EnvConfig"] = [{"Name": name, "Value": value} for name, value in variables.items()]
    if work.launched:
        job = job_file(work, offering, output=results, code=f"{home}code/", places=_places(work, family))
        uploads += work.shipped.for_job(f"{home}source/", f"{home}code/", spec.code, job)
        uploads += checkpoint_mark(spec)
    return Plan(
        spec=work.original,
        backend="ti",
        region=work.settings.region,
        offering=offering,
        uploads=uploads,
        requests=(Request("CreateTrainingJob", body | dict(options.more)),),
        notes=(*unlisted, *notes, *copied_first(work.original, spec), *_notes(work, family)),
        **cost(offering, spec.instance_count),
    )


# ------------------------------------------------------------------------------------------ what cannot be


def _check(work: Work) -> None:
    spec, options = work.spec, work.options
    if spec.command and not work.launched:
        raise SpecError(
            "command: a job of 2019 starts what its image starts by itself",
            hint='give source_dir too, or set options.ti.api to "2021"',
        )
    if options.algorithm and (spec.image or spec.framework or spec.entry_point):
        raise SpecError(
            "options.ti.algorithm: it brings its own code and image", hint="leave entry_point and image out"
        )
    if any(name.startswith("ti_") for name in spec.hyperparameters) and work.launched:
        wrong = next(name for name in spec.hyperparameters if name.startswith("ti_"))
        raise SpecError(f"hyperparameters.{wrong}: names that begin with ti_ are the platform's", hint="rename it")
    for name, wishes in options.channels.items():
        if name not in spec.inputs:
            raise SpecError(f"options.ti.channels.{name}: there is no such input", hint="name one of inputs")
        for wish in wishes:
            if wish not in (*_WISHES, "distribution"):
                hint = f"known: {', '.join(_WISHES)}, distribution"
                raise SpecError(f"options.ti.channels.{name}.{wish}: unknown", hint=hint)
    refuse_of_other(options, "2021", ("resource_group", "charge", "sources"))
    if options.vpc and not options.subnet:
        raise SpecError(
            "options.ti.vpc: a job of 2019 is in a private network by its subnet, and would run outside without one",
            hint='set options.ti.subnet too, or options.ti.api to "2021"',
        )
    if len(options.cfs) + bool(options.cfs_output) > _MOST_FILE_SYSTEMS:
        raise SpecError("options.ti.cfs: too many file systems", hint=f"TI takes {_MOST_FILE_SYSTEMS} for a job")
    if (options.cfs or options.cfs_output) and not options.subnet:
        raise SpecError("options.ti.subnet: a CFS is reached through one", hint="name that of the file system")


# ------------------------------------------------------------------------------------------ the parts


def _machine(work: Work) -> tuple[Offering, tuple[Note, ...]]:
    """A machine of the documents' list, or one whose name says how large it is: nobody can be asked for a list."""
    wanted = work.spec.instance_type
    listed = {offer.spec_id for offer in work.catalog.offerings}
    if _NAME.fullmatch(wanted) and wanted not in listed:
        offering = offering_of(Machine(wanted, "", "", True))
        if offering.cpus and offering.memory_gib:
            note = Note("instance_type", Match.NEAR, f"{wanted} is in no document's list; the platform may refuse it")
            return evolve(offering, tasks=("train",)), (note,)
    return choose(wanted, work.catalog.offerings, work.spec.instance_count), ()


def _algorithm(work: Work) -> tuple[str, dict[str, Any], tuple[Note, ...]]:
    """The framework, "" where there is none; what the platform is to run; and notes on it."""
    spec = work.spec
    if work.options.algorithm:
        return "", {"AlgorithmName": work.options.algorithm}, ()
    if spec.image:
        text = "the image has to have the vendor's launcher: the program `train` of its package ti_containers"
        note = Note("image_uri", Match.NEAR, text)
        return spec.framework.lower(), {"TrainingImageName": spec.image}, (note,) if work.launched else ()
    wanted = (spec.framework, spec.framework_version, spec.py_version)
    family, image, found = find_2019(wanted, work.catalog.frameworks, work.settings.default_framework)
    return family, {"TrainingImageName": image}, found


def _output(work: Work, base: str) -> dict[str, Any]:
    cfs = work.options.cfs_output
    if cfs:
        return {"FileSystemDataSource": _file_system({"mode": "rw", **cfs})}
    place = Uri.parse(base)
    return {"CosOutputBucket": place.bucket, "CosOutputKeyPrefix": place.key}


def _inputs(work: Work, home: str) -> list[dict[str, Any]]:
    spec = work.spec
    wishes = work.options.channels
    found = [_cos(name, channel.uri, wishes.get(name, {})) for name, channel in spec.inputs.items()]
    found += [
        {"ChannelName": name, "DataSource": {"FileSystemDataSource": _file_system(wanted)}}
        for name, wanted in work.options.cfs.items()
    ]
    if spec.checkpoint_path:
        found.append(_cos(CHECKPOINTS, folder(spec.checkpoint_path)))
    if work.launched and spec.code:
        found.append(_cos(CODE, f"{home}code/"))
    return found


def _cos(name: str, uri: str, wishes: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    place = Uri.parse(uri)
    source = {
        "Bucket": place.bucket,
        "KeyPrefix": place.key,
        "DataDistributionType": wishes.get("distribution", "FullyReplicated"),
        "DataType": "COSPrefix",
    }
    more = {theirs: wishes[ours] for ours, theirs in _WISHES.items() if ours in wishes}
    return {"ChannelName": name, "DataSource": {"CosDataSource": source}, **more}


def _file_system(wanted: Mapping[str, str]) -> dict[str, str]:
    return {
        "DirectoryPath": wanted.get("path", "/"),
        "FileSystemType": wanted.get("type", "cfs"),
        "FileSystemAccessMode": wanted.get("mode", "ro"),
        "FileSystemId": wanted.get("id", ""),
    }


def _limits(work: Work) -> dict[str, int]:
    """The platform's waiting time holds the running time too, and has to be longer."""
    spec = work.spec
    wait = spec.max_run + max(spec.max_wait, 1) if spec.max_wait is not None else max(2 * _DAY, spec.max_run + _DAY)
    return {"MaxRuntimeInSeconds": spec.max_run, "MaxWaitTimeInSeconds": wait}


def _waits(work: Work) -> bool:
    wanted = work.options.retry_when_short
    return work.spec.max_wait is not None if wanted is None else wanted


def _encoded(hyperparameters: Mapping[str, Any]) -> str:
    """As the vendor's SDK does it: a JSON object of texts that are JSON themselves."""
    return json.dumps({str(name): json.dumps(value) for name, value in hyperparameters.items()})


def _reserved(work: Work, family: str, source: str) -> dict[str, Any]:
    """The keys that are the platform's own."""
    spec, options = work.spec, work.options
    reserved: dict[str, Any] = {"ti_enable_cls_log": options.cls_log}
    if work.launched:
        reserved |= {
            "ti_submit_directory": source,
            "ti_program": LAUNCHER,
            "ti_container_log_level": options.log_level,
            "ti_job_name": spec.key,
            "ti_region": work.settings.region,
        }
    if _platform_servers(work, family):
        reserved["ti_parameter_server_enabled"] = True
    if _platform_mpi(work, family):
        reserved["ti_mpi_enabled"] = True
        if options.processes_per_host:
            reserved["ti_mpi_num_of_processes_per_host"] = options.processes_per_host
        reserved["ti_mpi_custom_mpi_options"] = options.mpi_options
    return reserved


def _platform_servers(work: Work, family: str) -> bool:
    """Whether the image starts parameter servers; on one node there are none, and the launcher's own will do."""
    several = work.spec.instance_count > 1
    return work.spec.distribution == "parameter-server" and family in _SERVERS and several


def _platform_mpi(work: Work, family: str) -> bool:
    return work.spec.distribution == "mpi" and family in _MPI


def _places(work: Work, family: str) -> dict[str, Any]:
    """What the conventions in the container have to know beside what the platform tells there."""
    by_platform = _platform_servers(work, family) or _platform_mpi(work, family)
    places: dict[str, Any] = {"generation": "2019", "by_platform": by_platform}
    if work.spec.checkpoint_path:
        places["checkpoints"] = "copied"
    if work.spec.code:
        places["code"] = f"input/data/{CODE}/{ARCHIVE}"
    return places


# ------------------------------------------------------------------------------------------ notes


def _notes(work: Work, family: str) -> Iterator[Note]:
    spec, options = work.spec, work.options
    if spec.tags:
        yield Note("tags", Match.NONE, "jobs of 2019 have no tags")
    if spec.description:
        yield Note("description", Match.NEAR, "kept beside the code; the platform has no place for it")
    if spec.distribution == "mpi" and family not in _MPI:
        yield Note("distribution", Match.NEAR, "by anyfit's launcher; the image needs Open MPI and ssh between nodes")
    if spec.distribution == "parameter-server" and _platform_servers(work, family):
        yield Note("distribution", Match.EXACT, "the platform's own: the first node serves, all work")
    if spec.checkpoint_path:
        yield Note(
            "checkpoint_path",
            Match.NEAR,
            "they come to the results while the job runs, and are brought there before the next job of this path",
        )
    if options.cfs_output:
        yield Note("output_path", Match.NEAR, "results are on the file system, where anyfit cannot list them")
    if not work.launched and spec.hyperparameters:
        yield Note("hyperparameters", Match.NEAR, "in /opt/ml/input/config/hyperparameters.json, for the image to read")
    if options.input_mode == "Pipe":
        yield Note("options.ti.input_mode", Match.NEAR, "no document tells how a pipe is read")
    if options.vpc:
        yield Note("options.ti.vpc", Match.EXACT, "told by the subnet")
    yield from of_no_use(options, "2021", _ONLY_2021)
