"""Jobs on the emulator: what the contract suite does not know of this platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Cause, Status
from anyfit.errors import AuthError, Conflict, NotFound, SpecError
from anyfit.job import Job, find_job
from anyfit.outcome import phase_lines
from anyfit.spec import Channel, JobSpec
from anyfit.storage import Uri
from anyfit.testing import Bench
from anyfit_modelarts.backend import ModelArtsBackend
from lags import lags_of_lines

Make = Callable[..., ModelArtsBackend]
Benches = Callable[[Any], Bench]

HELLO = "import os; print('hello', os.environ['ANYFIT_JOB_NAME'], flush=True)"
OWN = """
import argparse, os
parser = argparse.ArgumentParser()
for name in ("data_url", "train_url", "lr"):
    parser.add_argument("--" + name)
found, _ = parser.parse_known_args()
print("lr", found.lr, os.environ.get("SEED"), flush=True)
import moxing as mox
mox.file.copy_parallel(found.data_url, "data")
with open("data/a.txt") as file:
    text = file.read()
os.makedirs("out/model", exist_ok=True)
with open("out/model/weights", "w") as file:
    file.write(text.upper())
mox.file.copy_parallel("out", found.train_url)
"""

both = pytest.mark.parametrize("api", ["v1", "v2"])


@pytest.fixture
def backend(connect: Make) -> ModelArtsBackend:
    """A client of the emulator."""
    return connect()


def put(backend: ModelArtsBackend, cloud: Mapping[str, str], key: str, text: str) -> str:
    """Put an object; answers its folder."""
    uri = Uri.parse(f"obs://{cloud['bucket']}/{key}")
    backend.store(uri).put(uri.key, text.encode())
    return str(uri.parent)


@both
def test_warm_fit(connect: Make, bench: Benches, requests_made: Callable[[], list[str]], api: str) -> None:
    """With a token and a catalog from before, starting a job takes one request beside its uploads."""
    cold = bench(connect(api=api))
    cold.start(cold.spec(HELLO))
    before = len(requests_made())
    warm = Bench(connect(api=api), cold.folder)
    job = warm.start(warm.spec(HELLO))
    made = requests_made()[before:]

    assert len(made) == 1, made
    assert made[0].startswith("POST ")
    warm.wait(job)
    warm.close()


@both
def test_phases_after_the_end(connect: Make, bench: Benches, api: str) -> None:
    """Who looks when all is over is told how long the job queued and trained."""
    run = bench(connect(api=api))

    assert [line.split()[0] for line in phase_lines(run.run(run.spec("pass")).state)] == ["queue", "train"]


@both
def test_lines_come_soon(connect: Make, bench: Benches, api: str) -> None:
    """A line is seen within two seconds of being written, with the usual pauses."""
    lags = lags_of_lines(bench(connect(api=api, poll_seconds=1.0)), 6)

    assert len(lags) == 6
    assert max(lags) < 2.0


@both
def test_own_code_without_the_launcher(connect: Make, bench: Benches, cloud: Mapping[str, str], api: str) -> None:
    """Code that lies in OBS runs as the platform itself runs it, with its arguments and its own `moxing`."""
    backend = connect(api=api)
    code = put(backend, cloud, f"own-{api}/code/train.py", OWN)
    data = put(backend, cloud, f"own-{api}/data/a.txt", "text")
    run = bench(backend)
    spec = JobSpec(
        name=run.name(),
        hyperparameters={"lr": 0.1},
        environment={"SEED": "7"},
        inputs={"training": Channel(uri=data)},
        output_path=f"obs://{cloud['bucket']}/own-{api}/out/",
        options={"code_dir": code, "boot_file": "train.py"},
    )
    job = run.run(spec)
    found = {artifact.name: artifact for artifact in job.artifacts()}

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert f"lr 0.1 {'7' if api == 'v2' else 'None'}" in run.lines(job)
    version = "V0001/" if api == "v1" else ""
    assert found["model/weights"].uri == f"obs://{cloud['bucket']}/own-{api}/out/{version}model/weights"
    rebuilt = backend.job_spec(job.ref)
    assert (rebuilt.name, rebuilt.entry_point, rebuilt.hyperparameters) == (spec.name, "train.py", {"lr": "0.1"})


@both
def test_script_in_an_image(connect: Make, bench: Benches, api: str) -> None:
    """A script runs in an image of one's own just as in a framework's, with its variables."""
    run = bench(connect(api=api))
    script = f"{HELLO}; print('seed', os.environ['SEED'])"
    spec = run.spec(script, image="swr.example.com/team/train:1", environment={"SEED": "7"})
    job = run.run(spec)

    assert {f"hello {spec.name}", "seed 7"} <= set(run.lines(job)), run.lines(job)
    assert job.state.status == Status.SUCCEEDED


@both
def test_own_command(connect: Make, bench: Benches, api: str) -> None:
    """An image with a command of its own runs it as it is."""
    run = bench(connect(api=api))
    spec = JobSpec(name=run.name(), image="swr.example.com/team/x:1", command=("bash", "-c", "echo seed $SEED"))
    job = run.run(evolve(spec, environment={"SEED": "7"}))

    assert "seed 7" in run.lines(job), run.lines(job)


@both
def test_old_images(connect: Make, bench: Benches, api: str) -> None:
    """An image that knows only the first generation's ways, in either: data and results go by way of OBS itself."""
    run = bench(connect(api=api))
    script = (
        "import os\n"
        "print(open(os.environ['ANYFIT_CHANNEL_TRAIN'] + '/deep/b.txt').read())\n"
        "open(os.environ['ANYFIT_MODEL_DIR'] + '/weights', 'w').write('w')\n"
    )
    inputs = {"train": run.channel({"a.txt": "first", "deep/b.txt": "second"})}
    job = run.run(run.spec(script, framework="xgboost", inputs=inputs))

    assert "second" in run.lines(job), run.lines(job)
    assert [artifact.name for artifact in job.artifacts() if artifact.kind == "model"] == ["model/weights"]


