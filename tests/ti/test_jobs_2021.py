"""Tasks of 2021 on the emulator: what the contract suite does not know of this generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import JobRef, Status
from anyfit.errors import NotFound, Unsupported
from anyfit.job import find_job
from anyfit.offers import catalog_of
from anyfit.spec import Channel, JobSpec
from anyfit.stage import stage
from anyfit.storage import Uri
from anyfit.testing import Bench
from anyfit_ti.backend import TiBackend
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
    return connect()


def put(backend: TiBackend, cloud: Mapping[str, str], key: str, text: str) -> str:
    uri = Uri.parse(f"cos://{cloud['bucket']}/{key}")
    backend.store(uri).put(uri.key, text.encode())
    return str(uri.parent)


def test_warm_fit(connect: Make, bench: Benches, requests_made: Callable[[], list[str]]) -> None:
    """With a catalog from before, starting a job takes one request beside its uploads."""
    cold = bench(connect())
    cold.wait(cold.start(cold.spec(HELLO)))
    before = len(requests_made())
    warm = Bench(connect(), cold.folder)
    job = warm.start(warm.spec(HELLO))
    made = requests_made()[before:]

    assert len(made) == 1, made
    assert made[0].startswith("POST ")
    warm.wait(job)
    warm.close()


def test_live_prices(connect: Make, bench: Benches) -> None:
    """The catalog has the machines and the prices of the moment, and keeps them for as long as is set."""
    home = bench(connect()).session.config.home
    catalog = catalog_of(home, connect())
    small = next(offer for offer in catalog.offerings if offer.spec_id == "TI.S.MEDIUM.POST")

    assert (small.cpus, small.memory_gib, small.price, small.currency) == (2, 4, 0.7, "CNY")
    assert {task for offer in catalog.offerings for task in offer.tasks} == {"train", "serve"}
    assert all(offer.price and offer.currency == "CNY" for offer in catalog.offerings)
    assert {"pytorch", "tensorflow"} <= {f.name for f in catalog.frameworks if "train" in f.tasks}
    assert catalog_of(home, connect()) == catalog


def test_cost_of_a_plan(backend: TiBackend, bench: Benches) -> None:
    """A plan tells what all nodes cost together."""
    run = bench(backend)
    plan = run.plan(run.spec(HELLO, instance_type="TI.S.MEDIUM.POST", instance_count=2))

    assert plan.cost_per_hour == pytest.approx(1.4)
    assert plan.currency == "CNY"


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow", "sklearn"])
def test_frameworks(backend: TiBackend, bench: Benches, framework: str) -> None:
    """The platform's own environments are chosen by neutral names."""
    run = bench(backend)
    job = run.run(run.spec(HELLO, framework=framework))

    assert job.state.status == Status.SUCCEEDED, run.lines(job)


