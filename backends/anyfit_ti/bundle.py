"""What travels with a job or a model, beside the user's code."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from anyfit.backend import Upload
from anyfit.launch import inference_path, launcher_path
from anyfit.launch.shipping import ARCHIVE, File, as_json, digest_of, uploads_of
from anyfit.spec import Code

__all__ = [
    "ARCHIVE",
    "JOB",
    "LAUNCHER",
    "PREDICT",
    "SERVICE",
    "SOURCE",
    "File",
    "Shipped",
    "ShippedModel",
    "as_json",
    "digest_of",
    "packed",
    "unpacked",
]

LAUNCHER, PLATFORM, JOB = "anyfit_launch.py", "anyfit_platform.py", "anyfit_job.json"
SOURCE = "source.tar.gz"
PREDICT, SERVICE, INFERENCE, MODEL = "predict.py", "model_service.py", "anyfit_inference.py", "anyfit_model.json"
_HERE = Path(__file__).resolve().parent


@frozen
class Shipped:
    """The files of ours that go to the platform; `content` is that of those which go into an archive."""

    launcher: File
    platform: File
    content: Mapping[str, bytes] = field(factory=dict, repr=False)

    @classmethod
    def read(cls) -> Shipped:
        """Look at the files; done once, so that planning need not."""
        paths = {LAUNCHER: launcher_path(), PLATFORM: _HERE / "conventions.py"}
        content = {name: path.read_bytes() for name, path in paths.items()}
        return cls(File.read(paths[LAUNCHER]), File.read(paths[PLATFORM]), content)

    def for_task(self, folder: str, code: Code | None, job: dict[str, Any]) -> tuple[Upload, ...]:
        """The uploads of a job of 2021, whose code is a folder."""
        ours = {LAUNCHER: self.launcher, PLATFORM: self.platform}
        return (*uploads_of(folder, ours, code), Upload(target=folder + JOB, content=as_json(job), kind="job"))

    def for_job(self, folder: str, code_folder: str, code: Code | None, job: dict[str, Any]) -> tuple[Upload, ...]:
        """The uploads of a job of 2019: the source archive is ours, the user's own archive comes as an input."""
        source = packed({**self.content, JOB: as_json(job)})
        return (*uploads_of(code_folder, {}, code), Upload(target=folder + SOURCE, content=source, kind="job"))


@frozen
class ShippedModel:
    """The files of ours that go to the platform with a model."""

    predict: File
    inference: File

    @classmethod
    def read(cls) -> ShippedModel:
        """Look at the files."""
        return cls(File.read(_HERE / "predict.py"), File.read(inference_path()))

    def uploads(self, folder: str, program: str, code: Code | None, model: dict[str, Any]) -> tuple[Upload, ...]:
        """The uploads of a model; `program` is the name that what serves it has there."""
        ours = {program: self.predict, INFERENCE: self.inference}
        return (*uploads_of(folder, ours, code), Upload(target=folder + MODEL, content=as_json(model), kind="job"))


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files as a .tar.gz without a folder, equal files as equal bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)


def unpacked(archive: bytes, name: str) -> bytes:
    """One file of a .tar.gz; `KeyError` where it is not there, `tarfile.TarError` where there is no archive."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:*") as tar:
        stream = tar.extractfile(name)
        if stream is None:
            raise KeyError(name)
        return stream.read()
