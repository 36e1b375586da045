"""What a job has left in a bucket: the job file beside its code, how its script ended, its results.

Only what is not there, or cannot be read as what it should be, means that anyfit left nothing. A store that does not
answer is a fault and no answer, so it is raised.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from attrs import evolve, frozen

from anyfit.backend import Artifact, Cause, JobState
from anyfit.errors import AnyfitError, NotFound
from anyfit.storage import Entry, Store, Uri

__all__ = ["HIDDEN", "End", "artifacts_in", "read_document", "read_end", "remove_folders"]

Open = Callable[[Uri], Store]

HIDDEN = ".anyfit/"
"""The folder among the results that is anyfit's own."""
_KINDS = {"model": "model", "model.tar.gz": "model", "checkpoints": "checkpoint"}


@frozen
class End:
    """How a script ended, where that is known."""

    exit_code: int | None = None
    signal: int | None = None
    overran: bool = False

    def told(self, state: JobState) -> JobState:
        """The state with what the platform does not tell."""
        if self == End():
            return state
        cause = Cause.TIMEOUT if self.overran else state.cause
        return evolve(state, exit_code=self.exit_code, signal=self.signal, cause=cause)


def read_document(open: Open, uri: Uri) -> Mapping[str, Any]:
    """A JSON object; an empty one where there is none."""
    try:
        found = json.loads(open(uri).read(uri.key))
    except (NotFound, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_end(open: Open, results: Uri) -> End:
    """How the script ended, which anyfit's launcher has left among the results."""
    told = read_document(open, results.join(f"{HIDDEN}end.json"))
    code, signal = told.get("exit_code"), told.get("signal")
    return End(
        code if isinstance(code, int) else None, signal if isinstance(signal, int) else None, bool(told.get("overran"))
    )


def artifacts_in(open: Open, results: Uri, shown: Callable[[str], str] = str) -> list[Artifact]:
    """What lies there but for anyfit's own; `shown` gives the name that a file is known by.

    In a bucket that is not there lies nothing: the job may have failed for that.
    """
    found = []
    for entry in _listed(open, results):
        name = entry.key[len(results.key) :]
        if name and not entry.is_marker and not name.startswith(HIDDEN):
            known = shown(name)
            kind = _KINDS.get(known.partition("/")[0], "output")
            found.append(Artifact(known, str(evolve(results, key=entry.key)), entry.size, kind))
    return found


def _listed(open: Open, results: Uri) -> list[Entry]:
    try:
        return list(open(results).list(results.key))
    except NotFound:
        return []


def remove_folders(open: Open, folders: Iterable[Uri]) -> None:
    """Remove all that lies in these; what cannot be deleted stays, and does no harm."""
    for folder in folders:
        with suppress(AnyfitError):
            store = open(folder)
            for _ in store.delete_many([entry.key for entry in store.list(folder.key)]):
                pass
