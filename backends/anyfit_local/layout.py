"""Where on the disk things lie.

    HOME/jobs/KEY/                      a job: see `Job`
    HOME/models/NAME/VERSION/           a model version: model.json, model/, code/
    HOME/endpoints/NAME/                an endpoint: endpoint.json, status.json, server.log

A folder that is being made has a name that begins with a dot, and gets its own by one rename.
"""

from __future__ import annotations

import os
from pathlib import Path

from attrs import frozen

from anyfit.backend import JobRef, Ref
from anyfit.errors import NotFound

__all__ = ["REGION", "Home", "JobFolder", "child", "id_here"]

REGION = "localhost"
_LONGEST_NAME = 255  # bytes, on the disks of Linux and macOS


@frozen
class JobFolder:
    """One job's folder, which is `/opt/ml` to its script (`code`, `input`, `model`, `output`, `checkpoints`).

    Beside these: job.json (the spec), launch.json (what the launcher reads), run.json (what the supervisor
    reads), status.json, logs/node-N.log and .idx, usage.txt, metrics.json (once it has ended and
    somebody asked), supervisor.lock, supervisor.log, moving.log, stop (when asked to).
    """

    path: Path

    @property
    def status(self) -> Path:
        """The record of the job's state."""
        return self.path / "status.json"

    @property
    def lock(self) -> Path:
        """Held by the supervisor while it lives."""
        return self.path / "supervisor.lock"

    @property
    def stop(self) -> Path:
        """There once somebody asks the job to end; its time tells one request from another."""
        return self.path / "stop"

    @property
    def spec(self) -> Path:
        """What was asked for."""
        return self.path / "job.json"

    def log(self, node: int) -> Path:
        """What a node wrote."""
        return self.path / "logs" / f"node-{node}.log"


@frozen
class Home:
    """Everything that the backend keeps."""

    path: Path

    @property
    def jobs(self) -> Path:
        """Folder of the jobs."""
        return self.path / "jobs"

    @property
    def models(self) -> Path:
        """Folder of the models."""
        return self.path / "models"

    @property
    def endpoints(self) -> Path:
        """Folder of the endpoints."""
        return self.path / "endpoints"

    def job(self, key: str) -> JobFolder:
        """The folder of the job of that key, whether it exists or not."""
        return JobFolder(child(self.jobs, key))

    def existing(self, ref: JobRef) -> JobFolder:
        """The folder of a job; `NotFound` when there is none."""
        folder = self.job(id_here(ref))
        if not folder.spec.exists():
            raise NotFound(
                f"there is no job {ref.id!r} on this machine", hint="anyfit jobs lists them", backend="local"
            )
        return folder


def id_here(ref: Ref) -> str:
    """The id of what is on this machine; `NotFound` for what a reference places elsewhere."""
    if ref.region != REGION:
        raise NotFound(f"{ref} is not on this machine, whose region is {REGION!r}", backend="local")
    return ref.id


def child(folder: Path, name: str) -> Path:
    """What lies directly in the folder under a name that may come from anywhere."""
    if not name or name.startswith(".") or "/" in name or "\0" in name or not _fits_a_disk(name):
        raise NotFound(f"{name!r} is no name of anything on this machine", backend="local")
    return folder / name


def _fits_a_disk(name: str) -> bool:
    try:
        return len(os.fsencode(name)) <= _LONGEST_NAME
    except UnicodeEncodeError:
        return False
