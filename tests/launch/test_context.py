"""Typed access for scripts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.launch.anyfit_launch import Context

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SHOW = """
import json
from anyfit_launch import context
told = {k: v for k, v in vars(context()).items()}
told["is_master"] = context().is_master
told["train"] = context().channel("train")
try:
    context().channel("trian")
except KeyError as fault:
    told["fault"] = fault.args[0]
print(json.dumps(told))
"""


def test_a_script_reads_what_it_was_given(run: Run, tmp_path: Path, interpreter: str) -> None:
    """Numbers are numbers, lists are lists, hyperparameters keep their types."""
    done = run(
        SHOW,
        python=interpreter,
        hyperparameters={"epochs": 3, "flag": True, "none": None},
        channels={"train": {"uri": "a"}, "my-data": {"uri": "b"}},
        arguments=["-v"],
        backend="local",
        region="here",
        instance_type="cpu=1",
        output_uri="file:///o",
        world={"hosts": ["a", "b"], "current_host": "b", "num_gpus": 0, "master_addr": "127.0.0.1"},
    )

    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "job_name": "job",
        "backend": "local",
        "region": "here",
        "instance_type": "cpu=1",
        "instance_count": 1,
        "distribution": "none",
        "output_uri": "file:///o",
        "checkpoint_uri": "",
        "entry_point": "train.py",
        "arguments": ["--epochs", "3", "--flag", "True", "--none", "", "-v"],
        "code_dir": f"{tmp_path}/code",
        "data_dir": f"{tmp_path}/input/data",
        "model_dir": f"{tmp_path}/model",
        "output_dir": f"{tmp_path}/output/data",
        "intermediate_dir": f"{tmp_path}/output/intermediate",
        "checkpoint_dir": f"{tmp_path}/checkpoints",
        "hyperparameters": {"epochs": 3, "flag": True, "none": None},
        "channels": {"train": f"{tmp_path}/input/data/train", "my-data": f"{tmp_path}/input/data/my-data"},
        "hosts": ["a", "b"],
        "current_host": "b",
        "num_cpus": 2,
        "num_gpus": 0,
        "rank": 1,
        "world_size": 2,
        "local_rank": 0,
        "local_world_size": 1,
        "node_rank": 1,
        "master_addr": "127.0.0.1",
        "master_port": 29500,
        "is_master": False,
        "train": f"{tmp_path}/input/data/train",
        "fault": "no channel trian; this job's channels: train, my-data",
    }


def test_without_a_job_the_context_says_so() -> None:
    """A script that is run by hand may fall back to something else."""
    with pytest.raises(LookupError, match="not started by anyfit"):
        Context({})
