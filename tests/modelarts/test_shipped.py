"""The files that travel to the platform: old Pythons, no package, and the worlds of both generations."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

import anyfit_modelarts
from anyfit.launch import launcher_path
from anyfit_modelarts import conventions, obs
from pythons import assert_python_3_6, old_pythons
from waiting import until

HERE = Path(anyfit_modelarts.__file__).parent
FILES = [HERE / name for name in ("conventions.py", "obs.py", "predict.py")]
Launch = Callable[..., subprocess.CompletedProcess[str]]

MOXING = '''
"""A moxing whose OBS is a folder."""
import os, shutil
ROOT = os.environ["FAKE_OBS"]
def place(url):
    return os.path.join(ROOT, url.partition("://")[2]) if "://" in url else url
class file:
    exists = staticmethod(lambda url: os.path.exists(place(url)))
    is_directory = staticmethod(lambda url: os.path.isdir(place(url)))
    @staticmethod
    def copy(source, target):
        os.makedirs(os.path.dirname(place(target)), exist_ok=True)
        shutil.copy(place(source), place(target))
    @staticmethod
    def copy_parallel(source, target):
        for folder, _, names in os.walk(place(source)):
            for name in names:
                below = os.path.relpath(os.path.join(folder, name), place(source))
                file.copy(os.path.join(folder, name), os.path.join(place(target), below))
'''


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_needs_python_3_6(path: Path) -> None:
    """vermin finds no newer syntax, module or function."""
    assert_python_3_6(path)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The folder that the platform brings the code to."""
    folder = tmp_path / "user-job-dir" / "code"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def launch(code: Path, tmp_path: Path) -> Launch:
    """Run a job of this script as a platform does that gives it these arguments and variables."""

    def run(
        script: str, arguments: list[str], environ: Mapping[str, str], python: str = sys.executable, **job: Any
    ) -> subprocess.CompletedProcess[str]:
        shutil.copy(launcher_path(), code)
        shutil.copy(HERE / "conventions.py", code / "anyfit_platform.py")
        shutil.copy(HERE / "obs.py", code / "anyfit_obs.py")
        (tmp_path / "train.py").write_text(script)
        with tarfile.open(code / "code.tar.gz", "w:gz") as tar:
            tar.add(tmp_path / "train.py", "train.py")
        places = {"output": "train_url", "resume": "anyfit_resume", "checkpoints": "anyfit_checkpoints"}
        data = {"job_name": "j", "entry_point": "train.py", "code_archive": "code.tar.gz", **job}
        data["places"] = {**places, **job.get("places", {})}
        (code / "anyfit_job.json").write_text(json.dumps(data))
        kept = {
            n: v for n, v in os.environ.items() if not n.startswith(("MA_", "DLS_", "VC_", "AWS_", "S3_", "ANYFIT_"))
        }
        given = {**kept, "CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1", **environ}
        command = [python, str(code / "anyfit_launch.py"), *arguments]
        return subprocess.run(command, cwd=code.parent, env=given, capture_output=True, text=True)

    return run


LEAVE = """
import os
for name in ("MODEL", "OUTPUT", "CHECKPOINT"):
    with open(os.path.join(os.environ["ANYFIT_%s_DIR" % name], "file"), "w") as file:
        file.write(name)
print(open(os.environ["ANYFIT_CHANNEL_TRAIN"] + "/a").read(), open(os.environ["ANYFIT_CHANNEL_TEST"] + "/b").read())
print(sorted(os.listdir(os.environ["ANYFIT_CHECKPOINT_DIR"])), os.environ["RANK"], os.environ["WORLD_SIZE"])
"""


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def second(mount: Path, *names: str) -> tuple[list[str], dict[str, str]]:
    """Arguments and variables of the second generation, for input channels of these names."""
    channels = {name: mount / "inputs" / f"{name}_0" for name in (*names, "anyfit_resume")}
    outputs = {name: mount / "outputs" / f"{name}_0" for name in ("train_url", "anyfit_checkpoints")}
    for place in (*channels.values(), *outputs.values()):
        place.mkdir(parents=True, exist_ok=True)
    (channels["anyfit_resume"] / ".anyfit").touch()
    (channels["anyfit_resume"] / "old").touch()
    told = {
        "MA_INPUTS": {"inputs": [{"name": name, "local_dir": str(place)} for name, place in channels.items()]},
        "MA_OUTPUTS": {"outputs": [{"name": name, "local_dir": str(place)} for name, place in outputs.items()]},
    }
    arguments = [f"--{name}={place}" for name, place in {**channels, **outputs}.items()]
    return arguments, {name: json.dumps(value) for name, value in told.items()} | {"MA_MOUNT_PATH": str(mount)}


