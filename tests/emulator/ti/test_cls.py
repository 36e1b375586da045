"""The log service and monitoring, as the older generation's SDK asks them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from anyfit_emulator.storage import Credential
from anyfit_emulator.storage.auth import qsign
from anyfit_emulator.storage.auth.values import Claim, parse_query
from anyfit_emulator.storage.credentials import CredentialTable

MONITOR = "2018-07-24"
BEIJING = timezone(timedelta(hours=8))
TALK = "import sys\nfor number in range(150):\n    print('line', number)\nprint('wrong', file=sys.stderr)"


def at(seconds: float) -> str:
    """A moment as the service wants it."""
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def ask(rig: Any, action: str, secret: str = "", token: str = "", keys: Any = None, **query: Any) -> dict[str, Any]:
    """One signed request."""
    endpoint = rig.keys["cls_endpoint"]
    host = endpoint.partition("://")[2]
    secret_id, secret_key = keys or (rig.keys["secret_id"], secret or rig.keys["secret_key"])
    now = int(time.time())
    span = f"{now - 60};{now + 300}"
    signed = "&".join(f"{name}={quote(str(query[name]), '-_.~')}" for name in sorted(query))
    text = f"get\n/{action}\n{signed}\nhost={quote(host, '-_.~')}\n"
    key = hmac.new(secret_key.encode(), span.encode(), hashlib.sha1).hexdigest()
    whole = f"sha1\n{span}\n{hashlib.sha1(text.encode()).hexdigest()}\n"
    signature = hmac.new(key.encode(), whole.encode(), hashlib.sha1).hexdigest()
    header = f"q-sign-algorithm=sha1&q-ak={secret_id}&q-sign-time={span}&q-key-time={span}&q-header-list=host"
    header += f"&q-url-param-list={';'.join(sorted(query))}&q-signature={signature}"
    sent = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
    headers = {"Authorization": header, **({"x-cls-Token": token} if token else {})}
    answer: dict[str, Any] = rig.http.get(f"{endpoint}/{action}?{sent}", headers=headers, timeout=30).json()
    return answer


def search(rig: Any, name: str, **more: Any) -> dict[str, Any]:
    """One page of a job's lines of the last hour."""
    logset = ask(rig, "logsets")["logsets"][0]
    topic = ask(rig, "topics", logset_id=logset["logset_id"])["topics"][0]
    assert (logset["logset_name"], topic["topic_name"]) == ("TiOne", "TrainingJob")
    asked = {"logset_id": logset["logset_id"], "topic_ids": topic["topic_id"], "query": f"job:{name}", "limit": 100}
    window = {"start_time": at(time.time() - 3600), "end_time": at(time.time() + 2)}
    return ask(rig, "searchlog", **{**asked, "sort": "asc", **window, **more})


def test_the_signature_of_the_reference() -> None:
    """The test vector that the official SDK gave."""
    table = CredentialTable(Credential("AKIDEXAMPLE0001", "SecretExample0001"), clock=lambda: 1700000060.0)
    query = (
        "logset_id=ls1&topic_ids=tp1&query=job%3Ajob-1&limit=100&sort=asc"
        "&start_time=2023-11-15%2006%3A00%3A00&end_time=2023-11-15%2006%3A13%3A20&context="
    )
    names = "context;end_time;limit;logset_id;query;sort;start_time;topic_ids"
    header = "q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE0001&q-sign-time=1700000000;1700000360"
    header += f"&q-key-time=1700000000;1700000360&q-header-list=host&q-url-param-list={names}"
    header += "&q-signature=e9db77370d7ede79f59d43f1f9416bb83cb95851"
    claim = Claim("GET", "/searchlog", parse_query(query), {"host": "ap-guangzhou.cls.tencentcs.com"})

    assert qsign.from_header(claim, header, table).credential.access_key == "AKIDEXAMPLE0001"


