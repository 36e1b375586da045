"""What travels with a job or a model, beside the user's code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from anyfit.backend import Upload
from anyfit.launch import inference_path, launcher_path
from anyfit.launch.shipping import ARCHIVE, File, as_json, digest_of, uploads_of
from anyfit.spec import Code

__all__ = ["ARCHIVE", "JOB", "LAUNCHER", "MODEL", "PREDICT", "File", "Shipped", "as_json", "digest_of"]

LAUNCHER, PLATFORM, JOB = "anyfit_launch.py", "anyfit_platform.py", "anyfit_job.json"
PREDICT, INFERENCE, MODEL = "predict.py", "anyfit_inference.py", "anyfit_model.json"
_HERE = Path(__file__).resolve().parent


@frozen
class Shipped:
    """The files of ours that go to the platform."""

    launcher: File
    platform: File
    predict: File
    inference: File

    @classmethod
    def read(cls) -> Shipped:
        """Look at the files."""
        return cls(
            launcher=File.read(launcher_path()),
            platform=File.read(_HERE / "conventions.py"),
            predict=File.read(_HERE / "predict.py"),
            inference=File.read(inference_path()),
        )

    def for_job(self, folder: str, code: Code | None, job: dict[str, Any]) -> tuple[Upload, ...]:
        """The uploads of a job."""
        ours = {LAUNCHER: self.launcher, PLATFORM: self.platform}
        return (*uploads_of(folder, ours, code), Upload(target=folder + JOB, content=as_json(job), kind="job"))

    def for_model(self, folder: str, code: Code | None, model: dict[str, Any]) -> tuple[Upload, ...]:
        """The uploads of a model."""
        ours = {PREDICT: self.predict, INFERENCE: self.inference}
        return (*uploads_of(folder, ours, code), Upload(target=folder + MODEL, content=as_json(model), kind="job"))
