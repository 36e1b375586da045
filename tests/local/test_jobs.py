"""Jobs from submit to their end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Cause, EndpointRef, JobRef, ModelRef, Named, Status
from anyfit.errors import Conflict, NotFound, ServiceError, SpecError, Unsupported
from anyfit.spec import Channel, JobSpec
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings

SAVES_A_MODEL = """
    import os, pathlib
    pathlib.Path(os.environ["ANYFIT_MODEL_DIR"], "weights.txt").write_text("42")
    pathlib.Path(os.environ["ANYFIT_OUTPUT_DIR"], "curve.csv").write_text("1,2")
    pathlib.Path(os.environ["ANYFIT_CHECKPOINT_DIR"], "last.txt").write_text("7")
    print("saved")
"""


def test_a_job_passes_through_its_states_and_succeeds(rig: Any) -> None:
    """A script that ends with 0 makes a job that succeeded, with all its times."""
    before = datetime.now(timezone.utc)
    ref, state = rig.run("print('hello')")

    assert ref == JobRef("local", "localhost", ref.id) and JobRef.parse(str(ref)) == ref
    assert state.status is Status.SUCCEEDED and state.exit_code == 0 and state.signal is None
    assert [step.status for step in state.history] == [
        Status.PENDING,
        Status.PREPARING,
        Status.RUNNING,
        Status.UPLOADING,
        Status.SUCCEEDED,
    ]
    assert before < state.created_at < state.started_at < state.ended_at
    assert rig.texts(ref) == ["hello"]


def test_submit_does_not_wait_for_the_script(rig: Any) -> None:
    """Submit answers while the script runs."""
    ref = rig.submit("import time; print('on', flush=True); time.sleep(60)")

    rig.wait_for_line(ref, "on")
    assert rig.state(ref).status is Status.RUNNING


def test_the_exit_code_is_kept(rig: Any) -> None:
    """The script's own exit code is the job's."""
    _, state = rig.run("raise SystemExit(3)")

    assert (state.status, state.exit_code, state.signal, state.cause) == (Status.FAILED, 3, None, Cause.NONE)
    assert "exit code 3" in state.reason


def test_the_signal_is_kept(rig: Any) -> None:
    """A script that dies by a signal makes a job that tells which."""
    _, state = rig.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")

    assert (state.status, state.exit_code, state.signal) == (Status.FAILED, None, 11)
    assert "SIGSEGV" in state.reason


def test_a_syntax_error_is_a_failed_job_with_its_traceback(rig: Any) -> None:
    """What Python says about the script is in the log."""
    ref, state = rig.run("def (:")

    assert state.status is Status.FAILED and state.exit_code == 1
    assert any("SyntaxError" in text for text in rig.texts(ref))


def test_hyperparameters_arguments_and_environment_arrive(rig: Any) -> None:
    """The script sees what the spec says."""
    ref, _ = rig.run(
        """
        import json, os, sys
        told = [json.loads(os.environ["SM_HPS"]), os.environ["COLOUR"], os.environ["ANYFIT_RANK"]]
        print(json.dumps([sys.argv[1:], *told]))
        """,
        hyperparameters={"epochs": 3, "deep": True},
        arguments=("--extra", "ä b"),
        environment={"COLOUR": "blue"},
    )

    argv, hps, colour, rank = json.loads(rig.texts(ref)[0])
    assert argv == ["--deep", "True", "--epochs", "3", "--extra", "ä b"]
    assert (hps, colour, rank) == ({"epochs": 3, "deep": True}, "blue", "0")


def test_folders_and_files_are_linked_as_channels(rig: Any, tmp_path: Path) -> None:
    """A channel is the user's folder itself; a file lies alone in its channel."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("A")
    ref, _ = rig.run(
        """
        import os
        train, test = os.environ["SM_CHANNEL_TRAIN"], os.environ["SM_CHANNEL_TEST"]
        print(os.listdir(train), os.listdir(test), open(test + "/a.txt").read())
        """,
        inputs={
            "train": Channel(uri=(tmp_path / "data").as_uri()),
            "test": Channel(uri=(tmp_path / "data" / "a.txt").as_uri()),
        },
    )

    assert rig.texts(ref) == ["['a.txt'] ['a.txt'] A"]


