"""Every example runs on `local` as its README says: train, serve, ask, clean up."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def anyfit(*arguments: str) -> str:
    """Run the command line, as a user would; answers what it printed on stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "anyfit", *arguments], capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def life(example: str, data: str, *settings: str) -> tuple[dict[str, Any], Any]:
    """Train, deploy, predict and delete; answers the finished job and the prediction."""
    job = json.loads(anyfit("fit", str(EXAMPLES / example / "job.toml"), "--json", "--name", "example", *settings))
    anyfit("deploy", "example", "--quiet")
    try:
        answer = json.loads(anyfit("predict", "example", "--data", data, "--json"))
    finally:
        anyfit("endpoints", "delete", "example")
    return job, answer


def metrics_of(name: str) -> dict[str, list[float]]:
    series = json.loads(anyfit("metrics", name, "--json"))
    return {s["name"]: [point["value"] for point in s["points"]] for s in series}


def test_digits() -> None:
    """The digits example learns, and its endpoint reads a seven."""
    seven = (EXAMPLES / "digits" / "seven.json").read_text()

    job, answer = life("digits", seven)

    assert job["status"] == "SUCCEEDED"
    assert metrics_of("example")["accuracy"][-1] > 0.95
    assert answer["digits"] == [7]


def test_plain_script() -> None:
    """The plain script finds the line through its points."""
    _, answer = life("plain-script", "[0, 1]")

    assert answer == pytest.approx([-2, 1], abs=0.2)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_torch() -> None:
    """The network learns the pictures, and its endpoint answers with one digit for each."""
    blank = json.dumps([[[0.0] * 16] * 16] * 2)

    _, answer = life("torch-mnist-like", blank, "--set", "hyperparameters.epochs=3")

    assert metrics_of("example")["accuracy"][-1] > 0.7
    assert len(answer) == 2


@pytest.mark.parametrize("example", ["digits", "plain-script", "torch-mnist-like"])
def test_a_misspelt_hyperparameter_is_refused(example: str) -> None:
    """It is not taken for the beginning of another one, whose value would win."""
    if example.startswith("torch") and find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    words = ["fit", str(EXAMPLES / example / "job.toml"), "--set", "hyperparameters.epoch=1"]
    words += ["--set", "hyperparameters.step=1"]
    done = subprocess.run([sys.executable, "-m", "anyfit", *words], capture_output=True, text=True, check=False)

    assert done.returncode == 100
    assert "argument not understood" in done.stderr
