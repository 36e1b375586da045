"""`multipart/form-data`, read as model services get it: `{field: {file name: file}}`, other fields as text."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import unquote

__all__ = ["parse"]

_BOUNDARY = re.compile(r'(?i);\s*boundary=(?:"([^"]+)"|([^;\s]+))')
_DISPOSITION = re.compile(r"(?im)^content-disposition:[ \t]*form-data(.*)$")
_PARAMETER = re.compile(r';\s*([a-z]+\*?)=(?:"((?:\\["\\]|[^"])*)"|([^;\s]*))', re.IGNORECASE)
_ESCAPE = re.compile(r'\\(["\\])')


def parse(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a form.

    Raises:
        ValueError: It is none.
    """
    boundary = _BOUNDARY.search(content_type)
    if not boundary:
        raise ValueError("Content-Type: multipart/form-data has no boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + (boundary[1] or boundary[2]).encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("the form does not end with its boundary")
    fields: dict[str, Any] = {}
    for piece in pieces[1:-1]:
        _add(fields, piece)
    return fields


def _add(fields: dict[str, Any], piece: bytes) -> None:
    head, blank, content = piece.partition(b"\r\n\r\n")
    found = _DISPOSITION.search(head.decode("utf-8", "replace"))
    words = _parameters(found[1]) if found and blank else {}
    if "name" not in words:
        raise ValueError("a part of the form has no Content-Disposition with a name")
    name = words["name"]
    if "filename" not in words:
        fields[name] = content.decode("utf-8", "replace")
        return
    files = fields.get(name)
    if not isinstance(files, dict):
        files = fields[name] = {}
    files[words["filename"]] = io.BytesIO(content)


def _parameters(text: str) -> dict[str, str]:
    """Names and values; `name*=UTF-8''…` is the same name with its value percent-encoded."""
    words: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(text):
        value = _ESCAPE.sub(r"\1", quoted) or plain
        extended = name.endswith("*")
        words[name.lower().rstrip("*")] = unquote(value.rpartition("'")[2]) if extended else value
    return words
