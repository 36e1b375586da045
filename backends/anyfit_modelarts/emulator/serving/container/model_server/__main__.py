"""The program of an inference container: it loads a model package and answers its requests.

    python -m model_server MODEL_DIRECTORY PORT MODEL_TYPE MODEL_NAME

It listens once the package is loaded, so a port that answers means a service that is ready. The directory above this
one and the model's must be on Python's path.
"""

from __future__ import annotations

import json
import signal
import socketserver
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from model_server import formdata, loading

HOST = "127.0.0.1"


class Unreadable(Exception):
    """The body of a request is not what its Content-Type says; the message says why."""


def main(argv: list[str]) -> None:
    """Serve until the process is ended."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # what services leave for the end is done
    directory, port, model_type, model_name = argv
    service = loading.load(Path(directory), model_type, model_name)
    print(f"{type(service).__name__} is ready", flush=True)
    with _Server((HOST, int(port)), _Handler) as server:
        server.service = service
        server.serve_forever()


class _Server(socketserver.ThreadingTCPServer):
    """Many connections, one inference at a time: user code is not written for threads."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    service: Any

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.busy = threading.Lock()
        super().__init__(address, handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """The health check."""
        if self.path == "/health":
            self._answer(200, {"health": "true"})
        else:
            self._answer(405, {"error_msg": "Method Not Allowed"})

    def do_POST(self) -> None:
        """An inference."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            data = _read(self.headers.get("Content-Type") or "", body)
        except Unreadable as error:
            self._answer(400, _fault(str(error)))
            return
        try:
            with self.server.busy:
                answer = self.server.service.inference(data)
            content = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
        except Exception as error:
            traceback.print_exc()
            self._answer(500, _fault(f"{type(error).__name__}: {error}"))
            return
        self._send(200, content)

    def log_message(self, *words: Any) -> None:
        """Requests are counted by the gateway; the log is the user's."""

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        self._send(status, json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _read(content_type: str, body: bytes) -> Any:
    """What `_preprocess` gets: a form's fields, or what the JSON says."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        try:
            return formdata.parse(content_type, body)
        except ValueError as error:
            raise Unreadable(str(error)) from None
    if kind in ("application/json", ""):
        try:
            return json.loads(body)
        except ValueError as error:
            raise Unreadable(f"the body is not JSON: {error}") from None
    raise Unreadable(f"Content-Type {kind} is neither application/json nor multipart/form-data")


def _fault(message: str) -> dict[str, Any]:
    return {"erno": "MR.0105", "msg": message, "words_result": {}}  # sic: `erno`


if __name__ == "__main__":
    main(sys.argv[1:])
