"""What the platform's error codes mean, as one table.

Codes are `Family` or `Family.Detail`; a detail that the table does not have counts as its family. The same codes hold
for both versions of TI-ONE, for TI-EMS, the monitor and the token service.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from anyfit.errors import AnyfitError, AuthError, Conflict, NotFound, ServiceError, SpecError, Unsupported, UsageError

__all__ = [
    "BUSY",
    "CODES",
    "EXPIRED",
    "GONE",
    "MISSING",
    "NOT_NOW",
    "NOT_OFFERED",
    "TRANSIENT",
    "fault_of_code",
    "fault_of_status",
    "is_code",
    "name_is_taken",
    "where_offered",
]

EXPIRED = "AuthFailure.SignatureExpire"
"""The clocks are more than five minutes apart, says the service."""

BUSY = "RequestLimitExceeded"
"""The family of "too many requests": the service did nothing."""

TRANSIENT = ("InternalError", "ServiceUnavailable", "FailedOperation.UnSubmitNotAllowToStop")
"""It may go better in a moment; what may be asked for twice is asked for again."""

GONE = ("ResourceNotFound", "FailedOperation.RecordNotFound", "InvalidParameterValue.JobNotFound")
NOT_NOW = ("FailedOperation.NotAllow", "OperationDenied.NotAllow")
"""The state of the thing forbids what was asked."""

NOT_OFFERED = (
    "ActionOffline",
    "InvalidAction",
    "NoSuchProduct",
    "NoSuchVersion",
    "UnsupportedOperation",
    "UnsupportedRegion",
    "ResourceUnavailable.BillNotActivated",
    "AuthFailure.CamException",
    "AuthFailure.NoPermission",
    "AuthFailure.UnauthorizedOperation",
    "UnauthorizedOperation",
)
"""A region does not have a generation, or the account has not opened it, or its policies leave it out."""

MISSING = "InvalidParameterValue.CosPathNotExist"
"""There is nothing at a place in COS, or not for the platform's service role."""

_KEYS = "check secret_id and secret_key: anyfit config show --origin"
_CAM = "the account's policies (CAM) forbid it; QcloudTIONEFullAccess and QcloudCOSFullAccess allow it"
_PLAN = "anyfit plan shows what would be sent"
_SPECS = "anyfit specs -b ti --refresh lists what there is"
_LATER = "it may pass; try again later"
_JOBS = "anyfit jobs lists them"
_NAME = "choose another name"
_STATE = "anyfit status shows how it is"
_PLACE = "look whether it is there: anyfit ls cos://BUCKET/PATH"

