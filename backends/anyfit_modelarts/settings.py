"""What can be set: for the backend in anyfit.toml, and for one job, model or endpoint in its `options`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import Factory, field, frozen

__all__ = ["Options", "Settings"]

_CUSTOM = frozenset({"cpu", "memory", "gpu_p4", "ascend_a310"})
_UNITS = ("DAYS", "HOURS", "MINUTES")


def _key(default: Any, help: str, *, secret: bool = False, least: float | None = None) -> Any:
    return field(default=default, metadata={"help": help, "secret": secret, "least": least}, repr=not secret)


@frozen(kw_only=True)
class Settings:
    """The table `[modelarts]` of anyfit.toml."""

    region: str = _key("cn-north-4", "The region of the platform.")
    domain: str = _key("", "The account's name; that of the user where it is not given.")
    username: str = _key("", "Of the IAM user.")
    password: str = _key("", "Of the IAM user.", secret=True)
    access_key: str = _key("", "Signs calls and reaches OBS, instead of user and password.")
    secret_key: str = _key("", "Of the access key.", secret=True)
    security_token: str = _key("", "Of a temporary access key.", secret=True)
    auth: Literal["auto", "token", "signature"] = _key(
        "auto", "How calls are authenticated: by keys where they are given, else by a token; or by the one named."
    )
    project_id: str = _key("", "The project; looked up by its name where it is not given.")
    project_name: str = _key("", "The project's name; the region where it is not given.")
    cloud: str = _key("myhuaweicloud.com", "The domain of the services' hosts.")
    endpoint: str = _key("", "Of ModelArts; by default by region.")
    iam_endpoint: str = _key("", "Of IAM; by default by region.")
    obs_endpoint: str = _key("", "Of OBS; by default by region.")
    verify_ssl: bool = _key(True, "Whether TLS certificates are verified.")
    api: Literal["v1", "v2"] = _key("v2", "The generation of the training API for new jobs.")
    workspace: str = _key("", "The workspace of new jobs; the default one where none is given.")
    bucket: str = _key("", "Where code, staged inputs and outputs go that name no place of their own.")
    folder: str = _key("anyfit", "The folder in the bucket below which anyfit keeps its things.")
    default_framework: str = _key("", "The framework for scripts that name none, or need only Python.")
    python: str = _key("python3", "How Python is called in images of one's own.")
    install_requirements: bool = _key(True, "Whether the code's requirements.txt is installed before the script.")
    poll_seconds: float = _key(1.0, "The shortest pause between two looks at a job.", least=0)
    catalog_hours: float = _key(24.0, "How long the lists of machines and frameworks are kept.", least=0)

    def __attrs_post_init__(self) -> None:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together: give both, or none")
        if bool(self.access_key) != bool(self.secret_key):
            raise ValueError("access_key and secret_key go together: give both, or none")
        if self.security_token and not self.access_key:
            raise ValueError("security_token: it belongs to a temporary access_key, which is not given")
        for name in ("endpoint", "iam_endpoint", "obs_endpoint"):
            if (value := getattr(self, name)) and not value.startswith(("http://", "https://")):
                raise ValueError(f"{name}: {value!r} does not begin with http:// or https://")


@frozen(kw_only=True)
class Options:
    """What a job may set for itself, `options={"modelarts": {...}}`; its models and endpoints take their part."""

    api: Literal["", "v1", "v2"] = _key("", "The generation of the training API; by default as configured.")
    workspace: str = _key("", "The workspace; by default as configured.")
    code_dir: str = _key("", "Code that lies in OBS already, run by the platform itself: an obs:// folder.")
    boot_file: str = _key("", "The script to run, in `code_dir` or relative to it.")
    algorithm_id: str = _key("", "An algorithm of one's own (v2, by id) or a built-in one (v1, by number).")
    subscription_id: str = _key("", "A subscribed algorithm (v2), with item_version_id.")
    item_version_id: str = _key("", "The version of the subscribed algorithm.")
    dataset_id: str = _key("", "A dataset of ModelArts as an input, with dataset_version_id.")
    dataset_version_id: str = _key("", "The dataset's version.")
    dataset_channel: str = _key("training", "The channel that the dataset is.")
    datasets: Mapping[str, Mapping[str, str]] = _key(
        Factory(dict), "Several datasets by channel, each with dataset_id and dataset_version_id."
    )
    data_url: bool = _key(False, "Of v1: a single input is sent as data_url and not in data_source.")
    log_path: str = _key("", "Where the platform exports the log to, an obs:// folder.")
    pool_id: str = _key("", "A dedicated pool; the instance type then is one of the pool's flavors, or none.")
    volumes: Sequence[Mapping[str, Any]] = _key(
        (), "Mounts as the platform writes them: nfs, host_path (v1), pfs or obs (v2)."
    )
    notification: Mapping[str, Any] = _key(Factory(dict), "topic_urn and events of a notification.")
    pre_version_id: int = _key(0, "Of v1: the version that a new one derives from; by default the newest.", least=0)
    priority: int | None = _key(None, "Of v2: 1 to 3 in the queue of a dedicated pool.")
    preemptible: bool | None = _key(None, "Of v2: whether others may take the machine.")
    annotations: Mapping[str, str] = _key(
        Factory(dict), 'Of v2: what the platform knows, for instance {"fault-tolerance/job-retry-num": "3"}.'
    )
    experiment: str = _key("", "Of v2: the name of the experiment that the job belongs to.")
    local_code_dir: str = _key("", "Of v2: where the code lies in the container.")
    working_dir: str = _key("", "Of v2: the working directory of a command.")
    install_requirements: bool | None = _key(None, "Whether the code's requirements.txt is installed.")
    model_type: Literal[
        "", "TensorFlow", "PyTorch", "MindSpore", "MXNet", "Caffe", "XGBoost", "Scikit_Learn", "Spark_MLlib"
    ] = _key("", "Of a model: the platform's type of it; by default by its framework and files.")
    runtime: str = _key("", "Of a model: the platform's image to serve in; by default the nearest to the framework.")
    model_algorithm: str = _key("", "Of a model: what it is good for, such as image_classification.")
    model_metrics: Mapping[str, float] = _key(Factory(dict), "Of a model: f1, recall, precision, accuracy.")
    apis: Sequence[Mapping[str, Any]] = _key((), "Of a model: its requests and answers as config.json has them.")
    dependencies: Sequence[Mapping[str, Any]] | None = _key(
        None, "Of a model: what is installed as config.json has it, instead of the code's requirements.txt."
    )
    health: Mapping[str, str] = _key(Factory(dict), "Of an image that serves: how its health is asked for.")
    install_type: Sequence[Literal["real-time", "edge", "batch"]] = _key((), "Of a model: what it may be deployed as.")
    model_docs: Sequence[Mapping[str, str]] = _key((), "Of a model: up to 3 of doc_name and doc_url.")
    pool_name: str = _key("", "Of an endpoint: the dedicated pool.")
    cluster_id: str = _key("", "Of an endpoint: the dedicated pool of the older kind.")
    custom_spec: Mapping[str, float] = _key(
        Factory(dict), "Of an endpoint in a dedicated pool: cpu, memory in MB, gpu_p4 and ascend_a310 of an instance."
    )
    deploy_timeout_in_seconds: int | None = _key(
        None, "Of an endpoint: how long an instance may take to start.", least=1
    )
    vpc_id: str = _key("", "Of an endpoint: a network, with subnet_network_id and security_group_id.")
    subnet_network_id: str = _key("", "Of an endpoint: the network's subnet.")
    security_group_id: str = _key("", "Of an endpoint: the network's security group.")
    load_balancer_policy: Literal["", "ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"] = _key(
        "", "Of an endpoint: how its instances share the requests."
    )
    schedule: Sequence[Mapping[str, Any]] = _key(
        (), 'Of an endpoint: when it stops, [{"type": "stop", "time_unit": "HOURS", "duration": 2}].'
    )
    additional_properties: Mapping[str, Any] = _key(
        Factory(dict), "Of an endpoint: notifications and the like, as the platform writes them."
    )

    def __attrs_post_init__(self) -> None:
        if bool(self.dataset_id) != bool(self.dataset_version_id):
            raise ValueError("dataset_id and dataset_version_id go together: give both, or none")
        if bool(self.subscription_id) != bool(self.item_version_id):
            raise ValueError("subscription_id and item_version_id go together: give both, or none")
        if self.boot_file and not self.code_dir:
            raise ValueError("boot_file: it lies in code_dir, which is not given")
        self._check_serving()
        if self.priority is not None and not 1 <= self.priority <= 3:
            raise ValueError(f"priority: {self.priority} is not from 1 to 3")
        for channel, named in self.datasets.items():
            if set(named) != {"dataset_id", "dataset_version_id"}:
                raise ValueError(f"datasets.{channel}: dataset_id and dataset_version_id are needed, and nothing else")

    def _check_serving(self) -> None:
        network = (self.vpc_id, self.subnet_network_id, self.security_group_id)
        if any(network) and not all(network):
            raise ValueError("vpc_id, subnet_network_id and security_group_id go together: give all, or none")
        if self.custom_spec and not (self.pool_name or self.cluster_id):
            raise ValueError("custom_spec: it needs a dedicated pool, pool_name or cluster_id")
        if self.custom_spec and not {"cpu", "memory"} <= set(self.custom_spec) <= _CUSTOM:
            raise ValueError(f"custom_spec: cpu and memory are needed, and there may be {', '.join(sorted(_CUSTOM))}")
        for name in ("memory", "ascend_a310"):
            if not float(self.custom_spec.get(name, 0)).is_integer():
                raise ValueError(f"custom_spec: {name}: {self.custom_spec[name]} is no whole number")
        for stop in self.schedule:
            if set(stop) != {"type", "time_unit", "duration"} or stop["type"] != "stop":
                raise ValueError('schedule: write type = "stop", time_unit and duration')
            if stop["time_unit"] not in _UNITS:
                raise ValueError(f"schedule: time_unit: {stop['time_unit']!r} is none of {', '.join(_UNITS)}")
            if isinstance(stop["duration"], bool) or not isinstance(stop["duration"], int) or stop["duration"] < 1:
                raise ValueError(f"schedule: duration: {stop['duration']!r} is no whole number of 1 or more")
        if len(self.model_docs) > 3 or any(set(doc) != {"doc_name", "doc_url"} for doc in self.model_docs):
            raise ValueError("model_docs: up to 3, each with doc_name and doc_url, and nothing else")
