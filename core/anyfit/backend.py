"""The contract between anyfit and a place where jobs run.

A backend is a subclass of `Backend`: questions about jobs that every backend answers, and questions about models,
endpoints and other features that those answer whose capabilities say so. Everything that crosses this contract is a
frozen value of this module or of `anyfit.spec`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

from attrs import Factory, field, frozen

from anyfit.errors import Unsupported, UsageError
from anyfit.spec import EndpointSpec, JobSpec, ModelSpec

if TYPE_CHECKING:
    from anyfit.storage import Store, Uri

__all__ = [
    "Artifact",
    "Backend",
    "BackendFactory",
    "Capabilities",
    "Catalog",
    "Cause",
    "EndpointRef",
    "EndpointState",
    "EndpointStatus",
    "Feature",
    "Framework",
    "JobRef",
    "JobState",
    "LogLine",
    "LogPage",
    "Match",
    "ModelInfo",
    "ModelRef",
    "ModelStatus",
    "Named",
    "Note",
    "Offering",
    "Payload",
    "Plan",
    "Point",
    "Preset",
    "Ref",
    "Request",
    "Series",
    "Status",
    "Transition",
    "Upload",
    "VendorFile",
    "log_pages",
]

_R = TypeVar("_R", bound="Ref")


@frozen
class Ref:
    """What finds a thing again from anywhere; `str()` and `parse` are each other's inverse."""

    backend: str
    region: str
    id: str

    def __str__(self) -> str:
        return f"{self.backend}://{self.region}/{self.id}"

    @classmethod
    def parse(cls: type[_R], text: str) -> _R:
        """Read the text form `backend://region/id`."""
        backend, sep, rest = text.partition("://")
        region, slash, identity = rest.partition("/")
        if not (sep and slash and backend and region and identity):
            raise UsageError(f"{text!r} is not of the form backend://region/id")
        return cls(backend, region, identity)


class JobRef(Ref):
    """Finds a job."""


class ModelRef(Ref):
    """Finds a model version."""


class EndpointRef(Ref):
    """Finds an endpoint."""


@frozen
class Named(Generic[_R]):
    """A reference beside the name that people know the thing by: a job's key, an endpoint's name."""

    name: str
    ref: _R


class Status(str, Enum):
    """The neutral states of a job."""

    PENDING = "PENDING"
    PREPARING = "PREPARING"
    RUNNING = "RUNNING"
    UPLOADING = "UPLOADING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    UNKNOWN = "UNKNOWN"

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self in (Status.SUCCEEDED, Status.FAILED, Status.STOPPED)


class Cause(str, Enum):
    """Why a job failed, where the platform itself knows; the log tells the rest.

    KILLED is SIGKILL where the platform knows that it was not for lack of memory; without a cause it may have been.
    """

    NONE = ""
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    KILLED = "killed"
    LOST = "lost"
    REBOOT = "reboot"
    START = "start"
    INPUT = "input"
    OUTPUT = "output"


@frozen
class Transition:
    """A job reached `status` at a time."""

    status: Status
    at: datetime


@frozen(kw_only=True)
class JobState:
    """How a job is.

    Attributes:
        status: The neutral word.
        native: The platform's own word.
        reason: The platform's explanation, or "".
        cause: Why it failed, where the platform knows.
        exit_code: Of the script, when it ended by itself.
        signal: That ended the script, e.g. 9, or None.
        node: Which of several nodes failed before all others, where the platform knows.
        created_at, started_at, ended_at: Aware times, when known.
        history: The states it passed through, oldest first, as far as known.
        gone: Whether the platform answers that it has no such job; the status is UNKNOWN then.
    """

    status: Status
    native: str = ""
    reason: str = ""
    cause: Cause = Cause.NONE
    exit_code: int | None = None
    signal: int | None = None
    node: int | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    history: tuple[Transition, ...] = ()
    gone: bool = False


@frozen
class LogLine:
    """One line of a job's log, without its line end."""

    text: str
    time: datetime | None = None
    node: int = 0


@frozen
class LogPage:
    """Some lines of a log.

    Attributes:
        lines: In the order in which they were written (per node).
        cursor: Opaque text; the next page begins after these lines, also in another process.
        more: Whether another page can be had at once.
    """

    lines: tuple[LogLine, ...]
    cursor: str
    more: bool = False


