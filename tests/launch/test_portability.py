"""The files that travel run on Python 3.6 with nothing but the standard library, and start fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.launch import inference_path, launcher_path
from pythons import assert_python_3_6

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FILES = [launcher_path(), inference_path()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_travelling_file_needs_python_3_6(path: Path) -> None:
    """vermin finds no newer syntax, module or function."""
    assert_python_3_6(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_travelling_file_is_imported_without_site_packages(path: Path, interpreter: str) -> None:
    """In every Python, with every warning an error."""
    source = f"import sys; sys.path.insert(0, {str(path.parent)!r}); import {path.stem}"
    command = [interpreter, "-I", "-S", "-B", "-W", "error", "-c", source]
    done = subprocess.run(command, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_plain_script_costs_few_imports(tmp_path: Path) -> None:
    """Nothing heavy is imported on the way of a script on one node."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text("")
    job = tmp_path / "job.json"
    job.write_text('{"entry_point": "train.py"}')
    command = [sys.executable, "-I", "-S", "-X", "importtime", str(launcher_path()), str(job)]
    world = json.dumps({"base_dir": str(tmp_path)})
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "ANYFIT_WORLD": world})

    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert {"json", "signal"} <= imported
    heavy = {"argparse", "importlib.util", "logging", "pathlib", "shutil", "socket", "subprocess", "typing"}
    assert not imported & heavy


def test_the_whole_environment_is_the_same_in_every_python(run: Run, interpreter: str) -> None:
    """Also with a plain C locale, in which Python 3.6 knows only ASCII."""
    source = "import os; print(os.environb[b'ANYFIT_HP_WORD'].decode('utf-8') == '\\u8bad')"

    done = run(
        source,
        python=interpreter,
        hyperparameters={"word": "训"},
        arguments=["训"],
        environ={"LC_ALL": "C", "LANG": "C"},
    )

    assert (done.stdout, done.stderr) == ("True\n", "")
