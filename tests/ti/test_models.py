"""Models of both generations: registered, listed, removed; and the program that serves them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from anyfit.backend import ModelRef, ModelStatus
from anyfit.code.bundle import pack_code
from anyfit.errors import AuthError, Conflict, NotFound, ServiceError, SpecError, Unsupported, UsageError
from anyfit.launch import inference_path
from anyfit.spec import EndpointSpec, ModelSpec, Variant
from anyfit.storage import Uri
from anyfit_ti.backend import TiBackend
from anyfit_ti.bundle import packed
from anyfit_ti.serving.wire import Told

Connect = Callable[..., TiBackend]
PREDICT = Path(__file__).parents[2] / "backends" / "anyfit_ti" / "predict.py"
HANDLER = """
import os
def model_fn(folder):
    return open(os.path.join(folder, "weights.txt")).read()
def predict_fn(data, model):
    return {"model": model, "data": data, "a": os.environ.get("A", ""), "b": os.environ.get("B", "")}
"""
OWN = {"image": "registry.example/team/serve:1"}


@pytest.fixture
def spec(tmp_path: Path, cloud: Any, connect: Connect) -> Callable[..., ModelSpec]:
    """Makes models whose files lie in the bucket."""
    backend, numbers = connect(), iter(range(100))
    source = tmp_path / "code"
    source.mkdir()
    (source / "inference.py").write_text(HANDLER)
    code, _ = pack_code("inference.py", str(source), (), tmp_path / "bundles")

    def make(**fields: Any) -> ModelSpec:
        folder = Uri.parse(f"cos://{cloud['bucket']}/{tmp_path.name}/{next(numbers)}/model/")
        backend.store(folder).put(folder.join("weights.txt").key, b"w")
        given = {"name": tmp_path.name.replace("_", "-"), "artifact": str(folder), "code": code, **fields}
        return ModelSpec(**given)

    return make


def files(backend: TiBackend, name: str) -> list[str]:
    """What lies in anyfit's folder of a model."""
    folder = Uri.parse(f"cos://{backend._settings.bucket}/anyfit/models/{name}/")
    return [entry.key.rpartition("/")[2] for entry in backend.store(folder).list(folder.key)]


@pytest.mark.parametrize("api", ["2021", "2019"])
def test_life(connect: Connect, spec: Callable[..., ModelSpec], api: str) -> None:
    """A model is registered once and again, known everywhere by its reference, and its folder goes with the last."""
    mine, other = connect(api=api), connect(api="2019" if api == "2021" else "2021")
    wanted = spec(job="ti://ap-guangzhou/train-1", description="about it")
    first = mine.register(wanted)
    second = mine.register(wanted)
    infos = other.models(wanted.name)

    assert first.id.startswith("2019/") == (api == "2019")
    assert [info.ref for info in infos] == [second, first]
    assert {info.job for info in infos} == {"ti://ap-guangzhou/train-1"}
    assert {info.status for info in infos} == {ModelStatus.READY}
    assert len({info.version for info in infos}) == 2
    assert all(info.created_at for info in infos)

    other.delete_model(first)
    assert [info.ref for info in mine.models(wanted.name)] == [second]
    assert "weights.txt" in files(mine, wanted.name)

    other.delete_model(second)
    other.delete_model(second)
    assert mine.models(wanted.name) == []
    assert files(mine, wanted.name) == []


def test_versions_of_ones_own(connect: Connect, spec: Callable[..., ModelSpec]) -> None:
    """A version may be named in 2021, once; TI-EMS counts by itself and says so."""
    backend, wanted = connect(), spec(version="v3", **OWN)
    backend.register(wanted)
    with pytest.raises(Conflict, match="already a version 'v3'"):
        backend.register(wanted)
    with pytest.raises(SpecError, match="model_version"):
        connect(api="2019").register(wanted)

    assert [info.version for info in backend.models(wanted.name)] == ["v3"]


