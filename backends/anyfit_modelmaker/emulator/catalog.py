"""What the service offers: machines, frameworks and algorithms (reference, section 6).

The lists are made up after what the samples show. A framework has one name and two ids, one for training and one
for prediction; an algorithm and its preset model share their name.
"""

from __future__ import annotations

from attrs import frozen

__all__ = ["ALGORITHMS", "ENVIRONMENTS", "FRAMEWORKS", "PRESET_MODELS", "RESOURCES", "Entry", "Resource"]

ENVIRONMENTS = {
    "TRAIN": "TRAIN",
    "DEVELOPMENT": "DEVELOPMENT",
    "PREDICT": "PREDICT",
    "REASONING": "PREDICT",  # the word of SDK 1.1.0
}


@frozen
class Resource:
    """A machine.

    Attributes:
        cpu: Cores.
        memory: GiB.
        gpu_model: Name of the accelerator, or "".
    """

    id: int
    name: str
    cpu: float
    memory: float
    gpu_model: str = ""
    gpu_count: int = 0

    def to_wire(self) -> dict[str, object]:
        """As a list shows it."""
        document: dict[str, object] = {"id": self.id, "name": self.name, "cpu": self.cpu, "memory": self.memory}
        if self.gpu_model:
            document |= {"gpuModel": self.gpu_model, "gpuCount": self.gpu_count}
        return document


@frozen
class Entry:
    """A framework, an algorithm or a preset model."""

    id: int
    name: str

    def to_wire(self) -> dict[str, object]:
        """As a list shows it."""
        return {"id": self.id, "name": self.name}


def _machines(*ids: int) -> tuple[Resource, ...]:
    sizes = (
        ("4C8G", 4, 8, "", 0),
        ("2C4G", 2, 4, "", 0),
        ("8C16G", 8, 16, "", 0),
        ("16C64G", 16, 64, "", 0),
        ("8C32G-1xK80", 8, 32, "K80", 1),
        ("16C64G-2xK80", 16, 64, "K80", 2),
    )
    return tuple(Resource(number, *size) for number, size in zip(ids, sizes, strict=True))


def _entries(names: tuple[str, ...], *ids: int) -> tuple[Entry, ...]:
    return tuple(Entry(number, name) for number, name in zip(ids, names, strict=True))


_FRAMEWORKS = (
    "TensorFlow-1.13.1-python3.7",
    "TensorFlow-1.13.1-python3.5",
    "PyTorch-1.0.1-python3.7",
    "MXNET-python3.5",
    "Caffe-python3.5",
)
_ALGORITHMS = ("ImageClassification", "ObjectDetection", "ObjectSegmentation")

RESOURCES = {
    "TRAIN": _machines(500050, 500100, 500150, 500550, 501801, 502201),
    "DEVELOPMENT": _machines(500004, 500104, 500204, 500304, 500404, 500504),
    "PREDICT": _machines(500151, 500005, 500200, 500250, 502202, 502204),
}
FRAMEWORKS = {
    "TRAIN": _entries(_FRAMEWORKS, 500000, 500100, 500200, 500300, 500400),
    "DEVELOPMENT": _entries(_FRAMEWORKS, 500002, 500102, 500202, 500302, 500402),
    "PREDICT": _entries(_FRAMEWORKS, 500001, 500150, 500250, 500350, 500450),
}
ALGORITHMS = _entries(_ALGORITHMS, 500000, 500050, 500100)
PRESET_MODELS = _entries(_ALGORITHMS, 500000, 500051, 500101)
