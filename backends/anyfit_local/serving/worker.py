"""One worker of an endpoint, a program of its own: loads a model, answers one request after the other.

    python worker.py SOCKET_NUMBER ANYFIT_INFERENCE_PY CODE_DIR MODEL_DIR MODULE

It talks over a socket in frames: the length of a head in four bytes, the head as JSON, and a body as long as the
head's `size` says. Its first frame says whether the model is loaded. It ends when the socket does. Standard
library only; what the handler prints goes to the endpoint's log.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import struct
import sys
from io import BufferedRWPair
from typing import Any

_LENGTH = struct.Struct("!I")


def main() -> None:
    """Serve until the other end closes."""
    number, inference, code_dir, model_dir, module = sys.argv[1:]
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # the server decides when we end, by closing the socket
    with socket.socket(fileno=int(number)) as connection, connection.makefile("rwb") as stream:
        os.set_inheritable(int(number), False)
        sys.path[:] = [path for path in sys.path if path != os.path.dirname(os.path.abspath(__file__))]  # noqa: PTH100, PTH120
        try:
            handler = _handler(inference, code_dir, model_dir, module)
        except BaseException as fault:
            _send(stream, {"fault": _said(fault)}, b"")
            raise
        _send(stream, {"ready": True}, b"")
        while (request := _receive(stream)) is not None:
            head, body = request
            _send(stream, {"taken": True}, b"")  # who dies before this has not touched the request
            answer = handler.handle(body, head["content_type"], head["accept"])
            _send(stream, {"status": answer.status, "content_type": answer.content_type}, answer.body)


def _handler(inference: str, code_dir: str, model_dir: str, module: str) -> Any:
    spec = importlib.util.spec_from_file_location("anyfit_inference", inference)
    assert spec is not None and spec.loader is not None  # noqa: S101
    loaded = importlib.util.module_from_spec(spec)
    sys.modules["anyfit_inference"] = loaded
    spec.loader.exec_module(loaded)
    handler = loaded.Handler(code_dir, model_dir, module)
    handler.load()
    return handler


def _said(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {fault}"


def _send(stream: BufferedRWPair[Any, Any], head: dict[str, Any], body: bytes) -> None:
    packed = json.dumps(dict(head, size=len(body))).encode()
    stream.write(_LENGTH.pack(len(packed)) + packed)
    stream.write(body)
    stream.flush()


def _receive(stream: BufferedRWPair[Any, Any]) -> tuple[dict[str, Any], bytes] | None:
    length = stream.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    head = json.loads(stream.read(_LENGTH.unpack(length)[0]))
    return head, stream.read(head["size"])


if __name__ == "__main__":
    main()
