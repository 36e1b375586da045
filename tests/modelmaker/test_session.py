"""Tokens, temporary keys, and what happens when the service is in a bad mood."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import JobRef, JobState, Status
from anyfit.errors import AuthError, Conflict, NotFinished, ServiceError
from anyfit.spec import JobSpec
from anyfit.storage import Uri
from anyfit.testing import Bench
from anyfit.watch import follow
from anyfit_modelmaker.backend import ModelMakerBackend

Make = Callable[..., ModelMakerBackend]
Benches = Callable[[Any], Bench]

HTML = (200, b"<html>too many requests</html>")
REF = JobRef("modelmaker", "js01", "1/2")


def status(word: str, **more: Any) -> dict[str, Any]:
    return {"id": 1, "versionId": 2, "status": word, **more}


def test_token_is_kept(script: Any, scripted: Make, tmp_path: Path) -> None:
    """The next process uses the token of the one before; only its owner can read it."""
    script.on("GET /v1/train", {"trainTasks": []})
    for _ in range(3):
        assert scripted().list() == []
    files = [path for path in (tmp_path / "home").rglob("*.json") if path.is_file()]

    assert script.logins == 1
    assert [path.parent.name for path in files] == ["tokens"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert "geheim" not in files[0].read_text()


def test_tokens_of_two_accounts(script: Any, scripted: Make) -> None:
    """Another user of the same machine logs in for himself."""
    script.on("GET /v1/train", {"trainTasks": []})
    scripted().list()
    scripted(username="bob").list()

    assert [body["username"] for body in script.calls("POST /v1/auth-token")] == ["alice", "bob"]


@pytest.mark.parametrize("refusal", [{"errorCode": 1002}, {"errorCode": 1003}, (401, b"{}"), (401, b"")])
def test_one_new_login(script: Any, scripted: Make, refusal: Any) -> None:
    """A token that is no longer taken is replaced once, and the call repeated with the new one."""
    script.on("GET /v1/train", refusal, {"trainTasks": []})
    scripted().list()

    assert [headers["Auth-Token"] for headers in script.headers("GET /v1/train")] == ["token-1", "token-2"]


def test_no_endless_login(script: Any, scripted: Make) -> None:
    """A service that never takes its own token is an error of authentication, after one new login."""
    script.on("GET /v1/train", {"errorCode": 1003})
    with pytest.raises(AuthError):
        scripted().list()

    assert script.logins == 2


@pytest.mark.parametrize(
    "answer", [(401, b'{"errorCode": 1001, "errorMessage": "no"}'), {"errorCode": 1001, "errorMessage": "no"}, {}]
)
def test_refused_login(script: Any, scripted: Make, answer: Any) -> None:
    """Wrong credentials are an error of authentication that does not repeat the password."""
    script.on("POST /v1/auth-token", answer)
    with pytest.raises(AuthError) as caught:
        scripted().list()

    assert "geheim" not in str(caught.value)


def test_no_credentials(scripted: Make) -> None:
    """Without a user name nothing is asked, and the message says what to set."""
    with pytest.raises(AuthError, match="username and password are not set"):
        scripted(username="", password="").list()


def test_keys_are_kept_as_long_as_their_login(script: Any, scripted: Make) -> None:
    """Storage keys are asked for once; a new login brings new ones; an endpoint without a scheme gets one."""
    script.on("GET /v1/train", {"trainTasks": []}, {"errorCode": 1002}, {"trainTasks": []})
    script.on("GET /v1/account/auth-access", {"s3": {"ak": "AK", "sk": "SK", "url": "127.0.0.1:1", "region": "r"}})
    backend = scripted(s3_protocol="https")
    for _ in range(2):
        keys = scripted(s3_protocol="https")._account.keys()
        backend.list()

    assert (keys.endpoint, keys.region, keys.access_key) == ("https://127.0.0.1:1", "r", "AK")
    assert len(script.calls("GET /v1/account/auth-access")) == 1
    scripted()._account.keys()
    assert len(script.calls("GET /v1/account/auth-access")) == 2


def test_too_hasty(script: Any, scripted: Make, pauses: list[float]) -> None:
    """A page of HTML means that we asked too fast: the client waits longer each time and asks again."""
    script.on("GET /v1/train", HTML, HTML, HTML, {"trainTasks": []})

    assert scripted().list() == []
    assert pauses == sorted(pauses)
    assert pauses[0] >= 1


def test_far_too_hasty(script: Any, scripted: Make, pauses: list[float]) -> None:
    """A service that answers nothing but HTML is a fault in the end, and says what to do."""
    script.on("GET /v1/train", HTML)
    with pytest.raises(ServiceError, match="no JSON") as caught:
        scripted().list()

    assert "poll_seconds" in caught.value.hint
    assert len(pauses) == 3


def job(backend: ModelMakerBackend, bench: Benches, catalog: Any) -> Any:
    spec = JobSpec(name="mnist", image="registry/image:1", command=("run",), output_path="s3://b/out/")
    return backend.plan(spec, catalog)


@pytest.mark.parametrize("answer", [None, HTML, (500, b"")])
def test_lost_create(script: Any, scripted: Make, bench: Benches, catalog: Any, answer: Any) -> None:
    """A job whose answer was lost is found by its name, and never asked for a second time."""
    backend = scripted()
    plan = job(backend, bench, catalog)
    mine = status("STARTING", output=plan.requests[0].body["output"], version="V0001")
    script.on("POST /v1/train", answer)
    script.on("GET /v1/train", {"trainTasks": [{"id": 9, "name": "other"}, {"id": 1, "name": "mnist"}]})
    script.on("GET /v1/train/1", {"id": 1, "versions": [mine]})

    assert str(backend.submit(plan)) == "modelmaker://js01/1/2"
    assert len(script.calls("POST /v1/train")) == 1


def test_lost_create_that_never_arrived(script: Any, scripted: Make, bench: Benches, catalog: Any) -> None:
    """Where no job of that name is there, the fault stays a fault."""
    backend = scripted()
    script.on("POST /v1/train", None)
    script.on("GET /v1/train", {"trainTasks": []})
    with pytest.raises(ServiceError):
        backend.submit(job(backend, bench, catalog))


def test_lost_create_beside_a_stranger(script: Any, scripted: Make, bench: Benches, catalog: Any) -> None:
    """Somebody else's job of that name is a conflict, and not taken for ours."""
    backend = scripted()
    script.on("POST /v1/train", None)
    script.on("GET /v1/train", {"trainTasks": [{"id": 1, "name": "mnist"}]})
    script.on("GET /v1/train/1", {"versions": [status("FINISH", output="s3://b/theirs/", version="V0001")]})
    with pytest.raises(Conflict):
        backend.submit(job(backend, bench, catalog))


