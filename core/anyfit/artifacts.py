"""What jobs leave behind, found and brought here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from attrs import evolve

from anyfit.backend import Artifact
from anyfit.errors import NotFound

if TYPE_CHECKING:
    from anyfit.backend import Backend

__all__ = ["download_artifacts", "model_folder"]


def model_folder(artifacts: Sequence[Artifact], key: str) -> str:
    """The URI of the folder that holds the files of the model of job `key`."""
    from anyfit.storage import Uri

    for artifact in artifacts:
        head, slash, rest = artifact.name.partition("/")
        if artifact.kind == "model" and slash and head == "model":
            uri = Uri.parse(artifact.uri)
            return str(evolve(uri, key=uri.key.removesuffix(rest)))
    raise NotFound(
        f"job {key} has left no model",
        hint="let the script save its model into the folder named by ANYFIT_MODEL_DIR",
    )


def download_artifacts(backend: Backend, artifacts: Sequence[Artifact], target: Path) -> None:
    """Bring every artifact below `target`; a file appears whole or not at all."""
    for artifact in artifacts:
        _download(backend, artifact, target / PurePosixPath(artifact.name))


def _download(backend: Backend, artifact: Artifact, path: Path) -> None:
    from anyfit.storage import Uri

    uri = Uri.parse(artifact.uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    with backend.store(uri).open(uri.key) as reader, partial.open("wb") as stream:
        while block := reader.read(1 << 20):
            stream.write(block)
    partial.replace(path)
