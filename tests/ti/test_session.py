"""Keys, clocks, and what happens when the service is in a bad mood."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from anyfit.backend import Catalog, JobRef, JobState, Status
from anyfit.errors import AnyfitError, AuthError, Conflict, NotFinished, NotFound, ServiceError
from anyfit.spec import JobSpec
from anyfit.storage import Uri
from anyfit.testing import Bench
from anyfit.watch import follow
from anyfit_ti.auth import StoreKeys
from anyfit_ti.backend import TiBackend
from anyfit_ti.bundle import JOB

Make = Callable[..., TiBackend]
Benches = Callable[[Any], Bench]

REF = JobRef("ti", "ap-guangzhou", "train-1")
OLD = JobRef("ti", "ap-guangzhou", "2019/mnist")
NO_TASKS = {"TrainingTaskSet": [], "TotalCount": 0}
NO_JOBS = {"TrainingJobSet": [], "TotalCount": 0}
OUTPUT = {"Bucket": "demo-1250000000", "Region": "ap-guangzhou", "Paths": ["out/mnist/"]}
CREATED = {"CreateTime": "2025-05-28T18:18:33+08", "StartTime": "2025-05-28T18:18:40+08"}


def task(status: str, **more: Any) -> dict[str, Any]:
    return {"Id": "train-1", "Name": "mnist", "Status": status, "Output": OUTPUT, **CREATED, **more}


def tasks(*found: dict[str, Any]) -> dict[str, Any]:
    return {"TrainingTaskSet": list(found), "TotalCount": len(found)}


def detail(status: str, **more: Any) -> dict[str, Any]:
    return {"TrainingTaskDetail": task(status, **more)}


def listed(script: Any, backend: TiBackend) -> list[Any]:
    script.on("DescribeTrainingJobs", NO_JOBS)
    return list(backend.list())


def test_headers(script: Any, scripted: Make) -> None:
    """Each call names its action, version and region, and goes to the workspace that is set."""
    script.on("DescribeTrainingTasks", NO_TASKS)
    listed(script, scripted(project="7", token="TOKEN"))
    (headers,) = script.headers("DescribeTrainingTasks")
    (old,) = script.headers("DescribeTrainingJobs")

    assert (headers["X-TC-Version"], old["X-TC-Version"]) == ("2021-11-11", "2019-10-22")
    assert (headers["X-TC-Region"], headers["X-TC-Token"]) == ("ap-guangzhou", "TOKEN")
    assert "Credential=AKIDalice/" in headers["Authorization"]
    assert script.calls("DescribeTrainingTasks")[0]["TiProjectId"] == "7"
    assert "TiProjectId" not in script.calls("DescribeTrainingJobs")[0]


def test_newest_jobs(script: Any, scripted: Make) -> None:
    """Who wants few tasks makes no request for more."""
    rows = [task("SUCCEED") | {"Id": f"train-{number}"} for number in range(120)]
    pages = [{"TrainingTaskSet": rows[start : start + 50], "TotalCount": 120} for start in (0, 50, 100)]
    script.on("DescribeTrainingJobs", NO_JOBS)
    script.on("DescribeTrainingTasks", pages[0], *pages)
    backend = scripted()

    assert [each.ref.id for each in backend.list(3)] == ["train-0", "train-1", "train-2"]
    assert len(script.calls("DescribeTrainingTasks")) == 1
    assert len(backend.list()) == 120


def test_wrong_clock(script: Any, scripted: Make) -> None:
    """Where the service finds our clock wrong, its own is learnt from its answer, and the call made once more."""
    script.date = time.time() + 5000
    script.on("DescribeTrainingTasks", "AuthFailure.SignatureExpire", NO_TASKS)
    backend = scripted()
    for _ in range(2):
        assert listed(script, backend) == []
    stamps = [int(headers["X-TC-Timestamp"]) for headers in script.headers("DescribeTrainingTasks")]

    assert len(stamps) == 3
    assert stamps[0] < script.date - 4000
    assert all(abs(stamp - script.date) < 60 for stamp in stamps[1:])


def test_no_endless_correction(script: Any, scripted: Make) -> None:
    """A clock that is never right is an error of authentication, after one correction."""
    script.on("DescribeTrainingTasks", "AuthFailure.SignatureExpire")
    with pytest.raises(AuthError, match="SignatureExpire"):
        listed(script, scripted())

    assert len(script.calls("DescribeTrainingTasks")) == 2


def test_wrong_clock_while_creating(script: Any, scripted: Make, catalog: Catalog) -> None:
    """A job that was refused for its time was not made: it is asked for again."""
    script.date = time.time() - 5000
    script.on("CreateTrainingTask", "AuthFailure.SignatureExpire", {"Id": "train-1"})
    backend = scripted()

    assert backend.submit(job(backend, catalog)) == REF
    assert len(script.calls("CreateTrainingTask")) == 2


def test_no_credentials(scripted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys nothing is asked, and the message says what to set."""
    monkeypatch.delenv("TKE_WEB_IDENTITY_TOKEN_FILE", raising=False)
    with pytest.raises(AuthError, match="secret_id and secret_key are not set") as caught:
        scripted(secret_id="", secret_key="").list()

    assert "TENCENTCLOUD_SECRET_ID" in caught.value.hint


