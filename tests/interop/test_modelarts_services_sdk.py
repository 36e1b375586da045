"""The official huaweicloudsdkmodelarts, unchanged: its calls for services, and its signer for a prediction."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from huaweicloudsdkmodelarts import v1 as sdk

from anyfit_emulator.emulation import emulate

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::SyntaxWarning"
)
COMMAND = "exec python -m http.server --bind 127.0.0.1 $PORT"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of a running emulator."""
    directory: Path = tmp_path_factory.mktemp("modelarts")
    with emulate("modelarts", data_dir=directory) as services:
        yield services["modelarts"].ready()


@pytest.fixture(scope="module")
def credentials(keys: dict[str, str]) -> Any:
    """The account's keys."""
    return BasicCredentials(keys["access_key"], keys["secret_key"], keys["project_id"])


@pytest.fixture(scope="module")
def client(keys: dict[str, str], credentials: Any) -> Any:
    """The SDK's client."""
    builder = sdk.ModelArtsClient.new_builder().with_credentials(credentials)
    return builder.with_endpoint(keys["endpoint"]).build()


def body_of(name: str) -> Any:
    """A service as the SDK's values describe it."""
    unit = sdk.UnitConfig(
        image=sdk.ImageInfo(source="SWR", swr_path="swr.cn-north-4.myhuaweicloud.com/me/serve:1"),
        flavor="modelarts.vm.cpu.2u",
        cmd=COMMAND,
        envs={"A": "1"},
    )
    limit = sdk.ServiceLimit(rate_limit=sdk.RateLimit(num=10, unit="SECONDS"), request_size_limit=1, request_timeout=30)
    invoke = sdk.ServiceInvokeCreateRequest(port=8080, protocol="HTTP", auth_type="TOKEN")
    return sdk.ServiceCreateRequest(
        name=name,
        version="1.0.0",
        type="REAL_TIME",
        deploy_type="SINGLE",
        custom_metrics_path="/metrics",
        group_configs=[sdk.GroupConfig(name="one", weight=100, count=1, unit_configs=[unit])],
        runtime_config=sdk.RuntimeConfigCreateRequest(service_invoke=invoke, service_limit=limit),
        schedule=[sdk.ScheduleConfig(type="STOP", time_unit="HOURS", duration=1)],
    )


def rested(client: Any, service_id: str, *statuses: str) -> Any:
    """The service, once it is in one of these states."""
    deadline = time.monotonic() + 60
    while (
        found := client.show_infer_service(sdk.ShowInferServiceRequest(service_id=service_id))
    ).status not in statuses:
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found


def signed_get(url: str, credentials: Any) -> int:
    """The status of a call that the SDK's signer signed."""
    parts = urlsplit(url)
    wanted = SdkRequest(
        method="GET",
        schema="http",
        host=parts.netloc,
        resource_path=parts.path,
        query_params=[],
        header_params={},
        body="",
    )
    signed = Signer(credentials).sign(wanted)
    return requests.get(url, headers=signed.header_params, timeout=30).status_code


def test_the_life_of_a_service(client: Any, credentials: Any) -> None:
    """Created, shown, listed, called, stopped, started, deleted; the SDK reads every answer."""
    made = client.create_infer_service(sdk.CreateInferServiceRequest(body=body_of("sdk")))
    found = rested(client, made.id, "RUNNING", "FAILED")
    listed = client.list_infer_services(sdk.ListInferServicesRequest(name="sdk", limit=10, offset=0))
    group = found.version.instance_groups[0]

    assert (made.status, found.status, found.name) == ("DEPLOYING", "RUNNING", "sdk")
    assert (group.running_count, group.unit_configs[0].cmd, group.unit_configs[0].envs) == (1, COMMAND, {"A": "1"})
    assert found.version.runtime_config.service_limit.rate_limit.num == 10
    assert found.schedule[0].due_time / 1000 > time.time()
    assert [(item.id, item.status) for item in listed.data] == [(made.id, "RUNNING")]
    assert signed_get(found.predict_url[0].urls[0], credentials) == 200
    events = client.list_infer_service_events(sdk.ListInferServiceEventsRequest(service_id=made.id))
    assert events.total == len(events.data) > 0
    client.stop_infer_service(sdk.StopInferServiceRequest(service_id=made.id))
    rested(client, made.id, "STOPPED")
    client.start_infer_service(sdk.StartInferServiceRequest(service_id=made.id))
    rested(client, made.id, "RUNNING")
    ids = sdk.DeleteServicesRequest(service_ids=[made.id])
    deleted = client.batch_delete_infer_services(sdk.BatchDeleteInferServicesRequest(body=ids))
    assert [item.id for item in deleted.service_responses] == [made.id]


def test_flavors(client: Any) -> None:
    """The SDK reads them."""
    found = client.list_infer_cluster_flavors(sdk.ListInferClusterFlavorsRequest(limit=100))

    assert {"modelarts.vm.cpu.2u"} <= {flavor.id for flavor in found.data}
    assert found.total == len(found.data)


def test_refusals(client: Any) -> None:
    """The SDK finds code and message where it looks for them."""
    with pytest.raises(ClientRequestException) as raised:
        client.show_infer_service(sdk.ShowInferServiceRequest(service_id="none"))

    assert (raised.value.status_code, raised.value.error_code) == (404, "ModelArts.3502")
    assert "none" in raised.value.error_msg