def log_pages(read: Callable[[str], LogPage], cursor: str = "") -> Iterator[LogPage]:
    """The pages after a cursor, as far as the log has been written."""
    more = True
    while more:
        page = read(cursor)
        cursor, more = page.cursor, page.more
        yield page


@frozen
class Point:
    """One value of a series."""

    step: int
    value: float
    time: datetime | None = None


@frozen
class Series:
    """A named curve, of a metric or of the machine's use."""

    name: str
    points: tuple[Point, ...]
    unit: str = ""


@frozen
class Artifact:
    """One thing a job left.

    Attributes:
        name: Path below the job's output, with `/`; the model's files are `model/...`, and URIs end alike.
        uri: Where it lies.
        size: Bytes, when known.
        kind: "model", "output", "checkpoint" or "log"; with several nodes logs are named `logs/node-1.log`.
    """

    name: str
    uri: str
    size: int | None = None
    kind: str = "output"


@frozen(kw_only=True)
class Offering:
    """One machine size that can be had.

    Attributes:
        spec_id: What the platform calls it.
        cpus, memory_gib: Per node.
        gpu_model, gpu_count, gpu_memory_gib: Accelerators per node; "" and 0 for none.
        price: Per node and hour in `currency`, or None where it cannot be known.
        in_stock: False when sold out.
        max_nodes: The most nodes of one job, or None.
        tasks: What it is for: "train", "serve".
        divisible: Whether a smaller wish is met by a part of it (a machine of one's own).
    """

    spec_id: str
    cpus: float
    memory_gib: float
    gpu_model: str = ""
    gpu_count: int = 0
    gpu_memory_gib: float = 0
    price: float | None = None
    currency: str = ""
    in_stock: bool = True
    max_nodes: int | None = None
    tasks: tuple[str, ...] = ("train",)
    divisible: bool = False


@frozen(kw_only=True)
class Framework:
    """One image that the platform provides: what users call it, and what the platform calls it."""

    name: str
    version: str
    native: str
    py_version: str = ""
    tasks: tuple[str, ...] = ("train",)


@frozen
class Preset:
    """Something ready-made that the platform provides, an algorithm or a model: its name and the platform's own id."""

    name: str
    native: str


@frozen
class Catalog:
    """What a platform offers at a time; `plan` needs nothing else from outside."""

    offerings: tuple[Offering, ...] = ()
    frameworks: tuple[Framework, ...] = ()
    as_of: datetime | None = None
    algorithms: tuple[Preset, ...] = ()
    models: tuple[Preset, ...] = ()


class Feature(str, Enum):
    """What not every backend can do; its capabilities give a reason for each one missing."""

    CUSTOM_IMAGE = "custom-image"
    FRAMEWORKS = "frameworks"
    VERSIONS = "versions"
    MULTI_NODE = "multi-node"
    CHECKPOINTS = "checkpoints"
    SECRETS = "secrets"
    DESCRIPTION = "description"
    METRICS = "metrics"
    UTILIZATION = "utilization"
    MODELS = "models"
    ENDPOINTS = "endpoints"
    ENDPOINT_UPDATE = "endpoint-update"
    ENDPOINT_PAUSE = "endpoint-pause"
    ENDPOINT_LOGS = "endpoint-logs"
    ENDPOINT_OUTPUT = "endpoint-output"
    ENDPOINT_METRICS = "endpoint-metrics"
    TRAFFIC_WEIGHTS = "traffic-weights"


@frozen(kw_only=True)
class Capabilities:
    """What a backend can do at all.

    Attributes:
        missing: Reason by feature that it lacks.
        poll_seconds: The shortest sensible pause between two looks at a running job.
        max_code_mib: The largest code bundle it takes.
        name_pattern: Regular expression that job names must match as a whole.
        name_rule: The same in words.
        schemes: URI schemes that its jobs can read from and write to.
        installs_requirements: Whether a requirements.txt beside the code is installed before the script runs.
        catalog_seconds: How long a catalog may be kept and used again; 0 for never.
        keeps_outputs: Whether what a job has left stays where it is when the job is deleted.
        handlers: Scripts that answer requests, in the order in which a job's code is searched for one.
    """

    missing: Mapping[Feature, str] = Factory(dict)
    poll_seconds: float = 2.0
    max_code_mib: int = 100
    name_pattern: str = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
    name_rule: str = "1 to 63 letters, digits, - and _, with a letter or digit at both ends"
    schemes: tuple[str, ...] = ("file",)
    installs_requirements: bool = True
    catalog_seconds: float = 0.0
    keeps_outputs: bool = False
    handlers: tuple[str, ...] = ("inference.py",)

    def can(self, feature: Feature) -> bool:
        """Whether the backend has the feature."""
        return feature not in self.missing


