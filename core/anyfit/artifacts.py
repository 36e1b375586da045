"""What jobs leave behind, found and brought here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from anyfit.backend import Artifact
from anyfit.errors import NotFound, StorageError

if TYPE_CHECKING:
    from anyfit.backend import Backend
    from anyfit.storage.filters import Filter
    from anyfit.storage.options import OnProgress, Report
    from anyfit.storage.uri import Uri
    from anyfit.stores import Stores

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


def download_artifacts(
    backend: Backend, artifacts: Sequence[Artifact], target: Path, *, on_progress: OnProgress | None = None
) -> None:
    """Bring every artifact below `target`, many at once; a file appears whole or not at all.

    What is there unchanged is not fetched again, and large files go on where an earlier attempt stopped.

    Raises:
        StorageError: Some could not be brought; it lists them. All others are there.
    """
    from anyfit.storage.options import Report
    from anyfit.stores import Stores

    with Stores(backend.store) as stores:
        reports = [_fetch(errand, target, stores, on_progress) for errand in _errands(artifacts)]
    Report(
        copied=sum(report.copied for report in reports),
        skipped=sum(report.skipped for report in reports),
        failures=tuple(failure for report in reports for failure in report.failures),
    ).raise_for_failures()


@frozen
class _Errand:
    """What can be fetched together: a folder and the names wanted of it, or one object and no names."""

    uri: Uri
    path: str
    names: frozenset[str]


def _errands(artifacts: Sequence[Artifact]) -> Iterator[_Errand]:
    from anyfit.storage.uri import Uri

    folders: dict[tuple[Uri, str], set[str]] = {}
    for artifact in artifacts:
        if any(part in ("", ".", "..") for part in artifact.name.split("/")):
            raise StorageError(f"the artifact {artifact.uri} is named {artifact.name!r}, which is no path in a folder")
        uri = Uri.parse(artifact.uri)
        head, slash, rest = artifact.name.partition("/")
        if slash and uri.key.endswith(f"/{rest}"):
            folders.setdefault((evolve(uri, key=uri.key.removesuffix(rest)), head), set()).add(rest)
        else:
            yield _Errand(uri, artifact.name, frozenset())
    for (uri, head), names in folders.items():
        yield _Errand(uri, head, frozenset(names))


def _fetch(errand: _Errand, target: Path, stores: Stores, on_progress: OnProgress | None) -> Report:
    from anyfit.storage.options import Failure, Options
    from anyfit.storage.transfer import transfer

    place = target / PurePosixPath(errand.path)
    if not errand.names:
        return transfer(errand.uri, place, open=stores, on_progress=on_progress)
    prefix = errand.uri.key
    there = {entry.key[len(prefix) :] for entry in stores(errand.uri).list(prefix) if not entry.is_marker}
    options = Options(filters=_only(errand.names, there))
    report = transfer(errand.uri, place, options, open=stores, on_progress=on_progress)
    lost = [Failure(str(errand.uri.join(name)), "", "it is not there") for name in sorted(errand.names - there)]
    told = [failure for failure in report.failures if failure.target]  # others are about what is no artifact
    return evolve(report, failures=(*told, *lost))


def _only(names: frozenset[str], there: set[str]) -> tuple[Filter, ...]:
    """Filters that let these names pass, of those that are there; the shorter list of both."""
    from glob import escape

    from anyfit.storage.filters import exclude, include

    others = there - names
    return exclude(*map(escape, others)) if len(others) <= len(names) else include(*map(escape, names))
