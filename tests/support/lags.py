"""How soon lines of a log are seen."""

from __future__ import annotations

import time

from anyfit.backend import LogLine
from anyfit.testing import Bench
from anyfit.watch import follow
from waiting import hindrance

_SCRIPT = """
import time
for _ in range(LINES):
    print('at %.3f' % time.time(), flush=True)
    time.sleep(0.4)
"""


def lags_of_lines(run: Bench, lines: int) -> list[float]:
    """How many seconds after it was written each line of a job is seen.

    Those in which the machine kept somebody waiting do not count.
    """
    job = run.start(run.spec(_SCRIPT.replace("LINES", str(lines))))
    looks = [(time.time(), hindrance())]
    lags = []
    for event in follow(job, timeout=60):
        now, hindered = time.time(), hindrance()
        if isinstance(event, LogLine) and event.text.startswith("at "):
            written = float(event.text.removeprefix("at "))
            before = max(total for at, total in looks if at <= written)
            lags.append(now - written - (hindered - before))
        looks.append((now, hindered))
    return lags
