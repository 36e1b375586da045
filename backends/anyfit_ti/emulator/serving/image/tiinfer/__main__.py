"""`python3 -m tiinfer --timeout 30000 --port 8501`: serve the model in TI_MODEL_DIR."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

from . import Model, stages

ROUTES = ("/v1/models/m:predict", "/inference")
PAGES = {
    "/": b"TI inference server\n",
    "/v1/models": b'{"models": ["m"]}',
    "/v1/models/m": b'{"name": "m", "ready": true}',
}


def main() -> None:
    """Load, then serve for ever."""
    parser = argparse.ArgumentParser(prog="tiinfer")
    parser.add_argument("--timeout", type=int, default=30000)
    parser.add_argument("--port", type=int, default=8501)
    arguments, _ = parser.parse_known_args()
    folder = os.environ.get("TI_MODEL_DIR", "/data/model")
    sys.path.insert(0, folder)
    answer = steps(importlib.import_module("model_service"), folder)
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), handler(answer))
    server.serve_forever()


def steps(module: ModuleType, folder: str) -> Callable[[Any], Any]:
    """What makes an answer of a request."""
    if stages:
        workers = [stage() for stage in stages]

        def through(data: Any) -> Any:
            for worker in workers:
                data = worker.forward(data)
            return data

        return through
    classes = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Model)]
    chosen = next((kind for kind in classes if kind is not Model), None)
    if chosen is None:
        sys.exit("model_service.py has no class that is derived from tiinfer.Model, and no worker was appended")
    model = chosen(folder)
    if model.load() is not True:
        sys.exit(f"{chosen.__name__}.load() did not return True")
    return lambda request: model.postprocess(model.predict(model.preprocess(request)))


def handler(answer: Callable[[Any], Any]) -> type[BaseHTTPRequestHandler]:
    """A handler class around it; one request at a time, as one worker would take them."""
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page = PAGES.get(self.path.partition("?")[0])
            self._send(404 if page is None else 200, page or b"there is nothing here\n")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.partition("?")[0] not in ROUTES:
                self._send(404, b"there is nothing here\n")
                return
            try:
                request = json.loads(body)
            except ValueError as error:
                self._send(400, f"the request is not JSON: {error}\n".encode())
                return
            try:
                with turn:
                    content = json.dumps(answer(request)).encode()
            except Exception:
                traceback.print_exc()
                self._send(500, b"inference internal error\n")
                return
            self._send(200, content, "application/json")

        def _send(self, status: int, content: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *words: Any) -> None:
            """Nothing: the gateway knows who asked."""

    return Handler


if __name__ == "__main__":
    main()