@pytest.mark.parametrize(
    ("python", "told"),
    [
        *((python, "both") for python in old_pythons()),
        *((sys.executable, told) for told in ("arguments", "variables", "nothing")),
    ],
)
def test_second_generation(launch: Launch, tmp_path: Path, python: str, told: str) -> None:
    """Inputs are found, and results lie where the platform collects them, however it tells of its directories."""
    mount = tmp_path / "modelarts"
    arguments, environ = second(mount, "data_url", "test")
    (mount / "inputs" / "data_url_0" / "a").write_text("A")
    (mount / "inputs" / "test_0" / "b").write_text("B")
    if told == "variables":
        arguments = []
    if told == "arguments":
        environ = {}
    if told == "nothing":
        arguments, environ = [], {"MA_MOUNT_PATH": str(mount)}
    channels = {"train": {"uri": "obs://b/a/"}, "test": {"uri": "obs://b/b/"}}
    done = launch(
        LEAVE,
        ["--lr=0.1", *arguments],
        environ,
        python,
        channels=channels,
        checkpoint_uri="obs://b/c/",
        places={"inputs": {"train": "data_url", "test": "test"}},
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "A B\n['file', 'old'] 0 1\n", "")
    assert files_of(mount / "outputs") == {
        "anyfit_checkpoints_0/file",
        "anyfit_checkpoints_0/old",
        "train_url_0/.anyfit/end.json",
        "train_url_0/model/file",
        "train_url_0/output/file",
    }


def first(**more: str) -> list[str]:
    """Arguments of the first generation."""
    given = {"data_url": "s3://b/data/", "train_url": "s3://b/out/V0001/", "num_gpus": "1", **more}
    return [f"--{name}={value}" for name, value in given.items()]


@pytest.mark.parametrize("python", old_pythons())
def test_first_generation_with_moxing(launch: Launch, tmp_path: Path, python: str) -> None:
    """Data are brought and results are taken away with the platform's own library where the image has it."""
    bucket = tmp_path / "obs" / "b"
    for name, text in {"data/a": "A", "test/b": "B", "ckpt/old": "", "ckpt/.anyfit": ""}.items():
        (bucket / name).parent.mkdir(parents=True, exist_ok=True)
        (bucket / name).write_text(text)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "moxing.py").write_text(MOXING)
    environ = {"PYTHONPATH": str(tmp_path / "lib"), "FAKE_OBS": str(tmp_path / "obs")}
    channels = {"train": {"uri": "obs://b/data/"}, "test": {"uri": "obs://b/test/"}}
    done = launch(LEAVE, first(), environ, python, channels=channels, checkpoint_uri="obs://b/ckpt/")

    assert (done.returncode, done.stdout, done.stderr) == (0, "A B\n['file', 'old'] 0 1\n", "")
    assert {"ckpt/file", "out/V0001/model/file", "out/V0001/output/file", "out/V0001/.anyfit/end.json"} <= files_of(
        bucket
    )


@pytest.fixture
def store(cloud: Mapping[str, str]) -> Any:
    """The emulator's OBS as boto3 sees it."""
    keys = {"aws_access_key_id": cloud["access_key"], "aws_secret_access_key": cloud["secret_key"]}
    client = boto3.client("s3", endpoint_url=cloud["obs_endpoint"], region_name=cloud["region"], **keys)
    yield client
    client.close()


