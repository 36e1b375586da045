"""The gateway before online services: who may call, which version answers (reference, section 5.2)."""

from __future__ import annotations

import hmac
import json
import re
import threading

from anyfit_emulator.http import Request, Response
from anyfit_emulator.serving import NotServing
from anyfit_emulator.weights import Wheel
from anyfit_ti.emulator.serving.life import Life
from anyfit_ti.emulator.serving.register import Group, Register
from anyfit_ti.emulator.serving.workload import Absent, Busy

__all__ = ["Gateway", "refuse"]

_PATH = re.compile(r"/(ms-[a-z0-9]{8})(/.*)?")
_BEARER = "bearer "


class Gateway:
    """An application: `/<service group><path>` is passed on to a version of the group as `<path>`."""

    def __init__(self, register: Register, life: Life) -> None:
        self._register = register
        self._life = life
        self._lock = threading.Lock()
        self._wheels: dict[str, tuple[tuple[tuple[str, int], ...], Wheel]] = {}

    def quick(self, request: Request) -> bool:
        """Nothing is answered on the event loop: programs are waited for."""
        return False

    def __call__(self, request: Request) -> Response:
        """Answer a call."""
        match = _PATH.fullmatch(request.path)
        group = self._register.groups.get(match[1]) if match else None
        if match is None or group is None:
            return refuse(404, f"there is no service at {request.path}")
        if group.authorized and not _is_let_in(group, request.headers.get("authorization", "")):
            return refuse(401, "the token is missing or wrong")
        return self.ask(group, request, match[2] or "/")

    def ask(self, group: Group, request: Request, path: str) -> Response:
        """Pass a request on to the version whose turn it is."""
        with self._register.lock:
            services = self._register.services_of(group)
            ready = [one for one in services if one.wanted and self._life.state(one).health.ready]
            shared = [one for one in ready if one.weight] or ready
            chosen = shared[self._turn(group, tuple((one.id, one.weight) for one in shared))] if shared else None
        if chosen is None:
            return refuse(503, "no instance of the service is ready")
        try:
            return self._life.forward(chosen, request, path + ("?" + request.query if request.query else ""))
        except Absent as error:
            return refuse(503, str(error))
        except Busy:
            return refuse(429, "too many requests: the service's limit is reached")
        except NotServing as error:
            return refuse(502, str(error))

    def _turn(self, group: Group, weights: tuple[tuple[str, int], ...]) -> int:
        with self._lock:
            known = self._wheels.get(group.id)
            if known is None or known[0] != weights:
                known = self._wheels[group.id] = (weights, Wheel([weight for _, weight in weights]))
            return known[1].turn()


def refuse(status: int, message: str) -> Response:
    """An answer of the gateway's own."""
    return Response(status, [("Content-Type", "application/json")], json.dumps({"message": message}).encode())


def _is_let_in(group: Group, given: str) -> bool:
    token = given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else given.strip()
    return any(hmac.compare_digest(token.encode(), one["Base"]["Value"].encode()) for one in group.tokens)
