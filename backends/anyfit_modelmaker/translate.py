"""From a neutral spec to the platform's request bodies: pure, no network, no disk, no clock."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from anyfit.backend import Catalog, Match, Note, Offering, Plan, Request, Upload
from anyfit.catalog import choose, parse_wish
from anyfit.codec import to_data
from anyfit.errors import SpecError
from anyfit.images import find_image
from anyfit.inputs import has_to_move
from anyfit.options import structure
from anyfit.secret import markers, refuse_secrets
from anyfit.show import size_text
from anyfit.spec import Channel, JobSpec
from anyfit_modelmaker.bundle import ARCHIVE, LAUNCHER, Shipped, digest_of
from anyfit_modelmaker.catalog import MOST_NODES, find_preset
from anyfit_modelmaker.places import Places
from anyfit_modelmaker.settings import Options, Settings
from anyfit_modelmaker.wire import pairs

__all__ = ["SCHEMES", "limited", "make_plan", "options_of", "pool"]

SCHEMES = ("s3",)
_CHECKPOINTS = "anyfit-checkpoints"
_MARK = ".anyfit"
_LIMITS = {"instance_count": MOST_NODES, "volume_size": 10}
_CUSTOM = ("cpu", "memory", "gpuModel", "gpuCount")
_CUSTOM_MORE = ("requestCpu", "requestMemory", "shareGpu", "gpuz")


@frozen
class _Work:
    """Everything that the bodies are made from.

    Attributes:
        spec: The job, its inputs where the platform reads them.
        original: The job as asked.
        options: The backend's own.
        catalog, settings: What there is.
        launched: Whether anyfit's launcher runs in the container.
        main: The channel that is `dataUrl`, or "".
    """

    spec: JobSpec
    original: JobSpec
    options: Options
    catalog: Catalog
    settings: Settings
    launched: bool
    main: str


def make_plan(spec: JobSpec, catalog: Catalog, settings: Settings, shipped: Shipped) -> Plan:
    """The plan for a job on ModelMaker."""
    options = options_of(spec.options)
    _check(spec, options)
    if not spec.image:
        refuse_secrets(spec, "modelmaker", "ModelMaker has variables for images of one's own only")
    places = Places(settings.bucket, settings.folder)
    staged, uploads = _staged(spec, places)
    launched = not options.algorithm and bool(spec.entry_point or spec.code)
    work = _Work(staged, spec, options, catalog, settings, launched, _main_channel(spec))
    offering, machine, notes = _machine(work)
    job = _launcher_job(work, offering)
    asked = to_data(evolve(spec, code=None))
    digest = digest_of(shipped.launcher.digest, shipped.platform.digest, spec.code and spec.code.digest, job, asked)
    root = places.job(spec.key, digest) if launched or not spec.output_path else ""
    result = _results(spec, root)
    output, inner = _output(spec, result)
    if launched:
        job = _placed(job, work, f"{root}code/", result, inner, offering)
        uploads += shipped.for_job(f"{root}code/", spec.code, job)
        uploads += _checkpoint_mark(spec)
    body = _common(work, machine, output)
    if options.algorithm:
        body |= _preset(work)
    elif spec.image:
        body |= _custom(work, f"{root}code/" if launched else None)
    else:
        members, note = _basic(work, f"{root}code/")
        body |= members
        notes += [note] if note else []
    action = "POST /v1/train" if spec.version == 1 else "POST /v1/train/{id}/version"
    return Plan(
        spec=spec,
        backend="modelmaker",
        region=settings.region,
        offering=offering,
        uploads=uploads,
        requests=(Request(action, body),),
        notes=(*notes, *_notes(work)),
    )


def options_of(options: Mapping[str, Any]) -> Options:
    """The backend's own options, whether they stand alone or under its name."""
    mine = options.get("modelmaker", options) if isinstance(options.get("modelmaker"), dict) else options
    return structure(Options, dict(mine), "options.modelmaker")