def test_results_stay_in_the_job_folder_without_an_output_path(rig: Any) -> None:
    """Model, archive, outputs, checkpoints and log are listed where they lie."""
    ref, _ = rig.run(SAVES_A_MODEL)

    found = {a.name: a for a in rig.backend.artifacts(ref)}
    assert {name: a.kind for name, a in found.items()} == {
        "model/weights.txt": "model",
        "model.tar.gz": "model",
        "output/curve.csv": "output",
        "checkpoints/last.txt": "checkpoint",
        "logs/node-0.log": "log",
    }
    assert found["model/weights.txt"].uri.endswith("/model/weights.txt") and found["model/weights.txt"].size == 2
    with tarfile.open(found["model.tar.gz"].uri.removeprefix("file://")) as tar:
        assert tar.getnames() == ["weights.txt"]


def test_results_are_published_to_the_output_path(rig: Any, tmp_path: Path) -> None:
    """With an output path the results lie below it, under the job's key."""
    ref, _ = rig.run(SAVES_A_MODEL, name="pub", output_path=(tmp_path / "out").as_uri())

    published = tmp_path / "out" / "pub"
    assert sorted(p.relative_to(published).as_posix() for p in published.rglob("*") if p.is_file()) == [
        "model.tar.gz",
        "model/weights.txt",
        "output/curve.csv",
    ]
    uris = [a.uri for a in rig.backend.artifacts(ref) if a.kind in ("model", "output")]
    assert len(uris) == 3 and all(uri.startswith(published.as_uri()) for uri in uris)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["pub"]


def test_an_earlier_result_of_the_same_name_is_kept(rig: Any, tmp_path: Path) -> None:
    """Publishing anew moves aside what lies there, and loses nothing."""
    old = tmp_path / "out" / "again"
    old.mkdir(parents=True)
    (old / "precious.txt").write_text("!")
    rig.run(SAVES_A_MODEL, name="again", output_path=str(tmp_path / "out"))

    assert (tmp_path / "out" / "again" / "model" / "weights.txt").exists()
    assert (tmp_path / "out" / "again.old-1" / "precious.txt").exists()


def test_equal_models_give_equal_archives(rig: Any) -> None:
    """The archive depends on the files alone."""
    archives = []
    for _ in range(2):
        ref, _ = rig.run(SAVES_A_MODEL)
        archives.append((rig.job_folder(ref) / "model.tar.gz").read_bytes())

    assert archives[0] == archives[1]


def test_a_failed_job_publishes_outputs_but_no_model(rig: Any, tmp_path: Path) -> None:
    """A model that may be half a model is not passed off as a whole one."""
    ref, state = rig.run(SAVES_A_MODEL + "    raise SystemExit(1)", output_path=str(tmp_path / "out"))

    assert state.status is Status.FAILED
    published = tmp_path / "out" / ref.id
    assert [p.name for p in published.rglob("*") if p.is_file()] == ["curve.csv"]
    assert (rig.job_folder(ref) / "model" / "weights.txt").exists()


def test_checkpoints_are_there_for_the_next_job(rig: Any, tmp_path: Path) -> None:
    """What one job saves as a checkpoint the next finds."""
    place = (tmp_path / "ckpt").as_uri()
    rig.run(SAVES_A_MODEL, checkpoint_path=place)
    ref, _ = rig.run(
        "import os; print(open(os.environ['ANYFIT_CHECKPOINT_DIR'] + '/last.txt').read())", checkpoint_path=place
    )

    assert rig.texts(ref) == ["7"]
    assert (tmp_path / "ckpt" / "last.txt").read_text() == "7"


