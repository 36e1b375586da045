"""What one of the generations cannot do, in words."""

from __future__ import annotations

__all__ = ["LOGS", "WEIGHTS"]

WEIGHTS = "a service of TI-EMS serves one model; deploy an endpoint for each, or use the generation of 2021"
LOGS = "TI-EMS has no call for what a service says; options.ti.log_topic sends it to a topic of CLS"
