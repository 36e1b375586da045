"""The emulator as a program: it ends in time with all its processes, and finds everything again."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from anyfit_emulator.running import Run
from emulated import emulated
from processes import is_alive
from waiting import until, within

STUBBORN = 'trap "" TERM; echo $$; while true; do sleep 0.1; done'


def custom_v1(name: str, command: str) -> dict[str, Any]:
    """A job of the first generation that runs a line of shell."""
    config = {"worker_server_num": 1, "user_image_url": "a/b:1", "user_command": command, "spec_id": 7}
    return {"job_name": name, "config": config}


def custom_v2(name: str, command: str) -> dict[str, Any]:
    """The same in the second."""
    resource = {"flavor_id": "modelarts.vm.cpu.2u", "node_count": 1}
    return {
        "kind": "job",
        "metadata": {"name": name},
        "algorithm": {"engine": {"image_url": "a/b:1"}, "command": command},
        "spec": {"resource": resource},
    }


def test_everything_is_found_again(make_rig: Callable[..., Any]) -> None:
    """Jobs of both kinds with logs and metrics, algorithms, experiments, the account, tokens; what ran is lost."""
    rig = make_rig()
    old = rig.post("/v1/{p}/training-jobs", custom_v1("old", "echo one; sleep 0.1"))
    new = rig.post("/v2/{p}/training-jobs", custom_v2("new", "echo two; sleep 0.1"), 201)["metadata"]["id"]
    paths = [f"/v1/{{p}}/training-jobs/{old['job_id']}/versions/{old['version_id']}", f"/v2/{{p}}/training-jobs/{new}"]
    rig.until(lambda: rig.get(paths[0]), lambda seen: seen["status"] == 10)
    rig.until(lambda: rig.get(paths[1]), lambda seen: seen["status"]["phase"] == "Completed")
    paths += [f"{paths[0]}/aom-log?log_file=job-old.0", f"{paths[1]}/tasks/worker-0/logs/preview"]
    paths += [
        f"{paths[1]}/metrics/worker-0",
        f"{paths[1]}/events",
        "/v2/{p}/algorithms",
        "/v1/{p}/training-job-configs",
    ]
    algorithm = {"metadata": {"name": "a"}, "job_config": {"engine": {"image_url": "a/b:1"}, "command": "x"}}
    rig.post("/v2/{p}/algorithms", algorithm, 201)
    rig.post("/v1/{p}/training-job-configs", {"config_name": "c"})
    before = [rig.get(path) for path in paths]
    temporary = rig.service.account.new_keys(900)
    running = rig.post("/v1/{p}/training-jobs", custom_v1("running", "echo here; sleep 60"))
    live = rig.post("/v2/{p}/training-jobs", custom_v2("live", "echo here; sleep 60 #"), 201)["metadata"]["id"]
    rig.until(lambda: rig.send("GET", f"/v2/{{p}}/training-jobs/{live}/tasks/worker-0/logs/preview").text, bool)
    token, project = rig.token, rig.project
    rig.close()

    again = make_rig(rig.room.data_dir)
    again.token = token
    assert (again.project, again.keys["password"], again.keys["access_key"]) == (
        project,
        rig.keys["password"],
        rig.keys["access_key"],
    )
    assert [again.get(path) for path in paths] == before
    path = f"/v1/{{p}}/training-jobs/{running['job_id']}/versions/{running['version_id']}"
    assert again.get(path)["status"] == 14
    lost = again.get(f"/v2/{{p}}/training-jobs/{live}")["status"]
    assert (lost["phase"], lost["secondary_phase"]) == ("Abnormal", "Lost")
    assert again.post("/v1/{p}/training-jobs", custom_v1("old", "x"), 400)["error_code"] == "ModelArts.0103"
    assert again.post("/v1/{p}/training-jobs", custom_v1("later", "true"))["job_id"] > running["job_id"]
    pair = {"access_key": temporary.access_key, "secret_key": temporary.secret_key}
    assert again.signed("GET", "/v3/projects", **pair, **{"x-security-token": temporary.token}).status_code == 200


def test_nothing_outlives_it_where_its_threads_are_late(
    make_rig: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs is ended in the end though who should have ended it was kept from that."""
    rig = make_rig()
    pid_file = tmp_path / "pid"
    rig.post("/v2/{p}/training-jobs", custom_v2("live", f"echo $$ > {pid_file}; sleep 60"), 201)
    pid = int(until(lambda: pid_file.exists() and pid_file.read_text().strip(), bool))
    monkeypatch.setattr(Run, "stop", lambda run, grace: None)
    rig.close()

    assert not is_alive(pid)


class Remote:
    """Calls to an emulator in another process."""

    def __init__(self, keys: dict[str, str], session: requests.Session) -> None:
        self.keys = keys
        self.session = session
        user = {"name": keys["username"], "password": keys["password"], "domain": {"name": keys["domain"]}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": {"id": keys["project_id"]}}}}
        login = session.post(f"{keys['iam_endpoint']}/v3/auth/tokens", json=body, timeout=30)
        session.headers["X-Auth-Token"] = login.headers["X-Subject-Token"]

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self.keys['endpoint']}/v2/{self.keys['project_id']}/training-jobs{path}"
        return self.session.request(method, url, json=body, timeout=30)

    def start(self, command: str) -> tuple[str, int]:
        """A job that runs a line of shell, once that has written its process' number; answers its id and that."""
        job = self("POST", "", custom_v2(f"job-{time.monotonic_ns()}", command)).json()["metadata"]["id"]
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline
            lines = self("GET", f"/{job}/tasks/worker-0/logs/preview").text
            numbers = [
                line for line in json.loads(lines or '{"content": ""}')["content"].splitlines() if line.isdigit()
            ]
            if numbers:
                return job, int(numbers[0])
            time.sleep(0.01)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A connection pool."""
    with requests.Session() as one:
        yield one


def test_sigterm_ends_it_with_its_jobs(tmp_path: Path, session: requests.Session) -> None:
    """Within three seconds, even if a job ignores the signal; the ready file has all a client needs."""
    with emulated("modelarts", tmp_path) as (process, keys):
        assert set(keys) == {
            "endpoint",
            "iam_endpoint",
            "obs_endpoint",
            "region",
            "project_id",
            "project_name",
            "domain",
            "username",
            "password",
            "access_key",
            "secret_key",
            "bucket",
        }
        _, pid = Remote(keys, session).start(STUBBORN)
        assert is_alive(pid)
        with within(3):
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0

    assert not is_alive(pid)
    assert keys["endpoint"] in (tmp_path / "output.txt").read_text()


def test_a_killed_emulator_leaves_no_lies(tmp_path: Path, session: requests.Session) -> None:
    """After kill -9 the next start ends the orphans and calls the job lost."""
    data = ("--data", str(tmp_path / "data"))
    with emulated("modelarts", tmp_path, *data) as (process, keys):
        job, pid = Remote(keys, session).start("echo $$; sleep 60 #")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with emulated("modelarts", tmp_path, *data) as (process, keys):
        found = Remote(keys, session)("GET", f"/{job}").json()

        assert found["status"]["phase"] == "Abnormal"
        assert not is_alive(pid)
