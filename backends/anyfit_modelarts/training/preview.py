"""A log of the second generation as one text, for places that do not give it line by line.

The preview holds the newest 5 MB. What lies before them, and the rest of a log that has grown long, comes by a signed
link to the whole log, of which only the end is asked for. A line is named by the byte that it begins at.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from anyfit.cloud.numbers import number
from anyfit.errors import AnyfitError
from anyfit_modelarts.client import Client
from anyfit_modelarts.logs import Window
from anyfit_modelarts.wire import table, text

__all__ = ["is_byte", "window_after"]

_BYTE = "byte:"
_LONG = 1 << 16  # so long a log is not sent again and again
_PART, _PAST_THE_END = 206, 416


def is_byte(line: str) -> bool:
    """Whether a line is named so."""
    return line.startswith(_BYTE)


def window_after(client: Client, path: str, what: str, line: str, ended: Callable[[], bool]) -> Window:
    """The lines after a byte; `path` is that of the task, and once the job has ended half a line is one too."""
    begin = int(line.removeprefix(_BYTE) or 0)
    data = _from(client, path, what, begin)
    whole = data.text[: data.text.rfind(b"\n") + 1]
    if whole != data.text and ended():
        data = _from(client, path, what, begin)  # what was written between the two answers
        whole = data.text
    if not whole:
        return Window((), "", line)
    lines = whole.decode("utf-8", "replace").removesuffix("\n").split("\n")
    return Window(tuple(lines), f"{_BYTE}{data.begin}", f"{_BYTE}{data.begin + len(whole)}")


@frozen
class _Text:
    """The text from a byte on."""

    begin: int
    text: bytes


def _from(client: Client, path: str, what: str, begin: int) -> _Text:
    linked = _linked(client, path, what, begin) if begin > _LONG else None
    if linked is not None:
        return _Text(begin, linked)
    preview = _preview(client, path, what)
    if begin >= preview.begin:
        return _Text(begin, preview.text[begin - preview.begin :])
    linked = _linked(client, path, what, begin)
    return preview if linked is None else _Text(begin, linked)  # else the beginning is lost


def _preview(client: Client, path: str, what: str) -> _Text:
    """The newest bytes; where they were cut within a character, what that has become is none of them."""
    answer = table(client.get(f"{path}/logs/preview", what))
    content = text(answer.get("content") or answer.get("context")).encode()
    size = int(number(answer.get("current_size"), len(content)))
    begin = int(number(answer.get("full_size"), size)) - size
    if begin <= 0:
        return _Text(0, content)
    return _Text(begin + max(0, size - len(content)), content[max(0, len(content) - size) :])


def _linked(client: Client, path: str, what: str, begin: int) -> bytes | None:
    """The bytes of the whole log from one on; None where there is no link to it, or it does not work."""
    try:
        answer = table(client.get(f"{path}/logs/url", what, {"Content-Type": "application/octet-stream"}))
        response = client.transport.send("GET", text(answer.get("obs_url")), headers={"Range": f"bytes={begin}-"})
    except AnyfitError:
        return None
    if response.status_code == _PAST_THE_END:
        return b""
    if not response.ok:
        return None
    return response.content if response.status_code == _PART else response.content[begin:]
