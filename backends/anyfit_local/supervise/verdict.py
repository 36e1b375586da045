"""How a job ended, and why, once all of its nodes have. Standard library only."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from anyfit_local.supervise.evidence import MemoryWatch
from anyfit_local.supervise.nodes import Node

TYPE_CHECKING = False  # the module of that name costs more than all of ours
if TYPE_CHECKING:
    from typing import Any

__all__ = ["TOLD", "judge", "unsaved"]

TOLD = "its supervisor was told to end (SIGTERM): the machine was shut down, or somebody killed it"


def judge(
    nodes: Sequence[Node], ending: str, max_run: float, memory: MemoryWatch, peak: int
) -> tuple[str, dict[str, Any]]:
    """The final status, and what goes with it into the job's record.

    Args:
        nodes: The ended nodes.
        ending: Why we ended them: "stop", "timeout", "told", "node", or "" when they ended by themselves.
        max_run: Seconds that the job was allowed.
        memory: Knows whether the kernel has killed for lack of memory.
        peak: The most bytes of memory that were seen.
    """
    first = _first_failure(nodes)
    outcome = first.outcome if first and first.outcome else 0
    facts: dict[str, Any] = {
        "exit_code": outcome if outcome >= 0 else None,
        "signal": -outcome if outcome < 0 else None,
        "node": None,
        "peak_memory": peak,
        "cause": "",
        "reason": "",
    }
    if ending == "stop":
        return "STOPPED", facts | {"reason": "stopped on request"}
    if ending == "timeout":
        reason = f"it ran longer than max_run allows ({max_run:g} s)"
        return "FAILED", facts | {"cause": "timeout", "reason": reason}
    if ending == "told":
        return "FAILED", facts | {"cause": "lost", "reason": TOLD}
    if first is None:
        return "SUCCEEDED", facts
    where = f"node {first.host}" if len(nodes) > 1 else "the script"
    cause, reason = _explain(outcome, where, memory, peak)
    log_faults = [node.pump.fault for node in nodes if node.pump.fault]
    node = nodes.index(first) if len(nodes) > 1 else None
    return "FAILED", facts | {"cause": cause, "reason": "; ".join([reason, *log_faults]), "node": node}


def unsaved(status: str, verdict: dict[str, Any], ending: str) -> tuple[str, dict[str, Any]]:
    """The same for a job whose results are given up while they are being saved, because of `ending`."""
    if status != "SUCCEEDED":
        return status, verdict | {"reason": f"{verdict['reason']}; its outputs were not saved, for it was ended before"}
    left = "before its results were saved; they are in the job's folder"
    if ending == "stop":
        return "STOPPED", verdict | {"reason": f"stopped on request {left}"}
    return "FAILED", verdict | {"cause": "lost", "reason": f"{TOLD}, {left}"}


def _first_failure(nodes: Sequence[Node]) -> Node | None:
    """The node that failed before all others: they may have failed, or been ended, because of it."""
    return min((node for node in nodes if node.outcome), key=lambda node: node.ended, default=None)


def _explain(outcome: int, where: str, memory: MemoryWatch, peak: int) -> tuple[str, str]:
    """Cause and reason; the kernel's counters are of the whole machine, so they need a fitting end."""
    text = f"{where} ended with exit code {outcome}" if outcome > 0 else f"{where} was ended by {_name(-outcome)}"
    sign, killed = memory.sign(), outcome in (-signal.SIGKILL, 128 + signal.SIGKILL)
    if not sign:
        return ("killed" if killed and memory.sees else ""), text
    if killed:
        why = f"the kernel killed it for lack of memory, says {sign}; the most that was seen is {peak >> 20} MiB"
        return "out-of-memory", f"{text}: {why}"
    return "", f"{text}; meanwhile the kernel killed a process for lack of memory, says {sign}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
