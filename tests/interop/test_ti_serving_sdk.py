"""The official API SDKs, unchanged, register models and run services of both generations on the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.tiems.v20190416 import models as old
from tencentcloud.tiems.v20190416.tiems_client import TiemsClient
from tencentcloud.tione.v20211111 import models as new
from tencentcloud.tione.v20211111.tione_client import TioneClient

from anyfit_emulator.emulation import emulate
from anyfit_ti.emulator.service import TiService
from waiting import until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

MODEL = """
import tiinfer

class Double(tiinfer.Model):
    def predict(self, request):
        return {"predictions": [2 * number for number in request["instances"]]}
"""
IMAGE = {"ImageType": "PRESET", "ImageUrl": "ccr.ccs.tencentyun.com/ti/pytorch:1.12.1"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TiService]:
    """The emulator, with a model in its COS."""
    with emulate("ti", data_dir=tmp_path_factory.mktemp("ti")) as services:
        service = services["ti"]
        assert isinstance(service, TiService)
        ready = service.ready()
        host = ready["cos_endpoint"].partition("://")[2]
        address, _, port = host.partition(":")
        config = CosConfig(
            Region=ready["region"],
            SecretId=ready["secret_id"],
            SecretKey=ready["secret_key"],
            Scheme="http",
            IP=address,
            Port=int(port),
            ServiceDomain=host,
        )
        CosS3Client(config).put_object(ready["bucket"], MODEL.encode(), "models/double/model_service.py")
        yield service


def client(service: TiService, kind: Any) -> Any:
    """A client that is pointed at the emulator."""
    ready = service.ready()
    profile = HttpProfile(endpoint=ready["endpoint"].partition("://")[2], protocol="http")
    return kind(
        Credential(ready["secret_id"], ready["secret_key"]), ready["region"], ClientProfile(httpProfile=profile)
    )


def ask(client: Any, models: Any, action: str, parameters: dict[str, Any]) -> Any:
    """One action, through the SDK's own request and response classes."""
    request = getattr(models, action + "Request")()
    request._deserialize(parameters)
    return getattr(client, action)(request)


def test_the_newer_generation(service: TiService) -> None:
    """A model version, a service of it, a prediction with its token, weights, a stop, and the end of it all."""
    tione = client(service, TioneClient)
    place = {"Bucket": service.ready()["bucket"], "Region": "ap-guangzhou", "Paths": ["models/double/"]}

    def call(action: str, **parameters: Any) -> Any:
        return ask(tione, new, action, parameters)

    made = call(
        "CreateTrainingModel",
        ImportMethod="MODEL",
        ReasoningEnvironmentSource="SYSTEM",
        TrainingModelName="double",
        TrainingModelSource="COS",
        TrainingModelCosPath=place,
        AlgorithmFramework="PYTORCH",
        ModelFormat="PYTORCH",
    )
    version_id = made.TrainingModelVersionId
    version = call("DescribeTrainingModelVersion", TrainingModelVersionId=version_id).TrainingModelVersion
    assert (version.TrainingModelStatus, version.TrainingModelCosPath.Bucket) == ("STATUS_SUCCESS", place["Bucket"])

    created = call(
        "CreateModelService",
        ServiceGroupName="double",
        ChargeType="POSTPAID_BY_HOUR",
        InstanceType="TI.S.MEDIUM.POST",
        ModelInfo={"ModelId": made.Id, "ModelVersionId": version_id},
        ImageInfo=IMAGE,
        Replicas=1,
        AuthorizationEnable=True,
        Env=[{"Name": "A", "Value": "1"}],
    ).Service
    seen = until(
        lambda: call("DescribeModelService", ServiceId=created.ServiceId).Service,
        lambda one: one.Status == "Normal" and one.ServiceInfo.Status.AvailableReplicas >= 1,
    )
    info = call("DescribeModelServiceCallInfo", ServiceGroupId=seen.ServiceGroupId).ServiceCallInfoV2
    url, body = info.InternetEndpoint + "/v1/models/m:predict", {"instances": [1, 2]}
    answer = requests.post(url, json=body, headers={"Authorization": info.AuthToken}, timeout=30)
    assert answer.json() == {"predictions": [2, 4]}
    assert requests.post(url, json=body, timeout=30).status_code == 401

    call(
        "ModifyServiceGroupWeights",
        ServiceGroupId=seen.ServiceGroupId,
        Weights=[{"ServiceId": seen.ServiceId, "Weight": 100}],
    )
    (group,) = call("DescribeModelServiceGroups").ServiceGroups
    assert (group.RunningServiceCount, group.Services[0].ServiceInfo.PodInfos[0].Status) == (1, "Running")
    with pytest.raises(TencentCloudSDKException) as refused:
        call("DeleteModelService", ServiceId=seen.ServiceId)
    assert refused.value.get_code() == "OperationDenied.NotAllow"

    call("ModifyModelService", ServiceId=seen.ServiceId, ServiceAction="STOP")
    until(lambda: call("DescribeModelService", ServiceId=seen.ServiceId).Service, lambda one: one.Status == "Stopped")
    call("DeleteModelServiceGroup", ServiceGroupId=seen.ServiceGroupId)
    call("DeleteTrainingModel", TrainingModelId=made.Id)
    assert call("DescribeModelServiceGroups").TotalCount == 0


def test_the_older_generation(service: TiService) -> None:
    """A configuration, a service of it, a prediction at the address that it is exposed at, and the end of it."""
    tiems = client(service, TiemsClient)

    def call(action: str, **parameters: Any) -> Any:
        return ask(tiems, old, action, parameters)

    uri = f"cos://{service.ready()['bucket']}.cos.ap-guangzhou.myqcloud.com/models/double/"
    config = call("CreateServiceConfig", Name="double", Runtime="tfserving", ModelUri=uri).ServiceConfig
    created = call(
        "CreateService",
        Name="double",
        ServiceConfigId=config.Id,
        ResourceGroupId="ap-guangzhou",
        ScaleMode="MANUAL",
        Scaler={"StartReplicas": 1},
        Cpu=1000,
        Memory=1000,
        Authentication="TOKEN",
    ).Service
    call("ExposeService", ServiceId=created.Id, ExposeType="EXTERNAL")
    seen = until(lambda: call("DescribeServices").Services[0], lambda one: one.Status.Status == "Normal")
    url = f"http://{seen.Exposes[0].Ip}/v1/models/m:predict"
    headers = {"X-Auth-Token": seen.AccessToken}

    assert requests.post(url, json={"instances": [3]}, headers=headers, timeout=30).json() == {"predictions": [6]}

    call("UpdateService", ServiceId=seen.Id, ServiceAction="STOP")
    until(lambda: call("DescribeServices").Services[0], lambda one: one.Status.Status == "Stopped")
    call("DeleteService", ServiceId=seen.Id)
    call("DeleteServiceConfig", ServiceConfigId=config.Id)
    assert call("DescribeServices").TotalCount == 0
