"""The official huaweicloudsdkmodelarts, unchanged: its training calls, with permanent and temporary access keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ServerResponseException
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkmodelarts import v1 as sdk
from obs import ObsClient

from anyfit_emulator.emulation import emulate
from anyfit_modelarts.emulator.service import ModelArtsService

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::SyntaxWarning"
)
ENGINE = "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"
SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
for name in ("data_url", "train_url", "rate"):
    parser.add_argument(f"--{name}")
args = parser.parse_args()
print("rate", args.rate, open(args.data_url + "/x.txt").read())
open(args.train_url + "/model.txt", "w").write(args.rate)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelArtsService]:
    """The emulator."""
    with emulate("modelarts", data_dir=tmp_path_factory.mktemp("modelarts")) as services:
        one = services["modelarts"]
        assert isinstance(one, ModelArtsService)
        yield one


def client_of(service: ModelArtsService, key: str = "", secret: str = "", token: str = "", project: str = "") -> Any:
    """The SDK's client."""
    keys = service.ready()
    credentials = BasicCredentials(
        key or keys["access_key"], secret or keys["secret_key"], project or keys["project_id"]
    )
    if token:
        credentials.with_security_token(token)
    builder = sdk.ModelArtsClient.new_builder().with_credentials(credentials)
    return builder.with_endpoint(keys["endpoint"]).build()


@pytest.fixture(scope="module")
def client(service: ModelArtsService) -> Any:
    """With the account's keys."""
    return client_of(service)


@pytest.fixture(scope="module")
def place(service: ModelArtsService) -> Iterator[Callable[[str, str], str]]:
    """Puts a file into OBS by the official client; answers its directory."""
    keys = service.ready()
    obs = ObsClient(access_key_id=keys["access_key"], secret_access_key=keys["secret_key"], server=keys["obs_endpoint"])

    def put(key: str, content: str) -> str:
        assert obs.putContent(keys["bucket"], key, content).status == 200
        return f"/{keys['bucket']}/{key.rpartition('/')[0]}/"

    yield put
    obs.close()


def job_of(place: Callable[[str, str], str], name: str, **algorithm: Any) -> Any:
    """A job as the SDK's values describe it."""
    code = place(f"{name}/code/train.py", SCRIPT)
    data = place(f"{name}/data/x.txt", "numbers")
    output = data.replace("/data/", "/out/")
    program = {
        "code_dir": code,
        "boot_file": f"{code}train.py",
        "engine": sdk.JobEngine(engine_id=ENGINE),
        "parameters": [sdk.Parameters(name="rate", value="0.1")],
        "inputs": [sdk.Input(name="data_url", remote=sdk.InputDataInfo(obs=sdk.InputDataInfoObs(obs_url=data)))],
        "outputs": [sdk.Output(name="train_url", remote=sdk.Remote(obs=sdk.RemoteObs(obs_url=output)))],
        **algorithm,
    }
    return sdk.CreateTrainingJobRequest(
        body=sdk.Job(
            kind="job",
            metadata=sdk.JobMetadata(name=name, description="by the SDK"),
            algorithm=sdk.JobAlgorithm(**program),
            spec=sdk.Spec(resource=sdk.SpecResource(flavor_id="modelarts.vm.cpu.2u", node_count=1)),
        )
    )


