"""Jobs that really run: the three types, how they end, versions, stopping, deleting."""

from __future__ import annotations

import json
import shlex
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit_emulator.running.courses import Course
from processes import is_alive

TELL = """
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}))
"""
FOREVER = """
import time
print("here", flush=True)
time.sleep(60)
"""


def told(rig: Any, version: dict[str, Any]) -> dict[str, Any]:
    """What a `TELL` script told."""
    found: dict[str, Any] = json.loads(rig.log(version["versionId"])[-1])
    return found


def test_a_script_runs_by_the_containers_convention(rig: Any) -> None:
    """Code, data, outputs, arguments and working directory are where the reference has them."""
    script = """
        import os, sys
        from pathlib import Path
        here = Path(__file__).resolve().parent
        assert here == Path.cwd() and here.name == "src", here
        assert (here / "../input/data/data.txt").read_text() == "1 2 3"
        assert (here / "lib/helper.py").exists()
        assert (here / "../config/resource.json").exists()
        out = here / "../output/sub"
        out.mkdir(parents=True)
        (out / "extra.json").write_text("{}")
        (out.parent / "model.txt").write_text(" ".join(sys.argv[1:]))
        print("done")
    """
    body = rig.job(textwrap.dedent(script), parameters=[{"name": "lr", "value": "0.1"}, {"name": "n", "value": 3}])
    rig.put_files(f"{body['name']}/code", lib___helper__py="x = 1")
    version = rig.run(body)

    assert version["status"] == "FINISH", rig.log(version["versionId"])
    assert rig.log(version["versionId"]) == ["done"]
    assert rig.objects(f"{body['name']}/out") == {"model.txt": b"--lr=0.1 --n=3", "sub/extra.json": b"{}"}


def test_the_environment_tells_places_and_ids(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of the sandbox are there, the emulator's secrets are not."""
    monkeypatch.setenv("MY_SECRET_KEY", "s")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "s")
    monkeypatch.setenv("HARMLESS", "h")
    version = rig.run(rig.job(TELL))
    environment = told(rig, version)["env"]

    assert environment["MM_SRC_DIR"] == told(rig, version)["cwd"]
    assert environment["MM_JOB_ID"] == str(version["id"])
    assert environment["MM_VERSION_ID"] == str(version["versionId"])
    assert (environment["MM_INSTANCE_INDEX"], environment["MM_INSTANCE_COUNT"]) == ("0", "1")
    assert environment["HARMLESS"] == "h"
    assert not {"MY_SECRET_KEY", "AWS_ACCESS_KEY_ID"} & set(environment)


def test_an_image_is_a_process_with_its_command(rig: Any) -> None:
    """Command and arguments are split as a shell would, the container's paths lead into the sandbox, envs are set."""
    code = rig.put_files("image/code", run__sh='echo "$1" "$WHERE"; cp "$0" "$WHERE/"')
    body = rig.custom("/bin/sh", "/opt/ai/src/run.sh 'two words'", codeUrl=code)
    body["envs"] = [{"name": "WHERE", "value": "/opt/ai/output"}]
    version = rig.run(body)

    assert version["status"] == "FINISH", rig.log(version["versionId"])
    assert rig.log(version["versionId"])[0].startswith("two words /")
    assert list(rig.objects(f"{body['name']}/out")) == ["run.sh"]
    assert version["args"] == body["args"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dataUrl": "s3://no-such-bucket/x/"}, "no-such-bucket"),
        ({"dataUrl": "s3://{bucket}/nothing/here/"}, "nothing/here"),
        ({"codeUrl": "s3://{bucket}/nothing/there"}, "nothing/there"),
        ({"output": "s3://no-such-bucket/out/"}, "no-such-bucket"),
        ({"startup": "other.py"}, "other.py"),
        ({"startup": "../../../../../../etc/passwd"}, "passwd"),
        ({"inputFiles": [{"name": "a", "path": "/etc/passwd"}]}, "/etc/passwd"),
        ({"inputFiles": [{"name": "../../../a", "path": "s3://{bucket}/job"}]}, "outside"),
        ({"codeUrl": None, "gitInfo": {"branch": "main"}}, "gitInfo"),
    ],
)
def test_what_cannot_start_says_why(rig: Any, change: dict[str, Any], reason: str) -> None:
    """STARTING_FAIL with the reason as message and in the log."""
    filled = json.loads(json.dumps(change).replace("{bucket}", rig.bucket))
    version = rig.run(rig.job("print(1)") | filled)

    assert version["status"] == "STARTING_FAIL"
    assert reason in version["message"]
    assert version["message"] in rig.log(version["versionId"])[-1]
    assert "startTime" not in version


