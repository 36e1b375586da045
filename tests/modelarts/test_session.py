"""Tokens, signatures, temporary keys, and what happens when the platform is in a bad mood."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Catalog, JobRef, JobState, Status
from anyfit.cloud.stores import RenewingKeys
from anyfit.errors import AuthError, Conflict, ServiceError
from anyfit.job import Job
from anyfit.spec import JobSpec
from anyfit.storage import Uri
from anyfit.testing import Bench
from anyfit.watch import follow
from anyfit_modelarts.backend import ModelArtsBackend

Make = Callable[..., ModelArtsBackend]
Benches = Callable[[Any], Bench]

PROJECT = "0123456789abcdef0123456789abcdef"
KEYS = {"access_key": "AK", "secret_key": "geheim"}
UUID = "0d30f1bc-0a38-4e4c-9d5c-3f2e1a8b7c6d"
SEARCH = "POST /v2/training-job-searches"
TASK = f"/v2/training-jobs/{UUID}"


def found(*items: Any) -> dict[str, Any]:
    return {"total": len(items), "count": len(items), "items": list(items)}


def job(phase: str = "Running", id: str = UUID, name: str = "mnist", **more: Any) -> dict[str, Any]:
    """A job of the second generation."""
    status = {"phase": phase, "secondary_phase": phase, "start_time": 1767323045000, "duration": 5000}
    status |= {"tasks": ["worker-0"], **more.pop("status", {})}
    metadata = {"id": id, "name": name, "create_time": 1767323040000}
    return {"kind": "job", "metadata": metadata, "status": status, "spec": {"resource": {"node_count": 1}}, **more}


def row(status: int = 8, job: int = 1, version: int = 11, **more: Any) -> dict[str, Any]:
    """A row in the list of jobs of the first generation."""
    ids = {"job_id": job, "job_name": "mnist", "version_id": version, "version_count": 1}
    return {**ids, "status": status, "create_time": 1767323040000, "duration": 5000, **more}


# ------------------------------------------------------------------------------------------ who we are


def test_login(script: Any, scripted: Make) -> None:
    """The login is the documented one: a password, scoped to the project."""
    script.on(SEARCH, found())
    scripted().list()
    user = {"name": "dev", "password": "geheim", "domain": {"name": "acme"}}

    assert script.calls("POST /v3/auth/tokens") == [
        {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": "cn-north-4"}},
            }
        }
    ]
    assert script.headers(SEARCH)[0]["X-Auth-Token"] == "token-1"
    assert script.asked[-1].path.split("/")[2].startswith(PROJECT)


def test_token_is_kept(script: Any, scripted: Make, tmp_path: Path) -> None:
    """The next process uses the token of the one before; only its owner can read it."""
    script.on(SEARCH, found())
    for _ in range(3):
        scripted().list()
    files = [path for path in (tmp_path / "home").rglob("*.json") if path.is_file()]

    assert script.logins == 1
    assert [path.parent.name for path in files] == ["tokens"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert "geheim" not in files[0].read_text()


def test_token_is_renewed_before_its_end(script: Any, scripted: Make) -> None:
    """A token that ends at once is asked for anew each time, and never sent again; nobody waits for a refusal."""
    script.life = 0
    script.on(SEARCH, found())
    backend = scripted()
    backend.list()
    backend.list()
    tokens = [headers["X-Auth-Token"] for headers in script.headers(SEARCH)]

    assert len(set(tokens)) == 2


def test_tokens_of_two_accounts(script: Any, scripted: Make) -> None:
    """Another user, or another project, of the same machine logs in for itself."""
    script.on(SEARCH, found())
    for settings in ({}, {"username": "bob"}, {"project_name": "cn-north-4_team"}, {"project_id": PROJECT}):
        scripted(**settings).list()
    bodies = [body["auth"] for body in script.calls("POST /v3/auth/tokens")]

    assert [body["identity"]["password"]["user"]["name"] for body in bodies] == ["dev", "bob", "dev", "dev"]
    assert [body["scope"]["project"] for body in bodies][2:] == [{"name": "cn-north-4_team"}, {"id": PROJECT}]


@pytest.mark.parametrize(
    "refusal",
    [
        (401, {"error_code": "ModelArts.0202", "error_msg": "expired"}),
        (401, {"error_code": "APIGW.0307", "error_msg": "must be updated"}),
        (403, {"error_code": "ModelArts.2784", "error_msg": "bad token"}),
        (401, b""),
    ],
)
def test_one_new_login(script: Any, scripted: Make, refusal: Any) -> None:
    """A token that is no longer taken is replaced once, and the call repeated with the new one."""
    script.on(SEARCH, refusal, found())
    scripted().list()

    assert [headers["X-Auth-Token"] for headers in script.headers(SEARCH)] == ["token-1", "token-2"]


def test_no_endless_login(script: Any, scripted: Make) -> None:
    """A service that never takes its own token is an error of authentication, after one new login."""
    script.on(SEARCH, (401, {"error_code": "ModelArts.0202", "error_msg": "expired"}))
    with pytest.raises(AuthError) as caught:
        scripted().list()

    assert script.logins == 2
    assert caught.value.request_id == "request-7"


@pytest.mark.parametrize(
    "answer",
    [
        (401, {"error": {"code": 401, "message": "wrong password", "title": "Unauthorized"}}),
        (401, {"error_code": "IAM.0001", "error_msg": "wrong password"}),
        (400, {"error": {"code": 400, "message": "wrong password", "title": "Bad Request"}}),
    ],
)
def test_refused_login(script: Any, scripted: Make, answer: Any) -> None:
    """What IAM refuses is an error of authentication that repeats its words and not the password."""
    script.on("POST /v3/auth/tokens", answer)
    with pytest.raises(AuthError, match="wrong password") as caught:
        scripted().list()

    assert "geheim" not in str(caught.value)
    assert "IAM answers" in caught.value.message


@pytest.mark.parametrize("settings", [{"username": "", "password": ""}, {"auth": "signature"}])
def test_no_credentials(script: Any, scripted: Make, settings: dict[str, str]) -> None:
    """Without credentials nothing is asked, and the message says what to set."""
    with pytest.raises(AuthError, match=r"not set|is set") as caught:
        scripted(**settings).list()

    assert script.asked == []
    assert "anyfit.toml" in caught.value.hint


def test_signed_calls(script: Any, scripted: Make) -> None:
    """With keys every call is signed, with the project's id; temporary ones bring their token along, to OBS as well."""
    script.on("GET /v3/projects", {"projects": [{"id": PROJECT, "name": "cn-north-4"}]})
    script.on(SEARCH, found())
    script.on("GET /v1/training-jobs", {"jobs": []})
    backend = scripted(**KEYS, security_token="temporary")
    backend.list()
    (headers,) = script.headers(SEARCH)

    assert script.logins == 0
    assert headers["Authorization"].startswith("SDK-HMAC-SHA256 Access=AK, SignedHeaders=")
    assert headers["X-Project-Id"] == PROJECT
    assert headers["X-Security-Token"] == "temporary"
    assert "x-security-token" in headers["Authorization"]
    assert backend._account.keys().session_token == "temporary"


