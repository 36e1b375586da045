"""How places are written and read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.errors import SpecError
from anyfit.storage import Uri, parse_vendor

_KEYS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)
_BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}", fullmatch=True)


@given(st.sampled_from(["s3", "obs", "cos", "mine+x"]), _BUCKETS, _KEYS)
def test_text_and_value_are_inverse(scheme: str, bucket: str, key: str) -> None:
    """What `str` writes `parse` reads back, whatever the key holds."""
    uri = Uri(scheme, bucket, key)

    assert Uri.parse(str(uri)) == uri


@given(st.lists(st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=9), max_size=4))
def test_file_uris_are_inverse(parts: list[str]) -> None:
    """A local path survives its URI, percent signs and undecodable bytes included."""
    names = [part for part in parts if part not in (".", "..")]
    try:
        uri = Uri.parse("/" + "/".join(names))
    except SpecError:  # a lone surrogate, which no path has
        return

    assert Uri.parse(str(uri)) == uri


@given(_KEYS, st.text("abc/. ", min_size=1, max_size=12))
def test_join_and_relative_to_are_inverse(key: str, name: str) -> None:
    """What was joined to a directory is what lies below it."""
    directory = Uri("s3", "bkt", key).as_dir()

    assert directory.join(name).relative_to(directory) == name


@pytest.mark.parametrize(
    ("text", "canonical", "is_dir"),
    [
        ("s3://bkt", "s3://bkt/", True),
        ("S3://bkt/a/b", "s3://bkt/a/b", False),
        ("obs://bkt/a/", "obs://bkt/a/", True),
        ("cos://data-1250000000/a b%20c", "cos://data-1250000000/a b%20c", False),
        ("s3://bkt//a//b", "s3://bkt//a//b", False),
        ("file:///tmp/a%20b/", "file:///tmp/a%20b/", True),
        ("file://localhost/tmp", "file:///tmp", False),
        ("/tmp/x/../y", "file:///tmp/y", False),
        ("/", "file:///", True),
        ("/tmp/100%", "file:///tmp/100%25", False),
        ("/tmp/训练", "file:///tmp/%E8%AE%AD%E7%BB%83", False),
        ("https://bkt.obs.cn-north-4.myhuaweicloud.com/a%20b/", "obs://bkt/a b/", True),
        ("https://obs.cn-north-4.myhuaweicloud.com/bkt/k", "obs://bkt/k", False),
        ("https://b-125.cos.ap-guangzhou.myqcloud.com/f", "cos://b-125/f", False),
        ("cos://b-125.cos.ap-guangzhou.myqcloud.com/f/", "cos://b-125/f/", True),
        ("https://my.bkt.s3.us-west-2.amazonaws.com/k?versionId=1", "s3://my.bkt/k", False),
        ("https://bkt.s3.amazonaws.com/", "s3://bkt/", True),
        ("https://s3.cn-north-1.amazonaws.com.cn/bkt/k", "s3://bkt/k", False),
        ("s3://my.bkt/https", "s3://my.bkt/https", False),
        ("https://example.com/obs/k", "https://example.com/obs/k", False),
    ],
)
def test_each_spelling_has_one_canonical_form(text: str, canonical: str, is_dir: bool) -> None:
    """One place has one text, and the slash at its end says what it is."""
    uri = Uri.parse(text)

    assert str(uri) == canonical
    assert uri.is_dir is is_dir


def test_relative_paths_start_at_the_base(tmp_path: Path) -> None:
    """A relative path is read from the given directory, and `~` is the home."""
    assert Uri.parse("data/x", base=tmp_path).path == tmp_path / "data/x"
    assert Uri.parse("./", base=tmp_path).is_dir
    assert Uri.parse("..", base=tmp_path / "a").path == tmp_path
    assert Uri.parse("~/x").path == Path.home() / "x"
    assert Uri.parse(tmp_path).path == tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://",
        "s3:///key",
        "https://obs.cn-north-4.myhuaweicloud.com/",
        "file://host/key",
        "s3://b/a\0b",
        "file:///a%00b",
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    """A text without a bucket, of another machine or with NUL is an error that shows the text."""
    with pytest.raises(SpecError):
        Uri.parse(text)


@pytest.mark.parametrize(
    ("text", "scheme", "canonical"),
    [
        ("/bucket/path/", "obs", "obs://bucket/path/"),
        ("bucket/path", "obs", "obs://bucket/path"),
        ("/bucket", "obs", "obs://bucket/"),
        ("s3://bucket/path/", "obs", "obs://bucket/path/"),
        ("https://bucket.obs.cn-north-1.myhuaweicloud.com/a%20b", "obs", "obs://bucket/a b"),
        ("cos://b-1250000000.cos.ap-guangzhou.myqcloud.com/f/", "cos", "cos://b-1250000000/f/"),
        ("b-1250000000/f/", "cos", "cos://b-1250000000/f/"),
        ("file:///home/x", "obs", "file:///home/x"),
    ],
)
def test_vendors_spellings_become_canonical(text: str, scheme: str, canonical: str) -> None:
    """All that a vendor's tools write for one place comes out as one URI."""
    assert str(parse_vendor(text, scheme)) == canonical


def test_parts_of_a_place() -> None:
    """Name, parent and root are what a reader of paths expects."""
    uri = Uri.parse("s3://bkt/a/b/c.txt")

    assert uri.name == "c.txt"
    assert str(uri.parent) == "s3://bkt/a/b/"
    assert str(uri.parent.parent.parent.parent) == "s3://bkt/"
    assert str(uri.root) == "s3://bkt/"
    assert str(uri.root.join("x", "y")) == "s3://bkt/x/y"
    with pytest.raises(SpecError, match="does not lie in"):
        uri.relative_to(Uri.parse("s3://bkt/b/"))
    with pytest.raises(SpecError, match="no file on this machine"):
        _ = uri.path


def test_the_import_is_light() -> None:
    """Importing the package loads no client library."""
    heavy = ("boto3", "requests", "qcloud_cos", "obstore")
    code = f"import sys, anyfit.storage; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