def shown(client: Any, job_id: str) -> Any:
    """The job, once it has ended."""
    deadline = time.monotonic() + 60
    while True:
        job = client.show_training_job_details(sdk.ShowTrainingJobDetailsRequest(training_job_id=job_id))
        if job.status.phase not in ("Creating", "Pending", "Running", "Terminating"):
            return job
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_whole_life(client: Any, place: Callable[[str, str], str]) -> None:
    """Create, show, list, logs, metrics, events, stages, tasks, change, stop, delete."""
    made = client.create_training_job(job_of(place, "sdk-life"))
    assert made.metadata.name == "sdk-life"
    job_id = made.metadata.id
    job = shown(client, job_id)
    which = {"training_job_id": job_id, "task_id": "worker-0"}
    preview = client.show_training_job_logs_preview(sdk.ShowTrainingJobLogsPreviewRequest(**which))
    assert (job.status.phase, job.status.tasks) == ("Completed", ["worker-0"]), preview.content
    assert job.algorithm.inputs[0].local_dir == "/home/ma-user/modelarts/inputs/data_url_0"
    assert job.spec.resource.flavor_detail.flavor_info.cpu.core_num == 2
    assert "rate 0.1 numbers" in preview.content
    aom = client.show_training_job_logs_from_aom(sdk.ShowTrainingJobLogsFromAomRequest(**which, order="asc", lines=500))
    assert aom.content == preview.content
    metrics = client.show_training_job_metrics(sdk.ShowTrainingJobMetricsRequest(**which))
    assert {item.metric for item in metrics.metrics} >= {"cpuUsage", "memUsage"}
    filters = [sdk.Filter(key="name", operator="like", value=["sdk-life"])]
    listed = client.list_training_jobs(sdk.ListTrainingJobsRequest(body=sdk.JobSearches(limit=10, filters=filters)))
    assert [item.metadata.id for item in listed.items] == [job_id]
    events = client.list_training_job_events(sdk.ListTrainingJobEventsRequest(training_job_id=job_id))
    assert events.total == 5
    stages = client.list_training_job_stages(sdk.ListTrainingJobStagesRequest(training_job_id=job_id))
    assert stages.running_records[0].stages[-1].name == "end"
    tasks = client.list_training_job_tasks(sdk.ListTrainingJobTasksRequest(training_job_id=job_id))
    assert [task.task for task in tasks.body] == ["worker-0"]
    body = sdk.JobUpdateRequestBody(description="changed")
    request = sdk.ChangeTrainingJobDescriptionRequest(training_job_id=job_id, body=body)
    client.change_training_job_description(request)
    assert shown(client, job_id).metadata.description == "changed"
    with pytest.raises(ClientRequestException) as refused:
        action = sdk.JobActionType(action_type="terminate")
        client.stop_training_job(sdk.StopTrainingJobRequest(training_job_id=job_id, body=action))
    assert (refused.value.status_code, refused.value.error_code) == (409, "ModelArts.2796")
    client.delete_training_job(sdk.DeleteTrainingJobRequest(training_job_id=job_id))
    with pytest.raises(ClientRequestException) as missing:
        client.show_training_job_details(sdk.ShowTrainingJobDetailsRequest(training_job_id=job_id))
    assert (missing.value.error_code, len(missing.value.request_id)) == ("ModelArts.2775", 32)


def test_algorithms(client: Any, place: Callable[[str, str], str]) -> None:
    """Create, show, list, change, a job by its id, delete."""
    code = place("sdk-algorithm/code/train.py", SCRIPT)
    fixed = sdk.ParametersConstraint(type="Float", editable=False, required=True)
    config = sdk.AlgorithmJobConfig(
        code_dir=code,
        boot_file=f"{code}train.py",
        engine=sdk.AlgorithmCreateEngine(engine_id=ENGINE),
        inputs=[sdk.AlgorithmCreateInput(name="data_url")],
        outputs=[sdk.AlgorithmCreateOutput(name="train_url")],
        parameters=[sdk.Parameters(name="rate", value="0.5", constraint=fixed)],
    )
    needs = [sdk.ResourceRequirement(key="flavor_type", values=["CPU"], operator="in")]
    body = sdk.Algorithm(
        metadata=sdk.AlgorithmMetadata(name="sdk-algorithm"), job_config=config, resource_requirements=needs
    )
    made = client.create_algorithm(sdk.CreateAlgorithmRequest(body=body))
    identity = made.metadata.id
    body.metadata.description = "better"
    changed = client.change_algorithm(sdk.ChangeAlgorithmRequest(algorithm_id=identity, body=body))
    assert changed.metadata.description == "better"
    found = client.show_algorithm_by_uuid(sdk.ShowAlgorithmByUuidRequest(algorithm_id=identity))
    assert found.job_config.engine.engine_name == "PyTorch"
    assert found.job_config.code_tree.children[0].name == "train.py"
    listed = client.list_algorithms(sdk.ListAlgorithmsRequest(searches="name:sdk-alg", limit=5))
    assert [item.metadata.id for item in listed.items] == [identity]

    own = {"code_dir": None, "boot_file": None, "engine": None, "id": identity}
    with pytest.raises(ClientRequestException, match="cannot be changed"):
        client.create_training_job(job_of(place, "sdk-by-id", **own))
    job = client.create_training_job(job_of(place, "sdk-by-id", parameters=None, **own))
    assert job.algorithm.name == "sdk-algorithm"
    done = shown(client, job.metadata.id)
    which = {"training_job_id": job.metadata.id, "task_id": "worker-0"}
    log = client.show_training_job_logs_preview(sdk.ShowTrainingJobLogsPreviewRequest(**which)).content
    assert (done.status.phase, "rate 0.5 numbers" in log) == ("Completed", True), log
    client.delete_algorithm(sdk.DeleteAlgorithmRequest(algorithm_id=identity))
    with pytest.raises(ClientRequestException) as missing:
        client.show_algorithm_by_uuid(sdk.ShowAlgorithmByUuidRequest(algorithm_id=identity))
    assert missing.value.error_code == "ModelArts.2755"


