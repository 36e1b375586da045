"""Packages and bodies of models and services against the vendor's documents, member by member.

Beside this file lies a JSON file for each example, as for plans.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Offering
from anyfit.spec import Code, EndpointSpec, ModelSpec, Variant
from anyfit_modelarts.bundle import File
from anyfit_modelarts.model_bodies import image_body, import_body
from anyfit_modelarts.package import Package, Parts, build_package
from anyfit_modelarts.service_bodies import service_body, update_body
from anyfit_modelarts.settings import Settings
from anyfit_modelarts.source import Source
from anyfit_modelarts.translate.work import options_of

HERE = Path(__file__).parent
SETTINGS = Settings(bucket="demo")
PARTS = Parts(File("/predict.py", 1, "predict"), File("/inference.py", 1, "inference"))
RUNTIMES = {
    "TensorFlow": ["python2.7", "python3.6", "tf1.13-python3.6-cpu", "tf1.13-python3.6-gpu", "tf2.1-python3.7"],
    "PyTorch": ["python3.6", "pytorch1.4-python3.7", "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"],
    "Scikit_Learn": ["python2.7", "python3.6"],
}
MACHINES = (
    Offering(spec_id="modelarts.vm.cpu.2u", cpus=2, memory_gib=8, tasks=("serve",)),
    Offering(spec_id="modelarts.vm.gpu.p4", cpus=8, memory_gib=32, gpu_model="P4", gpu_count=1, tasks=("serve",)),
)
JOB = "modelarts://cn-north-4/0d30f1bc-0a38-4e4c-9d5c-3f2e1a8b7c6d"
MODEL = ModelSpec(
    name="mnist",
    version="1.0.0",
    artifact="obs://demo/out/model/",
    job=JOB,
    code=Code(digest="c0de" * 16, archive="/code.tar.gz", size=10, files=2, requirements=True),
    framework="pytorch",
    framework_version="1.8",
    environment={"A": "1"},
    description="Digits",
)
PYTORCH = Source({"net.pth": 9}, {"requirements.txt": b"Pillow==5.2.0\nnumpy>=1.14\n"}, ("inference.py",))
SAVED_MODEL = Source(
    {"saved_model.pb": 1, "variables/variables.index": 1, "variables/variables.data-00000-of-00001": 1}
)
DOCUMENTED: dict[str, Any] = {
    "model_algorithm": "image_classification",
    "model_type": "TensorFlow",
    "runtime": "tf1.13-python3.6-cpu",
    "metrics": {"accuracy": 0.98},
    "apis": [
        {
            "url": "/",
            "method": "post",
            "protocol": "https",
            "request": {
                "Content-type": "multipart/form-data",
                "data": {"type": "object", "properties": {"images": {"type": "file"}}},
            },
            "response": {
                "Content-type": "application/json",
                "data": {"type": "object", "properties": {"digit": {"type": "integer"}}},
            },
        }
    ],
    "dependencies": [
        {
            "installer": "pip",
            "packages": [{"package_name": "Pillow", "package_version": "5.2.0", "restraint": "EXACT"}],
        }
    ],
}
MODELS: dict[str, tuple[ModelSpec, Source]] = {
    "pytorch": (MODEL, PYTORCH),
    "sklearn": (
        evolve(MODEL, framework="sklearn", framework_version="", job="modelarts://cn-north-4/567000/1108000"),
        Source({"model.joblib": 9}),
    ),
    "documented": (
        evolve(
            MODEL,
            code=None,
            framework="tensorflow",
            framework_version="1.13",
            environment={},
            options={
                "model_algorithm": "image_classification",
                "model_metrics": {"accuracy": 0.98},
                "apis": DOCUMENTED["apis"],
                "dependencies": DOCUMENTED["dependencies"],
                "workspace": "d7b2f9c0",
                "install_type": ["real-time", "batch"],
                "model_docs": [{"doc_name": "card", "doc_url": "https://example.com/card"}],
            },
        ),
        SAVED_MODEL,
    ),
    "own": (
        evolve(MODEL, code=None, job="", description=""),
        evolve(
            SAVED_MODEL,
            files={**SAVED_MODEL.files, "config.json": 1, "customize_service.py": 1},
            config=json.dumps(DOCUMENTED).encode(),
        ),
    ),
}
IMAGE = evolve(
    MODEL,
    code=None,
    image="swr.cn-north-4.myhuaweicloud.com/team/serve:1",
    options={"health": {"url": "/health", "protocol": "http", "initial_delay_seconds": "10", "timeout_seconds": "30"}},
)
ONE = "modelarts://cn-north-4/10eb0091-887f-4839-9929-cbc884f1e20e"
TWO = "modelarts://cn-north-4/11111111-887f-4839-9929-cbc884f1e20e"
SERVED = EndpointSpec(name="mnist-svc", variants=(Variant(model=ONE, environment={"LOG": "1"}),))
POOL = {"pool_name": "pool-1", "deploy_timeout_in_seconds": 600}
SERVICES = {
    "documented": SERVED,
    "weights": evolve(
        SERVED,
        description="Digits",
        variants=(
            Variant(model=ONE, weight=2, instance_count=3),
            Variant(model=TWO, weight=1, instance_type="P4:1"),
        ),
    ),
    "rich": evolve(
        SERVED,
        options={
            "workspace": "d7b2f9c0",
            "priority": 2,
            "vpc_id": "vpc",
            "subnet_network_id": "subnet",
            "security_group_id": "group",
            "load_balancer_policy": "LEAST_CONNECTIONS",
            "schedule": [{"type": "stop", "time_unit": "HOURS", "duration": 2}],
            "additional_properties": {"smn_notification": {"topic_urn": "urn:smn:cn-north-4:p:x", "events": [1, 3]}},
        },
    ),
    "pool": evolve(SERVED, variants=(Variant(model=ONE, instance_type="cpu=2 mem=4GB"),), options=POOL),
    "custom": evolve(SERVED, options={"cluster_id": "c1", "custom_spec": {"cpu": 0.5, "memory": 512, "gpu_p4": 0.5}}),
}


def packed(spec: ModelSpec, source: Source) -> Package:
    """The package."""
    return build_package(spec, source, options_of(spec.options), SETTINGS, RUNTIMES, PARTS)


def plain(value: Any) -> Any:
    """The value without the digests that name folders."""
    return json.loads(re.sub(r"/[0-9a-f]{16}/", "/DIGEST/", json.dumps(value)))


def golden(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MODELS)
def test_model(name: str) -> None:
    """A model of every kind is packed and imported as the documents have it."""
    spec, source = MODELS[name]
    package = packed(spec, source)
    shown = {
        "import": import_body(spec, package, options_of(spec.options), SETTINGS),
        "config.json": dict(package.config),
        "uploads": {upload.target: upload.source for upload in package.uploads},
    }

    assert plain(shown) == golden(f"model-{name}")


def test_image() -> None:
    """An image is imported from where it is, its configuration in the body."""
    assert image_body(IMAGE, options_of(IMAGE.options), SETTINGS) == golden("model-image")


@pytest.mark.parametrize("name", SERVICES)
def test_service(name: str) -> None:
    """A service is deployed as the documents have it; an update says the same of what can be changed."""
    body = service_body(SERVICES[name], MACHINES, SETTINGS)
    update = update_body(SERVICES[name], MACHINES, [])

    assert body == golden(f"service-{name}")
    assert update == {
        member: value
        for member, value in body.items()
        if member in ("config", "description", "schedule", "additional_properties")
    }


def test_documented_configuration() -> None:
    """What is written for the documents' example is the documents' own config.json."""
    spec, source = MODELS["documented"]

    assert packed(spec, source).config == DOCUMENTED


def test_documented_service() -> None:
    """The documents' body that deploys is what is sent, but for the variable that tells whose variables are whose."""
    (part,) = service_body(SERVED, MACHINES, SETTINGS)["config"]

    assert part == {
        "model_id": "10eb0091-887f-4839-9929-cbc884f1e20e",
        "weight": 100,
        "specification": "modelarts.vm.cpu.2u",
        "instance_count": 1,
        "envs": {"LOG": "1", "ANYFIT_SERVICE_VARIABLES": "LOG"},
    }
