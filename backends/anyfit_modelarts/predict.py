"""Serve a model on ModelArts: what `customize_service.py` asks; standard library only, Python 3.6+.

Travels as `anyfit_predict.py`. Beside it lie `anyfit_inference.py`, `anyfit_model.json` and, where there is any, the
user's code as an archive.

    answers = Answers(os.path.dirname(os.path.abspath(__file__)))
    answers.postprocess(answers.inference(answers.preprocess(data)))

The platform hands over JSON or the fields of a form, and takes what can be said in JSON. Other payloads come as a form
with one file, or wrapped in JSON:

    {"anyfit_body": BASE64, "anyfit_content_type": "text/csv", "anyfit_accept": "text/csv"}

and an answer that is no JSON goes back as the same without `anyfit_accept`. A refusal is an exception, whose text is
the refusal as JSON with its `status`, for the platform has one status for all that goes wrong here.
"""

import base64
import importlib
import json
import mimetypes
import os
import sys
import uuid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

BODY, CONTENT_TYPE, ACCEPT = "anyfit_body", "anyfit_content_type", "anyfit_accept"
_JSON = "application/json"
_KINDS = {".npy": "application/x-npy", ".csv": "text/csv", ".txt": "text/plain", ".json": _JSON}


class Refused(Exception):
    """The handler refuses a payload, or has fallen over it."""


class Answers:
    """The handler of one model, loaded.

    Args:
        home: The folder of this package.
    """

    def __init__(self, home: str) -> None:
        if home not in sys.path:
            sys.path.insert(0, home)
        inference = importlib.import_module("anyfit_inference")
        model = inference.described(home)
        model_dir = os.path.join(home, model.get("model_dir") or "").rstrip(os.sep)
        self._handler = inference.packaged(home, model, model_dir, "modelarts")
        self._handler.load()

    def preprocess(self, data: "Any") -> "Tuple[bytes, str, str]":
        """The payload, what it is, and how the answer should come."""
        if isinstance(data, dict) and BODY in data:
            body = base64.b64decode(str(data[BODY]))
            return body, str(data.get(CONTENT_TYPE) or _JSON), str(data.get(ACCEPT) or _JSON)
        fields = _fields(data)
        if fields is None:
            return json.dumps(data).encode("utf-8"), _JSON, _JSON
        if len(fields) == 1 and fields[0][1]:
            _, name, content = fields[0]
            return content, _kind(name), _JSON
        boundary = uuid.uuid4().hex
        return _form(fields, boundary), "multipart/form-data; boundary=" + boundary, _JSON

    def inference(self, request: "Tuple[bytes, str, str]") -> "Any":
        """The handler's response."""
        return self._handler.handle(*request)

    def postprocess(self, response: "Any") -> "Any":
        """What the platform says as JSON; Refused for what is no answer."""
        if response.status >= 400:
            raise Refused(json.dumps(dict(_error(response.body), status=response.status)))
        if response.content_type.partition(";")[0].strip().lower() == _JSON:
            return json.loads(response.body.decode("utf-8"))
        return {BODY: base64.b64encode(response.body).decode("ascii"), CONTENT_TYPE: response.content_type}


def _fields(data: "Any") -> "Any":
    """The fields of a form as (name, file name or "", content); None for data that came as JSON.

    The platform's documents show a form as a table of tables by file name, and also as a list of such.
    """
    tables = data if isinstance(data, list) else [data]
    found = []  # type: List[Tuple[str, str, bytes]]
    files = 0
    for table in tables:
        if not isinstance(table, dict):
            return None
        for name, value in table.items():
            for file_name, content in value.items() if isinstance(value, dict) else [("", value)]:
                if hasattr(content, "read"):
                    files += 1
                    found.append((str(name), str(file_name), content.read()))
                elif not file_name:
                    found.append((str(name), "", str(content).encode("utf-8")))
    return found if files else None


def _form(fields: "List[Tuple[str, str, bytes]]", boundary: str) -> bytes:
    """The fields as the body that they came in."""
    lines = []  # type: List[bytes]
    for name, file_name, content in fields:
        shown = '; filename="%s"' % file_name if file_name else ""
        head = '--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n' % (boundary, name, shown)
        kind = "Content-Type: %s\r\n" % _kind(file_name) if file_name else ""
        lines.append((head + kind + "\r\n").encode("utf-8") + content + b"\r\n")
    return b"".join(lines) + ("--%s--\r\n" % boundary).encode("utf-8")


def _kind(name: str) -> str:
    """The content type of a file, by its name."""
    ending = os.path.splitext(name)[1].lower()
    return _KINDS.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _error(body: bytes) -> "Dict[str, Any]":
    try:
        return dict(json.loads(body.decode("utf-8")))
    except (ValueError, TypeError):
        return {"error": {"type": "Error", "message": body.decode("utf-8", "replace"), "where": ""}}
