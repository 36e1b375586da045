"""Services of the second API: commands of images, really run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anyfit_modelarts.emulator.places import to_s3

SERVER = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

WEIGHTS = open("/mnt/model/weights.txt").read()

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if body == "die":
            os._exit(3)
        answer = {"path": self.path, "weights": WEIGHTS, "got": body, "log": os.environ["LOG"], "argv": sys.argv[1:],
                  "token": self.headers.get("X-Auth-Token")}
        content = json.dumps(answer).encode()
        self.send_response(202)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, *words):
        pass

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
COMMAND = "exec python /mnt/model/serve.py --model /mnt/model"


def service(rig: Any, name: str, cmd: str | None = COMMAND, auth: str = "TOKEN", **members: Any) -> dict[str, Any]:
    """The body that deploys a program with its weights."""
    place = rig.put_files(f"{name}/mounted", serve__py=SERVER, weights__txt=name)
    unit: dict[str, Any] = {
        "image": {"source": "SWR", "swr_path": "swr.cn-north-4.myhuaweicloud.com/me/serve:1"},
        "flavor": "modelarts.vm.cpu.2u",
        "cmd": cmd,
        "envs": {"LOG": "/mnt/model/log"},
        "files": [{"source": "OBS", "address": to_s3(place).replace("s3:", "obs:"), "mount_path": "/mnt/model"}],
    }
    limit = {"rate_limit": {"num": 100, "unit": "SECONDS"}, "request_size_limit": 1, "request_timeout": 30}
    return {
        "name": name,
        "type": "REAL_TIME",
        "deploy_type": "SINGLE",
        "version": "1.0.0",
        "group_configs": [{"name": "one", "weight": 100, "count": 1, "unit_configs": [unit]}],
        "runtime_config": {
            "service_invoke": {"port": 8080, "protocol": "HTTP", "auth_type": auth},
            "service_limit": limit,
        },
    } | members


def rested(rig: Any, service_id: str, *statuses: str) -> dict[str, Any]:
    """The service, once it is in one of these states, or in any that lasts."""
    wanted = statuses or ("RUNNING", "FAILED", "STOPPED")
    look = lambda: rig.get(f"/v2/{{p}}/services/{service_id}")  # noqa: E731
    found: dict[str, Any] = rig.until(look, lambda seen: seen["status"] in wanted)
    return found


def deployed(rig: Any, body: dict[str, Any]) -> dict[str, Any]:
    """The service, once it has come to rest."""
    return rested(rig, rig.post("/v2/{p}/services", body)["id"])


@pytest.fixture(scope="module")
def running(rig: Any) -> dict[str, Any]:
    """A service of two instances."""
    body = service(rig, "mounted")
    body["group_configs"][0]["count"] = 2
    found = deployed(rig, body)
    assert found["status"] == "RUNNING", found
    return found


def url_of(found: dict[str, Any]) -> str:
    """Where it is called."""
    assert found["predict_url"][0]["type"] == "PUBLIC"
    return str(found["predict_url"][0]["urls"][0])


def test_a_command_answers(rig: Any, running: dict[str, Any]) -> None:
    """At any path and method, with what was mounted; the caller's token is not passed on."""
    url, token = url_of(running), {"X-Auth-Token": rig.token}
    answer = rig.http.post(f"{url}/v1/chat?x=1", data=b"hi", headers=token, timeout=30)
    read = rig.http.get(url, headers=token, timeout=30)

    assert answer.status_code == read.status_code == 202
    shown = answer.json()
    assert (shown["path"], shown["got"], shown["weights"], shown["token"]) == ("/v1/chat?x=1", "hi", "mounted", None)
    assert shown["argv"][1] == shown["log"].removesuffix("/log") != "/mnt/model"
    assert read.json()["path"] == "/"


def test_callers_are_checked(rig: Any, running: dict[str, Any]) -> None:
    """By the way of authentication that the service has; one that is free for all asks nobody."""
    url = url_of(running)
    free = deployed(rig, service(rig, "free", auth="NONE"))

    assert rig.http.post(url, timeout=30).status_code == 401
    assert rig.signed("POST", url.removeprefix(rig.endpoint), b"x").status_code == 202
    assert rig.http.post(url_of(free), timeout=30).status_code == 202
    assert rig.http.post(url[:-1] + "_", headers={"X-Auth-Token": rig.token}, timeout=30).status_code == 404
    large = rig.http.post(url, data=bytes((1 << 20) + 1), headers={"X-Auth-Token": rig.token}, timeout=30)
    assert large.status_code == 413


def test_what_is_shown(rig: Any, running: dict[str, Any]) -> None:
    """Details have times as strings, lists as numbers; lists are filtered and paged."""
    group = running["version"]["instance_groups"][0]
    listed = rig.get("/v2/{p}/services?name=mount&status=RUNNING&auth_type=TOKEN")
    item = listed["data"][0]

    assert (group["count"], group["running_count"], group["unit_configs"][0]["cmd"]) == (2, 2, COMMAND)
    assert isinstance(running["create_at"], str)
    assert (item["id"], isinstance(item["create_at"], int)) == (running["id"], True)
    assert {name: listed[name] for name in ("current", "size", "pages", "total")} == {
        "current": 0,
        "size": 1,
        "pages": 1,
        "total": 1,
    }
    assert rig.get("/v2/{p}/services?name=none&limit=500") == {
        "data": [],
        "current": 0,
        "size": 0,
        "pages": 0,
        "total": 0,
    }
    events = rig.get(f"/v2/{{p}}/services/{running['id']}/events")
    assert "2 instances" in events["data"][-1]["event_info"]
    flavors = rig.get("/v2/{p}/services/flavors?limit=2")
    assert (len(flavors["data"]), flavors["pages"]) == (2, 5)