@pytest.mark.parametrize("code", ["AuthFailure.SignatureFailure", "AuthFailure.SecretIdNotFound"])
def test_refused_keys(script: Any, scripted: Make, code: str) -> None:
    """Wrong keys are an error of authentication that does not repeat them."""
    script.on("DescribeTrainingTasks", code)
    with pytest.raises(AuthError) as caught:
        scripted().list()

    assert len(script.calls("DescribeTrainingTasks")) == 1
    assert (caught.value.status, caught.value.request_id) == (code, "r-1")
    assert not [secret for secret in ("geheim", "AKIDalice") if secret in repr(caught.value) + str(caught.value)]


def keys(number: int, seconds: float) -> dict[str, Any]:
    names = {"TmpSecretId": f"TMP{number}", "TmpSecretKey": f"secret{number}", "Token": f"TOKEN{number}"}
    return {"Credentials": names, "ExpiredTime": int(time.time() + seconds)}


def test_role(script: Any, scripted: Make) -> None:
    """A role is assumed once for all processes of a machine; its keys sign, and go to the object store too."""
    script.on("AssumeRole", keys(1, 7200))
    script.on("DescribeTrainingTasks", NO_TASKS)
    for _ in range(2):
        backend = scripted(role_arn="qcs::cam::uin/1:roleName/r")
        listed(script, backend)
    settings = backend._account.store_settings()

    assert len(script.calls("AssumeRole")) == 1
    assert "Credential=AKIDalice/" in script.headers("AssumeRole")[0]["Authorization"]
    assert all(headers["X-TC-Token"] == "TOKEN1" for headers in script.headers("DescribeTrainingTasks"))
    assert (settings.access_key, settings.session_token) == ("TMP1", "TOKEN1")
    assert settings.expires_at is not None


def test_keys_end_soon(script: Any, scripted: Make) -> None:
    """Keys that end within minutes are replaced before they are used."""
    script.on("AssumeRole", keys(1, 60), keys(2, 7200))
    script.on("DescribeTrainingTasks", NO_TASKS)
    backend = scripted(role_arn="qcs::cam::uin/1:roleName/r")
    for _ in range(3):
        listed(script, backend)

    assert [headers["X-TC-Token"] for headers in script.headers("DescribeTrainingTasks")] == [
        "TOKEN1",
        "TOKEN2",
        "TOKEN2",
    ]


def test_keys_that_no_longer_do(script: Any, scripted: Make) -> None:
    """Temporary keys that the service refuses are replaced once, and the call made again."""
    script.on("AssumeRole", keys(1, 7200), keys(2, 7200))
    script.on("DescribeTrainingTasks", "AuthFailure.TokenFailure", NO_TASKS)
    listed(script, scripted(role_arn="qcs::cam::uin/1:roleName/r"))

    assert [headers["X-TC-Token"] for headers in script.headers("DescribeTrainingTasks")] == ["TOKEN1", "TOKEN2"]


