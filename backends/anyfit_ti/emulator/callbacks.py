"""Telling the user's own server what became of a task or a service (reference, section 3.15).

Only servers of this machine are told: the emulator asks nothing of others.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

__all__ = ["message", "tell"]

_ATTEMPTS = 2
_SECONDS = 5.0
_HERE = ("127.0.0.1", "localhost", "::1")


def message(code: int, text: str, identifier: str, project: str, operation: str, since: float) -> dict[str, Any]:
    """What is told.

    Args:
        project: `training` or `ems`.
        operation: What was asked for, such as `CreateModelService`.
        since: When it was.
    """
    now = time.time()
    return {
        "code": code,
        "message": text,
        "id": identifier,
        "appName": "tione",
        "projectName": project,
        "taskName": operation,
        "totalTime": round(now - since, 2),
        "responseTime": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now + 8 * 3600)),
    }


def tell(url: str, document: dict[str, Any]) -> None:
    """Tell a server, in the background."""
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname in _HERE:
        threading.Thread(target=_post, args=(url, document), daemon=True).start()


def _post(text: str, document: dict[str, Any]) -> None:
    url = urlsplit(text)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    for _ in range(_ATTEMPTS):
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=_SECONDS)
        try:
            body = json.dumps(document).encode()
            connection.request("POST", target, body, {"Content-Type": "application/json"})
            if connection.getresponse().status < 300:
                return
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
