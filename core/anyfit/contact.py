"""How long a place that does not answer is asked again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from anyfit.errors import Refused, ServiceError

if TYPE_CHECKING:
    from anyfit.job import Job

__all__ = ["Contact"]

_LONGEST_REFUSAL = 3600.0  # a network may be gone for a night, but a machine that is there refuses for a reason


class Contact:
    """Ends the watching of jobs whose backend will not answer by waiting alone."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._refused_since: float | None = None

    def made(self) -> None:
        """The backends have answered."""
        self._refused_since = None

    def lost(self, fault: ServiceError) -> None:
        """A backend cannot be reached.

        Raises `ServiceError` when the configuration leads elsewhere by now, or when nobody has listened for long.
        """
        for job in {id(job.backend): job for job in self._jobs if not job.ended}.values():
            if place := job.session.moved(job.backend):
                raise _given_up(
                    fault, f"the configuration now leads to {place}; anyfit attach {job.spec.key} asks there"
                )
        if not isinstance(fault, Refused):
            self._refused_since = None
            return
        now = time.monotonic()
        self._refused_since = now if self._refused_since is None else self._refused_since
        if now - self._refused_since >= _LONGEST_REFUSAL:
            attach = f"anyfit attach {self._jobs[0].spec.key}"
            raise _given_up(fault, f"the job may go on; when the service is back at its place: {attach}")


def _given_up(fault: ServiceError, hint: str) -> ServiceError:
    return ServiceError(f"lost contact: {fault.message}", hint=hint, backend=fault.backend)