def test_copied_by_the_platform(connect: Connect, spec: Callable[..., ModelSpec], cloud: Any) -> None:
    """Where the platform copies the files, the model is ready when that is done."""
    backend = connect()
    place = f"cos://{cloud['bucket']}/repository/copied/"
    wanted = spec(**OWN, options={"model_path": place, "server": "image"})
    ref = backend.register(wanted)
    deadline = time.monotonic() + 60
    while (info := backend.models(wanted.name)[0]).status != ModelStatus.READY:
        assert info.status == ModelStatus.PREPARING
        assert time.monotonic() < deadline
        time.sleep(0.02)
    version = backend._serving.model_version(ref.id)

    assert version.place == place
    assert not version.told.handler
    backend.delete_model(ref)
    home = Uri.parse(place)
    assert [entry.key for entry in backend.store(home).list(home.key)]  # what anyfit has not made stays


def test_runtime_is_made_once(connect: Connect, spec: Callable[..., ModelSpec]) -> None:
    """An image of one's own becomes a runtime of TI-EMS, the first time."""
    backend, wanted = connect(api="2019"), spec(image="registry.example/Team/Serve_It:1.2")
    for _ in range(2):
        backend.register(wanted)

    assert [name for name in backend._serving.runtimes() if name.startswith("serve-it-1-2-")]


def test_image_of_the_settings(connect: Connect, spec: Callable[..., ModelSpec]) -> None:
    """What needs only Python is served in the image of the settings, for TI-EMS also by its address."""
    name, address = "tensorflow1.15-py37(cpu)", "registry.example/serve/chosen:2"
    backend = connect(serving_image=name)
    version = backend._serving.model_version(backend.register(spec(framework="sklearn")).id)
    connect(api="2019", serving_image=address).register(spec(framework="sklearn"))
    connect(api="2019", serving_image=name).register(spec(framework="sklearn"))

    assert version.raw["ReasoningEnvironmentId"] == name
    runtimes = "\n".join(backend._serving.runtimes())
    assert "chosen-2-" in runtimes
    assert "tensorflow1-15-py37-cpu" in runtimes


def test_used_model_stays(connect: Connect, spec: Callable[..., ModelSpec]) -> None:
    """A model that an endpoint serves is not removed, and the refusal tells why."""
    backend = connect(api="2019")
    ref = backend.register(spec())
    served = backend.deploy(EndpointSpec(name=f"used-{ref.id[-8:]}", variants=(Variant(model=str(ref)),)))
    with pytest.raises(ServiceError) as caught:
        backend.delete_model(ref)

    assert "anyfit endpoints delete" in caught.value.hint
    backend.undeploy(served)
    backend.delete_model(ref)


def test_archive(connect: Connect, spec: Callable[..., ModelSpec], tmp_path: Path) -> None:
    """A model may be an archive, as jobs of 2019 leave it; an image that answers by itself wants files."""
    backend, archive = connect(), tmp_path / "model.tar.gz"
    archive.write_bytes(packed({"weights.txt": b"w"}))
    wanted = evolve(spec(**OWN), artifact=archive.as_uri())
    backend.register(wanted)
    with pytest.raises(SpecError, match="archive"):
        backend.register(evolve(wanted, options={"server": "image"}))

    assert "model.tar.gz" in files(backend, wanted.name)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"framework": "pytorch", "framework_version": "9.9"}, "serving_framework"),
        ({"framework": "mxnet"}, "serving_framework"),
        ({"options": {"model_format": "PICKLE"}}, "model_format"),
        ({"options": {"server": "somebody"}}, "server"),
        ({"options": {"api": "2019", "runtime": "tfserving"}}, "takes no code"),
        ({"options": {"api": "2019", "model_path": "cos://b/x"}}, "model_path"),
        ({"options": {"api": "2019", "model_more": {"A": 1}}}, "model_more"),
    ],
)
def test_refused(connect: Connect, spec: Callable[..., ModelSpec], fields: dict[str, Any], said: str) -> None:
    """What cannot be served is refused before anything is made, naming the field."""
    wanted = spec(**fields)
    with pytest.raises(SpecError) as caught:
        connect().register(wanted)

    assert said in str(caught.value)
    assert files(connect(), wanted.name) == []


