"""The conventions that travel to the platform: old Pythons, no package, and both generations' trees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import anyfit_ti
from anyfit.launch import launcher_path
from anyfit_ti.bundle import packed, unpacked
from pythons import assert_python_3_6, old_pythons

CONVENTIONS = Path(anyfit_ti.__file__).parent / "conventions.py"
Done = subprocess.CompletedProcess
Launch = Callable[..., "Done[str]"]

TELL = """
import json, os
names = ("ANYFIT_NODE_RANK", "ANYFIT_HOSTS", "MASTER_ADDR", "MASTER_PORT", "ANYFIT_NUM_GPUS", "WORLD_SIZE")
print(json.dumps({name: os.environ[name] for name in names}))
for name in ("MODEL", "OUTPUT", "CHECKPOINT"):
    with open(os.environ["ANYFIT_%s_DIR" % name] + "/file", "w") as file:
        file.write(name)
"""


@pytest.mark.parametrize("path", [CONVENTIONS, CONVENTIONS.with_name("predict.py")], ids=lambda path: path.stem)
def test_needs_python_3_6(path: Path) -> None:
    """vermin finds no newer syntax, module or function."""
    assert_python_3_6(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The platform's tree, /opt/ml."""
    root = tmp_path / "opt" / "ml"
    for name in ("code", "input/data", "input/config", "model", "output/data", "checkpoints"):
        (root / name).mkdir(parents=True)
    return root


