"""What a script finds in its environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit.launch import launcher_path

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Dump = Callable[..., tuple[list[str], dict[str, str]]]

HYPERPARAMETERS = {
    "lr": 0.001,
    "batch-size": 256,
    "layers": [64, 32],
    "use_amp": False,
    "communicator": "pure_nccl",
    "name": "plain text",
    "none": None,
    "opt": {"beta2": 0.99, "beta1": 0.9},
    "x": 3,
    "sagemaker_mpi_enabled": False,
}
TWO_HOSTS = {
    "hosts": ["algo-1", "algo-2"],
    "current_host": "algo-1",
    "master_addr": "algo-1",
    "master_port": 7777,
}


@pytest.fixture
def job() -> dict[str, Any]:
    """Two channels, two hosts, hyperparameters of each type: what the toolkit was asked for the reference."""
    return {
        "channels": {"train": {"uri": "s3://b/train"}, "test": {"uri": "s3://b/test"}},
        "hyperparameters": HYPERPARAMETERS,
        "instance_type": "ml.c5.xlarge",
        "instance_count": 2,
        "region": "eu-west-1",
        "code_uri": "s3://bucket/job/source/sourcedir.tar.gz",
        "world": TWO_HOSTS,
    }


def sagemaker_golden(root: str) -> dict[str, str]:
    """The table of the reference, with this root for /opt/ml."""
    group = '{"hosts":["algo-1","algo-2"],"instance_group_name":"homogeneousCluster","instance_type":"ml.c5.xlarge"}'
    file_mode = '{"RecordWrapperType":"None","S3DistributionType":"FullyReplicated","TrainingInputMode":"File"}'
    user = (
        '["--batch-size","256","--communicator","pure_nccl","--layers","[64, 32]","--lr","0.001",'
        '"--name","plain text","--none","","--opt","beta1=0.9,beta2=0.99","--use_amp","False","-x","3"]'
    )
    return {
        "SM_CHANNELS": '["test","train"]',
        "SM_CHANNEL_TRAIN": f"{root}/input/data/train",
        "SM_CHANNEL_TEST": f"{root}/input/data/test",
        "SM_CURRENT_HOST": "algo-1",
        "SM_HOSTS": '["algo-1","algo-2"]',
        "SM_CURRENT_INSTANCE_TYPE": "ml.c5.xlarge",
        "SM_CURRENT_INSTANCE_GROUP": "homogeneousCluster",
        "SM_CURRENT_INSTANCE_GROUP_HOSTS": '["algo-1","algo-2"]',
        "SM_INSTANCE_GROUPS": '["homogeneousCluster"]',
        "SM_INSTANCE_GROUPS_DICT": '{"homogeneousCluster":' + group + "}",
        "SM_DISTRIBUTION_INSTANCE_GROUPS": "[]",
        "SM_IS_HETERO": "false",
        "SM_NETWORK_INTERFACE_NAME": "eth0",
        "SM_NUM_CPUS": "2",
        "SM_NUM_GPUS": "0",
        "SM_NUM_NEURONS": "0",
        "SM_HPS": '{"batch-size":256,"communicator":"pure_nccl","layers":[64,32],"lr":0.001,"name":"plain text",'
        '"none":null,"opt":{"beta1":0.9,"beta2":0.99},"use_amp":false,"x":3}',
        "SM_HP_BATCH-SIZE": "256",
        "SM_HP_BATCH_SIZE": "256",
        "SM_HP_COMMUNICATOR": "pure_nccl",
        "SM_HP_LAYERS": "[64,32]",
        "SM_HP_LR": "0.001",
        "SM_HP_NAME": "plain text",
        "SM_HP_NONE": "",
        "SM_HP_OPT": '{"beta1":0.9,"beta2":0.99}',
        "SM_HP_USE_AMP": "false",
        "SM_HP_X": "3",
        "SM_USER_ARGS": user,
        "SM_USER_ENTRY_POINT": "train.py",
        "SM_MODULE_NAME": "train",
        "SM_MODULE_DIR": "s3://bucket/job/source/sourcedir.tar.gz",
        "SM_MODEL_DIR": f"{root}/model",
        "SM_INPUT_DIR": f"{root}/input",
        "SM_INPUT_CONFIG_DIR": f"{root}/input/config",
        "SM_OUTPUT_DIR": f"{root}/output",
        "SM_OUTPUT_DATA_DIR": f"{root}/output/data",
        "SM_OUTPUT_INTERMEDIATE_DIR": f"{root}/output/intermediate",
        "SM_INPUT_DATA_CONFIG": f'{{"test":{file_mode},"train":{file_mode}}}',
        "SM_RESOURCE_CONFIG": '{"current_group_name":"homogeneousCluster","current_host":"algo-1",'
        '"current_instance_type":"ml.c5.xlarge","hosts":["algo-1","algo-2"],"instance_groups":['
        + group
        + '],"network_interface_name":"eth0"}',
        "SM_FRAMEWORK_MODULE": "",
        "SM_FRAMEWORK_PARAMS": '{"sagemaker_mpi_enabled":false}',
        "SM_LOG_LEVEL": "20",
        "SM_INPUT_DATA_DIR": f"{root}/input/data",
        "SM_OUTPUT_FAILURE": f"{root}/output/failure",
        "SM_MASTER_ADDR": "algo-1",
        "SM_MASTER_PORT": "7777",
        "SM_SOURCE_DIR": f"{root}/code",
        "SM_ENTRY_SCRIPT": "train.py",
        "SM_HOST_COUNT": "2",
        "SM_CURRENT_HOST_RANK": "0",
        "SM_DISTRIBUTED_DRIVER_DIR": str(launcher_path().parent),
        "SM_DISTRIBUTED_CONFIG": "{}",
    }


def test_sagemaker_variables_are_those_of_the_toolkit(dump: Dump, job: dict[str, Any], tmp_path: Path) -> None:
    """Every SM_* of the reference is there, character by character, and no other."""
    argv, env = dump(**job)

    seen = {name: value for name, value in env.items() if name.startswith("SM_")}
    training_env = json.loads(seen.pop("SM_TRAINING_ENV"))
    assert seen == sagemaker_golden(str(tmp_path))
    assert json.loads(seen["SM_USER_ARGS"]) == argv
    assert {name: env[name] for name in ("SAGEMAKER_JOB_NAME", "TRAINING_JOB_NAME", "CURRENT_HOST")} == {
        "SAGEMAKER_JOB_NAME": "job",
        "TRAINING_JOB_NAME": "job",
        "CURRENT_HOST": "algo-1",
    }
    assert env["SAGEMAKER_REGION"] == "eu-west-1"
    assert training_env["is_master"] is True
    assert training_env["master_hostname"] == "algo-1"
    assert training_env["job_name"] == "job"
    assert training_env["is_modelparallel_enabled"] is None
    assert training_env["additional_framework_parameters"] == {"sagemaker_mpi_enabled": False}
    assert training_env["channel_input_dirs"]["train"] == f"{tmp_path}/input/data/train"
    assert training_env["hyperparameters"]["layers"] == [64, 32]


def test_tencent_variables_are_those_of_the_documents(dump: Dump, job: dict[str, Any], tmp_path: Path) -> None:
    """Every TM_* of the reference is there, with its own JSON spacing, and no other."""
    hyperparameters = {"lr": 0.1, "learning-rate": 0.2, "name": "abc", "ti_job_name": "hidden"}
    job.update(convention="ti", hyperparameters=hyperparameters)

    argv, env = dump(**job)

    assert argv == ["--lr", "0.1", "--learning-rate", "0.2", "--name", "abc"]
    assert {name: value for name, value in env.items() if name.startswith("TM_")} == {
        "TM_MODEL_DIR": f"{tmp_path}/model",
        "TM_NUM_GPUS": "0",
        "TM_NUM_CPUS": "2",
        "TM_OUTPUT_DATA_DIR": f"{tmp_path}/output/data",
        "TM_CHANNEL_TRAIN": f"{tmp_path}/input/data/train",
        "TM_CHANNEL_TEST": f"{tmp_path}/input/data/test",
        "TM_CHANNELS": '["train", "test"]',
        "TM_HPS": '{"lr": 0.1, "learning-rate": 0.2, "name": "abc"}',
        "TM_HP_LR": "0.1",
        "TM_HP_LEARNING-RATE": "0.2",
        "TM_HP_NAME": "abc",
        "TM_HOSTS": '["algo-1", "algo-2"]',
        "TM_CURRENT_HOST": "algo-1",
        "TM_NETWORK_INTERFACE_NAME": "eth0",
        "TM_USER_ENTRY_POINT": "train.py",
        "TM_LOG_LEVEL": "20",
        "TM_INPUT_CONFIG_DIR": f"{tmp_path}/input/config",
        "TM_INPUT_DIR": f"{tmp_path}/input",
        "TM_USER_ARGS": json.dumps(argv),
    }


def test_canonical_variables_are_complete(dump: Dump, job: dict[str, Any], tmp_path: Path) -> None:
    """ANYFIT_* says all there is to say about the job and the node."""
    job.update(backend="local", output_uri="s3://b/out", checkpoint_uri="s3://b/ckpt")

    argv, env = dump(**job)

    seen = {name: value for name, value in env.items() if name.startswith("ANYFIT_")}
    assert json.loads(seen.pop("ANYFIT_HPS")) == HYPERPARAMETERS
    assert json.loads(seen.pop("ANYFIT_ARGS")) == argv
    assert {name: seen.pop(name) for name in list(seen) if name.startswith("ANYFIT_HP_")} == {
        "ANYFIT_HP_BATCH_SIZE": "256",
        "ANYFIT_HP_COMMUNICATOR": "pure_nccl",
        "ANYFIT_HP_LAYERS": "[64,32]",
        "ANYFIT_HP_LR": "0.001",
        "ANYFIT_HP_NAME": "plain text",
        "ANYFIT_HP_NONE": "",
        "ANYFIT_HP_OPT": '{"beta1":0.9,"beta2":0.99}',
        "ANYFIT_HP_SAGEMAKER_MPI_ENABLED": "false",
        "ANYFIT_HP_USE_AMP": "false",
        "ANYFIT_HP_X": "3",
    }
    assert seen == {
        "ANYFIT_JOB_NAME": "job",
        "ANYFIT_JOB_BACKEND": "local",
        "ANYFIT_JOB_REGION": "eu-west-1",
        "ANYFIT_JOB_INSTANCE_TYPE": "ml.c5.xlarge",
        "ANYFIT_INSTANCE_COUNT": "2",
        "ANYFIT_OUTPUT_URI": "s3://b/out",
        "ANYFIT_CHECKPOINT_URI": "s3://b/ckpt",
        "ANYFIT_DISTRIBUTION": "none",
        "ANYFIT_CONVENTION": "sagemaker",
        "ANYFIT_ENTRY_POINT": "train.py",
        "ANYFIT_BASE_DIR": str(tmp_path),
        "ANYFIT_CODE_DIR": f"{tmp_path}/code",
        "ANYFIT_CONFIG_DIR": f"{tmp_path}/input/config",
        "ANYFIT_DATA_DIR": f"{tmp_path}/input/data",
        "ANYFIT_MODEL_DIR": f"{tmp_path}/model",
        "ANYFIT_OUTPUT_DIR": f"{tmp_path}/output/data",
        "ANYFIT_INTERMEDIATE_DIR": f"{tmp_path}/output/intermediate",
        "ANYFIT_CHECKPOINT_DIR": f"{tmp_path}/checkpoints",
        "ANYFIT_CHANNELS": '["train","test"]',
        "ANYFIT_CHANNEL_TRAIN": f"{tmp_path}/input/data/train",
        "ANYFIT_CHANNEL_TEST": f"{tmp_path}/input/data/test",
        "ANYFIT_HOSTS": '["algo-1","algo-2"]',
        "ANYFIT_CURRENT_HOST": "algo-1",
        "ANYFIT_NUM_CPUS": "2",
        "ANYFIT_NUM_GPUS": "0",
        "ANYFIT_RANK": "0",
        "ANYFIT_WORLD_SIZE": "2",
        "ANYFIT_LOCAL_RANK": "0",
        "ANYFIT_LOCAL_WORLD_SIZE": "1",
        "ANYFIT_NODE_RANK": "0",
    }


def test_layout_and_configuration_files_are_there(dump: Dump, job: dict[str, Any], tmp_path: Path) -> None:
    """The tree of /opt/ml stands below the base directory, and hyperparameters keep their types."""
    dump(**job)

    config = tmp_path / "input" / "config"
    assert json.loads((config / "hyperparameters.json").read_text()) == HYPERPARAMETERS
    assert set(json.loads((config / "inputdataconfig.json").read_text())) == {"train", "test"}
    assert json.loads((config / "resourceconfig.json").read_text())["hosts"] == ["algo-1", "algo-2"]
    for place in ("input/data/train", "input/data/test", "model", "output/intermediate", "checkpoints"):
        assert (tmp_path / place).is_dir()
    assert (tmp_path / "output" / "success").read_text() == "success"
    assert not (tmp_path / "output" / "failure").exists()


def test_directories_off_the_layout_are_taken(dump: Dump, tmp_path: Path) -> None:
    """A world may put single directories and channels elsewhere."""
    dirs = {"model": str(tmp_path / "kept"), "data": str(tmp_path / "in")}
    channels = {"b": str(tmp_path / "mounted")}

    _, env = dump(channels={"a": {"uri": ""}, "b": {"uri": ""}}, world={"dirs": dirs, "channels": channels})

    assert env["ANYFIT_MODEL_DIR"] == str(tmp_path / "kept")
    assert env["SM_CHANNEL_A"] == str(tmp_path / "in" / "a")
    assert env["TM_CHANNEL_B"] == str(tmp_path / "mounted")


def test_the_user_environment_passes_but_does_not_win(dump: Dump, tmp_path: Path) -> None:
    """The user's variables are above the machine's and below the launcher's."""
    user = {"MINE": "1", "HOME": "/elsewhere", "SM_MODEL_DIR": "/no", "PYTHONPATH": "/extra"}

    _, env = dump(environment=user, environ={"MACHINE": "yes", "MINE": "0"})

    assert env["MINE"] == "1"
    assert env["MACHINE"] == "yes"
    assert env["HOME"] == "/elsewhere"
    assert env["SM_MODEL_DIR"] == f"{tmp_path}/model"
    assert env["PYTHONPATH"].split(os.pathsep)[-1] == "/extra"
    assert env["PYTHONUNBUFFERED"] == "1"
    assert "ANYFIT_WORLD" not in env