def limited(field: str, value: int, most: int) -> int:
    """The value, refused by its field's name when the platform's limit is passed."""
    if not 1 <= value <= most:
        raise SpecError(f"{field}: {value} is not from 1 to {most}", hint="ModelMaker's own limit")
    return value


def pool(options: Options, instance_type: str) -> dict[str, Any] | None:
    """`customResource` for a personal pool whose machine is described and not named; None for any other."""
    if options.resource_pool_type == "PUBLIC_POOL":
        if options.custom_resource or options.tag_name:
            raise SpecError(
                "options.modelmaker.custom_resource: belongs to a personal pool",
                hint='set resource_pool_type to "PERSONAL_POOL"',
            )
        return None
    custom = dict(options.custom_resource)
    for name in custom:
        if name not in (*_CUSTOM, *_CUSTOM_MORE):
            raise SpecError(
                f"options.modelmaker.custom_resource.{name}: unknown",
                hint=f"known: {', '.join(_CUSTOM + _CUSTOM_MORE)}",
            )
    if not custom and re.search("[:=]", instance_type):
        custom = _wished(instance_type)
    missing = [name for name in _CUSTOM if name not in custom]
    if custom and missing:
        raise SpecError(f"options.modelmaker.custom_resource: {', '.join(missing)} missing", hint="give all four")
    return custom or None


def _wished(instance_type: str) -> dict[str, Any]:
    """The four limits of a personal pool from a neutral wish."""
    wish = parse_wish(instance_type)
    if wish.cpus is None or wish.memory_gib is None:
        raise SpecError(
            f"instance_type: {instance_type!r} says too little for a personal pool",
            hint='write for instance "cpu=2 mem=4GB gpu=K80:1"',
        )
    count = int(wish.gpu_count.value) if wish.gpu_count else 0
    model = wish.gpu_model or None
    return {"cpu": wish.cpus.value, "memory": wish.memory_gib.value, "gpuModel": model, "gpuCount": count}


# ------------------------------------------------------------------------------------------ what cannot be


def _check(spec: JobSpec, options: Options) -> None:
    if options.algorithm:
        _check_preset(spec)
    elif not spec.image and not spec.entry_point and not (spec.command and spec.code):
        raise SpecError("entry_point: there is nothing to run", hint="name a script, an image or a preset algorithm")
    if spec.entry_point and spec.code is None:
        raise SpecError(f"entry_point: {spec.entry_point} has no code to lie in", hint="name its source_dir")
    limited("instance_count", spec.instance_count, _LIMITS["instance_count"])
    limited("volume_size", spec.volume_size or 1, _LIMITS["volume_size"])
    if len(spec.description) > 128:
        raise SpecError(f"description: {len(spec.description)} characters are too many", hint="128 at most")
    if spec.max_run < 1:
        raise SpecError(f"max_run: {spec.max_run} s is too short", hint="it is 1 or more")
    for field in ("output_path", "checkpoint_path"):
        _check_s3(field, getattr(spec, field))
    _check_s3("options.modelmaker.init_model", options.init_model)
    for name, uri in options.input_files.items():
        _check_s3(f"options.modelmaker.input_files.{name}", uri)
        if name in spec.inputs or name in ("data", _CHECKPOINTS):
            raise SpecError(f"options.modelmaker.input_files.{name}: the name is taken", hint="choose another name")
    if spec.checkpoint_path and not (spec.entry_point or spec.code):
        raise SpecError("checkpoint_path: only anyfit's launcher brings checkpoints back", hint="give an entry_point")


def _check_preset(spec: JobSpec) -> None:
    for field, value in (("image_uri", spec.image), ("command", spec.command), ("entry_point", spec.entry_point)):
        if value:
            raise SpecError(f"{field}: a preset algorithm brings its own code", hint=f"leave {field} out")
    if len(spec.inputs) != 1:
        raise SpecError(
            f"inputs: a preset algorithm takes one input, not {len(spec.inputs)}", hint="put all data into one folder"
        )
    if spec.checkpoint_path:
        raise SpecError("checkpoint_path: a preset algorithm has none", hint="see options.modelmaker.init_model")