def test_either_way_can_be_chosen(script: Any, scripted: Make) -> None:
    """Who has keys and a password may say which of the two is for calls."""
    script.on(SEARCH, found())
    scripted(**KEYS, domain="acme", username="dev", password="p", auth="token").list()

    assert "X-Auth-Token" in script.headers(SEARCH)[0]
    assert "Authorization" not in script.headers(SEARCH)[0]


def test_project_is_looked_up_once(script: Any, scripted: Make) -> None:
    """The id of a project is asked for by its name once, and kept."""
    script.on("GET /v3/projects", {"projects": [{"id": PROJECT, "name": "cn-north-4"}, {"id": "x", "name": "other"}]})
    script.on(SEARCH, found())
    for _ in range(2):
        scripted(**KEYS).list()

    assert len(script.headers("GET /v3/projects")) == 1
    assert [asked.path for asked in script.asked if "projects" in asked.path] == ["/v3/projects?name=cn-north-4"]


@pytest.mark.parametrize("ids", [[], ["1", "2"]])
def test_no_project_or_several(script: Any, scripted: Make, ids: list[str]) -> None:
    """A name that means no project, or several, is an error that says so."""
    script.on("GET /v3/projects", {"projects": [{"id": each, "name": "cn-north-4"} for each in ids]})
    with pytest.raises(AuthError, match=f"there are {len(ids)} projects"):
        scripted(**KEYS).list()


def _keys(account: Any, fresh: bool) -> Any:
    return account.keys(fresh=fresh)


def test_temporary_keys(script: Any, scripted: Make) -> None:
    """Keys of OBS are asked for with the token, kept for the next process, and replaced when they are refused."""
    first, again = (RenewingKeys(partial(_keys, scripted()._account)) for _ in range(2))
    settings = [first(), again(), again()]

    assert [each.access_key for each in settings] == ["TEMP"] * 3
    assert all(each.session_token == "token" and each.expires_at for each in settings)
    assert [headers["X-Auth-Token"] for headers in script.headers("POST /v3.0/OS-CREDENTIAL/securitytokens")] == [
        "token-1"
    ] * 2
    assert script.logins == 1


