"""Serve a model on TI: POST /v1/models/m:predict on port 8501; standard library only, Python 3.6+.

Beside this file lie `anyfit_inference.py`, `anyfit_model.json`, the model's files in `model/` and, where there is any,
the user's code as an archive. A service of 2021 starts it with a command. TI-EMS knows no commands: there this file is
the `model_service.py` that the inference server of TI's images imports before it listens, and whose place it takes.
"""

import importlib
import json
import os
import signal
import socketserver
import subprocess
import sys
import tarfile
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = "/v1/models/m:predict"
PORT = 8501
PAGES = {"/": {"status": "ready"}, "/v1/models": {"models": ["m"]}, "/v1/models/m": {"name": "m", "ready": True}}
_HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Load the model and answer until told to stop."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    with open(os.path.join(_HERE, "anyfit_model.json"), encoding="utf-8") as file:
        model = json.load(file)
    code_dir, model_dir = _code(model), _weights(os.path.join(_HERE, "model"))
    _set_environment(model, code_dir, model_dir)
    _install(model, code_dir)
    sys.path.insert(0, _HERE)
    inference = importlib.import_module("anyfit_inference")
    handler = inference.Handler(code_dir, model_dir, model.get("entry_point") or "inference.py")
    handler.load()
    server = Server(("0.0.0.0", _port(sys.argv)), Request)  # noqa: S104  the platform's gateway comes from outside
    server.handler = handler
    print("anyfit: serving on port %d" % server.server_address[1], flush=True)
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

    def do_GET(self) -> None:
        """Whether the server is well, as the platform asks."""
        page = PAGES.get(self.path.split("?")[0])
        if page is None:
            self._refuse(404, "there is nothing here")
            return
        self._send(200, "application/json", json.dumps(page).encode("utf-8"))

    def do_POST(self) -> None:
        """A prediction."""
        if self.path.split("?")[0] != PATH:
            self._refuse(404, "only %s is answered" % PATH)
            return
        length = self.headers.get("Content-Length")
        if length is None or not length.isdigit():
            self._refuse(411, "the request has no Content-Length")
            return
        body = self.rfile.read(int(length))
        kind, accept = self.headers.get("Content-Type", ""), self.headers.get("Accept", "")
        answer = self.server.handler.handle(body, kind, accept)
        self._send(answer.status, answer.content_type, answer.body)

    def _refuse(self, status: int, message: str) -> None:
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


def _port(arguments: "list[str]") -> int:
    """The port that the command line names, ours or that of the server whose place this one takes."""
    if "--port" in arguments[:-1]:
        return int(arguments[arguments.index("--port") + 1])
    return PORT


def _set_environment(model: "dict[str, Any]", code_dir: str, model_dir: str) -> None:
    """The model's variables, but for those that the service sets for itself."""
    own = set((os.environ.get("ANYFIT_SERVICE_VARIABLES") or "").split(","))
    for name, value in (model.get("environment") or {}).items():
        if name not in own:
            os.environ[name] = value
    os.environ.update({"ANYFIT_MODEL_DIR": model_dir, "ANYFIT_CODE_DIR": code_dir, "SM_MODEL_DIR": model_dir})
    os.environ["ANYFIT_JOB_BACKEND"] = "ti"


def _install(model: "dict[str, Any]", code_dir: str) -> None:
    """What the code needs, where that is wanted."""
    needed = os.path.join(code_dir, "requirements.txt")
    if model.get("install_requirements") and os.path.isfile(needed):
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-r", needed]
        if subprocess.call(pip, stdout=sys.stderr):
            raise SystemExit("anyfit: the requirements cannot be installed (pip's words are above)")
        importlib.invalidate_caches()


def _weights(folder: str) -> str:
    """The folder of the model's files, unpacked where there is nothing but an archive of them."""
    if os.listdir(folder) != ["model.tar.gz"]:
        return folder
    return _unpacked(os.path.join(folder, "model.tar.gz"), "anyfit-model-")


def _code(model: "dict[str, Any]") -> str:
    """The folder of the user's code, unpacked."""
    archive = model.get("code_archive")
    return _unpacked(os.path.join(_HERE, archive), "anyfit-code-") if archive else tempfile.mkdtemp()


def _unpacked(archive: str, prefix: str) -> str:
    """A new folder with what an archive holds."""
    folder = tempfile.mkdtemp(prefix=prefix)
    with tarfile.open(archive) as tar:
        for entry in tar:
            if os.path.isabs(entry.name) or ".." in entry.name.split("/") or not (entry.isfile() or entry.isdir()):
                raise SystemExit("anyfit: %s holds %s, which is refused" % (archive, entry.name))
            tar.extract(entry, folder, set_attrs=False)
    return folder


if __name__ in ("__main__", "model_service"):
    main()
