"""The user's code as one archive whose name is its content.

Equal files give an equal digest on every machine, so a bundle that a store has already is not sent again.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from anyfit.code.git import fetch_git, parse_git
from anyfit.code.secrets import refuse_secrets
from anyfit.code.tree import SourceFile, source_files
from anyfit.errors import SpecError, StorageError, nearest
from anyfit.spec import Code

__all__ = ["pack_code"]

_EPOCH = 315532800  # 1980-01-01: zip files know no earlier time
_ARCHIVES = (".tar.gz", ".tgz", ".tar")


def pack_code(
    entry_point: str,
    source_dir: str,
    dependencies: Sequence[str],
    folder: Path,
    *,
    allow_secrets: Sequence[str] = (),
) -> tuple[Code, str]:
    """Pack the code into `folder`; answers it with the entry point relative to its root.

    Args:
        entry_point: A script: relative to `source_dir`, or a path by itself where there is none.
        source_dir: A folder, a file, a tar archive, a git URL, or "" for the entry point alone.
        dependencies: Further folders or files, which lie beside the code under their own names.
        folder: Where bundles are kept.
        allow_secrets: Patterns of files that may go although they look like secrets.
    """
    with tempfile.TemporaryDirectory(prefix="anyfit-code-") as scratch:
        # anyfit's own folder may lie within the source folder, and grows while it is packed.
        with _readable():
            files, shown = _collect(entry_point, source_dir, Path(scratch), without=folder.parent)
            files += _dependency_files(dependencies, {f.name.partition("/")[0] for f in files})
            script = _find_entry(entry_point, source_dir, files)
            refuse_secrets(files, allow_secrets)
        return _write(files, folder, shown), script


@contextmanager
def _readable() -> Iterator[None]:
    """What may not be read, or is gone since it was found, is told by name."""
    try:
        yield
    except OSError as fault:
        if fault.errno not in (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENAMETOOLONG):
            raise
        raise SpecError(
            f"source_dir: {fault.filename} cannot be read: {fault.strerror}",
            hint="make it readable, or leave it out: name it in .anyfitignore, or in .gitignore where there is none",
        ) from fault


def _collect(entry_point: str, source_dir: str, scratch: Path, *, without: Path) -> tuple[list[SourceFile], str]:
    if not source_dir:
        path = _existing(entry_point, "entry_point")
        if not path.is_file():
            raise SpecError(
                f"entry_point: {entry_point} is not a file",
                hint=f"name the folder as source_dir = {entry_point!r}, and a script in it as entry_point",
            )
        return [SourceFile(path, path.name)], entry_point
    git = parse_git(source_dir)
    if git is not None:
        return source_files(fetch_git(git, scratch)), str(git)
    path = _existing(source_dir, "source_dir")
    if path.is_dir():
        return source_files(path, without=without), source_dir
    if path.name.endswith(_ARCHIVES):
        return source_files(_unpacked(path, scratch)), source_dir
    return [SourceFile(path, path.name)], source_dir


def _existing(text: str, field: str) -> Path:
    path = Path(text).expanduser()
    if path.exists():
        return path
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    raise SpecError(
        f"{field}: {text} does not exist",
        hint=nearest(path.name, beside) or f"looked in {path.parent.absolute()}",
    )


def _unpacked(archive: Path, scratch: Path) -> Path:
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
    except (tarfile.TarError, OSError) as fault:
        reason = "it is no tar archive" if isinstance(fault, tarfile.ReadError) else fault
        raise SpecError(f"source_dir: {archive} cannot be unpacked: {reason}") from fault
    return scratch


def _dependency_files(dependencies: Sequence[str], taken: set[str]) -> list[SourceFile]:
    found: list[SourceFile] = []
    for text in dependencies:
        path = _existing(text, "dependencies").absolute()
        if path.name in taken:
            raise SpecError(
                f"dependencies: {text} would lie over {path.name!r} of the code", hint="rename one of the two"
            )
        taken.add(path.name)
        if path.is_file():
            found.append(SourceFile(path, path.name))
        else:
            found += [SourceFile(f.path, f"{path.name}/{f.name}") for f in source_files(path)]
    return found


def _find_entry(entry_point: str, source_dir: str, files: Sequence[SourceFile]) -> str:
    names = [f.name for f in files]
    if not entry_point:
        return names[0] if len(names) == 1 else ""
    if not source_dir:
        return names[0]
    name = _relative_entry(entry_point, source_dir)
    if name in names or any(n.startswith(f"{name}/") for n in names):
        return name
    hint = nearest(name, [n for n in names if n.endswith((".py", ".sh"))])
    if parse_git(source_dir) is None and (Path(source_dir).expanduser() / name).exists():
        hint = "it is there, but an ignore file leaves it out"
    raise SpecError(f"entry_point: there is no {name} in {source_dir}", hint=hint)


def _relative_entry(entry_point: str, source_dir: str) -> str:
    """The entry point below the source folder; absolute paths are taken relative to it."""
    root = Path(source_dir).expanduser().absolute()
    path = Path(os.path.normpath(root / Path(entry_point).expanduser()))
    if not path.is_relative_to(os.path.normpath(root)):
        raise SpecError(
            f"entry_point: {entry_point} is outside of source_dir {source_dir}",
            hint="move the script into source_dir, or name a source_dir that holds both",
        )
    return path.relative_to(os.path.normpath(root)).as_posix()


def _write(files: Sequence[SourceFile], folder: Path, shown: str) -> Code:
    """Write the archive beside its final name, then rename: no other process sees half of it."""
    if not files:
        raise SpecError(f"source_dir: {shown} holds no file", hint="is everything in it ignored?")
    handle, temporary = _new_file(folder)
    try:
        with os.fdopen(handle, "wb") as raw, _readable():
            digest = _write_tar(sorted(files, key=lambda f: f.name), raw)
        final = folder / f"{digest}.tar.gz"
        Path(temporary).replace(final)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sizes = sorted(((f.path.stat().st_size, f.name) for f in files), reverse=True)
    return Code(
        digest=digest,
        archive=str(final),
        size=final.stat().st_size,
        files=len(files),
        largest=tuple((name, size) for size, name in sizes[:3]),
        source=shown,
        requirements=any(f.name == "requirements.txt" for f in files),
    )


def _new_file(folder: Path) -> tuple[int, str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.mkstemp(dir=folder, suffix=".part")
    except OSError as fault:
        raise StorageError(
            f"the code cannot be packed into {folder}: {fault.strerror}",
            hint="see that there is room and that the folder is yours, or set ANYFIT_HOME to another one",
        ) from fault


def _write_tar(files: Sequence[SourceFile], raw: IO[bytes]) -> str:
    """The digest is of the tar stream before compression: compressors differ, contents do not."""
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
        hashed = _Hashed(packed)
        with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
            for file in files:
                _add(tar, file)
    return hashed.digest.hexdigest()


def _add(tar: tarfile.TarFile, file: SourceFile) -> None:
    with file.path.open("rb") as stream:
        status = os.fstat(stream.fileno())
        entry = tarfile.TarInfo(file.name)
        entry.size = status.st_size
        entry.mode = 0o755 if status.st_mode & 0o100 else 0o644
        entry.mtime = _EPOCH
        tar.addfile(entry, stream)


class _Hashed:
    """A stream that hashes what passes through it."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._stream.write(data)
