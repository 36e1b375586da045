"""Files that travel to a platform beside the user's code, by the content that they have on this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from anyfit.backend import Upload
from anyfit.spec import Code

__all__ = ["ARCHIVE", "File", "as_json", "digest_of", "uploads_of"]

ARCHIVE = "code.tar.gz"
"""The name of the user's code beside the files of ours."""


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


def uploads_of(folder: str, files: Mapping[str, File], code: Code | None) -> tuple[Upload, ...]:
    """The uploads of files of ours, by the names that they get in the folder, and of the user's code."""
    uploads = [Upload(target=folder + name, source=file.path, size=file.size) for name, file in files.items()]
    if code is not None:
        uploads.append(Upload(target=folder + ARCHIVE, source=code.archive, size=code.size))
    return tuple(uploads)


def as_json(value: Mapping[str, Any]) -> bytes:
    """The value as readable JSON, equal values as equal bytes."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode()


def digest_of(*parts: object) -> str:
    """A name for the content of all parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