def _check_s3(field: str, uri: str) -> None:
    if uri and not uri.startswith("s3://"):
        raise SpecError(f"{field}: {uri} is not in ModelMaker's own store", hint="it begins with s3://")


# ------------------------------------------------------------------------------------------ the parts


def _common(work: _Work, machine: dict[str, Any], output: str) -> dict[str, Any]:
    spec = work.spec
    return {
        "name": spec.name,
        **machine,
        "instance": spec.instance_count,
        "volumeSize": spec.volume_size or 1,
        "maxRuntime": spec.max_run,
        "description": spec.description or None,
        "output": output,
    }


def _basic(work: _Work, code_uri: str) -> tuple[dict[str, Any], Note | None]:
    spec = work.spec
    wanted = (spec.framework, spec.framework_version, spec.py_version)
    default = work.settings.default_framework
    image, note = find_image(wanted, work.catalog.frameworks, task="train", default=default)
    data = spec.inputs[work.main].uri if work.main else code_uri  # the platform insists on some data
    return {
        "type": "BASIC_FRAMEWORK",
        "frameworkId": int(image.native),
        "codeUrl": code_uri,
        "codeVersion": work.options.code_version or None,
        "gitInfo": None,
        "startup": LAUNCHER,
        "startupType": work.options.boot_type or "NORMAL",
        "parameters": _parameters(spec),
        "inputFiles": _input_files(work),
        "dataUrl": data,
        "monitors": _monitors(spec),
    }, note


def _custom(work: _Work, code_uri: str | None) -> dict[str, Any]:
    spec = work.spec
    command, args = _command(work)
    return {
        "type": "CUSTOM",
        "mirrorUrl": spec.image,
        "codeUrl": code_uri,
        "codeVersion": work.options.code_version or None,
        "gitInfo": None,
        "envs": pairs({**_variables(work), **markers(spec.secrets)}) or None,
        "command": command,
        "args": args or None,
        "inputFiles": _input_files(work),
        "dataUrl": spec.inputs[work.main].uri if work.main else None,
        "monitors": _monitors(spec),
    }


def _preset(work: _Work) -> dict[str, Any]:
    algorithm = find_preset(work.options.algorithm, work.catalog.algorithms, "options.modelmaker.algorithm")
    model = work.options.init_model or None
    return {
        "type": "PRESET_ALGORITHM",
        "algorithmId": int(algorithm.native),
        "parameters": _parameters(work.spec),
        "modeUrl": model,  # as the vendor's SDK spells it
        "modelUrl": model,  # as the vendor's schema does
        "dataUrl": work.spec.inputs[work.main].uri,
    }


def _command(work: _Work) -> tuple[str | None, str]:
    """What the container starts; None leaves it to the image."""
    if work.launched:
        return work.settings.python, f"-u /opt/ai/src/{LAUNCHER}"
    spec = work.spec
    if not spec.command:
        return None, shlex.join(spec.arguments)
    return spec.command[0], shlex.join([*spec.command[1:], *spec.arguments])


def _variables(work: _Work) -> dict[str, str]:
    """A command of the user's own gets its hyperparameters as a variable; the launcher sees to it by itself."""
    spec = work.spec
    if work.launched or not spec.hyperparameters:
        return dict(spec.environment)
    return {"ANYFIT_HPS": json.dumps(dict(spec.hyperparameters), sort_keys=True), **spec.environment}


def _parameters(spec: JobSpec) -> list[dict[str, str]]:
    return pairs({name: _text(value) for name, value in spec.hyperparameters.items()})


def _text(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list, tuple)) else str(value)


def _monitors(spec: JobSpec) -> list[dict[str, str]] | None:
    found = [{"name": name, "regular": _loose(text), "sample": ""} for name, text in spec.metric_definitions.items()]
    return found or None


