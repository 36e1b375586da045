"""What a process that plays a container inherits from the emulator."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

__all__ = ["clean_environment"]

_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|(ACCESS|PRIVATE|API)_?KEY|_KEY$|^AWS_", re.IGNORECASE)
_OWN = re.compile(r"ANYFIT_|SM_|TM_|MA_|VC_|MM_|PYTEST_")  # a job inside a job must not take these for its own


def clean_environment(source: Mapping[str, str] | None = None) -> dict[str, str]:
    """The emulator's environment without secrets, and without what another platform told it."""
    environment = os.environ if source is None else source
    kept = {name: value for name, value in environment.items() if not _SECRET.search(name) and not _OWN.match(name)}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
