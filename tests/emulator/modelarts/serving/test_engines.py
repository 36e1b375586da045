"""Packages of every engine, with the base class that the documents give it."""

from __future__ import annotations

from typing import Any

import pytest

SERVICE = """
import os
from MODULE import BASE

class Service(BASE):
    def __init__(self, *words):
        super().__init__(*words)
        self.words = words

    def _inference(self, data):
        path = self.model_path
        return {"kind": "KIND", "words": len(self.words), "path": os.path.basename(path), "folder": os.path.isdir(path)}
"""
ENGINES: dict[str, tuple[str, str, tuple[str, ...], int, str]] = {  # module, base, files, words, model_path
    "TensorFlow": (
        "model_service.tfserving_model_service",
        "TfServingBaseService",
        ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"),
        2,
        "model/",
    ),
    "PyTorch": ("model_service.pytorch_model_service", "PTServingBaseService", ("net.pth",), 2, "net.pth"),
    "MindSpore": ("model_service.model_service", "SingleNodeService", ("a.ckpt", "a.om"), 2, "model/"),
    "MXNet": (
        "mms.model_service.mxnet_model_service",
        "MXNetBaseService",
        ("net-symbol.json", "net-0000.params"),
        2,
        "model/",
    ),
    "Caffe": (
        "model_service.caffe_model_service",
        "CaffeBaseService",
        ("deploy.prototxt", "net.caffemodel"),
        2,
        "model/",
    ),
    "XGBoost": ("model_service.python_model_service", "XgSklServingBaseService", ("model.m",), 1, "model.m"),
    "Scikit_Learn": ("model_service.python_model_service", "XgSklServingBaseService", ("model.m",), 1, "model.m"),
    "Spark_MLlib": (
        "model_service.spark_model_service",
        "SparkServingBaseService",
        ("spark_model/metadata",),
        1,
        "spark_model/",
    ),
}
TENSORFLOW = """
from types import SimpleNamespace as Names

class Tensor:
    def __init__(self, value):
        self.value = value
    def numpy(self):
        return self
    def tolist(self):
        return self.value

class Signature:
    structured_input_signature = ((), {"images": Names(dtype="float32")})
    def __call__(self, images):
        return {"scores": Tensor([images.value, images.dtype])}

def constant(value, dtype):
    tensor = Tensor(value)
    tensor.dtype = dtype
    return tensor

def load(path):
    open(path + "/saved_model.pb").close()
    return Names(signatures={"serving_default": Signature()})

saved_model = Names(load=load)
"""
TORCH = """
from contextlib import nullcontext as no_grad
"""
MODULE = """
from model_service.pytorch_model_service import PTServingBaseService

class Service(PTServingBaseService):
    def __init__(self, model_name, model_path):
        super().__init__(model_name, model_path)
        self.model = lambda value: value * 2
"""


def put(desk: Any, name: str, kind: str, files: dict[str, str]) -> dict[str, Any]:
    """A published model of that kind out of these files."""
    config = {"model_algorithm": "any", "model_type": kind}
    for file, content in files.items():
        key = f"{name}/model/{file}"
        desk.rig.s3.put_object(Bucket=desk.rig.bucket, Key=key, Body=content.encode())
    location = desk.package(name, service=None, config=config)
    body = desk.body(name, location, model_type=kind, runtime=None)
    model: dict[str, Any] = desk.settled(desk.start_import(body))
    assert model["model_status"] == "published", model
    return model


def test_every_engine(desk: Any) -> None:
    """Its base class is found where the documents say, gets what they say, and knows its model's place."""
    parts: list[dict[str, Any]] = []
    for kind, (module, base, files, _, _) in ENGINES.items():
        code = SERVICE.replace("MODULE", module).replace("BASE", base).replace("KIND", kind)
        model = put(desk, kind, kind, {"customize_service.py": code} | dict.fromkeys(files, "x"))
        parts.append(desk.part(model["model_id"], weight=16 if len(parts) < 4 else 9))
    found = desk.rested(desk.start_service(desk.service("engines", *parts)))
    assert found["status"] == "running", found
    answers = {answer["kind"]: answer for answer in (desk.predict(found).json() for _ in range(16))}

    assert answers == {
        kind: {"kind": kind, "words": words, "path": path.rstrip("/"), "folder": path.endswith("/")}
        for kind, (_, _, _, words, path) in ENGINES.items()
    }


def test_the_handler_of_saved_models(desk: Any) -> None:
    """Outputs by name as nested lists. TensorFlow is too large for tests: the package brings a module in its place."""
    files = dict.fromkeys(ENGINES["TensorFlow"][2], "x") | {"tensorflow.py": TENSORFLOW}
    model = put(desk, "saved", "TensorFlow", files)
    found = desk.rested(desk.start_service(desk.service("saved", desk.part(model["model_id"]))))

    assert found["status"] == "running", found
    assert desk.predict(found, {"images": [[1, 2]]}).json() == {"scores": [[[1, 2]], "float32"]}


def test_the_handler_of_modules(desk: Any) -> None:
    """What the package loaded as `self.model` is asked for each member; PyTorch is stood in for by the package."""
    files = {"net.pth": "x", "torch.py": TORCH, "customize_service.py": MODULE}
    model = put(desk, "module", "PyTorch", files)
    found = desk.rested(desk.start_service(desk.service("module", desk.part(model["model_id"]))))

    assert desk.predict(found, {"a": 2, "b": "x"}).json() == {"a": 4, "b": "xx"}


@pytest.mark.parametrize("kind", ["MXNet", "Caffe", "Spark_MLlib"])
def test_engines_that_are_not_here(desk: Any, kind: str) -> None:
    """A package without code cannot be served, and the service says what to do."""
    model = put(desk, f"bare-{kind}", kind, dict.fromkeys(ENGINES[kind][2], "x"))
    found = desk.rested(desk.start_service(desk.service(f"bare-{kind}", desk.part(model["model_id"]))))

    assert found["status"] == "failed"
    assert "give the package a customize_service.py" in found["error_msg"]
