"""A store on an object service: one request at a time from its `Api`, made reliable.

Every call is tried again while the service or the network is unsteady, goes on with new keys when temporary ones
end, and whatever is sent is proven: either the service checks a digest that we send (`Content-MD5`, the SHA-256
that a version 4 signature covers, or a part's CRC-32), or its ETag is compared with our MD5, or both.
"""

from __future__ import annotations

import hashlib
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime, timezone
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from anyfit.errors import AuthError, NotFound, SpecError, StorageError, UsageError
from anyfit.show import one_line
from anyfit.storage.ahead import read_ahead
from anyfit.storage.answers import ExpiredKeys, WrongRegion
from anyfit.storage.api import UNSAID, Api, Bulk, Put, Sum, is_md5
from anyfit.storage.crc32 import crc32
from anyfit.storage.retry import NeverReached, Unreachable, Unsteady, retrying
from anyfit.storage.settings import CurrentSettings, SettingsSource, StoreSettings
from anyfit.storage.store import Bucket, Data, DeleteFailure, Entry, Page, Part, Reader, Store
from anyfit.storage.verify import read_proven
from anyfit.values import evolve

__all__ = ["ServiceStore"]

if TYPE_CHECKING:
    from anyfit.storage.rest import RestApi

T = TypeVar("T")
_SMALL = 64 << 10
_LARGEST_COPY = 5 << 30  # that a service makes in one request
_PRESIGNED = ("GET", "PUT", "HEAD", "DELETE")
_UNSPEAKABLE = re.compile("[\x00-\x1f\ufffe\uffff]")  # in XML, which names the keys to delete
_FIRST_ATTEMPTS = 5  # where nobody ever answered, the endpoint is likely wrong: within a second that is told
_OF_A_TIMEOUT = 3  # attempts: where nobody even refuses, two are enough to wait for

_BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # some older buckets have capitals and underscores