def test_a_command_runs_without_code(rig: Any) -> None:
    """A command is a process like any other."""
    spec = JobSpec(name="cmd", command=("/bin/sh", "-c", "echo $ANYFIT_JOB_NAME"))
    ref = rig.backend.submit(rig.backend.plan(spec, rig.backend.catalog()))

    assert rig.wait(ref).status is Status.SUCCEEDED
    assert rig.texts(ref) == ["cmd"]


def test_the_spec_comes_back(rig: Any) -> None:
    """A client that never saw the job can rebuild what was asked for."""
    plan = rig.plan("pass", hyperparameters={"lr": 0.1}, tags={"team": "a"}, max_run=60)
    ref = rig.backend.submit(plan)

    assert LocalBackend(Settings(), rig.folder / "home").job_spec(ref) == plan.spec


def test_jobs_are_found_and_listed_newest_first(rig: Any) -> None:
    """By key, and all of them."""
    refs = [rig.run("pass", name=name)[0] for name in ("one", "two", "three")]

    assert rig.backend.find("two") == refs[1]
    assert rig.backend.find("four") is None and rig.backend.find("../one") is None
    assert rig.backend.list() == [Named(ref.id, ref) for ref in refs[::-1]]


def test_a_version_is_a_job_of_its_own(rig: Any) -> None:
    """The second version of a name lies beside the first."""
    rig.run("pass", name="v")
    ref, state = rig.run("pass", name="v", version=2)

    assert ref.id == "v.v2" and state.status is Status.SUCCEEDED


def test_a_taken_name_is_refused(rig: Any) -> None:
    """Whether the job still runs or has ended."""
    rig.run("pass", name="taken")

    with pytest.raises(Conflict, match="already a job 'taken'"):
        rig.submit("pass", name="taken")


def test_of_many_clients_with_one_name_exactly_one_wins(rig: Any) -> None:
    """The name is given to one job, whoever asks at the same time."""
    plan = rig.plan("print('once')", name="race")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _submitted(rig, plan), range(8)))

    assert sorted(answers) == ["conflict"] * 7 + ["local://localhost/race"]
    ref = JobRef.parse("local://localhost/race")
    assert rig.wait(ref).status is Status.SUCCEEDED
    assert rig.texts(ref) == ["once"]
    assert [p.name for p in (rig.backend.home.jobs).iterdir()] == ["race"]


def _submitted(rig: Any, plan: Any) -> str:
    try:
        return str(rig.backend.submit(plan))
    except Conflict:
        return "conflict"


def test_delete_stops_and_removes(rig: Any) -> None:
    """Also a running job; deleting again is no error."""
    ref = rig.submit("import time; print('on', flush=True); time.sleep(60)", name="gone")
    rig.wait_for_line(ref, "on")
    rig.backend.delete(ref)
    rig.backend.delete(ref)

    assert rig.backend.list() == []
    assert rig.state(ref).status is Status.UNKNOWN
    with pytest.raises(NotFound):
        rig.backend.logs(ref)


