"""The digits example runs on every cloud's emulator as it does on `local`, with nothing but the backend changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anyfit_emulator.emulation import emulate

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
CLOUDS = ["modelarts", "modelmaker", "ti"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose anyfit.toml has the profiles that the emulators print."""
    folder = tmp_path_factory.mktemp("project")
    with emulate(*CLOUDS) as services:
        text = "\n".join(service.profile() for service in services.values())
        (folder / "anyfit.toml").write_text(text)
        (folder / "anyfit.toml").chmod(0o600)
        yield folder


@pytest.mark.parametrize(
    ("backend", "api"),
    [("modelarts", "v2"), ("modelarts", "v1"), ("modelmaker", ""), ("ti", "2021"), ("ti", "2019")],
)
def test_digits(
    project: Path, backend: str, api: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It learns, its endpoint reads a seven, another machine finds it, and nothing of it is left."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path_factory.mktemp("home")))
    name = f"digits-{backend}{api}"
    chosen = ["--set", f"options.{backend}.api={api}"] if api else []
    where = ["-p", "emulator", "-b", backend]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "anyfit", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def anyfit(*words: str) -> str:
        return run(*words).stdout

    job = json.loads(anyfit("fit", str(DIGITS / "job.toml"), *where, *chosen, "--json", "--name", name))
    series = {each["name"]: each["points"] for each in json.loads(anyfit("metrics", name, "--json"))}
    future = run("logs", name, "--since", "2999-01-01")
    anyfit("deploy", name, "--quiet", "--name", name)
    answer = json.loads(anyfit("predict", name, "--file", str(DIGITS / "seven.json"), "--json"))
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path_factory.mktemp("elsewhere")))
    found = json.loads(anyfit("status", name, *where, "--json"))
    anyfit("rm", "--all", "-y", name)

    assert job["status"] == found["status"] == "SUCCEEDED" and job["ref"] == found["ref"]
    assert series["accuracy"][-1]["value"] > 0.95
    assert bool(future.stdout) == ("tells no times of these lines" in future.stderr) == (backend == "modelarts")
    assert answer["digits"] == [7]
    assert json.loads(anyfit("endpoints", *where, "--json")) == []