class Match(str, Enum):
    """How faithfully a wish is carried out."""

    EXACT = "exact"
    NEAR = "near"
    NONE = "none"


@frozen
class Note:
    """What becomes of one field on this backend, where it is not obvious."""

    field: str
    match: Match
    text: str


@frozen(kw_only=True)
class Upload:
    """One thing to put into the backend's store before submitting.

    Attributes:
        target: URI to write.
        source: File or folder on this machine or in another store; "" when `content` is given.
        content: The bytes themselves, for small generated files.
        size: Bytes, when known.
        kind: "code", "input" or "job".
        there: Of the bytes those that need not be sent, as the store has them already; None when it was not asked.
    """

    target: str
    source: str = ""
    content: bytes = field(default=b"", repr=False)
    size: int | None = None
    kind: str = "code"
    there: int | None = None


@frozen
class Request:
    """One call that submitting makes: what the platform will be asked, word for word."""

    action: str
    body: Mapping[str, Any]


@frozen(kw_only=True)
class Plan:
    """Everything that submitting will do, as a value; `str()` is what `anyfit plan` shows.

    Attributes:
        spec: What was asked.
        backend, region: Where it would run.
        offering: The machine chosen.
        uploads: What has to be in the store first.
        requests: The platform's own request bodies, in order; no secret is ever in them.
        notes: What maps nearly, or not at all.
        cost_per_hour, currency: All nodes together, where prices are known.
    """

    spec: JobSpec
    backend: str
    region: str
    offering: Offering
    uploads: tuple[Upload, ...] = ()
    requests: tuple[Request, ...] = ()
    notes: tuple[Note, ...] = ()
    cost_per_hour: float | None = None
    currency: str = ""

    def __str__(self) -> str:
        from anyfit.show import plan_lines

        return "\n".join(plan_lines(self))

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"


class EndpointStatus(str, Enum):
    """The neutral states of an endpoint."""

    CREATING = "CREATING"
    READY = "READY"
    UPDATING = "UPDATING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"

    @property
    def settled(self) -> bool:
        """Whether it stays so until somebody acts."""
        return self in (EndpointStatus.READY, EndpointStatus.STOPPED, EndpointStatus.FAILED)


@frozen(kw_only=True)
class EndpointState:
    """How an endpoint is.

    Attributes:
        status: The neutral word.
        native: The platform's own word.
        reason: Its explanation, or "".
        url: Where to send requests, once known.
        spec: What it serves, as far as the platform tells.
        created_at: When it was made, when known.
    """

    status: EndpointStatus
    native: str = ""
    reason: str = ""
    url: str = ""
    spec: EndpointSpec | None = None
    created_at: datetime | None = None


class ModelStatus(str, Enum):
    """The neutral states of a model version."""

    PREPARING = "PREPARING"
    READY = "READY"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@frozen(kw_only=True)
class ModelInfo:
    """A registered model version.

    Attributes:
        ref: Finds it from anywhere.
        name, version: What people call it.
        status: The neutral word.
        native: The platform's own word.
        reason: Its explanation, or "".
        created_at: When it was made, when known.
        job: The reference of the job it came from, where that is known.
    """

    ref: ModelRef
    name: str
    version: str
    status: ModelStatus = ModelStatus.READY
    native: str = ""
    reason: str = ""
    created_at: datetime | None = None
    job: str = ""


@frozen
class Payload:
    """A request to an endpoint or its answer: bytes and what they are."""

    body: bytes
    content_type: str
    accept: str = "application/json"


