"""What becomes of the platform's refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.errors import AnyfitError, AuthError, Conflict, NotFound, ServiceError, SpecError, UsageError
from anyfit_modelarts.answers import Refusal, refusal_in
from anyfit_modelarts.errors import CODES, fault_of, kind_of


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "ModelArts.0103", Conflict),
        (400, "ModelArts.0104", SpecError),
        (400, "ModelArts.0105", UsageError),
        (404, "ModelArts.0105", NotFound),
        (404, "ModelArts.0015", NotFound),
        (400, "ModelArts.0116", UsageError),
        (401, "ModelArts.0202", AuthError),
        (403, "ModelArts.0210", AuthError),
        (400, "ModelArts.1002", SpecError),
        (400, "ModelArts.2751", Conflict),
        (400, "ModelArts.2775", NotFound),
        (404, "ModelArts.2775", NotFound),
        (400, "ModelArts.2763", SpecError),
        (403, "ModelArts.2785", AuthError),
        (409, "ModelArts.2796", UsageError),
        (429, "ModelArts.2799", ServiceError),
        (400, "ModelArts.2818", NotFound),
        (500, "ModelArts.2950", ServiceError),
        (500, "ModelArts.6200", UsageError),
        (409, "ModelArts.3002", Conflict),
        (404, "ModelArts.3502", NotFound),
        (404, "APIGW.0101", ServiceError),
        (404, "APIG.0101", ServiceError),
        (401, "APIGW.0301", AuthError),
        (429, "APIG.0308", ServiceError),
        (401, "IAM.0001", AuthError),
        (400, "ModelArts.9999", SpecError),
        (401, "", AuthError),
        (403, "", AuthError),
        (404, "", NotFound),
        (502, "", ServiceError),
    ],
)
def test_kinds(status: int, code: str, kind: type[AnyfitError]) -> None:
    """Each refusal is the most specific of anyfit's errors, and has a hint."""
    found, hint = kind_of(status, code)

    assert found is kind
    assert hint


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_hint(code: str) -> None:
    """No code leaves its reader without a next step."""
    fault = fault_of(400, Refusal(code, "text"), "job x", "id-1")

    assert fault.hint
    assert fault.status == code
    assert fault.request_id == "id-1"
    assert fault.backend == "modelarts"
    assert "job x" in fault.message and "text" in fault.message


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ({"is_success": False, "error_message": "m", "error_code": "ModelArts.0105"}, Refusal("ModelArts.0105", "m")),
        ({"error_msg": "m", "error_code": "c", "error_solution": "s"}, Refusal("c", "m", "s")),
        ({"error": {"code": 401, "message": "m", "title": "Unauthorized"}}, Refusal("401", "m")),
        ({"error_code": "c", "error_msg": "m", "error_message": "other"}, Refusal("c", "m")),
        ({"is_success": False}, Refusal("", "")),
        ({"is_success": True, "error_code": "", "jobs": []}, None),
        ({"metadata": {}}, None),
        ([], None),
        (None, None),
    ],
)
def test_shapes_of_a_refusal(answer: Any, refusal: Refusal | None) -> None:
    """All shapes of a refusal are read, and nothing else is taken for one."""
    assert refusal_in(answer) == refusal


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(st.sampled_from(["error", "error_code", "error_msg", "is_success", "code"]), x)
        ),
        max_leaves=8,
    )
)
def test_any_answer_can_be_read(answer: Any) -> None:
    """Whatever a service answers, reading it raises nothing, and what is read is text."""
    found = refusal_in(answer)

    assert found is None or isinstance(fault_of(400, found, "x"), AnyfitError)


def test_solution_of_the_platform() -> None:
    """What the platform itself says about a remedy comes first where anyfit has nothing to say about the field."""
    told = "Correct it and send it again."

    assert fault_of(400, Refusal("ModelArts.2788", "m", told), "x").hint.startswith("Correct it and send it again; ")
    assert fault_of(400, Refusal("ModelArts.0104", "m", told), "x").hint.startswith("Correct it and send it again; ")
    assert fault_of(400, Refusal("ModelArts.2755", "m", told), "x").hint.startswith("options.modelarts.algorithm_id: ")
    assert fault_of(404, Refusal("ModelArts.2786", "m", told), "x").hint.startswith("modelarts.project_id ")
    assert "anyfit jobs" in fault_of(400, Refusal("ModelArts.2775", "m", told), "x").hint