def test_python_paths_are_found_in_code_and_then_in_base(dump: Dump, code: Path, tmp_path: Path) -> None:
    """Further folders come after the code directory, the launcher's own folder after them."""
    (code / "lib").mkdir()
    (tmp_path / "shared").mkdir()

    _, env = dump(python_paths=["lib", "shared"])

    expected = [str(code), str(code / "lib"), str(tmp_path / "shared"), str(launcher_path().parent)]
    assert env["PYTHONPATH"].split(os.pathsep)[:4] == expected


def test_distributed_variables_are_always_set(dump: Dump) -> None:
    """A script may ask for its rank on one node as well; TF_CONFIG is for many."""
    _, env = dump()

    names = ("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK")
    assert [env[name] for name in names] == ["127.0.0.1", "29500", "0", "1", "0", "1", "0"]
    assert "TF_CONFIG" not in env


def test_many_nodes_get_a_tf_config_of_workers(dump: Dump, job: dict[str, Any]) -> None:
    """Each node is one worker under its own host name."""
    job["world"] = {**TWO_HOSTS, "current_host": "algo-2"}

    _, env = dump(**job)

    assert json.loads(env["TF_CONFIG"]) == {
        "cluster": {"worker": ["algo-1:7778", "algo-2:7779"]},
        "task": {"type": "worker", "index": 1},
        "environment": "cloud",
    }
    assert (env["RANK"], env["NODE_RANK"], env["WORLD_SIZE"]) == ("1", "1", "2")
    assert json.loads(env["SM_TRAINING_ENV"])["is_master"] is False