class Backend(ABC):
    """A place where jobs run.

    Every method may raise `AuthError` or `ServiceError`; one that is given a reference may raise `NotFound`.
    Methods are called from several threads.

    Attributes:
        name: What users write after `--backend`.
        profile: The profile whose settings it has, "" for none; a session sets it, None means the configured one.
    """

    name: ClassVar[str]
    profile: str | None = None

    @property
    def place(self) -> str:
        """What tells this account and region from others of the same backend, without a secret; "" if there is one."""
        return ""

    @property
    def region(self) -> str:
        """The region of this backend's references; "" where references of every region are understood."""
        return ""

    @property
    def catalog_place(self) -> str:
        """As `place`, and with it whatever else the catalog depends on."""
        return self.place

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this backend can do at all; needs no network."""

    @abstractmethod
    def catalog(self) -> Catalog:
        """What can be had right now: machine sizes, frameworks."""

    def shipped_catalog(self) -> Catalog | None:
        """What the platform offered when the backend was written, for plans without an account; None for nothing."""
        return None

    @abstractmethod
    def plan(self, spec: JobSpec, catalog: Catalog) -> Plan:
        """Everything that `submit` will do, as a value.

        1. Pure: no network, no clock, no disk; equal arguments give equal plans.
        2. Refuses with `SpecError` or `Unsupported` what the platform would refuse, naming the field.
        3. Holds no secret: where one belongs stands its `anyfit.secret.marker`.
        """

    @abstractmethod
    def store(self, uri: Uri) -> Store:
        """The store that holds `uri`, with this backend's credentials."""

    @abstractmethod
    def submit(self, plan: Plan) -> JobRef:
        """Start the job whose uploads are in place.

        1. Idempotent by the job's key: if a job of that key is there already, answers `Conflict`.
        2. Never sends twice: after an answer that was lost it looks the name up, or raises the `LostAnswer`.
        3. What is sent is `anyfit.secret.revealed` of what is planned.
        """

    @abstractmethod
    def describe(self, refs: Sequence[JobRef]) -> Sequence[JobState]:
        """The states of many jobs, in the order of `refs`, in as few requests as the platform allows.

        A job that does not exist is `gone`, has status UNKNOWN and says so in `reason`.
        """

    @abstractmethod
    def logs(self, ref: JobRef, cursor: str = "") -> LogPage:
        """The lines after `cursor` (from the beginning when it is "").

        1. Following cursors from "" to the end gives every line once, in order, per node.
        2. A cursor works in another process and after a crash.
        3. Nothing new is an empty page with `more` False, not an error, and not a wait.
        """

    def logs_tail(self, ref: JobRef, lines: int, node: int | None = None) -> LogPage:
        """The last so many lines that there are now, of all nodes or of one; its cursor goes on after them.

        This reads the whole log; a backend that can begin at the end does better.
        """
        last: deque[LogLine] = deque(maxlen=lines)
        cursor = ""
        for page in log_pages(partial(self.logs, ref)):
            last.extend(line for line in page.lines if node in (None, line.node))
            cursor = page.cursor
        return LogPage(tuple(last), cursor)

    @abstractmethod
    def job_spec(self, ref: JobRef) -> JobSpec:
        """What was asked for, rebuilt from the platform, for machines that never saw the job."""

    @abstractmethod
    def artifacts(self, ref: JobRef) -> Sequence[Artifact]:
        """What the job left, and where; empty before it ends."""

    @abstractmethod
    def output_uri(self, ref: JobRef) -> str:
        """The folder that a running job's outputs show up in, for TensorBoard and the impatient."""

    @abstractmethod
    def stop(self, ref: JobRef) -> None:
        """Ask the job to end; idempotent, also on a job that has ended."""

    @abstractmethod
    def delete(self, ref: JobRef) -> None:
        """Remove the job and what the platform keeps of it, a running one after it was stopped; idempotent."""

    @abstractmethod
    def find(self, key: str) -> JobRef | None:
        """The job of that key (see `JobSpec.key`), or None."""

    @abstractmethod
    def list(self, limit: int | None = None) -> Sequence[Named[JobRef]]:
        """Every job that this account has here with its key, newest first.

        With a limit the first so many of these, with no more questions than that takes.
        """

    def set_description(self, ref: JobRef, description: str) -> None:
        """Change what the platform says about a job."""
        self.refuse(Feature.DESCRIPTION)

    def metrics(self, ref: JobRef) -> Sequence[Series]:
        """The curves of `metric_definitions`."""
        self.refuse(Feature.METRICS)

    def utilization(self, ref: JobRef) -> Sequence[Series]:
        """Machine use over time."""
        self.refuse(Feature.UTILIZATION)

    def register(self, spec: ModelSpec) -> ModelRef:
        """Make a model version; returns at once, `models` tells when it is ready.

        `Conflict` when there is that version already; a `ServiceError` means that nobody knows whether it was made.
        """
        self.refuse(Feature.MODELS)

    def models(self, name: str = "") -> Sequence[ModelInfo]:
        """Registered model versions, all or those of one name, newest first."""
        self.refuse(Feature.MODELS)

    def delete_model(self, ref: ModelRef) -> None:
        """Remove a model version; idempotent."""
        self.refuse(Feature.MODELS)

    def deploy(self, spec: EndpointSpec) -> EndpointRef:
        """Make an endpoint; returns at once, `endpoint` tells when it is ready.

        `Conflict` when its name is taken; never sends twice, as `submit`, and takes nothing back that it did not make.
        """
        self.refuse(Feature.ENDPOINTS)

    def endpoint(self, ref: EndpointRef) -> EndpointState:
        """How the endpoint is."""
        self.refuse(Feature.ENDPOINTS)

    def endpoints(self) -> Sequence[Named[EndpointRef]]:
        """Every endpoint that this account has here with its name."""
        self.refuse(Feature.ENDPOINTS)

    def find_endpoint(self, name: str) -> EndpointRef | None:
        """The endpoint of that name, or None."""
        self.refuse(Feature.ENDPOINTS)

    def update_endpoint(self, ref: EndpointRef, spec: EndpointSpec) -> None:
        """Serve something else under the same reference."""
        self.refuse(Feature.ENDPOINT_UPDATE)

    def start_endpoint(self, ref: EndpointRef) -> None:
        """Serve again after `stop_endpoint`; idempotent."""
        self.refuse(Feature.ENDPOINT_PAUSE)

    def stop_endpoint(self, ref: EndpointRef) -> None:
        """Stop serving, keep the endpoint; idempotent."""
        self.refuse(Feature.ENDPOINT_PAUSE)

    def undeploy(self, ref: EndpointRef) -> None:
        """Remove the endpoint, not its models; idempotent."""
        self.refuse(Feature.ENDPOINTS)

    def endpoint_logs(self, ref: EndpointRef, cursor: str = "") -> LogPage:
        """What the servers said, or without ENDPOINT_OUTPUT only what happened to them; as `logs`."""
        self.refuse(Feature.ENDPOINT_LOGS)

    def endpoint_metrics(self, ref: EndpointRef) -> Sequence[Series]:
        """What the endpoint does and uses at the moment, or lately: requests, machine use."""
        self.refuse(Feature.ENDPOINT_METRICS)

    def invoke(self, ref: EndpointRef, payload: Payload) -> Payload:
        """One prediction; `PredictionError` carries what the handler said when it refuses or crashes."""
        self.refuse(Feature.ENDPOINTS)

    def close(self) -> None:  # noqa: B027  most backends hold nothing
        """Give up connections; asked again, the backend makes new ones."""

    def refuse(self, feature: Feature) -> NoReturn:
        """Raise `Unsupported` with the reason that the capabilities give."""
        reason = self.capabilities.missing.get(feature, "not implemented")
        raise Unsupported(f"{self.name} has no {feature.value}: {reason}", backend=self.name)

    def require(self, feature: Feature) -> None:
        """Raise `Unsupported` unless the backend has the feature."""
        if not self.capabilities.can(feature):
            self.refuse(feature)


@frozen
class VendorFile:
    """What a vendor's own file or variables say, for settings that anyfit's configuration leaves open."""

    origin: str
    values: Mapping[str, Any]


@frozen(kw_only=True)
class BackendFactory:
    """How a backend is made; what its package's `anyfit_backends` hook returns.

    Attributes:
        name: What users write after `--backend`.
        summary: One line for lists.
        settings: An attrs class; every attribute is a key of the backend's table in anyfit.toml, with
            `metadata={"help": ..., "secret": True}` where it applies.
        create: Makes the backend from its settings and the folder that anyfit keeps its own things in.
        vendor_files: Reads the vendor's own configuration, asked for only when anyfit's is silent.
    """

    name: str
    summary: str
    settings: type[Any]
    create: Callable[[Any, Path], Backend]
    vendor_files: Callable[[], Sequence[VendorFile]] = tuple
