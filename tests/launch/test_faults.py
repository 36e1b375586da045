"""Every fault of the launcher is one clear line and its own exit code; the script's faults stay the script's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit.launch import launcher_path

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def launch_file(job: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(launcher_path()), str(job)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ}, timeout=60)


def assert_fault(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The last line is ours and says all the words; nowhere is a traceback."""
    line = done.stderr.splitlines()[-1]
    assert done.returncode == code, done.stderr
    assert line.startswith("anyfit: ")
    assert [word for word in words if word not in line] == []
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["not JSON"]),
        ("[]", ["not a JSON object"]),
        ('{"format": 2, "entry_point": "t.py"}', ["format 2", "reads 1"]),
        ("{}", ["entry_point", "command"]),
        ('{"entry_point": 3}', ["entry_point must be text", "3"]),
        ('{"command": "ls"}', ["command must be a list of text"]),
        ('{"entry_point": "t.py", "convention": "x"}', ["convention", "sagemaker, ti, modelarts"]),
        ('{"entry_point": "t.py", "instance_count": 0}', ["instance_count", "from 1"]),
        ('{"entry_point": "t.py", "environment": {"A": 1}}', ["environment", "object of text"]),
        ('{"entry_point": "t.py", "install_requirements": "yes"}', ["install_requirements", "true or false"]),
        ('{"entry_point": "t.py", "hyperparameters": []}', []),
    ],
)
def test_a_wrong_job_file_names_the_key(tmp_path: Path, text: str, words: list[str]) -> None:
    """Exit code 64."""
    job = tmp_path / "job.json"
    job.write_text(text)

    done = launch_file(job, ANYFIT_WORLD=json.dumps({"base_dir": str(tmp_path)}))

    if words:
        assert_fault(done, 64, "job.json", *words)
    else:
        assert_fault(done, 66)


def test_a_missing_job_file_is_named(tmp_path: Path) -> None:
    """Exit code 64."""
    assert_fault(launch_file(tmp_path / "none.json"), 64, "none.json", "No such file")


def test_an_unknown_option_shows_the_usage() -> None:
    """Exit code 64."""
    assert_fault(launch_file(Path("--help")), 64, "usage")


@pytest.mark.parametrize("entry", ["../t.py", "/abs/t.py", "-c", "a/../../t.py"])
def test_an_entry_point_outside_the_code_directory_is_refused(run: Run, entry: str) -> None:
    """Exit code 66."""
    assert_fault(run(entry_point=entry), 66, entry, "relative")


def test_a_missing_entry_point_tells_what_is_there(run: Run, code: Path) -> None:
    """Exit code 66."""
    (code / "trian.py").write_text("")

    assert_fault(run(entry_point="train.py"), 66, "train.py", "trian.py")


def test_an_entry_point_of_no_known_kind_is_refused(run: Run, code: Path) -> None:
    """Exit code 66: neither Python, shell nor executable; neither program nor package."""
    (code / "notes.txt").write_text("")
    (code / "empty").mkdir()

    assert_fault(run(entry_point="notes.txt"), 66, "notes.txt", "executable")
    assert_fault(run(entry_point="empty"), 66, "empty", "__main__.py")


def test_a_missing_python_path_is_named(run: Run) -> None:
    """Exit code 66."""
    assert_fault(run("", python_paths=["lib"]), 66, "lib")


def test_requirements_that_cannot_be_installed_end_the_job(run: Run, code: Path, tmp_path: Path) -> None:
    """Exit code 69, after pip's own words; the script does not run."""
    (code / "requirements.txt").write_text("./missing-1.0-py3-none-any.whl\n")

    done = run("print('ran')", install_requirements=True, environment={"PIP_NO_INDEX": "1"})

    assert_fault(done, 69, "requirements", "exit code 1")
    assert "missing-1.0" in done.stderr
    assert "ran" not in done.stdout
    assert "requirements" in (tmp_path / "output" / "failure").read_text()


