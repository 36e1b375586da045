"""Values become JSON and come back as they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import PurePosixPath
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit import backend, spec
from anyfit.codec import dumps, from_data, loads, to_data

VALUES = [
    cls
    for module in (spec, backend)
    for name in module.__all__
    if attrs.has(cls := getattr(module, name)) and cls not in (backend.BackendFactory, backend.Named, backend.Payload)
]
ZONES = st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that crosses the contract."""
    simple: dict[Any, st.SearchStrategy[Any]] = {
        Any: JSON,
        NoneType: st.none(),
        bool: st.booleans(),
        int: st.integers(),
        float: FLOATS,
        str: st.text(max_size=8),
        bytes: st.just(b""),  # the journal keeps no bytes
        datetime: st.datetimes(timezones=ZONES),
    }
    if kind in simple:
        return simple[kind]
    arguments = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return st.one_of(*map(values, arguments))
    if get_origin(kind) is tuple and arguments[-1] is ...:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if get_origin(kind) is tuple:
        return st.tuples(*map(values, arguments))
    if get_origin(kind) is Mapping:
        return st.dictionaries(*map(values, arguments), max_size=3)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in attrs.fields(kind)})


@pytest.mark.parametrize("cls", VALUES, ids=lambda cls: cls.__name__)
def test_there_and_back(cls: type[Any]) -> None:
    """Every value that crosses the contract survives the way through text."""

    @given(values(cls))
    def check(value: Any) -> None:
        assert loads(cls, dumps(value)) == value

    check()


def test_later_versions() -> None:
    """Members that this version does not know are ignored, those that are missing take their default."""
    assert loads(spec.Channel, '{"uri": "file:///a", "invented_later": 1}') == spec.Channel(uri="file:///a")


def test_bytes_stay_out() -> None:
    """The bytes of generated files are not written down."""
    data = to_data(backend.Upload(target="s3://b/k", content=b"\x00"))

    assert data["target"] == "s3://b/k"
    assert "content" not in data


def test_other_values() -> None:
    """Paths, sets and read-only tables are as good as texts, lists and tables."""
    table = MappingProxyType({backend.Feature.MODELS: frozenset([1])})

    assert to_data({"path": PurePosixPath("/a"), "table": table}) == {"path": "/a", "table": {"models": [1]}}


def test_people_can_read_it() -> None:
    """Text that is not English stays as it is."""
    assert dumps({"名": "学习"}) == '{"名": "学习"}'


def test_data_without_text() -> None:
    """Data that were JSON already need no text between."""
    assert from_data(backend.JobRef, {"backend": "a", "region": "b", "id": "c"}) == backend.JobRef("a", "b", "c")
