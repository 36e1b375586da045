"""Serve a SavedModel as TF-Serving's REST does: `saved_model.py <folder> <port>`; needs TensorFlow.

The folder is that of the model, or holds one for every version, named with a number. The highest is served, also one
that comes later.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL = "/v1/models/m"


class Served:
    """The newest version of a model, asked with rows (`instances`) or with columns (`inputs`).

    Attributes:
        version: Of what is served now.
    """

    def __init__(self, folder: Path) -> None:
        import numpy as np
        import tensorflow as tf

        self._array, self._tf = np.asarray, tf
        self._folder = folder
        self._lock = threading.Lock()
        self.version = 0
        self._model: Any = None
        self.refresh()

    def refresh(self) -> None:
        """Load a version that is newer than what is served."""
        found = {int(place.name): place for place in self._folder.iterdir() if place.name.isdecimal()}
        complete = {number: place for number, place in found.items() if (place / "saved_model.pb").is_file()}
        newest = max(complete, default=1)
        with self._lock:
            if newest > self.version:
                self._model = self._tf.saved_model.load(str(complete.get(newest, self._folder)))
                self.version = newest

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """`predictions` for rows, `outputs` for columns."""
        self.refresh()
        function = self._model.signatures[request.get("signature_name", "serving_default")]
        wanted = function.structured_input_signature[1]
        if "inputs" in request:
            columns = request["inputs"]
            if not isinstance(columns, dict):
                columns = {next(iter(wanted)): columns}
            found = self._call(function, wanted, columns)
            return {"outputs": next(iter(found.values())) if len(found) == 1 else found}
        rows = request["instances"]
        if rows and isinstance(rows[0], dict):
            columns = {name: [row[name] for row in rows] for name in rows[0]}
        else:
            columns = {next(iter(wanted)): rows}
        found = self._call(function, wanted, columns)
        if len(found) == 1:
            return {"predictions": next(iter(found.values()))}
        return {"predictions": [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]}

    def metadata(self) -> dict[str, Any]:
        """What the model can be asked."""
        self.refresh()
        signatures = {
            name: {"inputs": {key: {"dtype": spec.dtype.name} for key, spec in given.items()}}
            for name, function in self._model.signatures.items()
            for given in [function.structured_input_signature[1]]
        }
        spec = {"name": "m", "version": str(self.version)}
        return {"model_spec": spec, "metadata": {"signature_def": {"signature_def": signatures}}}

    def _call(self, function: Any, wanted: dict[str, Any], columns: dict[str, Any]) -> dict[str, Any]:
        tensors = {name: self._tf.constant(value, dtype=wanted[name].dtype) for name, value in columns.items()}
        return {name: self._array(value).tolist() for name, value in function(**tensors).items()}


def serve(served: Served, port: int) -> None:
    """For ever."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == MODEL + "/metadata":
                self._send(200, served.metadata())
            elif self.path in ("/", MODEL):
                served.refresh()
                state = {"version": str(served.version), "state": "AVAILABLE"}
                self._send(200, {"model_version_status": [state]})
            else:
                self._send(404, {"error": f"Malformed request: GET {self.path}"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path != MODEL + ":predict":
                self._send(404, {"error": f"Malformed request: POST {self.path}"})
                return
            try:
                self._send(200, served.answer(json.loads(body)))
            except (ValueError, KeyError, TypeError) as error:
                self._send(400, {"error": str(error)})
            except Exception as error:
                traceback.print_exc()
                self._send(500, {"error": str(error)})

        def _send(self, status: int, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *words: Any) -> None:
            """Nothing: the gateway knows who asked."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(Served(Path(sys.argv[1])), int(sys.argv[2]))
