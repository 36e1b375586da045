"""The platform's own images, and the key that passwords of other registries travel under (reference, 3.2 and 3.9)."""

from __future__ import annotations

import base64
from typing import Any

from attrs import frozen

from anyfit_ti.emulator.desk import TIONE_2021, Call, QuietDesk, Site, Tables
from anyfit_ti.emulator.selecting import page, select

__all__ = ["Images"]

_REGISTRY = "tione-public.tencentcloudcr.com/qcloud-ti-platform"
_MODES = {"TENSORFLOW": ["PS_WORKER", "MPI", "HOROVOD"], "PYTORCH": ["DDP", "MPI", "HOROVOD"], "SPARK": ["SPARK"]}
_CARDS = ("T4", "V100", "A10", "A100")

# An RSA key of 2048 bits whose private half nobody has: no image is pulled here, so no password is ever needed.
_PUBLIC_KEY = """
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofzM/QtDi+POQwKJvcqqOkT19qvdiomrqR5qkbnj+sa+D48chyo+O5yu
Lsg3H8Fp40OOtnlLLP9YVJc+kVrZBohL7HPenQ9ShfQg3J7UHkNaT+7FbgYEoBh5d5PEqkI7/tDYjAZyT0n+uxiXN/MeUaQeteAk
9wn/w+vbqlynwlU+90E+/wGcIFtw7JAYZmu8YnrSKnf6aOdFnO0CY1xbZ5VI4dk75VVAxB6VyBx7x0QbqbYmKyL7sl12GBppmnV6
KJjEwxzblhD2E0jAaPYRPYMpDhUvDxZzQxr3DxjpUOdOkZMuRk8lmom4fcKPHL6XPF6hwPHJ3wPw2PJ9tOxqtwIDAQAB
"""


@frozen
class Image:
    """One image.

    Attributes:
        environment: What `FrameworkEnvironment` or a service calls it.
        used_for: `Train`, `Inference`, `Notebook`.
    """

    environment: str
    framework: str
    version: str
    used_for: tuple[str, ...]

    @property
    def on_gpu(self) -> bool:
        """Whether it is one for GPUs."""
        return "gpu" in self.environment or "llm" in self.environment

    @property
    def name(self) -> str:
        """As images are named."""
        return self.environment.replace("(", "-").replace(")", "")

    @property
    def url(self) -> str:
        """Where it would be pulled from."""
        return f"{_REGISTRY}/{self.name}:latest"


_TRAIN = ("Train", "Notebook")
_INFER = ("Inference",)
IMAGES = (
    Image("tf1.15-py3.7-cpu", "TENSORFLOW", "1.15", _TRAIN),
    Image("tf1.15-py3.7-cuda10.0-gpu", "TENSORFLOW", "1.15", _TRAIN),
    Image("torch1.9-py3.8-cuda11.1-gpu", "PYTORCH", "1.9", _TRAIN),
    Image("tilearn-llm0.9-torch2.3-py3.10-cuda12.4-gpu", "PYTORCH", "2.3", _TRAIN),
    Image("tilearn-llm1.0-torch2.1-angel-vllm1.0-py3.10-cuda12.1-gpu", "PYTORCH", "2.1", _TRAIN),
    Image("spark2.4.5-cpu", "SPARK", "2.4.5", ("Train",)),
    Image("tensorflow1.15-py37(cpu)", "TENSORFLOW", "1.15", _INFER),
    Image("tensorflow2.4-py38(cpu)", "TENSORFLOW", "2.4", _INFER),
    Image("pytorch1.9.0-py38(cpu)", "PYTORCH", "1.9.0", _INFER),
    Image("pytorch1.9.0-py38(gpu)", "PYTORCH", "1.9.0", _INFER),
    Image("pytorch1.12.1-py38(gpu)", "PYTORCH", "1.12.1", _INFER),
    Image("onnx1.11.1-py38(cpu)", "ONNX", "1.11.1", _INFER),
    Image("jpmml-py38(cpu)", "PMML", "1.0", _INFER),
)