def test_stop_start_delete(rig: Any) -> None:
    """A stopped service answers nobody; a deleted one is gone."""
    found = deployed(rig, service(rig, "brief"))
    path, token = f"/v2/{{p}}/services/{found['id']}", {"X-Auth-Token": rig.token}

    assert rig.post(f"{path}/start", status=400)["error_code"] == "ModelArts.3519"
    assert rig.post(f"{path}/stop")["status"] in ("STOPPING", "STOPPED")
    rested(rig, found["id"], "STOPPED")
    assert rig.http.post(url_of(found), headers=token, timeout=30).json()["error_code"] == "ModelArts.4503"
    assert rig.post(f"{path}/start")["status"] == "DEPLOYING"
    rested(rig, found["id"], "RUNNING")
    answer = rig.post("/v2/{p}/services/delete", {"service_ids": [found["id"]]})
    assert [(item["id"], item["status"]) for item in answer["service_responses"]] == [(found["id"], "DELETING")]
    rig.until(lambda: rig.send("GET", path).status_code, lambda seen: seen == 404)
    assert rig.post("/v2/{p}/services/delete", {"service_ids": [found["id"]]}, status=404)["error_solution"]


def test_a_command_that_dies_is_started_again(rig: Any, running: dict[str, Any]) -> None:
    """While the other instance answers."""
    url, token = url_of(running), {"X-Auth-Token": rig.token}

    assert rig.http.post(url, data=b"die", headers=token, timeout=30).json()["error_code"] == "ModelArts.4302"
    assert rig.http.post(url, headers=token, timeout=30).status_code == 202
    look = lambda: rested(rig, running["id"])["version"]["instance_groups"][0]["running_count"]  # noqa: E731
    rig.until(look, lambda seen: seen == 2)


@pytest.mark.parametrize(
    ("cmd", "reason"), [("echo no good; exit 5", "code 5: no good"), ("no-such-program", "no-such-program")]
)
def test_commands_that_fail(rig: Any, cmd: str, reason: str) -> None:
    """The service says why."""
    found = deployed(rig, service(rig, rig.name("failing"), cmd))

    assert found["status"] == "FAILED"
    assert reason in found["failure_reason"]


def test_a_mount_that_is_not_there(rig: Any) -> None:
    """The service says which."""
    body = service(rig, "missing")
    body["group_configs"][0]["unit_configs"][0]["files"][0]["address"] = "obs://no-such-bucket/x/"
    found = deployed(rig, body)

    assert (found["status"], "no-such-bucket" in found["failure_reason"]) == ("FAILED", True)


def test_an_image_alone_has_a_stand_in(rig: Any) -> None:
    """What it would run is not known."""
    found = deployed(rig, service(rig, "image", None))

    assert found["status"] == "RUNNING"
    assert rig.http.post(url_of(found), headers={"X-Auth-Token": rig.token}, timeout=30).json() == {}


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        (["name"], None, "name"),
        (["type"], "BATCH", "type"),
        (["deploy_type"], None, "deploy_type"),
        (["group_configs"], [], "group_configs"),
        (["group_configs", 0, "weight"], 101, "group_configs[0].weight"),
        (["group_configs", 0, "count"], 0, "group_configs[0].count"),
        (["group_configs", 0, "unit_configs", 0, "image", "source"], "HUB", "image.source"),
        (["group_configs", 0, "unit_configs", 0, "files", 0, "mount_path"], "/a/../b", "mount_path"),
        (["group_configs", 0, "unit_configs", 0, "files", 0, "mount_path"], "a", "mount_path"),
        (["group_configs", 0, "unit_configs", 0, "files", 0, "address"], "nowhere", "address"),
        (["group_configs", 0, "unit_configs", 0, "startup_health"], {"url": "/"}, "timeout_seconds"),
        (["runtime_config"], None, "runtime_config"),
        (["runtime_config", "service_invoke", "port"], None, "service_invoke.port"),
        (["runtime_config", "service_invoke", "auth_type"], "API_KEY", "auth_type"),
        (["runtime_config", "service_limit", "request_size_limit"], 51, "request_size_limit"),
        (["schedule"], [{"type": "stop"}], "schedule[0].type"),
    ],
)
def test_bad_bodies(rig: Any, place: list[Any], value: Any, field: str) -> None:
    """They are refused in the shape of the second API, naming the field."""
    body = json.loads(json.dumps(service(rig, "bad")))
    *way, last = place
    inner = body
    for step in way:
        inner = inner[step]
    inner[last] = value
    answer = rig.post("/v2/{p}/services", body, status=400)

    assert answer["error_code"] == "ModelArts.2788"
    assert answer["error_solution"]
    assert field in answer["error_msg"]


def test_names_are_taken_once(rig: Any, running: dict[str, Any]) -> None:
    """As with the first API."""
    assert rig.post("/v2/{p}/services", service(rig, running["name"]), status=409)["error_code"] == "ModelArts.3503"


def test_it_runs_again(make_rig: Any) -> None:
    """With the next emulator on the same directory."""
    rig = make_rig()
    rig.login()
    found = deployed(rig, service(rig, "lasting"))
    token = rig.token
    rig.close()
    again = make_rig()
    again.token = token

    answer = again.http.post(url_of(rested(again, found["id"])), headers={"X-Auth-Token": token}, timeout=30)
    assert answer.json()["weights"] == "lasting"