@pytest.mark.parametrize(
    ("command", "args", "reason"),
    [
        (None, None, "command"),
        ("", "", "command"),
        ("no-such-program", None, "no-such-program"),
        ("sh 'x", None, "quot"),
    ],
)
def test_an_image_needs_a_command_that_can_run(rig: Any, command: str | None, args: str | None, reason: str) -> None:
    """Images are not pulled, so there is no entry point to fall back on."""
    version = rig.run(rig.custom(command, args))

    assert version["status"] == "STARTING_FAIL"
    assert reason in version["message"]


def test_data_comes_as_object_prefix_or_list(rig: Any) -> None:
    """A prefix gives its contents with or without a slash, an object gives a file, markers are no files."""
    rig.put_files("forms/one", a__txt="a", sub___b__txt="b")
    rig.s3.put_object(Bucket=rig.bucket, Key="forms/one/", Body=b"")
    rig.s3.put_object(Bucket=rig.bucket, Key="forms/one/empty/", Body=b"")
    rig.put_files("forms/two", c__txt="c")
    listing = "import os; print(sorted(f for _, _, names in os.walk('../input') for f in names))"
    uri = f"s3://{rig.bucket}/forms"
    files = [{"name": "extra", "path": f"{uri}/two/c.txt"}]

    for data, found in (
        (f"{uri}/one", ["a.txt", "b.txt"]),
        (f"{uri}/one/", ["a.txt", "b.txt"]),
        (f"{uri}/two/c.txt", ["c.txt"]),
        ([f"{uri}/one/", f"{uri}/two/c.txt"], ["a.txt", "b.txt", "c.txt"]),
    ):
        version = rig.run(rig.job(listing, dataUrl=data))
        assert rig.log(version["versionId"]) == [str(found)]
    version = rig.run(rig.job(listing, dataUrl=f"{uri}/one", inputFiles=files))
    assert rig.log(version["versionId"]) == [str(["a.txt", "b.txt", "c.txt"])]


def test_outputs_are_there_before_the_final_status(rig: Any) -> None:
    """Also those of a job that failed; and no markers are among them."""
    script = "open('../output/checkpoint','w').write('half'); import sys; sys.exit(3)"
    body = rig.job(script, output=f"s3://{rig.bucket}/failing/out")
    version = rig.run(body)
    output = rig.get(f"/v1/train/version/{version['versionId']}/output")

    assert (version["status"], version["message"]) == ("TRAINING_FAIL", "the program ended with code 3")
    assert output["output"] == f"s3://{rig.bucket}/failing/out/"
    assert [(file["name"], file["path"], file["type"], file["size"]) for file in output["outputs"]] == [
        ("checkpoint", f"s3://{rig.bucket}/failing/out/checkpoint", "FILE", 4)
    ]


def test_a_signal_is_a_failure(rig: Any) -> None:
    """And the message names it."""
    version = rig.run(rig.custom("/bin/sh", "-c 'kill -9 $$'"))

    assert (version["status"], version["message"]) == ("TRAINING_FAIL", "the program was killed by signal 9")


def test_several_instances_share_their_work(rig: Any) -> None:
    """Each knows all addresses and its own number, lines carry the number, outputs come together."""
    script = """
import json, os
with open(os.environ["MM_CONFIG_DIR"] + "/resource.json") as stream:
    resource = json.load(stream)
index = int(os.environ["MM_INSTANCE_INDEX"])
assert resource["current"] == index
assert [host["index"] for host in resource["hosts"]] == [0, 1, 2]
assert len({host["port"] for host in resource["hosts"]}) == 3
open(os.environ["MM_OUTPUT_DIR"] + f"/part-{index}", "w").close()
print("instance", index)
"""
    body = rig.job(script, instance=3, startupType="HOROVOD")
    version = rig.run(body)

    assert version["status"] == "FINISH", rig.log(version["versionId"])
    assert sorted(rig.log(version["versionId"])) == ["[0] instance 0", "[1] instance 1", "[2] instance 2"]
    assert sorted(rig.objects(f"{body['name']}/out")) == ["part-0", "part-1", "part-2"]