@both
def test_end_by_signal(connect: Make, bench: Benches, api: str) -> None:
    """How a script ended is known although the platform does not tell."""
    run = bench(connect(api=api))
    job = run.run(run.spec("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))

    assert (job.state.status, job.state.signal, job.state.exit_code) == (Status.FAILED, 9, None)


@both
def test_data_that_are_not_there(connect: Make, bench: Benches, cloud: Mapping[str, str], api: str) -> None:
    """Data that are not there are a fault before the script, and it says so."""
    run = bench(connect(api=api))
    missing = f"obs://{cloud['bucket']}/nothing/here/"
    job = run.start_unchecked(run.spec(HELLO, inputs={"train": Channel(uri=missing)}))
    run.wait(job)

    assert job.state.status == Status.FAILED
    report = job.report()
    assert (report.kind.value, report.signal) == (("input", "") if api == "v2" else ("missing-data", ""))
    assert "nothing/here" in report.cause
    assert "train" in report.cause
    if api == "v2":
        assert report.next_command == f"anyfit rerun {job.name} --set inputs.train=URI"


@both
@pytest.mark.parametrize("name", ["training", "val"])
def test_file_that_is_not_in_a_channel(connect: Make, bench: Benches, api: str, name: str) -> None:
    """The report knows the channel that a missing file should have been in, wherever the container has it."""
    run = bench(connect(api=api))
    script = f"import os; open(os.environ['ANYFIT_CHANNEL_{name.upper()}'] + '/nope.csv')"
    channel = run.channel({"a.csv": "1", "b.csv": "2"})
    report = run.run(run.spec(script, inputs={name: channel})).report()

    assert report.kind.value == "missing-data"
    assert f"nope.csv' is not in the input channel '{name}', which holds what lies at {channel.uri}" in report.cause


@both
@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("output_path", {"output_path": "obs://no-such-bucket/out/"}),
        ("inputs.training", {"inputs": {"training": Channel(uri="obs://no-such-bucket/data/")}}),
        ("options.modelarts.code_dir", {"options": {"code_dir": "obs://no-such-bucket/x/", "boot_file": "train.py"}}),
        ("options.modelarts.log_path", {"options": {"log_path": "obs://no-such-bucket/logs/"}}),
    ],
)
def test_places_that_are_refused(connect: Make, bench: Benches, api: str, field: str, given: dict[str, Any]) -> None:
    """A place that the platform refuses is told by the field that names it."""
    run = bench(connect(api=api))
    spec = run.spec(HELLO, **given) if "code_dir" not in field else JobSpec(name=run.name(), **given)
    with pytest.raises(SpecError, match=f"^{field}: .*no-such-bucket") as caught:
        run.start_unchecked(spec)

    assert field in caught.value.hint
    assert caught.value.status.startswith("ModelArts.")


