"""Serve a SavedModel as TF-Serving's REST does: `saved_model.py <folder> <port>`; needs TensorFlow."""

from __future__ import annotations

import json
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Served:
    """A loaded model, asked with rows (`instances`) or with columns (`inputs`)."""

    def __init__(self, folder: str) -> None:
        import numpy as np
        import tensorflow as tf

        self._array, self._constant = np.asarray, tf.constant
        self._model = tf.saved_model.load(folder)  # kept: signatures refer to it weakly

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """`predictions` for rows, `outputs` for columns."""
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

    def _call(self, function: Any, wanted: dict[str, Any], columns: dict[str, Any]) -> dict[str, Any]:
        tensors = {name: self._constant(value, dtype=wanted[name].dtype) for name, value in columns.items()}
        return {name: self._array(value).tolist() for name, value in function(**tensors).items()}


def serve(served: Served, port: int) -> None:
    """For ever."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state = {"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}
            self._send(200 if self.path in ("/", "/v1/models/m") else 404, state)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path != "/v1/models/m:predict":
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
    serve(Served(sys.argv[1]), int(sys.argv[2]))
