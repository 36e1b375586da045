"""Plans against the request bodies of the vendor's documents, member by member.

Beside this file lies a JSON file for each example. What anyfit chooses for itself, such as where its launcher lies,
stands there as it comes out; every other value is the documents'.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Catalog, Framework, ModelRef, Offering, Plan, Preset
from anyfit.codec import to_data
from anyfit.spec import Channel, Code, EndpointSpec, JobSpec, ModelSpec, Variant
from anyfit_modelmaker.backend import ModelMakerBackend
from anyfit_modelmaker.bundle import Shipped
from anyfit_modelmaker.models import model_request
from anyfit_modelmaker.serving import service_request
from anyfit_modelmaker.settings import Settings

HERE = Path(__file__).parent
CODE = Code(digest="c0de" * 16, archive="/code.tar.gz", size=10, files=1)
SETTINGS = Settings(bucket="ai-team")
CATALOG = Catalog(
    offerings=(
        Offering(spec_id="502201", cpus=4, memory_gib=8, max_nodes=10),
        Offering(spec_id="500550", cpus=8, memory_gib=16, max_nodes=10),
        Offering(spec_id="500151", cpus=4, memory_gib=8, tasks=("serve",), max_nodes=10),
    ),
    frameworks=(
        Framework(name="tensorflow", version="1.13.1", native="500000", py_version="3.7"),
        Framework(name="tensorflow", version="1.13.1", native="500001", py_version="3.7", tasks=("serve",)),
    ),
    algorithms=(Preset("ImageClassification", "500000"),),
    models=(Preset("ImageClassification", "500010"),),
)
BASIC = JobSpec(
    name="demo",
    entry_point="train.py",
    code=CODE,
    framework="tensorflow",
    framework_version="1.13",
    hyperparameters={"lr": "0.1"},
    inputs={"training": Channel(uri="s3://ai-team/mnist/data/")},
    output_path="s3://ai-team/mnist/out/",
    instance_type="502201",
)
CUSTOM = JobSpec(
    name="custom",
    image="172.16.14.172/test/custom:v1.0",
    command=("/bin/bash", "/home/test/start.sh"),
    environment={"PASSES": "3"},
    output_path="s3://ai-team/custom/out/",
    instance_type="500550",
    max_run=24 * 3600,
)
PRESET = JobSpec(
    name="flowers",
    inputs={"training": Channel(uri="s3://ai-team/flowers/")},
    hyperparameters={"optimizer": "adam", "learning_rate": 0.01},
    output_path="s3://ai-team/flowers-out/",
    instance_type="500550",
    max_run=24 * 3600,
    options={"algorithm": "ImageClassification", "init_model": "s3://ai-team/flowers-before/"},
)
PERSONAL = {
    "resource_pool_type": "PERSONAL_POOL",
    "tag_name": "night",
    "custom_resource": {
        "cpu": 2,
        "memory": 2.5,
        "gpuModel": "K80",
        "gpuCount": 2,
        "requestCpu": 1,
        "requestMemory": 1,
        "shareGpu": 0,
        "gpuz": 1.5,
    },
}
JOBS = {
    "basic": BASIC,
    "basic-rich": evolve(
        BASIC,
        name="rich",
        version=2,
        description="Two inputs and metrics",
        instance_count=2,
        volume_size=10,
        max_run=24 * 3600,
        inputs={**BASIC.inputs, "test": Channel(uri="s3://ai-team/mnist/test/")},
        metric_definitions={"accuracy": r".*?accuracy\s(.*)", "loss": r"loss=([0-9.]+)"},
        options={"boot_type": "HOROVOD", "code_version": "1.0", "input_files": {"words": "s3://ai-team/words.txt"}},
    ),
    "basic-personal-pool": evolve(BASIC, instance_type="", options=PERSONAL),
    "custom": CUSTOM,
    "custom-with-script": evolve(CUSTOM, command=(), entry_point="train.py", code=CODE, hyperparameters={"lr": 0.1}),
    "preset": PRESET,
}
MODEL = ModelSpec(
    name="m",
    version="1.0",
    artifact="s3://ai-team/mnist/out/demo/model/",
    job="modelmaker://js01/500100/500101",
    code=CODE,
    framework="tensorflow",
)
MODELS = {
    "model-basic": MODEL,
    "model-custom": evolve(MODEL, image="172.16.14.172/test/serve:v1.0", framework="", code=None),
    "model-preset": evolve(MODEL, framework="", code=None, options=PRESET.options),
}


@pytest.fixture
def shipped() -> Shipped:
    """Files of ours whose content does not change with every commit."""
    from anyfit_modelmaker.bundle import File

    files = {name: File(f"/{name}.py", 1, name) for name in ("launcher", "platform", "predict", "inference")}
    return Shipped(**files)


@pytest.fixture
def backend(shipped: Shipped, tmp_path: Path) -> ModelMakerBackend:
    """A backend without an account: planning needs none."""
    backend = ModelMakerBackend(SETTINGS, tmp_path)
    backend._shipped = shipped
    return backend


def plain(value: Any) -> Any:
    """The value without the digests that name folders: they change with everything that they are made of."""
    return json.loads(re.sub(r"/[0-9a-f]{16}/", "/DIGEST/", json.dumps(value)))


def golden(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", JOBS)
def test_job(backend: ModelMakerBackend, name: str) -> None:
    """A job of every framework type is planned as the documents have it."""
    plan: Plan = backend.plan(JOBS[name], CATALOG)

    shown = {
        "uploads": [upload.target for upload in plan.uploads],
        "requests": to_data(plan.requests),
        "notes": [f"{note.field}: {note.match.value}" for note in plan.notes],
    }

    assert plain(shown) == golden(name)


@pytest.mark.parametrize("name", MODELS)
def test_model(shipped: Shipped, name: str) -> None:
    """A model of every framework type is made as the documents have it."""
    body, uploads = model_request(MODELS[name], CATALOG, SETTINGS, shipped)

    assert plain({"uploads": [upload.target for upload in uploads], "body": body}) == golden(name)


def test_service() -> None:
    """A service of two models is made as the documents have it."""
    variants = (
        Variant(model=str(ModelRef("modelmaker", "js01", "500103")), weight=3, instance_type="500151"),
        Variant(
            model=str(ModelRef("modelmaker", "js01", "500104")),
            weight=1,
            instance_type="cpu:4+",
            instance_count=2,
            environment={"THREADS": "2"},
        ),
    )

    assert service_request(EndpointSpec(name="svc", variants=variants), CATALOG.offerings) == golden("service")


def test_example_of_the_schema(backend: ModelMakerBackend) -> None:
    """The body has the members of the vendor's own example for the first type, no more and no fewer."""
    body = backend.plan(BASIC, CATALOG).requests[0].body
    example = (
        "name type resourceId volumeSize instance maxRuntime description resourcePoolType customResource codeUrl"
        " codeVersion gitInfo frameworkId startup startupType parameters inputFiles dataUrl output monitors"
    )

    assert set(body) == set(example.split())
    assert body["parameters"] == [{"name": "lr", "value": "0.1"}]
    assert body["dataUrl"] == "s3://ai-team/mnist/data/"
