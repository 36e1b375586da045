"""The four spellings of a place in OBS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit_modelarts.emulator.places import NoPlace, as_directory, last_name, to_path, to_s3

buckets = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True)
keys = st.lists(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1), max_size=4).map(
    "/".join
)


@given(buckets, keys, st.booleans())
def test_all_spellings_are_one_place(bucket: str, key: str, directory: bool) -> None:
    """Whatever the key, with a slash at the end or without."""
    key += "/" if directory and key else ""
    place = f"s3://{bucket}/{key}"
    host = f"https://{bucket}.obs.cn-north-4.myhuaweicloud.com"

    assert {to_s3(text) for text in (f"/{bucket}/{key}", f"obs://{bucket}/{key}", place, f"{host}/{key}")} == {place}
    assert to_s3(to_path(place)) == place
    assert as_directory(place).rstrip("/") == place.rstrip("/")


@pytest.mark.parametrize("text", ["", "bucket/key", "//", "/", "s3://", "https://example.org/x", "file:///x", None, 7])
def test_other_texts_are_none(text: object) -> None:
    """They are refused, not guessed at."""
    with pytest.raises(NoPlace):
        to_s3(text)


@pytest.mark.parametrize(("uri", "name"), [("s3://b/a/code/", "code"), ("s3://b/x", "x"), ("s3://b/", "b")])
def test_last_names(uri: str, name: str) -> None:
    """The last directory; the bucket's name where there is none."""
    assert last_name(uri) == name
