"""Requests for models and endpoints against the vendor's documents, member by member.

Beside this file lies a JSON file for each example, as for plans.
"""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from tencentcloud.tiems.v20190416 import models as tiems
from tencentcloud.tione.v20211111 import models as tione

from anyfit.backend import Offering
from anyfit.spec import Code, EndpointSpec, ModelSpec, Variant
from anyfit_ti.bundle import File, ShippedModel
from anyfit_ti.models.api_2019 import config_order
from anyfit_ti.models.api_2021 import image_of_version, model_body
from anyfit_ti.serving.api_2019 import old_body
from anyfit_ti.serving.bodies import group_body, size_of, version_body
from anyfit_ti.serving.images import for_gpu
from anyfit_ti.serving.wire import model_version
from anyfit_ti.settings import Settings
from anyfit_ti.translate.work import options_of

HERE = Path(__file__).parent
BUCKET = "demo-1250000000"
SETTINGS = Settings(bucket=BUCKET, region="ap-guangzhou")
SHIPPED = ShippedModel(File("/predict.py", 1, "predict"), File("/inference.py", 1, "inference"))
IMAGES = [
    {"ImageName": name, "ImageUrl": f"registry.example/{name}", "Framework": framework, "FrameworkVersion": version}
    for name, framework, version in (
        ("tensorflow2.4-py38(cpu)", "TENSORFLOW", "2.4"),
        ("pytorch1.9.0-py38(cpu)", "PYTORCH", "1.9.0"),
        ("pytorch1.9.0-py38(gpu)", "PYTORCH", "1.9.0"),
    )
]
MACHINES = (
    Offering(spec_id="TI.S.MEDIUM.POST", cpus=2, memory_gib=4, tasks=("serve",)),
    Offering(spec_id="TI.GN7.2XLARGE32.POST", cpus=8, memory_gib=32, gpu_model="T4", gpu_count=1, tasks=("serve",)),
)

MODEL = ModelSpec(
    name="mnist",
    artifact=f"cos://{BUCKET}/out/mnist-1/train-1/model/",
    job="ti://ap-guangzhou/train-1",
    code=Code(digest="c0de" * 16, archive="/code.tar.gz", size=10, files=1, requirements=True),
    framework="pytorch",
    framework_version="1.9",
    environment={"A": "1"},
    description="Digits",
)
OWN = evolve(MODEL, image="ccr.ccs.tencentyun.com/team/serve:1", framework="", framework_version="")
MODELS = {
    "pytorch": MODEL,
    "version": evolve(MODEL, version="v7", framework="sklearn", framework_version="", job=""),
    "image": OWN,
    "image-alone": evolve(OWN, code=None),
    "saved-model": evolve(
        MODEL,
        code=None,
        framework="tensorflow",
        framework_version="",
        options={
            "server": "image",
            "model_format": "SAVED_MODEL",
            "model_path": f"cos://{BUCKET}/repository/mnist",
            "model_more": {"AutoClean": "true", "MaxReservedModels": 3},
        },
    ),
}
CONFIGS = {
    "pytorch": MODEL,
    "image": OWN,
    "runtime": evolve(MODEL, options={"runtime": "mine"}),
    "saved-model": evolve(MODEL, code=None, options={"server": "image", "model_format": "SAVED_MODEL"}),
}

SERVED = EndpointSpec(name="digits", variants=(Variant(model="ti://ap-guangzhou/mv-v1-1"),), description="Digits")
LARGE = evolve(SERVED.variants[0], instance_type="T4:1", instance_count=2, environment={"B": "2"})
GROUP = {"charge": "PREPAID", "resource_group": "rsg-1", "auth": False, "rdma": True}
SERVICES = {
    "plain": SERVED,
    "rich": evolve(
        SERVED,
        variants=(LARGE,),
        tags={"team": "vision"},
        options={
            "autoscale": {"min": 1, "max": 4, "metrics": {"cpu-util": 60, "service-qps": 100}, "up_seconds": 30},
            "stop_at": "2030-01-01T20:00:00+08:00",
            "hot_update": True,
            "requests_per_second": 50,
            "grace_seconds": 60,
            "probe_path": "health",
            "log_set": "ls-1",
            "log_topic": "tp-1",
            "callback_url": "https://example.com/done",
            "service_more": {"SchedulingStrategy": "spread"},
        },
    ),
    "image": evolve(SERVED, options={"port": 8080, "path": "v1/chat/completions", "probe_path": "/"}),
    "resource-group": evolve(SERVED, variants=(evolve(LARGE, instance_type="cpu=8 mem=32GB gpu=T4:1"),), options=GROUP),
    "hybrid": evolve(SERVED, options={"resource_group": "rsg-1", "prepaid_replicas": 2}),
    "cron": evolve(
        SERVED,
        options={"cron_scale": [{"Schedule": "0 8 * * *", "TargetReplicas": 4}], "command": "sh /data/model/run"},
    ),
}
OLD = evolve(SERVED, variants=(Variant(model="ti://ap-guangzhou/2019/abcdefghijklmnop"),))
OLD_SERVICES = {
    "plain": OLD,
    "rich": evolve(
        OLD,
        variants=(evolve(OLD.variants[0], instance_type="cpu=4 mem=16GB gpu=T4:2", instance_count=2),),
        options={
            "auth": False,
            "autoscale": {"min": 1, "max": 4, "metrics": {"CPU-UTIL": 60}},
            "resource_group": "rsg-2",
            "log_topic": "tp-1",
            "service_more": {"Cluster": "mine"},
        },
    ),
    "machine": evolve(OLD, variants=(evolve(OLD.variants[0], instance_type="TI.GN10X.2XLARGE40.1xV100"),)),
}


