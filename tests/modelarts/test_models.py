"""Models: registered from OBS and from here, counted, listed by pages, removed with their packages; lost answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import ModelInfo, ModelRef, ModelStatus
from anyfit.code.bundle import pack_code
from anyfit.errors import AuthError, Conflict, NotFound, ServiceError, SpecError, UsageError
from anyfit.spec import ModelSpec
from anyfit.storage import Uri
from anyfit_modelarts import paging
from anyfit_modelarts.backend import ModelArtsBackend

Make = Callable[..., ModelArtsBackend]
UUID = "0d30f1bc-0a38-4e4c-9d5c-3f2e1a8b7c6d"
IMAGE = ModelSpec(name="m", version="1.0.0", artifact="obs://b/x/", image="swr.cn-north-4.myhuaweicloud.com/t/s:1")
EMPTY: Mapping[str, Any] = {"total_count": 0, "count": 0, "models": []}


def row(version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    """A model as the list shows it."""
    usual = {"model_id": UUID, "model_name": "m", "model_version": version, "model_status": "published"}
    return {**usual, "create_at": 1767323040000, "description": "", **more}


def listed(*rows: Any) -> dict[str, Any]:
    """The list."""
    return {"total_count": len(rows), "count": len(rows), "models": list(rows)}


@pytest.fixture
def spec(tmp_path: Path, cloud: Mapping[str, str]) -> Callable[..., ModelSpec]:
    """Makes models whose files lie here and whose code answers with them."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "net.pth").write_text("w")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "inference.py").write_text("def model_fn(folder): return 1\n")
    code, handler = pack_code("inference.py", str(tmp_path / "src"), (), tmp_path / "bundles")

    def make(**fields: Any) -> ModelSpec:
        usual = {"name": tmp_path.name, "artifact": (tmp_path / "model").as_uri()}
        return ModelSpec(**{**usual, "code": code, "entry_point": handler, **fields})

    return make


def settled(backend: ModelArtsBackend, name: str) -> list[ModelInfo]:
    """The versions of a name, once none is being imported any more."""
    while any(info.status == ModelStatus.PREPARING for info in backend.models(name)):
        pass
    return list(backend.models(name))


def packages(backend: ModelArtsBackend, cloud: Mapping[str, str], name: str) -> list[str]:
    """What lies in anyfit's folder of a model."""
    folder = Uri.parse(f"obs://{cloud['bucket']}/anyfit/models/{name}/")
    return [entry.key[len(folder.key) :] for entry in backend.store(folder).list(folder.key)]


# on the emulator


def test_counted_versions(connect: Make, spec: Any) -> None:
    """Versions count on after the last one, with three numbers up to 99; one that is there is a conflict."""
    backend = connect()
    backend.register(spec(version="0.0.99"))
    backend.register(spec())
    backend.register(spec(version="1.99.99"))
    backend.register(spec())
    found = settled(backend, spec().name)

    assert [info.version for info in found] == ["2.0.0", "1.99.99", "0.1.0", "0.0.99"]
    assert {info.status for info in found} == {ModelStatus.READY}
    with pytest.raises(Conflict, match=r"model test_\w+:0\.1\.0: ModelArts answers 409"):
        backend.register(spec(version="0.1.0"))
    assert len(backend.models(spec().name)) == 4


def test_package_goes_with_its_model(connect: Make, spec: Any, cloud: Mapping[str, str]) -> None:
    """A version's package is in the bucket until the version is removed, and a refused one leaves none."""
    backend, name = connect(), spec().name
    first, second = backend.register(spec()), backend.register(spec())
    settled(backend, name)
    before = packages(backend, cloud, name)
    with pytest.raises(Conflict):
        backend.register(spec(version="0.0.1", description="another"))

    assert len({key.partition("/")[0] for key in before}) == 2
    assert set(packages(backend, cloud, name)) == set(before)
    backend.delete_model(first)
    backend.delete_model(first)
    assert len({key.partition("/")[0] for key in packages(backend, cloud, name)}) == 1
    backend.delete_model(second)
    assert packages(backend, cloud, name) == []


def test_model_straight_from_obs(connect: Make, spec: Any, cloud: Mapping[str, str]) -> None:
    """Files in OBS are copied inside OBS, beside what is written, and whose place is not asked for is not touched."""
    backend = connect()
    folder = Uri.parse(f"obs://{cloud['bucket']}/mine/{spec().name}/")
    backend.store(folder).put(f"{folder.key}net.pth", b"weights")
    ref = backend.register(spec(artifact=str(folder)))

    assert settled(backend, spec().name)[0].reason == ""
    assert [key.partition("model/")[2] for key in packages(backend, cloud, spec().name)] == [
        *("anyfit_inference.py", "anyfit_model.json", "anyfit_predict.py", "code.tar.gz", "config.json"),
        *("customize_service.py", "net.pth"),
    ]
    backend.delete_model(ref)
    assert [entry.key for entry in backend.store(folder).list(folder.key)] == [f"{folder.key}net.pth"]


