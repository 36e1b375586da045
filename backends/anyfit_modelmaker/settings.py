"""What can be set: for the backend in anyfit.toml, and for one job, model or endpoint in its `options`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import Factory, field, frozen

__all__ = ["Options", "Settings"]


def _key(default: Any, help: str, *, secret: bool = False, least: float | None = None) -> Any:
    return field(default=default, metadata={"help": help, "secret": secret, "least": least}, repr=not secret)


@frozen(kw_only=True)
class Settings:
    """The table `[modelmaker]` of anyfit.toml."""

    username: str = _key("", "Of the account.")
    password: str = _key("", "Of the account.", secret=True)
    host_base: str = _key("https://mmr.wangsucloud.com:9948/mmr", "The service; a host name gets the region in front.")
    region: str = _key("js01", "The region of the platform.")
    verify_ssl: bool = _key(True, "Whether the service's TLS certificate is verified.")
    s3_protocol: Literal["http", "https"] = _key("http", "For an S3 endpoint that the service names without a scheme.")
    bucket: str = _key("", "Where code, staged inputs and outputs go that name no place of their own.")
    folder: str = _key("anyfit", "The folder in the bucket below which anyfit keeps its things.")
    project_id: int = _key(0, "Read for the sake of the vendor's SDK, which never sends it either.")
    default_framework: str = _key("", "The framework for scripts that name none, or need only Python.")
    python: str = _key("python3", "How Python is called in images of one's own.")
    install_requirements: bool = _key(True, "Whether the code's requirements.txt is installed before the script.")
    infer_url: str = _key("", "Where services answer, where the platform does not say; by default by region.")
    poll_seconds: float = _key(
        1.0, "The shortest pause between two looks; the service does not like less than 1.", least=0
    )
    catalog_hours: float = _key(24.0, "How long the lists of machines and frameworks are kept.", least=0)
    utc_offset_hours: float = _key(
        8.0, "How far the service's clock is ahead of UTC; it tells times without their zone, by default China's."
    )

    def __attrs_post_init__(self) -> None:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together: give both, or none")
        if not self.host_base.startswith(("http://", "https://")):
            raise ValueError(f"host_base: {self.host_base!r} does not begin with http:// or https://")


@frozen(kw_only=True)
class Options:
    """What a job may set for itself, `options={"modelmaker": {...}}`; its models and endpoints take their part."""

    algorithm: str = _key("", "A preset algorithm, by name or id, instead of a script.")
    init_model: str = _key("", "Where a preset algorithm begins from, an s3:// URI.")
    boot_type: Literal["", "NORMAL", "HOROVOD"] = _key("", "How the platform starts the script; NORMAL by default.")
    code_version: str = _key("", "A note on the code that the platform keeps.")
    input_files: Mapping[str, str] = _key(Factory(dict), "Further s3:// URIs by the name of their input folder.")
    resource_pool_type: Literal["PUBLIC_POOL", "PERSONAL_POOL"] = _key("PUBLIC_POOL", "Whose machines to use.")
    custom_resource: Mapping[str, Any] = _key(
        Factory(dict), "Of a personal pool: cpu, memory, gpuModel, gpuCount, requestCpu, requestMemory, shareGpu, gpuz."
    )
    tag_name: str = _key("", "The tag of a personal pool.")
    install_requirements: bool | None = _key(None, "Whether the code's requirements.txt is installed.")
    call_specs: str = _key("", "Of models: notes on how to call them.")
    serving_framework: str = _key("", "Of models: the framework that serves them, where it is not the job's.")
