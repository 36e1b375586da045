"""The object store as an application: from an HTTP request to an HTTP response."""

from __future__ import annotations

import itertools
import secrets
import time
import traceback
from email.utils import formatdate

from anyfit_emulator.http import Disconnected, FileSlice, Mishap, Request, Response, Slow
from anyfit_emulator.storage.addressing import Address, address_of
from anyfit_emulator.storage.admin import Administration
from anyfit_emulator.storage.auth import Claim, Identity, authenticate
from anyfit_emulator.storage.auth.values import parse_query
from anyfit_emulator.storage.call import Call, Options
from anyfit_emulator.storage.credentials import Credential, CredentialTable
from anyfit_emulator.storage.dialects import Dialect, dialect_of
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.faults import NOTHING, Decision, FaultPlan
from anyfit_emulator.storage.requestlog import LoggedRequest, RequestLog
from anyfit_emulator.storage.routes import OPERATIONS, SLOW, operation_of
from anyfit_emulator.storage.store import ObjectStore
from anyfit_emulator.storage.uploads import Uploads
from anyfit_emulator.storage.xml import document, tag

__all__ = ["StorageApp"]

_BODILESS = frozenset({204, 304})


class StorageApp:
    """Answers requests in the dialect they come in.

    Args:
        default: The dialect of requests that are not signed, or signed with what it shares with others.
    """

    def __init__(
        self,
        store: ObjectStore,
        uploads: Uploads,
        credentials: CredentialTable,
        plan: FaultPlan,
        log: RequestLog,
        options: Options,
        default: Dialect,
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._credentials = credentials
        self._plan = plan
        self._log = log
        self._options = options
        self._default = default
        self._administration = Administration(log, plan, credentials)
        self._ids = itertools.count(1)
        self._boot = secrets.token_hex(4).upper()
        self._date = (0, "")

    def quick(self, request: Request) -> bool:
        """Whether a request with a small body may be answered on the event loop."""
        if self._plan.faults:
            return False
        try:
            return self._call(request).operation not in SLOW
        except StoreError:
            return True

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        if self._administration.wants(request):
            return self._administration(request)
        identifier = f"{self._boot}{next(self._ids):010X}"
        call: Call | None = None
        dialect = self._default
        try:
            call = self._call(request)
            dialect = call.dialect
            response = self._answer(call)
        except StoreError as error:
            response = _refusal(error, request, dialect, identifier)
        except (Slow, Disconnected):
            raise
        except Exception as error:
            traceback.print_exc()
            response = _refusal(StoreError("InternalError", str(error)), request, dialect, identifier)
        response.headers += self._common(dialect, identifier)
        self._note(call, response)
        return response

    def _answer(self, call: Call) -> Response:
        if not call.counted:
            call.counted = True
            resource = f"{call.bucket}/{call.key} {call.query.get('partNumber', '')} "
            resource += call.request.headers.get("range", "")
            call.fault = self._plan.decide(call.operation, resource)
        if self._plan.faults.latency:
            time.sleep(self._plan.faults.latency)
        if call.fault.error:
            status, code = call.fault.error
            raise StoreError(code, status=status)
        operation = OPERATIONS.get(call.operation)
        call.identity = self._identify(call)
        if operation is None:
            raise StoreError("NotImplemented")
        if call.fault.kind == "reset" and call.request.method in ("PUT", "POST"):
            self._reset_upload(call)
        call.request.body.damaged = call.fault.kind == "corrupt"
        return _spoil(operation(call), call.fault)

    def _identify(self, call: Call) -> Identity:
        if call.operation == "GetApiVersion":
            return Identity(Credential("", ""), "anonymous")
        try:
            return authenticate(call.claim, self._credentials)
        except StoreError as error:
            if error.code == "ExpiredToken":
                error.status = call.dialect.expired_status
            raise

    def _reset_upload(self, call: Call) -> None:
        """Read half of the body, then reset the connection."""
        body = call.request.body
        half = (body.length or 0) // 2
        if body.length is None or body.length > body.size:
            for _ in body:
                if body.size >= half:
                    break
        self._note(call, Response(0))
        raise Disconnected("injected fault")

    def _call(self, request: Request) -> Call:
        if isinstance(request.state, Call):
            return request.state
        headers = request.headers
        address = address_of(headers.get("host", ""), request.path, self._options.suffixes)
        pairs = parse_query(request.query)
        dialect = dialect_of(headers, dict(pairs), self._default)
        if dialect.plus != "+" and "+" in request.query:
            pairs = parse_query(request.query, plus=dialect.plus)
        claim = Claim(request.method, request.path, pairs, headers, address.bucket if address.in_host else "")
        call = Call(
            request,
            operation_of(request.method, address, claim.query, headers) or "Unknown",
            dialect,
            address,
            claim,
            self._store,
            self._uploads,
            self._options,
        )
        request.state = call
        return call

    def _common(self, dialect: Dialect, identifier: str) -> list[tuple[str, str]]:
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, formatdate(now, usegmt=True))
        headers = [("Date", self._date[1]), ("Server", "anyfit-emulator"), (f"{dialect.prefix}request-id", identifier)]
        second = "trace-id" if dialect.name == "cos" else "id-2"
        return [*headers, (f"{dialect.prefix}{second}", identifier)]

    def _note(self, call: Call | None, response: Response) -> None:
        address = call.address if call else Address("", "", False)
        part = call.query.get("partNumber", "") if call else ""
        fault = call.fault if call else NOTHING
        self._log.add(
            LoggedRequest(
                call.operation if call else "Unknown",
                address.bucket,
                address.key,
                int(part) if part.isdigit() else 0,
                response.status,
                call.request.body.size if call else 0,
                response.length,
                fault.error[1] if fault.error else fault.kind,
            )
        )


def _refusal(error: StoreError, request: Request, dialect: Dialect, identifier: str) -> Response:
    if request.method == "HEAD" or error.status in _BODILESS:
        return Response(error.status, list(error.headers))
    host = request.headers.get("host", "")
    details = {
        "Code": error.code,
        "Message": error.message,
        "Resource": f"{host}{request.path}" if dialect.name == "cos" else request.path,
        **error.details,
        "RequestId": identifier,
        "TraceId" if dialect.name == "cos" else "HostId": identifier,
    }
    body = document("Error", "", (tag(name, value) for name, value in details.items()))
    return Response(error.status, [("Content-Type", "application/xml"), *error.headers], body)


def _spoil(response: Response, fault: Decision) -> Response:
    """Let a fault happen to a good answer."""
    kind = fault.kind
    if kind == "lost" or (kind in ("reset", "truncate", "corrupt") and response.length):
        response.mishap = Mishap(kind, fault.at) if kind == "corrupt" else Mishap(kind)
    elif kind == "shorten" and isinstance(response.body, FileSlice) and response.length:
        response.body.length //= 2
    elif kind == "reset":
        response.mishap = Mishap("lost")
    return response
