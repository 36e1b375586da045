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

from anyfit.backend import Catalog, Plan
from anyfit.codec import to_data
from anyfit.spec import Channel, Code, JobSpec
from anyfit_modelarts.backend import ModelArtsBackend
from anyfit_modelarts.bundle import File, Shipped
from anyfit_modelarts.catalog import frameworks, offerings
from anyfit_modelarts.settings import Settings
from anyfit_modelarts.wire import Engine, Flavor

HERE = Path(__file__).parent
CODE = Code(digest="c0de" * 16, archive="/code.tar.gz", size=10, files=1)
FLAVORS = {
    "v1": [
        Flavor(code="modelarts.vm.cpu.2u", cpus=2, memory_gib=8, max_nodes=1),
        Flavor(code="modelarts.vm.cpu.8u", cpus=8, memory_gib=32, max_nodes=1),
        Flavor(code="modelarts.vm.gpu.v100", cpus=8, memory_gib=64, gpu_model="V100", gpu_count=1, max_nodes=4),
    ],
    "v2": [
        Flavor(code="modelarts.vm.cpu.2u", cpus=2, memory_gib=8, max_nodes=1),
        Flavor(code="modelarts.vm.cpu.8u", cpus=8, memory_gib=32, max_nodes=16),
    ],
}
PYTORCH = "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"
ENGINES = {
    "v1": [
        Engine("3", "TensorFlow", "TF-1.8.0-python2.7"),
        Engine("4", "TensorFlow", "TF-1.8.0-python3.6"),
        Engine("501", "MXNet", "MXNet-1.2.1-python2.7"),
    ],
    "v2": [Engine(PYTORCH, "PyTorch", PYTORCH)],
}
TUTORIAL = JobSpec(
    name="mnist-demo_1",
    framework="tensorflow",
    framework_version="1.8",
    hyperparameters={"epochs": 3, "lr": 0.01},
    inputs={"training": Channel(uri="obs://demo/data/")},
    output_path="obs://demo/out/",
    instance_type="modelarts.vm.cpu.8u",
    options={"code_dir": "obs://demo/code/", "boot_file": "train.py", "log_path": "obs://demo/log/"},
)
VERSION = evolve(TUTORIAL, version=2, options={**TUTORIAL.options, "pre_version_id": 278813})
DATASET = {"dataset_id": "38277e62-9e59-48f4-8d89-c8cf41622c24", "dataset_version_id": "2ff0d6ba-c480-45ae-be41"}
SCRIPT = evolve(TUTORIAL, entry_point="train.py", code=CODE, options={})
IMAGE = JobSpec(
    name="custom",
    image="swr.cn-north-4.myhuaweicloud.com/team/train:1",
    command=("bash", "/home/work/run_train.sh", "python", "/home/work/user-job-dir/app/train.py"),
    hyperparameters={"epochs": 3},
    environment={"SEED": "7"},
    inputs={"training": Channel(uri="obs://demo/data/")},
    output_path="obs://demo/out/",
    instance_type="cpu:8",
)
V2 = JobSpec(
    name="mnist-v2",
    description="demo",
    framework="pytorch",
    framework_version="1.8",
    hyperparameters={"epochs": 3},
    environment={"SEED": "7"},
    inputs={"training": Channel(uri="obs://demo/data/")},
    output_path="obs://demo/out/",
    instance_type="modelarts.vm.cpu.8u",
    options={"code_dir": "/demo/code/", "boot_file": "/demo/code/train.py", "log_path": "/demo/log/"},
)
V2_SCRIPT = evolve(V2, entry_point="train.py", code=CODE, options={})
V2_READY = evolve(V2, framework="", framework_version="", options={})
RICH = {
    "workspace": "d7b2f9c0",
    "priority": 2,
    "preemptible": True,
    "annotations": {"fault-tolerance/job-retry-num": "3"},
    "experiment": "digits",
    "notification": {"topic_urn": "urn:smn:cn-north-4:p:jobs", "events": ["JobFailed"]},
    "volumes": [{"nfs": {"nfs_server_path": "10.0.0.1:/x", "local_path": "/mnt/x", "read_only": True}}],
    "working_dir": "/home/ma-user/work",
    "local_code_dir": "/home/ma-user/code",
}
TWO = {"train": Channel(uri="obs://demo/a/"), "test": Channel(uri="file:///x", digest="d" * 64, size=1)}
V1_JOBS = {
    "v1-tutorial": TUTORIAL,
    "v1-version-inputs": evolve(VERSION, options={**VERSION.options, "data_url": True}),
    "v1-version-dataset": evolve(VERSION, inputs={}, options={**VERSION.options, **DATASET}),
    "v1-version-data-source": evolve(VERSION, inputs={**VERSION.inputs, "test": Channel(uri="obs://demo/test/")}),
    "v1-datasets": evolve(
        TUTORIAL, inputs={}, options={**TUTORIAL.options, "datasets": {"train": DATASET, "test": DATASET}}
    ),
    "v1-script": SCRIPT,
    "v1-script-version": evolve(SCRIPT, version=2),
    "v1-image": evolve(IMAGE, instance_type="", options={"pool_id": "pool7d1e384a", "volumes": [{"nfs": {"id": "x"}}]}),
    "v1-image-script": evolve(IMAGE, command=(), entry_point="train.py", code=CODE),
    "v1-gpu": evolve(TUTORIAL, instance_type="V100:1", instance_count=4),
}
V2_JOBS = {
    "v2-documented": V2,
    "v2-script": evolve(V2_SCRIPT, checkpoint_path="obs://demo/checkpoints", max_run=5400),
    "v2-version": evolve(V2_SCRIPT, version=2),
    "v2-rich": evolve(V2_SCRIPT, options=RICH, instance_count=2, inputs=TWO),
    "v2-image": evolve(IMAGE, command=("python", "/home/ma-user/train.py"), arguments=("--flag", "a b")),
    "v2-image-script": evolve(IMAGE, command=(), entry_point="train.py", code=CODE),
    "v2-algorithm": evolve(V2_READY, options={"algorithm_id": "a1b2", **DATASET}, inputs={}),
    "v2-subscribed": evolve(V2_READY, options={"subscription_id": "s", "item_version_id": "1.0"}),
    "v2-pool": evolve(V2, instance_type="cpu=2 mem=4GB gpu:1", options={**V2.options, "pool_id": "pool7d1e384a"}),
}
JOBS = {**V1_JOBS, **V2_JOBS}


