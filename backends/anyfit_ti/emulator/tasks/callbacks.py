"""Telling the user's own server what became of a task (reference, section 3.15).

Only servers of this machine are told: the emulator asks nothing of others.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from anyfit_ti.emulator.tasks.values import Task

__all__ = ["call_back"]

_ATTEMPTS = 2
_SECONDS = 5.0
_HERE = ("127.0.0.1", "localhost", "::1")
_CODES = {"SUCCEED": 0, "STOPPED": 0, "SUBMIT_FAILED": 10001, "FAILED": 10002}
_NAMES = {"Create": "CreateTrainingTask"}


def call_back(task: Task) -> None:
    """Tell it, in the background."""
    url = urlsplit(task.config["CallbackUrl"])
    if url.scheme == "http" and url.hostname in _HERE:
        threading.Thread(target=_post, args=(task.config["CallbackUrl"], _message(task)), daemon=True).start()


def _message(task: Task) -> dict[str, Any]:
    now = time.time()
    return {
        "code": _CODES.get(task.status, 10004),
        "message": task.failure or task.status,
        "id": task.id,
        "appName": "tione",
        "projectName": "training",
        "taskName": _NAMES.get(task.operation, task.operation),
        "totalTime": round(now - task.latest.created, 2),
        "responseTime": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now + 8 * 3600)),
    }


def _post(text: str, message: dict[str, Any]) -> None:
    url = urlsplit(text)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    for _ in range(_ATTEMPTS):
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=_SECONDS)
        try:
            body = json.dumps(message).encode()
            connection.request("POST", target, body, {"Content-Type": "application/json"})
            if connection.getresponse().status < 300:
                return
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
