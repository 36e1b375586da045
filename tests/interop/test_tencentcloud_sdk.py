"""tencentcloud-sdk-python-tione, both versions, unchanged, against the emulator; and what it wrote, by way of COS's."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from qcloud_cos import CosConfig, CosS3Client
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.monitor.v20180724 import models as monitor_models
from tencentcloud.monitor.v20180724.monitor_client import MonitorClient
from tencentcloud.tione.v20191022 import models as models_2019
from tencentcloud.tione.v20191022.tione_client import TioneClient as Client2019
from tencentcloud.tione.v20211111 import models as models_2021
from tencentcloud.tione.v20211111.tione_client import TioneClient as Client2021

from anyfit_emulator.emulation import emulate
from waiting import until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")

REGION = "ap-guangzhou"
TRAIN = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
print("learning at", parser.parse_args().lr)
open(os.path.join(os.environ["TM_MODEL_DIR"], "model.txt"), "w").write("weights")
"""


class Rig:
    """A running emulator and ways to make clients of it."""

    def __init__(self, ready: dict[str, str]) -> None:
        self.ready = ready
        self.bucket = ready["bucket"]
        host, _, port = ready["cos_endpoint"].partition("://")[2].partition(":")
        config = CosConfig(
            Region=REGION,
            SecretId=ready["secret_id"],
            SecretKey=ready["secret_key"],
            Scheme="http",
            IP=host,
            Port=int(port),
            ServiceDomain=f"{host}:{port}",
        )
        self.cos = CosS3Client(config, retry=0)

    def profile(self, *, url: bool = False, method: str = "TC3-HMAC-SHA256", verb: str = "POST") -> ClientProfile:
        """Points the SDK at the emulator, by host or by URL."""
        endpoint = self.ready["endpoint"]
        http = HttpProfile(endpoint=endpoint if url else endpoint.partition("://")[2], protocol="http", reqMethod=verb)
        return ClientProfile(signMethod=method, httpProfile=http)

    def client(self, kind: Any, keys: tuple[str, ...] = (), **how: Any) -> Any:
        """A client of one service and version."""
        credential = Credential(*(keys or (self.ready["secret_id"], self.ready["secret_key"])))
        return kind(credential, REGION, self.profile(**how))


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """An emulator."""
    with emulate("ti") as services:
        yield Rig(services["ti"].ready())


def ask(client: Any, models: Any, action: str, **parameters: Any) -> dict[str, Any]:
    """One action; the answer as a dictionary."""
    request = getattr(models, f"{action}Request")()
    request.from_json_string(json.dumps(parameters))
    answer: dict[str, Any] = json.loads(getattr(client, action)(request).to_json_string())
    return answer