@pytest.fixture
def catalogs() -> dict[str, Catalog]:
    """What both generations offer, with either in force."""
    return {api: Catalog(offerings(FLAVORS, api), frameworks(ENGINES, api)) for api in FLAVORS}


def backend(folder: Path, api: str) -> ModelArtsBackend:
    """A backend without an account: planning needs none. Its files do not change with every commit."""
    made = ModelArtsBackend(Settings(bucket="demo", api=api), folder)  # type: ignore[arg-type]
    made._shipped = Shipped(*(File(f"/{name}.py", 1, name) for name in ("launcher", "platform", "store")))
    return made


def plain(value: Any) -> Any:
    """The value without the digests that name folders: they change with everything that they are made of."""
    return json.loads(re.sub(r"/[0-9a-f]{16}/", "/DIGEST/", json.dumps(value)))


def golden(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", JOBS)
def test_job(catalogs: dict[str, Catalog], tmp_path: Path, name: str) -> None:
    """A job of every kind is planned as the documents have it."""
    api = name[:2]
    plan: Plan = backend(tmp_path, api).plan(JOBS[name], catalogs[api])
    shown = {
        "uploads": [upload.target for upload in plan.uploads],
        "requests": to_data(plan.requests),
        "notes": [f"{note.field}: {note.match.value}" for note in plan.notes],
    }

    assert plain(shown) == golden(name)


@pytest.mark.parametrize("name", JOBS)
def test_generation_of_a_job(catalogs: dict[str, Catalog], tmp_path: Path, name: str) -> None:
    """The generation that a job names for itself makes the same request as the one that is configured."""
    api = name[:2]
    other = {"v1": "v2", "v2": "v1"}[api]
    spec = evolve(JOBS[name], instance_count=1)
    theirs = evolve(spec, options={**spec.options, "api": api})
    here = backend(tmp_path, api).plan(spec, catalogs[api])
    there = backend(tmp_path, other).plan(theirs, catalogs[other])

    assert plain(to_data(here.requests)) == plain(to_data(there.requests))


TUTORIAL_CONFIG: dict[str, Any] = {
    "worker_server_num": 1,
    "flavor": {"code": "modelarts.vm.cpu.8u"},
    "engine_id": 4,
    "app_url": "/demo/code/",
    "boot_file_url": "/demo/code/train.py",
    "parameter": [{"label": "epochs", "value": "3"}, {"label": "lr", "value": "0.01"}],
    "data_source": [{"type": "obs", "data_url": "/demo/data/"}],
    "train_url": "/demo/out/",
    "log_url": "/demo/log/",
}
V2_BODY = {
    "kind": "job",
    "metadata": {"name": "mnist-v2", "description": "demo"},
    "algorithm": {
        "code_dir": "/demo/code/",
        "boot_file": "/demo/code/train.py",
        "engine": {"engine_id": PYTORCH},
        "parameters": [{"name": "epochs", "value": "3"}],
        "inputs": [{"name": "data_url", "remote": {"obs": {"obs_url": "/demo/data/"}}}],
        "outputs": [{"name": "train_url", "remote": {"obs": {"obs_url": "/demo/out/"}}}],
        "environments": {"SEED": "7"},
    },
    "spec": {
        "resource": {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1},
        "log_export_path": {"obs_url": "/demo/log/"},
    },
}


def test_tutorial_word_for_word(catalogs: dict[str, Catalog], tmp_path: Path) -> None:
    """The body of the vendor's tutorial is made from neutral words, and nothing else is in it."""
    body = backend(tmp_path, "v1").plan(TUTORIAL, catalogs["v1"]).requests[0].body

    assert body == {"job_name": "mnist-demo_1", "job_desc": "", "workspace_id": "0", "config": TUTORIAL_CONFIG}


def test_second_generation_word_for_word(catalogs: dict[str, Catalog], tmp_path: Path) -> None:
    """So is that of the second generation; only the limit of its time is added."""
    body = to_data(backend(tmp_path, "v2").plan(V2, catalogs["v2"]).requests[0].body)

    assert body["spec"].pop("auto_stop") == {"time_unit": "HOURS", "duration": 24}
    assert body == V2_BODY


@pytest.mark.parametrize(
    ("name", "data", "more"),
    [
        ("v1-version-inputs", {"data_url": "/demo/data/"}, []),
        ("v1-version-dataset", DATASET, []),
        (
            "v1-version-data-source",
            {"data_source": [{"type": "obs", "data_url": "/demo/data/"}, {"type": "obs", "data_url": "/demo/test/"}]},
            [{"label": "test_url", "value": "s3://demo/test/"}],
        ),
    ],
)
def test_version_word_for_word(
    catalogs: dict[str, Catalog], tmp_path: Path, name: str, data: dict[str, Any], more: list[Any]
) -> None:
    """A new version is the config of the job, what it derives from, and exactly one of the three kinds of data."""
    request = backend(tmp_path, "v1").plan(JOBS[name], catalogs["v1"]).requests[0]
    config = {key: value for key, value in TUTORIAL_CONFIG.items() if key != "data_source"}
    config |= {"pre_version_id": 278813, "parameter": [*config["parameter"], *more], **data}

    assert request.action == "POST /v1/{project_id}/training-jobs/{job_id}/versions"
    assert request.body == {"job_desc": "", "config": config}
