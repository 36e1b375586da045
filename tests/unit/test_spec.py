"""A spec is a value: nothing that happens elsewhere changes it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from anyfit.codec import dumps
from anyfit.spec import Channel, EndpointSpec, JobSpec, ModelSpec, Variant


@pytest.mark.parametrize(
    ("cls", "given"),
    [
        (JobSpec, {"name": "job"}),
        (ModelSpec, {"name": "model", "artifact": "obs://bucket/model/"}),
        (Variant, {"model": "local://localhost/model"}),
        (EndpointSpec, {"name": "endpoint", "variants": ()}),
    ],
)
def test_tables_are_its_own(cls: type[Any], given: dict[str, Any]) -> None:
    """Whoever changes a table after handing it over does not change the spec, however deep the change is."""
    made = cls(**given)
    names = [each.name for each in attrs.fields(cls) if isinstance(getattr(made, each.name), dict)]
    tables: dict[str, dict[str, Any]] = {name: {"a": {"b": [1, {"c": 2}]}} for name in names}
    spec = cls(**given, **tables)
    text = dumps(spec)
    for table in tables.values():
        table["a"]["b"][1]["c"] = 3
        table["d"] = 4

    assert names
    assert dumps(spec) == text


def test_values_stay_as_they_are() -> None:
    """A copy equals what was handed over, frozen values in it included."""
    channel = Channel(uri="obs://bucket/data/")
    values = {"layers": [1, (2, 3)], "rate": 0.1, "note": None}
    spec = JobSpec(name="job", inputs={"training": channel}, hyperparameters=values)

    assert spec.hyperparameters == values
    assert spec.inputs["training"] is channel
