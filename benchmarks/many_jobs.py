"""Many concurrent local jobs watched by one process: its threads and its memory.

python benchmarks/many_jobs.py [JOBS]
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

from anyfit import Estimator, wait_all

GOAL_MIB = 150
SLEEP_SECONDS = 30


def main() -> None:
    """Start the jobs, watch them all, and print what the watching took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ANYFIT_HOME"] = str(Path(scratch) / "home")
        estimator = Estimator(command=["sleep", str(SLEEP_SECONDS)], base_job_name="sleep")
        began = time.perf_counter()
        jobs = [estimator.fit(wait=False) for _ in range(count)]
        print(f"{count} jobs submitted in   {time.perf_counter() - began:6.1f} s")
        running = sum(not job.finished for job in jobs)
        cpu = time.process_time()
        began = time.perf_counter()
        threads = 0
        done = threading.Event()

        def count_threads() -> None:
            nonlocal threads
            while not done.wait(0.2):
                threads = max(threads, threading.active_count() - 1)  # without this one

        observer = threading.Thread(target=count_threads)
        observer.start()
        states = wait_all(jobs)
        done.set()
        observer.join()
        took = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"running at once         {running:6d}")
        print(f"succeeded               {sum(s.status.value == 'SUCCEEDED' for s in states):6d}")
        print(f"threads of the watcher  {threads:6d}     (the main thread is one)")
        print(f"peak memory             {peak:6.0f} MiB, goal {GOAL_MIB}")
        print(f"processor while waiting {100 * (time.process_time() - cpu) / took:6.1f} %")


if __name__ == "__main__":
    main()
