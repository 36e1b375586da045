"""Asking services: payloads in the forms that the platform takes, and what its refusals mean."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Callable
from threading import Lock
from typing import Any
from uuid import uuid4

from attrs import frozen
from requests import Response

from anyfit.backend import EndpointRef, EndpointState, EndpointStatus, Payload
from anyfit.errors import AnyfitError, AuthError, PredictionError, ServiceError, SpecError
from anyfit.http import Transport
from anyfit.launch.anyfit_inference import accepted
from anyfit.refusal import not_ready, prediction_error
from anyfit_modelarts.answers import json_of, refusal_in
from anyfit_modelarts.auth import Account
from anyfit_modelarts.client import Raw, is_stale
from anyfit_modelarts.errors import normal
from anyfit_modelarts.package import ENVELOPE
from anyfit_modelarts.serving import Services
from anyfit_modelarts.wire import rows, table, text

__all__ = ["Caller"]

_JSON, _FORM = "application/json", "multipart/form-data"
_BUSY = frozenset({"ModelArts.4206", "APIG.0308"})
_NO_ANSWER = frozenset({"APIG.0101", "APIG.0201", "ModelArts.4302", "ModelArts.4503", "APIG.0610"})
_LIMIT = 12 << 20


@frozen
class _Form:
    """How a service takes what is no JSON: as the file of this field, or wrapped in JSON."""

    file_field: str = ""
    wraps: bool = False


class Caller:
    """Asks the services of one project.

    Args:
        services: Knows where they are.
        apis: What a model's `config.json` says about requests, by the model's id.
        account: Whose calls they are.
        transport: Makes them.
    """

    def __init__(
        self, services: Services, apis: Callable[[str], list[Raw]], account: Account, transport: Transport
    ) -> None:
        self._services = services
        self._apis = apis
        self._account = account
        self._transport = transport
        self._lock = Lock()
        self._urls: dict[str, str] = {}
        self._forms: dict[str, _Form] = {}

    def invoke(self, ref: EndpointRef, payload: Payload) -> Payload:
        """One prediction."""
        url = self._urls.get(ref.id) or self._address(ref)
        sent = self._as_sent(ref, payload)
        if len(sent.body) > _LIMIT:
            limit = f"the request has {len(sent.body)} bytes, and ModelArts takes {_LIMIT >> 20} MB"
            raise PredictionError(f"endpoint {ref.id}: {limit}", status="413", backend="modelarts")
        response = self._send(url, sent)
        answer = json_of(response)
        if not response.ok or (isinstance(answer, dict) and "erno" in answer):
            raise self._refusal(ref, response, answer)
        with self._lock:
            self._urls[ref.id] = url
        if isinstance(answer, dict) and ENVELOPE in answer and "anyfit_content_type" in answer:
            return Payload(base64.b64decode(answer[ENVELOPE]), answer["anyfit_content_type"], payload.accept)
        kind = response.headers.get("Content-Type", "application/octet-stream")
        return Payload(response.content, kind, payload.accept)

    def forget(self, ref: EndpointRef) -> None:
        """What is known of a service is no longer so."""
        with self._lock:
            self._urls.pop(ref.id, None)
            self._forms.pop(ref.id, None)

    # sending

    def _as_sent(self, ref: EndpointRef, payload: Payload) -> Payload:
        """JSON and forms go as they are; other payloads go as the model says that it takes them."""
        kind = payload.content_type.partition(";")[0].strip().lower()
        plain = (accepted(payload.accept) or [_JSON])[0] in (_JSON, "*/*")
        if kind == _FORM or (kind == _JSON and plain):
            return payload
        form = self._form(ref)
        if form.wraps:
            table = {
                ENVELOPE: base64.b64encode(payload.body).decode(),
                "anyfit_content_type": payload.content_type,
                "anyfit_accept": payload.accept,
            }
            return Payload(json.dumps(table).encode(), _JSON)
        if form.file_field and kind != _JSON:
            return _as_form(form.file_field, kind, payload.body)
        if kind == _JSON:
            return payload  # the answer is what the model makes it
        raise SpecError(
            f"data: endpoint {ref.id} takes no {payload.content_type}",
            hint="send JSON, or a form with the fields that its config.json names",
            backend="modelarts",
        )

    def _form(self, ref: EndpointRef) -> _Form:
        """What the models of the service say: those of one service take the same."""
        if ref.id not in self._forms:
            parts = rows(self._services.detail(ref).get("config"))
            apis = self._apis(text(parts[0].get("model_id"))) if parts else []
            form = _form_of(apis)
            with self._lock:
                self._forms[ref.id] = form
        return self._forms[ref.id]

    def _send(self, url: str, payload: Payload) -> Response:
        """Signed, or with the token, and with a new one where the old one has ended."""
        headers = {"Content-Type": payload.content_type, "Accept": _JSON}
        if self._account.signs:
            signer = self._account.signer(self._account.project())
            return self._transport.send(
                "POST", url, data=payload.body, headers={**headers, "x-stage": "RELEASE"}, auth=signer
            )
        token = self._account.token()
        response = self._transport.send("POST", url, data=payload.body, headers={**headers, "X-Auth-Token": token})
        if is_stale(response):
            token = self._account.renew(token)
            response = self._transport.send("POST", url, data=payload.body, headers={**headers, "X-Auth-Token": token})
        return response

    def _address(self, ref: EndpointRef) -> str:
        detail = self._services.detail(ref)
        url = text(detail.get("access_address"))
        if not url:
            raise self._not_ready(ref, self._services.state_of(detail), "")
        return url

    # refusals

    def _refusal(self, ref: EndpointRef, response: Response, answer: Any) -> AnyfitError:
        """The error that an answer means."""
        self.forget(ref)
        status = response.status_code
        refusal = refusal_in(answer)
        code = normal(refusal.code) if refusal else ""
        if isinstance(answer, dict) and "erno" in answer:
            return _of_handler(ref, status, answer)
        if status == 401 or (status == 403 and code):
            return AuthError(
                f"endpoint {ref.id}: ModelArts does not take the login" + (f": {refusal.message}" if refusal else ""),
                hint="is the endpoint in this project, and this machine's clock right? anyfit config show --origin",
                backend="modelarts",
                status=code or str(status),
            )
        if status == 429 or code in _BUSY:
            return ServiceError(
                f"endpoint {ref.id} has too many requests", hint="ask less often, or give it more instances",
                backend="modelarts", status=code or str(status),
            )  # fmt: skip
        if code in _NO_ANSWER or status in (502, 503, 504):
            state = self._services.state(ref)  # NotFound where it is gone
            if state.status != EndpointStatus.READY:
                return self._not_ready(ref, state, code or str(status))
        body = refusal.message.encode() if refusal and code.startswith(("APIG", "ModelArts")) else response.content
        return prediction_error(ref.id, status, body, backend="modelarts")

    @staticmethod
    def _not_ready(ref: EndpointRef, state: EndpointState, status: str) -> ServiceError:
        name = (state.spec and state.spec.name) or ref.id
        resting = state.status == EndpointStatus.STOPPED
        hint = f"start it: anyfit endpoints start {name}" if resting else f"look again: anyfit endpoints {name}"
        return not_ready(name, state, hint=hint, backend="modelarts", status=status)


def _of_handler(ref: EndpointRef, status: int, answer: Raw) -> AnyfitError:
    """What the code of a service has raised: anyfit's own says how it is meant, any other is a crash."""
    message = text(answer.get("msg"))
    begin, end = message.find("{"), message.rfind("}")
    try:
        told = json.loads(message[begin : end + 1])
        return prediction_error(ref.id, int(told["status"]), json.dumps(told).encode(), backend="modelarts")
    except (ValueError, KeyError, TypeError):
        return prediction_error(
            ref.id, max(status, 400) if status >= 400 else 500, message.encode(), backend="modelarts"
        )


def _form_of(apis: list[Raw]) -> _Form:
    """How a model takes what is no JSON, by what its `config.json` says."""
    for api in apis:
        request = table(api.get("request"))
        properties = table(table(request.get("data")).get("properties"))
        if ENVELOPE in properties:
            return _Form(wraps=True)
        files = [name for name, schema in properties.items() if table(schema).get("type") == "file"]
        if files:
            return _Form(file_field=files[0])
    return _Form()


def _as_form(field: str, kind: str, body: bytes) -> Payload:
    """A form with one file, whose name ends as its content type wants."""
    endings = {"application/x-npy": ".npy", "text/csv": ".csv", "text/plain": ".txt", "image/jpeg": ".jpg"}
    name = "payload" + (endings.get(kind) or mimetypes.guess_extension(kind) or ".bin")
    boundary = uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    form = f"{head}Content-Type: {kind}\r\n\r\n".encode() + body + f"\r\n--{boundary}--\r\n".encode()
    return Payload(form, f"{_FORM}; boundary={boundary}")
