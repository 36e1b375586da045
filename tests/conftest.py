"""Settings of property tests: the same examples in every run, and no deadline on a busy machine."""

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
