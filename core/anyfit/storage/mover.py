"""Moving one object: which way is right for it, and the short ways themselves."""

from __future__ import annotations

import os
import threading
from datetime import datetime
from functools import partial

from anyfit.errors import AnyfitError, ConfigError
from anyfit.show import uri_text
from anyfit.storage.answers import OPAQUE
from anyfit.storage.atomic import AtomicFile
from anyfit.storage.download import Download
from anyfit.storage.file import FileReader, FileStore, os_error
from anyfit.storage.options import Action, Failure
from anyfit.storage.plan import Step
from anyfit.storage.retry import NeverReached, Unsteady, retrying
from anyfit.storage.store import Entry
from anyfit.storage.sums import PieceSums, etag_of_file, part_sizes
from anyfit.storage.tally import Stopped
from anyfit.storage.upload import Upload
from anyfit.storage.verify import Changed, Prover, read_proven
from anyfit.storage.workshop import Job, Workshop
from anyfit.values import evolve

__all__ = ["Mover"]

_TINY = 1 << 20
_SMALL = 64 << 10
_ATTEMPTS = 3


class Mover:
    """Moves objects from one place to another; every failure is counted and stops nothing else."""

    def __init__(self, shop: Workshop, *, dry_run: bool = False) -> None:
        self.shop = shop
        self.dry_run = dry_run
        self._local = threading.local()
        self.source = shop.source.store
        self.target = shop.target.store
        self.inside = self.target.copies_from(self.source)

    def action(self, step: Step) -> Action:
        """What a step does, for people."""
        target = self.shop.target.shown(step.name)
        if step.source is None:
            return Action("delete", "", target, step.target.size if step.target else 0)
        return Action("copy", self.shop.source.shown(step.name), target, step.source.size)

    def submit(self, step: Step) -> None:
        """Give a step to the crew."""
        self.shop.crew.submit(partial(self.run, step))

    def job(self, step: Step) -> Job:
        """The job of a step that has a source."""
        if step.source is None:
            raise ValueError("a deletion is no job")
        return Job(step.source, self.shop.target.key(step.name), self.action(step))

    def run(self, step: Step) -> None:
        """Do a step, and report what becomes of it."""
        if step.source is None or self.shop.tally.stopped:
            return
        job = self.job(step)
        try:
            if step.kind == "check" and self._same(step):
                self.shop.tally.skip(step.source.size)
            elif self.dry_run:
                self.shop.tally.done(job.action)
            elif self._is_split(job):
                self._split(job).start()
            else:
                self.shop.tally.done(job.action, proven=self._whole(job))
        except Stopped:
            pass
        except (ConfigError, NeverReached) as error:
            self.shop.tally.stop(error)
        except (AnyfitError, OSError, UnicodeEncodeError) as error:
            self.shop.tally.fail(_failure(job.action, error))

    def _is_split(self, job: Job) -> bool:
        if self.inside:
            return False
        large = job.entry.size > self.shop.part_size
        if isinstance(self.target, FileStore):
            return not isinstance(self.source, FileStore) and (large or (job.entry.size > _TINY and _in_parts(job)))
        return large and self.target.multipart

    def _split(self, job: Job) -> Upload | Download:
        if isinstance(self.target, FileStore):
            return Download(self.shop, job, self.target)
        return Upload(self.shop, job)

    def _whole(self, job: Job) -> bool:
        """Move an object in one go; whether its content is proven."""
        if self.inside:
            self.target.copy(self.source, job.entry.key, job.target_key, size=job.entry.size)
            self.shop.tally.spared(job.entry.size)
            return True
        if isinstance(self.source, FileStore) and isinstance(self.target, FileStore):
            return self._across_the_disk(job, self.source, self.target)
        if isinstance(self.target, FileStore) and job.entry.size > _SMALL and not _in_parts(job):
            return self._to_disk(job, self.target)
        if job.entry.size <= _TINY:
            return self._through_memory(job)
        with self.shop.buffers.borrow(0):
            return self._through_memory(job)

    def _to_disk(self, job: Job, target: FileStore) -> bool:
        """Fetch an object of some size without holding it in memory."""
        file = target.create(job.target_key)
        try:
            proven = retrying(lambda: self._fetch(job, file), self.source.retry)
            file.commit(job.entry.modified)
        except BaseException:
            file.discard()
            raise
        return proven

    def _fetch(self, job: Job, file: AtomicFile) -> bool:
        at = 0
        buffer = self._buffer()
        try:
            with self.source.open(job.entry.key) as reader:
                entry = reader.entry
                prover = Prover(entry)
                while got := reader.readinto(buffer):
                    file.write_at(buffer[:got], at)
                    prover.see(buffer[:got])
                    at += got
                    self.shop.tally.moving(got)
            file.truncate(at)
            if at != entry.size or (prover.able and not prover.verdict()):
                raise Unsteady(f"read {uri_text(job.action.source)}: the bytes arrived damaged")
        except AnyfitError:
            self.shop.tally.undone(at)
            raise
        return prover.able or _has_parts(file.fd, entry)

    def _buffer(self) -> memoryview:
        """A buffer of this thread."""
        if not hasattr(self._local, "buffer"):
            self._local.buffer = memoryview(bytearray(self.shop.tally.step))
        return self._local.buffer  # type: ignore[no-any-return]

    def _through_memory(self, job: Job) -> bool:
        data, modified, proven, checksum = self.read(job)
        if isinstance(self.target, FileStore):
            self.write(job, data, modified)
        else:
            with self.shop.tally.sending(len(data)):
                self.target.put(job.target_key, data, checksum=checksum)
        return proven

    def write(self, job: Job, data: bytes, modified: datetime) -> None:
        """Write a whole file."""
        if not isinstance(self.target, FileStore):
            raise TypeError("the target is no disk")
        file = self.target.create(job.target_key)
        try:
            file.write_at(data, 0)
            self.shop.tally.moving(len(data))
            file.commit(modified)
        except BaseException:
            file.discard()
            raise

    def read(self, job: Job) -> tuple[bytes, datetime, bool, str]:
        """A whole object: its bytes, time, whether they are proven, and the checksum to send along."""
        if isinstance(self.source, FileStore):
            for _ in range(_ATTEMPTS):
                with self.source.open(job.entry.key) as reader:
                    data = reader.read()
                    if reader.unchanged():
                        checksum = str(PieceSums.of(data)) if len(data) > _SMALL else ""
                        return data, reader.entry.modified, True, checksum
            raise Changed(f"{uri_text(job.action.source)} changed while it was being read", hint="run it again")
        data, entry, proven = read_proven(self.source, job.entry.key)
        return data, job.entry.modified, proven, "" if entry.checksum == OPAQUE else entry.checksum

    def _across_the_disk(self, job: Job, source: FileStore, target: FileStore) -> bool:
        buffer = memoryview(bytearray(min(_TINY, max(1, job.entry.size))))
        for _ in range(_ATTEMPTS):
            with source.open(job.entry.key) as reader:
                file = target.create(job.target_key)
                try:
                    at = 0
                    while got := reader.readinto(buffer):
                        self.shop.tally.moving(got)
                        file.write_at(buffer[:got], at)
                        at += got
                    file.set_mode(os.fstat(reader.fd).st_mode & 0o777)
                    if reader.unchanged():
                        file.commit(reader.entry.modified)
                        return True
                    self.shop.tally.undone(at)
                    file.discard()
                except BaseException:
                    file.discard()
                    raise
        raise Changed(f"{uri_text(job.action.source)} changed while it was being read", hint="run it again")

    def _same(self, step: Step) -> bool:
        """Whether both sides have proven equal contents."""
        source, target = step.source, step.target
        if source is None or target is None:
            return False
        if isinstance(self.source, FileStore):
            if isinstance(self.target, FileStore):
                with self.source.open(source.key) as ours, self.target.open(target.key) as theirs:
                    return _md5_of(ours) == _md5_of(theirs)
            return _has_etag(self.source, source.key, target.etag)
        if isinstance(self.target, FileStore):
            return _has_etag(self.target, target.key, source.etag)
        return bool(source.etag) and source.etag == target.etag


def _in_parts(job: Job) -> bool:
    """Whether the object has an ETag of parts, which a single reading may not prove."""
    return "-" in job.entry.etag


def _md5_of(reader: FileReader) -> str:
    return etag_of_file(reader.fd, reader.entry.size, "0" * 32, max(1, reader.entry.size))


def _has_etag(store: FileStore, key: str, etag: str) -> bool:
    with store.open(key) as reader:
        return _has_parts(reader.fd, evolve(reader.entry, etag=etag))


def _has_parts(fd: int, entry: Entry) -> bool:
    """Whether a file has the ETag of an entry, in whatever parts it was sent."""
    return any(
        etag_of_file(fd, entry.size, entry.etag, part) == entry.etag for part in part_sizes(entry.size, entry.etag)
    )


def _failure(action: Action, error: Exception) -> Failure:
    if isinstance(error, OSError):
        error = os_error(error, uri_text(action.target))
    elif isinstance(error, UnicodeEncodeError):
        return Failure(action.source, action.target, "the file's name is no valid UTF-8; rename it")
    return Failure(action.source, action.target, str(error).replace(".\n  hint: ", "; ").replace("\n  hint: ", "; "))
