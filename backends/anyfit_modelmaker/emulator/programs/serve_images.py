"""Serves what ImageClassification has learned: multipart field `image` in, labels with probabilities out."""

from __future__ import annotations

import json
import os
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from anyfit_modelmaker.emulator.programs.imaging import features
from anyfit_modelmaker.emulator.programs.softmax import Softmax

PATH = "/ModelMaker/predict"
MOST = 5  # labels in an answer


def main() -> None:
    """Serve until the process is ended."""
    document = json.loads((Path(os.environ["MM_MODEL_DIR"]) / "model.json").read_text())
    model, classes = Softmax(document["weights"]), document["classes"]

    class Handler(BaseHTTPRequestHandler):
        """Answers predictions."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """A prediction."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            image = _image(self.headers.get("Content-Type") or "", body) if self.path == PATH else None
            if image is None:
                answer: dict[str, Any] = {"success": False, "message": f"send a multipart field 'image' to {PATH}"}
            else:
                answer = {"success": True, "predictions": _ranked(classes, model.probabilities(features(image)))}
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    ThreadingHTTPServer(("127.0.0.1", int(os.environ["MM_SERVE_PORT"])), Handler).serve_forever()


def _image(content_type: str, body: bytes) -> bytes | None:
    if not content_type.startswith("multipart/"):
        return None
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    for part in message.iter_parts():
        if part.get_param("name", header="content-disposition") == "image":
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else None
    return None


def _ranked(classes: list[str], chances: list[float]) -> list[dict[str, Any]]:
    ranked = sorted(zip(chances, classes, strict=True), reverse=True)[:MOST]
    return [{"label": label, "probability": round(chance, 6)} for chance, label in ranked]


if __name__ == "__main__":
    main()
