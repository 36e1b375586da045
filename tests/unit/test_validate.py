"""What cannot be right is refused before anything happens, every fault at once and by its field."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.errors import SpecError
from anyfit.estimator import Estimator
from anyfit.validate import check_channels, check_estimator

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)
ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


def fault(**fields: Any) -> SpecError:
    """The error that an otherwise good estimator is refused with."""
    with pytest.raises(SpecError) as caught:
        check_estimator(Estimator(**{"entry_point": "train.py", **fields}))
    return caught.value


@pytest.mark.parametrize(
    "fields",
    [
        {"entry_point": "train.py"},
        {"command": ["python", "train.py"], "image_uri": "registry/image:1"},
        {"entry_point": "train.py", "framework": "pytorch", "framework_version": "1.8", "py_version": "3.9"},
        {"entry_point": "train.py", "volume_size": None, "max_wait": None, "instance_type": {"ti": "x"}},
        {"entry_point": "train.py", "metric_definitions": {"loss": r"loss=(\d+)"}},
    ],
)
def test_good(fields: dict[str, Any]) -> None:
    """What is right passes."""
    check_estimator(Estimator(**fields))


@given(st.dictionaries(st.text(min_size=1), JSON))
def test_any_json_is_a_hyperparameter(hyperparameters: dict[str, Any]) -> None:
    """Every JSON value can be a hyperparameter, under any name."""
    check_estimator(Estimator(entry_point="train.py", hyperparameters=hyperparameters))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"entry_point": ""}, "entry_point: missing"),
        ({"entry_point": 3}, "entry_point: expected text, got 3"),
        ({"command": ["x"]}, "command: there is an entry_point already"),
        ({"command": "python x", "entry_point": ""}, "command: expected a list of texts, got 'python x'"),
        ({"dependencies": "lib"}, "dependencies: expected a list of texts, got 'lib'"),
        ({"framework": "x", "image_uri": "y"}, "image_uri: there is a framework already"),
        ({"framework_version": "1.8"}, "framework: missing beside its version"),
        ({"instance_count": 0}, "instance_count: expected a whole number of 1 or more, got 0"),
        ({"instance_count": True}, "instance_count: expected a whole number of 1 or more, got True"),
        ({"instance_count": None}, "instance_count: expected a whole number of 1 or more, got None"),
        ({"max_run": 1.5}, "max_run: expected a whole number of 1 or more, got 1.5"),
        ({"volume_size": -1}, "volume_size: expected a whole number of 1 or more, got -1"),
        ({"instance_type": ["x"]}, "instance_type: expected text, or a table of texts by backend, got ['x']"),
        ({"distribution": "moi"}, "distribution: 'moi' is none of none, torch, mpi, parameter-server"),
        ({"convention": "sage"}, "convention: 'sage' is none of sagemaker, ti, modelarts"),
        ({"environment": {"A": 1}}, "environment: expected a table of texts, got {'A': 1}"),
        ({"environment": {"A-B": "1"}}, "environment.A-B: 'A-B' is no name for a variable"),
        ({"metric_definitions": {"loss": "("}}, "metric_definitions.loss: '(' is no regular expression"),
        ({"metric_definitions": {"loss": "x"}}, "metric_definitions.loss: 'x' has no group for the value"),
        ({"hyperparameters": [1]}, "hyperparameters: expected a table, got [1]"),
        ({"hyperparameters": {"x": {1}}}, "hyperparameters.x: set is not a JSON value"),
        ({"hyperparameters": {"x": math.nan}}, "hyperparameters.x: JSON has no nan"),
        ({"hyperparameters": {"x": [1, {"y": object()}]}}, "hyperparameters.x[1].y: object is not a JSON value"),
        ({"hyperparameters": {"x": {1: 2}}}, "hyperparameters.x.1: a name must be text, not 1"),
        ({"hyperparameters": {"": 2}}, "hyperparameters.: a name must be text, not ''"),
        ({"hyperparameters": {"x": ENDLESS}}, "hyperparameters.x: it holds itself, or is nested too deeply"),
        ({"options": {"local": 1}}, "options.local: expected a table of the options of backend 'local', got 1"),
    ],
)  # fmt: skip
def test_faults(fields: dict[str, Any], message: str) -> None:
    """Each fault is named by its field, with what was expected and what came."""
    assert fault(**fields).message.startswith(message)


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"distribution": "moi"}, "did you mean 'mpi'?"),
        ({"metric_definitions": {"loss": "x"}}, "parentheses"),
        ({"hyperparameters": {"x": math.inf}}, "pass it as text"),
        ({"entry_point": ""}, "name the training script"),
    ],
)
def test_hints(fields: dict[str, Any], hint: str) -> None:
    """Where something can be done about it, the hint says what."""
    assert hint in fault(**fields).hint


def test_all_at_once() -> None:
    """Several faults are one error that names each of them."""
    message = fault(convention="x", distribution="y", environment={"A B": ""}).message

    assert all(f"{name}: " in message for name in ("convention", "distribution", "environment.A B"))


@pytest.mark.parametrize("name", ["train", "a.b-c_d", "0"])
def test_channels(name: str) -> None:
    """Channels have names that can be folders."""
    check_channels({name: "s3://b/k"})


@pytest.mark.parametrize("inputs", [{"": "x"}, {"a/b": "x"}, {"..": "x"}, {"train": ""}, {"train": 3}, {3: "x"}])
def test_bad_channels(inputs: dict[str, Any]) -> None:
    """A channel without a usable name or place is refused by its name."""
    with pytest.raises(SpecError, match=r"^inputs\."):
        check_channels(inputs)
