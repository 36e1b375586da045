"""What `fit(wait=True)` adds to a script on `local`: the whole call beside `python script.py`, in one run.

    python benchmarks/fit_wait.py [ROUNDS]

Also how soon a line that a job prints is seen by `anyfit logs -f`, as a process; medians of 20.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from anyfit import Estimator

GOAL_ADDED = 0.150
GOAL_SEEN = 0.100
PRINTS = """
import sys, time
for _ in range({rounds}):
    time.sleep(0.15)
    print(time.time(), flush=True)
"""


def by_fit(estimator: Estimator) -> float:
    """Seconds of one whole `fit`."""
    began = time.perf_counter()
    estimator.fit(logs=False)
    return time.perf_counter() - began


def by_python(script: Path) -> float:
    """Seconds of the script alone."""
    began = time.perf_counter()
    subprocess.run([sys.executable, str(script)], check=True)
    return time.perf_counter() - began


def seen_after(folder: Path, rounds: int) -> list[float]:
    """Seconds from a job's print to its line on the stdout of `anyfit logs -f`."""
    script = folder / "prints.py"
    script.write_text(PRINTS.format(rounds=rounds))
    job = Estimator(entry_point=str(script)).fit(wait=False)
    delays = []
    command = [sys.executable, "-m", "anyfit", "logs", "-f", job.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as follower:
        assert follower.stdout is not None
        for line in follower.stdout:
            delays.append(time.time() - float(line))
    return delays[3:]  # the first lines were printed before the follower had started


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["ANYFIT_HOME"] = str(folder / "home")
        script = folder / "empty.py"
        script.write_text("")
        estimator = Estimator(entry_point=str(script))
        by_fit(estimator)  # the first call imports
        pairs = [(by_fit(estimator), by_python(script)) for _ in range(rounds)]
        fit, alone = (statistics.median(side) for side in zip(*pairs, strict=True))
        added = statistics.median(a - b for a, b in pairs)
        print(f"python script.py          {alone * 1000:7.1f} ms")
        print(f"fit(wait=True)            {fit * 1000:7.1f} ms   {fit / alone:.1f} x")
        print(f"added by fit              {added * 1000:7.1f} ms   goal {GOAL_ADDED * 1000:.0f} ms")
        seen = statistics.median(seen_after(folder, rounds + 3))
        print(f"print to `logs -f`        {seen * 1000:7.1f} ms   goal {GOAL_SEEN * 1000:.0f} ms")


if __name__ == "__main__":
    main()