@pytest.mark.parametrize("keys", [(), ("access_key", "secret_key")])
def test_wrong_project(connect: Make, cloud: Mapping[str, str], keys: tuple[str, ...]) -> None:
    """A project that is not the account's is told by its setting, whoever notices."""
    backend = connect(project_id="f" * 32, **{name: cloud[name] for name in keys})
    with pytest.raises(AuthError) as caught:
        backend.list()

    assert "modelarts.project_id" in caught.value.hint


@both
def test_machine_use(connect: Make, bench: Benches, api: str) -> None:
    """The use of the machine is measured by the platform."""
    run = bench(connect(api=api))
    job = run.run(run.spec("sum(range(10**6))"))
    names = {series.name for series in job.utilization()}

    assert names >= {"cpu", "memory"}


def test_both_generations_in_one(connect: Make, bench: Benches) -> None:
    """A job may choose its generation; one client finds, describes and lists the jobs of both."""
    backend = connect()
    run = bench(backend)
    jobs = [run.start(run.spec(HELLO, options={"api": api})) for api in ("v1", "v2")]
    run.wait(*jobs)
    old, new = (job.ref for job in jobs)

    assert "/" in old.id and "-" in new.id
    assert [state.status for state in backend.describe([new, old])] == [Status.SUCCEEDED] * 2
    assert [backend.find(job.spec.key) for job in jobs] == [old, new]
    assert [each.ref for each in backend.list()[:2]] in ([new, old], [old, new])
    assert {each.name for each in backend.list()} >= {job.spec.key for job in jobs}


@both
def test_delete_while_it_runs(connect: Make, bench: Benches, api: str) -> None:
    """Of a job that is deleted while it runs only its results stay, and nothing comes afterwards."""
    backend = connect(api=api)
    run = bench(backend)
    script = (
        "import os, time\n"
        "open(os.environ['ANYFIT_MODEL_DIR'] + '/weights', 'w').write('w')\n"
        "print('written', flush=True)\n"
        "time.sleep(60)\n"
    )
    job = run.start(run.spec(script))
    run.wait_for_line(job, "written")
    output = Uri.parse(backend.output_uri(job.ref))
    backend.delete(job.ref)
    home = Uri.parse(str(output).partition("output/")[0])

    assert [entry.key for entry in backend.store(home).list(home.key)] == [f"{output.key}model/weights"]


def test_versions_of_the_first_generation(connect: Make, bench: Benches) -> None:
    """A version is one of the same job, derives from the newest, and goes alone; the last one takes the job along."""
    backend = connect(api="v1")
    run = bench(backend)
    first = run.run(run.spec(HELLO))
    second = run.run(evolve(first.spec, version=2))
    raw = backend._jobs._finder.v1.get(second.ref.id).raw
    number = first.ref.id.partition("/")[0]

    assert second.ref.id.partition("/")[0] == number
    assert raw["pre_version_id"] == int(first.ref.id.partition("/")[2])
    assert raw["version_name"] == "V0002"
    assert f"hello {second.spec.key}" in run.lines(second)
    newest = find_job(run.session, f"modelarts://{first.ref.region}/{number}")
    assert newest.refresh() == second.state
    assert run.lines(newest) == run.lines(second)
    assert find_job(run.session, second.spec.key).ref == second.ref
    with pytest.raises(Conflict):
        backend.submit(run.plan(second.spec))
    backend.delete(second.ref)
    assert [each.name for each in backend.list() if each.name.startswith(first.spec.name)] == [first.spec.key]
    backend.delete(first.ref)
    assert backend.describe([first.ref])[0].gone
    with pytest.raises(NotFound, match="version of"):
        backend.submit(run.plan(evolve(first.spec, version=3)))