def keys_of(cloud: Mapping[str, str]) -> dict[str, str]:
    """The variables that the platform gives its jobs."""
    return {
        "AWS_ACCESS_KEY_ID": cloud["access_key"],
        "AWS_SECRET_ACCESS_KEY": cloud["secret_key"],
        "S3_ENDPOINT": cloud["obs_endpoint"],
        "S3_USE_HTTPS": "0",
    }


@pytest.mark.parametrize("python", old_pythons())
def test_first_generation_without_moxing(
    launch: Launch, cloud: Mapping[str, str], store: Any, tmp_path: Path, python: str
) -> None:
    """Without that library the same goes by signed requests, names of any kind among them."""
    bucket, root = cloud["bucket"], f"shipped-{tmp_path.name}"
    for name, text in {"data/a": "A", "data/ä b+c/d~e": "x", "data/": "", "test/b": "B", "ckpt/old": ""}.items():
        store.put_object(Bucket=bucket, Key=f"{root}/{name}", Body=text.encode())
    channels = {
        name: {"uri": f"obs://{bucket}/{root}/{place}"} for name, place in {"train": "data/", "test": "test/b"}.items()
    }
    script = f"{LEAVE}\nprint(sorted(os.listdir(os.environ['ANYFIT_CHANNEL_TRAIN'])))"
    done = launch(
        script,
        first(train_url=f"s3://{bucket}/{root}/out/V0003/"),
        {**keys_of(cloud), "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"},
        python,
        channels=channels,
        checkpoint_uri=f"obs://{bucket}/{root}/ckpt/",
    )
    there = {item["Key"][len(root) + 1 :] for item in store.list_objects(Bucket=bucket, Prefix=f"{root}/")["Contents"]}

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "A B\n['file', 'old'] 0 1\n['a', 'ä b+c']\n"
    results = {f"out/V0003/{name}" for name in ("model/file", "output/file", ".anyfit/end.json")}
    assert {*results, "ckpt/file"} <= there
    end = store.get_object(Bucket=bucket, Key=f"{root}/out/V0003/.anyfit/end.json")["Body"].read()
    assert json.loads(end) == {"exit_code": 0, "signal": None, "overran": False}


