"""A running TI emulator, and a client that signs by hand and knows HTTP and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import tarfile
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from anyfit_ti.emulator.loglines import lines
from anyfit_ti.emulator.service import TiService
from rigs import Rig

GEN1 = "2019-10-22"
GEN2 = "2021-11-11"


class Refused(Exception):
    """What came back was an error; `code` tells which."""

    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(f"{error['Code']}: {error['Message']}")
        self.code = error["Code"]
        self.message = error["Message"]


def signed(
    secret_id: str,
    secret_key: str,
    host: str,
    body: bytes,
    *,
    service: str = "tione",
    at: int = 0,
    method: str = "POST",
    query: str = "",
    kind: str = "application/json",
) -> dict[str, str]:
    """The headers of a request that is signed with TC3-HMAC-SHA256, as the manual describes it."""
    at = at or int(time.time())
    day = time.strftime("%Y-%m-%d", time.gmtime(at))
    scope = f"{day}/{service}/tc3_request"
    payload = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n/\n{query}\ncontent-type:{kind}\nhost:{host}\n\ncontent-type;host\n{payload}"
    text = f"TC3-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("TC3" + secret_key).encode()
    for word in (day, service, "tc3_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={secret_id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
    return {
        "Host": host,
        "Content-Type": kind,
        "Authorization": f"TC3-HMAC-SHA256 {credential}",
        "X-TC-Timestamp": str(at),
    }


class TiRig(Rig):
    """An account that signs."""

    service_class = TiService
    store_keys = ("secret_id", "secret_key")

    def send(
        self,
        action: str,
        parameters: Any = None,
        version: str = GEN2,
        *,
        service: str = "tione",
        keys: tuple[str, str, str] | None = None,
        at: int = 0,
        **headers: str,
    ) -> requests.Response:
        """One request as it stands."""
        secret_id, secret_key, token = keys or (self.keys["secret_id"], self.keys["secret_key"], "")
        endpoint = self.keys["tiems_endpoint" if service == "tiems" else "endpoint"]
        body = json.dumps({} if parameters is None else parameters).encode()
        host = endpoint.partition("://")[2]
        sent = signed(secret_id, secret_key, host, body, service=service, at=at)
        sent |= {"X-TC-Action": action, "X-TC-Version": version, "X-TC-Region": self.keys["region"]}
        sent |= {"X-TC-Token": token} if token else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(endpoint + "/", data=body, headers=sent, timeout=30)

    def call(self, action: str, parameters: Any = None, version: str = GEN2, **how: Any) -> dict[str, Any]:
        """One action of the newer generation, unless told otherwise; answers what `Response` holds.

        Raises:
            Refused: It was an error.
        """
        response = self.send(action, parameters, version, **how)
        return answer_of(response)

    def old(self, action: str, parameters: Any = None) -> dict[str, Any]:
        """One action of the older generation."""
        return self.call(action, parameters, GEN1)

    def refusal(self, action: str, parameters: Any = None, version: str = GEN2, **how: Any) -> str:
        """The code with which an action is refused."""
        with pytest.raises(Refused) as caught:
            self.call(action, parameters, version, **how)
        return caught.value.code

    def packed(self, key: str) -> dict[str, bytes]:
        """The files of an archive in the bucket."""
        content = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return unpacked(content)

    # the older generation

    def job(self, script: str, name: str = "", given: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
        """The body of a job that runs a script, in the shape that the official SDK sends."""
        name = name or self.name()
        self.put(f"{name}/source/source.tar.gz", archive({"train.py": script}))
        submit = f"cos://{self.bucket}/{name}/source/source.tar.gz"
        reserved: dict[str, Any] = {"ti_program": "train.py", "ti_submit_directory": submit, "ti_job_name": name}
        reserved |= {"ti_container_log_level": 20, "ti_enable_cls_log": True}
        encoded = {key: json.dumps(value) for key, value in {**(given or {}), **reserved}.items()}
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImageName": "ccr.ccs.tencentyun.com/ti_containers/pytorch:1.9.0-gpu-cu101-py3",
                "TrainingInputMode": "File",
            },
            "OutputDataConfig": {"CosOutputBucket": self.bucket, "CosOutputKeyPrefix": "runs/"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "TI.SMALL2.1core2g", "VolumeSizeInGB": 0},
            "RoleName": self.keys["role"],
            "RetryWhenResourceInsufficient": "Disabled",
            "InputDataConfig": [],
            "HyperParameters": json.dumps(encoded),
            **members,
        }

    def run(self, body: dict[str, Any]) -> dict[str, Any]:
        """Start a job and wait for its end; answers its description."""
        self.old("CreateTrainingJob", body)
        return self.ended(body["TrainingJobName"])

    def ended(self, name: str) -> dict[str, Any]:
        """A job, once it has ended."""
        over = ("Completed", "Failed", "Stopped")
        found = self.until(lambda: self.described(name), lambda job: job["TrainingJobStatus"] in over)
        assert isinstance(found, dict)
        return found

    def described(self, name: str) -> dict[str, Any]:
        """A job."""
        return self.old("DescribeTrainingJob", {"TrainingJobName": name})

    def lines(self, name: str) -> list[str]:
        """What a job wrote, read where it lies."""
        jobs = self.service.platform.jobs
        job = jobs.find(name)
        return [line.text for line in lines(jobs.log_of(job))] if job else []

    # the newer generation

    def task(self, command: str, name: str = "", **members: Any) -> dict[str, Any]:
        """The body of a task that runs a line of shell."""
        name = name or self.name("task")
        return {
            "Name": name,
            "ChargeType": "POSTPAID_BY_HOUR",
            "ResourceConfigInfos": [{"Role": "WORKER", "InstanceType": "TI.S.MEDIUM.POST", "InstanceNum": 1}],
            "FrameworkName": "PYTORCH",
            "FrameworkEnvironment": "torch1.9-py3.8-cuda11.1-gpu",
            "TrainingMode": "DDP",
            "StartCmdInfo": {"StartCmd": "", "PsStartCmd": "", "WorkerStartCmd": command},
            "Output": self.place(f"{name}/out/"),
            **members,
        }

    def place(self, path: str) -> dict[str, Any]:
        """A place in the bucket."""
        return {"Bucket": self.bucket, "Region": self.keys["region"], "Paths": [path]}

    def begin(self, body: dict[str, Any]) -> str:
        """Start a task; answers its id."""
        return str(self.call("CreateTrainingTask", body)["Id"])

    def finish(self, body: dict[str, Any]) -> dict[str, Any]:
        """Start a task and wait for its end; answers its detail."""
        return self.over(self.begin(body))

    def over(self, identifier: str) -> dict[str, Any]:
        """A task, once it has ended."""
        ends = ("STOPPED", "FAILED", "SUCCEED", "SUBMIT_FAILED")
        found = self.until(lambda: self.detail(identifier), lambda task: task["Status"] in ends)
        assert isinstance(found, dict)
        return found

    def detail(self, identifier: str) -> dict[str, Any]:
        """A task."""
        found = self.call("DescribeTrainingTask", {"Id": identifier})["TrainingTaskDetail"]
        assert isinstance(found, dict)
        return found

    def messages(self, task: dict[str, Any], **more: Any) -> list[str]:
        """What the latest run of a task wrote in the last hour."""
        asked = {"Service": "TRAIN", "ServiceId": task["LatestInstanceId"], "Order": "ASC", "Limit": 1000, **more}
        return [line["Message"] for line in self.call("DescribeLogs", asked)["Content"]]


def archive(files: dict[str, str]) -> bytes:
    """A gzipped tar."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            packed.addfile(member, io.BytesIO(text.encode()))
    return target.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    """What is in one."""
    with tarfile.open(fileobj=io.BytesIO(content)) as packed:
        files = {member.name: packed.extractfile(member) for member in packed.getmembers() if member.isfile()}
        return {name: stream.read() for name, stream in files.items() if stream}


def answer_of(response: requests.Response) -> dict[str, Any]:
    """What an answer holds."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    (answer,) = response.json().values()
    assert answer["RequestId"]
    if "Error" in answer:
        raise Refused(answer["Error"])
    assert isinstance(answer, dict)
    return answer


@pytest.fixture(scope="session")
def rig_class() -> type[Rig]:
    """The rig of these tests."""
    return TiRig


@pytest.fixture(scope="session")
def sign() -> Callable[..., dict[str, str]]:
    """Signs a request."""
    return signed


@pytest.fixture(scope="session")
def answer() -> Callable[[requests.Response], dict[str, Any]]:
    """Reads an answer."""
    return answer_of
