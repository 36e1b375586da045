"""Models: imports, versions, lists, deletion."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest


def test_an_import_is_published(desk: Any, rig: Any) -> None:
    """Everything is shown that was sent or that config.json says, in the documented forms."""
    body = desk.body("digits", desk.package("digits"), source_job_id="7", source_job_version="1", description="mine")
    model = desk.settled(desk.start_import(body))

    assert model["model_status"] == "published", model
    assert model.items() >= body.items()
    assert json.loads(model["config"])["model_algorithm"] == model["model_algorithm"] == "echo"
    assert json.loads(model["model_metrics"]) == {"accuracy": 0.98}
    assert [api["url"] for api in json.loads(model["apis"])] == ["/"]
    place = {"url": "/", "method": "post", "protocol": "https"}
    assert model["input_params"] == [place | {"param_name": "rows", "param_type": "int"}]
    assert model["output_params"] == [place | {"param_name": "digit", "param_type": "float"}]
    assert model["dependencies"][0]["packages"][0]["package_name"] == "Pillow"
    assert model["execution_code"] == f"{body['source_location']}/model/customize_service.py"
    assert model["project"] == rig.project
    assert model["install_type"] == ["real-time", "edge", "batch"]
    assert isinstance(model["create_at"], int)
    assert model["model_size"] == sum(map(len, rig.objects("digits").values()))
    assert "error_msg" not in model


def test_an_import_takes_its_time(make_desk: Any) -> None:
    """Clients get to see that it is not usable yet; a service with it is refused meanwhile."""
    desk = make_desk(pause=60)
    model_id = desk.start_import(desk.body("slow", desk.package("slow")))

    assert desk.rig.get(f"/v1/{{p}}/models/{model_id}")["model_status"] == "publishing"
    refused = desk.rig.post("/v1/{p}/services", desk.service("slow", desk.part(model_id)), status=400)
    assert refused["error_code"] == "ModelArts.3515"


def broken(**changes: Any) -> dict[str, Any]:
    """A configuration with other members; None takes one away."""
    config = {"model_algorithm": "echo", "model_type": "Scikit_Learn"} | changes
    return {name: value for name, value in config.items() if value is not None}


API = {"url": "/", "method": "post", "request": {"Content-type": "application/json"}}


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        ({"config": None}, "ModelArts.3015", "there is no config.json"),
        ({"config": "{"}, "ModelArts.3015", "not JSON"),
        ({"config": "[]"}, "ModelArts.3015", "a JSON object"),
        ({"config": broken(model_algorithm=None)}, "ModelArts.3015", "model_algorithm is required"),
        ({"config": broken(model_algorithm="7up")}, "ModelArts.3015", "model_algorithm"),
        ({"config": broken(model_type="XGBoost")}, "ModelArts.3015", "must be Scikit_Learn"),
        ({"config": broken(runtime="python4")}, "ModelArts.3015", "runtime"),
        ({"config": broken(colour="red")}, "ModelArts.3016", "colour"),
        ({"config": broken(metrics={"f1": "high"})}, "ModelArts.3015", "metrics.f1"),
        ({"config": broken(apis=[API | {"url": "/more"}])}, "ModelArts.3015", "apis must be exactly one"),
        ({"config": broken(apis=[API, API])}, "ModelArts.3015", "apis must be exactly one"),
        ({"config": broken(apis=[API | {"method": "dance"}])}, "ModelArts.3015", "apis[0].method"),
        (
            {"config": broken(apis=[API | {"request": {"Content-type": "multipart/form-data"}}])},
            "ModelArts.3015",
            "apis[0].request.Content-type",
        ),
        (
            {"config": broken(dependencies=[{"installer": "pip", "packages": [{"package_version": "1"}]}])},
            "ModelArts.3015",
            "dependencies[0].packages[0].package_name is required",
        ),
        ({"model_type": "XGBoost", "config": broken(model_type="XGBoost"), "model__m": b""}, "", ""),
        (
            {"model_type": "PyTorch", "config": broken(model_type="PyTorch"), "w__pth": "", "service": None},
            "ModelArts.3006",
            "no customize_service.py",
        ),
        ({"model_type": "PyTorch", "config": broken(model_type="PyTorch")}, "ModelArts.3006", "no *.pth or *.pt"),
        ({"other__m": ""}, "ModelArts.3006", "has model.m, other.m"),
        (
            {"model_type": "TensorFlow", "config": broken(model_type="TensorFlow"), "saved_model__pb": ""},
            "ModelArts.3006",
            "variables.index",
        ),
    ],
)
def test_a_package_is_checked(desk: Any, rig: Any, options: dict[str, Any], code: str, reason: str) -> None:
    """The import of a bad one fails, and the model says why; of a good one it does not."""
    model = desk.imported(rig.name("checked"), **options)

    assert model["model_status"] == ("failed" if code else "published")
    assert model.get("error_code", "") == code
    assert reason in model.get("error_msg", "")


def test_a_failed_import_serves_nobody(desk: Any, rig: Any) -> None:
    """A place with nothing below `model/` is as bad as a bucket that is not there."""
    locations = [f"https://{rig.bucket}.obs.x.com/nowhere/", "https://no-such-bucket.obs.x.com/a/"]
    for number, location in enumerate(locations):
        model = desk.settled(desk.start_import(desk.body(f"missing-{number}", location)))
        assert (model["model_status"], model["error_code"]) == ("failed", "ModelArts.3017")
        assert "model/" in model["error_msg"]
        refused = rig.post("/v1/{p}/services", desk.service("m", desk.part(model["model_id"])), status=400)
        assert refused["error_code"] == "ModelArts.3515"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"model_name": None}, "ModelArts.3036", "model_name"),
        ({"source_location": None}, "ModelArts.3036", "source_location"),
        ({"model_name": "a b"}, "ModelArts.3037", "model_name"),
        ({"model_version": "1.0"}, "ModelArts.3037", "model_version"),
        ({"model_version": "01.01.01"}, "ModelArts.3037", "model_version"),
        ({"model_version": "1.0.100"}, "ModelArts.3037", "model_version"),
        ({"model_type": "Prolog"}, "ModelArts.3037", "model_type"),
        ({"runtime": "python9"}, "ModelArts.3037", "runtime"),
        ({"source_type": "algos"}, "ModelArts.3037", "source_type"),
        ({"description": "<b>"}, "ModelArts.3037", "description"),
        ({"install_type": ["Batch"]}, "ModelArts.3037", "install_type"),
        ({"model_metrics": {"f1": 1}}, "ModelArts.3037", "model_metrics"),
        ({"input_params": [{"url": "/"}]}, "ModelArts.3036", "input_params[0].method"),
        ({"dependencies": [{"installer": "npm"}]}, "ModelArts.3036", "dependencies[0].installer"),
        ({"model_docs": [{"doc_name": "x", "doc_url": "ftp://x"}]}, "ModelArts.3037", "model_docs[0].doc_url"),
        ({"source_location": "nowhere"}, "ModelArts.3017", "source_location"),
        ({"source_location": "https://example.com/x/"}, "ModelArts.3017", "source_location"),
        ({"execution_code": "x.py"}, "ModelArts.3017", "execution_code"),
        ({"initial_config": "{}"}, "ModelArts.3015", "model_algorithm"),
        ({"model_type": "Template", "runtime": None}, "ModelArts.3036", "template"),
    ],
)
def test_a_bad_body_is_refused(desk: Any, rig: Any, changes: dict[str, Any], code: str, field: str) -> None:
    """At once, naming the field, in the shape of this API."""
    body = {k: v for k, v in (desk.body("bad", "/bucket/bad/") | changes).items() if v is not None}
    answer = rig.post("/v1/{p}/models", body, status=400)

    assert answer["error_code"] == code
    assert answer["error_message"] == answer["error_msg"]
    assert field in answer["error_msg"]


def test_versions_of_a_name(desk: Any, rig: Any) -> None:
    """A name has many versions, each once; lists find them by name, version, type and state, and page."""
    location = desk.package("family")
    ids = [desk.start_import(desk.body("family_tree", location, model_version=f"0.0.{number}")) for number in range(3)]
    for model_id in ids:
        desk.settled(model_id)
    twice = rig.post("/v1/{p}/models", desk.body("family_tree", location, model_version="0.0.1"), status=409)

    def found(query: str) -> list[str]:
        answer = rig.get(f"/v1/{{p}}/models?{query}")
        assert answer["count"] == len(answer["models"])
        return [model["model_version"] for model in answer["models"]]

    assert twice["error_code"] == "ModelArts.3002"
    assert found("model_name=family&sort_by=model_version&order=asc") == ["0.0.0", "0.0.1", "0.0.2"]
    assert found("model_name=family&sort_by=model_version&offset=1&limit=2") == ["0.0.0"]
    assert found("model_name=family&exact_match=true") == []
    assert found("model_name=family_tree&exact_match=true&model_version=0.0.2") == ["0.0.2"]
    assert found("model_name=family&not_model_type=Scikit_Learn") == []
    assert found("model_name=family&model_type=Scikit_Learn&model_status=failed") == []
    assert rig.get("/v1/{p}/models?model_name=family&limit=1")["total_count"] == 3
    assert rig.get("/v1/{p}/models?sort_by=colour", status=400)["error_code"] == "ModelArts.3037"


def test_deleting_one_and_all(desk: Any, rig: Any) -> None:
    """One version goes alone, `cascade` takes those of the name; packages go from the disk with them."""
    location = desk.package("short")
    ids = [desk.start_import(desk.body("short", location, model_version=f"1.0.{number}")) for number in range(3)]
    other = desk.start_import(desk.body("short-not", location))
    for model_id in (*ids, other):
        desk.settled(model_id)
    gone = {"delete_success_list": [ids[0]], "delete_failed_list": []}

    assert rig.call("DELETE", f"/v1/{{p}}/models/{ids[0]}") == gone
    assert rig.get(f"/v1/{{p}}/models/{ids[0]}", status=404)["error_code"] == "ModelArts.3001"
    assert rig.call("DELETE", f"/v1/{{p}}/models/{ids[0]}", status=404)["error_code"] == "ModelArts.3001"
    answer = rig.call("DELETE", f"/v1/{{p}}/models/{ids[1]}?cascade=true")
    assert sorted(answer["delete_success_list"]) == sorted(ids[1:])
    left = [path.name for path in (rig.room.storage.store.system / "modelarts" / "models").iterdir()]
    assert other in left
    assert not set(ids) & set(left)


def test_a_model_is_deleted_in_the_middle_of_its_import(make_desk: Any) -> None:
    """Nothing of it is left."""
    desk = make_desk(pause=60)
    model_id = desk.start_import(desk.body("brief", desk.package("brief")))
    (importing,) = [thread for thread in threading.enumerate() if thread.name == f"import-{model_id}"]
    answer = desk.rig.call("DELETE", f"/v1/{{p}}/models/{model_id}")
    desk.rig.close()
    importing.join(60)

    assert answer["delete_success_list"] == [model_id]
    assert list((desk.rig.room.storage.store.system / "modelarts" / "models").glob("*")) == []


def test_the_code_may_lie_elsewhere(desk: Any) -> None:
    """`execution_code` names it, `initial_config` is the configuration; then `model/` needs neither."""
    body = desk.body("elsewhere", desk.package("elsewhere", service=None, config=None))
    desk.package("code-place")
    code = f"/{desk.rig.bucket}/code-place/model/customize_service.py"
    config = json.dumps({"model_algorithm": "echo", "model_type": "Scikit_Learn"})
    model = desk.settled(desk.start_import(body | {"execution_code": code, "initial_config": config}))

    assert model["model_status"] == "published", model
    assert model["execution_code"] == code
    assert json.loads(model["config"]) == json.loads(config)


def test_images_and_templates(desk: Any, rig: Any) -> None:
    """An image is taken at its word, and a template is not known."""
    image = "swr.cn-north-4.myhuaweicloud.com/me/model:1"
    body = {"model_name": "image", "model_version": "1.0.0", "source_location": image, "model_type": "Image"}
    health = {"url": "/health", "protocol": "http", "initial_delay_seconds": "5"}
    config = json.dumps({"model_algorithm": "any", "model_type": "Image", "health": health})
    model = desk.settled(desk.start_import(body | {"initial_config": config}))
    template = {"template_id": "t", "template_inputs": [{"input_id": "i", "input": "/b/c/"}]}
    named = {"model_name": "template", "model_version": "1.0.0", "model_type": "Template", "template": template}

    assert (model["model_status"], model["image_address"], model["health"]) == ("published", image, health)
    config = json.dumps({"model_algorithm": "any", "model_type": "Image", "health": {"protocol": "http"}})
    refused = rig.post("/v1/{p}/models", body | {"model_version": "2.0.0", "initial_config": config}, status=400)
    assert refused["error_code"] == "ModelArts.3592"
    failed = desk.settled(desk.start_import(named))
    assert (failed["model_status"], failed["error_msg"]) == ("failed", "There is no template t.")


def test_runtimes_are_listed(rig: Any) -> None:
    """By engine, in arrays that go together."""
    answer = rig.get("/v1/{p}/models/ai-engine-runtimes")
    engines = {item["ai_engine"]: item for item in answer["engine_runtimes"]}

    assert answer["count"] == answer["total_count"] == len(engines)
    assert "tf1.13-python3.6-cpu" in engines["TensorFlow"]["runtimes"]
    assert {len(value) for value in engines["PyTorch"].values() if isinstance(value, list)} == {5}


def test_an_import_survives_the_emulator(make_desk: Any, tmp_path: Path) -> None:
    """One that was under way is begun again, one that was done stays as it is."""
    desk = make_desk()
    done = desk.imported("done")
    desk.rig.close()
    desk = make_desk(pause=60)
    model_id = desk.start_import(desk.body("again", desk.package("again")))
    desk.rig.close()
    desk = make_desk()

    assert desk.settled(model_id)["model_status"] == "published"
    assert desk.settled(done["model_id"]) == done
