"""Is this estimator possible at all? Every fault is found at once and named by its field."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from anyfit.errors import SpecError, nearest
from anyfit.secret import secret_fault

if TYPE_CHECKING:
    from anyfit.estimator import Estimator

__all__ = ["check_arguments", "check_channels", "check_count", "check_estimator", "estimator_faults"]

_DISTRIBUTIONS = ("none", "torch", "mpi", "parameter-server")
_CONVENTIONS = ("sagemaker", "ti", "modelarts")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_TEXTS = (
    "entry_point", "source_dir", "image_uri", "framework", "framework_version", "py_version", "distribution",
    "output_path", "checkpoint_path", "base_job_name", "description", "convention",
)  # fmt: skip
_LISTS = ("dependencies", "command", "arguments")
_TEXT_MAPS = ("environment", "secrets", "tags", "metric_definitions")
_POSITIVE = ("instance_count", "volume_size", "max_run", "max_wait")
_OPTIONAL = ("volume_size", "max_wait")


def check_estimator(estimator: Estimator) -> None:
    """Raise `SpecError` with every fault of the estimator's fields."""
    if faults := estimator_faults(estimator):
        raise _error(faults)


def estimator_faults(estimator: Estimator) -> list[tuple[str, str]]:
    """Every fault, as a text that begins with the field's dotted name and `: `, and a hint, or ""."""
    return list(_type_faults(estimator)) or list(_sense_faults(estimator))


def check_arguments(
    *,
    environment: Any = None,
    tags: Any = None,
    options: Any = None,
    **texts: Any,
) -> None:
    """Raise `SpecError` with every fault of what `register`, `deploy` and their like were given; None is nothing."""
    faults = [
        f"{name}: expected text, got {text!r}" for name, text in texts.items() if not isinstance(text, str | None)
    ]
    for name, table in (("environment", environment), ("tags", tags)):
        if table is not None and not _is_map_of_texts(table):
            faults.append(f"{name}: expected a table of texts, got {table!r}")
    if options is not None and not isinstance(options, Mapping):
        faults.append(f"options: expected a table, got {options!r}")
    if not faults:
        faults += [fault for fault, _ in _variable_faults(environment or {})]
    if faults:
        raise _error([(fault, "") for fault in faults])


def check_count(name: str, value: Any) -> None:
    """Refuse what is no number of things that may be none; None means all of them."""
    if value is not None and not (_is_whole(value) and value >= 0):
        raise SpecError(f"{name}: expected a whole number of 0 or more, got {value!r}")


def check_channels(inputs: Mapping[str, Any]) -> None:
    """Raise `SpecError` for channel names or values that no backend could take."""
    if not isinstance(inputs, Mapping):
        raise SpecError(f"inputs: expected a URI, or a table of URIs by channel, got {inputs!r}")
    faults = []
    for name, uri in inputs.items():
        if not isinstance(name, str) or not _CHANNEL.fullmatch(name):
            faults.append((f"inputs.{name}: a channel's name is letters, digits, '_', '.' and '-', not {name!r}", ""))
        elif not isinstance(uri, (str, os.PathLike)) or not uri:
            faults.append((f"inputs.{name}: expected a URI or a path, got {uri!r}", ""))
    if faults:
        raise _error(faults)


def _error(faults: list[tuple[str, str]]) -> SpecError:
    """One error for all faults; a single one may carry its hint."""
    if len(faults) == 1:
        return SpecError(faults[0][0], hint=faults[0][1])
    lines = [f"{text} ({hint})" if hint else text for text, hint in faults]
    return SpecError("; ".join(lines))


