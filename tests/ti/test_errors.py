"""What the platform's error codes become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.errors import AnyfitError, AuthError, Conflict, NotFound, ServiceError, SpecError, Unsupported, UsageError
from anyfit_ti.errors import CODES, fault_of_code, fault_of_status, is_code

KINDS = {
    "AuthFailure.SignatureFailure": AuthError,
    "AuthFailure.SomethingNew": AuthError,
    "UnauthorizedOperation.NoPermission": AuthError,
    "FailedOperation.DuplicateNameTaskIsCreating": Conflict,
    "InvalidParameterValue.DuplicateName": Conflict,
    "FailedOperation.AlreadyExists": Conflict,
    "ResourceNotFound": NotFound,
    "ResourceNotFound.NoModel": NotFound,
    "FailedOperation.RecordNotFound": NotFound,
    "InvalidParameterValue.BadName": SpecError,
    "InvalidParameterValue.PathIllegal": SpecError,
    "MissingParameter": SpecError,
    "UnsupportedRegion": SpecError,
    "InvalidAction": Unsupported,
    "NoSuchVersion": Unsupported,
    "OperationDenied.NotAllow": UsageError,
    "OperationDenied.BalanceInsufficient": AuthError,
    "LimitExceeded": UsageError,
    "ResourceInsufficient": ServiceError,
    "RequestLimitExceeded.UinLimitExceeded": ServiceError,
    "FailedOperation.ExecDatabaseFail": ServiceError,
    "InternalError.CreateJobInstanceFailed": ServiceError,
    "SomethingQuiteNew": ServiceError,
}


@pytest.mark.parametrize("code", KINDS)
def test_kinds(code: str) -> None:
    """Each code is an error of its kind; a detail that is not known counts as its family."""
    fault = fault_of_code(code, "so it is", "job mnist", "r-1")

    assert type(fault) is KINDS[code]
    assert fault.message == f"job mnist: TI refuses ({code}): so it is"
    assert (fault.backend, fault.status, fault.request_id) == ("ti", code, "r-1")


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_table(code: str) -> None:
    """Every code is an error of anyfit's, and but for one says what to do."""
    assert isinstance(fault_of_code(code, "", "x"), AnyfitError)
    assert CODES[code][1] or code == "UnsupportedOperation"


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthError), (403, AuthError), (404, ServiceError), (502, ServiceError)]
)
def test_statuses(status: int, kind: type[AnyfitError]) -> None:
    """What does not come from the API is a fault of the service, or of who asks."""
    fault = fault_of_status(status, "jobs")

    assert type(fault) is kind
    assert fault.hint


@given(family=st.sampled_from(sorted(CODES)), detail=st.text(max_size=9))
def test_families(family: str, detail: str) -> None:
    """A code is of a family if it is it, or a detail of it."""
    assert is_code(family, "Other", family)
    assert is_code(f"{family}.{detail}", family)
    assert not is_code(f"{family}x", family)