def test_one_failing_instance_ends_the_others(rig: Any) -> None:
    """The job fails at once, though others would go on for long."""
    script = "import os, sys, time; time.sleep(60) if os.environ['MM_INSTANCE_INDEX'] == '0' else sys.exit(5)"
    version = rig.run(rig.job(script, instance=2))

    assert version["status"] == "TRAINING_FAIL"
    assert version["duration"] < 10


def test_states_follow_one_another(
    make_rig: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A client that looks often sees every state: it rests in each, which here lasts until the client has looked."""
    seen: list[str] = []
    rests: list[float] = []
    looked = threading.Semaphore(0)

    def rest(_: Course, seconds: float) -> None:
        rests.append(seconds)
        assert looked.acquire(timeout=30)

    monkeypatch.setattr(Course, "rest", rest)
    rig = make_rig(pause=0.6)
    waits = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    answer = rig.post("/v1/train", rig.custom("/bin/sh", shlex.join(["-c", waits])))

    def look() -> dict[str, Any]:
        version: dict[str, Any] = rig.get(f"/v1/train/version/{answer['versionId']}")
        if version["status"] not in seen[-1:]:
            seen.append(version["status"])
            looked.release()
        if version["status"] == "TRAINING":
            (tmp_path / "go").touch()
        return version

    rig.rested(look, ("STARTING", "DOWNLOAD_DATA", "TRAINING"))
    assert seen == ["STARTING", "DOWNLOAD_DATA", "TRAINING", "FINISH"]
    assert rests == [0.6, 0.6]


def test_stop_ends_the_whole_family(rig: Any) -> None:
    """Children that left the process group go too; what was written is saved; a second stop changes nothing."""
    script = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
open("../output/pid", "w").write(str(child.pid))
print("here", flush=True)
time.sleep(60)
"""
    body = rig.job(script)
    answer = rig.post("/v1/train", body)
    rig.training(answer["versionId"])
    assert rig.get(f"/v1/train/version/{answer['versionId']}")["status"] == "TRAINING"

    assert rig.post(f"/v1/train/{answer['versionId']}/stop") == answer
    version = rig.ended(answer["versionId"])
    pid = int(rig.objects(f"{body['name']}/out")["pid"])
    assert version["status"] == "STOPPED"
    assert not is_alive(pid)
    assert rig.post(f"/v1/train/{answer['versionId']}/stop") == answer
    assert rig.get(f"/v1/train/version/{answer['versionId']}") == version


def test_a_script_may_say_goodbye(rig: Any) -> None:
    """It gets SIGTERM and time to save; its own exit code does not make a stop a success."""
    script = """
import signal, sys, time
def bye(*_):
    print("bye")
    open("../output/last", "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, bye)
print("here")
time.sleep(60)
"""
    body = rig.job(script)
    answer = rig.post("/v1/train", body)
    rig.training(answer["versionId"])
    rig.post(f"/v1/train/{answer['id']}/stop")  # by the job's id, which means its newest version
    version = rig.ended(answer["versionId"])

    assert version["status"] == "STOPPED"
    assert rig.log(answer["versionId"]) == ["here", "bye"]
    assert list(rig.objects(f"{body['name']}/out")) == ["last"]


def test_stopping_before_the_start(make_rig: Callable[..., Any]) -> None:
    """A job can be stopped while it is being set up; nothing of it ever runs."""
    rig = make_rig(pause=30)
    answer = rig.post("/v1/train", rig.custom("true"))
    rig.post(f"/v1/train/{answer['versionId']}/stop")
    version = rig.ended(answer["versionId"])

    assert version["status"] == "STOPPED"
    assert "startTime" not in version


def test_time_runs_out(rig: Any) -> None:
    """After maxRuntime the job is stopped, and the log says why."""
    version = rig.run(rig.job(FOREVER, maxRuntime=1))

    assert version["status"] == "STOPPED"
    assert 1 <= version["duration"] < 10
    assert "maxRuntime" in rig.log(version["versionId"])[-1]


def test_a_name_is_unique_and_gets_versions(rig: Any) -> None:
    """A second job of the name is refused; a version of it answers both ids; labels count on."""
    body = rig.custom("true")
    first = rig.post("/v1/train", body)
    refused = rig.post("/v1/train", body)
    second = rig.post(f"/v1/train/{first['id']}/version", body)
    third = rig.post(f"/v1/train/{first['id']}/version/", body)

    assert refused["errorCode"] == 102009
    assert second["id"] == first["id"]
    assert first["id"] < first["versionId"] < second["versionId"] < third["versionId"]
    assert rig.ended(third["versionId"])["version"] == "V0003"
    detail = rig.get(f"/v1/train/{first['id']}")
    assert [version["version"] for version in detail["versions"]] == ["V0001", "V0002", "V0003"]
    summary = next(task for task in rig.get("/v1/train")["trainTasks"] if task["id"] == first["id"])
    assert (summary["name"], summary["versionId"], summary["type"]) == (body["name"], third["versionId"], "CUSTOM")


def test_deleted_things_are_gone(rig: Any) -> None:
    """Versions one by one, the job with the rest; outputs stay; the name is free again; labels are not used again."""
    body = rig.custom("/bin/sh", "-c 'echo x > ../output/x'")
    first = rig.run(body)
    job = first["id"]
    assert rig.call("DELETE", f"/v1/train/version/{first['versionId']}", {}) == {}
    assert rig.get(f"/v1/train/version/{first['versionId']}")["errorCode"] == 102004
    assert rig.get(f"/v1/train/{job}")["versions"] == []
    assert job in [task["id"] for task in rig.get("/v1/train")["trainTasks"]]
    second = rig.ended(rig.post(f"/v1/train/{job}/version", body)["versionId"])
    assert second["version"] == "V0002"
    assert rig.call("DELETE", f"/v1/train/{job}", {}) == {}
    assert rig.get(f"/v1/train/{job}")["errorCode"] == 102004
    assert rig.get(f"/v1/train/version/{second['versionId']}")["errorCode"] == 102004
    assert list(rig.objects(f"{body['name']}/out")) == ["x"]
    assert rig.post("/v1/train", body)["id"] > second["versionId"]


def test_deleting_a_running_job_ends_it(make_rig: Callable[..., Any]) -> None:
    """Its processes go, and so does its folder."""
    rig = make_rig()
    answer = rig.post("/v1/train", rig.job(FOREVER))
    rig.training(answer["versionId"])
    folder = rig.room.storage.store.system / "modelmaker" / "train" / str(answer["versionId"])
    assert folder.exists()
    rig.call("DELETE", f"/v1/train/{answer['id']}", {})

    assert rig.get(f"/v1/train/version/{answer['versionId']}")["errorCode"] == 102004
    rig.until(lambda: not folder.exists(), bool)


def test_requirements_are_told_of(rig: Any) -> None:
    """They are not installed, and one line says so."""
    body = rig.job("print(1)")
    rig.put_files(f"{body['name']}/code", requirements__txt="torch")
    version = rig.run(body)

    assert "requirements.txt" in rig.log(version["versionId"])[0]
    assert rig.log(version["versionId"])[1:] == ["1"]


def test_an_output_that_cannot_be_saved_is_a_failure(rig: Any) -> None:
    """Success means that the results are there."""
    rig.s3.create_bucket(Bucket="short-lived")
    script = """
import os, time
print("here", flush=True)
while not os.path.exists("../output/go"):
    time.sleep(0.01)
"""
    answer = rig.post("/v1/train", rig.job(script, output="s3://short-lived/out/"))
    rig.training(answer["versionId"])
    rig.s3.delete_bucket(Bucket="short-lived")
    (rig.sandbox(answer["versionId"]) / "output" / "go").touch()
    version = rig.ended(answer["versionId"])

    assert version["status"] == "TRAINING_FAIL"
    assert "could not be saved" in version["message"]