class ServiceStore(Store):
    """One bucket of a service; without a name the service itself, which can only list its buckets.

    Attributes:
        signs_bodies: Whether the service checks the signed SHA-256 of a body; else it gets `Content-MD5`, which takes
            twice the time to compute.
    """

    signs_bodies = False

    def __init__(self, bucket: str, settings: SettingsSource | None = None) -> None:
        if bucket and not _BUCKET_NAME.fullmatch(bucket):
            raise SpecError(
                f"{bucket!r} is no bucket's name",
                hint=f"write {self.scheme}://bucket/key; names have letters, digits, dots and hyphens",
            )
        self.bucket = bucket
        self._source = settings if settings is not None else StoreSettings()
        self._current: CurrentSettings | None = None
        self._bulks: tuple[StoreSettings, Bulk] | None = None
        self._controls: tuple[StoreSettings, Api] | None = None
        self._reached = False
        self._checking: set[str] = set()  # uploads whose parts the service holds against their CRC-32
        self._lock = RLock()

    def complete(self, source: SettingsSource) -> SettingsSource:
        """Fill in what the service has by default: endpoint, region, keys."""
        return source

    def direct(self, settings: StoreSettings) -> Bulk | None:
        """The direct path, or None when it cannot be taken."""
        raise NotImplementedError

    def library(self, settings: StoreSettings) -> Api:
        """The vendor's library."""
        raise NotImplementedError

    def move(self, region: str) -> bool:
        """Ask in another region from now on, where the service said the bucket lies; False if that is no help."""
        return False

    @property
    def current(self) -> CurrentSettings:
        """The settings of the moment."""
        with self._lock:
            if self._current is None:
                self._current = CurrentSettings(self.complete(self._source))
            return self._current

    def _library(self, settings: StoreSettings) -> Api:
        with self._lock:
            if self._controls is None or self._controls[0] is not settings:
                if self._controls:
                    self._controls[1].close()
                self._controls = (settings, self.library(settings))
            return self._controls[1]

    def _bulk(self, settings: StoreSettings) -> Bulk:
        known = self._bulks
        if known and known[0] is settings:
            return known[1]
        with self._lock:
            if self._bulks is None or self._bulks[0] is not settings:
                if self._bulks:
                    self._bulks[1].close()
                self._bulks = (settings, self.direct(settings) or self._library(settings))
            return self._bulks[1]

    def _control(self, ask: Callable[[Api], T]) -> T:
        return self._trying(lambda settings: ask(self._library(settings)))

    def _call(self, ask: Callable[[Bulk], T]) -> T:
        return self._trying(lambda settings: ask(self._bulk(settings)))

    def _trying(self, ask: Callable[[StoreSettings], T]) -> T:
        renewed: list[StoreSettings] = []

        refused = 0

        def once() -> T:
            nonlocal refused
            current = self.current
            settings = current.get()
            try:
                answer = ask(settings)
            except Unreachable as error:
                refused += _OF_A_TIMEOUT if isinstance(error.__cause__, TimeoutError) else 1
                if not self._reached and refused >= _FIRST_ATTEMPTS:
                    raise NeverReached(error.message, hint=error.hint) from error
                raise
            except WrongRegion as error:
                if not self._moved(error.region, settings):
                    raise
                raise Unsteady(error.message, hint=error.hint, status=error.status) from error
            except AuthError as error:
                temporary = isinstance(error, ExpiredKeys) or bool(settings.session_token or settings.expires_at)
                if not (temporary and current.renewable) or len(renewed) > 2:
                    raise
                renewed.append(settings)
                current.renew(settings)
                raise Unsteady(error.message, hint=error.hint, status=error.status) from error
            self._reached = True
            return answer

        begun = time.monotonic()
        try:
            return retrying(once, self.retry)
        except Unreachable as error:
            if self._is_silent_since(begun):
                hint = "check the network, then run it again: what is done is kept"
                raise NeverReached(error.message, hint=hint) from error
            raise

    def _is_silent_since(self, begun: float) -> bool:
        """Whether nobody else had better luck; the libraries do not tell."""
        from anyfit.storage.rest import RestApi

        bulk = self._bulks[1] if self._bulks else None
        return isinstance(bulk, RestApi) and bulk.wire.heard < begun

    def _moved(self, region: str, refused: StoreSettings) -> bool:
        with self._lock:
            if self.current.get() is not refused:
                return True
            if region == refused.region or not self.move(region):
                return False
            self._current = None
            return True

    def buckets(self) -> tuple[Bucket, ...]:
        if self.bucket:  # which may stand in the host that requests go to
            with closing(type(self)("", self._source)) as service:
                return service.buckets()
        return tuple(sorted(self._call(lambda api: api.list_buckets()), key=lambda bucket: bucket.name))

    def list_page(self, prefix: str = "", *, token: str = "", delimiter: bool = False, limit: int = 1000) -> Page:
        return self._call(lambda api: api.list_page(prefix, token, delimiter, limit))

    def list(self, prefix: str = "") -> Iterator[Entry]:
        return read_ahead(lambda token: self.list_page(prefix, token=token))

    def stat(self, key: str) -> Entry:
        self._refuse_bucket(key)
        entry = self._call(lambda api: api.head(key))
        return evolve(entry, size=self._listed_size(entry)) if entry.size == UNSAID else entry

    def _listed_size(self, entry: Entry) -> int:
        """How long an object is, when what stands before the service leaves that out of its answers."""
        for listed in self.list_page(entry.key, limit=1).entries:
            if (listed.key, listed.etag) == (entry.key, entry.etag):
                return listed.size
        raise StorageError(
            f"stat {self._shown(entry.key)}: the answer does not say how long it is, and no listing does",
            hint="something between here and the service, such as a proxy, leaves Content-Length out",
        )

    def part_size(self, key: str) -> int:
        try:
            size = self._call(lambda api: api.head(key, 1)).size
        except StorageError:
            return 0
        return max(0, size)

    def open(self, key: str, *, start: int = 0, length: int | None = None, etag: str = "") -> Reader:
        self._refuse_bucket(key)
        if length == 0:
            return _Empty(self.stat(key))
        try:
            return self._call(lambda api: api.get(key, start, length, etag))
        except StorageError as error:
            if error.status in ("InvalidRange", "416"):
                return _Empty(self.stat(key))
            raise

    def read(self, key: str) -> bytes:
        return read_proven(self, key)[0]

    def put(self, key: str, data: Data, *, checksum: str = "") -> Entry:
        self._refuse_bucket(key)
        sums = self.sums(data)

        def once(api: Bulk) -> str:
            return self._proven(api.put(key, data, sums, checksum), sums, key)

        etag = self._call(once)
        return Entry(key, len(data), datetime.now(timezone.utc), etag, checksum)

    def start_upload(self, key: str, *, checksum: str = "") -> str:
        self._refuse_bucket(key)
        begun = self._call(lambda api: api.start_upload(key, checksum))
        if begun.checks_crc32:
            self._checking.add(begun.upload)
        return begun.upload

    def put_part(self, key: str, upload: str, number: int, data: Data) -> Part:
        sums = Sum(crc32=_crc32(data)) if upload in self._checking else self.part_sums(data)

        def once(api: Bulk) -> str:
            put = api.put_part(key, upload, number, data, sums)
            if sums.crc64 and not put.crc64 and put.etag == _md5(data).hex():
                return put.etag  # a service that looks like COS, and answers no CRC-64
            return self._proven(put, sums, key)

        return Part(number, self._call(once), len(data), sums.crc32)

    def list_parts(self, key: str, upload: str) -> tuple[Part, ...]:
        parts: list[Part] = []
        marker = 0
        while True:
            more, marker = self._call(lambda api, at=marker: api.list_parts(key, upload, at))  # type: ignore[misc]
            parts += more
            if not marker:
                break
        if any(part.crc32 for part in parts):
            self._checking.add(upload)
        return tuple(parts)

    def finish_upload(self, key: str, upload: str, parts: Iterable[Part]) -> Entry:
        ordered = sorted(parts)
        tries = 0

        def once(api: Bulk) -> str:
            nonlocal tries
            tries += 1
            try:
                return api.finish_upload(key, upload, ordered)
            except NotFound:  # an earlier attempt may have been done though its answer was lost
                if tries > 1 and api.head(key).etag == (etag := _etag_of(ordered)):
                    return etag
                raise

        etag = self._call(once)
        size = sum(part.size for part in ordered)
        try:
            entry = self.stat(key)
        except AuthError:  # who may only write gets no look at it
            return Entry(key, size, datetime.now(timezone.utc), etag)
        if entry.size != size:
            raise StorageError(f"{self._shown(key)} has {entry.size} bytes instead of {size}")
        return entry

    def abort_upload(self, key: str, upload: str) -> None:
        with suppress(NotFound):
            self._call(lambda api: api.abort_upload(key, upload))

    def copies_from(self, source: Store) -> bool:
        if not isinstance(source, ServiceStore) or type(source) is not type(self):
            return False
        ours, theirs = self.current.get(), source.current.get()
        return (ours.endpoint, ours.region, ours.access_key) == (theirs.endpoint, theirs.region, theirs.access_key)

    def copy(self, source: Store, source_key: str, key: str, *, size: int | None = None) -> Entry:
        self._refuse_bucket(key)
        known = source.stat(source_key).size if size is None else size
        ask = self._call if known <= _LARGEST_COPY else self._control  # the libraries copy larger ones in parts
        etag = ask(lambda api: api.copy(source.bucket, source_key, key, known))
        return Entry(key, known, datetime.now(timezone.utc), etag) if etag else self.stat(key)

    def delete(self, key: str) -> None:
        self._refuse_bucket(key)
        try:
            self._call(lambda api: api.delete(key))
        except NotFound as error:
            if error.status == "NoSuchBucket":
                raise

    def delete_many(self, keys: Iterable[str]) -> Iterator[DeleteFailure]:
        rest = iter(keys)
        while some := list(islice(rest, 1000)):
            yield from super().delete_many(key for key in some if not key or _UNSPEAKABLE.search(key))
            batch = [key for key in some if key and not _UNSPEAKABLE.search(key)]
            if not batch:
                continue
            yield from self._delete(batch)

    def _delete(self, keys: Sequence[str]) -> Sequence[DeleteFailure]:
        """Delete as many as one request takes; those that the service was too busy for are tried again."""
        lasting: tuple[DeleteFailure, ...] = ()
        passing: tuple[DeleteFailure, ...] = ()

        def once() -> None:
            nonlocal lasting, passing
            left = [failure.key for failure in passing] or keys
            told = self._call(lambda api: api.delete_many(left))
            lasting += tuple(failure for failure in told if not failure.passing)
            passing = tuple(failure for failure in told if failure.passing)
            if passing:
                raise Unsteady(passing[0].reason)

        try:
            retrying(once, self.retry)
        except Unsteady:
            if not passing:
                raise
        return lasting + passing

    def presign(self, key: str, *, method: str = "GET", expires: int = 3600) -> str:
        self._refuse_bucket(key)
        if method.upper() not in _PRESIGNED:
            raise UsageError(f"no URL can be presigned for {method!r}", hint=f"choose one of {', '.join(_PRESIGNED)}")
        if expires < 1:
            raise UsageError(
                f"no URL can be presigned for {expires} seconds", hint="give how long it is to be good for"
            )
        return self._control(lambda api: api.presign(key, method.upper(), expires))

    def close(self) -> None:
        with self._lock:
            if self._bulks:
                self._bulks[1].close()
            if self._controls:
                self._controls[1].close()
            self._bulks = self._controls = None

    def direct_api(self) -> RestApi | None:
        """The direct path with the keys of the moment, None when the library is used."""
        from anyfit.storage.rest import RestApi

        api = self._bulk(self.current.get())
        return api if isinstance(api, RestApi) else None

    def sums(self, data: Data) -> Sum:
        """The digests that go with a body."""
        sha256 = hashlib.sha256(data).hexdigest() if self.signs_bodies else ""
        return Sum(_md5(data) if not sha256 or len(data) <= _SMALL else b"", sha256)

    def part_sums(self, data: Data) -> Sum:
        """The digests that go with a part, whose size makes them count."""
        return self.sums(data)

    def _shown(self, key: str) -> str:
        return one_line(f"{self.scheme}://{self.bucket}/{key}")

    def _refuse_bucket(self, key: str) -> None:
        """Without a key a request is about the bucket, which would be made or deleted in place of an object."""
        if not key:
            raise StorageError(f"{self.scheme}://{self.bucket}/ is a whole bucket and no object", hint="give a key")

    def _proven(self, put: Put, sums: Sum, key: str) -> str:
        if not put.is_proven_by(sums):
            raise Unsteady(f"put {self._shown(key)}: the bytes arrived damaged")
        return put.etag


class _Empty:
    """What there is to read when there is nothing."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def readinto(self, buffer: memoryview, /) -> int:
        return 0

    def read(self, size: int = -1, /) -> bytes:
        return b""

    def close(self) -> None:
        pass

    def __enter__(self) -> _Empty:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _md5(data: Data) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _crc32(data: Data) -> str:
    return b64encode(crc32(data).to_bytes(4, "big")).decode()


def _etag_of(parts: Iterable[Part]) -> str:
    """The ETag of an object made of these parts, "" when theirs are no MD5s."""
    etags = [part.etag for part in parts]
    if not all(is_md5(etag) for etag in etags):
        return ""
    return f"{_md5(bytes.fromhex(''.join(etags))).hex()}-{len(etags)}"
