"""What the bodies of both generations are made from: the spec where the platform can read it, and what it chose."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from anyfit.backend import Catalog, Framework, Offering
from anyfit.catalog import parse_wish
from anyfit.cloud import planning
from anyfit.errors import SpecError
from anyfit.keys import key_parts
from anyfit.spec import JobSpec
from anyfit_modelarts.catalog import find_machine
from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.wire import Input

__all__ = [
    "CHECKPOINTS",
    "RESUME",
    "SCHEMES",
    "Work",
    "checked",
    "machine_of",
    "name_of",
    "options_of",
]

SCHEMES = ("obs",)
RESUME, CHECKPOINTS = "anyfit_resume", "anyfit_checkpoints"
"""The input and the output channel of checkpoints in the second generation."""

_TOLD = {"data_url", "train_url", RESUME, CHECKPOINTS, "init_method", "rank", "task_index", "worker_hosts"}
"""Arguments by which the platform tells anyfit's launcher where it is; no hyperparameter may be taken for one."""

_DEFAULT, _MAIN = "training", "data_url"
_V2_ONLY = (
    "subscription_id",
    "priority",
    "preemptible",
    "annotations",
    "experiment",
    "local_code_dir",
    "working_dir",
)


@frozen(kw_only=True)
class Work:
    """Everything that the bodies are made from.

    Attributes:
        spec: The job, its inputs where the platform reads them.
        original: The job as asked.
        options, settings, catalog: What there is.
        api: The generation.
        launched: Whether anyfit's launcher runs in the container.
        machine: What it runs on.
        engine: The platform's image, or None where the image is the user's own or the algorithm's.
        code: The folder in OBS of launcher and code, where they are needed.
        output: The folder in OBS that results come to.
    """

    spec: JobSpec
    original: JobSpec
    options: Options
    settings: Settings
    catalog: Catalog
    api: str
    launched: bool
    machine: Offering
    engine: Framework | None = None
    code: str = ""
    output: str = ""

    @property
    def channels(self) -> dict[str, Input]:
        """The inputs by the names that the user gave them.

        The platform gets the same names, but for anyfit's own one, which stands for what scripts here call `data_url`.
        """
        found = {name: Input(name, channel.uri) for name, channel in self.spec.inputs.items()}
        for name, dataset in datasets(self.options).items():
            found[name] = Input(name, "", dataset["dataset_id"], dataset["dataset_version_id"])
        if _DEFAULT in found and _MAIN not in found:
            found[_DEFAULT] = evolve(found[_DEFAULT], name=_MAIN)
        return found

    @property
    def inputs(self) -> list[Input]:
        """The inputs by the names that the platform gets, `data_url` first."""
        return sorted(self.channels.values(), key=lambda each: each.name != _MAIN)

    @property
    def workspace(self) -> str:
        """Where the job belongs, or ""."""
        return self.options.workspace or self.settings.workspace

    @property
    def parameters(self) -> dict[str, str]:
        """Hyperparameters as the platform keeps them; with the launcher they are for people alone."""
        taken = {each.name for each in self.inputs} | _TOLD if self.launched else set()
        return {name: _plain(value) for name, value in self.spec.hyperparameters.items() if name not in taken}


def options_of(options: Mapping[str, Any]) -> Options:
    """The backend's own options, whether they stand alone or under its name."""
    return planning.options_of(Options, "modelarts", options)


def name_of(key: str) -> str:
    """The second generation's name for a job: its jobs have no versions, and names no dots."""
    name, version = key_parts(key)
    return key if name == key else f"{name}-v{version}"


def datasets(options: Options) -> dict[str, Mapping[str, str]]:
    """The datasets by channel."""
    found = dict(options.datasets)
    if options.dataset_id:
        one = {"dataset_id": options.dataset_id, "dataset_version_id": options.dataset_version_id}
        found[options.dataset_channel] = one
    return found