# by script


SIMPLE = ModelSpec(name="m", artifact="cos://demo-1250000000/m/", image="i.example/i:1")


def test_name_that_there_is(script: Any, scripted: Connect) -> None:
    """A name that there is already gets a further version of that very model, not of one whose name begins alike."""
    script.on("CreateTrainingModel", "FailedOperation.DuplicateName", {"TrainingModelVersionId": "mv-v2-2"})
    alike = [
        {"TrainingModelId": "m-9", "TrainingModelName": "mm"},
        {"TrainingModelId": "m-1", "TrainingModelName": "m"},
    ]
    script.on("DescribeTrainingModels", {"TrainingModels": alike, "TotalCount": 2})

    assert scripted().register(SIMPLE) == ModelRef("ti", "ap-guangzhou", "mv-v2-2")
    first, second = script.calls("CreateTrainingModel")
    assert first["ImportMethod"] == "MODEL"
    assert (second["ImportMethod"], second["TrainingModelId"]) == ("VERSION", "m-1")
    assert "TrainingModelName" not in second


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({}, ServiceError),
        ("InternalError", ServiceError),
        ("InvalidParameter.ModelFileInvalid", SpecError),
        ("UnauthorizedOperation", AuthError),
        ("ResourceNotFound.NoModel", NotFound),
        ("OperationDenied.NotAllow", UsageError),
        (None, ServiceError),
    ],
)
def test_faults(script: Any, scripted: Connect, answer: Any, kind: type[Exception]) -> None:
    """A refusal is told in anyfit's words, and a model is never asked for twice."""
    script.on("CreateTrainingModel", answer)
    with pytest.raises(kind):
        scripted().register(SIMPLE)

    assert len(script.calls("CreateTrainingModel")) == 1


def test_list_without_versions(script: Any, scripted: Connect) -> None:
    """Where the list leaves versions out they are asked for; a status of no document is UNKNOWN and says so."""
    listed = [{"TrainingModelId": "m-1", "TrainingModelName": "m", "TrainingModelVersions": None}]
    script.on("DescribeTrainingModels", {"TrainingModels": listed, "TotalCount": 1})
    versions = [
        {"TrainingModelVersionId": f"mv-v{n}-1", "TrainingModelName": "m", "TrainingModelStatus": word}
        for n, word in ((1, "STATUS_FAILED"), (2, "STATUS_ODD"))
    ]
    script.on("DescribeTrainingModelVersions", {"TrainingModelVersions": versions})
    infos = scripted().models("m")

    assert [info.status for info in infos] == [ModelStatus.UNKNOWN, ModelStatus.FAILED]
    assert "STATUS_ODD" in infos[0].reason


def test_no_list(script: Any, scripted: Connect) -> None:
    """A platform that lists no models says so; the other generation's silence is no fault."""
    script.on(
        "DescribeServiceConfigs", {"ServiceConfigs": [{"Id": "c", "Name": "m", "Version": "1.0"}], "TotalCount": 1}
    )
    with pytest.raises(Unsupported):
        scripted().models()

    assert [info.ref.id for info in scripted(api="2019").models()] == ["2019/c"]


def test_images_that_nobody_tells(script: Any, scripted: Connect) -> None:
    """Without the list of images of 2021, TI-EMS needs one that is named."""
    script.on("DescribePlatformImages", "UnauthorizedOperation")
    wanted = ModelSpec(name="m", artifact="cos://demo-1250000000/m/")
    with pytest.raises(SpecError, match="inference server") as caught:
        scripted(api="2019").register(wanted)

    assert "serving_image" in caught.value.hint