def test_a_custom_image_is_stopped(client: Any, place: Callable[[str, str], str]) -> None:
    """An image with a command runs until it is terminated; several jobs are deleted at once."""
    image = sdk.JobEngine(image_url="org/image:1")
    command = "sh -c 'echo here $COLOUR; exec sleep 60'"  # arguments are put behind it
    custom = {"boot_file": None, "engine": image, "command": command, "environments": {"COLOUR": "blue"}}
    job_id = client.create_training_job(job_of(place, "sdk-custom", **custom)).metadata.id
    which = {"training_job_id": job_id, "task_id": "worker-0"}
    deadline = time.monotonic() + 60
    request = sdk.ShowTrainingJobLogsPreviewRequest(**which)
    while "here blue" not in (client.show_training_job_logs_preview(request).content or ""):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    action = sdk.JobActionType(action_type="terminate")
    stopped = client.stop_training_job(sdk.StopTrainingJobRequest(training_job_id=job_id, body=action))

    assert stopped.status.phase == "Terminating"
    assert shown(client, job_id).status.phase == "Terminated"
    items = [sdk.BatchDeleteJobItem(kind="job", metadata=sdk.BatchDeleteJobMetadata(id=job_id))]
    client.batch_delete_training_job(sdk.BatchDeleteTrainingJobRequest(body=sdk.BatchDeleteJobsReq(jobs=items)))
    with pytest.raises(ClientRequestException, match=r"ModelArts\.2775"):
        shown(client, job_id)


def test_experiments_and_tags(client: Any, place: Callable[[str, str], str]) -> None:
    """Made, changed, listed, removed."""
    metadata = sdk.TrainingExperimentRequestMetadata(name="sdk-experiment")
    body = sdk.CreateTrainingExperimentRequestBody(metadata=metadata)
    made = client.create_training_experiment(sdk.CreateTrainingExperimentRequest(body=body))
    job_id = client.create_training_job(job_of(place, "sdk-tagged")).metadata.id
    tags = [sdk.TmsTag(key="team", value="a")]
    request = sdk.CreateTrainJobTagsRequest(training_job_id=job_id, body=sdk.CreateTmsTagsRequest(tags=tags))
    client.create_train_job_tags(request)

    found = client.show_train_job_tags(sdk.ShowTrainJobTagsRequest(training_job_id=job_id)).tags
    assert [(tag.key, tag.value) for tag in found] == [("team", "a")]
    listed = client.list_training_experiments(sdk.ListTrainingExperimentsRequest())
    assert [item.metadata.id for item in listed.items] == [made.metadata.id]
    client.delete_training_experiment(sdk.DeleteTrainingExperimentRequest(experiment_id=made.metadata.id))


