"""What the platform's error codes mean, as one table.

A number is used with several meanings, so a few stand here with the HTTP status that tells them apart. `APIG` and
`APIGW` are the gateway before the service, in its newer and older spelling; `IAM` is the service of tokens.
"""

from __future__ import annotations

from anyfit.errors import AnyfitError, AuthError, Conflict, NotFound, ServiceError, SpecError, UsageError
from anyfit_modelarts.answers import Refusal

__all__ = ["CODES", "NO_CALL", "NO_LOG", "STALE", "Kind", "fault_of", "kind_of", "normal"]

Kind = tuple[type[AnyfitError], str]

STALE = frozenset({"ModelArts.0202", "ModelArts.0203", "ModelArts.0204", "ModelArts.2784", "APIG.0301", "APIG.0307"})
"""The token is unknown, unreadable, or its life is over; every other 401 counts as that too."""

NO_LOG = frozenset(
    {"ModelArts.0806", "ModelArts.2776", "ModelArts.2777", "ModelArts.2818", "ModelArts.2819", "ModelArts.2820"}
)
"""There is no log yet, or none any more, which is no fault of the caller."""

NO_CALL = frozenset({"APIG.0101", "ModelArts.2803", "ModelArts.2836", "404", "405"})
"""There is no such call at this place."""

_LOGIN = "check domain, username, password or the keys: anyfit config show --origin"
_AGAIN = "log in again; a token is good for the region and project that it was made for"
_PROJECT = "modelarts.project_id is another than that of the login; leave it out to have it looked up"
_RIGHTS = "the account has no right to do this; ask its administrator"
_PLAN = "anyfit plan shows what would be sent"
_NAME = "choose another name, or make a new version of the job with version_of"
_QUOTA = "delete what is not needed, or ask for a larger quota"
_LATER = "it may pass; try again later"
_OBS = "is the place there, in the same region, and may ModelArts read it?"
_STATE = "anyfit status shows how it is"
_JOBS = "anyfit jobs lists them; an id is a UUID, or JOB/VERSION in the first generation"
_HOST = "check region and endpoint: anyfit config show --origin"
_MODEL = "anyfit models lists them"
_ENDPOINT = "anyfit endpoints lists them"
_PACKAGE = "docs/backends/modelarts.md shows what a model's package holds"

