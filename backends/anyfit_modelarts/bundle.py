"""What travels with a job, beside the user's code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from anyfit.backend import Upload
from anyfit.launch import launcher_path
from anyfit.launch.shipping import ARCHIVE, File, as_json, digest_of, uploads_of
from anyfit.spec import Code

__all__ = ["ARCHIVE", "JOB", "LAUNCHER", "File", "Shipped", "as_json", "digest_of"]

LAUNCHER, PLATFORM, STORE, JOB = "anyfit_launch.py", "anyfit_platform.py", "anyfit_obs.py", "anyfit_job.json"
_HERE = Path(__file__).resolve().parent


@frozen
class Shipped:
    """The files of ours that go to the platform."""

    launcher: File
    platform: File
    store: File

    @classmethod
    def read(cls) -> Shipped:
        """Look at the files."""
        return cls(
            launcher=File.read(launcher_path()),
            platform=File.read(_HERE / "conventions.py"),
            store=File.read(_HERE / "obs.py"),
        )

    @property
    def digests(self) -> tuple[str, ...]:
        """What is in the files."""
        return (self.launcher.digest, self.platform.digest, self.store.digest)

    def for_job(self, folder: str, code: Code | None, job: dict[str, Any]) -> tuple[Upload, ...]:
        """The uploads of a job."""
        ours = {LAUNCHER: self.launcher, PLATFORM: self.platform, STORE: self.store}
        return (*uploads_of(folder, ours, code), Upload(target=folder + JOB, content=as_json(job), kind="job"))