def test_nothing_to_see_of_a_job_that_does_not_exist(rig: Any) -> None:
    """UNKNOWN with a reason, and NotFound where there is nothing to answer."""
    ghost = JobRef("local", "localhost", "ghost")

    assert rig.state(ghost).reason
    for question in (rig.backend.artifacts, rig.backend.stop, rig.backend.job_spec, rig.backend.metrics):
        with pytest.raises(NotFound, match="ghost"):
            question(ghost)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"inputs": {"train": Channel(uri="file:///does/not/exist")}}, r"inputs\.train: /does/not/exist"),
        ({"inputs": {"a/b": Channel(uri="file:///tmp")}}, "inputs: 'a/b'"),
        ({"output_path": "/dev/null/out"}, "output_path: /dev/null/out cannot be made"),
        ({"checkpoint_path": "/dev/null/ck"}, "checkpoint_path: /dev/null/ck cannot be made"),
        ({"instance_count": 0}, "instance_count: 0"),
        ({"max_run": 0}, "max_run: 0"),
        ({"instance_type": "A100:8"}, "nobody here offers 'A100:8'"),
        ({"options": {"grace": 3}}, r"options\.local\.grace"),
        ({"options": {"python": "/no/such/python"}}, "/no/such/python"),
        ({"options": {"local": {"grace_seconds": 3}}}, r"options\.local\.local"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_left(rig: Any, fields: dict[str, Any], message: str) -> None:
    """The error names the field, and no job remains."""
    with pytest.raises(SpecError, match=message):
        rig.submit("pass", **fields)
    assert rig.backend.list() == []


def test_a_bundle_that_leads_out_of_its_folder_is_refused(rig: Any, tmp_path: Path) -> None:
    """Nothing is written outside of the job's folder, whoever made the bundle."""
    plan = rig.plan("pass")
    bundle = Path(plan.spec.code.archive)
    (tmp_path / "evil.txt").write_text("x")
    with tarfile.open(bundle, "w:gz") as tar:
        tar.add(tmp_path / "evil.txt", arcname="../../evil.txt")

    with pytest.raises(ServiceError, match="not safe"):
        rig.backend.submit(plan)
    assert rig.backend.list() == []


def test_other_systems_get_one_clear_error(tmp_path: Path) -> None:
    """Where there are no process groups there is no local backend."""
    with pytest.raises(Unsupported, match="not on win32"):
        LocalBackend(Settings(), tmp_path, system="win32")


def test_a_job_of_a_job_is_its_own(rig: Any) -> None:
    """A script that submits a job and ends does not take that job with it."""
    rig.run(
        """
        import sys
        from pathlib import Path
        from anyfit.spec import JobSpec
        from anyfit_local.backend import LocalBackend
        from anyfit_local.settings import Settings
        backend = LocalBackend(Settings(), Path(sys.argv[1]))
        inner = JobSpec(name="inner", command=("/bin/sh", "-c", "sleep 0.3; echo done"))
        backend.submit(backend.plan(inner, backend.catalog()))
        """,
        arguments=(str(rig.folder / "home"),),
    )
    ref = rig.backend.find("inner")

    assert rig.wait(ref).status is Status.SUCCEEDED
    assert rig.texts(ref) == ["done"]


def test_no_socket_is_opened_for_a_job(rig: Any) -> None:
    """A client whose sockets are forbidden submits, watches and collects."""
    plan = rig.plan("print('quiet')", name="quiet")
    program = """
import json, socket, sys, time
class Forbidden(socket.socket):
    def __init__(self, *a, **k): raise AssertionError("a socket was opened")
socket.socket = Forbidden
from pathlib import Path
from anyfit.backend import Plan
from anyfit.codec import loads
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings
backend = LocalBackend(Settings(), Path(sys.argv[1]))
ref = backend.submit(loads(Plan, sys.stdin.read()))
while not backend.describe([ref])[0].status.finished:
    time.sleep(0.005)
print([line.text for line in backend.logs(ref).lines], len(backend.artifacts(ref)))
"""
    from anyfit.codec import dumps

    done = subprocess.run(
        [sys.executable, "-c", program, str(rig.folder / "home")],
        input=dumps(plan),
        capture_output=True,
        text=True,
        env={**os.environ},
        check=False,
    )

    assert done.stdout == "['quiet'] 1\n", done.stderr


def test_references_to_another_region(rig: Any) -> None:
    """A reference into another region means nothing on this machine: it finds nothing and deletes nothing."""
    ref, _ = rig.run("print('hello')")
    elsewhere = JobRef("local", "other", ref.id)

    assert rig.backend.describe([elsewhere])[0].status == Status.UNKNOWN
    for ask in (rig.backend.delete, rig.backend.stop, rig.backend.logs, rig.backend.artifacts, rig.backend.job_spec):
        with pytest.raises(NotFound, match=r"is not on this machine, whose region is 'localhost'"):
            ask(elsewhere)
    for remove, other in (
        (rig.backend.delete_model, ModelRef("local", "other", "m/1")),
        (rig.backend.undeploy, EndpointRef("local", "other", "e")),
    ):
        with pytest.raises(NotFound):
            remove(other)
    assert rig.texts(ref) == ["hello"]