@given(job=st.text(max_size=60), description=st.text(max_size=300), handler=st.booleans())
def test_note(job: str, description: str, handler: bool) -> None:
    """What is noted with a model fits, and is read as it was written, but for a description that is too long."""
    text = Told(job, handler, description).written(200)
    told = Told.read(text)

    assert len(text) <= 200 or not told.description
    assert (told.job, told.handler) == (job, handler)
    assert description.startswith(told.description)


@given(st.text())
def test_foreign_note(text: str) -> None:
    """What somebody else wrote there says nothing."""
    assert Told.read(text) == Told()
    assert Told.read(json.dumps({"accuracy": text})) == Told()


# the program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder."""
    home = tmp_path / "home"
    (home / "model").mkdir(parents=True)
    (home / "model" / "weights.txt").write_text("w")
    (home / "anyfit_inference.py").write_bytes(inference_path().read_bytes())
    source = tmp_path / "source"
    source.mkdir()
    (source / "serve.py").write_text(HANDLER)
    code, _ = pack_code("serve.py", str(source), (), tmp_path / "bundles")
    (home / "code.tar.gz").write_bytes(Path(code.archive).read_bytes())
    model = {"entry_point": "serve.py", "environment": {"A": "model", "B": "model"}, "code_archive": "code.tar.gz"}
    (home / "anyfit_model.json").write_text(json.dumps(model))
    return home


@pytest.fixture(params=["predict.py", "model_service.py"])
def served(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The program as it is started in 2021, and as the inference server of TI's images imports it in 2019."""
    (folder / request.param).write_bytes(PREDICT.read_bytes())
    command = [sys.executable, str(folder / request.param), "--port", "0"]
    if request.param == "model_service.py":
        imports = f"import sys; sys.path.insert(0, {str(folder)!r}); import model_service"
        command = [sys.executable, "-c", imports, "--timeout", "30000", "--port", "0"]
    with started(command) as url:
        yield url


@contextmanager
def started(command: list[str]) -> Iterator[str]:
    """The address of the program while it runs."""
    variables = {"B": "service", "ANYFIT_SERVICE_VARIABLES": "B"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield f"http://127.0.0.1:{line.split()[-1]}"
        process.terminate()


def ask(url: str, body: bytes | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt"])
def test_program_refuses_to_leave(folder: Path, name: str) -> None:
    """An archive that would write outside its folder is refused."""
    (folder / "model" / "weights.txt").unlink()
    (folder / "model" / "model.tar.gz").write_bytes(packed({name: b"x"}))
    (folder / "predict.py").write_bytes(PREDICT.read_bytes())
    command = [sys.executable, str(folder / "predict.py"), "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode != 0
    assert "refused" in ended.stderr


def test_program_with_an_archive(folder: Path) -> None:
    """A model that came as an archive is unpacked before it is loaded."""
    (folder / "model" / "weights.txt").unlink()
    (folder / "model" / "model.tar.gz").write_bytes(packed({"weights.txt": b"packed"}))
    (folder / "predict.py").write_bytes(PREDICT.read_bytes())
    with started([sys.executable, str(folder / "predict.py"), "--port", "0"]) as url:
        assert ask(f"{url}/v1/models/m:predict", b"[1]")[1]["model"] == "packed"


def test_program(served: str) -> None:
    """It says that it is well, answers predictions, prefers the service's variables, and refuses the rest."""
    assert ask(f"{served}/")[0] == 200
    assert ask(f"{served}/v1/models/m")[1]["ready"] is True
    assert ask(f"{served}/elsewhere")[0] == 404
    assert ask(f"{served}/elsewhere", b"[1]")[0] == 404
    wanted = {"model": "w", "data": [1], "a": "model", "b": "service"}
    assert ask(f"{served}/v1/models/m:predict", b"[1]") == (200, wanted)
