"""Short words for what tests do with models and services."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

SERVICE = """
import os
from model_service.python_model_service import XgSklServingBaseService

class Echo(XgSklServingBaseService):
    def __init__(self, model_path):
        super().__init__(model_path)
        self.weights = open(model_path).read()

    def _preprocess(self, data):
        if data == {"say": "no"}:
            raise ValueError("this is not liked")
        if data == {"say": "die"}:
            os._exit(9)
        return {"got": data}

    def _inference(self, data):
        return data | {"model": self.weights}

    def _postprocess(self, data):
        return data | {"envs": {name: os.environ.get(name) for name in ("LOG", "EMULATED_SECRET_KEY")}}
"""
CONFIG: dict[str, Any] = {
    "model_algorithm": "echo",
    "model_type": "Scikit_Learn",
    "runtime": "python3.6",
    "metrics": {"accuracy": 0.98},
    "apis": [
        {
            "url": "/",
            "method": "post",
            "protocol": "https",
            "request": {
                "Content-type": "application/json",
                "data": {"type": "object", "properties": {"rows": {"type": "integer"}}},
            },
            "response": {
                "Content-type": "application/json",
                "data": {"type": "object", "properties": {"digit": {"type": "number"}}},
            },
        }
    ],
    "dependencies": [
        {
            "installer": "pip",
            "packages": [{"package_name": "Pillow", "package_version": "5.2.0", "restraint": "EXACT"}],
        }
    ],
}
SPECIFICATION = "modelarts.vm.cpu.2u"


class Desk:
    """A rig, seen by who has models and services."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig

    def package(self, name: str, service: str | None = SERVICE, config: Any = CONFIG, **files: str | bytes) -> str:
        """A package in the object store; answers its `source_location` as the documents write it."""
        known: dict[str, str | bytes] = {"model__m": name}
        if service is not None:
            known["customize_service__py"] = service
        if config is not None:
            known["config__json"] = config if isinstance(config, str) else json.dumps(config)
        self.rig.put_files(f"{name}/model", **(files or {}), **{k: v for k, v in known.items() if k not in files})
        return f"https://{self.rig.bucket}.obs.cn-north-4.myhuaweicloud.com/{name}"

    def body(self, name: str, location: str, **members: Any) -> dict[str, Any]:
        """The body of an import."""
        kind = {"model_type": "Scikit_Learn", "runtime": "python3.6"}
        return {"model_name": name, "model_version": "0.0.1", "source_location": location} | kind | members

    def start_import(self, body: dict[str, Any]) -> str:
        """Begin an import; answers the model's id."""
        return str(self.rig.post("/v1/{p}/models", body)["model_id"])

    def settled(self, model_id: str) -> dict[str, Any]:
        """The model, once its import has ended."""
        moving = ("publishing", "building")
        look = lambda: self.rig.get(f"/v1/{{p}}/models/{model_id}")  # noqa: E731
        found: dict[str, Any] = self.rig.until(look, lambda seen: seen["model_status"] not in moving)
        return found

    def imported(self, name: str, **options: Any) -> dict[str, Any]:
        """A model of that name out of a package of that name, once its import has ended."""
        members = {key: options.pop(key) for key in [*options] if key in ("model_version", "model_type", "runtime")}
        location = self.package(options.pop("folder", name), **options)
        return self.settled(self.start_import(self.body(name, location, **members)))

    def part(self, model_id: str, **members: Any) -> dict[str, Any]:
        """One item of a service's configuration."""
        return {"model_id": model_id, "weight": 100, "specification": SPECIFICATION, "instance_count": 1} | members

    def service(self, name: str, *parts: dict[str, Any], **members: Any) -> dict[str, Any]:
        """The body that deploys."""
        return {"service_name": name, "infer_type": "real-time", "config": list(parts)} | members

    def start_service(self, body: dict[str, Any]) -> str:
        """Begin to deploy; answers the service's id."""
        answer = self.rig.post("/v1/{p}/services", body)
        assert answer["resource_ids"]
        return str(answer["service_id"])

    def rested(self, service_id: str, *statuses: str) -> dict[str, Any]:
        """The service, once it is in one of these states, or in any that lasts."""
        wanted = statuses or ("running", "failed", "stopped")
        look = lambda: self.rig.get(f"/v1/{{p}}/services/{service_id}")  # noqa: E731
        found: dict[str, Any] = self.rig.until(look, lambda seen: seen["status"] in wanted)
        return found

    def deployed(self, name: str, **options: Any) -> dict[str, Any]:
        """A service of one model; both have that name."""
        members = {key: options.pop(key) for key in [*options] if key in ("instance_count", "envs")}
        model = self.imported(name, **options)
        assert model["model_status"] == "published", model
        return self.rested(self.start_service(self.service(name, self.part(model["model_id"], **members))))

    def change(self, service_id: str, body: dict[str, Any], status: int = 200) -> Any:
        """Start, stop, configure."""
        return self.rig.call("PUT", f"/v1/{{p}}/services/{service_id}", body, status)

    def about(self, service_id: str, what: str) -> Any:
        """Its events, its logs, its monitor."""
        return self.rig.get(f"/v1/{{p}}/services/{service_id}/{what}")

    def predict(self, found: dict[str, Any], value: Any = None, **options: Any) -> requests.Response:
        """A call with a token; JSON unless told otherwise."""
        if "files" not in options and "data" not in options:
            options["json"] = {} if value is None else value
        headers = {"X-Auth-Token": self.rig.token} | options.pop("headers", {})
        method = options.pop("method", "POST")
        url = found["access_address"] + options.pop("path", "")
        answer: requests.Response = self.rig.http.request(method, url, headers=headers, timeout=30, **options)
        return answer


@pytest.fixture(scope="module")
def desk(rig: Any) -> Desk:
    """Of the emulator that the tests of a file share."""
    return Desk(rig)


@pytest.fixture
def make_desk(make_rig: Callable[..., Any]) -> Callable[..., Desk]:
    """Of emulators of a test's own."""
    return lambda *words, **options: Desk(make_rig(*words, **options))
