"""What travels with a job or a model, beside the user's code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from attrs import frozen

from anyfit.backend import Upload
from anyfit.launch import inference_path, launcher_path
from anyfit.spec import Code

__all__ = ["ARCHIVE", "JOB", "LAUNCHER", "MODEL", "PREDICT", "Shipped", "as_json", "digest_of"]

LAUNCHER, PLATFORM, JOB, ARCHIVE = "anyfit_launch.py", "anyfit_platform.py", "anyfit_job.json", "code.tar.gz"
PREDICT, INFERENCE, MODEL = "predict.py", "anyfit_inference.py", "anyfit_model.json"
_HERE = Path(__file__).resolve().parent


@frozen
class File:
    """A file of ours: where it is on this machine, and what is in it."""

    path: str
    size: int
    digest: str

    @classmethod
    def read(cls, path: Path) -> File:
        """Look at the file; done once, so that planning need not."""
        content = path.read_bytes()
        return cls(str(path), len(content), hashlib.sha256(content).hexdigest())


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
        return (*_uploads(folder, ours, code), Upload(target=folder + JOB, content=as_json(job), kind="job"))

    def for_model(self, folder: str, code: Code | None, model: dict[str, Any]) -> tuple[Upload, ...]:
        """The uploads of a model."""
        ours = {PREDICT: self.predict, INFERENCE: self.inference}
        return (*_uploads(folder, ours, code), Upload(target=folder + MODEL, content=as_json(model), kind="job"))


def as_json(value: dict[str, Any]) -> bytes:
    """The value as readable JSON, equal values as equal bytes."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode()


def digest_of(*parts: object) -> str:
    """A name for the content of all parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _uploads(folder: str, ours: dict[str, File], code: Code | None) -> tuple[Upload, ...]:
    uploads = [Upload(target=folder + name, source=file.path, size=file.size) for name, file in ours.items()]
    if code is not None:
        uploads.append(Upload(target=folder + ARCHIVE, source=code.archive, size=code.size))
    return tuple(uploads)
