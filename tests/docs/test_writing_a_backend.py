"""The backend in docs/writing-a-backend.md is installed as a plugin and held to the contract."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GUIDE = Path(__file__).parents[2] / "docs" / "writing-a-backend.md"
ESTIMATE = """
from anyfit import Estimator

job = Estimator(entry_point="train.py", hyperparameters={"epochs": 3}, backend="inline").fit(job_name="first")
assert Estimator.attach("first", backend="inline").latest_job.ref == job.ref
print(job.state.status.value, [line.text for line in job.logs()])
"""


def blocks(language: str) -> list[str]:
    """The code blocks of the guide in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which the guide's backend is installed, by the guide's own metadata."""
    backend, (metadata,) = blocks("python")[0], blocks("toml")
    project = tomllib.loads(metadata)["project"]
    site = tmp_path / "site"
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    for group, entries in project["entry-points"].items():
        lines = [f"{name} = {value}\n" for name, value in entries.items()]
        (info / "entry_points.txt").write_text(f"[{group}]\n{''.join(lines)}")
    (site / "anyfit_inline.py").write_text(backend, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "ANYFIT_HOME": str(tmp_path / "home")}


def test_it_is_short() -> None:
    """The complete backend has fewer than 200 lines."""
    assert len(blocks("python")[0].splitlines()) < 200


def test_it_keeps_the_contract(environment: dict[str, str], tmp_path: Path) -> None:
    """The guide's own test passes on the guide's own backend; what is skipped is skipped for its reason."""
    (tmp_path / "test_inline.py").write_text(blocks("python")[1], encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "test_inline.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    skipped = re.findall(r"^SKIPPED .*?: (.*)$", done.stdout, re.MULTILINE)

    assert done.returncode == 0, done.stdout + done.stderr
    assert skipped
    assert set(skipped) <= {"inline lists no frameworks"} | {
        text for text in skipped if re.fullmatch(r"inline has no [a-z-]+: a job here is one process", text)
    }


def test_its_bench_example_works(environment: dict[str, str], tmp_path: Path) -> None:
    """The example of a test of one's own runs as it stands."""
    prepare = "from pathlib import Path\nfrom test_inline import make\nbackend, folder = make(Path('a')), Path('b')\n"
    (tmp_path / "test_inline.py").write_text(blocks("python")[1], encoding="utf-8")
    (tmp_path / "example.py").write_text(prepare + blocks("python")[2], encoding="utf-8")
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_estimators_find_it(environment: dict[str, str], tmp_path: Path) -> None:
    """Once it is installed, an estimator needs only its name."""
    (tmp_path / "train.py").write_text("import sys; print(sys.argv[1:])", encoding="utf-8")
    command = [sys.executable, "-W", "error", "-c", ESTIMATE]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert """SUCCEEDED ["['--epochs', '3']"]""" in done.stdout