def agrees(name: str, found: Any) -> bool:
    """Whether it is as the file has it, but for the digests that name folders."""
    plain = json.loads(re.sub(r"/[0-9a-f]{16}/", "/DIGEST/", json.dumps(found)))
    return bool(plain == json.loads((HERE / f"{name}.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", MODELS)
def test_model(name: str) -> None:
    """A model goes into the repository of 2021 as the documents have it."""
    spec = MODELS[name]
    body, uploads = model_body(spec, options_of(spec.options), IMAGES, SETTINGS, SHIPPED)

    assert agrees(f"2021-model-{name}", {"uploads": [upload.target for upload in uploads], "body": body})


@pytest.mark.parametrize("name", CONFIGS)
def test_configuration(name: str) -> None:
    """A model becomes a configuration of TI-EMS, with a runtime where it needs one of its own."""
    spec = CONFIGS[name]
    order = config_order(spec, options_of(spec.options), lambda: IMAGES, SETTINGS, SHIPPED)
    runtime = order.runtime if order.image else None
    uploads = [upload.target for upload in order.uploads]

    assert agrees(f"2019-config-{name}", {"uploads": uploads, "runtime": runtime, "body": order.body})


@pytest.mark.parametrize("name", SERVICES)
def test_service(name: str) -> None:
    """An endpoint of a model is a service group of 2021 as the documents have it."""
    spec = SERVICES[name]
    options, (variant,) = options_of(spec.options), spec.variants
    model = MODELS["image-alone" if name == "image" else "pytorch"]
    body, _ = model_body(model, options_of({}), IMAGES, SETTINGS, SHIPPED)
    told = {"TrainingModelVersionId": "mv-v1-1", "TrainingModelId": "m-1", "TrainingModelVersion": "v1"}
    version = model_version({**body, **told, "TrainingModelFormat": body.get("ModelFormat", "")})
    size, image = size_of(variant, options, lambda: MACHINES), image_of_version(version)
    image = for_gpu(image, IMAGES) if size.on_gpu else image
    made = {**group_body(spec, options), **version_body(spec, variant, version, options, SETTINGS, size, image)}

    assert agrees(f"2021-service-{name}", made)


@pytest.mark.parametrize("name", OLD_SERVICES)
def test_old_service(name: str) -> None:
    """An endpoint of a configuration is a service of TI-EMS as the documents have it."""
    spec = OLD_SERVICES[name]

    assert agrees(f"2019-service-{name}", old_body(spec, options_of(spec.options), SETTINGS))


SDK = {
    "2021-model": tione.CreateTrainingModelRequest,
    "2021-service": tione.CreateModelServiceRequest,
    "2019-config": tiems.CreateServiceConfigRequest,
    "2019-service": tiems.CreateServiceRequest,
}


@pytest.mark.parametrize("name", sorted(path.stem for kind in SDK for path in HERE.glob(f"{kind}-*.json")))
def test_members_of_the_sdk(name: str) -> None:
    """Every member of a request is one that the vendor's own model of it has, however deep."""
    golden = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    body = golden.get("body", golden)
    request = SDK["-".join(name.split("-")[:2])]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # this is how the models tell of members that they do not know
        request._deserialize(body)

    assert said(json.loads(request.to_json_string())) == body


def said(value: Any) -> Any:
    """What the vendor's models hold, without the members that nobody has set."""
    if isinstance(value, dict):
        return {name: said(each) for name, each in value.items() if each is not None}
    return [said(each) for each in value] if isinstance(value, list) else value
