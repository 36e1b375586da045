"""The types of models that the platform serves: what their packages hold, and the images that they run in.

PyTorch's is the type for everything that has no better one: it takes any payload and any code of one's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from attrs import field, frozen

from anyfit.errors import SpecError, nearest

__all__ = ["IMAGE", "TYPES", "ModelType", "fits", "runtime_for", "type_for"]

IMAGE = "Image"
"""The type of an image that serves by itself."""

_PYTHON = re.compile(r"(?:python|py_?)(\d)\.?(\d+)")
_NUMBERS = re.compile(r"\d+")


@frozen(kw_only=True)
class ModelType:
    """A type of models.

    Attributes:
        name: The platform's word.
        module, base: The class that a service of this type extends, and where it is.
        classic: Whether services are made with the model's place alone, and take JSON alone.
        files: What a package has to hold: of every group a file of one of the patterns.
        single: Whether there may be one such file only.
        stand_in: A file that takes the place of the platform's own, where anyfit's handler loads the model; or "".
        content: Of the stand-in.
        families: What users call it, see `Framework.name`.
        package: What has to be installed for one of the families where the type does not fit.
    """

    name: str
    module: str
    base: str
    classic: bool = False
    files: tuple[tuple[str, ...], ...] = ()
    single: bool = False
    stand_in: str = ""
    content: bytes = field(default=b"anyfit\n", repr=False)
    families: tuple[str, ...] = ()
    package: str = ""


_NONE = b"\x80\x03N."  # `None` as pickle and joblib read it, should the platform look into the file
_SERVICES = "model_service"
TYPES = {
    each.name: each
    for each in (
        ModelType(
            name="TensorFlow",
            module=f"{_SERVICES}.tfserving_model_service",
            base="TfServingBaseService",
            files=(("saved_model.pb",), ("variables/variables.index",), ("variables/variables.data-*-of-*",)),
            families=("tensorflow", "tf", "keras"),
            package="tensorflow",
        ),
        ModelType(
            name="PyTorch",
            module=f"{_SERVICES}.pytorch_model_service",
            base="PTServingBaseService",
            files=(("*.pth", "*.pt"),),
            single=True,
            stand_in="anyfit.pth",
            families=("pytorch", "torch"),
        ),
        ModelType(
            name="MindSpore",
            module=f"{_SERVICES}.model_service",
            base="SingleNodeService",
            files=(("*.ckpt",), ("*.om",)),
            families=("mindspore", "mindspore-gpu"),
            package="mindspore",
        ),
        ModelType(
            name="MXNet",
            module="mms.model_service.mxnet_model_service",
            base="MXNetBaseService",
            files=(("*-symbol.json",), ("*-0000.params",)),
            families=("mxnet",),
            package="mxnet",
        ),
        ModelType(
            name="Caffe",
            module=f"{_SERVICES}.caffe_model_service",
            base="CaffeBaseService",
            files=(("deploy.prototxt",), ("*.caffemodel",)),
            families=("caffe",),
        ),
        ModelType(
            name="XGBoost",
            module=f"{_SERVICES}.python_model_service",
            base="XgSklServingBaseService",
            classic=True,
            files=(("*.m",),),
            single=True,
            stand_in="anyfit.m",
            content=_NONE,
            families=("xgboost",),
        ),
        ModelType(
            name="Scikit_Learn",
            module=f"{_SERVICES}.python_model_service",
            base="XgSklServingBaseService",
            classic=True,
            files=(("*.m",),),
            single=True,
            stand_in="anyfit.m",
            content=_NONE,
            families=("sklearn", "scikit-learn", "scikit learn", "scikit_learn"),
        ),
        ModelType(
            name="Spark_MLlib",
            module=f"{_SERVICES}.spark_model_service",
            base="SparkServingBaseService",
            classic=True,
            files=(("spark_model/*",),),
            families=("spark", "spark_mllib", "pyspark"),
            package="pyspark",
        ),
    )
}
_CARRIER = TYPES["PyTorch"]
_BY_ENDING = (((".joblib", ".pkl", ".pickle", ".m"), "Scikit_Learn"),)


def fits(kind: ModelType, files: Iterable[str]) -> bool:
    """Whether these files are what the platform wants of a package of that type."""
    names = list(files)
    for patterns in kind.files:
        found = [name for name in names if any(_matches(name, pattern) for pattern in patterns)]
        if not found or (kind.single and len(found) > 1):
            return False
    return True


def type_for(wanted: str, framework: str, files: Sequence[str]) -> tuple[ModelType, str]:
    """The type of a model, and the package that its framework needs there where it is none of the framework's own.

    Args:
        wanted: What an option says, or "".
        framework: What users call it, or "".
        files: The names of the model's files.
    """
    if wanted:
        return TYPES[wanted], ""
    family = framework.lower()
    for kind in TYPES.values():
        if family in kind.families:
            if kind.stand_in or fits(kind, files):
                return kind, ""
            return _CARRIER, kind.package
    if fits(TYPES["TensorFlow"], files):
        return TYPES["TensorFlow"], ""
    for endings, name in _BY_ENDING:
        if any(each.endswith(endings) for each in files):
            return TYPES[name], ""
    return _CARRIER, ""


def runtime_for(
    kind: ModelType, offered: Mapping[str, Sequence[str]], *, wanted: str, python: str, version: str
) -> str:
    """The image for a model: the one that is named, else the nearest to a Python and a version of the framework.

    Images with Python 2 are for those who name them: anyfit's handler needs 3.6.
    """
    names = list(offered.get(kind.name, ()))
    if wanted:
        if wanted not in names:
            hint = nearest(wanted, names) or f"for {kind.name} there are: {', '.join(names) or 'none'}"
            raise SpecError(f"options.modelarts.runtime: {wanted!r} is not offered here", hint=hint)
        return wanted
    fitting = [name for name in names if not _python(name).startswith("2")]
    if not fitting:
        raise SpecError(
            f"options.modelarts.model_type: there is no runtime with Python 3 for {kind.name} here",
            hint=f"there are: {', '.join(kind for kind, names in offered.items() if names) or 'none'}",
        )
    digits, numbers = "".join(_NUMBERS.findall(python)), _numbers(version)[:3]

    def preference(name: str) -> tuple[bool, int, bool, list[int], list[int]]:
        own, found = _version(name), _python(name)
        same_python = bool(digits) and found.replace(".", "") == digits
        return same_python, _common(own, numbers), not name.endswith("gpu"), _numbers(found), own

    return max(fitting, key=preference)


def _matches(name: str, pattern: str) -> bool:
    return name.count("/") == pattern.count("/") and fnmatchcase(name, pattern)


def _python(runtime: str) -> str:
    found = _PYTHON.search(runtime)
    return f"{found[1]}.{found[2]}" if found else ""


def _version(runtime: str) -> list[int]:
    """The framework's version in `tf1.13-python3.6-cpu` or `pytorch_1.8.0-cuda_10.2-py_3.7`; none in `python3.6`."""
    head = runtime.partition("-")[0]
    return [] if head.startswith("python") else _numbers(head)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many numbers are the same from the beginning."""
    pairs = list(zip(one, other, strict=False))
    return next((index for index, pair in enumerate(pairs) if pair[0] != pair[1]), len(pairs))


def _numbers(text: str) -> list[int]:
    return [int(number) for number in _NUMBERS.findall(text)]
