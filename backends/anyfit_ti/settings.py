"""What can be set: for the backend in anyfit.toml, and for one job in its `options`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import Factory, field, frozen

__all__ = ["Options", "Settings"]

_VENDOR = "tencentcloudapi.com"


def _key(default: Any, help: str, *, secret: bool = False, least: float | None = None) -> Any:
    return field(default=default, metadata={"help": help, "secret": secret, "least": least}, repr=not secret)


@frozen(kw_only=True)
class Settings:
    """The table `[ti]` of anyfit.toml."""

    secret_id: str = _key("", "Of the API key, or of temporary keys.", secret=True)
    secret_key: str = _key("", "Of the API key, or of temporary keys.", secret=True)
    token: str = _key("", "The session token of temporary keys.", secret=True)
    role_arn: str = _key("", "A role that is assumed with the keys, renewed in time.")
    credentials_url: str = _key("", "Where a container gets temporary keys; renewed in time.")
    cvm_role: str = _key("", "The role of the machine that anyfit runs on, asked of the metadata service.")
    region: str = _key("ap-guangzhou", "The region of jobs and bucket.")
    api: Literal["2021", "2019"] = _key("2021", "The generation of the API: 2021-11-11, or 2019-10-22 with TI-EMS.")
    endpoint: str = _key(f"https://tione.{_VENDOR}", "TI-ONE, both versions.")
    tiems_endpoint: str = _key("", "TI-EMS; by default the vendor's, or `endpoint` where that is another host.")
    monitor_endpoint: str = _key("", "The monitor, for machine use; by default as tiems_endpoint.")
    sts_endpoint: str = _key("", "The token service, for role_arn; by default as tiems_endpoint.")
    cls_endpoint: str = _key("", "The logs of 2019's jobs; by default http://REGION.cls.tencentcs.com.")
    cos_endpoint: str = _key("", "The object store; by default that of the region.")
    bucket: str = _key("", "Where things go that name no place of their own; by default ti-REGION-UIN-APPID.")
    folder: str = _key("anyfit", "The folder in the bucket below which anyfit keeps its things.")
    app_id: str = _key("", "The account's APPID; it ends the names of buckets.")
    uin: str = _key("", "The account's own number.")
    role: str = _key("TIONE_QCSRole", "The service role of 2019's jobs.")
    project: str = _key("", 'The workspace of 2021\'s things (TiProjectId); the default one is "0".')
    default_framework: str = _key("", "The framework for scripts that name none, or need only Python.")
    serving_image: str = _key(
        "", "The platform's image that serves models whose framework has none; for 2019 also by its address."
    )
    python: str = _key("python3", "How Python is called in the containers of 2021.")
    install_requirements: bool = _key(True, "Whether the code's requirements.txt is installed before the script.")
    verify_ssl: bool = _key(True, "Whether TLS certificates are verified.")
    poll_seconds: float = _key(
        1.0, "The shortest pause between two looks; an account has 20 requests a second.", least=0
    )
    catalog_hours: float = _key(24.0, "How long the lists of machines, prices and images are kept.", least=0)

    def __attrs_post_init__(self) -> None:
        if bool(self.secret_id) != bool(self.secret_key):
            raise ValueError("secret_id and secret_key go together: give both, or none")
        for name in ("endpoint", "tiems_endpoint", "monitor_endpoint", "sts_endpoint", "cls_endpoint", "cos_endpoint"):
            value = getattr(self, name)
            if value and not value.startswith(("http://", "https://")):
                raise ValueError(f"{name}: {value!r} does not begin with http:// or https://")
        for name in ("app_id", "uin"):
            if not re.fullmatch(r"\d*", getattr(self, name)):
                raise ValueError(f"{name}: {getattr(self, name)!r} is no number")

    def service_url(self, service: str) -> str:
        """Where a service is: `tione`, `tiems`, `monitor` or `sts`."""
        given: str = self.endpoint if service == "tione" else getattr(self, f"{service}_endpoint")
        if not given:
            elsewhere = not (urlsplit(self.endpoint).hostname or "").endswith(_VENDOR)
            given = self.endpoint if elsewhere else f"https://{service}.{_VENDOR}"
        return given.rstrip("/") + "/"

    @property
    def cls_url(self) -> str:
        """Where the older log service is."""
        return (self.cls_endpoint or f"http://{self.region}.cls.tencentcs.com").rstrip("/")

    @property
    def home_bucket(self) -> str:
        """The bucket with its APPID, or the vendor's own default, or "" where nothing tells."""
        bucket = self.bucket.strip("/")
        if not bucket:
            known = self.app_id and self.uin
            return f"ti-{self.region}-{self.uin}-{self.app_id}" if known else ""
        ends = re.search(r"-\d{8,}$", bucket) or not self.app_id or bucket.endswith(f"-{self.app_id}")
        return bucket if ends else f"{bucket}-{self.app_id}"