def test_temporary_keys_that_end(script: Any, scripted: Make) -> None:
    """Keys that are over are not taken from the disk."""
    script.life = 0
    backend = scripted()
    backend._account.keys()
    backend._account.keys()

    assert len(script.calls("POST /v3.0/OS-CREDENTIAL/securitytokens")) == 2


# ------------------------------------------------------------------------------------------ bad moods


def test_patience(script: Any, scripted: Make, pauses: list[float]) -> None:
    """A service that is busy is asked again after a while; a search changes nothing and may be repeated."""
    script.on(SEARCH, (429, {"error_code": "ModelArts.2799", "error_msg": "too many"}), (503, b""), found())

    assert scripted().list() == []
    assert len(pauses) == 2


def test_no_json(script: Any, scripted: Make) -> None:
    """A page that is no JSON is a fault that names the endpoint as the likely cause."""
    script.on(SEARCH, (200, b"<html>login</html>"))
    with pytest.raises(ServiceError, match="no JSON") as caught:
        scripted().list()

    assert "endpoint" in caught.value.hint


def plan(backend: ModelArtsBackend, catalog: Catalog) -> Any:
    spec = JobSpec(name="mnist", image="registry/image:1", command=("run",))
    return backend.plan(spec, catalog)


@pytest.mark.parametrize("answer", [None, (500, b""), (502, {"error_code": "APIGW.0610", "error_msg": "no backend"})])
def test_lost_create(script: Any, scripted: Make, catalog: Catalog, answer: Any) -> None:
    """A job whose answer was lost is found by its name, and never asked for a second time."""
    backend = scripted()
    made = plan(backend, catalog)
    output = made.requests[0].body["algorithm"]["outputs"]
    script.on("POST /v2/training-jobs", answer)
    script.on(SEARCH, found(job(name="mnist-2"), job(algorithm={"outputs": output})))

    assert str(backend.submit(made)) == f"modelarts://cn-north-4/{UUID}"
    assert len(script.calls("POST /v2/training-jobs")) == 1


def test_lost_create_of_the_first_generation(script: Any, scripted: Make, catalog: Catalog) -> None:
    """So it is with the first generation."""
    backend = scripted(api="v1")
    made = plan(backend, catalog)
    mine = {"version_id": 11, "version_name": "V0001", "status": 8, "user_image_url": "registry/image:1"}
    script.on("POST /v1/training-jobs", None)
    script.on("GET /v1/training-jobs", {"jobs": [row(job_name="mnist-2", job=7), row()], "job_total_count": 2})
    train_url = made.requests[0].body["config"]["train_url"]
    script.on("GET /v1/training-jobs/1/versions", {"job_name": "mnist", "versions": [{**mine, "train_url": train_url}]})

    assert str(backend.submit(made)) == "modelarts://cn-north-4/1/11"
    assert len(script.calls("POST /v1/training-jobs")) == 1


def test_lost_create_that_never_arrived(script: Any, scripted: Make, catalog: Catalog) -> None:
    """Where no job of that name is there, the fault stays a fault."""
    backend = scripted()
    script.on("POST /v2/training-jobs", None)
    script.on(SEARCH, found())
    with pytest.raises(ServiceError):
        backend.submit(plan(backend, catalog))


def test_lost_create_beside_a_stranger(script: Any, scripted: Make, catalog: Catalog) -> None:
    """Somebody else's job of that name is a conflict, and not taken for ours."""
    backend = scripted()
    script.on("POST /v2/training-jobs", None)
    script.on(SEARCH, found(job(algorithm={"code_dir": "/theirs/code/"})))
    with pytest.raises(Conflict):
        backend.submit(plan(backend, catalog))


def test_other_generation_may_be_missing(script: Any, scripted: Make) -> None:
    """At a place without the first generation its jobs are none; another fault of it is one."""
    script.on(SEARCH, found(job()))
    backend = scripted()

    assert [each.name for each in backend.list()] == ["mnist"]
    assert backend.find("other") is None
    script.on("GET /v1/training-jobs", (500, b""))
    with pytest.raises(ServiceError):
        backend.find("other")


def watched(backend: ModelArtsBackend, bench: Benches, id: str) -> list[Any]:
    session = bench(backend).session
    return list(follow(Job(session, backend, JobRef("modelarts", "cn-north-4", id), JobSpec(name="j")), timeout=60))


def lines(events: list[Any]) -> list[str]:
    return [event.text for event in events if hasattr(event, "text")]