class Images(QuietDesk):
    """Lists of images."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "DescribeBuildInImages": self.describe_built_in,
                "DescribePlatformImages": self.describe_platform,
                "DescribePresetImageList": self.describe_preset,
                "DescribeTrainingFrameworks": self.describe_frameworks,
                "DescribePublicKey": self.describe_public_key,
            }
        }

    def describe_built_in(self, call: Call) -> dict[str, Any]:
        """`DescribeBuildInImages`."""
        fields = call.fields
        found = list(IMAGES)
        for one in fields.parts("ImageFilters"):
            name, values = one.text("Name", required=True), one.texts("Values", required=True)
            if name not in ("ImageName", "ImageUrl", "ImageType", "Framework"):
                raise one.bad("Name", f"is not known: {name}", "InvalidParameterValue.InvalidFilter")
            found = [image for image in found if (_word(image, name) in values) is not one.flag("Negative")]
        return {"BuildInImageInfos": [_info(image) for image in found]}

    def describe_platform(self, call: Call) -> dict[str, Any]:
        """`DescribePlatformImages`."""
        filters: dict[str, Any] = {
            "ImageId": lambda image: [image.name],
            "ImageName": lambda image: [image.name],
            "ImageRange": lambda image: image.used_for,
            "SupportDataPipeline": lambda image: ["false"],
            "AllowSaveAllContent": lambda image: ["false"],
        }
        found = select(IMAGES, call.fields, filters)
        shown = page(found, call.fields, default=100, most=1000)
        return {"PlatformImageInfos": [_platform(image) for image in shown], "TotalCount": len(found)}

    def describe_preset(self, call: Call) -> dict[str, Any]:
        """`DescribePresetImageList`."""
        filters: dict[str, Any] = {
            "ImageId": lambda image: [image.name],
            "ImageName": lambda image: [image.name],
            "Framework": lambda image: [image.framework],
            "ApplicableModuleList": lambda image: image.used_for,
        }
        found = select(IMAGES, call.fields, filters)
        shown = page(found, call.fields, default=20, most=1000)
        return {"PresetImageList": [_preset(image) for image in shown], "TotalCount": len(found)}

    def describe_frameworks(self, call: Call) -> dict[str, Any]:
        """`DescribeTrainingFrameworks`, which only the official tool's model has."""
        found: dict[str, list[dict[str, Any]]] = {}
        for image in IMAGES:
            if "Train" in image.used_for:
                modes = _MODES[image.framework]
                entry = {"Version": image.version, "Environment": image.environment, "TrainingModes": modes}
                found.setdefault(image.framework, []).append(entry)
        return {"FrameworkInfos": [{"Name": name, "VersionInfos": versions} for name, versions in found.items()]}

    def describe_public_key(self, call: Call) -> dict[str, Any]:
        """`DescribePublicKey`, which only the official tool's model has."""
        call.fields.text("EncryptAlgorithm", required=True, one_of=("RSA_2048",))
        text = "".join(_PUBLIC_KEY.split())
        wrapped = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
        pem = f"-----BEGIN PUBLIC KEY-----\n{wrapped}\n-----END PUBLIC KEY-----\n"
        key = base64.b64encode(pem.encode()).decode()
        return {"KeyId": "key-emulated", "PublicKey": key, "PublicKeyPem": pem}


def _word(image: Image, name: str) -> str:
    return {"ImageName": image.name, "ImageUrl": image.url, "ImageType": "SYSTEM"}.get(name, image.framework)


def _info(image: Image) -> dict[str, Any]:
    return {
        "ImageType": "SYSTEM",
        "ImageUrl": image.url,
        "RegistryRegion": "",
        "RegistryId": "",
        "AllowSaveAllContent": False,
        "ImageName": image.environment,
        "SupportDataPipeline": False,
        "ImageSecret": None,
    }


def _attributes(image: Image) -> list[dict[str, Any]]:
    if "Train" not in image.used_for:
        return []
    return [{"Type": "List", "Key": "TrainingModes", "Value": "", "Values": _MODES[image.framework]}]


def _cards(image: Image) -> list[str]:
    return list(_CARDS) if image.on_gpu else []


def _platform(image: Image) -> dict[str, Any]:
    return {
        "Framework": image.framework,
        "ImageType": "PRE_SET",
        "ImageUrl": image.url,
        "RegistryRegion": "",
        "RegistryId": "",
        "ImageName": image.environment,
        "ImageId": image.name,
        "FrameworkVersion": image.version,
        "SupportGpuList": _cards(image),
        "Description": "",
        "ExtraAttributes": _attributes(image),
        "ImageRange": list(image.used_for),
        "SupportDistributedDeploy": False,
        "RegionScope": "ALL",
    }


def _preset(image: Image) -> dict[str, Any]:
    repository, _, tag = image.url.rpartition(":")
    return {
        "ImageId": image.name,
        "ImageRepo": repository,
        "ImageTag": tag,
        "ImageUrl": image.url,
        "ImageSize": "0",
        "Description": "",
        "ApplicableModuleList": list(image.used_for),
        "Scenario": "",
        "Framework": image.framework,
        "FrameworkVersion": image.version,
        "ChipTypeList": ["GPU" if image.on_gpu else "CPU"],
        "ComputeLibVersion": "",
        "PythonVersion": "",
        "OS": "",
        "RuntimeLibList": [],
        "SupportGpuList": _cards(image),
        "ExtraAttributeList": _attributes(image),
        "SupportDistributedDeploy": False,
        "IsLatestStable": True,
        "ImageName": image.environment,
        "Version": 1,
        "CreateTime": "2022-01-01T00:00:00Z",
        "UpdateTime": "2022-01-01T00:00:00Z",
        "ImageType": "PRE_SET",
    }
