"""The official `ti` SDK, version 1.3.30, unchanged: estimators train, wait and print logs.

It is pointed at the emulator where its constants are, as section 8.2 of the reference says, and its pauses of a
minute are shortened to a second.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anyfit_emulator.emulation import emulate

VERSION = "1.3.30"
REGION = "ap-guangzhou"
MINUTE = 1.0  # the seconds that a pause of a minute takes here; times of logs are whole seconds
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")

TRAIN = """
import argparse, json, os, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--name")
given = parser.parse_args()
if __name__ == "__main__":
    while not os.path.exists(os.environ.get("WAIT_FOR", "/")):
        time.sleep(0.05)
    numbers = [float(word) for word in open(os.environ["TM_CHANNEL_TRAIN"] + "/numbers.txt").read().split()]
    for step in range(3):
        print(f"step {step} loss {sum(numbers) * given.lr / (step + 1):.3f}")
    with open(os.environ["TM_MODEL_DIR"] + "/model.json", "w") as stream:
        json.dump({"name": given.name, "rank": os.environ.get("OMPI_COMM_WORLD_RANK")}, stream)
"""


@pytest.fixture(scope="session")
def sdk(request: pytest.FixtureRequest) -> Any:
    """The SDK's modules.

    It cannot be a requirement of ours, since it asks for the whole of docker-compose, whose YAML library is no longer
    built. So unless it is installed it is fetched once, without its requirements, into pytest's cache.
    """
    if importlib.util.find_spec("ti") is None:
        sys.path.append(str(fetched(request.config.cache)))
    names = ("session", "train_job", "tensorflow", "pytorch", "estimator", "client.ti_client", "client.cos_client")
    found = {name.rpartition(".")[2]: importlib.import_module(f"ti.{name}") for name in names}
    return SimpleNamespace(**found, monitor_client=importlib.import_module("ti.client.monitor_client"))


def fetched(cache: Any) -> Path:
    """The folder that the SDK was put into; the test is skipped where there is no network."""
    folder = Path(cache.mkdir("ti-sdk"))
    target = folder / VERSION
    if not target.exists():
        partial = Path(tempfile.mkdtemp(dir=folder))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(partial)]
        done = subprocess.run([*command, f"ti-sdk-python=={VERSION}"], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"ti-sdk-python {VERSION} cannot be fetched: {done.stderr[-200:]}")
        with contextlib.suppress(OSError):  # another worker was faster
            partial.rename(target)
    return target


@pytest.fixture
def ready(sdk: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str]]:
    """An emulator that the SDK is pointed at."""
    with emulate("ti") as services:
        keys = services["ti"].ready()
        host, _, port = keys["cos_endpoint"].partition("://")[2].partition(":")
        plain = sdk.cos_client.CosConfig

        def config(**words: Any) -> Any:
            way = {"IP": host, "Port": int(port), "ServiceDomain": f"{host}:{port}"}
            return plain(**{**words, "Scheme": "http", **way})

        profile = sdk.monitor_client.HttpProfile
        monkeypatch.setattr(sdk.ti_client, "TI_HOST", keys["endpoint"])
        monkeypatch.setattr(sdk.cos_client, "CosConfig", config)
        monkeypatch.setattr(sdk.monitor_client, "HttpProfile", lambda **words: profile(endpoint=keys["endpoint"]))

        def sleep(seconds: float) -> None:
            (tmp_path / "looked").touch()  # the SDK tells only changes from what it has seen when it began to wait
            time.sleep(seconds * MINUTE / 60)

        monkeypatch.setattr(sdk.train_job, "time", SimpleNamespace(sleep=sleep, time=time.time))
        logs_host, _, logs_port = keys["cls_endpoint"].partition("://")[2].partition(":")
        for name, value in (("HTTP_PROXY_HOST", logs_host), ("HTTP_PROXY_PORT", logs_port), ("HOME", str(tmp_path))):
            monkeypatch.setenv(name, value)
        basic = {name: keys[name] for name in ("region", "uin", "app_id", "secret_id", "secret_key")}
        (tmp_path / ".ti").mkdir()
        (tmp_path / ".ti" / "config.yaml").write_text(json.dumps({"basic": basic}))  # which is YAML, too
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "train.py").write_text(TRAIN)
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "numbers.txt").write_text("1 2 3")
        yield keys


def estimator(sdk: Any, ready: dict[str, str], tmp_path: Path, **more: Any) -> Any:
    """TensorFlow, as the vendor's own example has it."""
    return sdk.tensorflow.TensorFlow(
        role=ready["role"],
        train_instance_count=1,
        train_instance_type="ML.GN8.3XLARGE112",
        py_version="py3",
        script_mode=True,
        framework_version="1.14.0",
        entry_point="train.py",
        output_path=f"cos://{ready['bucket']}/runs",
        source_dir=str(tmp_path / "code"),
        hyperparameters={"lr": 0.5, "name": "five"},
        **more,
    )


