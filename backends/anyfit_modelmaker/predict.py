"""Serve a model on ModelMaker: POST /ModelMaker/predict on port 10000; standard library only, Python 3.6+.

Beside this file lie `anyfit_inference.py`, `anyfit_model.json` and, where there is any, the user's code as an archive.
"""

import json
import os
import signal
import socketserver
import sys
import tarfile
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = "/ModelMaker/predict"
PORT = 10000
_HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Load the model and answer until told to stop."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    with open(os.path.join(_HERE, "anyfit_model.json"), encoding="utf-8") as file:
        model = json.load(file)
    root = os.environ.get("MM_ROOT") or "/opt/ai"
    code_dir, model_dir = _code(model), os.path.join(root, "model")
    _set_environment(model, code_dir, model_dir)
    sys.path.insert(0, _HERE)
    inference = __import__("anyfit_inference")
    handler = inference.Handler(code_dir, model_dir, model.get("entry_point") or "inference.py")
    handler.load()
    port = int(os.environ.get("MM_SERVE_PORT") or PORT)
    server = Server(("0.0.0.0", port), Request)  # noqa: S104  the platform's gateway comes from outside
    server.handler = handler
    print("anyfit: serving on port %d" % port, flush=True)
    server.serve_forever()


class Server(socketserver.ThreadingMixIn, HTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    request_queue_size = 128
    handler: "Any" = None


class Request(BaseHTTPRequestHandler):
    """Hands a payload to the handler and its answer back."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_POST(self) -> None:
        """A prediction."""
        if self.path.split("?")[0] != PATH:
            self._say(404, "only %s is answered" % PATH)
            return
        length = self.headers.get("Content-Length")
        if length is None or not length.isdigit():
            self._say(411, "the request has no Content-Length")
            return
        body = self.rfile.read(int(length))
        kind, accept = self.headers.get("Content-Type", ""), self.headers.get("Accept", "")
        answer = self.server.handler.handle(body, kind, accept)
        self._send(answer.status, answer.content_type, answer.body)

    def _say(self, status: int, message: str) -> None:
        self.close_connection = True
        error = {"error": {"type": "BadRequest", "message": message, "where": ""}}
        self._send(status, "application/json", json.dumps(error).encode("utf-8"))

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: "Any") -> None:
        """Say nothing: requests are the platform's to count."""


def _set_environment(model: "dict[str, Any]", code_dir: str, model_dir: str) -> None:
    """The model's variables, but for those that the service sets for itself."""
    own = set((os.environ.get("ANYFIT_SERVICE_VARIABLES") or "").split(","))
    for name, value in (model.get("environment") or {}).items():
        if name not in own:
            os.environ[name] = value
    os.environ.update({"ANYFIT_MODEL_DIR": model_dir, "ANYFIT_CODE_DIR": code_dir, "SM_MODEL_DIR": model_dir})
    os.environ["ANYFIT_JOB_BACKEND"] = "modelmaker"


def _code(model: "dict[str, Any]") -> str:
    """The folder of the user's code, unpacked."""
    folder = tempfile.mkdtemp(prefix="anyfit-code-")
    archive = model.get("code_archive")
    if archive:
        with tarfile.open(os.path.join(_HERE, archive)) as tar:
            for entry in tar:
                if os.path.isabs(entry.name) or ".." in entry.name.split("/") or not (entry.isfile() or entry.isdir()):
                    raise SystemExit("anyfit: the code archive holds %s, which is refused" % entry.name)
                tar.extract(entry, folder, set_attrs=False)
    return folder


if __name__ == "__main__":
    main()
