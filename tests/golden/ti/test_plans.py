"""Plans against the request bodies of the vendor's documents and of its SDK, member by member.

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

from anyfit.backend import Catalog
from anyfit.codec import to_data
from anyfit.spec import Channel, Code, JobSpec
from anyfit_ti.backend import TiBackend
from anyfit_ti.bundle import File, Shipped
from anyfit_ti.catalog import shipped as listed
from anyfit_ti.settings import Settings

HERE = Path(__file__).parent
BUCKET = "demo-1250000000"
CODE = Code(digest="c0de" * 16, archive="/code.tar.gz", size=10, files=1)
SETTINGS = Settings(bucket=BUCKET, region="ap-guangzhou")

SCRIPT = JobSpec(name="mnist-1", entry_point="train.py", code=CODE, output_path=f"cos://{BUCKET}/out/")
TRAIN = {"train": Channel(uri=f"cos://{BUCKET}/d/train/")}

OLD = evolve(SCRIPT, name="job-1", options={"api": "2019"}, output_path=f"cos://{BUCKET}/runs")
TENSORFLOW = evolve(
    OLD,
    framework="tensorflow",
    framework_version="1.14.0",
    py_version="py3",
    instance_type="ML.GN8.3XLARGE112",
    inputs={**TRAIN, "test": Channel(uri=f"cos://{BUCKET}/d/test/")},
)
JOBS_2019 = {
    "2019-tensorflow": TENSORFLOW,
    "2019-rich": evolve(
        OLD,
        framework="tensorflow",
        framework_version="1.14",
        instance_type="TI.SMALL2.1core2g",
        instance_count=2,
        volume_size=100,
        inputs=TRAIN,
        environment={"A": "1"},
        secrets={"TOKEN": "env:TOKEN"},
        hyperparameters={"lr": 0.1, "name": "abc", "flag": True},
        max_run=3600,
        max_wait=600,
        options={
            "api": "2019",
            "role": "MyRole",
            "subnet": "subnet-x",
            "security_groups": ["sg-1"],
            "cfs": {"words": {"id": "cfs-1", "path": "/words"}},
        },
    ),
    "2019-parameter-server": evolve(
        TENSORFLOW, instance_type="TI.MEDIUM4.2core4g", instance_count=2, distribution="parameter-server"
    ),
    "2019-mpi": evolve(
        OLD,
        framework="pytorch",
        framework_version="1.5.0",
        instance_type="TI.GN10X.4XLARGE80.2xV100",
        instance_count=2,
        distribution="mpi",
        options={"api": "2019", "processes_per_host": 2, "mpi_options": "--NCCL_DEBUG WARN"},
    ),
    "2019-image": JobSpec(
        name="job-2",
        image="ccr.ccs.tencentyun.com/mine/train:1",
        hyperparameters={"lr": 0.1},
        instance_type="cpu:4 mem:8GB",
        output_path=f"cos://{BUCKET}/runs/",
        options={"api": "2019", "cls_log": False, "retry_when_short": True},
    ),
    "2019-checkpoints": evolve(OLD, framework="mxnet", checkpoint_path=f"cos://{BUCKET}/ckpt"),
}
JOBS_2021 = {
    "2021-pytorch": evolve(
        SCRIPT, framework="pytorch", framework_version="1.9", inputs=TRAIN, hyperparameters={"lr": 0.1}
    ),
    "2021-rich": evolve(
        SCRIPT,
        framework="torch1.9-py3.8-cuda11.1-gpu",
        instance_type="TI.GN7.2XLARGE32.POST",
        instance_count=2,
        inputs=TRAIN,
        environment={"A": "1"},
        secrets={"TOKEN": "env:TOKEN"},
        tags={"team": "x"},
        description="two nodes",
        options={
            "vpc": "vpc-1",
            "subnet": "subnet-1",
            "cfs": {"words": {"id": "cfs-1", "path": "/words", "mode": "rw"}},
            "sources": {"pictures": {"DataSourceType": "DATASET", "DataSetSource": {"Id": "ds-1"}}},
            "log_set": "ls-1",
            "log_topic": "t-1",
            "callback_url": "https://example.com/done",
            "hang_minutes": 30,
            "supply": "SPOT",
            "rdma": True,
        },
    ),
    "2021-image": JobSpec(
        name="custom-1",
        image="mine.tencentcloudcr.com/team/train:1",
        command=("bash", "-c", "python train.py && ls"),
        arguments=("a b",),
        hyperparameters={"lr": 0.1},
        inputs=TRAIN,
        options={"image_registry": "tcr-1", "image_region": "ap-guangzhou"},
    ),
    "2021-resource-group": evolve(
        SCRIPT, instance_type="cpu=8 mem=32GB gpu=V100:1", options={"resource_group": "rsg-12345678"}
    ),
    "2021-mpi": evolve(
        SCRIPT,
        framework="tensorflow",
        instance_type="TI.GN10.5XLARGE80.POST",
        instance_count=2,
        distribution="mpi",
        environment={"A": "1"},
    ),
    "2021-parameter-server": evolve(SCRIPT, instance_count=3, distribution="parameter-server"),
    "2021-parameter-server-of-the-platform": evolve(SCRIPT, instance_count=2, options={"training_mode": "PS_WORKER"}),
    "2021-checkpoints": evolve(SCRIPT, inputs=TRAIN, checkpoint_path=f"cos://{BUCKET}/ckpt"),
    "2021-mounted": evolve(SCRIPT, inputs=TRAIN, checkpoint_path=f"cos://{BUCKET}/ckpt", options={"cos_mode": "COSFS"}),
}


@pytest.fixture
def backend(tmp_path: Path) -> TiBackend:
    """A backend without an account, with files of ours whose content does not change with every commit."""
    backend = TiBackend(SETTINGS, tmp_path)
    backend._shipped = Shipped(File("/launcher.py", 1, "launcher"), File("/platform.py", 1, "platform"), {"a": b"b"})
    return backend


@pytest.fixture
def catalog() -> Catalog:
    """What the documents list."""
    return listed("2021")


def plain(value: Any) -> Any:
    """The value without the digests that name folders: they change with everything that they are made of."""
    return json.loads(re.sub(r"/[0-9a-f]{16}/", "/DIGEST/", json.dumps(value)))


@pytest.mark.parametrize("name", [*JOBS_2019, *JOBS_2021])
def test_job(backend: TiBackend, catalog: Catalog, name: str) -> None:
    """A job of either generation is planned as the documents have it."""
    plan = backend.plan((JOBS_2019 | JOBS_2021)[name], catalog)
    shown = {
        "uploads": [upload.target for upload in plan.uploads],
        "requests": to_data(plan.requests),
        "notes": [f"{note.field}: {note.match.value}" for note in plan.notes],
    }

    assert plain(shown) == json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def test_body_of_the_sdk(backend: TiBackend, catalog: Catalog) -> None:
    """A job is sent with the members that the vendor's SDK sends, and decoded it means the same."""
    body = backend.plan(TENSORFLOW, catalog).requests[0].body
    members = (
        "AlgorithmSpecification OutputDataConfig ResourceConfig TrainingJobName RoleName RetryWhenResourceInsufficient"
        " StoppingCondition InputDataConfig HyperParameters"
    )
    decoded = {name: json.loads(value) for name, value in json.loads(body["HyperParameters"]).items()}

    assert set(body) == set(members.split())
    assert body["AlgorithmSpecification"] == {
        "TrainingImageName": "ccr.ccs.tencentyun.com/ti_containers/tensorflow:1.14.0-py3",
        "TrainingInputMode": "File",
    }
    assert body["ResourceConfig"] == {"InstanceCount": 1, "InstanceType": "ML.GN8.3XLARGE112", "VolumeSizeInGB": 0}
    assert body["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400, "MaxWaitTimeInSeconds": 172800}
    assert decoded["ti_job_name"] == "job-1"
    assert decoded["ti_enable_cls_log"] is True
    assert str(decoded["ti_submit_directory"]).endswith("/source/source.tar.gz")