def job(rig: Rig, name: str) -> dict[str, Any]:
    """The parameters of a job, whose code is put to COS."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as target:
        member = tarfile.TarInfo("train.py")
        member.size = len(TRAIN)
        target.addfile(member, io.BytesIO(TRAIN.encode()))
    key = f"{name}/source/source.tar.gz"
    rig.cos.put_object(Bucket=rig.bucket, Key=key, Body=packed.getvalue())
    submit = f"cos://{rig.bucket}/{key}"
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImageName": "ccr.ccs.tencentyun.com/ti_containers/sklearn:0.20.3-py3",
            "TrainingInputMode": "File",
        },
        "OutputDataConfig": {"CosOutputBucket": rig.bucket, "CosOutputKeyPrefix": "runs/"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "TI.SMALL2.1core2g", "VolumeSizeInGB": 0},
        "HyperParameters": json.dumps({"lr": "0.5", "ti_program": '"train.py"', "ti_submit_directory": f'"{submit}"'}),
        "EnvConfig": [{"Name": "A", "Value": "1"}],
    }


def task(rig: Rig, name: str) -> dict[str, Any]:
    """The parameters of a task, whose code is put to COS."""
    rig.cos.put_object(Bucket=rig.bucket, Key=f"{name}/code/train.py", Body=TRAIN.encode())
    place = {"Bucket": rig.bucket, "Region": REGION}
    return {
        "Name": name,
        "ChargeType": "POSTPAID_BY_HOUR",
        "ResourceConfigInfos": [{"Role": "WORKER", "InstanceType": "TI.S.MEDIUM.POST", "InstanceNum": 1}],
        "FrameworkName": "PYTORCH",
        "FrameworkEnvironment": "torch1.9-py3.8-cuda11.1-gpu",
        "TrainingMode": "DDP",
        "CodePackagePath": {**place, "Paths": [f"{name}/code/"]},
        "StartCmdInfo": {"WorkerStartCmd": "cd /opt/ml/code && python train.py --lr 0.5"},
        "Envs": [{"Name": "TM_MODEL_DIR", "Value": "/opt/ml/output", "IsPrivate": False}],
        "Output": {**place, "Paths": [f"{name}/out/"]},
    }


@pytest.mark.parametrize("url", [False, True])
def test_a_job_of_2019(rig: Rig, url: bool) -> None:
    """Create, describe, list, monitor; the model lies where the console's link says."""
    client = rig.client(Client2019, url=url)
    name = f"job-{int(url)}"
    assert ask(client, models_2019, "CreateTrainingJob", **job(rig, name))["TrainingJobName"] == name
    ended = until(
        lambda: ask(client, models_2019, "DescribeTrainingJob", TrainingJobName=name),
        lambda one: one["TrainingJobStatus"] != "InProgress",
    )

    assert ended["TrainingJobStatus"] == "Completed", ended["FailureReason"]
    assert len(ended["SecondaryStatusTransitions"]) == 8
    query = dict(word.split("=") for word in ended["ModelArtifacts"]["CosModelArtifacts"].partition("?")[2].split("&"))
    answer = rig.cos.get_object(Bucket=query["bucketName"], Key=query["path"].lstrip("/"))
    packed = io.BytesIO(answer["Body"].get_raw_stream().read())
    with tarfile.open(fileobj=packed) as source:
        assert source.getnames() == ["model.txt"]
    filters = [{"Name": "instance-name", "Values": [name]}]
    assert ask(client, models_2019, "DescribeTrainingJobs", Filters=filters)["TotalCount"] == 1
    dimensions = [{"Name": "JobId", "Value": ended["InstanceId"]}]
    data = ask(
        rig.client(MonitorClient, url=url),
        monitor_models,
        "GetMonitorData",
        Namespace="qce/tione_sdk_job",
        MetricName="CpuCoreUsed",
        Instances=[{"Dimensions": dimensions}],
        Period=60,
    )
    assert data["DataPoints"][0]["Values"]


def test_stopping_a_job_of_2019(rig: Rig) -> None:
    """A job that waits for its time to end is stopped."""
    client = rig.client(Client2019)
    body = job(rig, "long")
    packed = io.BytesIO()
    script = b"import time\ntime.sleep(60)\n"
    with tarfile.open(fileobj=packed, mode="w:gz") as target:
        member = tarfile.TarInfo("train.py")
        member.size = len(script)
        target.addfile(member, io.BytesIO(script))
    rig.cos.put_object(Bucket=rig.bucket, Key="long/source/source.tar.gz", Body=packed.getvalue())
    ask(client, models_2019, "CreateTrainingJob", **body)

    def describe() -> dict[str, Any]:
        return ask(client, models_2019, "DescribeTrainingJob", TrainingJobName="long")

    until(describe, lambda one: one["SecondaryStatus"] == "Training")
    ask(client, models_2019, "StopTrainingJob", TrainingJobName="long")
    assert until(describe, lambda one: one["TrainingJobStatus"] == "Stopped")["SecondaryStatus"] == "Stopped"