def _loose(pattern: str) -> str:
    """The expression so that it fits whether the platform searches in a line or matches the whole of it."""
    return pattern if pattern.startswith((".*", "^", "(?")) else f".*?(?:{pattern}).*"


def _machine(work: _Work) -> tuple[Offering, dict[str, Any], list[Note]]:
    spec, options = work.spec, work.options
    custom = pool(options, spec.instance_type)
    members: dict[str, Any] = {"resourcePoolType": options.resource_pool_type, "customResource": custom}
    if options.tag_name:
        members["tagName"] = options.tag_name
    if custom:
        note = Note("instance_type", Match.NEAR, "a part of the personal pool's machines; the pool decides which")
        return _personal(custom), {**members, "resourceId": None}, [note]
    offering = choose(spec.instance_type, work.catalog.offerings, spec.instance_count)
    return offering, {**members, "resourceId": int(offering.spec_id)}, []


def _personal(custom: Mapping[str, Any]) -> Offering:
    return Offering(
        spec_id="personal",
        cpus=float(custom["cpu"] or 0),
        memory_gib=float(custom["memory"] or 0),
        gpu_model=str(custom["gpuModel"] or ""),
        gpu_count=int(custom["gpuCount"] or 0),
        max_nodes=MOST_NODES,
    )


# ------------------------------------------------------------------------------------------ inputs


def _main_channel(spec: JobSpec) -> str:
    """The channel that is the platform's data directory; the others are input files."""
    preferred = [name for name in ("data", "training", "train") if name in spec.inputs]
    return next(iter([*preferred, *sorted(spec.inputs)]), "")


def _staged(spec: JobSpec, places: Places) -> tuple[JobSpec, tuple[Upload, ...]]:
    """The spec with every input in the platform's store, and what has to be moved for that."""
    uploads, channels = [], {}
    for name, channel in spec.inputs.items():
        channels[name] = channel
        if has_to_move(channel, SCHEMES):
            target = places.input(channel.digest) if channel.digest else places.job_input(spec.key, name)
            uploads.append(Upload(target=target, source=channel.uri, size=channel.size, kind="input"))
            channels[name] = evolve(channel, uri=target)
    return evolve(spec, inputs=channels), tuple(uploads)


def _input_files(work: _Work) -> list[dict[str, str]] | None:
    spec = work.spec
    files = {name: channel.uri for name, channel in spec.inputs.items() if name != work.main}
    files |= work.options.input_files
    if spec.checkpoint_path:
        files[_CHECKPOINTS] = _folder(spec.checkpoint_path)
    return [{"name": name, "path": uri} for name, uri in files.items()] or None


def _checkpoint_mark(spec: JobSpec) -> tuple[Upload, ...]:
    """The platform refuses an input folder that is empty, as that of the first checkpoints is."""
    if not spec.checkpoint_path:
        return ()
    return (Upload(target=_folder(spec.checkpoint_path) + _MARK, content=b"checkpoints\n", kind="job"),)


# ------------------------------------------------------------------------------------------ outputs


def _folder(uri: str) -> str:
    return uri if uri.endswith("/") else f"{uri}/"


def _results(spec: JobSpec, root: str) -> str:
    """The folder of what the job leaves."""
    return f"{_folder(spec.output_path)}{spec.key}/" if spec.output_path else f"{root}output/"


def _output(spec: JobSpec, results: str) -> tuple[str, dict[str, str]]:
    """What the platform copies to, and where below it results and checkpoints lie.

    The platform copies one tree to one place. So that checkpoints come to theirs, that place is the nearest folder
    which holds both.
    """
    if not spec.checkpoint_path:
        return results, {"results": ""}
    checkpoints = _folder(spec.checkpoint_path)
    ours, theirs = results.split("/"), checkpoints.split("/")
    if ours[2] != theirs[2]:
        raise SpecError(
            f"checkpoint_path: {checkpoints} and the output {results} are not in one bucket",
            hint="ModelMaker writes to one place only",
        )
    shared = 0
    while shared < min(len(ours), len(theirs)) - 1 and ours[shared] == theirs[shared]:
        shared += 1
    inner = {"results": "/".join(ours[shared:]), "checkpoints": "/".join(theirs[shared:])}
    return "/".join(ours[:shared]) + "/", inner


