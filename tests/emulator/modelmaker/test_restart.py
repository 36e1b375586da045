"""The emulator as a program: it ends in time with all its processes, and finds everything again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anyfit_emulator.running import Run
from emulated import emulated
from processes import is_alive
from waiting import until, within

FOREVER = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("../output/pid", "w").write(str(os.getpid()))
print("here", flush=True)
time.sleep(60)
"""
SERVER = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
print(os.getpid(), flush=True)
HTTPServer(("127.0.0.1", int(os.environ["MM_SERVE_PORT"])), BaseHTTPRequestHandler).serve_forever()
"""


def served(rig: Any, name: str) -> int:
    """A running service; answers its id."""
    body = {
        "name": name,
        "type": "BASIC_FRAMEWORK",
        "version": "1",
        "frameworkId": 500001,
        "modelPath": rig.put_files(f"{name}/weights", model__txt="w"),
        "codeUrl": rig.put_files(f"{name}/serve", predict__py=SERVER),
        "startup": "predict.py",
    }
    version = rig.post("/v1/model", body)["versionId"]
    models = [{"modelVersionId": version, "weight": 100, "resourceId": 500151, "instanceCount": 1}]
    answer = rig.post("/v1/service", {"name": name, "type": "ONLINE_SERVICE", "serviceModels": models})
    assert rig.deployed(answer["id"])["status"] == "RUNNING"
    return int(answer["id"])


def test_everything_is_found_again(make_rig: Callable[..., Any]) -> None:
    """Jobs with logs and metrics, models, services, objects, the account; ids go on; tokens and keys live on."""
    rig = make_rig()
    body = rig.job("print('y 1'); open('../output/x', 'w').close()", monitors=[{"name": "y", "regular": "y (.*)"}])
    done = rig.run(body)
    service = served(rig, "running")
    stopped = served(rig, "stopped")
    rig.post(f"/v1/service/{stopped}/stop")
    rig.deployed(stopped)
    path = f"/v1/train/version/{done['versionId']}"
    wanted = ("", "/log?lastId=0", "/performance-monitor", "/resource-monitor", "/output")
    before = [rig.get(path + end) for end in wanted]
    keys = rig.get("/v1/account/auth-access")["s3"]
    token = rig.token
    running = rig.post("/v1/train", rig.job(FOREVER))["versionId"]
    rig.training(running)
    rig.close()

    again = make_rig(rig.room.data_dir)
    again.token = token
    assert [again.get(path + end) for end in wanted] == before
    assert again.keys["password"] == rig.keys["password"]
    assert again.get("/v1/account/auth-access")["s3"]["ak"] == keys["ak"]
    assert again.deployed(service)["status"] == "RUNNING"
    assert again.get(f"/v1/service/{stopped}")["status"] == "STOPPED"
    assert again.post("/v1/train", body)["errorCode"] == 102009
    ended = again.get(f"/v1/train/version/{running}")
    assert ended["status"] == "TRAINING_FAIL"
    assert "the emulator ended" in ended["message"]
    assert again.log(running) == ["here", f"ModelMaker: {ended['message']}"]
    assert again.post("/v1/train", again.custom("true", name="later"))["id"] > running
    again.post("/v1/train", again.custom("true", name="later"))


def test_nothing_outlives_it_where_its_threads_are_late(
    make_rig: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs is ended in the end though who should have ended it was kept from that."""
    rig = make_rig()
    pid_file = tmp_path / "pid"
    rig.post("/v1/train", rig.custom("/bin/sh", f"-c 'echo $$ > {pid_file}; sleep 60'"))
    pid = int(until(lambda: pid_file.exists() and pid_file.read_text().strip(), bool))
    monkeypatch.setattr(Run, "stop", lambda run, grace: None)
    rig.close()

    assert not is_alive(pid)


class Remote:
    """Calls to an emulator in another process."""

    def __init__(self, keys: dict[str, str], session: Any) -> None:
        self.base = keys["host_base"]
        self.session = session
        body = {"username": keys["username"], "password": keys["password"]}
        token = session.post(f"{self.base}/v1/auth-token", json=body, timeout=30).json()["token"]
        session.headers["Auth-Token"] = token

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self.session.request(method, self.base + path, json=body, timeout=30).json()

    def start(self, bucket: str, script: str) -> int:
        """A job that runs a line of shell, once it has written something."""
        body = {
            "name": f"job {time.monotonic_ns()}",
            "type": "CUSTOM",
            "resourceId": 500050,
            "instance": 1,
            "volumeSize": 1,
            "mirrorUrl": "x",
            "command": "/bin/sh",
            "args": f"-c '{script}'",
            "output": f"s3://{bucket}/out/",
        }
        version = int(self("POST", "/v1/train", body)["versionId"])
        while not self("GET", f"/v1/train/version/{version}/log?lastId=0")["logs"]:
            time.sleep(0.01)
        return version

    def first_line(self, version: int) -> str:
        """The log's first line."""
        return str(self("GET", f"/v1/train/version/{version}/log?lastId=0")["logs"][0]["content"])


@pytest.fixture
def session() -> Iterator[Any]:
    """A connection pool."""
    import requests

    with requests.Session() as one:
        yield one


def test_sigterm_ends_it_with_its_jobs(tmp_path: Path, session: Any) -> None:
    """Within three seconds, even if a job ignores the signal; the ready file has all a client needs."""
    with emulated("modelmaker", tmp_path) as (process, keys):
        assert set(keys) >= {
            "host_base",
            "region",
            "username",
            "password",
            "s3_endpoint",
            "access_key",
            "secret_key",
            "bucket",
            "utc_offset_hours",
        }
        assert keys["host_base"].endswith("/mmr")
        remote = Remote(keys, session)
        version = remote.start(keys["bucket"], 'trap "" TERM; echo $$; while true; do sleep 0.1; done')
        pid = int(remote.first_line(version))
        assert is_alive(pid)
        with within(3):
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0

    assert not is_alive(pid)
    said = (tmp_path / "output.txt").read_text()
    assert keys["host_base"] in said
    assert f"utc_offset_hours = {keys['utc_offset_hours']}\n" in said


def test_a_killed_emulator_leaves_no_lies(tmp_path: Path, session: Any) -> None:
    """After kill -9 the next start ends the orphans and calls the job failed."""
    data = ("--data", str(tmp_path / "data"))
    with emulated("modelmaker", tmp_path, *data) as (process, keys):
        remote = Remote(keys, session)
        version = remote.start(keys["bucket"], "echo $$; sleep 60")
        pid = int(remote.first_line(version))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with emulated("modelmaker", tmp_path, *data) as (process, keys):
        remote = Remote(keys, session)
        found = remote("GET", f"/v1/train/version/{version}")

        assert found["status"] == "TRAINING_FAIL"
        assert not is_alive(pid)