CODES: dict[str, Kind] = {
    "APIG.0101": (ServiceError, f"there is no such call here; {_HOST}"),
    "APIG.0201": (UsageError, "the request is too large or malformed"),
    "APIG.0301": (AuthError, _LOGIN),
    "APIG.0302": (AuthError, _RIGHTS),
    "APIG.0303": (AuthError, _LOGIN),
    "APIG.0304": (AuthError, _RIGHTS),
    "APIG.0305": (AuthError, _LOGIN),
    "APIG.0306": (AuthError, _RIGHTS),
    "APIG.0307": (AuthError, _AGAIN),
    "APIG.0308": (ServiceError, _LATER),
    "APIG.0310": (AuthError, "the project cannot be used; check project_id and project_name"),
    "APIG.0802": (AuthError, "the user may not use this region"),
    "IAM.0001": (AuthError, _LOGIN),
    "IAM.0002": (AuthError, _RIGHTS),
    "IAM.0003": (AuthError, _RIGHTS),
    "IAM.0004": (NotFound, _LOGIN),
    "ModelArts.0010": (ServiceError, _LATER),
    "ModelArts.0015": (NotFound, "it may have been deleted"),
    "ModelArts.0101": (SpecError, _PLAN),
    "ModelArts.0102": (SpecError, "workspace: there is no such workspace"),
    "ModelArts.0103": (Conflict, _NAME),
    "ModelArts.0104": (SpecError, _PLAN),
    "ModelArts.0105": (UsageError, _STATE),
    "ModelArts.0107": (SpecError, _PLAN),
    "ModelArts.0108": (AuthError, _RIGHTS),
    "ModelArts.0112": (AuthError, "the workspace does not allow it"),
    "ModelArts.0116": (UsageError, _QUOTA),
    "ModelArts.0118": (UsageError, _QUOTA),
    "ModelArts.0201": (AuthError, _LOGIN),
    "ModelArts.0202": (AuthError, _AGAIN),
    "ModelArts.0203": (AuthError, _AGAIN),
    "ModelArts.0204": (AuthError, _AGAIN),
    "ModelArts.0205": (AuthError, _LOGIN),
    "ModelArts.0206": (AuthError, _LOGIN),
    "ModelArts.0207": (AuthError, _AGAIN),
    "ModelArts.0208": (AuthError, _LOGIN),
    "ModelArts.0210": (AuthError, _PROJECT),
    "ModelArts.0212": (AuthError, _AGAIN),
    "ModelArts.0806": (NotFound, "logs are kept for 30 days"),
    "ModelArts.0901": (SpecError, "options.modelarts.dataset_id: is the dataset there?"),
    "ModelArts.1002": (SpecError, _OBS),
    "ModelArts.1003": (SpecError, _OBS),
    "ModelArts.2751": (Conflict, _NAME),
    "ModelArts.2752": (Conflict, "choose another name for the algorithm"),
    "ModelArts.2821": (Conflict, "choose another name for the algorithm"),
    "ModelArts.2755": (SpecError, "options.modelarts.algorithm_id: there is no such algorithm"),
    "ModelArts.2757": (SpecError, "options.modelarts.code_dir: is the code there? anyfit ls shows what is"),
    "ModelArts.2763": (SpecError, "instance_type: anyfit specs lists what there is"),
    "ModelArts.2775": (NotFound, _JOBS),
    "ModelArts.2776": (NotFound, "the log is not there yet"),
    "ModelArts.2777": (NotFound, "the figures are not there yet"),
    "ModelArts.2780": (SpecError, "framework: anyfit backends modelarts --frameworks lists them"),
    "ModelArts.2781": (SpecError, "instance_type: anyfit specs lists what there is"),
    "ModelArts.2782": (SpecError, "options.modelarts.dataset_version_id: there is no such version"),
    "ModelArts.2783": (SpecError, "options.modelarts.dataset_id: there is no such dataset"),
    "ModelArts.2784": (AuthError, _AGAIN),
    "ModelArts.2785": (AuthError, "ModelArts has no agency in this account; give it one in the console"),
    "ModelArts.2786": (AuthError, _PROJECT),
    "ModelArts.2791": (SpecError, _OBS),
    "ModelArts.2793": (SpecError, "instance_count: the machine has a limit, which anyfit specs shows"),
    "ModelArts.2796": (UsageError, _STATE),
    "ModelArts.2799": (ServiceError, _LATER),
    "ModelArts.2803": (ServiceError, f"there is no such call here; {_HOST}"),
    "ModelArts.2813": (UsageError, _STATE),
    "ModelArts.2815": (UsageError, _QUOTA),
    "ModelArts.2818": (NotFound, "the log is not there yet"),
    "ModelArts.2819": (NotFound, "logs are kept for 30 days"),
    "ModelArts.2820": (NotFound, "the log is not there"),
    "ModelArts.2833": (UsageError, _QUOTA),
    "ModelArts.2836": (NotFound, "it may have been deleted"),
    "ModelArts.2837": (AuthError, "the account is frozen"),
    "ModelArts.2838": (AuthError, _RIGHTS),
    "ModelArts.2878": (ServiceError, _LATER),
    "ModelArts.2890": (NotFound, "options.modelarts.pool_id: there is no such pool"),
    "ModelArts.3001": (NotFound, _MODEL),
    "ModelArts.3002": (Conflict, "choose another name or version for the model"),
    "ModelArts.3009": (UsageError, "a model that a service uses stays until the service is gone"),
    "ModelArts.3006": (ServiceError, _PACKAGE),
    "ModelArts.3015": (SpecError, _PACKAGE),
    "ModelArts.3016": (SpecError, _PACKAGE),
    "ModelArts.3017": (SpecError, _OBS),
    "ModelArts.3036": (SpecError, _PACKAGE),
    "ModelArts.3037": (SpecError, _PACKAGE),
    "ModelArts.3044": (UsageError, "a model may have 20 GB"),
    "ModelArts.3502": (NotFound, _ENDPOINT),
    "ModelArts.3503": (Conflict, "choose another name, or delete the endpoint"),
    "ModelArts.3507": (NotFound, _MODEL),
    "ModelArts.3515": (UsageError, "wait until anyfit models shows it as READY"),
    "ModelArts.3516": (SpecError, "a service has a model version once"),
    "ModelArts.3519": (UsageError, "anyfit endpoints shows how the endpoint is"),
    "ModelArts.3520": (UsageError, _QUOTA),
    "ModelArts.3521": (UsageError, _QUOTA),
    "ModelArts.3522": (UsageError, _QUOTA),
    "ModelArts.3547": (SpecError, "options.modelarts.pool_name: there is no such pool"),
    "ModelArts.3592": (SpecError, "options.modelarts.health: see docs/backends/modelarts.md"),
    "ModelArts.3801": (AuthError, _LOGIN),
    "ModelArts.3952": (UsageError, "the machine is sold out; anyfit specs shows what there is"),
    "ModelArts.3976": (UsageError, "the machine is sold out; anyfit specs shows what there is"),
    "ModelArts.6200": (UsageError, "the machine is sold out; anyfit specs shows what there is"),
    "ModelArts.6201": (AuthError, "the account is suspended"),
    "ModelArts.6203": (AuthError, "the account is restricted"),
}
_BY_STATUS: dict[int, Kind] = {
    400: (SpecError, _PLAN),
    401: (AuthError, _LOGIN),
    403: (AuthError, _RIGHTS),
    404: (NotFound, "it may have been deleted"),
    409: (UsageError, _STATE),
    413: (UsageError, "a request may have 12 MB"),
    429: (ServiceError, _LATER),
}


def normal(code: str) -> str:
    """A code with the gateway's prefix in its newer spelling."""
    return code.replace("APIGW.", "APIG.")


def kind_of(status: int, code: str) -> Kind:
    """The class of a refusal and what to do about it: by its code, else by its HTTP status."""
    known = CODES.get(normal(code))
    if known is None:
        return _BY_STATUS.get(status, (ServiceError, _LATER))
    if status == 404 and known[0] in (SpecError, UsageError):
        return _BY_STATUS[404]
    return known


def fault_of(status: int, refusal: Refusal | None, what: str, request_id: str = "") -> AnyfitError:
    """The error for a refusal of `what` was asked."""
    code = refusal.code if refusal else ""
    kind, hint = kind_of(status, code)
    word = code if code and code != str(status) else ""
    message = f"{what}: ModelArts answers {status}" + (f" ({word})" if word else "")
    if refusal and refusal.message:
        message += f": {refusal.message}"
    if refusal and refusal.solution and (hint == _PLAN or normal(code) not in CODES):
        hint = f"{refusal.solution.rstrip('.')}; {hint}"
    return kind(message, hint=hint, backend="modelarts", status=code or str(status), request_id=request_id)