def test_lines_are_paged(rig: Any) -> None:
    """Each once and in order, until the context is empty; the stream is told."""
    job = rig.run(rig.job(TALK))
    name = job["TrainingJobName"]
    results, context = [], ""
    while True:
        page = search(rig, name, context=context)
        results += page["results"]
        context = page["context"]
        if not context:
            break
    contents = [json.loads(one["content"]) for one in results]

    assert page["listover"] is True
    assert {content["job"] for content in contents} == {name}
    assert [content["message"] for content in contents][2:152] == [f"line {number}\n" for number in range(150)]
    assert {"job": name, "message": "wrong\n", "stream": "stderr"} in contents
    newest = search(rig, name, sort="desc", limit=1)["results"][0]
    assert newest == results[-1]
    assert search(rig, name, end_time=at(time.time() - 60))["results"] == []


def test_nothing_to_be_found(rig: Any) -> None:
    """Of a job that is not there, or that does not send its lines there."""
    quiet = rig.job(TALK)
    values = json.loads(quiet["HyperParameters"]) | {"ti_enable_cls_log": "false"}
    job = rig.run({**quiet, "HyperParameters": json.dumps(values)})

    assert search(rig, "nobody")["results"] == []
    assert search(rig, job["TrainingJobName"])["results"] == []
    assert job["LogUrl"] is None


def test_refusals(rig: Any) -> None:
    """They carry both members that the SDK looks for."""
    keys = rig.call("AssumeRole", {"RoleArn": "r", "RoleSessionName": "s"}, "2018-08-13", service="sts")["Credentials"]
    pair = (keys["TmpSecretId"], keys["TmpSecretKey"])

    assert "logsets" in ask(rig, "logsets", keys=pair, token=keys["Token"])
    for answer, code in (
        (ask(rig, "logsets", secret="wrong"), "AuthFailed"),
        (ask(rig, "logsets", keys=pair), "AuthFailed"),
        (ask(rig, "cars"), "InvalidRequest"),
        (ask(rig, "topics", logset_id="x"), "LogsetNotExist"),
        (search(rig, "x", topic_ids="x"), "TopicNotExist"),
        (search(rig, "x", query="loss"), "QueryError"),
        (search(rig, "x", limit=101), "InvalidParam"),
        (search(rig, "x", context="9950"), "InvalidParam"),
        (search(rig, "x", start_time="soon"), "InvalidParam"),
    ):
        assert answer["errorcode"] == code, answer
        assert answer["errormessage"]


def test_faults_in_its_own_words(make_rig: Callable[..., Any]) -> None:
    """What goes wrong on request is told as everything else here is."""
    rig = make_rig(faults="slowdown=1,only=ListLogsets,times=1")

    assert ask(rig, "logsets")["errorcode"] == "RequestLimitExceeded"
    assert "logsets" in ask(rig, "logsets")


def test_monitoring(rig: Any) -> None:
    """What a job's processes used, by the instance's id."""
    job = rig.run(rig.job("data = b'x' * (64 << 20)\nimport time\ntime.sleep(0.1)"))

    def points(metric: str, **more: Any) -> dict[str, Any]:
        dimensions = [{"Name": "JobId", "Value": job["InstanceId"]}]
        asked = {
            "Namespace": "qce/tione_sdk_job",
            "MetricName": metric,
            "Instances": [{"Dimensions": dimensions}],
            "Period": 60,
            "StartTime": at(time.time() - 600),
            "EndTime": datetime.fromtimestamp(time.time() + 5, BEIJING).isoformat(timespec="seconds"),
            **more,
        }
        answer = rig.call("GetMonitorData", asked, MONITOR, service="monitor")
        found: dict[str, Any] = answer["DataPoints"][0]
        assert (answer["Period"], answer["MetricName"], found["Dimensions"]) == (60, metric, dimensions)
        return found

    memory = points("MemUsage")
    assert memory["Values"]
    assert len(memory["Values"]) == len(memory["Timestamps"])
    assert memory["MaxValues"][0] >= memory["MinValues"][0]
    assert points("CpuCoreUsed")["Values"][0] >= 0
    assert 0 < points("MemUsageRate")["Values"][0] <= 100
    assert points("GpuCoreUsed")["Values"] == []
    for change in ({"Namespace": "x"}, {"MetricName": "Speed"}, {"Period": 7}):
        parameters = {"Namespace": "qce/tione_sdk_job", "MetricName": "MemUsage", "Instances": [], **change}
        assert rig.refusal("GetMonitorData", parameters, MONITOR, service="monitor") == "InvalidParameterValue"
