"""One way to talk to a service over HTTP, for every backend.

The rings, from the outside: `Transport.send` retries what is safe to repeat; the session of `requests` below it
authenticates with the signer it was given; at the bottom is one mounted adapter, the seam for tests. A fault leaves
here as one of anyfit's errors; what a service says in the body of its answers is its own client's business.

Nothing that could be a secret is ever logged: no header, no body, no query.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from attrs import field, frozen

from anyfit.errors import LostAnswer, Refused, ServiceError

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session
    from requests.adapters import BaseAdapter
    from requests.auth import AuthBase

__all__ = ["RetryPolicy", "Transport"]

_log = logging.getLogger("anyfit.http")

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_REFUSED = 429  # the service says that it did nothing
_BROKEN = frozenset({500, 502, 503, 504})  # it, or what stands before it, may have done something


@frozen(kw_only=True)
class RetryPolicy:
    """When to try again, and how long to wait before.

    Attributes:
        attempts: The most tries of one call.
        first_pause: The most seconds before the second try; it doubles each time.
        longest_pause: The most seconds before any try.
        sleep: Waits; tests pass their own.
        chance: Answers a number from 0 to 1; tests pass their own.
    """

    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 20.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    chance: Callable[[], float] = field(default=random.random, repr=False)

    def pause(self, attempt: int, retry_after: float | None) -> None:
        """Wait before the try after `attempt`: as long as the service asks, else with full jitter."""
        limit = min(self.longest_pause, self.first_pause * 2 ** (attempt - 1))
        asked = None if retry_after is None else min(retry_after, self.longest_pause)
        self.sleep(limit * self.chance() if asked is None else asked)


class Transport:
    """A connection pool to the endpoints of one service.

    Args:
        backend: Whose name errors carry.
        signer: Authenticates each request, also each repeated one.
        verify: Whether TLS certificates are verified; a path names a bundle of authorities.
        timeout: Seconds to connect, and between two pieces of an answer.
        policy: When to try again.
        adapter: Replaces the network.
    """

    def __init__(
        self,
        backend: str,
        *,
        signer: AuthBase | None = None,
        verify: bool | str = True,
        timeout: tuple[float, float] = (10.0, 60.0),
        policy: RetryPolicy | None = None,
        adapter: BaseAdapter | None = None,
    ) -> None:
        self._backend = backend
        self._signer = signer
        self._verify = verify
        self._timeout = timeout
        self._policy = policy or RetryPolicy()
        self._adapter = adapter
        self._session: Session | None = None

    def send(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
        repeatable: bool | None = None,
    ) -> Response:
        """Make a call and answer whatever the service answers, be it a refusal.

        A call is repeated when the connection could not be made or the service says that it is busy; when the answer
        was lost or the service broke, only if it is `repeatable`, which GET, HEAD, PUT and DELETE are by default.
        The last answer is returned as it is. `ServiceError` when there is none. `auth` signs this call instead of the
        transport's own signer.
        """
        repeatable = method in _SAFE_METHODS if repeatable is None else repeatable
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= self._policy.attempts
            try:
                response = self._once(method, url, json=json, data=data, params=params, headers=headers, auth=auth)
            except _NoAnswer as fault:
                if last or not (repeatable or fault.never_arrived):
                    raise self._unreachable(method, url, fault) from fault.__cause__
                self._policy.pause(attempt, None)
                continue
            status = response.status_code
            if last or not (status == _REFUSED or (repeatable and status in _BROKEN)):
                return response
            response.close()
            self._policy.pause(attempt, _retry_after(response))

    def close(self) -> None:
        """Give up the connections."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _once(self, method: str, url: str, **arguments: Any) -> Response:
        import requests

        started = time.monotonic()
        try:
            arguments["auth"] = arguments["auth"] or self._signer or _unsigned  # else requests looks into ~/.netrc
            response = self._open().request(
                method, url, timeout=self._timeout, verify=self._verify, allow_redirects=False, **arguments
            )
        except requests.RequestException as fault:
            _log.debug("%s %s failed: %s", method, _bare(url), type(fault).__name__)
            raise _NoAnswer(fault) from fault
        _log.debug("%s %s %d in %.3f s", method, _bare(url), response.status_code, time.monotonic() - started)
        if response.is_redirect:
            raise self._redirected(method, url, response.headers["Location"])
        return response

    def _open(self) -> Session:
        if self._session is None:
            import requests

            self._session = requests.Session()
            if self._adapter is not None:
                self._session.mount("https://", self._adapter)
                self._session.mount("http://", self._adapter)
        return self._session

    def _redirected(self, method: str, url: str, target: str) -> ServiceError:
        """A service does not send its callers elsewhere; a portal or a wrong address does."""
        asked = f"{urlsplit(url).netloc.rpartition('@')[2]} ({method} {urlsplit(url).path})"
        return ServiceError(
            f"{asked} redirects to {_bare(urljoin(url, target))}", hint="check the endpoint", backend=self._backend
        )

    def _unreachable(self, method: str, url: str, fault: _NoAnswer) -> ServiceError:
        host = urlsplit(url).netloc.rpartition("@")[2]
        if fault.untrusted:
            hint = "the certificate of the service is not trusted: check the endpoint, or set its own authority"
        elif fault.never_arrived:
            hint = "check the endpoint, the network and the proxy"
        else:
            hint = "the answer was lost; look whether the call had its effect before you repeat it"
        kind = Refused if fault.refused else ServiceError if fault.untrusted or fault.never_arrived else LostAnswer
        return kind(f"no answer from {host} ({method} {urlsplit(url).path}): {fault}", hint=hint, backend=self._backend)


def _unsigned(request: PreparedRequest) -> PreparedRequest:
    return request


_NOT_CONNECTED = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")


class _NoAnswer(Exception):
    """There was no answer, or not a whole one."""

    def __init__(self, fault: Exception) -> None:
        import requests

        super().__init__(_root(fault))
        self.untrusted = isinstance(fault, requests.exceptions.SSLError)
        self.never_arrived = isinstance(fault, requests.ConnectTimeout) or (
            isinstance(fault, requests.ConnectionError) and any(name in repr(fault) for name in _NOT_CONNECTED)
        )
        self.refused = not isinstance(fault, requests.exceptions.ProxyError) and _was_refused(fault)


def _was_refused(fault: Exception) -> bool:
    """Whether the service's own machine said that nobody listens."""
    reason = getattr(fault.args[0], "reason", None) if fault.args else None
    return isinstance(reason, Exception) and isinstance(reason.__context__, ConnectionRefusedError)


def _root(fault: BaseException) -> str:
    """The innermost reason; what `requests` wraps around it is long and shows the whole URL."""
    seen = fault
    while (inner := getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)) is not None:
        if not isinstance(inner, BaseException):
            break
        seen = inner
    text = str(seen).partition(": ")[2] or str(seen)
    return text if "://" not in text else type(seen).__name__


def _retry_after(response: Response) -> float | None:
    """The seconds that the service asks for, which it may say as a number or as a date."""
    text = response.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    try:
        wanted = parsedate_to_datetime(text)
    except ValueError:
        return None
    if wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=timezone.utc)
    return max(0.0, (wanted - datetime.now(timezone.utc)).total_seconds())


def _bare(url: str) -> str:
    """The URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
