"""Where the launcher is: told by a platform module in the bundle, or not told at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Launch = Callable[..., "subprocess.CompletedProcess[str]"]

PLATFORM = """
import os

def world(environ, job):
    return {"base_dir": environ["ROOT"], "dirs": {"code": os.path.dirname(os.path.abspath(__file__))},
            "hosts": ["h0", "h1"], "current_host": "h0", "num_cpus": 4, "num_gpus": 1}

def note(*words):
    with open(os.path.join(os.environ["ROOT"], "notes"), "a") as file:
        file.write(" ".join(words) + "\\n")

def fetch(job, world):
    for name, channel in job.channels.items():
        with open(os.path.join(world.channel_dir(name), "data.txt"), "w") as file:
            file.write(channel["uri"])
    note("fetch", job.job_name)

def save(job, world):
    note("save", *sorted(os.listdir(world.model_dir)))

def finished(exit_code):
    note("finished", str(exit_code))
"""
TRAIN = """
import os
print(open(os.environ["SM_CHANNEL_TRAIN"] + "/data.txt").read(), os.environ["SM_NUM_GPUS"])
open(os.environ["SM_MODEL_DIR"] + "/weights", "w").close()
"""


@pytest.fixture
def launch(bundle: Path, tmp_path: Path) -> Launch:
    """Start the launcher of a bundle, without ANYFIT_WORLD, from another directory."""

    def run(
        source: str, platform: str | None = PLATFORM, max_run: int = 0, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        (bundle / "train.py").write_text(source)
        if platform is not None:
            (bundle / "anyfit_platform.py").write_text(platform)
        job = {"entry_point": "train.py", "job_name": "j1", "channels": {"train": {"uri": "obs://b/train"}}}
        (bundle / "anyfit_job.json").write_text(json.dumps({**job, "max_run": max_run}))
        command = [sys.executable, "-I", "-S", os.path.relpath(bundle / "anyfit_launch.py", tmp_path)]
        env: dict[str, Any] = {**os.environ, "ROOT": str(tmp_path / "root"), **environ}
        env.pop("ANYFIT_WORLD", None)
        (tmp_path / "root").mkdir(exist_ok=True)
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)

    return run


def notes(tmp_path: Path) -> list[str]:
    return (tmp_path / "root" / "notes").read_text().splitlines()


def test_the_platform_module_brings_and_takes(launch: Launch, tmp_path: Path) -> None:
    """Channels are fetched before the script, results saved after it, and the job file is found beside us."""
    done = launch(TRAIN)

    assert (done.stdout, done.stderr, done.returncode) == ("obs://b/train 1\n", "", 0)
    assert notes(tmp_path) == ["fetch j1", "save weights", "finished 0"]


@pytest.mark.parametrize(
    ("source", "code", "told"),
    [("raise SystemExit(3)", 3, "3"), ("import os; os.kill(os.getpid(), 15)", -15, "-15")],
)
def test_results_of_a_failed_script_are_saved_too(
    launch: Launch, tmp_path: Path, source: str, code: int, told: str
) -> None:
    """What it left may be a checkpoint; a signal is told as its negative number."""
    done = launch(source)

    assert done.returncode == code
    assert notes(tmp_path) == ["fetch j1", "save", f"finished {told}"]


def test_fetching_takes_nothing_of_the_script_s_time(launch: Launch, tmp_path: Path) -> None:
    """`max_run` counts from the script's start, however long its channels took to come."""
    watch = """
import signal, time
began = time.time()
signal.alarm = lambda seconds: note("alarm", str(seconds))
def fetch(job, world):
    time.time = lambda: began + 100.5
"""
    done = launch("", PLATFORM + watch, max_run=4)

    assert done.returncode == 0, done.stderr
    assert notes(tmp_path) == ["alarm 4", "alarm 0", "save", "finished 0"]


@pytest.mark.parametrize(
    ("broken", "code", "words"),
    [
        ("def world(environ, job): return 1 / 0", 70, "where it is: ZeroDivisionError"),
        ("import nothing_of_that_name", 70, "cannot be imported: ModuleNotFoundError"),
        ("def world(environ, job): return []", 78, "not a JSON object"),
        (PLATFORM + "def fetch(job, world): raise OSError('net down')", 74, "fetched: OSError: net down"),
        (PLATFORM + "def save(job, world): raise OSError('bucket full')", 75, "saved: OSError: bucket full"),
    ],
)
def test_faults_of_the_platform_module_are_told(
    launch: Launch, broken: str, code: int, words: str, tmp_path: Path
) -> None:
    """One line, an exit code of its own, and the outcome is failure."""
    done = launch("", broken)

    assert done.returncode == code
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    if code in (74, 75):
        assert "anyfit: " in (tmp_path / "root" / "output" / "failure").read_text()
        assert not (tmp_path / "root" / "output" / "success").exists()
        assert notes(tmp_path)[-1] == f"finished {code}"


def test_a_fault_while_saving_does_not_hide_the_script_s(launch: Launch) -> None:
    """The exit code is the script's, the fault is told."""
    done = launch("raise SystemExit(3)", PLATFORM + "def save(job, world): raise OSError('full')")

    assert done.returncode == 3
    assert done.stderr == "anyfit: the results cannot be saved: OSError: full\n"


def test_a_bare_container_needs_no_word(launch: Launch, tmp_path: Path, bundle: Path) -> None:
    """One host, the code beside the launcher, the tree where SageMaker's variable says."""
    source = "import os; print(os.getcwd(), os.environ['SM_HOSTS'], os.environ['SM_MODEL_DIR'])"

    done = launch(source, platform=None, SAGEMAKER_BASE_DIR=str(tmp_path / "ml"))

    assert done.stdout == f'{bundle} ["algo-1"] {tmp_path}/ml/model\n'
    assert (tmp_path / "ml" / "output" / "success").exists()


def test_a_world_in_the_environment_wins(launch: Launch, tmp_path: Path, bundle: Path) -> None:
    """The platform module is not even imported then."""
    world = {"base_dir": str(tmp_path / "w"), "dirs": {"code": str(bundle)}}
    (bundle / "train.py").write_text("print('ran')")
    (bundle / "anyfit_platform.py").write_text("raise SystemExit('imported')")
    (bundle / "anyfit_job.json").write_text('{"entry_point": "train.py"}')

    done = subprocess.run(
        [sys.executable, "-I", "-S", str(bundle / "anyfit_launch.py")],
        env={**os.environ, "ANYFIT_WORLD": json.dumps(world)},
        capture_output=True,
        text=True,
    )

    assert (done.stdout, done.returncode) == ("ran\n", 0)
