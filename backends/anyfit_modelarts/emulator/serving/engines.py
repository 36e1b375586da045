"""Which types of models there are, in which runtimes, and what their packages must hold (reference, section 5.9)."""

from __future__ import annotations

import re
from typing import Any

from anyfit_modelarts.emulator.members import Members

__all__ = [
    "CUSTOM_CODE",
    "ENGINES",
    "FILES",
    "IMAGES",
    "JSON_ONLY",
    "ONE_FILE",
    "RUNTIMES",
    "read_runtime",
    "runtimes_to_wire",
]

IMAGES = frozenset({"Image", "Custom"})  # nothing but an image, which brings its own server
JSON_ONLY = frozenset({"XGBoost", "Scikit_Learn", "Spark_MLlib"})
CUSTOM_CODE = frozenset({"PyTorch", "MindSpore"})  # types that cannot do without customize_service.py
ONE_FILE = frozenset({"PyTorch", "XGBoost", "Scikit_Learn"})  # types whose model is a file
_PLAIN = ("python2.7", "python3.6", "python3.7")
_BOTH = tuple(f"{version}-{device}" for version in _PLAIN for device in ("cpu", "gpu"))
RUNTIMES: dict[str, tuple[str, ...]] = {
    "TensorFlow": (
        "python2.7",
        "python3.6",
        *(f"tf1.13-{name}" for name in _BOTH),
        "tf2.1-python3.7",
        "tensorflow_2.1.0-cuda_10.1-py_3.7-ubuntu_18.04-x86_64",
    ),
    "MXNet": _PLAIN,
    "Caffe": (*_PLAIN, *_BOTH),
    "Spark_MLlib": ("python2.7", "python3.6"),
    "Scikit_Learn": ("python2.7", "python3.6"),
    "XGBoost": ("python2.7", "python3.6"),
    "PyTorch": (*_PLAIN, "pytorch1.4-python3.7", "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"),
    "MindSpore": ("mindspore_1.7.0-cpu-py_3.7-ubuntu_18.04-x86_64",),
}
ENGINES = frozenset({*RUNTIMES, *IMAGES, "Template"})
FILES: dict[str, tuple[tuple[str, ...], ...]] = {  # of every group one pattern must be there
    "TensorFlow": (("saved_model.pb",), ("variables/variables.index",), ("variables/variables.data-*-of-*",)),
    "PyTorch": (("*.pth", "*.pt"),),
    "MXNet": (("*-symbol.json",), ("*-0000.params",)),
    "Caffe": (("deploy.prototxt",), ("*.caffemodel",)),
    "XGBoost": (("*.m",),),
    "Scikit_Learn": (("*.m",),),
    "Spark_MLlib": (("spark_model/*",),),
    "MindSpore": (("*.ckpt",), ("*.om",)),
}
_NEWER = re.compile(r"[a-z]+_\d[\w.]*(-[\w.]+)+")  # ids that look like those of training engines


def read_runtime(members: Members, model_type: str) -> None:
    """One that the type is offered with, if any is told."""
    runtime, offered = members.text("runtime"), RUNTIMES.get(model_type, ())
    if runtime and runtime not in offered and not _NEWER.fullmatch(runtime):
        members.fault("runtime", f"must be one of {', '.join(offered)}" if offered else f"is nothing for {model_type}")


def runtimes_to_wire() -> dict[str, Any]:
    """`GET /models/ai-engine-runtimes`."""
    found = [_to_wire(engine, runtimes) for engine, runtimes in RUNTIMES.items()]
    return {"count": len(found), "total_count": len(found), "engine_runtimes": found}


def _to_wire(engine: str, runtimes: tuple[str, ...]) -> dict[str, Any]:
    every = len(runtimes)
    accelerators = [{"type": "GPU" if "gpu" in name or "cuda" in name else "CPU"} for name in runtimes]
    return {
        "ai_engine": engine,
        "runtimes": list(runtimes),
        "request_mode": ["sync"] * every,
        "accelerators": accelerators,
        "arch": ["x86_64"] * every,
        "status_list": ["normal"] * every,
        "image_source": [""] * every,
    }