def model_of(sdk: Any, ready: dict[str, str], name: str, tmp_path: Path) -> dict[str, Any]:
    """What a job made, downloaded by the SDK."""
    target = tmp_path / "down" / name
    target.mkdir(parents=True)
    sdk.session.Session().download_folder(ready["bucket"], f"runs/{name}/output/", str(target))
    with tarfile.open(target / "model.tar.gz") as packed:
        stream = packed.extractfile("model.json")
        assert stream
        found: dict[str, Any] = json.load(stream)
    return found


def test_fit_waits_and_prints(sdk: Any, ready: dict[str, str], tmp_path: Path, capsys: Any) -> None:
    """Data goes up, the job runs, its lines are printed once each, the model comes down, utilization is there."""
    session = sdk.session.Session()
    uri = session.upload_data(str(tmp_path / "data"), ready["bucket"], "data/five")
    one = estimator(sdk, ready, tmp_path, envs={"WAIT_FOR": str(tmp_path / "looked")})
    one.fit({"train": uri}, wait=True, logs=True, job_name="five")
    printed = capsys.readouterr().out

    for step in range(3):
        assert printed.count(f"step {step} loss {3 / (step + 1):.3f}\n") == 1, printed
    assert "Training Job completed" in printed
    assert model_of(sdk, ready, "five", tmp_path) == {"name": "five", "rank": None}
    described = session.describe_training_job("five")
    assert described["TrainingJobStatus"] == "Completed"
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 8 * 3600 + 5))
    before = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 7 * 3600))
    data = session.get_monitor_data("five", "MemUsage", before, now, 60)
    assert data["DataPoints"][0]["Values"]
    found = session.search_log("five", before, now)
    assert any("step 2" in result["content"] for result in found["results"])
    assert session.describe_training_jobs()["TotalCount"] == 1


def test_mpi_and_a_default_bucket(sdk: Any, ready: dict[str, str], tmp_path: Path) -> None:
    """Ranks run; where no output is named, the default bucket is made and used."""
    session = sdk.session.Session()
    bucket = session.default_bucket()
    uri = session.upload_data(str(tmp_path / "data"), key_prefix="data")
    mpi = {"mpi": {"enabled": True, "processes_per_host": 1, "custom_mpi_options": "--NCCL_DEBUG WARN"}}
    one = sdk.pytorch.PyTorch(
        role=ready["role"],
        train_instance_count=2,
        train_instance_type="TI.SMALL2.1core2g",
        entry_point="train.py",
        source_dir=str(tmp_path / "code"),
        hyperparameters={"lr": 0.5, "name": "mpi"},
        distributions=mpi,
    )
    one.fit({"train": uri}, wait=True, job_name="ranks")
    target = tmp_path / "down"
    session.download_folder(bucket, "ranks/output/", str(target))

    assert bucket == f"ti-{REGION}-{ready['uin']}-{ready['app_id']}"
    with tarfile.open(target / "model.tar.gz") as packed:
        assert packed.getnames() == ["model.json"]


def test_failure_is_raised(sdk: Any, ready: dict[str, str], tmp_path: Path) -> None:
    """With the reason that the platform gives; refusals before that name their code."""
    (tmp_path / "code" / "train.py").write_text("raise SystemExit(3)")
    with pytest.raises(ValueError, match="ended with code 3"):
        estimator(sdk, ready, tmp_path).fit(wait=True, job_name="broken")
    with pytest.raises(AttributeError, match="DuplicateName"):
        estimator(sdk, ready, tmp_path).fit(wait=False, job_name="broken")


def test_generated_names_and_stopping(sdk: Any, ready: dict[str, str], tmp_path: Path) -> None:
    """The name comes from image and time; the session stops the job."""
    (tmp_path / "code" / "train.py").write_text("import time\ntime.sleep(60)")
    one = estimator(sdk, ready, tmp_path)
    one.fit(wait=False, logs=False)
    session = sdk.session.Session()
    name = one.current_job_name
    session.stop_training_job(name)
    deadline = time.monotonic() + 60
    while session.describe_training_job(name)["TrainingJobStatus"] != "Stopped":
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert name.startswith("tensorflow-2")
