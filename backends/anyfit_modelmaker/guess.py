"""A spec of a job that others than anyfit have started, as far as the platform tells."""

from __future__ import annotations

from anyfit.spec import Channel, JobSpec
from anyfit_modelmaker.wire import Version, rows

__all__ = ["count_of", "guessed_spec"]


def guessed_spec(version: Version) -> JobSpec:
    """The spec."""
    raw = version.raw
    parameters = {str(row.get("name")): row.get("value") for row in rows({"": raw.get("parameters")}, "")}
    monitors = {str(row.get("name")): str(row.get("regular") or "") for row in rows({"": raw.get("monitors")}, "")}
    data = raw.get("dataUrl")
    inputs = {"training": Channel(uri=data)} if isinstance(data, str) and data else {}
    command = version.text("command")
    return JobSpec(
        name=version.text("name") or f"job-{version.id}",
        version=count_of(version),
        entry_point=version.text("startup"),
        command=(command, version.text("args")) if command else (),
        image=version.text("mirrorUrl"),
        hyperparameters=parameters,
        inputs=inputs,
        instance_type=str(raw.get("resourceId") or ""),
        instance_count=int(version.number("instance") or 1),
        output_path=version.text("output"),
        max_run=int(version.number("maxRuntime") or 86400),
        description=version.text("description"),
        metric_definitions=monitors,
    )


def count_of(version: Version) -> int:
    """The platform's number of a version."""
    label = version.label.removeprefix("V")
    return int(label) if label.isdigit() and int(label) > 0 else 1
