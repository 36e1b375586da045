"""A log of the second generation as one text, for places that do not give it line by line.

The preview holds the newest 5 MB; what lies before them comes by a signed link to the whole log. A line is named by
the byte that it begins at.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from anyfit.errors import AnyfitError, ServiceError
from anyfit_modelarts.client import Client
from anyfit_modelarts.logs import Window
from anyfit_modelarts.wire import number, table, text

__all__ = ["is_byte", "window_after"]

_BYTE = "byte:"


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
    answer = table(client.get(f"{path}/logs/preview", what))
    content = text(answer.get("content") or answer.get("context")).encode()
    first = max(0, int(number(answer.get("full_size"), len(content))) - len(content))
    if begin >= first:
        return _Text(begin, content[begin - first :])
    try:
        return _Text(begin, _linked(client, path, what)[begin:])
    except AnyfitError:
        return _Text(first, content)  # the beginning is lost


def _linked(client: Client, path: str, what: str) -> bytes:
    answer = table(client.get(f"{path}/logs/url", what, {"Content-Type": "application/octet-stream"}))
    response = client.transport.send("GET", text(answer.get("obs_url")))
    if not response.ok:
        raise ServiceError(f"{what}: OBS answers {response.status_code}", backend="modelarts")
    return response.content