def test_version_of_the_second_generation(connect: Make, bench: Benches) -> None:
    """There a version is a job of its own whose key is still that of a version."""
    backend = connect()
    run = bench(backend)
    first = run.run(run.spec(HELLO))
    second = run.run(evolve(first.spec, version=2))

    assert backend._jobs._finder.v2.get(second.ref.id).name == f"{first.spec.name}-v2"
    assert {first.spec.key, second.spec.key} <= {each.name for each in backend.list()}


def test_names_that_look_like_versions(connect: Make, bench: Benches) -> None:
    """A job that is named as the platform names another's version is not taken for it."""
    backend = connect()
    run = bench(backend)
    name = run.name()
    job = run.run(run.spec(HELLO, name=f"{name}-v2"))

    assert backend.find(f"{name}-v2") == job.ref
    assert backend.find(f"{name}.v2") is None


def test_ran_too_long(connect: Make, bench: Benches) -> None:
    """A script that ends with the launcher's own number by itself has not run too long."""
    run = bench(connect())
    job = run.run(run.spec("raise SystemExit(77)"))

    assert (job.state.status, job.state.cause, job.state.exit_code) == (Status.FAILED, Cause.NONE, 77)


def test_results_come_while_it_runs(connect: Make, bench: Benches, tmp_path: Path) -> None:
    """A stopped job of the first generation has brought what it had, checkpoints among them."""
    backend = connect(api="v1")
    run = bench(backend)
    script = (
        "import os, time\n"
        "open(os.environ['ANYFIT_MODEL_DIR'] + '/half', 'w').write('half')\n"
        "print('begin', flush=True)\n"
        "while True: time.sleep(0.05)\n"
    )
    job: Job = run.start(run.spec(script))
    run.wait_for_line(job, "begin")
    job.stop()
    run.wait(job)

    assert job.state.status == Status.STOPPED
    assert "model/half" in {artifact.name for artifact in job.artifacts()}


@both
def test_nodes_find_each_other(connect: Make, bench: Benches, api: str) -> None:
    """Scripts on several nodes meet at the address that the platform tells, and TensorFlow's variable says the same."""
    run = bench(connect(api=api))
    script = (
        "import json, os, socket\n"
        "place = (os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT']))\n"
        "if os.environ['RANK'] == '0':\n"
        "    with socket.create_server(place) as server:\n"
        "        print('met', server.accept()[0].recv(9).decode())\n"
        "else:\n"
        "    import time\n"
        "    for _ in range(1000):\n"
        "        try:\n"
        "            with socket.create_connection(place, 5) as peer:\n"
        "                peer.sendall(b'rank ' + os.environ['RANK'].encode())\n"
        "            break\n"
        "        except OSError:\n"
        "            time.sleep(0.05)\n"
        "task = json.loads(os.environ['TF_CONFIG'])['task']\n"
        "print('task', task['type'], task['index'], 'of', os.environ['WORLD_SIZE'])\n"
    )
    machine = "modelarts.vm.gpu.v100" if api == "v1" else "modelarts.vm.cpu.8u"
    job = run.run(run.spec(script, framework="pytorch", instance_type=machine, instance_count=2))

    assert "met rank 1" in run.lines(job, 0), run.lines(job)
    assert [[line for line in run.lines(job, node) if line.startswith("task")] for node in range(2)] == [
        ["task worker 0 of 2"],
        ["task worker 1 of 2"],
    ]