def test_token_ends_while_watching(script: Any, scripted: Make, bench: Benches) -> None:
    """Watching goes on over the end of a token, and misses no line."""
    stale = (401, {"error_code": "ModelArts.0202", "error_msg": "expired"})
    script.on(f"GET {TASK}", job(), stale, job(), job("Completed"))
    page = {"lines": 1, "content": "one\n", "start_line": "1", "end_line": "1"}
    script.on(f"GET {TASK}/logs/worker-0", page, stale, {**page, "content": "two\n", "end_line": "2"}, {"lines": 0})
    events = watched(scripted(), bench, UUID)

    assert lines(events) == ["one", "two"]
    assert [e.status for e in events if isinstance(e, JobState)] == [Status.RUNNING, Status.SUCCEEDED]
    assert script.logins == 3


@pytest.mark.parametrize("paged", [(404, {"error_code": "APIG.0101", "error_msg": "no such API"}), (405, b"")])
def test_log_by_preview(script: Any, scripted: Make, paged: Any) -> None:
    """A place that does not give a log by lines gives it as a text, of which half a line is none until the end."""
    script.on(f"GET {TASK}/logs/worker-0", paged)
    script.on(f"GET {TASK}", job())
    backend, cursor, said = scripted(), "", []
    for text in ("", "eins\nzw", "eins\nzwei\n", "eins\nzwei\ndr\u00fcb", "eins\nzwei\ndr\u00fcben"):
        size = len(text.encode())
        preview = {"content": text, "current_size": size, "full_size": size}
        script.on(f"GET {TASK}/tasks/worker-0/logs/preview", preview)
        if text.endswith("ben"):
            script.on(f"GET {TASK}", job("Completed"))
        page = backend.logs(JobRef("modelarts", "cn-north-4", UUID), cursor)
        cursor = page.cursor
        said.append([line.text for line in page.lines])

    assert said == [[], ["eins"], ["zwei"], [], ["dr\u00fcben"]]


def test_log_longer_than_its_preview(script: Any, scripted: Make, bench: Benches) -> None:
    """What lies before the preview comes by the link to the whole log, which needs no token."""
    script.on(f"GET {TASK}/logs/worker-0", (404, {"error_code": "APIG.0101", "error_msg": "no such API"}))
    script.on(f"GET {TASK}", job("Completed"))
    preview = {"content": "two\nthree\n", "current_size": 10, "full_size": 14}
    script.on(f"GET {TASK}/tasks/worker-0/logs/preview", preview)
    script.on(f"GET {TASK}/tasks/worker-0/logs/url", {"obs_url": f"{script.url}/signed/log?x=1"})
    script.on("GET /signed/log", (200, b"one\ntwo\nthree\n"))

    assert lines(watched(scripted(), bench, UUID)) == ["one", "two", "three"]
    assert "X-Auth-Token" not in script.headers("GET /signed/log")[0]
    script.on("GET /signed/log", (403, b""))
    assert lines(watched(scripted(), bench, UUID)) == ["two", "three"]


@pytest.mark.parametrize(
    "answer",
    [
        (204, b""),
        (400, {"error_code": "ModelArts.2818", "error_msg": "not yet"}),
        (400, {"error_code": "ModelArts.2819", "error_msg": "cleared"}),
    ],
)
def test_no_log_yet(script: Any, scripted: Make, answer: Any) -> None:
    """A log that is not there yet, or no more, has no lines."""
    script.on(f"GET {TASK}", job("Pending"))
    script.on(f"GET {TASK}/logs/worker-0", answer)
    page = scripted().logs(JobRef("modelarts", "cn-north-4", UUID))

    assert (page.lines, page.cursor, page.more) == ((), "", False)


def test_log_of_the_first_generation(script: Any, scripted: Make, bench: Benches) -> None:
    """A log that has grown is read back to its beginning, then followed from where its newest block ended."""

    def window(numbers: list[int]) -> dict[str, Any]:
        content = "\n\n".join(f"line {n}" for n in numbers) + "\n" if numbers else ""
        ends = {"start_line": str(numbers[0]), "end_line": str(numbers[-1])} if numbers else {}
        return {"is_success": True, "content": content, "lines": len(numbers), **ends}

    detail = {"is_success": True, "job_name": "mnist", "create_time": 1, "version_name": "V0001"}
    script.on("GET /v1/training-jobs/1/versions/11", {**detail, "status": 8}, {**detail, "status": 10})
    script.on("GET /v1/training-jobs/1/versions/11/log/file-names", {"log_file_list": ["job-mnist.0"]})
    log = "GET /v1/training-jobs/1/versions/11/aom-log"
    blocks = [range(750, 1250), range(250, 750), range(250), [1250], []]
    script.on(log, *(window(list(block)) for block in blocks))
    said = lines(watched(scripted(api="v1"), bench, "1/11"))
    queries = [asked.path.partition("?")[2] for asked in script.asked if "aom-log" in asked.path]

    assert said == [f"line {n}" for n in range(1251)]
    assert queries[:4] == [
        "log_file=job-mnist.0&lines=500&order=desc",
        "log_file=job-mnist.0&lines=500&order=asc&base_line=750",
        "log_file=job-mnist.0&lines=500&order=asc&base_line=250",
        "log_file=job-mnist.0&lines=500&order=desc&base_line=1249",
    ]


