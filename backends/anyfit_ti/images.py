"""The images of the first generation, by the rule that its SDK makes their names with; there is no list of them."""

from __future__ import annotations

import re

__all__ = ["NEWEST", "VERSIONS", "image_of", "python_tag"]

_REGISTRY = "ccr.ccs.tencentyun.com/ti_containers"
VERSIONS = {
    "tensorflow": ("1.14.0", "2.0.0", "2.1.0"),
    "pytorch": ("1.1.0",),
    "mxnet": ("1.4.1",),
    "sklearn": ("0.20.3",),
}
"""The versions that the vendor's documents and its SDK name; the last is the SDK's default."""

NEWEST = {name: versions[-1] for name, versions in VERSIONS.items()}
_CUDA = {"tensorflow": (((2, 1), "cu101"), ((1, 15), "cu100")), "pytorch": (((1, 5), "cu101"), ((1, 3), "cu100"))}


def image_of(framework: str, version: str, python: str = "py3") -> str:
    """The image of a framework: newer TensorFlow and PyTorch have their CUDA in the tag."""
    numbers = tuple(map(int, re.findall(r"\d+", version)[:3]))
    for least, cuda in _CUDA.get(framework, ()):
        if numbers >= least:
            return f"{_REGISTRY}/{framework}:{version}-gpu-{cuda}-{python}"
    return f"{_REGISTRY}/{framework}:{version}-{python}"


def python_tag(py_version: str) -> str:
    """`py3` or `py2` for any way to write a version of Python."""
    digits = re.findall(r"\d", py_version)
    return "py2" if digits[:1] == ["2"] else "py3"
