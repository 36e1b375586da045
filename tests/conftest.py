"""For all tests: how many run at once, what property tests try, and what the processes that tests start inherit."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "anyfit",
    max_examples=50,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("anyfit")

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start many processes, which would all compile the same files


def pytest_xdist_auto_num_workers() -> int:
    """With `-n auto` two tests for each processor: most of their time they wait for processes of theirs."""
    return 2 * (os.cpu_count() or 1)