def _type_faults(estimator: Estimator) -> Iterator[tuple[str, str]]:
    expected: list[tuple[tuple[str, ...], str, Callable[[Any], bool]]] = [
        (_TEXTS, "text", lambda v: isinstance(v, str)),
        (_LISTS, "a list of texts", _is_list_of_texts),
        (_TEXT_MAPS, "a table of texts", _is_map_of_texts),
        (_POSITIVE, "a whole number of 1 or more", _is_positive),
        (("hyperparameters", "options"), "a table", lambda v: isinstance(v, Mapping)),
        (
            ("instance_type",),
            "text, or a table of texts by backend",
            lambda v: isinstance(v, str) or _is_map_of_texts(v),
        ),
    ]
    for names, words, holds in expected:
        for name in names:
            value = getattr(estimator, name)
            if not (holds(value) or (value is None and name in _OPTIONAL)):
                yield f"{name}: expected {words}, got {value!r}", ""


def _sense_faults(estimator: Estimator) -> Iterator[tuple[str, str]]:
    runs = estimator.entry_point or estimator.command
    if not (runs or estimator.image_uri or estimator.options):  # a backend's options may name what it brings itself
        yield "entry_point: missing", "name the training script, or a command for an image of your own"
    if estimator.entry_point and estimator.command:
        yield "command: there is an entry_point already", "give one of the two"
    if estimator.image_uri and estimator.framework:
        yield "image_uri: there is a framework already", "give one of the two"
    if (estimator.framework_version or estimator.py_version) and not estimator.framework:
        yield "framework: missing beside its version", "for instance framework = 'pytorch'"
    yield from _choice_fault("distribution", estimator.distribution, _DISTRIBUTIONS)
    yield from _choice_fault("convention", estimator.convention, _CONVENTIONS)
    yield from _variable_faults(estimator.environment)
    yield from _secret_faults(estimator)
    for name, pattern in estimator.metric_definitions.items():
        yield from _pattern_fault(name, pattern)
    for name, value in estimator.hyperparameters.items():
        try:
            yield from list(_json_fault(f"hyperparameters.{name}", name, value))
        except RecursionError:
            yield f"hyperparameters.{name}: it holds itself, or is nested too deeply", ""
    for name, options in estimator.options.items():
        if not isinstance(options, Mapping):
            yield f"options.{name}: expected a table of the options of backend {name!r}, got {options!r}", ""


def _variable_faults(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in environment:
        if not _VARIABLE.fullmatch(name):
            yield f"environment.{name}: {name!r} is no name for a variable", ""


def _secret_faults(estimator: Estimator) -> Iterator[tuple[str, str]]:
    for name, where in estimator.secrets.items():
        if not _VARIABLE.fullmatch(name):
            yield f"secrets.{name}: {name!r} is no name for a variable", ""
        elif fault := secret_fault(where):
            yield f"secrets.{name}: {fault}", ""
        elif name in estimator.environment:
            yield f"secrets.{name}: there is a variable of that name in environment already", "give one of the two"


def _choice_fault(field: str, value: str, choices: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if value not in choices:
        yield f"{field}: {value!r} is none of {', '.join(choices)}", nearest(value, choices)


def _pattern_fault(name: str, pattern: str) -> Iterator[tuple[str, str]]:
    try:
        groups = re.compile(pattern).groups
    except re.error as fault:
        yield f"metric_definitions.{name}: {pattern!r} is no regular expression: {fault}", ""
        return
    if not groups:
        yield (
            f"metric_definitions.{name}: {pattern!r} has no group for the value",
            "put parentheses around the number, as in 'loss=([0-9.]+)'",
        )


def _json_fault(path: str, name: Any, value: Any) -> Iterator[tuple[str, str]]:
    """The first thing below `path` that JSON cannot say."""
    if not isinstance(name, str) or not name:
        yield f"{path}: a name must be text, not {name!r}", ""
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _json_fault(f"{path}.{key}", key, item)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _json_fault(f"{path}[{index}]", "item", item)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{path}: JSON has no {value}", "leave it out, or pass it as text"
    else:
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            yield (
                f"{path}: {type(value).__name__} is not a JSON value",
                "pass text, a number, a boolean, None, a list or a table",
            )


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value)


def _is_map_of_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(k, str) and isinstance(v, str) for k, v in value.items())


def _is_positive(value: Any) -> bool:
    return _is_whole(value) and value >= 1


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
