"""Jobs of 2019 on the emulator: what the contract suite does not know of this generation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Cause, JobRef, Status
from anyfit.errors import Conflict, Unsupported
from anyfit.job import find_job
from anyfit.spec import Channel, JobSpec
from anyfit.storage import Uri
from anyfit.testing import Bench
from anyfit_ti.backend import TiBackend
from anyfit_ti.bundle import packed
from lags import lags_of_lines

Make = Callable[..., TiBackend]
Benches = Callable[[Any], Bench]

HELLO = "import os; print('hello', os.environ['ANYFIT_JOB_NAME'], flush=True)"
LEAVE = """
import os
for name in ("MODEL", "OUTPUT", "CHECKPOINT"):
    with open(os.environ["ANYFIT_%s_DIR" % name] + "/file", "w") as file:
        file.write(name)
"""


@pytest.fixture
def backend(connect: Make) -> TiBackend:
    """A client of the emulator."""
    return connect(api="2019")


def put(backend: TiBackend, cloud: Mapping[str, str], key: str, content: bytes) -> str:
    uri = Uri.parse(f"cos://{cloud['bucket']}/{key}")
    backend.store(uri).put(uri.key, content)
    return str(uri)


def test_warm_fit(connect: Make, bench: Benches, requests_made: Callable[[], list[str]]) -> None:
    """Starting a job takes one request beside its uploads, the first one too: there is no catalog to ask for."""
    run = bench(connect(api="2019"))
    job = run.start(run.spec(HELLO))
    made = requests_made()

    assert len(made) == 1, made
    assert made[0].startswith("POST ")
    run.wait(job)


def test_generation_by_option(connect: Make, bench: Benches) -> None:
    """A job may choose its generation, whatever the settings say; both clients find it under one reference."""
    run = bench(connect())
    spec = run.spec(HELLO, options={"api": "2019"})
    job = run.run(spec)

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert str(job.ref) == f"ti://ap-guangzhou/2019/{spec.name}"
    assert connect(api="2019").find(spec.name) == connect().find(spec.name) == job.ref


def test_history(backend: TiBackend, bench: Benches) -> None:
    """The platform's steps are the history of the job."""
    run = bench(backend)
    job = run.run(run.spec(HELLO))
    words = [step.status for step in job.state.history]

    assert words == [Status.PENDING, Status.PREPARING, Status.RUNNING, Status.UPLOADING, Status.SUCCEEDED]


def test_archives(backend: TiBackend, bench: Benches) -> None:
    """The platform's own archives lie beside the plain files."""
    run = bench(backend)
    job = run.run(run.spec(LEAVE))
    left = {artifact.name: artifact for artifact in job.artifacts()}

    assert {name: artifact.kind for name, artifact in left.items()} == {
        "model.tar.gz": "model",
        "output.tar.gz": "output",
        "model/file": "model",
        "output/file": "output",
        "checkpoints/file": "checkpoint",
    }
    assert left["model.tar.gz"].uri.endswith(f"/{job.name}/output/model.tar.gz")


