"""Forms as the program of a container reads them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

import anyfit_modelarts.emulator.serving as serving

CHARACTERS = st.characters(min_codepoint=32, max_codepoint=0x9FFF, exclude_characters='"\\', exclude_categories=["C"])
NAMES = st.text(CHARACTERS, min_size=1)


def loaded() -> ModuleType:
    """The module, which belongs to containers and to no package of the emulator."""
    path = Path(serving.__file__).with_name("container") / "model_server" / "formdata.py"
    spec = importlib.util.spec_from_file_location("formdata", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


formdata = loaded()


@given(st.lists(st.tuples(NAMES, NAMES, st.binary(max_size=200)), min_size=1, max_size=5))
def test_files_come_back(parts: list[tuple[str, str, bytes]]) -> None:
    """Whatever their names and contents, as an ordinary client sends them; the last of equal ones counts."""
    files = [(field, (name, content)) for field, name, content in parts]
    prepared = requests.Request("POST", "http://x", files=files).prepare()
    assert isinstance(prepared.body, bytes)
    read = formdata.parse(str(prepared.headers["Content-Type"]), prepared.body)
    wanted: dict[str, dict[str, bytes]] = {}
    for field, name, content in parts:
        wanted.setdefault(field, {})[name] = content

    assert {field: {name: file.read() for name, file in of.items()} for field, of in read.items()} == wanted


@given(st.binary(max_size=300))
def test_anything_else_is_refused(body: bytes) -> None:
    """With an error that says so, and no other."""
    try:
        formdata.parse("multipart/form-data; boundary=x", body)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("multipart/form-data", b"", "no boundary"),
        ("multipart/form-data; boundary=x", b"", "does not end"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\ncontent\r\n--x--", "Content-Disposition"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a\r\n--x--", "Disposition"),
    ],
)
def test_reasons(content_type: str, body: bytes, reason: str) -> None:
    """Each fault has its own."""
    with pytest.raises(ValueError, match=reason):
        formdata.parse(content_type, body)
