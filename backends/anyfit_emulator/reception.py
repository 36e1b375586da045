"""How a cloud's calls are received: answered as well as the plan of faults lets them be, and noted for tests."""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import frozen

from anyfit_emulator.http import Disconnected, Mishap, Request, Response
from anyfit_emulator.storage.faults import Decision, FaultPlan
from anyfit_emulator.storage.requestlog import LoggedRequest, RequestLog

__all__ = ["Reception", "misbehave"]

Refuse = Callable[[int, str], Response]
"""Writes an error of the plan, its status and its word, as the cloud writes it."""


@frozen
class Reception:
    """What every call of a cloud passes.

    Attributes:
        plan: What shall go wrong.
        log: Where calls are noted.
    """

    plan: FaultPlan
    log: RequestLog

    def answered(self, name: str, place: str, request: Request, do: Callable[[], Response], refuse: Refuse) -> Response:
        """Do what a call asks for; its name and place are those that the plan and the log know."""
        decision = self.plan.decide(name, place)
        fault = decision.kind or (decision.error[1] if decision.error else "")
        response = Response(0)
        try:
            response = misbehave(self.plan, decision, do, refuse)
        finally:
            received = request.body.size
            self.log.add(LoggedRequest(name, "", place, 0, response.status, received, response.length, fault))
        return response


def misbehave(plan: FaultPlan, decision: Decision, do: Callable[[], Response], refuse: Refuse) -> Response:
    """Do something as well as the plan lets it."""
    if plan.faults.latency:
        time.sleep(plan.faults.latency)
    if decision.error:
        return refuse(*decision.error)
    if decision.kind == "reset":
        raise Disconnected("injected fault")
    response = do()
    if decision.kind == "lost":
        response.mishap = Mishap("lost")
    return response