CODES: dict[str, tuple[type[AnyfitError], str]] = {
    "AuthFailure": (AuthError, _KEYS),
    "AuthFailure.InvalidSecretId": (AuthError, _KEYS),
    "AuthFailure.SecretIdNotFound": (AuthError, _KEYS),
    "AuthFailure.SignatureFailure": (AuthError, _KEYS),
    "AuthFailure.TokenFailure": (AuthError, "temporary keys have ended, or belong to another token; get new ones"),
    EXPIRED: (AuthError, "this machine's clock is wrong"),
    "AuthFailure.MFAFailure": (AuthError, "the account wants a second factor"),
    "AuthFailure.CamException": (AuthError, _CAM),
    "AuthFailure.NoPermission": (AuthError, _CAM),
    "AuthFailure.UnauthorizedOperation": (AuthError, _CAM),
    "UnauthorizedOperation": (AuthError, _CAM),
    "IpInBlacklist": (AuthError, "the account's policies keep this network out"),
    "IpNotInWhitelist": (AuthError, "the account's policies keep this network out"),
    "ActionOffline": (Unsupported, "the platform has withdrawn this call"),
    "InvalidAction": (Unsupported, "this call is not in this version of the API"),
    "NoSuchProduct": (Unsupported, "is the endpoint right?"),
    "NoSuchVersion": (Unsupported, "set api to the other generation"),
    "UnsupportedOperation": (Unsupported, ""),
    "UnsupportedProtocol": (Unsupported, "is the endpoint right?"),
    "UnsupportedRegion": (SpecError, "set region to one that has TI-ONE, such as ap-guangzhou or ap-shanghai"),
    "InvalidParameter": (SpecError, _PLAN),
    "InvalidParameterValue": (SpecError, _PLAN),
    "InvalidParameterValue.BadName": (SpecError, _NAME),
    "InvalidParameterValue.InvalidInstanceType": (SpecError, _SPECS),
    "InvalidParameterValue.InvalidResourceSpec": (SpecError, _SPECS),
    "InvalidParameterValue.ResourceConfigIllegal": (SpecError, _SPECS),
    "InvalidParameterValue.ImageNotFound": (SpecError, "look whether the image is in that registry"),
    "InvalidParameterValue.InvalidTrainingImageName": (SpecError, "look whether the image is in that registry"),
    "InvalidParameterValue.FrameworkVersionNotSupport": (SpecError, "anyfit backends ti --frameworks lists them"),
    "InvalidParameterValue.TrainCodeNotFound": (SpecError, _PLACE),
    MISSING: (NotFound, _PLACE),
    "InvalidParameterValue.FileSystemNeedVpcConfigSupport": (SpecError, "set options.ti.subnet to that of the CFS"),
    "InvalidParameterValue.ClsConfigRequired": (SpecError, "set options.ti.log_set and log_topic"),
    "MissingParameter": (SpecError, _PLAN),
    "UnknownParameter": (SpecError, _PLAN),
    "InvalidRequest": (SpecError, _PLAN),
    "RequestSizeLimitExceeded": (SpecError, "put what is large into an input"),
    "FailedOperation.DuplicateName": (Conflict, _NAME),
    "FailedOperation.DuplicateNameTaskIsCreating": (Conflict, _NAME),
    "FailedOperation.AlreadyExists": (Conflict, _NAME),
    "InvalidParameterValue.DuplicateName": (Conflict, _NAME),
    "FailedOperation.RecordNotFound": (NotFound, _JOBS),
    "FailedOperation.NotAllow": (UsageError, _STATE),
    "FailedOperation.UnSubmitNotAllowToStop": (UsageError, "the platform is still submitting it; try again shortly"),
    "InternalError.UnSubmittedStatusNotAllowStop": (UsageError, "it is still being submitted; try again shortly"),
    "OperationDenied": (UsageError, _STATE),
    "OperationDenied.NotAllow": (UsageError, _STATE),
    "OperationDenied.BalanceInsufficient": (AuthError, "the account has no money left"),
    "OperationDenied.WhitelistQuotaExceed": (AuthError, "the account's free quota is used up"),
    "OperationDenied.ResourceGroupInsufficient": (ServiceError, "the resource group is full; wait, or choose another"),
    "OperationDenied.BillingStatusResourceInsufficient": (ServiceError, _SPECS),
    "FailedOperation.UnknownInstanceType": (SpecError, _SPECS),
    "FailedOperation.ClsServiceNotActived": (UsageError, "open the log service CLS in the console, once"),
    "ResourceNotFound": (NotFound, _JOBS),
    "ResourceNotFound.NoModel": (NotFound, "anyfit models lists them"),
    "ResourceNotFound.ResourceGroupNotFound": (NotFound, "is options.ti.resource_group right?"),
    "ResourceNotFound.CfsNotFound": (NotFound, "is the id of the file system right?"),
    "ResourceNotFound.VPCNotFound": (NotFound, "is options.ti.vpc right?"),
    "ResourceInUse": (UsageError, _STATE),
    "ResourceInsufficient": (ServiceError, "no machine of that size is free; wait, or choose another instance_type"),
    "ResourceInsufficient.QuotaInsufficient": (UsageError, "the account's quota is used up; ask the vendor for more"),
    "ResourcesSoldOut": (ServiceError, _SPECS),
    "ResourceUnavailable": (ServiceError, _LATER),
    "ResourceUnavailable.BillNotActivated": (AuthError, "open TI-ONE for this region in the console, once"),
    "LimitExceeded": (UsageError, "the account's quota is used up; ask the vendor for more"),
    "RequestLimitExceeded": (ServiceError, "too many requests; raise poll_seconds"),
    "FailedOperation": (ServiceError, _LATER),
    "InternalError": (ServiceError, _LATER),
    "ServiceUnavailable": (ServiceError, _LATER),
}


def is_code(code: str, *families: str) -> bool:
    """Whether a code is one of these or a detail of one."""
    return any(code == family or code.startswith(f"{family}.") for family in families)


@contextmanager
def where_offered() -> Iterator[None]:
    """Passes over a generation that there is not for this account in this region; any other fault leaves as it is."""
    try:
        yield
    except AnyfitError as fault:
        if not is_code(fault.status, *NOT_OFFERED):
            raise


def fault_of_code(code: str, message: str, what: str, request_id: str = "") -> AnyfitError:
    """The error for a code that came back from `what` was asked."""
    kind, hint = CODES.get(code) or CODES.get(code.partition(".")[0]) or (ServiceError, "")
    said = f": {message}" if message else ""
    return kind(f"{what}: TI refuses ({code}){said}", hint=hint, backend="ti", status=code, request_id=request_id)


def name_is_taken(code: str, what: str) -> AnyfitError:
    """The error for a thing that was found under the name of ours after a lost answer, and is another."""
    return fault_of_code(code, "another one has this name", what)


def fault_of_status(status: int, what: str, said: str = "") -> AnyfitError:
    """The error for an HTTP status that is no success, or an answer that is none of the platform's."""
    kind: type[AnyfitError] = AuthError if status in (401, 403) else ServiceError
    hint = _KEYS if kind is AuthError else _LATER
    tail = f": {said}" if said else ""
    return kind(f"{what}: TI answers {status}{tail}", hint=hint, backend="ti", status=str(status))