def test_checkpoints_show_while_running(backend: TiBackend, bench: Benches) -> None:
    """Checkpoints of a running job can be seen where outputs come to."""
    run = bench(backend)
    script = (
        "import os, time\n"
        "open(os.environ['ANYFIT_CHECKPOINT_DIR'] + '/one', 'w').close()\n"
        "print('written', flush=True)\n"
        "time.sleep(600)\n"
    )
    job = run.start(run.spec(script))
    run.wait_for_line(job, "written")
    place = Uri.parse(backend.output_uri(job.ref))
    deadline = time.monotonic() + 60
    while not any(entry.key.endswith("checkpoints/one") for entry in backend.store(place).list(place.key)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    job.stop()
    run.wait(job)


def test_own_image(backend: TiBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """A job without anyfit's launcher is as the platform makes it: its own image, program and hyperparameters."""
    data = put(backend, cloud, "own/data/a.txt", b"content")
    run = bench(backend)
    spec = JobSpec(
        name=run.name(),
        image="ccr.ccs.tencentyun.com/ti_containers/tensorflow:1.14.0-py3",
        hyperparameters={"ti_program": "run.sh"},
        inputs={"train": Channel(uri=data.removesuffix("a.txt"))},
        options={},
    )
    code = packed({"run.sh": b'cat "$TM_CHANNEL_TRAIN/a.txt"; echo; echo x > "$TM_MODEL_DIR/m"\n'})
    where = put(backend, cloud, "own/source.tar.gz", code)
    spec = evolve(spec, hyperparameters={**spec.hyperparameters, "ti_submit_directory": where})
    job = run.run(spec)

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert "content" in run.lines(job)
    assert [artifact.name for artifact in job.artifacts()] == ["model.tar.gz"]


def test_mpi(backend: TiBackend, bench: Benches) -> None:
    """The platform starts the processes of MPI, and each is told its rank."""
    run = bench(backend)
    script = (
        "import os\n"
        "told = [os.environ[name] for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'NODE_RANK')]\n"
        "told.append(str(os.path.isdir(os.environ['ANYFIT_CHANNEL_TRAIN'])))\n"
        "os.write(1, ('rank ' + ' '.join(told) + '\\n').encode())\n"  # at once: all ranks write to one pipe
    )
    spec = run.spec(
        script,
        framework="pytorch",
        instance_count=2,
        instance_type="TI.MEDIUM4.2core4g",
        distribution="mpi",
        inputs={"train": run.channel({"a": "1", "b": "2"})},
        options={"processes_per_host": 2},
    )
    job = run.run(spec)
    told = sorted(line for line in run.lines(job) if line.startswith("rank "))

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert told == [f"rank {n} 4 {n % 2} {n // 2} True" for n in range(4)]


def test_mpi_by_the_launcher(backend: TiBackend, bench: Benches) -> None:
    """Where the platform knows no MPI for the image, the launcher starts it, and each node has its process."""
    run = bench(backend)
    script = (
        "import os\n"
        "names = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'NODE_RANK', 'ANYFIT_CURRENT_HOST')\n"
        "there = os.path.isfile(os.environ['SM_INPUT_DIR'] + '/data/train/a')\n"
        "os.write(1, ('rank %s %s\\n' % (' '.join(os.environ[name] for name in names), there)).encode())\n"
    )
    inputs = {"train": run.channel({"a": "1"})}
    job = run.run(run.spec(script, instance_count=2, distribution="mpi", inputs=inputs))
    told = sorted(line.split() for line in run.lines(job) if line.startswith("rank "))

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert [words[1:5] + words[6:] for words in told] == [["0", "2", "0", "0", "True"], ["1", "2", "0", "1", "True"]]
    assert told[0][5] != told[1][5]


def test_parameter_servers(backend: TiBackend, bench: Benches) -> None:
    """The platform starts the server, and each node's script has the platform's cluster."""
    run = bench(backend)
    script = "import os; print('cluster', os.environ['TF_CONFIG'], flush=True)"
    job = run.run(run.spec(script, framework="tensorflow", instance_count=2, distribution="parameter-server"))
    told = [json.loads(line.partition(" ")[2]) for line in run.lines(job) if line.startswith("cluster ")]

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert {each["task"]["type"] for each in told} == {"master", "worker"}
    assert {tuple(each["cluster"]) for each in told} == {("master", "ps", "worker")}


def test_lines_come_soon(connect: Make, bench: Benches) -> None:
    """A line is seen within two seconds of being written, with the pauses that the real service wants."""
    lags = lags_of_lines(bench(connect(api="2019", poll_seconds=1.0)), 6)

    assert len(lags) == 6
    assert max(lags) < 2.0


def test_use_of_machines(backend: TiBackend, bench: Benches) -> None:
    """The monitor's curves come under our names, each with its unit."""
    run = bench(backend)
    job = run.start(run.spec("import time\nprint('begin', flush=True)\ntime.sleep(600)"))
    run.wait_for_line(job, "begin")
    deadline = time.monotonic() + 60
    while not (series := job.utilization()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    job.stop()
    run.wait(job)

    assert {"cpu", "memory"} <= {each.name for each in series}
    assert all(each.unit and each.points for each in series)


def test_use_under_either_setting(connect: Make, bench: Benches) -> None:
    """Whatever the settings say, a job of 2019 tells what it used, and one of 2021 why it cannot."""
    run, old = bench(connect()), bench(connect(api="2019"))
    spec = run.spec("import time\nprint('begin', flush=True)\ntime.sleep(600)", options={"api": "2019"})
    job, new = run.start(spec), run.start(run.spec(HELLO))
    run.wait_for_line(job, "begin")
    deadline = time.monotonic() + 60
    while not job.utilization():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    job.stop()
    run.wait(job, new)

    assert old.backend.utilization(job.ref)
    for backend in (run.backend, old.backend):
        with pytest.raises(Unsupported, match="ti has no utilization: "):
            backend.utilization(new.ref)


def test_end_by_signal(backend: TiBackend, bench: Benches) -> None:
    """How a script ended is known although the platform does not tell."""
    run = bench(backend)
    job = run.run(run.spec("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))

    assert (job.state.status, job.state.signal, job.state.exit_code) == (Status.FAILED, 9, None)


def test_cannot_start(backend: TiBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """Data that are not there are the platform's fault before the script, and it says so."""
    run = bench(backend)
    spec = run.spec(HELLO, inputs={"train": Channel(uri=f"cos://{cloud['bucket']}/nothing/here/")})
    job = run.start_unchecked(spec)
    run.wait(job)

    assert (job.state.status, job.state.cause, job.state.native) == (Status.FAILED, Cause.INPUT, "Failed")
    assert job.state.reason


def test_no_log_wanted(backend: TiBackend, bench: Benches) -> None:
    """A job whose log is not kept has none."""
    run = bench(backend)

    assert run.lines(run.run(run.spec(HELLO, options={"cls_log": False}))) == []


def test_deleting(backend: TiBackend, bench: Benches) -> None:
    """A job is hidden when it is deleted, with the code that anyfit had put there; its name stays taken."""
    run = bench(backend)
    spec = run.spec(LEAVE)
    job = run.run(spec)
    artifact = Uri.parse(next(a.uri for a in job.artifacts() if a.name == "model/file"))
    root = Uri.parse(backend.output_uri(job.ref)).parent
    code = [entry.key for entry in backend.store(root).list(root.key) if "/output/" not in entry.key]
    backend.delete(job.ref)

    assert len(code) == 2
    assert [entry.key for entry in backend.store(root).list(root.key) if "/output/" not in entry.key] == []
    assert backend.store(artifact).read(artifact.key) == b"MODEL"
    run.session.journal.forget(job.ref, backend.place)
    with pytest.raises(Conflict):
        run.start(spec)


@pytest.mark.parametrize("api", ["2019", "2021"])
def test_running_jobs_are_stopped_and_deleted(connect: Make, bench: Benches, api: str) -> None:
    """A job that runs is stopped when it is deleted, whatever its generation."""
    backend = connect(api=api)
    run = bench(backend)
    spec = run.spec("import time; print('on', flush=True); time.sleep(600)")
    job = run.start(spec)
    run.wait_for_line(job, "on")
    backend.delete(job.ref)

    assert backend.find(spec.name) is None
    assert backend.describe([job.ref])[0].gone


def test_job_of_another_tool(backend: TiBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """A job that the vendor's SDK made can be found, attached to, read and hidden."""
    code = put(backend, cloud, "foreign/source.tar.gz", packed({"train.py": b"import sys; print(sys.argv[1:])"}))
    run = bench(backend)
    name = run.name()
    reserved = {"ti_program": "train.py", "ti_submit_directory": code, "ti_enable_cls_log": True}
    body = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImageName": "ccr.ccs.tencentyun.com/ti_containers/pytorch:1.1.0-py3"},
        "OutputDataConfig": {"CosOutputBucket": cloud["bucket"], "CosOutputKeyPrefix": "foreign/out/"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "TI.SMALL2.1core2g"},
        "InputDataConfig": [],
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
        "HyperParameters": json.dumps({k: json.dumps(v) for k, v in {"lr": 0.1, **reserved}.items()}),
    }
    backend._client.create_job(body)
    job = find_job(run.session, name)
    run.wait(job)

    assert job.ref == JobRef("ti", "ap-guangzhou", f"2019/{name}")
    assert (job.spec.entry_point, job.spec.hyperparameters) == ("train.py", {"lr": 0.1})
    assert (job.spec.max_run, job.spec.output_path) == (3600, f"cos://{cloud['bucket']}/foreign/out/")
    assert "['--lr', '0.1']" in run.lines(job)
    assert backend.output_uri(job.ref) == f"cos://{cloud['bucket']}/foreign/out/{name}/output/"
    job.delete()
    assert backend.find(name) is None


def test_spec_beside_the_code(backend: TiBackend, bench: Benches, connect: Make) -> None:
    """What was asked for lies in the archive, with everything that another machine needs, and no local path."""
    run = bench(backend)
    spec = run.spec(HELLO, inputs={"train": run.channel({"a": "1", "b": "2"})}, tags={"team": "x"}, description="d")
    job = run.run(spec)
    found = connect(api="2019").job_spec(job.ref)

    assert (found.tags, found.description, found.entry_point) == ({"team": "x"}, "d", "train.py")
    assert found.inputs["train"].uri.startswith("cos://")
    assert found.code is not None
    assert found.code.archive.startswith("cos://")