def test_failed_import(connect: Make, spec: Any, cloud: Mapping[str, str]) -> None:
    """What the platform cannot import is a failed version that says why; the next one is not held up by it."""
    backend = connect()
    body = {"model_name": spec().name, "model_version": "3.0.0", "model_type": "PyTorch"}
    backend._models.register({**body, "source_location": f"{cloud['obs_endpoint']}/{cloud['bucket']}/nowhere/"})
    backend.register(spec())
    good, bad = settled(backend, spec().name)

    assert (bad.version, bad.status, bad.native) == ("3.0.0", ModelStatus.FAILED, "failed")
    assert "nowhere" in bad.reason
    assert (good.version, good.status) == ("3.0.1", ModelStatus.READY)


def test_runtime_of_another_type(connect: Make, spec: Any) -> None:
    """A runtime is held against what the platform offers for the type, before anything is brought there."""
    backend = connect()
    with pytest.raises(SpecError, match=r"options\.modelarts\.runtime: 'tf2\.1-python3\.7' is not offered here"):
        backend.register(spec(options={"runtime": "tf2.1-python3.7"}))

    assert backend.models(spec().name) == []


def test_pages(connect: Make, spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of many pages is read to its end, and a name finds itself alone."""
    backend, name = connect(), spec().name
    monkeypatch.setattr(paging, "_PAGE", 2)
    refs = [backend.register(spec(version=f"0.0.{number}")) for number in range(1, 6)]
    backend.register(spec(name=f"{name}-more"))

    assert [info.ref for info in backend.models(name)] == refs[::-1]
    assert {info.ref for info in backend.models()} > set(refs)


def test_code_for_an_image(connect: Make, spec: Any) -> None:
    """An image serves by itself; code goes into the platform's own one, where its type is named."""
    backend, image = connect(), "swr.cn-north-4.myhuaweicloud.com/team/train:1"
    with pytest.raises(SpecError, match="source_dir: ModelArts puts no code into an image") as caught:
        backend.register(spec(image=image))
    backend.register(spec(image=image, options={"model_type": "PyTorch"}))

    assert "options.modelarts.model_type" in caught.value.hint
    assert [info.status for info in settled(backend, spec().name)] == [ModelStatus.READY]


# by script


def test_image_that_serves(script: Any, scripted: Make) -> None:
    """An image is imported from its place, with its configuration in the body; a job's model tells the job."""
    script.on("GET /v1/models", EMPTY)
    script.on("POST /v1/models", {"model_id": UUID})
    job = "modelarts://cn-north-4/567000/1108000"
    options = {"health": {"url": "/health", "timeout_seconds": "30"}, "install_type": ["real-time"], "workspace": "w1"}
    ref = scripted().register(
        ModelSpec(**{**_fields(IMAGE), "version": "", "job": job, "description": "ours", "options": options})
    )
    (body,) = script.calls("POST /v1/models")

    assert ref == ModelRef("modelarts", "cn-north-4", UUID)
    assert body == {
        "model_name": "m",
        "model_version": "0.0.1",
        "model_type": "Image",
        "source_location": IMAGE.image,
        "source_job_id": "567000",
        "source_job_version": "1108000",
        "description": f"ours from {job}",
        "workspace_id": "w1",
        "install_type": ["real-time"],
        "initial_config": json.dumps(
            {"health": options["health"], "model_algorithm": "predict_analysis", "model_type": "Image"}, sort_keys=True
        ),
    }


def _fields(spec: ModelSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in ("name", "version", "artifact", "image")}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"version": "2"}, "model_version: '2' is no version here"),
        ({"version": "1.0.100"}, "model_version"),
        ({"version": "01.0.0"}, "model_version"),
        ({"name": "a b"}, "model_name: 'a b' is no name here"),
        ({"description": "x" * 101}, "description: 101 characters are too many"),
        ({"description": "a & b"}, "description: ModelArts takes no & there"),
        ({"options": {"model_type": "Torch"}}, r"options\.modelarts\.model_type"),
        ({"options": {"model_docs": [{"doc_name": "x"}]}}, r"options\.modelarts: model_docs"),
        ({"options": {"health": {"protocol": "http"}}}, r"config\.json: health\.url: it is missing"),
        ({"options": {"apis": [{"method": "PUT"}]}}, r"config\.json: apis\[0\]\.method"),
    ],
)
def test_refused_before_anything_is_sent(script: Any, scripted: Make, fields: dict[str, Any], told: str) -> None:
    """What the platform would not take is refused by the name of its field."""
    script.on("GET /v1/models", EMPTY)
    with pytest.raises(SpecError, match=told):
        scripted().register(ModelSpec(**{**_fields(IMAGE), **fields}))

    assert script.calls("POST /v1/models") == []


