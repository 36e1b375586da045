"""The backend as a plugin, and the machine it finds."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from anyfit.backend import Feature
from anyfit.plugins import backend_factory
from anyfit_local.machine import offering
from anyfit_local.settings import Options, Settings
from waiting import hindrance


def test_the_backend_is_found_by_its_name(tmp_path: Path) -> None:
    """As a plugin like any other."""
    factory = backend_factory("local")
    backend = factory.create(factory.settings(), tmp_path)

    assert backend.name == "local" and backend.list() == [] and backend.endpoints() == [] and backend.models() == []
    assert set(backend.capabilities.missing) == {Feature.ENDPOINT_METRICS}
    assert backend.catalog().offerings[0].spec_id == "local"


def test_every_setting_says_what_it_is_for() -> None:
    """So that help and templates can be made of it."""
    for each in (*attrs.fields(Settings), *attrs.fields(Options)):
        assert each.metadata["help"].endswith(".")


def test_accelerators_are_those_that_the_driver_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, number and memory of the first kind."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA A100-SXM4-80GB, 81920'\necho 'NVIDIA A100-SXM4-80GB, 81920'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    machine = offering()

    assert (machine.gpu_model, machine.gpu_count, machine.gpu_memory_gib) == ("NVIDIA-A100-SXM4-80GB", 2, 80.0)


def test_a_driver_that_fails_means_no_accelerators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed program without a card is common."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'No devices were found'\nexit 6\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert (offering().gpu_model, offering().gpu_count) == ("", 0)


def test_nodes_share_accelerators_out(rig: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node sees its own, unless the user has chosen."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nfor n in 1 2 3 4; do echo 'NVIDIA A10, 24000'; done\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    script = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['SM_NUM_GPUS'])"
    ref, _ = rig.run(script, instance_count=2, instance_type="A10:2")

    assert sorted((line.node, line.text) for line in rig.lines(ref)) == [(0, "0,1 2"), (1, "2,3 2")]


def test_a_job_adds_little_to_its_script(rig: Any) -> None:
    """Submit, supervise, collect: the bound is wide, benchmarks/local_overhead.py measures."""
    import time

    plans = [rig.plan("pass") for _ in range(5)]
    spent = []
    for plan in plans:
        began, hindered = time.perf_counter(), hindrance()
        rig.wait(rig.backend.submit(plan))
        spent.append(time.perf_counter() - began - (hindrance() - hindered))

    assert sorted(spent)[0] < 0.3, f"on {sys.platform} {spent}"
