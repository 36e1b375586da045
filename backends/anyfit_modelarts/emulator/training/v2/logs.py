"""Logs of a job: the end of one, pages of one, links to one (reference, section 3.8)."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from anyfit_emulator.http import FileSlice, Request, Response
from anyfit_emulator.running import LineLog
from anyfit_modelarts.emulator.calls import Query
from anyfit_modelarts.emulator.errors import ApiError

__all__ = ["LINK_PREFIX", "Links", "page", "preview"]

LINK_PREFIX = "/obs-links/"
_PREVIEW = 5 << 20
_SECONDS = 300


def preview(file: Path) -> dict[str, Any]:
    """The end of a log."""
    full = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(max(0, full - _PREVIEW))
        content = stream.read(_PREVIEW)
    return {"content": content.decode("utf-8", "replace"), "current_size": len(content), "full_size": full}


def page(log: LineLog, query: Query) -> dict[str, Any]:
    """Some lines: with `asc` those after the line that `base_line` names, with `desc` those before it, newest first."""
    count, order, base = query.whole("lines", 50, 1, 500), query.text("order", "desc"), query.text("base_line")
    if order not in ("asc", "desc") or (base and not (base.isascii() and base.isdigit())):
        raise ApiError("ModelArts.2764", "order must be asc or desc, base_line a start_line or end_line.")
    total = len(log)
    if order == "asc":
        first = log.after(int(base)) if base else 0
        stop = min(total, first + count)
    else:
        stop = log.after(int(base) - 1) if base else total
        first = max(0, stop - count)
    lines = log.page(first, stop - first)
    if order == "desc":
        lines.reverse()
    return {
        "start_line": str(lines[0].time_ns) if lines else base,
        "end_line": str(lines[-1].time_ns) if lines else base,
        "lines": len(lines),
        "content": "".join(f"{line.text}\n" for line in lines),
    }


class Links:
    """Makes links to logs that are good for five minutes and need no token, and answers whoever follows them.

    Args:
        address: The emulator's own, once it is known.
        find: The file of a log, by the link's name for it.
    """

    def __init__(
        self, secret: str, clock: Callable[[], float], address: Callable[[], str], find: Callable[[str], Path | None]
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._address = address
        self._find = find

    def make(self, name: str, content_type: str) -> str:
        """A link."""
        expires = str(int(self._clock()) + _SECONDS)
        query = {"Expires": expires, "response-content-type": content_type}
        query["Signature"] = self._sign(name, expires, content_type)
        return f"{self._address()}{LINK_PREFIX}{quote(name)}?{urlencode(query)}"

    def __call__(self, request: Request, name: str) -> Response:
        """Answer whoever follows it, as the object store would."""
        words = {key: values[0] for key, values in parse_qs(request.query).items()}
        expires, kind = words.get("Expires", ""), words.get("response-content-type", "")
        signature = self._sign(name, expires, kind)
        if not hmac.compare_digest(signature, words.get("Signature", "")) or self._clock() >= int(expires):
            return Response(403, [("Content-Type", "application/xml")], b"<Error><Code>AccessDenied</Code></Error>")
        file = self._find(name)
        if file is None or not file.exists():
            return Response(404, [("Content-Type", "application/xml")], b"<Error><Code>NoSuchKey</Code></Error>")
        fd = os.open(file, os.O_RDONLY)
        headers = [("Content-Type", kind)]
        if kind == "application/octet-stream":
            headers.append(("Content-Disposition", f'attachment; filename="{name.rpartition("/")[2]}"'))
        return Response(200, headers, FileSlice(fd, 0, os.fstat(fd).st_size))

    def _sign(self, name: str, expires: str, content_type: str) -> str:
        return hmac.digest(self._secret.encode(), f"{name}\n{expires}\n{content_type}".encode(), sha256).hex()