def test_lost_answer(script: Any, scripted: Make, pauses: list[float]) -> None:
    """After a lost answer the version is looked up by what it is made of, and never asked for twice."""
    script.on("POST /v1/models", None)
    script.on("GET /v1/models", listed(row()))
    script.on(f"GET /v1/models/{UUID}", {**row(), "source_location": IMAGE.image})
    backend = scripted()

    assert backend.register(IMAGE).id == UUID
    script.on(f"GET /v1/models/{UUID}", {**row(), "source_location": "another"})
    with pytest.raises(Conflict, match=r"already a version 1\.0\.0 of model m"):
        backend.register(IMAGE)
    script.on("GET /v1/models", EMPTY)
    with pytest.raises(ServiceError, match="no answer from"):
        backend.register(IMAGE)
    assert len(script.calls("POST /v1/models")) == 3


def test_two_clients_count_at_once(script: Any, scripted: Make) -> None:
    """A version that another client took meanwhile is counted past."""
    taken = (409, {"error_code": "ModelArts.3002", "error_msg": "exists"})
    script.on("GET /v1/models", EMPTY, listed(row("0.0.1")))
    script.on("POST /v1/models", taken, {"model_id": UUID})
    scripted().register(ModelSpec(**{**_fields(IMAGE), "version": ""}))

    assert [body["model_version"] for body in script.calls("POST /v1/models")] == ["0.0.1", "0.0.2"]


def test_words(script: Any, scripted: Make) -> None:
    """The platform's words become neutral ones; a failure tells its reason, and a description its job."""
    words = ("publishing", "building", "published", "failed", "building_failed", "odd")
    rows = [
        row(f"0.0.{index}", model_id=f"id{index}", model_status=word, error_msg="bad files", create_at=1000 + index)
        for index, word in enumerate(words)
    ]
    rows[0]["description"] = "ours from modelarts://cn-north-4/1/2"
    script.on("GET /v1/models", listed(*rows, {"model_name": "other"}))
    found = {info.native: info for info in scripted().models("m")}

    assert {word: info.status.value for word, info in found.items()} == {
        "publishing": "PREPARING",
        "building": "PREPARING",
        "published": "READY",
        "failed": "FAILED",
        "building_failed": "FAILED",
        "odd": "UNKNOWN",
    }
    assert found["failed"].reason == "bad files"
    assert found["published"].reason == ""
    assert found["publishing"].job == "modelarts://cn-north-4/1/2"


def test_model_in_use(script: Any, scripted: Make) -> None:
    """A version that a service has stays, unless the service is about to go: then that is waited for."""
    used = {"model_id": UUID, "error_code": "ModelArts.3009", "error_message": "in use"}
    refused = {"delete_success_list": [], "delete_failed_list": [used]}
    gone = {"delete_success_list": [UUID], "delete_failed_list": []}
    services = {"total_count": 1, "services": [{"service_id": "s", "status": "running"}]}
    leaving = {"total_count": 1, "services": [{"service_id": "s", "status": "deleting"}]}
    script.on(f"GET /v1/models/{UUID}", row(source_location="swr/x:1"))
    script.on(f"DELETE /v1/models/{UUID}", refused)
    script.on("GET /v1/services", services)
    backend, ref = scripted(), ModelRef("modelarts", "cn-north-4", UUID)

    with pytest.raises(UsageError, match="in use") as caught:
        backend.delete_model(ref)
    assert "until the service is gone" in caught.value.hint
    script.on("GET /v1/services", leaving)
    script.on(f"DELETE /v1/models/{UUID}", refused, refused, gone)
    backend.delete_model(ref)
    assert len(script.calls(f"DELETE /v1/models/{UUID}")) == 4


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "ModelArts.3015", SpecError),
        (400, "ModelArts.3017", SpecError),
        (400, "ModelArts.3037", SpecError),
        (404, "ModelArts.3001", NotFound),
        (409, "ModelArts.3002", Conflict),
        (401, "ModelArts.3801", AuthError),
    ],
)
def test_error_codes(script: Any, scripted: Make, status: int, code: str, kind: type[Exception]) -> None:
    """The codes of models become the errors that they mean, with the platform's own words."""
    script.on("POST /v1/models", (status, {"error_code": code, "error_message": "so it is"}))
    with pytest.raises(kind, match=r"so it is|does not take the token"):
        scripted().register(IMAGE)


def test_ids_that_are_none(script: Any, scripted: Make) -> None:
    """What cannot be an id is nowhere, and nobody is asked."""
    scripted().delete_model(ModelRef("modelarts", "cn-north-4", "1/2"))

    assert script.asked == []
