"""Plans: what this machine would do, as a value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import evolve

from anyfit.backend import Catalog, Match, Offering, Plan
from anyfit.codec import dumps, loads
from anyfit.spec import Channel, Code, JobSpec
from anyfit_local.layout import Home
from anyfit_local.machine import offering
from anyfit_local.settings import Settings
from anyfit_local.translate import make_plan

HERE = Offering(spec_id="local", cpus=8, memory_gib=32, divisible=True, tasks=("train", "serve"))
CODE = Code(digest="ab12", archive="/packed/ab12.tar.gz", size=100, files=1)


def _plan(**fields: Any) -> Plan:
    spec = JobSpec(**{"name": "mnist", "entry_point": "train.py", "code": CODE, **fields})
    return make_plan(spec, Catalog(offerings=(HERE,)), Settings(python="/py"), Home(Path("/home/anyfit")))


def test_a_plan_is_what_will_be_done() -> None:
    """One request, word for word; the packed code stays where it is."""
    plan = _plan(hyperparameters={"lr": 0.1}, inputs={"train": Channel(uri="file:///data")}, instance_type="cpu:4")

    (upload,) = plan.uploads
    assert (upload.source, upload.target) == ("/packed/ab12.tar.gz", "file:///packed/ab12.tar.gz")
    (request,) = plan.requests
    assert request.action == "start"
    assert request.body == {
        "job": {
            "format": 1,
            "job_name": "mnist",
            "backend": "local",
            "region": "localhost",
            "entry_point": "train.py",
            "command": [],
            "hyperparameters": {"lr": 0.1},
            "arguments": [],
            "environment": {},
            "channels": {"train": {"uri": "file:///data"}},
            "convention": "sagemaker",
            "distribution": "none",
            "instance_type": "cpu:4",
            "instance_count": 1,
            "output_uri": "",
            "checkpoint_uri": "",
            "code_uri": "file:///packed/ab12.tar.gz",
            "python_paths": [],
            "install_requirements": False,
        },
        "python": "/py",
        "folder": "/home/anyfit/jobs/mnist",
        "nodes": 1,
        "num_cpus": 8,
        "num_gpus": 0,
        "max_run": 86400,
        "grace_seconds": 10.0,
        "stall_seconds": 900.0,
    }
    assert plan.offering == HERE and plan.cost_per_hour is None


def test_equal_specs_give_equal_plans_that_survive_text() -> None:
    """A plan is pure, and can be written down."""
    assert _plan() == _plan()
    assert loads(Plan, dumps(_plan())) == _plan()
    json.dumps(_plan().requests[0].body)


def test_what_is_not_done_word_for_word_is_noted() -> None:
    """Images, disks, waiting and nodes are not what they are on a cloud."""
    plan = _plan(
        image="r/i:1",
        instance_type="cpu:1 mem=2GB",
        framework="pytorch",
        framework_version="2.1",
        volume_size=100,
        max_wait=60,
        instance_count=2,
        inputs={"train": Channel(uri="file:///data")},
    )

    notes = {note.field: note for note in plan.notes}
    assert {name: note.match for name, note in notes.items()} == {
        "image_uri": Match.NONE,
        "instance_type": Match.NEAR,
        "framework": Match.NEAR,
        "volume_size": Match.NONE,
        "max_wait": Match.NONE,
        "instance_count": Match.NEAR,
        "inputs": Match.EXACT,
    }
    assert "pytorch 2.1" in notes["framework"].text
    assert "without the image" in notes["image_uri"].text
    assert "cpu:1 mem=2GB" in notes["instance_type"].text and "no limit" in notes["instance_type"].text


def test_what_is_done_word_for_word_needs_no_note() -> None:
    """A plain job on the whole machine."""
    assert _plan().notes == _plan(instance_type="local").notes == ()


def test_a_job_may_choose_for_itself() -> None:
    """Options go before the backend's settings."""
    listing = evolve(CODE, requirements=True)
    options = {"grace_seconds": 3, "python": "/other", "install_requirements": True}
    plan = _plan(code=listing, options=options)
    request = plan.requests[0].body

    assert (request["grace_seconds"], request["python"]) == (3, "/other")
    assert request["job"]["install_requirements"] is True
    assert "source_dir" not in {note.field for note in plan.notes}
    assert "source_dir" in {note.field for note in _plan(code=listing).notes}


def test_the_offering_is_this_machine() -> None:
    """Cores and memory are those that a job can have."""
    machine = offering()

    assert machine.spec_id == "local" and machine.divisible
    assert machine.cpus > 0 and machine.memory_gib > 0
    assert set(machine.tasks) == {"train", "serve"}