def watched(backend: ModelMakerBackend, bench: Benches) -> list[Any]:
    from anyfit.job import Job

    session = bench(backend).session
    return list(follow(Job(session, backend, REF, JobSpec(name="j")), timeout=60))


def test_token_ends_while_watching(script: Any, scripted: Make, bench: Benches) -> None:
    """Watching goes on over the end of a token, and misses no line."""
    script.on("GET /v1/train/version/2", status("TRAINING"), {"errorCode": 1003}, status("TRAINING"), status("FINISH"))
    script.on(
        "GET /v1/train/version/2/log",
        {"logs": [{"id": 0, "content": "one"}]},
        {"errorCode": 1003},
        {"logs": [{"id": 1, "content": "two"}]},
        {"logs": []},
    )
    events = watched(scripted(), bench)

    assert [event.text for event in events if hasattr(event, "text")] == ["one", "two"]
    assert [e.status for e in events if isinstance(e, JobState)] == [Status.RUNNING, Status.SUCCEEDED]
    assert script.logins == 3


def test_log_is_read_to_its_end(script: Any, scripted: Make, bench: Benches) -> None:
    """After the end the log is asked for until there is nothing, however small its pages are."""
    script.on("GET /v1/train/version/2", status("FINISH"))
    pages = [{"logs": [{"id": number, "content": str(number)}]} for number in range(5)]
    script.on("GET /v1/train/version/2/log", *pages, {"logs": []})
    events = watched(scripted(), bench)

    assert [event.text for event in events if hasattr(event, "text")] == list("01234")


