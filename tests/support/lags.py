"""How soon lines of a log are seen."""

from __future__ import annotations

import time

from anyfit.backend import LogLine
from anyfit.testing import Bench
from anyfit.watch import follow

_SCRIPT = """
import time
for _ in range(LINES):
    print('at %.3f' % time.time(), flush=True)
    time.sleep(0.4)
"""


def lags_of_lines(run: Bench, lines: int) -> list[float]:
    """How many seconds after it was written each line of a job is seen."""
    job = run.start(run.spec(_SCRIPT.replace("LINES", str(lines))))
    return [
        time.time() - float(event.text.removeprefix("at "))
        for event in follow(job, timeout=60)
        if isinstance(event, LogLine) and event.text.startswith("at ")
    ]
