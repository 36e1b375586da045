"""Jobs on the emulator: what the contract suite does not know of this platform."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from attrs import evolve

from anyfit.backend import Cause, Feature, JobRef, Status
from anyfit.errors import Conflict, NotFound
from anyfit.job import Job, find_job
from anyfit.offers import catalog_of
from anyfit.outcome import phase_lines
from anyfit.spec import Channel, JobSpec
from anyfit.storage import Uri
from anyfit.testing import Bench
from anyfit_modelmaker.backend import ModelMakerBackend
from lags import lags_of_lines

Make = Callable[..., ModelMakerBackend]
Benches = Callable[[Any], Bench]

HELLO = "import os; print('hello', os.environ['ANYFIT_JOB_NAME'], flush=True)"


@pytest.fixture
def backend(connect: Make) -> ModelMakerBackend:
    """A client of the emulator."""
    return connect()


def put(backend: ModelMakerBackend, cloud: Mapping[str, str], key: str, text: str) -> str:
    uri = Uri.parse(f"s3://{cloud['bucket']}/{key}")
    backend.store(uri).put(uri.key, text.encode())
    return str(uri.parent)


def test_warm_fit(connect: Make, bench: Benches, requests_made: Callable[[], list[str]]) -> None:
    """With a token and a catalog from before, starting a job takes one request beside its uploads."""
    cold = bench(connect())
    cold.start(cold.spec(HELLO))
    before = len(requests_made())
    warm = Bench(connect(), cold.folder)
    job = warm.start(warm.spec(HELLO))
    made = requests_made()[before:]

    assert len(made) == 1, made
    assert made[0].startswith("POST ")
    warm.wait(job)
    warm.close()


def test_catalog_is_kept(connect: Make, bench: Benches, requests_made: Callable[[], list[str]]) -> None:
    """The lists of the platform are kept on disk for a day; they can be renewed, or never be kept."""
    home = bench(connect()).session.config.home
    first = catalog_of(home, connect())
    asked = len(requests_made())
    second = catalog_of(home, connect())

    assert second == first
    assert second.as_of is not None
    assert len(requests_made()) == asked
    assert catalog_of(home, connect(), refresh=True).offerings == first.offerings
    assert len(requests_made()) > asked
    asked = len(requests_made())
    catalog_of(home, connect(catalog_hours=0.0))
    assert len(requests_made()) > asked


def test_catalog_has_everything(backend: ModelMakerBackend) -> None:
    """Machines for all three purposes, frameworks for two, preset algorithms and models."""
    catalog = backend.catalog()

    assert {task for offer in catalog.offerings for task in offer.tasks} == {"train", "serve", "develop"}
    assert {task for each in catalog.frameworks for task in each.tasks} == {"train", "serve"}
    assert {preset.name for preset in catalog.algorithms} & {preset.name for preset in catalog.models}


def test_own_command(backend: ModelMakerBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """An image with a command of its own runs as it is, with its variables, inputs and outputs."""
    data = put(backend, cloud, "custom/in/a.txt", "content")
    words = 'cat "$MM_DATA_DIR/a.txt"; echo " $WHO $ANYFIT_HPS $1"; echo x > "$MM_OUTPUT_DIR/y"'
    put(backend, cloud, "custom/in/run.sh", words)
    run = bench(backend)
    spec = JobSpec(
        name=run.name(),
        image="registry/image:1",
        command=("/bin/bash", "/opt/ai/input/data/run.sh"),
        arguments=("one two",),
        environment={"WHO": "world"},
        hyperparameters={"a": 1},
        inputs={"training": Channel(uri=data)},
        output_path=f"s3://{cloud['bucket']}/custom/out/",
    )
    job = run.run(spec)

    assert run.lines(job) == ['content world {"a": 1} one two']
    assert [(a.name, a.uri) for a in job.artifacts()] == [
        ("y", f"s3://{cloud['bucket']}/custom/out/{spec.name}/y"),
    ]


def test_script_in_an_image(backend: ModelMakerBackend, bench: Benches) -> None:
    """A script runs in an image of one's own just as in a framework's."""
    run = bench(backend)
    spec = run.spec(HELLO, image="registry/image:1")
    job = run.run(spec)

    assert run.lines(job) == [f"hello {spec.name}"]
    assert job.explain().requests[0].body["type"] == "CUSTOM"


def test_command_with_code(backend: ModelMakerBackend, bench: Benches) -> None:
    """A command runs in the folder of its code."""
    run = bench(backend)
    spec = evolve(run.spec("print('from code')"), entry_point="", command=("python3", "train.py"))

    assert run.lines(run.run(spec)) == ["from code"]


def test_preset_algorithm(backend: ModelMakerBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """A preset algorithm trains on data alone; what it leaves is a model, which can be served."""
    data = put(backend, cloud, "flowers/train/rose/1.jpg", "picture")
    run = bench(backend)
    spec = JobSpec(
        name=run.name(),
        inputs={"training": Channel(uri=data.removesuffix("train/rose/"))},
        options={"algorithm": "ImageClassification"},
        hyperparameters={"batch_size": 8},
    )
    job = run.run(spec)
    model = run.register(job)

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert {artifact.kind for artifact in job.artifacts()} == {"model"}
    assert backend.models(model.name)[0].ref == model.ref


def test_phases_after_the_end(backend: ModelMakerBackend, bench: Benches) -> None:
    """Who looks when all is over is told how long the job queued and trained."""
    run = bench(backend)

    assert [line.split()[0] for line in phase_lines(run.run(run.spec("pass")).state)] == ["queue", "train"]


def test_metrics_of_the_monitors(backend: ModelMakerBackend, bench: Benches) -> None:
    """The platform's monitors find what the definitions mean, and the use of the machine is measured."""
    run = bench(backend)
    script = "for n in range(3): print('step', n, 'loss=%.1f' % (n / 2), flush=True)"
    job = run.run(run.spec(script, metric_definitions={"loss": "loss=([0-9.]+)"}))
    (series,) = job.metrics()

    assert [(point.step, point.value) for point in series.points] == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert {each.name for each in job.utilization()} >= {"cpu", "memory"}


