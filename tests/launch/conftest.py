"""Real launchers on real job files, in a directory of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from anyfit.launch import inference_path, launcher_path

Start = Callable[..., "subprocess.Popen[str]"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

DUMP = "import json, os, sys; print(json.dumps({'argv': sys.argv[1:], 'env': dict(os.environ)}))"


@cache
def found_interpreters() -> list[str]:
    """This Python and one of each other minor version that the machine has."""
    versions = Path.home() / ".pyenv" / "versions"
    found = {sys.version_info[1]: sys.executable}
    for minor in range(6, 20):
        here = shutil.which(f"python3.{minor}")
        built = [str(path) for path in versions.glob(f"3.{minor}.*/bin/python")]
        for path in [*built, *([here] if here else [])]:
            if minor not in found and subprocess.run([path, "-c", "pass"], capture_output=True).returncode == 0:
                found[minor] = path
    return [found[minor] for minor in sorted(found)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with the argument `interpreter` runs with each."""
    if "interpreter" in metafunc.fixturenames:
        paths = found_interpreters()
        metafunc.parametrize("interpreter", paths, ids=[Path(path).resolve().name for path in paths])


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The code directory."""
    path = tmp_path / "code"
    path.mkdir()
    return path


@pytest.fixture
def start(tmp_path: Path, code: Path) -> Iterator[Start]:
    """Start a launcher: `start(source, **fields of the job)`; `world=None` sets no world."""
    started: list[subprocess.Popen[str]] = []

    def launch(source: str | None = None, **options: Any) -> subprocess.Popen[str]:
        python = options.pop("python", sys.executable)
        launcher = options.pop("launcher", launcher_path())
        world = options.pop("world", {})
        outside = {name: value for name, value in os.environ.items() if not name.startswith("ANYFIT_")}
        environ = {**outside, **options.pop("environ", {})}
        if source is not None:
            (code / "train.py").write_text(source)
            options.setdefault("entry_point", "train.py")
        job = tmp_path / f"job-{len(started)}.json"
        job.write_text(json.dumps({"format": 1, "job_name": "job", **options}))
        if world is not None:
            base = {"base_dir": str(tmp_path), "num_cpus": 2, "num_gpus": 0}
            environ["ANYFIT_WORLD"] = json.dumps({**base, **world})
        process = subprocess.Popen(
            [python, "-I", "-S", str(launcher), str(job)],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=tmp_path,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)


@pytest.fixture
def run(start: Start) -> Run:
    """As `start`, and wait for the end."""

    def complete(source: str | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        process = start(source, **options)
        output, talk = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, output, talk)

    return complete


@pytest.fixture
def dump(run: Run) -> Callable[..., tuple[list[str], dict[str, str]]]:
    """Run a script that tells its arguments and its environment."""

    def told(**options: Any) -> tuple[list[str], dict[str, str]]:
        done = run(DUMP, **options)
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout)
        return seen["argv"], seen["env"]

    return told


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A directory as a cloud unpacks it: the launcher among the code."""
    path = tmp_path / "bundle"
    path.mkdir()
    shutil.copy(launcher_path(), path)
    shutil.copy(inference_path(), path)
    return path
