"""Payloads: one table of content types for client and server."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.launch.anyfit_inference import (
    CONTENT_TYPES,
    BadRequest,
    NotAcceptable,
    UnsupportedContentType,
    accepted,
    decode,
    encode,
)

JSON, CSV, NPY, BYTES, TEXT = CONTENT_TYPES

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers() | st.floats(allow_nan=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=8,
)


def round_trip(data: Any, content_type: str) -> Any:
    body, kind = encode(data, content_type)
    assert kind == content_type
    return decode(body, kind)


@given(json_values)
def test_json_round_trips(data: Any) -> None:
    """Any JSON value."""
    assert round_trip(data, JSON) == data


@given(st.binary())
def test_bytes_round_trip(data: bytes) -> None:
    """Untouched, and they are what `*/*` gives for bytes."""
    assert round_trip(data, BYTES) == data
    assert encode(data, "*/*") == (data, BYTES)


@given(texts)
def test_text_round_trips(data: str) -> None:
    """As UTF-8."""
    assert round_trip(data, TEXT) == data


@given(st.lists(st.lists(numbers, min_size=2, max_size=4), min_size=1))
def test_csv_round_trips_rows_of_numbers(rows: list[list[float]]) -> None:
    """Whole numbers stay whole, others keep every digit."""
    assert round_trip(rows, CSV) == rows


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "<U3"])
def test_npy_round_trips_type_and_shape(dtype: str) -> None:
    """What NumPy knows, without pickles."""
    array = np.arange(6).reshape(2, 3).astype(dtype)

    back = round_trip(array, NPY)

    assert back.dtype == array.dtype
    assert back.tolist() == array.tolist()


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (np.array([[1, 2], [3, 4]]), b"[[1, 2], [3, 4]]"),
        (np.float32(0.5), b"0.5"),
        ({"label": np.int64(3), "p": np.array([0.5])}, b'{"label": 3, "p": [0.5]}'),
        ((1, "a"), b'[1, "a"]'),
        ({3, 1}, b"[1, 3]"),
        ("训", b'"\\u8bad"'),
        (None, b"null"),
    ],
)
def test_json_takes_what_models_return(data: Any, body: bytes) -> None:
    """Arrays and scalars of NumPy at any depth."""
    assert encode(data, "*/*") == (body, JSON)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([1, 2.5], "1\n2.5\n"),
        ([["a", 1], ["b,c", 2]], 'a,1\n"b,c",2\n'),
        (np.array([[1, 2]]), "1,2\n"),
        (7, "7\n"),
        ([np.float64(0.5), np.int64(2)], "0.5\n2\n"),
    ],
)
def test_csv_of_lists_and_scalars(data: Any, text: str) -> None:
    """A flat list is a column."""
    assert encode(data, CSV) == (text.encode(), CSV)


def test_csv_cells_are_numbers_when_they_look_so() -> None:
    """Blank lines are no rows, underscores are no digits."""
    assert decode(b"1,2.5,x\r\n\r\n-3,1e3,1_0\r\n", CSV) == [[1, 2.5, "x"], [-3, 1000.0, "1_0"]]


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("", b"[1]", [1]),
        ("application/json; charset=utf-8", b"[1]", [1]),
        ("application/vnd.x+json", b"[1]", [1]),
        ("TEXT/CSV; charset=latin-1", b"\xe9", [["é"]]),
    ],
)
def test_parameters_of_a_content_type_are_read(content_type: str, body: bytes, data: Any) -> None:
    """Nothing means JSON."""
    assert decode(body, content_type) == data


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b"{"),
        (JSON, b"\xff"),
        (JSON, b"[" * 100_000),
        (CSV, b'"open'),
        (TEXT, b"\xff"),
        ("text/plain; charset=none-such", b"a"),
        (NPY, b"not an array"),
        (NPY, b""),
    ],
)
def test_a_broken_payload_is_a_bad_request(content_type: str, body: bytes) -> None:
    """Whatever the parser says."""
    with pytest.raises(BadRequest, match="payload is not") as caught:
        decode(body, content_type)
    assert caught.value.status == 400


def test_a_pickle_in_an_array_is_refused() -> None:
    """A payload must not be able to run code."""
    import io

    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)

    with pytest.raises(BadRequest, match="x-npy"):
        decode(file.getvalue(), NPY)


def test_an_unknown_content_type_lists_the_known() -> None:
    """415."""
    with pytest.raises(UnsupportedContentType, match=r"image/png.*text/csv") as caught:
        decode(b"", "image/png")
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("data", "accept"),
    [([1], "image/png"), ({"a": 1}, CSV), ([[[1]]], CSV), ([1], BYTES), ({"a": 1}, NPY), ([1], "text/csv;q=0")],
)
def test_what_cannot_be_given_is_not_acceptable(data: Any, accept: str) -> None:
    """406."""
    with pytest.raises(NotAcceptable, match="cannot be given as") as caught:
        encode(data, accept)
    assert caught.value.status == 406


@pytest.mark.parametrize(
    ("accept", "kinds"),
    [
        ("", ["*/*"]),
        ("text/csv", [CSV]),
        ("text/csv;q=0.5, application/json", [JSON, CSV]),
        ("image/png, */*;q=0.1", ["image/png", "*/*"]),
        ("text/*", [CSV, TEXT]),
        ("application/json;q=0, text/csv", [CSV]),
        ("a/b;q=x, text/csv", [CSV]),
    ],
)
def test_an_accept_header_is_sorted_by_weight(accept: str, kinds: list[str]) -> None:
    """Equal weights keep their order, zero means no."""
    assert accepted(accept) == kinds


def test_the_next_best_form_is_taken() -> None:
    """When data cannot take the first."""
    assert encode({"a": 1}, "text/csv, application/json;q=0.5")[1] == JSON
    assert json.loads(encode([1], "image/*, */*")[0]) == [1]
