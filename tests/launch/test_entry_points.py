"""What may be started, and how."""

from __future__ import annotations

import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

TELL = "import os, sys; print(os.getcwd(), __name__, *sys.argv[1:])"


def test_a_python_file_runs_in_the_code_directory(run: Run, code: Path, interpreter: str) -> None:
    """The interpreter is the launcher's own, with its site packages, and every Python from 3.6 on will do."""
    source = "import os, sys, site; print(os.getcwd(), sys.version_info[:2], sys.flags.no_site, sys.argv[1:])"

    done = run(source, python=interpreter, hyperparameters={"a": [1]}, arguments=["tail"])

    assert done.stderr == ""
    version = Path(interpreter).resolve().name.replace("python3.", "")
    assert done.stdout.strip() == f"{code} (3, {version}) 0 ['-a', '[1]', 'tail']"
    assert done.returncode == 0


def test_a_file_in_a_subfolder_runs_in_the_code_directory(run: Run, code: Path) -> None:
    """Its own folder is where Python looks first, the code directory is on the path too."""
    (code / "pkg").mkdir()
    (code / "pkg" / "near.py").write_text("")
    (code / "far.py").write_text("")
    (code / "pkg" / "main.py").write_text("import near, far, os; print(os.getcwd())")

    assert run(entry_point="pkg/main.py").stdout == f"{code}\n"


def test_a_shell_script_runs_in_bash(run: Run, code: Path) -> None:
    """Arguments and the working directory are as for Python."""
    (code / "go.sh").write_text('[[ -n $BASH_VERSION ]] && echo "$PWD" "$@"; exit 5')

    done = run(entry_point="go.sh", hyperparameters={"lr": 1})

    assert (done.stdout, done.returncode) == (f"{code} --lr 1\n", 5)


def test_a_folder_with_main_is_a_program(run: Run, code: Path) -> None:
    """As `python folder` does."""
    (code / "app").mkdir()
    (code / "app" / "__main__.py").write_text(TELL)

    assert run(entry_point="app", hyperparameters={"x": 1}).stdout == f"{code} __main__ -x 1\n"


@pytest.mark.parametrize("layout", ["my-app/my_app", "my-app/src/my_app"])
def test_a_folder_with_setup_py_is_a_package(run: Run, code: Path, layout: str) -> None:
    """It is run as a module from where it lies, without being installed."""
    package = code / layout
    package.mkdir(parents=True)
    (code / "my-app" / "setup.py").write_text("raise SystemExit('not run')")
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("from my_app import __name__ as n; print(n)")

    assert run(entry_point="my-app").stdout == "my_app\n"


def test_an_executable_file_is_started_itself(run: Run, code: Path) -> None:
    """Its first line says by what."""
    program = code / "prog"
    program.write_text(f"#!{sys.executable}\n{TELL}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)

    assert run(entry_point="prog").stdout == f"{code} __main__\n"


def test_a_command_takes_only_verbatim_arguments(run: Run, code: Path) -> None:
    """Hyperparameters reach a command through the environment and the file."""
    command = ["sh", "-c", 'echo "$PWD" "$SM_HP_LR" "$ANYFIT_ENTRY_POINT" "$@"', "name"]

    done = run(command=command, hyperparameters={"lr": 1}, arguments=["a", "b"])

    assert done.stdout == f"{code} 1 sh a b\n"


def test_output_is_not_buffered(run: Run) -> None:
    """What was printed before a sudden end is there."""
    done = run("import os; print('before'); os._exit(1)")

    assert done.stdout == "before\n"


def test_requirements_are_installed_first(run: Run, code: Path, tmp_path: Path) -> None:
    """pip runs when asked for, and the script finds what it installed."""
    with zipfile.ZipFile(code / "tiny_dep-1.0-py3-none-any.whl", "w") as wheel:
        info = "tiny_dep-1.0.dist-info"
        wheel.writestr("tiny_dep.py", "value = 42")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny_dep\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    (code / "requirements.txt").write_text("./tiny_dep-1.0-py3-none-any.whl\n")
    site = str(tmp_path / "site")
    pip = {"PIP_TARGET": site, "PIP_NO_INDEX": "1", "PIP_QUIET": "1", "PYTHONPATH": site}

    source = "import tiny_dep; print(tiny_dep.value)"
    without = run(source, environment=pip)
    done = run(source, environment=pip, install_requirements=True)

    assert "No module named 'tiny_dep'" in without.stderr
    assert (done.stdout, done.returncode) == ("42\n", 0)