def _plain(value: Any) -> str:
    """A hyperparameter as text."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list, tuple)) else str(value)


def machine_of(spec: JobSpec, options: Options, catalog: Catalog, api: str) -> Offering:
    """The machine that was asked for; a dedicated pool has flavors that no list tells, and limits of its own."""
    if not options.pool_id:
        return find_machine(spec.instance_type, catalog, spec.instance_count, api)
    if api == "v1" and spec.instance_type:
        raise SpecError(
            "instance_type: in the first generation a dedicated pool decides", hint="leave instance_type out"
        )
    if ":" not in spec.instance_type and "=" not in spec.instance_type:
        return Offering(spec_id=spec.instance_type, cpus=0, memory_gib=0)
    wish = parse_wish(spec.instance_type)
    if wish.cpus is None or wish.memory_gib is None:
        raise SpecError(
            f"instance_type: {spec.instance_type!r} says too little for a dedicated pool",
            hint='write for instance "cpu=2 mem=4GB gpu:1", a flavor of the pool, or nothing',
        )
    return Offering(
        spec_id="",
        cpus=wish.cpus.value,
        memory_gib=wish.memory_gib.value,
        gpu_model=wish.gpu_model,
        gpu_count=int(wish.gpu_count.value) if wish.gpu_count else 0,
    )


# ------------------------------------------------------------------------------------------ what cannot be


def checked(spec: JobSpec, options: Options, api: str) -> None:
    """Refuse what the platform would refuse, naming the field."""
    for refusal in (*_contradictions(spec, options), *_impossible(spec, options, api)):
        raise refusal


def _contradictions(spec: JobSpec, options: Options) -> Iterator[SpecError]:
    algorithm = options.algorithm_id or options.subscription_id
    ready = [name for name, given in (("algorithm_id", algorithm), ("code_dir", options.code_dir)) if given]
    if len(ready) > 1:
        yield SpecError("options.modelarts.code_dir: an algorithm brings its own code", hint="give one of the two")
    for name in ready[:1]:
        for field, value in (("entry_point", spec.entry_point), ("source_dir", spec.code)):
            if value:
                hint = f"leave {field} out, or options.modelarts.{name}"
                yield SpecError(f"{field}: options.modelarts.{name} brings its own code", hint=hint)
    if options.code_dir and not (options.boot_file or spec.command):
        yield SpecError("options.modelarts.boot_file: missing", hint="name the script in code_dir")
    if algorithm and spec.image:
        yield SpecError("image_uri: an algorithm brings its own image", hint="leave image_uri out")
    if not (ready or spec.image or spec.entry_point or (spec.command and spec.code)):
        yield SpecError("entry_point: there is nothing to run", hint="name a script, an image or an algorithm")
    if spec.entry_point and spec.code is None:
        yield SpecError(f"entry_point: {spec.entry_point} has no code to lie in", hint="name its source_dir")
    if spec.command and not spec.image and not spec.code:
        yield SpecError("command: it needs an image of your own", hint="give image_uri, or the code that it runs")
    if spec.checkpoint_path and not spec.code:
        yield SpecError("checkpoint_path: only anyfit's launcher brings checkpoints back", hint="give an entry_point")
    for name in datasets(options):
        if name in spec.inputs:
            yield SpecError(f"inputs.{name}: there is a dataset of this name", hint="give the dataset another channel")


def _impossible(spec: JobSpec, options: Options, api: str) -> Iterator[SpecError]:
    if len(spec.description) > 256:
        yield SpecError(f"description: {len(spec.description)} characters are too many", hint="256 at most")
    if spec.max_run < 1:
        yield SpecError(f"max_run: {spec.max_run} s is too short", hint="it is 1 or more")
    for field, value in (("output_path", spec.output_path), ("checkpoint_path", spec.checkpoint_path)):
        if value and not value.startswith("obs://"):
            yield SpecError(f"{field}: {value} is not in OBS", hint="it begins with obs://")
    for name in ("code_dir", "log_path"):
        value = getattr(options, name)
        if value and not value.startswith(("obs://", "/", "file://")):
            yield SpecError(f"options.modelarts.{name}: {value} is not in OBS", hint="write obs://bucket/folder/")
    if api == "v1":
        for name in _V2_ONLY:
            if getattr(options, name) not in ("", None, {}):
                yield SpecError(f"options.modelarts.{name}: the first generation has no such thing", hint='api = "v2"')
    elif len(name_of(spec.key)) > 64:
        yield SpecError(
            f"job_name: {name_of(spec.key)} is too long for a further version", hint="64 characters at most"
        )
    elif options.pre_version_id:
        yield SpecError("options.modelarts.pre_version_id: jobs of v2 have no versions", hint='api = "v1"')
