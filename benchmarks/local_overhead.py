"""What `local` adds to a script: an empty one by submit beside `python script.py`, in one run.

    python benchmarks/local_overhead.py [ROUNDS]

From the call of `submit` to the first `describe` that says SUCCEEDED, looked at every 2 ms; medians of 20.
Also how soon a printed line can be read, with the same pause.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from anyfit.backend import Plan
from anyfit.code.bundle import pack_code
from anyfit.spec import JobSpec
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings

PAUSE = 0.002
GOAL = 0.080


def make_plan(backend: LocalBackend, folder: Path, name: str, text: str) -> Plan:
    """The plan for a script."""
    script = folder / f"{name}.py"
    script.write_text(text)
    code, entry = pack_code(str(script), "", (), folder / "packed")
    return backend.plan(JobSpec(name=name, entry_point=entry, code=code), backend.catalog())


def by_submit(backend: LocalBackend, plan: Plan) -> float:
    """Seconds from submit to the final state."""
    began = time.perf_counter()
    ref = backend.submit(plan)
    while not backend.describe([ref])[0].status.finished:
        time.sleep(PAUSE)
    return time.perf_counter() - began


def by_python(script: Path) -> float:
    """Seconds of the script alone."""
    began = time.perf_counter()
    subprocess.run([sys.executable, str(script)], check=True)
    return time.perf_counter() - began


def line_delays(backend: LocalBackend, plan: Plan) -> list[float]:
    """Seconds from print to `logs`, line by line."""
    ref, cursor, delays = backend.submit(plan), "", []
    while True:
        over = backend.describe([ref])[0].status.finished
        page = backend.logs(ref, cursor)
        cursor = page.cursor
        delays += [time.time() - float(line.text) for line in page.lines]
        if over:
            return delays
        time.sleep(PAUSE)


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        backend = LocalBackend(Settings(), folder / "home")
        plans = [make_plan(backend, folder, f"empty-{n}", "") for n in range(rounds + 1)]
        by_submit(backend, plans.pop())  # the first one imports
        pairs = [(by_submit(backend, plan), by_python(folder / f"{plan.spec.name}.py")) for plan in plans]
        talk = "import time\nfor _ in range(30):\n    time.sleep(0.02)\n    print(time.time())\n"
        delays = line_delays(backend, make_plan(backend, folder, "talk", talk))
    submit, python = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"python script.py         {1000 * python:7.1f} ms")
    print(f"submit to final state    {1000 * submit:7.1f} ms   ratio {submit / python:.1f}")
    print(f"added                    {1000 * (submit - python):7.1f} ms   goal {1000 * GOAL:.0f} ms")
    print(f"print to logs            {1000 * statistics.median(delays):7.1f} ms   worst {1000 * max(delays):.1f} ms")


if __name__ == "__main__":
    main()