def test_keys_of_a_container(script: Any, scripted: Make) -> None:
    """In a container keys come from the address that it is given."""
    script.on("/keys", keys(1, 7200)["Credentials"])
    script.on("DescribeTrainingTasks", NO_TASKS)
    listed(script, scripted(secret_id="", secret_key="", credentials_url=f"{script.url}/keys"))

    assert script.headers("DescribeTrainingTasks")[0]["X-TC-Token"] == "TOKEN1"


def test_identity_of_a_pod(script: Any, scripted: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """In TKE the identity of the pod is exchanged for keys, in a call that is not signed."""
    (tmp_path / "token").write_text("JWT\n")
    monkeypatch.setenv("TKE_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("TKE_ROLE_ARN", "role")
    monkeypatch.setenv("TKE_PROVIDER_ID", "provider")
    script.on("AssumeRoleWithWebIdentity", keys(1, 7200))
    script.on("DescribeTrainingTasks", NO_TASKS)
    listed(script, scripted(secret_id="", secret_key=""))
    (headers,) = script.headers("AssumeRoleWithWebIdentity")

    assert headers["Authorization"] == "SKIP"
    assert script.calls("AssumeRoleWithWebIdentity")[0]["WebIdentityToken"] == "JWT"
    assert script.headers("DescribeTrainingTasks")[0]["X-TC-Token"] == "TOKEN1"


def test_too_hasty(script: Any, scripted: Make, pauses: list[float]) -> None:
    """Asked too often, the service refuses: the client waits longer each time and asks again."""
    busy = ["RequestLimitExceeded", "RequestLimitExceeded.UinLimitExceeded"]
    script.on("DescribeTrainingTasks", *busy, NO_TASKS)

    assert listed(script, scripted()) == []
    assert len(pauses) == 2
    assert pauses == sorted(pauses)


def test_far_too_hasty(script: Any, scripted: Make, pauses: list[float]) -> None:
    """A service that never has time is a fault in the end, and says what to do."""
    script.on("DescribeTrainingTasks", "RequestLimitExceeded")
    with pytest.raises(ServiceError) as caught:
        scripted().list()

    assert "poll_seconds" in caught.value.hint
    assert len(pauses) == 3


@pytest.mark.parametrize("code", ["InternalError.QueryHaiTaskFailed", "ServiceUnavailable"])
def test_for_a_moment(script: Any, scripted: Make, pauses: list[float], code: str) -> None:
    """What goes wrong for a moment is asked for again, where that does no harm."""
    script.on("DescribeTrainingTasks", code, NO_TASKS)

    assert listed(script, scripted()) == []
    assert len(pauses) == 1


def test_stop_of_what_is_being_submitted(script: Any, scripted: Make, pauses: list[float]) -> None:
    """A task that the platform has not quite taken yet is stopped a moment later; one that has ended is fine."""
    script.on("DescribeTrainingTask", detail("SUBMITTING"), detail("FAILED"))
    script.on("StopTrainingTask", "FailedOperation.UnSubmitNotAllowToStop", "FailedOperation.NotAllow")
    scripted().stop(REF)

    assert len(script.calls("StopTrainingTask")) == 2
    assert len(pauses) == 1


@pytest.mark.parametrize(
    "code", ["FailedOperation.NotAllow", "OperationDenied.NotAllow", "OperationDenied.BalanceInsufficient"]
)
@pytest.mark.parametrize("ref", [REF, OLD])
def test_stop_that_is_refused(script: Any, scripted: Make, code: str, ref: JobRef) -> None:
    """A job that goes on, since the platform does not stop it, is not called stopped."""
    script.on("DescribeTrainingTask", detail("RUNNING"))
    script.on("StopTrainingTask", code)
    script.on("DescribeTrainingJob", {"TrainingJobName": "mnist", "TrainingJobStatus": "InProgress"})
    script.on("StopTrainingJob", code)
    with pytest.raises(AnyfitError) as caught:
        scripted().stop(ref)

    assert caught.value.status == code


def test_job_that_does_not_end(script: Any, scripted: Make, pauses: list[float]) -> None:
    """A job that runs is stopped before it is deleted; one that goes on for minutes is left, and that is told."""
    script.on("DescribeTrainingTask", detail("RUNNING"))
    script.on("StopTrainingTask", {})
    script.on("DeleteTrainingTask", {})
    with pytest.raises(ServiceError, match="does not end"):
        scripted().delete(REF)

    assert len(script.calls("StopTrainingTask")) == 1
    assert script.calls("DeleteTrainingTask") == []
    assert 60 < sum(pauses) < 300


@pytest.mark.parametrize("answer", [(200, b"<html>"), (200, b"{}"), (500, b"")])
def test_no_answer_of_the_api(script: Any, scripted: Make, answer: Any) -> None:
    """What is no envelope is a fault of the service."""
    script.on("DescribeTrainingTasks", answer)
    with pytest.raises(ServiceError):
        scripted().list()


def job(backend: TiBackend, catalog: Catalog, **options: Any) -> Any:
    """A plan of a job whose places tell nothing of it, for it has no code and an output path."""
    spec = JobSpec(name="mnist", image="registry/image:1", output_path="cos://demo-1250000000/out/", options=options)
    return backend.plan(spec, catalog)


@pytest.mark.parametrize("answer", [None, (500, b""), "InternalError"])
def test_lost_create(script: Any, scripted: Make, catalog: Catalog, answer: Any) -> None:
    """A task whose answer was lost is found by its name, and never asked for a second time."""
    backend = scripted()
    plan = job(backend, catalog)
    script.on("CreateTrainingTask", answer)
    script.on("DescribeTrainingTasks", tasks(task("STARTING")))
    script.on("DescribeTrainingTask", detail("STARTING", **plan.requests[0].body))

    assert backend.submit(plan) == REF
    assert len(script.calls("CreateTrainingTask")) == 1
    assert script.calls("DescribeTrainingTasks")[0]["Filters"] == [{"Name": "Name", "Values": ["mnist"]}]


@pytest.mark.parametrize("answer", [None, (500, b""), "InternalError"])
def test_lost_create_of_2019(script: Any, scripted: Make, catalog: Catalog, answer: Any) -> None:
    """A job of 2019 whose answer was lost is found by its name, and never asked for a second time."""
    backend = scripted()
    plan = job(backend, catalog, api="2019")
    script.on("CreateTrainingJob", answer)
    script.on("DescribeTrainingJob", {**plan.requests[0].body, "TrainingJobStatus": "InProgress"})

    assert backend.submit(plan) == OLD
    assert len(script.calls("CreateTrainingJob")) == 1


def test_lost_create_that_never_arrived(script: Any, scripted: Make, catalog: Catalog) -> None:
    """Where no job of that name is there, the fault stays a fault."""
    backend = scripted()
    script.on("CreateTrainingTask", None)
    script.on("DescribeTrainingTasks", NO_TASKS)
    script.on("CreateTrainingJob", None)
    script.on("DescribeTrainingJob", "ResourceNotFound")
    for options in ({}, {"api": "2019"}):
        with pytest.raises(ServiceError):
            backend.submit(job(backend, catalog, **options))


def test_lost_create_beside_a_stranger(script: Any, scripted: Make, catalog: Catalog) -> None:
    """Somebody else's job of that name is a conflict, and not taken for ours."""
    backend = scripted()
    script.on("CreateTrainingTask", None)
    script.on("DescribeTrainingTasks", tasks(task("RUNNING")))
    plan, old = job(backend, catalog), job(backend, catalog, api="2019")
    theirs, image = {"Output": {**OUTPUT, "Paths": ["theirs/"]}}, {"ImageInfo": {"ImageUrl": "registry/other:1"}}
    script.on("CreateTrainingJob", None)
    others = {"AlgorithmSpecification": {"TrainingImageName": "registry/other:1"}}
    for strange in (theirs, image):
        script.on("DescribeTrainingTask", detail("RUNNING", **{**plan.requests[0].body, **strange}))
        with pytest.raises(Conflict):
            backend.submit(plan)
    for told in ({}, {**old.requests[0].body, **others}):
        script.on("DescribeTrainingJob", {**told, "TrainingJobName": "mnist", "TrainingJobStatus": "InProgress"})
        with pytest.raises(Conflict):
            backend.submit(old)


@pytest.mark.parametrize("api", ["2021", "2019"])
def test_many_jobs_in_two_questions(script: Any, scripted: Make, api: str) -> None:
    """A hundred running jobs are looked at with two requests, or with one."""
    refs = [JobRef("ti", "ap-guangzhou", f"train-{n}" if api == "2021" else f"2019/train-{n}") for n in range(100)]
    pages = [tasks(*(task("RUNNING", Id=f"train-{n}") for n in range(at, at + 50))) for at in (0, 50)]
    script.on("DescribeTrainingTasks", *pages)
    rows = [{"TrainingJobName": f"train-{n}", "TrainingJobStatus": "InProgress"} for n in range(100)]
    script.on("DescribeTrainingJobs", {"TrainingJobSet": rows, "TotalCount": 100})
    states = scripted(api=api).describe(refs)

    assert {state.status for state in states} == {Status.RUNNING}
    assert len(script.asked) <= 2


def test_ended_jobs_of_2019_are_asked_for_once(script: Any, scripted: Make) -> None:
    """Of many jobs, one that has ended is looked at once, and then never again."""
    rows = [{"TrainingJobName": f"j{n}", "TrainingJobStatus": "InProgress"} for n in range(3)]
    rows[1]["TrainingJobStatus"] = "Completed"
    script.on("DescribeTrainingJobs", {"TrainingJobSet": rows, "TotalCount": 3})
    ended = {"TrainingJobName": "j1", "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed"}
    script.on("DescribeTrainingJob", ended)
    script.on("/anyfit/refs/deleted/j1", (404, b""))
    backend = scripted(api="2019")
    refs = [JobRef("ti", "ap-guangzhou", f"2019/j{n}") for n in range(4)]
    for _ in range(3):
        states = backend.describe(refs)

    words = [Status.RUNNING, Status.SUCCEEDED, Status.RUNNING, Status.UNKNOWN]
    assert [state.status for state in states] == words
    assert states[3].gone
    assert len(script.calls("DescribeTrainingJob")) == 1
    assert script.calls("DescribeTrainingJobs")[0]["Filters"] == [
        {"Name": "instance-name", "Values": ["j0", "j1", "j2", "j3"]}
    ]


def test_other_generation_cannot_be_asked(script: Any, scripted: Make) -> None:
    """Where a region has only one generation, what is asked of both is answered by that one."""
    script.on("DescribeTrainingTasks", tasks(task("RUNNING")))
    script.on("DescribeTrainingJobs", "UnsupportedRegion")
    script.on("DescribeTrainingJob", "UnsupportedRegion")
    backend = scripted()

    assert [each.ref for each in backend.list()] == [REF]
    assert backend.find("mnist") == REF
    assert backend.find("other") is None


@pytest.mark.parametrize("fault", ["AuthFailure.SignatureFailure", "InternalError", None])
def test_fault_of_the_other_generation(script: Any, scripted: Make, fault: Any) -> None:
    """What nobody could find out is no "no such job": wrong keys and a dead network are faults of both generations."""
    script.on("DescribeTrainingTasks", NO_TASKS)
    for action in ("DescribeTrainingJobs", "DescribeTrainingJob", "DescribeServices", "DescribeServiceConfigs"):
        script.on(action, fault)
    script.on("DescribeModelServiceGroups", {"ServiceGroups": [], "TotalCount": 0})
    script.on("DescribeTrainingModels", {"TrainingModels": [], "TotalCount": 0})
    backend = scripted()
    asks: list[Callable[[], object]] = [
        backend.list,
        lambda: backend.find("mnist"),
        backend.endpoints,
        lambda: backend.find_endpoint("e"),
        backend.models,
    ]
    for ask in asks:
        with pytest.raises(AnyfitError) as caught:
            ask()
        assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize("code", ["NoSuchVersion", "ActionOffline", "UnauthorizedOperation", "NoSuchProduct"])
def test_other_generation_is_not_for_us(script: Any, scripted: Make, code: str) -> None:
    """A generation that the platform has not, or that the account's policies leave out, has nothing of ours."""
    script.on("DescribeModelServiceGroups", {"ServiceGroups": [], "TotalCount": 0})
    script.on("DescribeServices", code)

    assert list(scripted().endpoints()) == []


# the bucket does not answer

REFUSED = (403, b"<Error><Code>AccessDenied</Code></Error>")
MISSING = (404, b"<Error><Code>NoSuchKey</Code></Error>")
OF_ANYFIT = {"CodePackagePath": {**OUTPUT, "Paths": ["anyfit/jobs/mnist/0123456789abcdef/code/"]}}
JOB_FILE = f"/anyfit/jobs/mnist/0123456789abcdef/code/{JOB}"


def test_job_file_that_cannot_be_read(script: Any, scripted: Make) -> None:
    """Only where no job file is there did anyfit write none; any other fault is one, and nothing is deleted then."""
    script.on("DescribeTrainingTask", detail("SUCCEED", **OF_ANYFIT))
    script.on("DeleteTrainingTask", {})
    backend = scripted()
    script.on(JOB_FILE, REFUSED)
    for ask in (backend.job_spec, backend.delete):
        with pytest.raises(AuthError):
            ask(REF)
    script.on(JOB_FILE, MISSING)

    assert script.calls("DeleteTrainingTask") == []
    assert backend.job_spec(REF).name == "mnist"


def test_code_of_strangers_is_not_read(script: Any, scripted: Make) -> None:
    """Beside code that lies in no folder of anyfit's there is nothing to be read."""
    script.on("DescribeTrainingTask", detail("SUCCEED", CodePackagePath={**OUTPUT, "Paths": ["jobs/mnist/"]}))

    assert scripted().job_spec(REF).name == "mnist"
    assert [asked.call for asked in script.asked] == ["DescribeTrainingTask"]


def test_end_that_cannot_be_read(script: Any, scripted: Make) -> None:
    """How a script ended is asked for again after a fault of the bucket, and once more never."""
    told = (200, b'{"exit_code": 3, "signal": null, "overran": false}')
    script.on("DescribeTrainingTasks", tasks(task("FAILED")))
    script.on("/out/mnist/train-1/.anyfit/end.json", REFUSED, told)
    backend = scripted()
    codes = [backend.describe([REF])[0].exit_code for _ in range(3)]

    assert codes == [None, 3, 3]
    assert len(script.headers("/out/mnist/train-1/.anyfit/end.json")) == 2


def test_end_of_2019_that_cannot_be_read(script: Any, scripted: Make) -> None:
    """The same for jobs of 2019, whose end is otherwise remembered."""
    output = {"CosOutputBucket": "demo-1250000000", "CosOutputKeyPrefix": "out"}
    ended = {"TrainingJobName": "mnist", "TrainingJobStatus": "Failed", "OutputDataConfig": output}
    told = (200, b'{"exit_code": 3, "signal": null, "overran": false}')
    script.on("DescribeTrainingJob", ended)
    script.on("/anyfit/refs/deleted/mnist", (404, b""))
    script.on("/out/mnist/output/checkpoints/anyfit/.anyfit/end.json", REFUSED, told)
    backend = scripted(api="2019")
    codes = [backend.describe([OLD])[0].exit_code for _ in range(3)]

    assert codes == [None, 3, 3]


def test_deleted_jobs_stay_away(script: Any, scripted: Make) -> None:
    """Where nobody can say which jobs of 2019 were deleted, they do not appear again."""
    row = {"TrainingJobName": "mnist", "TrainingJobStatus": "Completed"}
    script.on("DescribeTrainingJobs", {"TrainingJobSet": [row], "TotalCount": 1})
    script.on("DescribeTrainingJob", row)
    script.on("/", REFUSED)
    script.on("/anyfit/refs/deleted/mnist", (403, b""))
    backend = scripted(api="2019")
    for ask in (backend.list, lambda: backend.find("mnist"), lambda: backend.describe([OLD])):
        with pytest.raises(AuthError):
            ask()


# lists


def test_long_lists(script: Any, scripted: Make) -> None:
    """Lists are read to their end, also where nobody says how long they are, and what moves comes once."""
    pages = [
        [task("RUNNING", Id=f"train-{n}") for n in range(at, at + size)] for at, size in ((0, 50), (49, 50), (99, 3))
    ]
    script.on("DescribeTrainingTasks", *[{"TrainingTaskSet": page} for page in pages])
    images = [[{"ImageName": f"i{n}"} for n in range(at, at + size)] for at, size in ((0, 100), (100, 20))]
    script.on("DescribePlatformImages", *[{"PlatformImageInfos": page, "TotalCount": 120} for page in images])
    backend = scripted()

    assert [each.ref.id for each in listed(script, backend)] == [f"train-{n}" for n in range(102)]
    assert [body["Offset"] for body in script.calls("DescribeTrainingTasks")] == [0, 50, 100]
    assert len(backend._client.images("Train")) == 120
    assert [body["Offset"] for body in script.calls("DescribePlatformImages")] == [0, 100]


# who we are


def test_place_tells_accounts_apart(scripted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place of two accounts, or of two workspaces, is never the same; that of one account always is."""
    monkeypatch.delenv("TKE_ROLE_ARN", raising=False)
    nobody: dict[str, Any] = {"secret_id": "", "secret_key": ""}
    accounts: list[dict[str, Any]] = [
        {},
        {"secret_id": "AKIDbob"},
        {"role_arn": "qcs::cam::uin/1:roleName/r"},
        {"role_arn": "qcs::cam::uin/2:roleName/r"},
        {"role_arn": "r"},
        {"uin": "3"},
        {"project": "7"},
        {**nobody, "credentials_url": "http://one/keys"},
        {**nobody, "credentials_url": "http://two/keys"},
        {**nobody, "cvm_role": "one"},
        {**nobody, "cvm_role": "two"},
    ]
    places = [scripted(**account).place for account in accounts]
    monkeypatch.setenv("TKE_ROLE_ARN", "qcs::cam::uin/4:roleName/pods")

    assert len({*places, scripted(**nobody).place}) == len(accounts) + 1
    assert scripted(role_arn="qcs::cam::uin/1:roleName/other").place == places[2] == scripted(uin="1").place
    assert not [place for place in places if "AKID" in place or "keys" in place]


def test_keys_that_several_threads_find_refused(script: Any, scripted: Make) -> None:
    """Whoever finds temporary keys refused asks again, also while another thread is about to; set keys stay."""
    script.on("AssumeRole", keys(1, 7200), keys(2, 7200))
    account, fixed = scripted(role_arn="role")._account, scripted()._account
    first = account.credential().secret_id

    assert [account.refused(first), account.refused(first)] == [True, True]
    assert account.credential().secret_id == "TMP2"
    assert not fixed.refused("AKIDalice")


def test_keys_end_by_the_clock_of_the_service(script: Any, scripted: Make) -> None:
    """Whether keys are still good is told by the service's clock, not by that of this machine."""
    script.on("AssumeRole", keys(1, 7200), keys(2, 20_000))
    account = scripted(role_arn="role")._account
    before = account.credential().secret_id
    account.learn_time(time.time() + 8000)

    assert (before, account.credential().secret_id) == ("TMP1", "TMP2")


def test_parts_are_made_once(scripted: Make) -> None:
    """Several threads that begin at once share the parts of a backend; closing one that did nothing makes none."""
    backend, ready = scripted(), Barrier(8)

    def client(_: int) -> object:
        ready.wait()
        return backend._client

    with ThreadPoolExecutor(8) as pool:
        made = {id(each) for each in pool.map(client, range(8))}
    idle = scripted()
    idle.close()

    assert len(made) == 1
    assert "_transport" not in vars(idle)


def test_store_of_others(scripted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in another cloud's store is reached as the backend's profile says."""
    asked: list[tuple[str | None, str]] = []

    def opened(profile: str | None, uri: Uri) -> str:
        asked.append((profile, str(uri)))
        return "theirs"

    monkeypatch.setattr("anyfit.stores.profile_store", opened)
    backend = scripted()
    backend.profile = "work"

    assert str(backend.store(Uri.parse("s3://bucket/key"))) == "theirs"
    assert asked == [("work", "s3://bucket/key")]


def watched(backend: TiBackend, bench: Benches) -> list[Any]:
    from anyfit.job import Job

    session = bench(backend).session
    return list(follow(Job(session, backend, REF, JobSpec(name="j")), timeout=60))


def log(*texts: str, context: str = "", at: str = "2025-05-28T10:18:41.000000001Z") -> dict[str, Any]:
    rows = [{"Message": text, "PodName": "train-1-abc-worker-0", "Timestamp": at} for text in texts]
    return {"Content": rows, "Context": context}


def test_keys_end_while_watching(script: Any, scripted: Make, bench: Benches) -> None:
    """Watching goes on over the end of temporary keys, and misses no line."""
    script.on("AssumeRole", keys(1, 7200), keys(2, 7200))
    script.on("DescribeTrainingTask", detail("RUNNING"))
    states = [tasks(task(word)) for word in ("RUNNING", "RUNNING", "SUCCEED")]
    script.on("DescribeTrainingTasks", states[0], "AuthFailure.TokenFailure", *states[1:])
    script.on("DescribeLogs", log("one"), log("one", "two"))
    events = watched(scripted(role_arn="qcs::cam::uin/1:roleName/r"), bench)

    assert [event.text for event in events if hasattr(event, "text")] == ["one", "two"]
    assert [e.status for e in events if isinstance(e, JobState)] == [Status.RUNNING, Status.SUCCEEDED]
    assert len(script.calls("AssumeRole")) == 2


def test_unknown_word_is_an_end(script: Any, scripted: Make, bench: Benches) -> None:
    """A status that no document names is shown as it is, and nobody waits for its change for ever."""
    script.on("DescribeTrainingTasks", tasks(task("PONDERING")))
    script.on("DescribeTrainingTask", detail("PONDERING"))
    script.on("DescribeLogs", log())
    backend = scripted()
    (state,) = backend.describe([REF])

    assert (state.status, state.native) == (Status.UNKNOWN, "PONDERING")
    with pytest.raises(NotFinished, match="PONDERING"):
        watched(backend, bench)


def test_nothing_secret_is_logged(script: Any, scripted: Make, requests_made: Callable[[], list[str]]) -> None:
    """Neither a key nor its id nor a token is in the log or in the backend's own words."""
    script.on("DescribeTrainingTasks", NO_TASKS)
    backend = scripted(token="TOKEN")
    listed(script, backend)
    said = json.dumps(requests_made()) + repr(backend) + repr(vars(backend)) + backend.place
    said += repr(backend._account.store_settings())

    assert requests_made()
    assert not [secret for secret in ("geheim", "TOKEN") if secret in said]
    assert "AKIDalice" not in json.dumps(requests_made()) + repr(backend) + repr(vars(backend)) + backend.place


def test_keys_of_the_store_are_renewed(script: Any, scripted: Make) -> None:
    """A store that asks for keys again, since they were refused, gets other ones; set keys stay as they are."""
    script.on("AssumeRole", keys(1, 7200), keys(2, 7200), keys(3, 7200))
    give = [StoreKeys(scripted(role_arn="role")._account), StoreKeys(scripted()._account)]

    assert [give[0]().access_key for _ in range(3)] == ["TMP1", "TMP2", "TMP3"]
    assert [give[1]().access_key for _ in range(2)] == ["AKIDalice", "AKIDalice"]


def test_store_of_the_bucket(scripted: Make) -> None:
    """One store is opened for each bucket, with the account's keys."""
    backend = scripted()
    first, second = (backend.store(Uri.parse(f"cos://demo-1250000000/{name}")) for name in "xy")

    assert first is second