@pytest.fixture
def launch(root: Path) -> Launch:
    """Run a job of this script in the tree, as the platform does."""

    def run(
        script: str, generation: str, *, python: str = sys.executable, environ: dict[str, str] | None = None, **job: Any
    ) -> Done[str]:
        shutil.copy(launcher_path(), root / "code")
        shutil.copy(CONVENTIONS, root / "code" / "anyfit_platform.py")
        (root / "train.py").write_text(script)
        with tarfile.open(root / "code" / "code.tar.gz", "w:gz") as tar:
            tar.add(root / "train.py", "train.py")
        places = {"generation": generation, "num_gpus": 0, **job.pop("places", {})}
        data = {"entry_point": "train.py", "code_archive": "code.tar.gz", "places": places, **job}
        (root / "code" / "anyfit_job.json").write_text(json.dumps(data))
        mine = ("ANYFIT_", "TM_", "NODE_", "OMPI_", "MASTER_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
        told = {**clean, "PYTHONDONTWRITEBYTECODE": "1", **(environ or {})}
        command = [python, "anyfit_launch.py", "--lr", "0.1"]
        return subprocess.run(command, cwd=root / "code", env=told, capture_output=True, text=True)

    return run


def told(done: Done[str]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("python", old_pythons())
@pytest.mark.parametrize("generation", ["2019", "2021"])
def test_alone(root: Path, launch: Launch, generation: str, python: str) -> None:
    """One node finds itself, and what it leaves lies where its generation keeps it."""
    found = told(launch(TELL, generation, python=python, places={"checkpoints": "copied"}))
    kept = root / ("checkpoints/anyfit" if generation == "2019" else "output")
    checkpoints = root / ("checkpoints" if generation == "2019" else "output/checkpoints")

    assert (found["ANYFIT_NODE_RANK"], found["WORLD_SIZE"]) == ("0", "1")
    assert (kept / "model" / "file").read_text() == "MODEL"
    assert (kept / "output" / "file").read_text() == "OUTPUT"
    assert (checkpoints / "file").read_text() == "CHECKPOINT"
    if generation == "2019":
        assert (root / "model" / "file").read_text() == "MODEL"
        assert (root / "output" / "data" / "file").read_text() == "OUTPUT"


@pytest.mark.parametrize("generation", ["2019", "2021"])
def test_inputs(root: Path, launch: Launch, generation: str) -> None:
    """INPUT_DIR of either dialect holds the channels and nothing of ours beside them, and our configuration."""
    for name in ("train", "anyfit-code"):
        (root / "input/data" / name).mkdir()
    (root / "input/data/train/a").write_text("A")
    script = """
import json, os
for name in ("TM_INPUT_DIR", "SM_INPUT_DIR"):
    folder = os.environ[name]
    assert open(folder + "/data/train/a").read() == "A"
    assert os.listdir(folder + "/data") == ["train"]
    assert json.load(open(folder + "/config/hyperparameters.json")) == {"lr": 0.1}
assert os.environ["SM_INPUT_DATA_DIR"] == folder + "/data"
assert os.path.realpath(folder + "/data/train") == os.path.realpath(os.environ["TM_CHANNEL_TRAIN"])
"""
    done = launch(script, generation, channels={"train": {}}, hyperparameters={"lr": 0.1})

    assert done.returncode == 0, done.stderr


def test_nodes_of_2021(root: Path, launch: Launch) -> None:
    """Nodes are in the platform's list; another than the first leaves its things apart, and says who it is."""
    variables = {"NODE_LIST": "10.0.0.1:8,10.0.0.2:8", "INDEX": "1", "GPU_NUM_PER_NODE": "8"}
    variables |= {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "23456"}
    done = launch(TELL, "2021", environ=variables, instance_count=2)
    found = told(done)

    assert (found["ANYFIT_NODE_RANK"], json.loads(found["ANYFIT_HOSTS"])) == ("1", ["10.0.0.1", "10.0.0.2"])
    assert (found["MASTER_ADDR"], found["MASTER_PORT"], found["ANYFIT_NUM_GPUS"]) == ("10.0.0.1", "23456", "8")
    assert done.stdout.splitlines()[0] == "anyfit: node 1 of 2"
    assert (root / "output" / "output" / "nodes" / "node-1" / "model" / "file").read_text() == "MODEL"
    assert not (root / "output" / "model").exists()


def test_nodes_of_2019(root: Path, launch: Launch) -> None:
    """Nodes are in the platform's file, which stays as it is; the tree is the one that the platform names."""
    config = root / "input" / "config" / "resourceconfig.json"
    text = json.dumps({"current_host": "h1", "hosts": ["h0", "h1", "h2"]})
    config.write_text(text)
    variables = {"TM_INPUT_CONFIG_DIR": str(config.parent), "TM_NUM_GPUS": "2"}
    found = told(launch(TELL, "2019", environ=variables, instance_count=3, job_name="j"))
    port = int(found["MASTER_PORT"])

    assert (found["ANYFIT_NODE_RANK"], found["MASTER_ADDR"], found["WORLD_SIZE"]) == ("1", "h0", "3")
    assert found["ANYFIT_NUM_GPUS"] == "2"
    assert 20000 <= port < 40000
    assert config.read_text() == text


def test_nodes_that_nobody_tells(launch: Launch) -> None:
    """Where the platform lists one host for all nodes, or none, they still have names."""
    found = told(launch(TELL, "2021", environ={"NODE_LIST": "127.0.0.1:0,127.0.0.1:0", "INDEX": "1"}, instance_count=2))

    assert json.loads(found["ANYFIT_HOSTS"]) == ["node-0", "node-1"]
    assert (found["ANYFIT_NODE_RANK"], found["MASTER_ADDR"]) == ("1", "127.0.0.1")


@pytest.mark.parametrize(("how", "kept"), [("copied", "output/checkpoints"), ("mounted", "checkpoints")])
def test_checkpoints_come_back(root: Path, launch: Launch, how: str, kept: str) -> None:
    """Checkpoints of the job before are there: as the input that they come as, or as they are mounted."""
    before = root / ("input/data/anyfit-checkpoints" if how == "copied" else "checkpoints")
    (before / "deep").mkdir(parents=True)
    (before / "deep" / "epoch").write_text("1")
    (before / ".anyfit").write_text("")
    script = (
        "import os\n"
        "path = os.environ['ANYFIT_CHECKPOINT_DIR'] + '/deep/epoch'\n"
        "text = open(path).read()\n"
        "open(path + '.new', 'w').write(text + '2')\n"
    )
    done = launch(script, "2021", places={"checkpoints": how})

    assert done.returncode == 0, done.stderr
    assert (root / kept / "deep" / "epoch.new").read_text() == "12"
    assert how == "mounted" or not (root / kept / ".anyfit").exists()


@pytest.mark.parametrize(("generation", "place"), [("2019", "checkpoints/anyfit/.anyfit"), ("2021", "output/.anyfit")])
@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("raise SystemExit(3)", {"exit_code": 3, "signal": None, "overran": False}),
        ("import os; os.kill(os.getpid(), 9)", {"exit_code": None, "signal": 9, "overran": False}),
        ("raise SystemExit(77)", {"exit_code": 77, "signal": None, "overran": False}),
    ],
)
def test_end(root: Path, launch: Launch, generation: str, place: str, script: str, end: dict[str, Any]) -> None:
    """How a script ended is left where it is kept; nothing where it ended well."""
    launch(script, generation)

    assert json.loads((root / place / "end.json").read_text()) == end


def test_no_end(root: Path, launch: Launch) -> None:
    """A script that ended well leaves no word of it."""
    launch("", "2021")

    assert not (root / "output" / ".anyfit").exists()


def test_time_limit(root: Path, launch: Launch) -> None:
    """A script that ran too long is told from one that ends with the same code by itself."""
    launch("import time; time.sleep(60)", "2021", max_run=1)

    assert json.loads((root / "output" / ".anyfit" / "end.json").read_text())["overran"] is True


def test_archives() -> None:
    """An archive of ours is equal for equal files, and gives each of them back."""
    files = {"a.py": b"print()\n", "b.json": "学".encode()}

    assert packed(files) == packed(dict(files))
    assert [unpacked(packed(files), name) for name in files] == list(files.values())
    with pytest.raises(KeyError):
        unpacked(packed(files), "c")