def test_a_task_of_2021(rig: Rig) -> None:
    """Create, describe, pods, logs, events, metrics, start, stop, delete."""
    client = rig.client(Client2021)
    identifier = ask(client, models_2021, "CreateTrainingTask", **task(rig, "task-1"))["Id"]

    def detail() -> dict[str, Any]:
        found = ask(client, models_2021, "DescribeTrainingTask", Id=identifier)["TrainingTaskDetail"]
        assert isinstance(found, dict)
        return found

    ended = until(detail, lambda one: one["Status"] in ("SUCCEED", "FAILED"))
    asked = {"Service": "TRAIN", "ServiceId": ended["LatestInstanceId"]}
    logs = ask(client, models_2021, "DescribeLogs", **asked, Order="ASC")
    pods = ask(client, models_2021, "DescribeTrainingTaskPods", Id=identifier)
    events = ask(client, models_2021, "DescribeEvents", **asked)
    point = {"TaskId": identifier, "Step": 1, "Points": [{"Name": "loss", "Value": 0.5}]}
    ask(client, models_2021, "PushTrainingMetrics", Data=[point])

    assert ended["Status"] == "SUCCEED", logs
    assert [line["Message"] for line in logs["Content"]] == ["learning at 0.5"]
    assert logs["Context"] == ""
    assert logs["Content"][0]["PodName"] == pods["PodNames"][0]
    assert "SUCCEED" in {event["Message"] for event in events["Events"]}
    answer = rig.cos.get_object(Bucket=rig.bucket, Key=f"task-1/out/{identifier}/model.txt")
    assert answer["Body"].get_raw_stream().read() == b"weights"
    listed = ask(client, models_2021, "DescribeTrainingTasks", Filters=[{"Name": "Name", "Values": ["task-1"]}])
    assert [item["Id"] for item in listed["TrainingTaskSet"]] == [identifier]
    ask(client, models_2021, "StartTrainingTask", Id=identifier)
    again = until(detail, lambda one: one["Status"] == "SUCCEED")
    assert again["LatestInstanceId"] != ended["LatestInstanceId"]
    ask(client, models_2021, "DeleteTrainingTask", Id=identifier)
    with pytest.raises(TencentCloudSDKException) as caught:
        detail()
    assert caught.value.get_code() == "ResourceNotFound"
    assert caught.value.get_request_id()


def test_prices_and_images_of_2021(rig: Rig) -> None:
    """The lists that a client begins with."""
    client = rig.client(Client2021)
    specs = ask(client, models_2021, "DescribeBillingSpecs", ChargeType="POSTPAID_BY_HOUR", TaskType="TRAIN")["Specs"]
    asked = [{"SpecName": spec["SpecName"], "SpecCount": 1} for spec in specs]
    prices = ask(client, models_2021, "DescribeBillingSpecsPrice", SpecsParam=asked)["SpecsPrice"]
    images = ask(client, models_2021, "DescribePlatformImages", Limit=100)
    preset = ask(client, models_2021, "DescribePresetImageList", OrderField=["CreateTime"], Order=["DESC"])
    groups = ask(client, models_2021, "DescribeBillingResourceGroups")

    assert [price["SpecName"] for price in prices] == [spec["SpecName"] for spec in specs]
    assert all(price["RealTotalCost"] > 0 for price in prices)
    assert len(images["PlatformImageInfos"]) == images["TotalCount"]
    assert preset["PresetImageList"][0]["ImageUrl"]
    assert groups["ResourceGroupSet"][0]["ResourceGroupId"]


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("TC3-HMAC-SHA256", "GET"),
        ("HmacSHA1", "GET"),
        ("HmacSHA256", "GET"),
        ("HmacSHA1", "POST"),
        ("HmacSHA256", "POST"),
    ],
)
def test_every_way_of_signing(rig: Rig, method: str, verb: str) -> None:
    """Lists, numbers and flags travel in queries and forms, too."""
    client = rig.client(Client2021, method=method, verb=verb)
    filters = [{"Name": "Name", "Values": ["nobody"], "Fuzzy": True, "Negative": False}]
    answer = ask(client, models_2021, "DescribeTrainingTasks", Filters=filters, Limit=5)

    assert answer["TotalCount"] == 0


def test_refusals_arrive_as_exceptions(rig: Rig) -> None:
    """With code, message and the request's id."""
    client = rig.client(Client2021, (rig.ready["secret_id"], "wrong"))
    with pytest.raises(TencentCloudSDKException) as caught:
        ask(client, models_2021, "DescribeTrainingTasks")

    assert caught.value.get_code() == "AuthFailure.SignatureFailure"
    assert caught.value.get_request_id()