def test_many_objects(cloud: Mapping[str, str], store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of more objects than a list has comes whole; what is not there is nothing."""
    monkeypatch.setattr(obs, "PAGE", 10)
    names = [f"many/{number:04d}" for number in range(25)]
    for name in names:
        store.put_object(Bucket=cloud["bucket"], Key=name, Body=b"")
    signed = obs.SignedStore(keys_of(cloud))
    signed.download(f"s3://{cloud['bucket']}/many/", str(tmp_path / "found"))
    signed.download(f"/{cloud['bucket']}/missing/", str(tmp_path / "none"))

    assert len(files_of(tmp_path / "found")) == len(names)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("endpoint", "bucket", "signature"),
    [
        ("https://obs.cn-north-4.myhuaweicloud.com", "demo-bucket", "Lz+qAKj1kvcCSquWbmoZ1jftEw0="),
        ("http://127.0.0.1:9000", "demo-bucket", "QoBQ7AYzcAqwD4zm9x3AjViIwI0="),
    ],
)
def test_documented_signatures(monkeypatch: pytest.MonkeyPatch, endpoint: str, bucket: str, signature: str) -> None:
    """A list of a bucket is signed as the documents' vectors have it, by host and by path."""
    monkeypatch.setattr(obs, "formatdate", lambda usegmt: "Fri, 02 Jan 2026 03:04:05 GMT")
    access, secret = "AKEXAMPLE0000000001", "SKexampleSecretKey0000000000000000000001"
    environ = {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "S3_ENDPOINT": endpoint}
    headers = obs.SignedStore(environ)._signed("GET", bucket, "", {})

    assert headers["Authorization"] == f"AWS {access}:{signature}"


def test_no_way_to_obs(launch: Launch) -> None:
    """Where neither the library nor keys are there, the launcher says what is missing."""
    done = launch("", first(), {}, channels={"train": {"uri": "obs://b/data/"}})

    assert done.returncode in (70, 74)
    assert "neither moxing nor S3_ENDPOINT" in done.stderr


def test_empty_channel(launch: Launch, cloud: Mapping[str, str]) -> None:
    """A channel in which there is nothing ends the job before the script, by its name."""
    place = f"obs://{cloud['bucket']}/nothing/"
    done = launch("print('ran')", first(), keys_of(cloud), channels={"train": {"uri": place}}, output_uri=place)

    assert "ran" not in done.stdout
    assert f"channel train: there is nothing at {place}" in done.stderr


NODES = "import os; print(*map(os.environ.get, ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')))"


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (["--init_method=tcp://10.0.0.1:7777", "--rank=1", "--world_size=2"], {}, "1 2 10.0.0.1 7777"),
        ([], {"VC_WORKER_HOSTS": "a.x,b.x", "VC_TASK_INDEX": "1"}, "1 2 a.x 6666"),
        ([], {"VC_WORKER_HOSTS": "a.x,b.x", "VC_TASK_INDEX": "0", "MA_CURRENT_IP": "127.0.0.1"}, "0 2 127.0.0.1 6666"),
        (
            [],
            {"BATCH_CUSTOM0_HOSTS": "h0:6000", "BATCH_CUSTOM1_HOSTS": "h1:6000", "DLS_TASK_INDEX": "1"},
            "1 2 h0 6000",
        ),
        (["--worker_hosts=w0:2222,w1:2222", "--task_index", "1"], {}, "1 2 w0 2222"),
        ([], {}, "0 2 127.0.0.1 6666"),
    ],
)
def test_nodes(launch: Launch, tmp_path: Path, arguments: list[str], environ: dict[str, str], said: str) -> None:
    """Several nodes find each other in every way that the platform tells of them."""
    usual, more = second(tmp_path / "modelarts")
    done = launch(NODES, [*usual, *arguments], {**more, **environ}, instance_count=2)

    assert (done.returncode, done.stdout) == (0, f"{said}\n")


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("raise SystemExit(3)", {"exit_code": 3, "signal": None, "overran": False}),
        ("import os; os.kill(os.getpid(), 9)", {"exit_code": None, "signal": 9, "overran": False}),
        ("raise SystemExit(77)", {"exit_code": 77, "signal": None, "overran": False}),
        ("import time; time.sleep(60)", {"exit_code": 77, "signal": None, "overran": True}),
    ],
)
def test_word_of_the_end(launch: Launch, tmp_path: Path, script: str, end: dict[str, Any]) -> None:
    """How the script ended is left among the results."""
    mount = tmp_path / "modelarts"
    arguments, environ = second(mount)
    launch(script, arguments, environ, max_run=1 if "sleep" in script else 600)

    assert json.loads((mount / "outputs" / "train_url_0" / ".anyfit" / "end.json").read_text()) == end


def test_results_while_the_script_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes is brought to OBS again and again, each state once, and the last round is the end's."""
    brought = tmp_path / "brought"
    brought.mkdir()

    class Store:
        def upload(self, path: str, url: str) -> None:
            with (brought / url.rpartition("/")[2]).open("a") as file:
                file.write(Path(path).read_text())

    monkeypatch.setattr(conventions, "_store", Store)
    monkeypatch.setattr(conventions, "PERIOD", 1)
    (tmp_path / "r" / "model").mkdir(parents=True)
    (tmp_path / "r" / "model" / "weights").write_text("1")
    cloud: Any = SimpleNamespace(results_url="s3://b/out/")
    job = SimpleNamespace(checkpoint_uri="")
    world = SimpleNamespace(model_dir=str(tmp_path / "r" / "model"), node_rank=0)
    conventions.Courier.start(cloud, job, world)
    until((tmp_path / "r.brought").exists, bool)  # written after the upload; who is ended between them brings it again
    conventions.Courier.end()
    conventions.Courier.end()
    conventions.Courier(cloud, job, world).round()
    (tmp_path / "r" / "model" / "weights").write_text("22")
    conventions.Courier(cloud, job, world).round()

    assert (brought / "weights").read_text() == "122"