def _launcher_job(work: _Work, offering: Offering) -> dict[str, Any]:
    spec, options = work.spec, work.options
    installs = (
        work.settings.install_requirements if options.install_requirements is None else options.install_requirements
    )
    return {
        "format": 1,
        "job_name": spec.key,
        "backend": "modelmaker",
        "region": work.settings.region,
        "entry_point": spec.entry_point or None,
        "command": list(spec.command),
        "hyperparameters": dict(spec.hyperparameters),
        "arguments": list(spec.arguments),
        "environment": dict(spec.environment),
        "channels": {name: {"uri": channel.uri} for name, channel in spec.inputs.items()},
        "convention": spec.convention,
        "distribution": spec.distribution,
        "instance_type": offering.spec_id,
        "instance_count": spec.instance_count,
        "checkpoint_uri": spec.checkpoint_path,
        "install_requirements": installs and bool(spec.code and spec.code.requirements),
        "code_archive": ARCHIVE if spec.code else "",
        "python_paths": [],
    }


def _placed(
    job: dict[str, Any], work: _Work, code_uri: str, results: str, inner: dict[str, str], offering: Offering
) -> dict[str, Any]:
    """The launcher's job with its places, and the whole spec for machines that never saw it."""
    spec, archive = work.spec, code_uri + ARCHIVE
    code = spec.code and evolve(spec.code, archive=archive)
    places: dict[str, Any] = {
        **inner,
        "num_gpus": offering.gpu_count,
        "inputs": {work.main: "data"} if work.main else {},
    }
    if spec.checkpoint_path:
        places["checkpoint_input"] = _CHECKPOINTS
    kept = evolve(spec, code=code, inputs={name: Channel(uri=c.uri) for name, c in spec.inputs.items()})
    return {
        **job,
        "output_uri": results,
        "code_uri": archive if code else "",
        "places": places,
        "spec": to_data(kept),
    }


# ------------------------------------------------------------------------------------------ notes


def _notes(work: _Work) -> Iterator[Note]:
    spec, original = work.spec, work.original
    for name, channel in original.inputs.items():
        if channel.uri != spec.inputs[name].uri:
            size = "" if channel.size is None else f" {channel.files} files, {size_text(channel.size)}:"
            yield Note(f"inputs.{name}", Match.NEAR, f"copied first:{size} to {spec.inputs[name].uri}")
    if spec.tags:
        yield Note("tags", Match.NONE, "jobs of ModelMaker have no tags")
    if spec.max_wait is not None:
        yield Note("max_wait", Match.NONE, "a job waits for its machine as long as it takes")
    if spec.environment and work.launched and not spec.image:
        yield Note("environment", Match.NEAR, "set by anyfit's launcher, for frameworks have no variables here")
    if work.options.algorithm and (spec.environment or spec.arguments or spec.metric_definitions):
        yield Note("options.modelmaker.algorithm", Match.NONE, "environment, arguments and metric_definitions are left")
    if spec.image and not work.launched:
        if spec.hyperparameters:
            yield Note("hyperparameters", Match.NEAR, "in the variable ANYFIT_HPS, for the command is your own")
        if spec.inputs:
            where = [f"{n} in /opt/ai/input/{'data' if n == work.main else n}" for n in spec.inputs]
            yield Note("inputs", Match.EXACT, "; ".join(where))
    if any(re.compile(text).groups > 1 for text in spec.metric_definitions.values()):
        yield Note("metric_definitions", Match.NEAR, "ModelMaker takes a second group for the step")
    if spec.checkpoint_path:
        yield Note("checkpoint_path", Match.NEAR, "brought at the start as an input, written when the job ends")