def test_unknown_word_is_an_end(script: Any, scripted: Make, bench: Benches) -> None:
    """A status that no document names is shown as it is, and nobody waits for its change for ever."""
    script.on("GET /v1/train/version/2", status("PONDERING"))
    script.on("GET /v1/train/version/2/log", {})
    backend = scripted()
    (state,) = backend.describe([REF])

    assert (state.status, state.native) == (Status.UNKNOWN, "PONDERING")
    with pytest.raises(NotFinished, match="PONDERING"):
        watched(backend, bench)


def test_many_jobs_in_one_question(script: Any, scripted: Make) -> None:
    """Running jobs are described from one list; only those that have ended are looked at one by one."""
    tasks = [{"id": n, "name": f"j{n}", "versionId": 100 + n, "status": "TRAINING"} for n in range(50)]
    tasks[7]["status"] = "FINISH"
    script.on("GET /v1/train", {"trainTasks": tasks})
    script.on("GET /v1/train/version/107", {"id": 7, "versionId": 107, "status": "FINISH"})
    states = scripted().describe([JobRef("modelmaker", "js01", f"{n}/{100 + n}") for n in range(50)])

    assert [state.status for state in states].count(Status.RUNNING) == 49
    assert len([asked for asked in script.asked if asked.call.startswith("GET /v1/train")]) == 2


def test_nothing_secret_is_logged(
    script: Any, scripted: Make, requests_made: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the password nor a token nor a key is in the log or in the backend's own words."""
    script.on("GET /v1/train", {"trainTasks": []})
    backend = scripted()
    backend.list()
    keys = backend._account.keys()
    said = json.dumps(requests_made()) + repr(backend) + repr(vars(backend)) + repr(keys)

    assert requests_made()
    assert not [secret for secret in ("geheim", "token-1", "'SK'") if secret in said]


def test_store_of_the_bucket(script: Any, scripted: Make) -> None:
    """One store is opened for each bucket, with the platform's keys."""
    backend = scripted()
    first, second = (backend.store(Uri.parse(f"s3://b/{name}")) for name in "xy")

    assert first is second


def test_newest_jobs(script: Any, scripted: Make) -> None:
    """Of many jobs those alone are asked for that can have one of the newest versions."""
    newest = {1: 9, 2: 5, 3: 12, 4: 3}  # version by job: job 1 has a version that is newer than job 2
    entries = [{"id": id, "name": f"job-{id}", "versionId": version} for id, version in newest.items()]
    script.on("GET /v1/train", {"trainTasks": entries})
    for id, version in newest.items():
        older = [{"id": id, "versionId": 2, "version": "V0001"}] if id == 1 else []
        script.on(f"GET /v1/train/{id}", {"versions": [*older, {"id": id, "versionId": version, "version": "V0002"}]})
    backend = scripted()

    assert [each.ref.id for each in backend.list(2)] == ["3/12", "1/9"]
    assert [len(script.calls(f"GET /v1/train/{id}")) for id in newest] == [1, 0, 1, 0]
    assert [each.ref.id for each in backend.list()] == ["3/12", "1/9", "2/5", "4/3", "1/2"]


def test_newest_jobs_of_a_list_that_tells_little(script: Any, scripted: Make) -> None:
    """Where the list does not tell how new a job is, it is asked."""
    script.on("GET /v1/train", {"trainTasks": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]})
    for id in (1, 2):
        script.on(f"GET /v1/train/{id}", {"versions": [{"id": id, "versionId": 10 * id, "version": "V0001"}]})

    assert [each.ref.id for each in scripted().list(1)] == ["2/20"]