def test_offers(client: Any) -> None:
    """Machines, engines, quotas, names."""
    flavors = client.show_training_job_flavors(sdk.ShowTrainingJobFlavorsRequest(flavor_type="CPU"))
    engines = client.show_training_job_engines(sdk.ShowTrainingJobEnginesRequest())

    assert [flavor.flavor_id for flavor in flavors.flavors] == ["modelarts.vm.cpu.2u", "modelarts.vm.cpu.8u"]
    assert ENGINE in [engine.engine_id for engine in engines.items]
    assert client.show_training_quotas(sdk.ShowTrainingQuotasRequest()).quotas[0].resource == "job-num"
    name = sdk.ValidateTrainingJobNameRequest(job_name="nobody", workspace_id="0")
    assert client.validate_training_job_name(name).is_duplicate is False
    assert client.show_search_algorithms(sdk.ShowSearchAlgorithmsRequest()).search_algo_count == 0


def test_temporary_keys(service: ModelArtsService) -> None:
    """With their security token they are good, without it they are not."""
    keys = service.account.new_keys(900)
    quotas = sdk.ShowTrainingQuotasRequest()
    good = client_of(service, keys.access_key, keys.secret_key, keys.token)
    assert good.show_training_quotas(quotas).quotas
    with pytest.raises(ClientRequestException) as refused:
        client_of(service, keys.access_key, keys.secret_key).show_training_quotas(quotas)
    told = service.ready()
    for token, status in ((keys.token, 200), ("other", 400)):
        pair = {"access_key_id": keys.access_key, "secret_access_key": keys.secret_key, "security_token": token}
        obs = ObsClient(**pair, server=told["obs_endpoint"])
        assert obs.listObjects(told["bucket"]).status == status
        obs.close()

    assert (refused.value.status_code, refused.value.error_code) == (401, "APIGW.0301")


def test_refusals(service: ModelArtsService) -> None:
    """Wrong keys and other people's projects are the SDK's errors."""
    quotas = sdk.ShowTrainingQuotasRequest()
    for wrong, code in (
        ({"secret": "wrong"}, "APIGW.0301"),
        ({"key": "NOBODY"}, "APIGW.0301"),
        ({"project": "0" * 32}, "ModelArts.2786"),
    ):
        with pytest.raises(ClientRequestException) as refused:
            client_of(service, **wrong).show_training_quotas(quotas)
        assert refused.value.error_code == code


def test_the_project_is_looked_up(service: ModelArtsService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a project's id the SDK asks the identity service for the region's."""
    keys = service.ready()
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", keys["iam_endpoint"])
    credentials = BasicCredentials(keys["access_key"], keys["secret_key"])
    region = Region(keys["region"], keys["endpoint"])
    client = sdk.ModelArtsClient.new_builder().with_credentials(credentials).with_region(region).build()

    assert client.show_training_quotas(sdk.ShowTrainingQuotasRequest()).quotas
    assert service.requests.counts["ListProjects"] == 1


def test_faults(tmp_path: Path) -> None:
    """Throttling and failures of the gateway are the SDK's errors."""
    with emulate("modelarts", data_dir=tmp_path, faults="slowdown=1,only=ShowQuotas,times=1") as services:
        service = services["modelarts"]
        assert isinstance(service, ModelArtsService)
        client = client_of(service)
        with pytest.raises(ClientRequestException) as throttled:
            client.show_training_quotas(sdk.ShowTrainingQuotasRequest())
    with emulate("modelarts", data_dir=tmp_path, faults="error=502:1,only=ShowQuotas,times=1") as services:
        service = services["modelarts"]
        assert isinstance(service, ModelArtsService)
        client = client_of(service)
        with pytest.raises(ServerResponseException) as failed:
            client.show_training_quotas(sdk.ShowTrainingQuotasRequest())
        assert client.show_training_quotas(sdk.ShowTrainingQuotasRequest()).quotas

    assert (throttled.value.status_code, throttled.value.error_code) == (429, "429")  # the SDK's own
    assert (failed.value.status_code, failed.value.error_code) == (502, "APIGW.0201")