@frozen(kw_only=True)
class Options:
    """What a job may set for itself, `options={"ti": {...}}`; its models and endpoints take their part."""

    api: Literal["", "2021", "2019"] = _key("", "The generation of this job or model.")
    role: str = _key("", "2019: the service role.")
    vpc: str = _key("", "2021: the private network.")
    subnet: str = _key("", "The subnet of the private network.")
    security_groups: Sequence[str] = _key((), "2019: the security groups in it.")
    cfs: Mapping[str, Mapping[str, str]] = _key(
        Factory(dict), 'Inputs from a CFS file system by channel: {"train": {id, path, mode = "ro" or "rw"}}.'
    )
    sources: Mapping[str, Mapping[str, Any]] = _key(
        Factory(dict), "2021: inputs of any other kind by channel, each a DataConfig in the platform's own words."
    )
    cos_mode: Literal["COS", "COSFS"] = _key("COS", "2021: whether inputs from COS are copied or mounted.")
    input_mode: Literal["File", "Pipe"] = _key("File", "2019: how inputs come into the container.")
    channels: Mapping[str, Mapping[str, str]] = _key(
        Factory(dict),
        "2019: how single inputs come, by channel: {mode, content_type, distribution}; the last is FullyReplicated,"
        " or ShardedByCOSKey for a part of the objects on each node.",
    )
    cfs_output: Mapping[str, str] = _key(Factory(dict), "2019: a CFS folder for the results: {id, path}.")
    charge: Literal["POSTPAID_BY_HOUR", "PREPAID"] = _key(
        "POSTPAID_BY_HOUR", "2021: by the hour, or on a resource group of one's own."
    )
    resource_group: str = _key("", "2021: the resource group, rsg-...; makes the job PREPAID.")
    supply: Literal["", "TIDE", "SPOT"] = _key("", "2021: cheaper machines that may be taken away.")
    rdma: bool = _key(False, "2021: whether nodes talk over RDMA.")
    retry_when_short: bool | None = _key(
        None, "2019: whether the job waits while there is no machine; by default if it has a max_wait."
    )
    image_type: Literal["", "TCR", "CCR", "CUSTOM", "PRESET"] = _key(
        "", "2021: the registry of an image; by default CCR or TCR by its host, else CUSTOM."
    )
    image_registry: str = _key("", "2021: the id of a TCR instance.")
    image_region: str = _key("", "2021: the region of a TCR instance.")
    algorithm: str = _key("", "2019: a built-in algorithm by its name, instead of a script.")
    training_mode: Literal["", "DDP", "MPI", "HOROVOD", "PS_WORKER", "SPARK", "RAY"] = _key(
        "", "2021: how the platform starts the nodes; by default by `distribution`."
    )
    processes_per_host: int = _key(0, "MPI: processes on each node; by default one per GPU.", least=0)
    mpi_options: str = _key("", "MPI: further text for mpirun.")
    log_set: str = _key("", "2021: a CLS log set that gets the log as well.")
    log_topic: str = _key("", "2021: the topic in log_set.")
    cls_log: bool = _key(True, "2019: whether the log is kept, without which nobody can read it.")
    log_level: int = _key(20, "2019: of the platform's own launcher, as Python counts.")
    callback_url: str = _key("", "2021: an address that the platform tells of the job's end.")
    hang_minutes: int = _key(0, "2021: after so long without a word the job counts as hanging; 0 for never.", least=0)
    install_requirements: bool | None = _key(None, "Whether the code's requirements.txt is installed.")
    more: Mapping[str, Any] = _key(
        Factory(dict), "Further members of the request, in the platform's own words, for what has no option here."
    )
    server: Literal["", "anyfit", "image"] = _key(
        "", "Of models: who answers, anyfit's handler or the image by itself, as one of your own without code does."
    )
    serving_framework: str = _key("", "Of models: the framework or image that serves, where it is not the job's.")
    runtime: str = _key("", "Of models, 2019: the runtime, such as tfserving or one of your own.")
    model_format: Literal[
        "",
        "PYTORCH",
        "TORCH_SCRIPT",
        "DETECTRON2",
        "SAVED_MODEL",
        "FROZEN_GRAPH",
        "PMML",
        "MMDETECTION",
        "ONNX",
        "HUGGING_FACE_BERT",
        "HUGGING_FACE_STABLE_DIFFUSION",
        "HUGGING_FACE_STABLE_DIFFUSION_LORA",
        "WEB_UI_STABLE_DIFFUSION",
    ] = _key("", "Of models, 2021: what the files are.")
    model_path: str = _key("", "Of models, 2021: a folder of COS that the platform copies them to.")
    model_more: Mapping[str, Any] = _key(
        Factory(dict), "Of models, 2021: further members of CreateTrainingModel in the platform's own words."
    )
    auth: bool | None = _key(None, "Of endpoints: whether callers need a token; they do unless this says otherwise.")
    prepaid_replicas: int = _key(
        0, "Of endpoints, 2021: so many servers in resource_group, the others by the hour.", least=0
    )
    command: str = _key("", "Of endpoints, 2021: what the image is to start.")
    port: int = _key(0, "Of endpoints, 2021: where an image of one's own listens; 8501 by default.", least=0)
    path: str = _key("", "Of endpoints, 2021: where the image is asked; /v1/models/m:predict by default.")
    probe_path: str = _key("", "Of endpoints, 2021: a path that answers 200 when a server is ready.")
    autoscale: Mapping[str, Any] = _key(
        Factory(dict), 'Of endpoints: {min, max, metrics = {"cpu-util": 60}}; 2019 has CPU-UTIL and MEMORY-UTIL.'
    )
    cron_scale: Sequence[Mapping[str, Any]] = _key((), "Of endpoints, 2021: CronScaleJobs in the platform's own words.")
    stop_at: str = _key("", "Of endpoints, 2021: when to stop by itself, such as 2030-01-01T20:00:00+08:00.")
    hot_update: bool | None = _key(None, "Of endpoints, 2021: whether new files of a model are loaded while it serves.")
    requests_per_second: int = _key(0, "Of endpoints, 2021: the most that one server takes; 0 for any number.", least=0)
    grace_seconds: int = _key(
        0, "Of endpoints, 2021: what a server gets to end; the platform's 30 by default.", least=0
    )
    expose: Literal["EXTERNAL", "VPC"] = _key(
        "EXTERNAL", "Of endpoints, 2019: whether they are in the internet or in vpc and subnet."
    )
    service_more: Mapping[str, Any] = _key(
        Factory(dict), "Of endpoints: further members of CreateModelService or CreateService in the platform's words."
    )