def test_modelarts_variables_come_on_request_and_yield_to_the_platform(dump: Dump, job: dict[str, Any]) -> None:
    """MA_* and VC_* are set for the modelarts convention only, and never over ModelArts' own."""
    _, without = dump(**job)
    _, env = dump(**job, convention="modelarts", environ={"MA_NUM_GPUS": "8"})

    assert "VC_TASK_INDEX" not in without
    assert (env["VC_TASK_INDEX"], env["VC_WORKER_NUM"], env["MA_NUM_HOSTS"]) == ("0", "2", "2")
    assert env["VC_WORKER_HOSTS"] == "algo-1,algo-2"
    assert env["MA_NUM_GPUS"] == "8"


@pytest.mark.parametrize("dirs", [{"config"}, {"data"}, {"config", "data"}, set(), {"train"}])
def test_inputs_are_found_wherever_they_lie(run: Run, tmp_path: Path, dirs: set[str]) -> None:
    """INPUT_DIR holds config and data with the job's channels, and only those, also where these lie elsewhere."""
    places = {name: str(tmp_path / "elsewhere" / name) for name in dirs}
    data = Path(places.get("data", tmp_path / "input" / "data"))
    train = Path(places.pop("train", data / "train"))
    train.mkdir(parents=True)
    (train / "a").write_text("A")
    script = """
import json, os
for name in ("TM_INPUT_DIR", "SM_INPUT_DIR"):
    folder = os.environ[name]
    assert json.loads(os.environ["SM_TRAINING_ENV"])["input_dir"] == folder
    print(open(folder + "/data/train/a").read(), sorted(os.listdir(folder + "/data")), os.listdir(folder + "/config"))
assert os.environ["SM_INPUT_DATA_DIR"] == folder + "/data"
"""
    world = {"dirs": places, "channels": {"train": str(train)}}
    done = run(script, channels={"train": {}}, world=world)

    assert done.returncode == 0, done.stderr
    names = ["hyperparameters.json", "inputdataconfig.json", "resourceconfig.json"]
    for line in done.stdout.splitlines():
        text, _, rest = line.partition(" ")
        assert text == "A" and rest.startswith("['train'] ")
        assert all(name in rest for name in names)
