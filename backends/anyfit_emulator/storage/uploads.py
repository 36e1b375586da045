"""Multipart uploads: parts on disk until they are complete.

Completing an upload must not copy gigabytes. So parts are written where they will be in the end: the first part that
arrives tells the usual size, and part `n` goes to `(n - 1)` times that size of one file, which is then renamed into
place. Parts that do not fit (longer than the first, or sent again) get a file of their own, and are copied together.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from attrs import frozen

from anyfit_emulator.storage.crc import CRC64_ECMA
from anyfit_emulator.storage.digests import Digests
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.store import Check, Incoming, ObjectStore, check_key
from anyfit_emulator.storage.values import Meta, ObjectInfo

__all__ = ["MAX_PARTS", "Part", "PartWriter", "Upload", "Uploads"]

MAX_PARTS = 10_000
_SLOTS = "slots"
_SLOT_LIMIT = 1 << 40  # beyond this offset a part gets its own file


@frozen
class Upload:
    """An upload under way.

    Attributes:
        id: The upload's id.
        key: What it will become.
        started_ns: When it was begun.
        meta: What the object will have; `meta.checksums` names the algorithm and type that were chosen.
    """

    id: str
    bucket: str
    key: str
    started_ns: int
    meta: Meta


@frozen
class Part:
    """A finished part.

    Attributes:
        file: Its own file's name, or "slots" when it lies in the common file.
        checksums: Verified ones by algorithm, in base64.
    """

    number: int
    size: int
    mtime_ns: int
    etag: str
    file: str
    crc64: int
    checksums: dict[str, str]


class PartWriter:
    """A place for one part's bytes; without `finish` the part does not exist."""

    def __init__(self, uploads: Uploads, upload: Upload, number: int, file: str, offset: int) -> None:
        self._uploads = uploads
        self._upload = upload
        self._number = number
        self._file = file
        self._offset = offset
        self._path = uploads.folder(upload.id) / file
        try:
            self._fd = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o644)
        except FileNotFoundError:
            raise StoreError("NoSuchUpload", details={"UploadId": upload.id}) from None
        self._done = False

    def write(self, data: bytes) -> None:
        """Append."""
        view = memoryview(data)
        while view:
            count = os.pwrite(self._fd, view, self._offset)
            self._offset += count
            view = view[count:]

    def finish(self, digests: Digests, checksums: dict[str, str]) -> Part:
        """Declare the part complete."""
        part = Part(
            self._number,
            digests.size,
            time.time_ns(),
            digests.etag,
            self._file,
            digests.crc64,
            checksums,
        )
        self._uploads.record(self._upload, part)
        self._done = True
        return part

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)
        self._uploads.release(self._upload.id, self._number)
        if not self._done and self._file != _SLOTS:
            self._path.unlink(missing_ok=True)


