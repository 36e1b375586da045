"""The contract of a backend as a test suite: inherit it, supply the fixture `backend`, and keep every promise."""

from __future__ import annotations

from anyfit.testing.promises.endpoints import EndpointPromises
from anyfit.testing.promises.jobs import JobPromises
from anyfit.testing.promises.logs import LogPromises
from anyfit.testing.promises.models import ModelPromises
from anyfit.testing.promises.plans import PlanPromises
from anyfit.testing.promises.scripts import ScriptPromises

__all__ = ["BackendContract"]


class BackendContract(PlanPromises, JobPromises, LogPromises, ScriptPromises, ModelPromises, EndpointPromises):
    """Every promise of `anyfit.backend.Backend`, tried for real with small jobs and endpoints.

    A subclass named `Test...` supplies the fixture `backend`, of the scope `class` and a class method, and may
    supply `fresh_backend` and `storage`; the attributes of `Suite` say what is special here. What the
    capabilities leave out is skipped, with the reason that they give.
    """
