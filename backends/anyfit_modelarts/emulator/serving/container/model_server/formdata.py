"""`multipart/form-data`, read as model services get it: `{field: {file name: file}}`, other fields as text."""

from __future__ import annotations

import io
from email.message import Message
from email.parser import HeaderParser
from typing import Any

__all__ = ["parse"]


def parse(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a form.

    Raises:
        ValueError: It is none.
    """
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise ValueError("Content-Type: multipart/form-data has no boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("the form does not end with its boundary")
    fields: dict[str, Any] = {}
    for piece in pieces[1:-1]:
        _add(fields, piece)
    return fields


def _add(fields: dict[str, Any], piece: bytes) -> None:
    head, blank, content = piece.partition(b"\r\n\r\n")
    headers = HeaderParser().parsestr(head.decode("utf-8", "replace").lstrip())
    name = headers.get_param("name", header="content-disposition")
    if not blank or not isinstance(name, str):
        raise ValueError("a part of the form has no Content-Disposition with a name")
    file_name = headers.get_filename()
    if file_name is None:
        fields[name] = content.decode("utf-8", "replace")
        return
    files = fields.get(name)
    if not isinstance(files, dict):
        files = fields[name] = {}
    files[file_name] = io.BytesIO(content)