def test_own_command(backend: TiBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """An image with a command of its own runs as it is, with its variables, inputs and outputs."""
    data = put(backend, cloud, "custom/in/a.txt", "content")
    run = bench(backend)
    words = (
        'cat "$TM_CHANNEL_TRAINING/a.txt"; echo " $WHO $TM_HPS $1"; mkdir "$TM_MODEL_DIR"; echo x > "$TM_MODEL_DIR/y"'
    )
    spec = JobSpec(
        name=run.name(),
        image="registry/image:1",
        command=("/bin/sh", "-c", words, "me"),
        arguments=("one two",),
        environment={"WHO": "world"},
        hyperparameters={"a": 1},
        inputs={"training": Channel(uri=data)},
        output_path=f"cos://{cloud['bucket']}/custom/out/",
    )
    job = run.run(spec)

    assert run.lines(job) == ['content world {"a": 1} one two']
    assert [(a.name, a.kind, a.uri) for a in job.artifacts()] == [
        ("model/y", "model", f"cos://{cloud['bucket']}/custom/out/{spec.name}/{job.ref.id}/model/y"),
    ]


def test_what_a_job_leaves(backend: TiBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """Model, outputs and checkpoints are plain files below the task's own folder; how it ended is not shown."""
    run = bench(backend)
    path = f"cos://{cloud['bucket']}/ckpt-{run.name()}/"
    job = run.run(run.spec(f"{LEAVE}\nraise SystemExit(3)", checkpoint_path=path))

    assert job.state.exit_code == 3
    assert {artifact.name: artifact.kind for artifact in job.artifacts()} == {
        "model/file": "model",
        "output/file": "output",
        "checkpoints/file": "checkpoint",
    }


def test_mounted_checkpoints(backend: TiBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """A checkpoint path that is mounted has what a script writes there."""
    run = bench(backend)
    path = Uri.parse(f"cos://{cloud['bucket']}/mounted-{run.name()}/")
    spec = run.spec(LEAVE, checkpoint_path=str(path), options={"cos_mode": "COSFS"})
    job = run.run(spec)

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert backend.store(path).read(f"{path.key}file") == b"CHECKPOINT"


def test_mpi(backend: TiBackend, bench: Benches) -> None:
    """mpirun starts the launcher on all nodes, and each process is told its rank."""
    run = bench(backend)
    script = (
        "import os\n"
        "told = [os.environ[name] for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'NODE_RANK')]\n"
        "os.write(1, ('rank ' + ' '.join(told) + '\\n').encode())\n"  # at once: all ranks write to one pipe
    )
    spec = run.spec(script, instance_count=2, distribution="mpi", options={"processes_per_host": 2})
    job = run.run(spec)
    told = sorted(line for line in run.lines(job) if line.startswith("rank "))

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert [line.split()[1:3] for line in told] == [[str(n), "4"] for n in range(4)]


def test_servers_by_the_launcher(backend: TiBackend, bench: Benches) -> None:
    """Parameter servers are started by anyfit's launcher, with a cluster of all nodes."""
    run = bench(backend)
    script = "import os; os.write(1, ('cluster ' + os.environ['TF_CONFIG'] + '\\n').encode())"
    job = run.run(run.spec(script, instance_count=2, distribution="parameter-server"))
    told = [line for line in run.lines(job) if line.startswith("cluster ")]

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert {role for role in ("ps", "chief", "worker") if any(f'"type": "{role}"' in line for line in told)} >= {
        "chief"
    }


def test_servers_by_the_platform(backend: TiBackend, bench: Benches) -> None:
    """In the platform's own mode each process is told its role, and a worker's results are the job's."""
    run = bench(backend)
    script = (
        "import os\n"
        "os.write(1, ('role ' + os.environ['TI_ROLE'] + chr(10)).encode())\n"
        "open(os.environ['ANYFIT_MODEL_DIR'] + '/' + os.environ['TI_ROLE'], 'w').close()\n"
    )
    job = run.run(run.spec(script, options={"training_mode": "PS_WORKER"}))

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert "role WORKER" in run.lines(job)  # a server ends with the workers, whatever it has said by then
    assert {a.name for a in job.artifacts()} - {"output/nodes/ps-0/model/PS"} == {"model/WORKER"}


def test_lines_come_soon(connect: Make, bench: Benches) -> None:
    """A line is seen within two seconds of being written, with the pauses that the real service wants."""
    lags = lags_of_lines(bench(connect(poll_seconds=1.0)), 6)

    assert len(lags) == 6
    assert max(lags) < 2.0


def test_pushed_metrics(backend: TiBackend, bench: Benches) -> None:
    """Curves that were pushed to the platform stand beside those that were printed."""
    run = bench(backend)
    script = "for n in range(3): print('loss=%.1f' % (n / 2), flush=True)"
    job = run.run(run.spec(script, metric_definitions={"loss": "loss=([0-9.]+)"}))
    for step in range(2):
        backend.push_metrics(job.ref, {"accuracy": 0.5 + step / 4, "loss": 9.0}, step=step)
    series = {each.name: each for each in job.metrics()}

    assert [point.value for point in series["loss"].points] == [0.0, 0.5, 1.0]
    assert [(point.step, point.value) for point in series["accuracy"].points] == [(0, 0.5), (1, 0.75)]
    with pytest.raises(Unsupported):
        backend.push_metrics(JobRef("ti", "ap-guangzhou", "2019/x"), {"a": 1.0})


def test_end_by_signal(backend: TiBackend, bench: Benches) -> None:
    """How a script ended is known although the platform does not tell."""
    run = bench(backend)
    job = run.run(run.spec("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))

    assert (job.state.status, job.state.signal, job.state.exit_code) == (Status.FAILED, 9, None)


def test_data_that_are_not_there(backend: TiBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """Data that are not there are refused before anything is sent, and else by the platform; both name the input."""
    run = bench(backend)
    spec = run.spec(HELLO, inputs={"train": Channel(uri=f"cos://{cloud['bucket']}/nothing/here/")})
    with pytest.raises(NotFound, match=r"^inputs\.train: there is nothing at cos://") as caught:
        run.start(spec)
    plan = run.plan(spec)
    home = Uri.parse(plan.uploads[0].target)
    sent = list(backend.store(home).list(f"anyfit/jobs/{spec.name}/"))
    stage(backend, plan)
    with pytest.raises(NotFound, match=r"^inputs\.train: .*CosPathNotExist.*nothing/here/") as refused:
        backend.submit(plan)

    assert caught.value.exit_code == 102
    assert sent == []
    assert "anyfit ls cos://" in refused.value.hint
    assert backend.find(spec.name) is None


def test_deleted_name_is_free(backend: TiBackend, bench: Benches) -> None:
    """With a task goes the code that anyfit had put there, and its name is free again; what it left stays."""
    run = bench(backend)
    spec = run.spec(LEAVE)
    job = run.run(spec)
    artifact = Uri.parse(next(a.uri for a in job.artifacts() if a.name == "model/file"))
    code = Uri.parse(job.explain().uploads[0].target).parent
    assert list(backend.store(code).list(code.key))
    backend.delete(job.ref)

    assert list(backend.store(code).list(code.key)) == []
    assert backend.store(artifact).read(artifact.key) == b"MODEL"
    run.session.journal.forget(job.ref, backend.place)
    assert run.run(spec).state.status == Status.SUCCEEDED


def test_job_of_another_tool(backend: TiBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """A task that the console or the vendor's SDK made can be found, attached to, read and deleted."""
    code = put(backend, cloud, "foreign/code/train.py", "import sys; print(sys.argv[1:])")
    run = bench(backend)
    name = run.name()
    place = {"Bucket": cloud["bucket"], "Region": cloud["region"]}
    body = {
        "Name": name,
        "ChargeType": "POSTPAID_BY_HOUR",
        "ResourceConfigInfos": [{"Role": "WORKER", "InstanceType": "TI.S.MEDIUM.POST", "InstanceNum": 1}],
        "FrameworkName": "PYTORCH",
        "FrameworkVersion": "1.9",
        "FrameworkEnvironment": "torch1.9-py3.8-cuda11.1-gpu",
        "TrainingMode": "DDP",
        "CodePackagePath": {**place, "Paths": ["foreign/code/"]},
        "StartCmdInfo": {"WorkerStartCmd": "cd /opt/ml/code && python train.py --lr 0.1"},
        "DataSource": "COS",
        "DataConfigs": [
            {
                "MappingPath": "/opt/ml/input/data/train",
                "DataSourceType": "COS",
                "COSSource": {**place, "Paths": ["foreign/code/"]},
            }
        ],
        "Output": {**place, "Paths": ["foreign/out/"]},
        "TuningParameters": '{"lr": 0.1}',
    }
    made = backend._client.create_task(body)
    job = find_job(run.session, name)
    run.wait(job)

    assert job.ref == JobRef("ti", "ap-guangzhou", made)
    assert (job.spec.framework, job.spec.hyperparameters) == ("pytorch", {"lr": 0.1})
    assert {name: channel.uri for name, channel in job.spec.inputs.items()} == {"train": code}
    assert run.lines(job) == ["['--lr', '0.1']"]
    assert backend.output_uri(job.ref) == f"cos://{cloud['bucket']}/foreign/out/{made}/"
    job.delete()
    assert backend.find(name) is None


def test_default_bucket(connect: Make, bench: Benches, cloud: Mapping[str, str]) -> None:
    """Without a bucket the vendor's default one is made, and used."""
    run = bench(connect(bucket=""))
    job = run.run(run.spec(LEAVE))
    name = f"ti-{cloud['region']}-{cloud['uin']}-{cloud['app_id']}"

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert all(artifact.uri.startswith(f"cos://{name}/anyfit/jobs/") for artifact in job.artifacts())


def test_both_generations_in_one_list(connect: Make, bench: Benches) -> None:
    """Jobs of both generations are listed together, the newest first, and described together."""
    run = bench(connect())
    first = run.run(run.spec(HELLO, options={"api": "2019"}))
    second = run.run(run.spec(HELLO))
    named = {each.ref: each.name for each in run.backend.list()}
    states = run.backend.describe([first.ref, second.ref, evolve(first.ref, id="2019/none")])

    assert (named[first.ref], named[second.ref]) == (first.name, second.name)
    assert [state.status for state in states] == [Status.SUCCEEDED, Status.SUCCEEDED, Status.UNKNOWN]
    assert [state.gone for state in states] == [False, False, True]


def test_spec_beside_the_code(backend: TiBackend, bench: Benches, connect: Make) -> None:
    """What was asked for lies beside the code, with everything that another machine needs, and no local path."""
    run = bench(backend)
    spec = run.spec(HELLO, inputs={"train": run.channel({"a": "1", "b": "2"})}, tags={"team": "x"})
    job = run.run(spec)
    found = connect().job_spec(job.ref)

    assert (found.tags, found.entry_point) == ({"team": "x"}, "train.py")
    assert found.inputs["train"].uri.startswith("cos://")
    assert found.code is not None
    assert found.code.archive.startswith("cos://")


@pytest.mark.parametrize("api", ["2021", "2019"])
def test_temporary_keys(connect: Make, bench: Benches, cloud: Mapping[str, str], api: str) -> None:
    """With an assumed role everything works by temporary keys: the API, the bucket and the log."""
    role = f"qcs::cam::uin/{cloud['uin']}:roleName/{cloud['role']}"
    backend = connect(role_arn=role, api=api)
    run = bench(backend)
    job = run.run(run.spec(f"{HELLO}\n{LEAVE}"))

    assert backend._account.credential().token
    assert f"hello {job.name}" in run.lines(job)
    assert "model/file" in {artifact.name for artifact in job.artifacts()}
