"""What a user means, as frozen values without a vendor's word in them.

Their tables are their own: whoever has made one may go on changing what it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import Factory, field, fields, frozen

from anyfit.keys import job_key

__all__ = ["Channel", "Code", "EndpointSpec", "JobSpec", "ModelSpec", "Variant"]

DEFAULT_CHANNEL = "training"


def _copy_tables(value: Any) -> None:
    for each in fields(type(value)):
        if isinstance(table := getattr(value, each.name), Mapping):
            object.__setattr__(value, each.name, _copied(table))


def _copied(value: Any) -> Any:
    """A copy of JSON values; what else is among them is frozen itself."""
    if isinstance(value, Mapping):
        return {key: _copied(each) for key, each in value.items()}
    return type(value)(map(_copied, value)) if type(value) in (list, tuple) else value


@frozen(kw_only=True)
class Code:
    """The user's code, packed: its digest is its name everywhere.

    Attributes:
        digest: SHA-256 of the archive, in hex.
        archive: The packed file on this machine.
        size: Bytes of the archive.
        files: How many files it holds.
        largest: The three largest files as (path, bytes), before compression.
        source: What was packed, as the user wrote it.
        requirements: Whether it lists packages to install, in a requirements.txt at its root.
    """

    digest: str
    archive: str
    size: int
    files: int
    largest: tuple[tuple[str, int], ...] = ()
    source: str = ""
    requirements: bool = False


@frozen(kw_only=True)
class Channel:
    """One input of a job.

    Attributes:
        uri: Where the data is; a `file://` URI when it lies on this machine.
        size: Bytes, when known.
        files: Number of files, when known.
        digest: Content digest of local data that has to be staged, when known.
    """

    uri: str
    size: int | None = None
    files: int | None = None
    digest: str = ""

    @property
    def local(self) -> bool:
        """Whether the data lies on this machine's disk."""
        return self.uri.startswith("file://")


@frozen(kw_only=True)
class JobSpec:
    """A training job as its user means it; nothing in it depends on where it will run.

    Attributes:
        name: The job's name, unique per backend.
        version: Which run of that name, 1 unless the job is a new version of an older one.
        entry_point: The script, relative to the root of the code.
        command: What to start instead of a script, for images of one's own.
        arguments: Appended to the script's command line as they are.
        code: The packed code, if any.
        image: Container image, instead of a framework.
        framework, framework_version, py_version: The platform's own image to use.
        hyperparameters: JSON values by name.
        environment: Further environment variables.
        secrets: Variables whose values are secrets: where each is, see `anyfit.secret`.
        inputs: Channels by name.
        instance_type: What the user asked for: a spec ID or a wish such as "A100:8".
        instance_count: Nodes.
        volume_size: Extra disk per node in GiB, or None for the platform's default.
        distribution: "none", "torch", "mpi" or "parameter-server".
        output_path: Where model and outputs go; "" for the backend's own place.
        checkpoint_path: Where checkpoints go and come from; "" for none.
        max_run: Seconds the job may run.
        max_wait: Seconds it may wait for resources, or None.
        tags, description: For people.
        metric_definitions: Regular expression by metric name; the first group is the value.
        convention: How hyperparameters become arguments: "sagemaker", "ti" or "modelarts".
        options: The chosen backend's own options.
    """

    name: str
    version: int = 1
    entry_point: str = ""
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    code: Code | None = None
    image: str = ""
    framework: str = ""
    framework_version: str = ""
    py_version: str = ""
    hyperparameters: Mapping[str, Any] = Factory(dict)
    environment: Mapping[str, str] = Factory(dict)
    secrets: Mapping[str, str] = Factory(dict)
    inputs: Mapping[str, Channel] = Factory(dict)
    instance_type: str = ""
    instance_count: int = 1
    volume_size: int | None = None
    distribution: str = "none"
    output_path: str = ""
    checkpoint_path: str = ""
    max_run: int = 86400
    max_wait: int | None = None
    tags: Mapping[str, str] = Factory(dict)
    description: str = ""
    metric_definitions: Mapping[str, str] = Factory(dict)
    convention: str = "sagemaker"
    options: Mapping[str, Any] = Factory(dict)

    __attrs_post_init__ = _copy_tables

    @property
    def key(self) -> str:
        """The name, with the version where there is more than one: `mnist`, `mnist.v2`."""
        return job_key(self.name, self.version)


@frozen(kw_only=True)
class ModelSpec:
    """A trained model with the code that answers requests with it.

    Attributes:
        name: The model's name.
        version: Its version, free text; "" lets the backend count.
        artifact: URI of the folder with the model's files.
        job: Text form of the job it came from, or "".
        code: The packed inference code, if any.
        entry_point: The inference script, relative to the root of the code.
        image, framework, framework_version, py_version: As in JobSpec.
        environment: Further environment variables.
        description: For people.
        options: The chosen backend's own options.
    """

    name: str
    artifact: str
    version: str = ""
    job: str = ""
    code: Code | None = None
    entry_point: str = "inference.py"
    image: str = ""
    framework: str = ""
    framework_version: str = ""
    py_version: str = ""
    environment: Mapping[str, str] = Factory(dict)
    description: str = ""
    options: Mapping[str, Any] = Factory(dict)

    __attrs_post_init__ = _copy_tables


@frozen(kw_only=True)
class Variant:
    """One model version behind an endpoint.

    Attributes:
        model: Text form of the model's reference.
        weight: Its share of the traffic, relative to the other variants.
        instance_type: As in JobSpec.
        instance_count: How many servers (on `local`: worker processes).
        environment: Further environment variables.
    """

    model: str
    weight: float = field(default=1.0)
    instance_type: str = ""
    instance_count: int = 1
    environment: Mapping[str, str] = Factory(dict)

    __attrs_post_init__ = _copy_tables


@frozen(kw_only=True)
class EndpointSpec:
    """An endpoint that serves one or more model versions.

    Attributes:
        name: The endpoint's name, unique per backend.
        variants: What it serves.
        description: For people.
        tags: For people and bills.
        options: The chosen backend's own options.
    """

    name: str
    variants: tuple[Variant, ...]
    description: str = ""
    tags: Mapping[str, str] = Factory(dict)
    options: Mapping[str, Any] = Factory(dict)

    __attrs_post_init__ = _copy_tables
