"""Fetching one large object by ranges, many at once, into a file that appears when all is proven."""

from __future__ import annotations

from collections.abc import Iterable

from anyfit.errors import AnyfitError
from anyfit.show import uri_text
from anyfit.storage.answers import OPAQUE
from anyfit.storage.atomic import AtomicFile
from anyfit.storage.crc32 import crc32
from anyfit.storage.file import FileStore
from anyfit.storage.retry import Unsteady, retrying
from anyfit.storage.split import Split
from anyfit.storage.store import Entry
from anyfit.storage.sums import PieceSums, etag_of_file, part_sizes, read_range
from anyfit.storage.verify import Changed
from anyfit.storage.workshop import Job, Workshop

__all__ = ["Download"]

_BUFFER = 1 << 20


class Download(Split):
    """A download by ranges. Each finished range is remembered with its CRC-32, and checked again when resumed."""

    def __init__(self, shop: Workshop, job: Job, target: FileStore) -> None:
        super().__init__(shop, job)
        self.source = shop.source.store
        self.target = target
        self.entry: Entry = job.entry
        self.sums: PieceSums | None = None
        self.file: AtomicFile | None = None
        self._crcs: dict[int, int] = {}

    def begin(self) -> Iterable[int]:
        self.entry = self.source.stat(self.job.entry.key)
        self.sums = PieceSums.parse(self.entry.checksum, self.entry.size) if self.entry.checksum else None
        self.piece = self.sums.piece if self.sums else self.shop.part_size
        head: dict[str, str | int] = {
            "source": self.job.action.source,
            "target": self.job.action.target,
            "version": self.entry.etag,
            "size": self.entry.size,
            "piece": self.piece,
        }
        self.file = self.target.create(self.job.target_key, tag=self.state.tag)
        self.file.truncate(self.entry.size)
        self._crcs = self._resumed(head)
        if not self._crcs:
            self.state.begin(head)
        count = -(-self.entry.size // self.piece)
        return [piece for piece in range(count) if piece not in self._crcs]

    def _resumed(self, head: dict[str, str | int]) -> dict[int, int]:
        """Ranges of an earlier run that are on disk as they were written."""
        known = self.state.load()
        if not known or known[0] != head or self.file is None:
            return {}
        buffer = memoryview(bytearray(_BUFFER))
        good = {}
        for piece, value in known[1].items():
            crc = 0
            for chunk in read_range(self.file.fd, piece * self.piece, self._length(piece), buffer):
                crc = crc32(chunk, crc)
            if crc == value and self._length(piece):
                good[piece] = value
                self.shop.tally.spared(self._length(piece))
        return good

    def _length(self, piece: int) -> int:
        return max(0, min(self.piece, self.entry.size - piece * self.piece))

    def move(self, piece: int) -> None:
        crc = retrying(lambda: self._fetch(piece), self.source.retry)
        self._crcs[piece] = crc
        self.state.add(piece, crc)

    def _fetch(self, piece: int) -> int:
        """Fetch one range to its place and prove it, if it has a sum of its own."""
        start, length = piece * self.piece, self._length(piece)
        done = crc = 0
        try:
            reader = self.source.open(self.entry.key, start=start, length=length, etag=self.entry.etag)
            buffer = memoryview(bytearray(min(self.shop.tally.step, length)))
            with reader:
                while done < length and (got := reader.readinto(buffer[: length - done])):
                    self._write(buffer[:got], start + done)
                    crc = crc32(buffer[:got], crc)
                    done += got
                    self.shop.tally.moving(got)
            if done < length:
                raise Unsteady(f"read {uri_text(self.job.action.source)}: {done} bytes instead of {length}")
            if self.sums and crc != self.sums.sums[piece]:
                raise Unsteady(f"read {uri_text(self.job.action.source)}: the bytes arrived damaged")
        except AnyfitError as error:
            self.shop.tally.undone(done)
            if error.status in ("PreconditionFailed", "412"):
                raise Changed(error.message, hint=error.hint, status=error.status) from error
            raise
        return crc

    def _write(self, data: memoryview, position: int) -> None:
        if self.file is None:
            raise Unsteady("the file is closed")
        self.file.write_at(data, position)

    def complete(self) -> bool:
        if self.file is None:
            return False
        proven = self.sums is not None or self._proven_by_etag()
        if proven is False:
            self._read_until_agreed()
            proven = self._proven_by_etag()
            if proven is False and "-" not in self.entry.etag:
                raise Changed(f"{uri_text(self.job.action.source)}: what arrives never has the ETag {self.entry.etag}")
        self.file.commit(self.job.entry.modified)
        self.state.forget()
        return bool(proven)

    def _proven_by_etag(self) -> bool | None:
        """Whether the file has the object's ETag; None when no size of its parts would give such an ETag."""
        etag, size = self.entry.etag, self.entry.size
        if self.entry.checksum == OPAQUE or self.file is None:
            return None
        told = self.source.part_size(self.entry.key) if "-" in etag else 0
        told = told if told < size else 0
        sizes = part_sizes(size, etag, told)
        if not sizes:
            return None
        for part in sizes:
            if etag_of_file(self.file.fd, size, etag, part, lambda: self.shop.tally.moving(0)) == etag:
                return True
        return False

    def _read_until_agreed(self) -> None:
        """A damaged range cannot be told from a sum of the whole: read each again until two readings agree."""
        for piece in sorted(self._crcs):
            for _ in range(self.source.retry.attempts):
                again = retrying(lambda piece=piece: self._fetch(piece), self.source.retry)  # type: ignore[misc]
                self.shop.tally.undone(self._length(piece))
                if again == self._crcs[piece]:
                    break
                self._crcs[piece] = again

    def abandon(self, error: BaseException) -> None:
        if self.file is None:
            return
        if isinstance(error, (Changed, OSError)):
            self.file.discard()
            self.state.forget()
            self.shop.tally.undone(sum(self._length(piece) for piece in self._crcs))
        else:
            self.file.close()