def test_a_program_that_is_not_there_cannot_be_started(run: Run, code: Path) -> None:
    """Exit code 71."""
    (code / "bad").write_text("#!/no/such/interpreter\n")
    (code / "bad").chmod(0o755)

    assert_fault(run(command=["no-such-program"]), 71, "no-such-program", "PATH")
    assert_fault(run(entry_point="bad"), 71, "bad", "No such file")


def test_hyperparameters_too_large_for_a_process_are_explained(run: Run) -> None:
    """Exit code 71."""
    assert_fault(run("", hyperparameters={"big": "x" * 200_000}), 71, "too large", "channel")


def test_a_value_that_no_process_can_take_is_explained(run: Run) -> None:
    """Exit code 64: an environment has no NUL."""
    assert_fault(run("", hyperparameters={"bad": "a\0b"}), 64, "NUL")


def test_a_directory_that_cannot_be_made_is_named(run: Run, tmp_path: Path) -> None:
    """Exit code 73: a file stands in the way (permissions would not stop root)."""
    (tmp_path / "model").write_text("")

    assert_fault(run(""), 73, str(tmp_path / "model"))


@pytest.mark.parametrize(
    ("world", "words"),
    [
        ("{", ["ANYFIT_WORLD is not JSON"]),
        ('{"hosts": ["a"], "current_host": "b"}', ["current_host", "'b'"]),
        ('{"hosts": "a"}', ["hosts must be a list of text"]),
        ('{"num_gpus": -1}', ["num_gpus"]),
        ('{"dirs": {"code": 1}}', ["dirs"]),
    ],
)
def test_a_wrong_world_names_the_key(tmp_path: Path, world: str, words: list[str]) -> None:
    """Exit code 78."""
    job = tmp_path / "job.json"
    job.write_text('{"entry_point": "t.py"}')

    assert_fault(launch_file(job, ANYFIT_WORLD=world), 78, *words)


@pytest.mark.parametrize("code_wanted", [0, 1, 2, 3, 64, 78, 100, 255])
def test_the_exit_code_is_the_script_s(run: Run, tmp_path: Path, code_wanted: int) -> None:
    """Any code is kept, also those that the launcher uses itself; only the launcher says `anyfit:`."""
    done = run(f"import sys; sys.exit({code_wanted})")

    assert done.returncode == code_wanted
    assert done.stderr == ""
    assert (tmp_path / "output" / "success").exists() is (code_wanted == 0)


def test_a_traceback_is_the_script_s_alone(run: Run, tmp_path: Path) -> None:
    """An exception ends 1, its traceback shows the script's lines only, and the failure file tells the command."""
    done = run("def f():\n    raise ValueError('no good')\nf()", hyperparameters={"lr": 0.1})

    failure = (tmp_path / "output" / "failure").read_text()
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: no good\n")
    assert "anyfit" not in done.stderr
    assert failure.splitlines()[:3] == [
        "ExecuteUserScriptError:",
        "ExitCode 1",
        'ErrorMessage "the script ended with exit code 1"',
    ]
    assert failure.splitlines()[3] == f'Command "{sys.executable} train.py --lr 0.1"'


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT", "SIGTERM", "SIGFPE"])
def test_a_script_that_a_signal_ended_ends_the_launcher_so(run: Run, tmp_path: Path, name: str) -> None:
    """The supervisor sees the same signal as without a launcher, and no second core is written."""
    number = signal.Signals[name]
    source = f"import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.kill(os.getpid(), {number:d})"

    done = run(source)

    assert done.returncode == -number
    failure = (tmp_path / "output" / "failure").read_text()
    assert f"ExitCode {128 + number}" in failure
    assert name in failure
    assert list(tmp_path.rglob("core*")) == []


def test_an_earlier_outcome_is_forgotten(run: Run, tmp_path: Path) -> None:
    """Neither outcome survives the next run."""
    run("raise SystemExit(1)")
    assert (tmp_path / "output" / "failure").exists()

    run("import os; print(os.listdir('../output'))")
    outcome: dict[str, Any] = {path.name: path for path in (tmp_path / "output").iterdir() if path.is_file()}
    assert set(outcome) == {"success"}