def test_unknown_word(script: Any, scripted: Make) -> None:
    """A status that no document names is shown as it is."""
    script.on(f"GET {TASK}", job("Pondering"))
    (state,) = scripted().describe([JobRef("modelarts", "cn-north-4", UUID)])

    assert (state.status, state.native) == (Status.UNKNOWN, "Pondering")
    assert not state.gone


def test_many_jobs_in_two_questions(script: Any, scripted: Make) -> None:
    """A hundred running jobs are described from two pages of one search; what has ended is looked at once."""
    ids = [f"{n:08x}-0000-0000-0000-000000000000" for n in range(100)]
    pages = [found(*(job(id=id) for id in ids[start : start + 50])) | {"count": 100} for start in (0, 50)]
    script.on(SEARCH, *pages, *pages)
    refs = [JobRef("modelarts", "cn-north-4", id) for id in ids]
    backend = scripted()
    for _ in range(2):
        before = len(script.asked)
        states = backend.describe(refs)

        assert {state.status for state in states} == {Status.RUNNING}
        assert len([asked for asked in script.asked[before:] if asked.path.startswith("/v2")]) == 2
    script.on(SEARCH, found(*(job(id=id) for id in ids[1:51])) | {"count": 99}, found(*(job(id=id) for id in ids[51:])))
    script.on(f"GET /v2/training-jobs/{ids[0]}", job("Completed", id=ids[0]))
    assert backend.describe(refs)[0].status == Status.SUCCEEDED
    assert script.calls(SEARCH)[0]["filters"] == [
        {"key": "phase", "operator": "in", "value": ["Creating", "Pending", "Running", "Terminating"]}
    ]


def test_many_jobs_of_the_first_generation(script: Any, scripted: Make) -> None:
    """There one list is enough."""
    rows = [row(job=n, version=100 + n) for n in range(100)]
    script.on("GET /v1/training-jobs", {"jobs": rows, "job_total_count": 100})
    backend = scripted(api="v1")
    states = backend.describe([JobRef("modelarts", "cn-north-4", f"{n}/{100 + n}") for n in range(100)])

    assert {state.status for state in states} == {Status.RUNNING}
    assert len([asked for asked in script.asked if asked.path.startswith("/v1")]) == 1


def test_workspace(script: Any, scripted: Make, catalog: Catalog) -> None:
    """Jobs of another workspace are made and looked for there."""
    script.on(SEARCH, found())
    script.on("GET /v1/training-jobs", {"jobs": []})
    script.on("POST /v2/training-jobs", (500, b""))
    backend = scripted(workspace="w1")
    backend.list()
    own = backend.plan(JobSpec(name="x", image="i", command=("run",), options={"workspace": "w2"}), catalog)
    with pytest.raises(ServiceError):
        backend.submit(own)

    assert [body["workspace_id"] for body in script.calls(SEARCH)] == ["w1", "w2"]
    assert script.calls("POST /v2/training-jobs")[0]["metadata"]["workspace_id"] == "w2"
    assert "workspace_id=w1" in next(asked.path for asked in script.asked if "/v1/" in asked.path)


def test_nothing_secret_is_logged(
    script: Any, scripted: Make, requests_made: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the password nor a token nor a key is in the log or in the backend's own words."""
    script.on(SEARCH, found())
    backend = scripted()
    backend.list()
    keys = backend._account.keys()
    said = json.dumps(requests_made()) + repr(backend) + repr(vars(backend)) + repr(keys) + caplog.text

    assert requests_made()
    assert not [secret for secret in ("geheim", "token-1", "hush") if secret in said]


def test_store_of_the_bucket(script: Any, scripted: Make) -> None:
    """One store is opened for each bucket, with the account's keys."""
    backend = scripted()
    first, second = (backend.store(Uri.parse(f"obs://b/{name}")) for name in "xy")

    assert first is second
