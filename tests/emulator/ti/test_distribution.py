"""Jobs of several hosts: plain, with parameter servers, with MPI."""

from __future__ import annotations

import json
from typing import Any

import pytest

TENSORFLOW = "ccr.ccs.tencentyun.com/ti_public/tensorflow:1.14.0-py3"
MXNET = "ccr.ccs.tencentyun.com/ti_containers/mxnet:1.4.1-py3"
TELL = """
import json, os
words = ("TM_", "TF_", "DMLC", "MASTER", "OMPI_COMM", "NCCL")
told = {name: value for name, value in os.environ.items() if name.startswith(words)}
files = sorted(os.listdir(os.environ["TM_CHANNEL_TRAIN"])) if "TM_CHANNEL_TRAIN" in os.environ else []
root = os.environ["TM_OUTPUT_DATA_DIR"]
name = os.environ.get("OMPI_COMM_WORLD_RANK") or os.environ["TM_CURRENT_HOST"]
open(f"{root}/{name}", "w").write(json.dumps({"env": told, "files": files}))
"""


def run(rig: Any, image: str, hosts: int, **more: Any) -> tuple[list[dict[str, Any]], str]:
    """What every process was told, by its name, and the job's."""
    given = more.pop("given", {})
    job = rig.job(
        TELL,
        given=given,
        AlgorithmSpecification={"TrainingImageName": image},
        ResourceConfig={"InstanceCount": hosts, "InstanceType": "TI.MEDIUM4.2core4g"},
        **more,
    )
    assert rig.run(job)["TrainingJobStatus"] == "Completed", rig.lines(job["TrainingJobName"])
    found = rig.packed(f"runs/{job['TrainingJobName']}/output/output.tar.gz")
    return [json.loads(found[name]) for name in sorted(found)], job["TrainingJobName"]


def test_hosts_of_pytorch(rig: Any) -> None:
    """Each knows the others and the first one's port; data is copied to all, or dealt out."""
    word = rig.name()
    for name in "abc":
        rig.put(f"{word}/{name}", name)
    source = {"Bucket": rig.bucket, "KeyPrefix": word, "DataDistributionType": "ShardedByCOSKey"}
    channels = [{"ChannelName": "train", "DataSource": {"CosDataSource": source}}]
    image = "ccr.ccs.tencentyun.com/ti_containers/pytorch:1.9.0-gpu-cu101-py3"
    told, _ = run(rig, image, 2, InputDataConfig=channels)

    hosts = [one["env"]["TM_CURRENT_HOST"] for one in told]
    assert len(set(hosts)) == 2
    assert all(host.startswith("127.") for host in hosts)
    assert [json.loads(one["env"]["TM_HOSTS"]) for one in told] == [hosts, hosts]
    assert {one["env"]["MASTER_ADDR"] for one in told} == {hosts[0]}
    assert len({one["env"]["MASTER_PORT"] for one in told}) == 1
    assert [one["files"] for one in told] == [["a", "c"], ["b"]]


def test_parameter_servers_of_tensorflow(rig: Any) -> None:
    """The first host is master and also serves; the job ends although its server would not."""
    told, name = run(rig, TENSORFLOW, 3, given={"ti_parameter_server_enabled": True})

    tasks = [json.loads(one["env"]["TF_CONFIG"]) for one in told]
    cluster = tasks[0]["cluster"]
    assert [task["task"] for task in tasks] == [
        {"type": "master", "index": 0},
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
    ]
    assert [task["cluster"] for task in tasks] == [cluster] * 3
    hosts = json.loads(told[0]["env"]["TM_HOSTS"])
    assert [address.partition(":")[0] for address in (*cluster["master"], *cluster["worker"])] == hosts
    assert len({*cluster["master"], *cluster["ps"], *cluster["worker"]}) == 4
    assert rig.described(name)["TrainingJobStatus"] == "Completed"


def test_parameter_servers_of_mxnet(rig: Any) -> None:
    """Every host is a worker beside its server."""
    told, _ = run(rig, MXNET, 2, given={"ti_parameter_server_enabled": True})

    assert [one["env"]["DMLC_ROLE"] for one in told] == ["worker", "worker"]
    assert {one["env"]["DMLC_NUM_WORKER"] + one["env"]["DMLC_NUM_SERVER"] for one in told} == {"22"}
    assert {one["env"]["DMLC_PS_ROOT_URI"] for one in told} == {json.loads(told[0]["env"]["TM_HOSTS"])[0]}


def test_mpi(rig: Any) -> None:
    """As many ranks as hosts times processes; options of the user's reach `mpirun`."""
    mpi = {"ti_mpi_enabled": True, "ti_mpi_num_of_processes_per_host": 2}
    options = {"ti_mpi_custom_mpi_options": "--NCCL_DEBUG WARN -x NCCL_ALGO=Ring"}
    told, _ = run(rig, TENSORFLOW, 2, given=mpi | options)
    env = [one["env"] for one in told]

    assert [one["OMPI_COMM_WORLD_RANK"] for one in env] == ["0", "1", "2", "3"]
    assert [one["OMPI_COMM_WORLD_LOCAL_RANK"] for one in env] == ["0", "1", "0", "1"]
    assert [one["OMPI_COMM_WORLD_NODE_RANK"] for one in env] == ["0", "0", "1", "1"]
    assert {one["OMPI_COMM_WORLD_SIZE"] for one in env} == {"4"}
    assert {(one["NCCL_DEBUG"], one["NCCL_ALGO"], one["NCCL_SOCKET_IFNAME"]) for one in env} == {
        ("WARN", "Ring", "eth0")
    }


@pytest.mark.parametrize("mpi", [True, False])
def test_one_that_fails_ends_all(rig: Any, mpi: bool) -> None:
    """Whether it is a host or a rank."""
    script = "import os, sys, time\n"
    script += "me = os.environ.get('OMPI_COMM_WORLD_RANK') or os.environ['TM_CURRENT_HOST'][-1]\n"
    script += f"sys.exit(7) if me == '{1 if mpi else 2}' else time.sleep(60)"
    given = {"ti_mpi_enabled": mpi}
    resources = {"InstanceCount": 2, "InstanceType": "TI.MEDIUM4.2core4g"}
    job = rig.run(rig.job(script, given=given, ResourceConfig=resources))

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].endswith("ended with code 7")
