"""From a model package to the object that answers its requests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["load"]

CODE = "customize_service.py"
_BUILT_IN = {  # the class that answers when a package has no code of its own
    "TensorFlow": ("model_service.tfserving_model_service", "TfServingBaseService"),
    "PyTorch": ("model_service.pytorch_model_service", "PTServingBaseService"),
    "MindSpore": ("model_service.model_service", "SingleNodeService"),
    "MXNet": ("mms.model_service.mxnet_model_service", "MXNetBaseService"),
    "Caffe": ("model_service.caffe_model_service", "CaffeBaseService"),
    "XGBoost": ("model_service.python_model_service", "BuiltIn"),
    "Scikit_Learn": ("model_service.python_model_service", "BuiltIn"),
    "Spark_MLlib": ("model_service.spark_model_service", "SparkServingBaseService"),
}
_CLASSIC = ("XGBoost", "Scikit_Learn", "Spark_MLlib")  # constructed with the path alone
_FILES = {  # whose `model_path` is the model's file and not its directory
    "PyTorch": ("*.pth", "*.pt"),
    "XGBoost": ("*.m",),
    "Scikit_Learn": ("*.m",),
    "Spark_MLlib": ("spark_model",),
}


def load(directory: Path, model_type: str, model_name: str) -> Any:
    """The service of a package."""
    module, name = _BUILT_IN[model_type]
    base = getattr(importlib.import_module(module), name)
    file = directory / CODE
    service = _subclass(_module(file), file) if file.exists() else base
    path = str(_model_path(directory, model_type))
    made = service(path) if model_type in _CLASSIC else service(model_name, path)
    if service is base:
        made.load()  # what cannot be served shall fail now and not with the first request
    return made


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None  # noqa: S101  it is a file of Python
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _subclass(module: ModuleType, file: Path) -> type[Any]:
    """The first class of the file that is a service."""
    root = importlib.import_module("model_service.model_service").SingleNodeService
    for member in vars(module).values():
        if isinstance(member, type) and issubclass(member, root) and member.__module__ == module.__name__:
            return member
    raise SystemExit(f"{file.name} has no class that extends a service of model_service or mms.model_service")


def _model_path(directory: Path, model_type: str) -> Path:
    patterns = _FILES.get(model_type, ())
    found = sorted(path for pattern in patterns for path in directory.glob(pattern))
    return found[0] if found else directory
