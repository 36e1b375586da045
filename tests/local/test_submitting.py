"""Submitting beside other clients, and where there is no room for it."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from anyfit.errors import ServiceError
from anyfit.stage import stage
from anyfit_local.submitting import _sweep


def test_clients_that_come_and_go_do_not_disturb_submit(rig: Any) -> None:
    """Folders that vanish while old ones are looked for are none of its business."""
    jobs = rig.backend.home.jobs
    jobs.mkdir(parents=True)
    stop = threading.Event()

    def come_and_go() -> None:
        for number in itertools.count():
            (jobs / f".new-{number % 50}").mkdir()
            if number >= 49:
                (jobs / f".new-{(number + 1) % 50}").rmdir()
            if stop.is_set():
                return

    others = threading.Thread(target=come_and_go)
    others.start()
    try:
        for _ in range(300):
            _sweep(jobs)
    finally:
        stop.set()
        others.join()


def test_packed_code_is_not_kept_twice(rig: Any) -> None:
    """What was packed is unpacked into the job's folder, staged without moving a byte."""
    plan = rig.plan("print('ran')")
    said = stage(rig.backend, plan)
    rig.wait(rig.backend.submit(plan))

    assert said == "nothing to send; 1 there already"
    assert len(list(rig.folder.rglob("*.tar.gz"))) == 1


def test_a_home_that_cannot_be_made_is_told(rig: Any, tmp_path: Path) -> None:
    """As an error of anyfit's, whatever is in the way."""
    plan = rig.plan("pass")
    (tmp_path / "file").touch()
    rig = rig.with_settings(home=str(tmp_path / "file" / "home"))

    with pytest.raises(ServiceError, match=r"could not be started: .*file"):
        rig.backend.submit(plan)
