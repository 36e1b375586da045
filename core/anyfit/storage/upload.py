"""Sending one large object in parts: from disk, or out of another store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from threading import Lock

from anyfit.errors import AnyfitError, AuthError, NotFound
from anyfit.show import uri_text
from anyfit.storage.crc32 import crc32
from anyfit.storage.file import FileReader, FileStore
from anyfit.storage.inturn import InTurn
from anyfit.storage.retry import RETRY, Unsteady, retrying
from anyfit.storage.split import Split
from anyfit.storage.store import Entry, Part
from anyfit.storage.sums import PieceSums
from anyfit.storage.verify import Changed, told_part
from anyfit.storage.workshop import Job, Workshop

__all__ = ["Upload", "part_size_for"]

MIB = 1 << 20
_MOST_PARTS = 9000


def part_size_for(size: int, wished: int, least: int) -> int:
    """The size of the parts: as wished, but no more than the services' 10,000 parts."""
    needed = -(-size // _MOST_PARTS)
    return max(wished, least, -(-needed // MIB) * MIB)


class Upload(Split):
    """A multipart upload. It is remembered on disk from its first moment, and the service knows which parts it has."""

    def __init__(self, shop: Workshop, job: Job) -> None:
        super().__init__(shop, job)
        self.source = shop.source.store
        self.target = shop.target.store
        self.entry = job.entry
        self._parts: dict[int, Part] = {}
        self._parts_lock = Lock()
        self._crcs: dict[int, int] = {}
        self._file: FileReader | None = None
        self._turn: InTurn | None = None
        self.upload = ""

    def begin(self) -> Iterable[int]:
        checksum = self._open()
        self.part = part_size_for(self.entry.size, self.shop.part_size, self.target.min_part)
        if self._file:
            checksum = str(PieceSums.of_file(self._file.fd, self.entry.size, self.part))
        head: dict[str, str | int] = {
            "source": self.job.action.source,
            "target": self.job.action.target,
            "version": self.entry.etag,
            "size": self.entry.size,
            "part": self.part,
            "sums": checksum,
        }
        self._parts = self._resumed(head) or {}
        if not self._parts:
            self._start(head, checksum)
        self._turn = None if self._file or self._parts else self._provers()
        for part in self._parts.values():
            self.shop.tally.spared(part.size)
        count = -(-self.entry.size // self.part)
        return [number for number in range(1, count + 1) if number not in self._parts]

    def _start(self, head: Mapping[str, str | int], checksum: str) -> None:
        self.upload = self.target.start_upload(self.job.target_key, checksum=checksum)
        try:
            self.state.begin({**head, "upload": self.upload})
        except BaseException:  # nobody would ever know of it
            with contextlib.suppress(AnyfitError):
                self.target.abort_upload(self.job.target_key, self.upload)
            raise

    def _open(self) -> str:
        """Fix which version of the source is sent; what is known of its checksum."""
        if isinstance(self.source, FileStore):
            self._file = self.source.open(self.job.entry.key)
            self.entry = self._file.entry
            return ""
        self.entry = self.source.stat(self.job.entry.key)
        return _sums_of(self.entry)

    def _resumed(self, head: dict[str, str | int]) -> dict[int, Part] | None:
        """The parts of an earlier run that are still good."""
        self.upload = ""
        known = self.state.load()
        if not known:
            return None
        upload = str(known[0].pop("upload", ""))
        try:
            if known[0] != head:
                self.target.abort_upload(self.job.target_key, upload)
                return None
            parts = self.target.list_parts(self.job.target_key, upload)
            good = {part.number: part for part in parts if part.size == self._length(part.number)}
            if not good:
                self.target.abort_upload(self.job.target_key, upload)
                return None
        except (NotFound, AuthError):  # who may write need not be allowed to look at what was begun
            return None
        self.upload = upload
        return good

    def _length(self, number: int) -> int:
        return max(0, min(self.part, self.entry.size - (number - 1) * self.part))

    def move(self, piece: int) -> None:
        turn = self._turn
        try:
            if turn:
                turn.wait(piece)
            with self.shop.buffers.borrow(self._length(piece)) as view:
                self._fetch(view, piece)
                if turn:
                    turn.see(piece, view)
                    self._crcs[piece] = crc32(view)
                self._put(view, piece)
        except BaseException:
            if turn:
                turn.give_up()
            raise

    def _fetch(self, view: memoryview, piece: int) -> None:
        retrying(lambda: self._fill(view, (piece - 1) * self.part), self.source.retry)

    def _put(self, view: memoryview, piece: int) -> None:
        with self.shop.tally.sending(len(view)):
            part = self.target.put_part(self.job.target_key, self.upload, piece, view)
        with self._parts_lock:
            self._parts[piece] = part

    def _fill(self, view: memoryview, start: int) -> None:
        done = 0
        if self._file:
            while done < len(view) and (got := os.preadv(self._file.fd, [view[done:]], start + done)):
                done += got
            if done < len(view):
                raise Changed(f"{uri_text(self.job.action.source)} became shorter while it was being read")
            return
        try:
            reader = self.source.open(self.entry.key, start=start, length=len(view), etag=self.entry.etag)
        except AnyfitError as error:
            raise _as_changed(error) from error
        with reader:
            while done < len(view) and (got := reader.readinto(view[done:])):
                done += got
        if done < len(view):
            raise Unsteady(f"read {uri_text(self.job.action.source)}: {done} bytes instead of {len(view)}")

    def complete(self) -> bool:
        if self._file and not self._file.unchanged():
            raise Changed(f"{uri_text(self.job.action.source)} changed while it was being read", hint="run it again")
        proven = self._proven()
        self.target.finish_upload(self.job.target_key, self.upload, self._parts.values())
        self.state.forget()
        self._close()
        return proven

    def _provers(self) -> InTurn:
        return InTurn(self.entry, told_part(self.source, self.entry))

    def _proven(self) -> bool:
        """Whether the bytes that were sent are those of the source; damaged ones are sent again."""
        if not self._turn:
            return bool(self._file or _sums_of(self.entry))
        verdict = self._turn.verdict()
        if verdict is False:
            verdict = self._send_again()
            if verdict is False and self._turn.certain:
                raise Changed(f"{uri_text(self.job.action.source)}: what arrives never is what the service says")
        return bool(verdict)

    def _send_again(self) -> bool | None:
        """Read each part until two readings agree, and send those anew that were others."""
        provers = self._provers()
        for piece in sorted(self._parts):
            with self.shop.buffers.borrow(self._length(piece)) as view:
                crc = self._read_until_agreed(view, piece)
                provers.see(piece, view)
                if crc != self._crcs[piece]:
                    self.shop.tally.undone(len(view))
                    self._put(view, piece)
        return provers.verdict()

    def _read_until_agreed(self, view: memoryview, piece: int) -> int:
        seen = {self._crcs[piece]}
        for _ in range(RETRY.attempts):
            self._fetch(view, piece)
            crc = crc32(view)
            if crc in seen:
                return crc
            seen.add(crc)
        raise Changed(f"{uri_text(self.job.action.source)}: the bytes arrive damaged", hint="run it again")

    def abandon(self, error: BaseException) -> None:
        self._close()
        if isinstance(error, Changed) and self.upload:
            with contextlib.suppress(AnyfitError):
                self.target.abort_upload(self.job.target_key, self.upload)
            self.state.forget()
            self.shop.tally.undone(sum(part.size for part in self._parts.values()))

    def _close(self) -> None:
        if self._file:
            self._file.close()


def _sums_of(entry: Entry) -> str:
    """The sums of ours that an object takes along, "" when it has none."""
    return entry.checksum if entry.checksum.startswith("crc32:") else ""


def _as_changed(error: AnyfitError) -> AnyfitError:
    if error.status in ("PreconditionFailed", "412"):
        return Changed(error.message, hint=error.hint, status=error.status)
    return error