def test_lines_come_soon(connect: Make, bench: Benches) -> None:
    """A line is seen within two seconds of being written, with the pauses that the real service wants."""
    lags = lags_of_lines(bench(connect(poll_seconds=1.0)), 8)

    assert len(lags) == 8
    assert max(lags) < 2.0


def test_keys_that_no_longer_do(connect: Make, bench: Benches, tmp_path: Path) -> None:
    """Kept keys that the store refuses are replaced by new ones, and the job starts all the same."""
    run = bench(connect())
    run.wait(run.start(run.spec(HELLO)))
    for path in (tmp_path / "home" / "modelmaker" / "tokens").iterdir():
        kept = json.loads(path.read_text())
        if "access_key" in kept["values"]:
            kept["values"] |= {"access_key": "OLD", "secret_key": "old"}
        path.write_text(json.dumps(kept))
    later = bench(connect())

    assert later.run(later.spec(HELLO)).state.status == Status.SUCCEEDED


def test_end_by_signal(backend: ModelMakerBackend, bench: Benches) -> None:
    """How a script ended is known although the platform does not tell."""
    run = bench(backend)
    job = run.run(run.spec("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))

    assert (job.state.status, job.state.signal, job.state.exit_code) == (Status.FAILED, 9, None)


def test_cannot_start(backend: ModelMakerBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """Data that are not there are the platform's fault before the script, and it says so."""
    run = bench(backend)
    spec = run.spec(HELLO, inputs={"training": Channel(uri=f"s3://{cloud['bucket']}/nothing/here/")})
    job = run.start_unchecked(spec)
    run.wait(job)

    assert (job.state.status, job.state.cause) == (Status.FAILED, Cause.START)
    assert job.state.native == "STARTING_FAIL"
    assert job.state.reason


def test_version_needs_its_job(backend: ModelMakerBackend, bench: Benches) -> None:
    """A version of a job that is not there cannot be made; one that is there is a conflict."""
    run = bench(backend)
    spec = run.spec(HELLO)
    with pytest.raises(NotFound, match="to make a version of"):
        backend.submit(run.plan(evolve(spec, version=2)))
    run.wait(run.start(spec), run.start(evolve(spec, version=2)))
    with pytest.raises(Conflict):
        backend.submit(run.plan(evolve(spec, version=2)))


def test_deleting_versions(backend: ModelMakerBackend, bench: Benches) -> None:
    """Deleting one version leaves the others; with the last one the name is free again."""
    run = bench(backend)
    spec = run.spec(HELLO)
    first, second = run.run(spec), run.run(evolve(spec, version=2))
    backend.delete(first.ref)

    assert backend.find(spec.key) is None
    assert backend.find(f"{spec.name}.v2") == second.ref
    backend.delete(second.ref)
    assert spec.name not in {entry.name for entry in backend._client.trains()}
    run.session.journal.forget(first.ref, run.backend.place)
    assert run.run(spec).state.status == Status.SUCCEEDED


def test_deleted_code(backend: ModelMakerBackend, bench: Benches) -> None:
    """With a job goes the code that anyfit had put there; what it left stays."""
    run = bench(backend)
    job = run.run(run.spec("import os; open(os.environ['ANYFIT_MODEL_DIR'] + '/m', 'w').write('x')"))
    code = Uri.parse(job.explain().requests[0].body["codeUrl"])
    artifact = Uri.parse(next(a.uri for a in job.artifacts() if a.name == "model/m"))
    assert list(backend.store(code).list(code.key))
    backend.delete(job.ref)

    assert list(backend.store(code).list(code.key)) == []
    assert backend.store(artifact).read(artifact.key) == b"x"


def test_checkpoints_beside_results(backend: ModelMakerBackend, bench: Benches, cloud: Mapping[str, str]) -> None:
    """Results and checkpoints come each to its own place."""
    run = bench(backend)
    script = (
        "import os\n"
        "for name in ('MODEL', 'CHECKPOINT'):\n"
        "    with open(os.environ['ANYFIT_%s_DIR' % name] + '/file', 'w') as file:\n"
        "        file.write(name)\n"
    )
    root = f"s3://{cloud['bucket']}/both"
    job = run.run(run.spec(script, output_path=f"{root}/out/", checkpoint_path=f"{root}/ckpt"))
    kept = Uri.parse(f"{root}/ckpt/file")

    assert job.state.status == Status.SUCCEEDED, run.lines(job)
    assert {a.uri for a in job.artifacts()} >= {f"{root}/out/{job.name}/model/file"}
    assert backend.store(kept).read(kept.key) == b"CHECKPOINT"


def test_job_of_another_tool(
    connect: Make, backend: ModelMakerBackend, bench: Benches, cloud: Mapping[str, str]
) -> None:
    """A job that the console or the vendor's SDK made can be found, attached to, read and deleted."""
    code = put(backend, cloud, "foreign/code/train.py", "import sys; print(sys.argv[1:])")
    data = put(backend, cloud, "foreign/data/a.txt", "x")
    run = bench(backend)
    name = run.name()
    frameworks = [f for f in backend.catalog().frameworks if "train" in f.tasks]
    machine = next(o for o in backend.catalog().offerings if "train" in o.tasks)
    body: dict[str, Any] = {
        "name": name,
        "type": "BASIC_FRAMEWORK",
        "resourceId": int(machine.spec_id),
        "volumeSize": 1,
        "instance": 1,
        "resourcePoolType": "PUBLIC_POOL",
        "codeUrl": code,
        "frameworkId": int(frameworks[0].native),
        "startup": "train.py",
        "startupType": "NORMAL",
        "parameters": [{"name": "lr", "value": "0.1"}],
        "dataUrl": data,
        "output": f"s3://{cloud['bucket']}/foreign/out/",
    }
    token = requests.post(
        f"{cloud['host_base']}/v1/auth-token",
        json={"username": cloud["username"], "password": cloud["password"]},
        timeout=60,
    ).json()["token"]
    made = requests.post(f"{cloud['host_base']}/v1/train", json=body, headers={"Auth-Token": token}, timeout=60).json()
    job = find_job(run.session, name)
    run.wait(job)

    assert str(job.ref) == f"modelmaker://js01/{made['id']}/{made['versionId']}"
    assert (job.spec.name, job.spec.entry_point, job.spec.hyperparameters) == (name, "train.py", {"lr": "0.1"})
    assert run.lines(job) == ["['--lr=0.1']"]
    job.delete()
    assert backend.find(name) is None


def test_results_in_a_bucket_that_is_not_there(connect: Make, bench: Benches) -> None:
    """The platform fails the job, the report says why, and nothing is taken for a job that is gone."""
    run = bench(connect())
    job = run.start(run.spec("print('never')", output_path="s3://nobody-has-it/out/"))
    run.wait(job)

    assert job.state.status is Status.FAILED
    assert job.artifacts() == []
    assert "there is no bucket nobody-has-it" in str(job.report())


def test_deploy_from_elsewhere(connect: Make, bench: Benches, tmp_path: Any) -> None:
    """A machine that never saw a job registers its model with the code that the job was made of."""
    run = bench(connect())
    script = "import os; open(os.environ['ANYFIT_MODEL_DIR'] + '/model.json', 'w').write('{}')"
    job = run.run(run.spec(script, handler="def predict_fn(data, model): return [1, model]"))
    other = bench(connect())
    found = find_job(other.session, job.name)
    assert found.spec.code is not None
    assert found.spec.code.archive.startswith("s3://")
    predictor = other.deploy(other.variant(other.register(found)))

    assert predictor.predict([0]) == [1, {}]
    assert predictor.info().url.endswith("/ModelMaker/predict")


def test_service_variables_win(connect: Make, bench: Benches) -> None:
    """A variable of the service goes before the model's own; both reach the handler."""
    backend = connect()
    run = bench(backend)
    handler = (
        "import os\ndef predict_fn(data, model): return [os.environ['A'], os.environ['B']]\ndef model_fn(d): return 1"
    )
    job = run.run(run.spec("import os; open(os.environ['ANYFIT_MODEL_DIR'] + '/m', 'w').close()", handler=handler))
    model = run.register(job, environment={"A": "model", "B": "model"})
    predictor = run.deploy(run.variant(model, environment={"A": "service"}))
    info = predictor.info()

    assert predictor.predict([]) == ["service", "model"]
    assert info.spec is not None
    assert info.spec.variants[0].environment == {"A": "service"}
    assert not backend.capabilities.can(Feature.ENDPOINT_LOGS)


def test_reference_of_a_job(backend: ModelMakerBackend) -> None:
    """A reference that is none of ours finds nothing."""
    with pytest.raises(NotFound, match="job id/version id"):
        backend.logs(JobRef("modelmaker", "js01", "500001"))


def test_spec_beside_the_code(backend: ModelMakerBackend, bench: Benches) -> None:
    """What was asked for lies beside the code, with everything that another machine needs, and no local path."""
    run = bench(backend)
    spec = run.spec(HELLO, inputs={"train": run.channel({"a": "1", "b": "2"})}, tags={"team": "x"})
    job: Job = run.run(spec)
    uri = Uri.parse(job.explain().requests[0].body["codeUrl"]).join("anyfit_job.json")
    text = backend.store(uri).read(uri.key).decode()

    assert json.loads(text)["spec"]["tags"] == {"team": "x"}
    assert str(run.folder) not in json.dumps(json.loads(text)["spec"]["inputs"])
    assert backend.job_spec(job.ref).inputs["train"].uri.startswith("s3://")
