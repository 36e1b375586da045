"""The files that travel to the platform: old Pythons, no package, and a tree of any shape."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import anyfit_modelmaker
from anyfit.launch import inference_path, launcher_path
from anyfit_emulator.running.ports import free_port
from pythons import assert_python_3_6, old_pythons
from waiting import within

HERE = Path(anyfit_modelmaker.__file__).parent
FILES = [HERE / "conventions.py", HERE / "predict.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_needs_python_3_6(path: Path) -> None:
    """vermin finds no newer syntax, module or function."""
    assert_python_3_6(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The platform's tree, with the launcher in it."""
    root = tmp_path / "opt" / "ai"
    for name in ("src", "input/data", "output", "config", "model"):
        (root / name).mkdir(parents=True)
    return root


@pytest.fixture
def launch(root: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a job of this script in the tree, as the platform does."""

    def run(script: str, python: str = sys.executable, **job: Any) -> subprocess.CompletedProcess[str]:
        shutil.copy(launcher_path(), root / "src")
        shutil.copy(HERE / "conventions.py", root / "src" / "anyfit_platform.py")
        (root / "train.py").write_text(script)
        with tarfile.open(root / "src" / "code.tar.gz", "w:gz") as tar:
            tar.add(root / "train.py", "train.py")
        data = {"entry_point": "train.py", "code_archive": "code.tar.gz", "places": {"results": ""}, **job}
        (root / "src" / "anyfit_job.json").write_text(json.dumps(data))
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "ANYFIT_"))}
        environ |= {"MM_ROOT": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [python, "anyfit_launch.py", "--lr=0.1"]
        return subprocess.run(command, cwd=root / "src", env=environ, capture_output=True, text=True)

    return run


LEAVE = """
import os
for name in ("MODEL", "OUTPUT", "CHECKPOINT"):
    with open(os.path.join(os.environ["ANYFIT_%s_DIR" % name], "file"), "w") as file:
        file.write(name)
print(open(os.environ["ANYFIT_CHANNEL_TRAIN"] + "/a").read(), open(os.environ["ANYFIT_CHANNEL_TEST"] + "/b").read())
"""


@pytest.mark.parametrize("python", old_pythons())
def test_tree(launch: Callable[..., Any], root: Path, python: str) -> None:
    """Inputs are found, and results lie where the platform collects them, under the names that anyfit uses."""
    (root / "input" / "data" / "a").write_text("A")
    (root / "input" / "test").mkdir()
    (root / "input" / "test" / "b").write_text("B")
    (root / "input" / "before").mkdir()
    (root / "input" / "before" / "old").write_text("old")
    (root / "input" / "before" / ".anyfit").write_text("mark")
    places = {
        "results": "out/j/",
        "checkpoints": "ckpt/",
        "checkpoint_input": "before",
        "inputs": {"train": "data"},
    }
    done = launch(LEAVE, python, channels={"train": {}, "test": {}}, places=places)
    kept = {str(path.relative_to(root / "output")) for path in (root / "output").rglob("*") if path.is_file()}

    assert (done.returncode, done.stdout, done.stderr) == (0, "A B\n", "")
    assert kept == {
        "ckpt/file",
        "ckpt/old",
        "out/j/.anyfit/end.json",
        "out/j/model.tar.gz",
        "out/j/model/file",
        "out/j/output/file",
    }


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("raise SystemExit(3)", {"exit_code": 3, "signal": None}),
        ("import os; os.kill(os.getpid(), 9)", {"exit_code": None, "signal": 9}),
        ("pass", {"exit_code": 0, "signal": None}),
    ],
)
def test_word_of_the_end(launch: Callable[..., Any], root: Path, script: str, end: dict[str, Any]) -> None:
    """How the script ended is left among the results, and a failed one leaves no packed model."""
    launch(script)

    assert json.loads((root / "output" / ".anyfit" / "end.json").read_text()) == end
    assert not (root / "output" / "model.tar.gz").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"hosts": 3}', '{"hosts": [{"address": "x"}], "current": null}'])
def test_unknown_list_of_nodes(launch: Callable[..., Any], root: Path, text: str) -> None:
    """The format of the platform's list of nodes is nowhere documented: one node needs none."""
    (root / "config" / "resource.json").write_text(text)
    done = launch("import os; print(os.environ['ANYFIT_HOSTS'])")

    assert (done.returncode, done.stdout) == (0, '["node-0"]\n')


HANDLER = """
import helper
def model_fn(folder):
    import os
    return os.listdir(folder)
def predict_fn(data, model):
    return {"data": data, "model": model, "helper": helper.WORD}
"""


@pytest.fixture
def serve(root: Path) -> Iterator[Callable[..., str]]:
    """Start predict.py in the tree; answers the URL. At the end SIGTERM ends it, and it leaves nothing behind."""
    started: list[subprocess.Popen[str]] = []

    def start(python: str = sys.executable) -> str:
        shutil.copy(HERE / "predict.py", root / "src")
        shutil.copy(inference_path(), root / "src")
        (root / "model" / "weights").write_text("w")
        for name, text in {"inference.py": HANDLER, "helper.py": "WORD = 'help'"}.items():
            (root / name).write_text(text)
        with tarfile.open(root / "src" / "code.tar.gz", "w:gz") as tar:
            tar.add(root / "inference.py", "inference.py")
            tar.add(root / "helper.py", "helper.py")
        model = {"entry_point": "inference.py", "code_archive": "code.tar.gz", "environment": {"A": "1"}}
        (root / "src" / "anyfit_model.json").write_text(json.dumps(model))
        port = free_port()
        (root / "tmp").mkdir(exist_ok=True)
        environ = {**os.environ, "MM_ROOT": str(root), "MM_SERVE_PORT": str(port), "TMPDIR": str(root / "tmp")}
        command = [python, "-W", "ignore", "predict.py"]
        started.append(subprocess.Popen(command, cwd=root / "src", env=environ, stdout=subprocess.PIPE, text=True))
        said = started[-1].stdout
        assert said is not None
        assert "serving" in said.readline()
        return f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        with within(5):
            process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGTERM
    assert not list((root / "tmp").iterdir())


def ask(url: str, body: bytes = b"[1]", method: str = "POST") -> tuple[int, Any]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


@pytest.mark.parametrize("python", old_pythons())
def test_serving(serve: Callable[..., str], python: str) -> None:
    """The handler answers with its model and its own modules, at the platform's path only."""
    url = serve(python)

    assert ask(f"{url}/ModelMaker/predict") == (200, {"data": [1], "model": ["weights"], "helper": "help"})
    assert ask(f"{url}/ModelMaker/predict", b"{")[0] == 400
    assert ask(f"{url}/")[0] == 404
    assert ask(f"{url}/ModelMaker/predict", method="PUT")[0] == 501