class Uploads:
    """All uploads of a store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._index = store.index
        self._directory = store.system / "uploads"
        self._directory.mkdir(exist_ok=True)
        self._claimed: set[tuple[str, int]] = set()

    def folder(self, upload_id: str) -> Path:
        """Where an upload's parts lie."""
        return self._directory / upload_id

    def begin(self, bucket: str, key: str, meta: Meta) -> Upload:
        """Start an upload."""
        self._store.require_bucket(bucket)
        upload = Upload(secrets.token_hex(16).upper(), bucket, check_key(key), time.time_ns(), meta)
        self.folder(upload.id).mkdir()
        self._index.run(
            "INSERT INTO uploads (id, bucket, key, started_ns, meta) VALUES (?, ?, ?, ?, ?)",
            upload.id,
            bucket,
            key.encode(),
            upload.started_ns,
            meta.dump(),
        )
        return upload

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        """The upload of that id, if it is for that key."""
        self._store.require_bucket(bucket)
        row = self._index.one(
            "SELECT started_ns, meta FROM uploads WHERE id = ? AND bucket = ? AND key = ?",
            upload_id,
            bucket,
            key.encode(),
        )
        if row is None:
            raise StoreError("NoSuchUpload", details={"UploadId": upload_id})
        return Upload(upload_id, bucket, key, row[0], Meta.load(row[1]))

    def write(self, upload: Upload, number: int, length: int | None) -> PartWriter:
        """Begin to write part `number`; `length` is its size if that is known already."""
        if not 1 <= number <= MAX_PARTS:
            raise StoreError("InvalidArgument", f"Part number must be an integer between 1 and {MAX_PARTS}.")
        with self._index.lock:
            unit = self._unit(upload, length)
            offset = (number - 1) * unit
            fits = length is not None and 0 < length <= unit and offset + unit <= _SLOT_LIMIT
            claim = (upload.id, number)
            taken = claim in self._claimed or (upload.id, 0) in self._claimed
            if fits and not taken and not self._has(upload, number):
                self._claimed.add(claim)
                return PartWriter(self, upload, number, _SLOTS, offset)
        return PartWriter(self, upload, number, f"{number}-{secrets.token_hex(4)}", 0)

    def _unit(self, upload: Upload, length: int | None) -> int:
        """The usual size of this upload's parts, which the first one fixes."""
        row = self._index.one("SELECT unit FROM uploads WHERE id = ?", upload.id)
        if row is None:
            raise StoreError("NoSuchUpload", details={"UploadId": upload.id})
        if not row[0] and length:
            self._index.run("UPDATE uploads SET unit = ? WHERE id = ?", length, upload.id)
            return length
        return int(row[0])

    def _has(self, upload: Upload, number: int) -> bool:
        row = self._index.one("SELECT 1 FROM parts WHERE upload = ? AND number = ?", upload.id, number)
        return row is not None

    def record(self, upload: Upload, part: Part) -> None:
        """Write a finished part down, in place of an earlier one of that number."""
        with self._index.lock:
            self._index.run(
                "INSERT OR REPLACE INTO parts SELECT ?, ?, ?, ?, ?, ?, ?, ? FROM uploads WHERE id = ?",
                upload.id,
                part.number,
                part.size,
                part.mtime_ns,
                part.etag,
                part.file,
                str(part.crc64),
                json.dumps(part.checksums),
                upload.id,
            )

    def release(self, upload_id: str, number: int) -> None:
        """Give back the claim on a place in the common file."""
        with self._index.lock:
            self._claimed.discard((upload_id, number))

    def parts(self, upload: Upload, after: int = 0, limit: int = MAX_PARTS) -> list[Part]:
        """Finished parts with a number above `after`."""
        rows = self._index.all(
            "SELECT number, size, mtime_ns, etag, file, crc64, checksums FROM parts"
            " WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
            upload.id,
            after,
            limit,
        )
        return [Part(n, size, at, etag, file, int(crc), json.loads(c)) for n, size, at, etag, file, crc, c in rows]

    def all(self, bucket: str) -> list[Upload]:
        """Every upload of a bucket, by key and then id."""
        self._store.require_bucket(bucket)
        rows = self._index.all(
            "SELECT id, key, started_ns, meta FROM uploads WHERE bucket = ? ORDER BY key, id", bucket
        )
        return [Upload(i, bucket, key.decode(), at, Meta.load(meta)) for i, key, at, meta in rows]

    def abort(self, upload: Upload) -> None:
        """Throw an upload away."""
        with self._index.lock:
            self._index.run("DELETE FROM uploads WHERE id = ?", upload.id)
            self._index.run("DELETE FROM parts WHERE upload = ?", upload.id)
        shutil.rmtree(self.folder(upload.id), ignore_errors=True)

    def complete(self, upload: Upload, chosen: list[Part], meta: Meta, check: Check) -> ObjectInfo:
        """Make the object of the chosen parts."""
        self._claim_whole(upload)
        try:
            check(self._store.lookup(upload.bucket, upload.key))
            info = self._complete(upload, chosen, meta, check)
        finally:
            self.release(upload.id, 0)
        self.abort(upload)
        return info

    def _claim_whole(self, upload: Upload) -> None:
        """Only one request completes an upload; number 0 stands for all of it."""
        with self._index.lock:
            if (upload.id, 0) in self._claimed:
                raise StoreError("NoSuchUpload", details={"UploadId": upload.id})
            self._claimed.add((upload.id, 0))

    def _complete(self, upload: Upload, chosen: list[Part], meta: Meta, check: Check) -> ObjectInfo:
        digest = hashlib.md5(usedforsecurity=False)
        crc64 = 0
        for part in chosen:
            digest.update(bytes.fromhex(part.etag))
            crc64 = CRC64_ECMA.join(crc64, part.crc64, part.size)
        etag = f"{digest.hexdigest()}-{len(chosen)}"
        size = sum(part.size for part in chosen)
        with self._store.incoming() as content:
            self._join(upload, chosen, size, content)
            return self._store.commit(upload.bucket, upload.key, content, size, etag, crc64, meta, check)

    def _join(self, upload: Upload, chosen: list[Part], size: int, content: Incoming) -> None:
        folder = self.folder(upload.id)
        unit = self._unit(upload, None)
        if self._in_place(chosen, unit) and not self._being_written(upload):
            content.become(folder / _SLOTS, size)
            return
        for part in chosen:
            with (folder / part.file).open("rb") as file:
                offset = (part.number - 1) * unit if part.file == _SLOTS else 0
                content.copy_from(file.fileno(), offset, part.size)
        content.finish()

    def _being_written(self, upload: Upload) -> bool:
        """Whether a part that the object does not have is still on its way into the common file."""
        with self._index.lock:
            return any(upload_id == upload.id and number for upload_id, number in self._claimed)

    @staticmethod
    def _in_place(chosen: Iterable[Part], unit: int) -> bool:
        short = False
        for expected, part in enumerate(chosen, 1):
            if short or part.number != expected or part.file != _SLOTS:
                return False
            short = part.size < unit
        return True
