"""The spellings of a place in OBS."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit_modelarts.emulator.places import NoPlace, to_s3


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("https://my-bucket.obs.cn-north-4.myhuaweicloud.com/a/b%20c/", "s3://my-bucket/a/b c/"),
        ("https://my-bucket.obs.eu-de.otc.t-systems.com/", "s3://my-bucket/"),
        ("http://127.0.0.1:9000/my-bucket/a/", "s3://my-bucket/a/"),
        ("http://localhost:9000/my-bucket/a%25", "s3://my-bucket/a%"),
        ("obs://my-bucket/a%20b", "s3://my-bucket/a%20b"),
        ("s3://my-bucket/a/", "s3://my-bucket/a/"),
        ("/my-bucket/a/b/", "s3://my-bucket/a/b/"),
    ],
)
def test_spellings(text: str, uri: str) -> None:
    """All that this cloud uses mean the same."""
    assert to_s3(text) == uri


@pytest.mark.parametrize("text", ["my-bucket/a", "https://example.com/a", "ftp://my-bucket.obs.x/a", "", "/", None, 7])
def test_what_is_no_place(text: object) -> None:
    """It is told so."""
    with pytest.raises(NoPlace, match="no OBS path"):
        to_s3(text)


@given(st.text())
def test_any_text_has_a_place_or_none(text: str) -> None:
    """And a place is spelled so that it means itself."""
    for spelled in (text, f"http://{text}", f"/bucket/{text}"):
        with suppress(NoPlace):
            assert to_s3(to_s3(spelled)) == to_s3(spelled)
