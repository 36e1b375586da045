"""The direct path: the services' REST protocol over `wire`. It holds for S3, OBS and COS, which differ in headers."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import md5, sha256
from urllib.parse import quote

from anyfit.errors import StorageError
from anyfit.show import one_line
from anyfit.storage.answers import OPAQUE, parse_refusal
from anyfit.storage.api import UNSAID, Begun, Put, Sum
from anyfit.storage.kinds import content_type
from anyfit.storage.pages import clean_etag, parse_buckets, parse_failures, parse_page
from anyfit.storage.retry import Unsteady
from anyfit.storage.settings import StoreSettings
from anyfit.storage.signing import Query, Signer, quote_key, sign_cos, sign_v4
from anyfit.storage.store import Bucket, Data, DeleteFailure, Entry, Page, Part
from anyfit.storage.times import from_http
from anyfit.storage.wire import Response, Wire, encode
from anyfit.values import frozen

__all__ = ["COS", "OBS", "S3", "Dialect", "RestApi"]

_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
CHECKSUM = "anyfit-sums"


@frozen
class Dialect:
    """What is different between the services.

    Attributes:
        prefix: How their own headers begin.
        sign: Their signature.
        hashes: Whether each request names the SHA-256 of its body.
        checks: Whether the service may promise to check the CRC-32 of parts.
        encryption: The headers that tell of keys with which it encrypts.
        transparent: What they say when the ETag is the MD5 of the content all the same.
        copy_source: How the bucket that a copy comes from is named.
    """

    prefix: str
    sign: Signer
    hashes: bool
    checks: bool = False
    encryption: tuple[str, ...] = ()
    transparent: frozenset[str] = frozenset({"", "AES256"})
    copy_source: str = "/{bucket}"

    def encrypts(self, headers: Mapping[str, str]) -> bool:
        """Whether the service encrypts so that the ETag becomes no digest of the content."""
        return any(
            headers.get(name, "") not in self.transparent or f"{name}-customer-algorithm" in headers
            for name in self.encryption
        )

    def hides(self, headers: Mapping[str, str]) -> bool:
        """Whether the ETag of an object is no digest of its content: it is encrypted, or was appended to."""
        return self.encrypts(headers) or any(headers.get(name, "").lower() == "appendable" for name in _KINDS)


_KINDS = ("x-obs-object-type", "x-cos-object-type", "x-amz-object-type")
_SSE = "server-side-encryption"
S3 = Dialect("x-amz-", sign_v4, hashes=True, checks=True, encryption=(f"x-amz-{_SSE}",))
OBS = Dialect(
    "x-amz-", sign_v4, hashes=True, encryption=(f"x-amz-{_SSE}", f"x-obs-{_SSE}"), transparent=frozenset({""})
)
COS = Dialect(
    "x-cos-",
    sign_cos,
    hashes=False,
    encryption=(f"x-cos-{_SSE}",),
    copy_source="{bucket}.cos.{region}.myqcloud.com",  # whatever endpoint requests go to, as the vendor's SDK has it
)
CRC64 = "x-cos-hash-crc64ecma"
_ALGORITHM = "x-amz-checksum-algorithm"
_CRC32 = "x-amz-checksum-crc32"


class RestApi:
    """One bucket of one service, for one set of keys.

    Args:
        scheme: For messages.
        path: What stands before the key in the request's path: "/" or "/bucket/".
    """

    def __init__(
        self, dialect: Dialect, wire: Wire, settings: StoreSettings, *, scheme: str, bucket: str, path: str
    ) -> None:
        self.dialect = dialect
        self.wire = wire
        self.settings = settings
        self.place = f"{scheme}://{bucket}/" if bucket else f"{scheme}://"
        self.path = path

    def list_buckets(self) -> list[Bucket]:
        found: list[Bucket] = []
        marker = ""
        while True:
            query = [("marker", marker)] if marker else []  # only COS ever gives one
            more, marker = parse_buckets(self._done("list the buckets of", "", self._ask("GET", "", query)).read())
            found += more
            if not marker:
                return found

    def list_page(self, prefix: str, marker: str, delimiter: bool, limit: int) -> Page:
        query = [("encoding-type", "url"), ("marker", marker), ("max-keys", str(limit)), ("prefix", prefix)]
        if delimiter:
            query.insert(0, ("delimiter", "/"))
        answer = self._done("list", prefix, self._ask("GET", "", query)).read()
        page = parse_page(answer)
        if page.next and page.next == marker:
            raise StorageError(one_line(f"list {self.place}{prefix}: the service gives the same page for ever"))
        return page

    def head(self, key: str, part: int = 0) -> Entry:
        answer = self._done("stat", key, self._ask("HEAD", key, [("partNumber", str(part))] if part else []))
        return self._described("stat", key, answer, int(answer.headers.get("content-length", UNSAID)))

    def get(self, key: str, start: int, length: int | None, etag: str) -> RestReader:
        headers = {}
        if start or length is not None:
            end = "" if length is None else str(start + length - 1)
            headers["range"] = f"bytes={start}-{end}"
        if etag:
            headers["if-match"] = f'"{etag}"'
        answer = self._ask("GET", key, [], headers)
        self._done("read", key, answer)
        try:
            return RestReader(self._entry_of_range(key, answer, start, length, etag), answer)
        except BaseException:
            answer.close()
            raise

    def _entry_of_range(self, key: str, answer: Response, start: int, length: int | None, etag: str) -> Entry:
        """The entry of the whole object, when what was answered is the range and the version that were asked for."""
        what = one_line(f"read {self.place}{key}")
        first, total = _range(answer.headers.get("content-range", "")) or (0, answer.measure())
        rest = max(0, total - start)
        expected = rest if length is None else min(length, rest)
        if first != start or (answer.status != 206 and expected < total):
            raise StorageError(
                f"{what}: a range was asked for, and another one came",
                hint="something between here and the service, such as a proxy, does not pass ranges on",
            )
        if "content-length" in answer.headers and answer.measure() != expected:
            raise Unsteady(f"{what}: {answer.measure()} bytes announced instead of {expected}")
        entry = self._described("read", key, answer, total)
        if etag and entry.etag != etag:
            raise StorageError(f"{what}: its ETag is {entry.etag}, no longer {etag}", status="PreconditionFailed")
        return entry

    def put(self, key: str, data: Data, sums: Sum, checksum: str) -> Put:
        answer = self._ask("PUT", key, [], self._kept(key, checksum), data, sums)
        return self._stored("put", key, answer)

    def start_upload(self, key: str, checksum: str) -> Begun:
        headers = self._kept(key, checksum)
        if self.dialect.checks and self.wire.private:
            answer = self._ask("POST", key, [("uploads", "")], {**headers, _ALGORITHM: "CRC32"})
            if answer.status not in (400, 501):
                body = self._text("start an upload of", key, answer)
                return Begun(_member(body, "UploadId"), answer.headers.get(_ALGORITHM) == "CRC32")
            answer.read()  # it may be that it knows no checksums: ask without
        body = self._text("start an upload of", key, self._ask("POST", key, [("uploads", "")], headers))
        return Begun(_member(body, "UploadId"))

    def put_part(self, key: str, upload: str, number: int, data: Data, sums: Sum) -> Put:
        query = [("partNumber", str(number)), ("uploadId", upload)]
        headers = {_CRC32: sums.crc32} if sums.crc32 else {}
        answer = self._ask("PUT", key, query, headers, data, sums)
        return self._stored(f"put part {number} of", key, answer)

    def list_parts(self, key: str, upload: str, marker: int) -> tuple[list[Part], int]:
        query = [("part-number-marker", str(marker)), ("uploadId", upload)]
        body = self._text("list the parts of", key, self._ask("GET", key, query))
        parts = [
            Part(
                int(_member(text, "PartNumber")),
                clean_etag(_member(text, "ETag")),
                int(_member(text, "Size")),
                _member(text, "ChecksumCRC32"),
            )
            for text in re.findall(r"<Part>.*?</Part>", body, re.DOTALL)
        ]
        more = _member(body, "IsTruncated") == "true"
        return parts, int(_member(body, "NextPartNumberMarker") or 0) if more else 0

    def finish_upload(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        rows = "".join(_row(part) for part in parts)
        body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        answer = self._ask("POST", key, [("uploadId", upload)], {"content-type": "application/xml"}, body)
        return self._made("finish", key, answer)

    def copy(self, bucket: str, source_key: str, key: str, size: int) -> str:
        place = self.dialect.copy_source.format(bucket=bucket, region=self.settings.region)
        headers = {f"{self.dialect.prefix}copy-source": f"{place}/{quote_key(source_key)}"}
        etag = self._made("copy to", key, self._ask("PUT", key, [], headers))
        if not etag:
            raise self._by_no_service("copy to", key)
        return etag

    def _made(self, what: str, key: str, answer: Response) -> str:
        """The ETag of what a service has made of what it had."""
        data = self._done(what, key, answer).read()
        if b"<Error>" in data:  # a service that took long may answer 200 before it knows that it failed
            raise parse_refusal(500, answer.headers, data).error(f"{what} {self.place}{key}")
        return clean_etag(_member(data.decode("utf-8", "replace"), "ETag"))

    def abort_upload(self, key: str, upload: str) -> None:
        self._finish("abort", key, self._ask("DELETE", key, [("uploadId", upload)]))

    def delete(self, key: str) -> None:
        self._finish("delete", key, self._ask("DELETE", key, []))

    def delete_many(self, keys: Sequence[str]) -> list[DeleteFailure]:
        rows = "".join(f"<Object><Key>{_escaped(key)}</Key></Object>" for key in keys)
        body = f"<Delete><Quiet>true</Quiet>{rows}</Delete>".encode()
        sums = Sum(md5(body, usedforsecurity=False).digest(), sha256(body).hexdigest())  # no service goes without MD5
        answer = self._ask("POST", "", [("delete", "")], {"content-type": "application/xml"}, body, sums)
        return parse_failures(self._done("delete", keys[0], answer).read())

    def close(self) -> None:
        self.wire.close()

    def _ask(
        self,
        method: str,
        key: str,
        query: Query,
        headers: dict[str, str] | None = None,
        body: Data = b"",
        sums: Sum | None = None,
    ) -> Response:
        return self.wire.request(method, *self._prepare(method, key, query, headers or {}, body, sums), body)

    def small_get(self, key: str) -> bytes:
        """The request for a small object, as it goes over the wire."""
        return encode("GET", *self._prepare("GET", key, [], {}))

    def small_put(self, key: str, data: Data, sums: Sum, checksum: str) -> bytes:
        """The request that writes a small object, as it goes over the wire."""
        return encode("PUT", *self._prepare("PUT", key, [], self._kept(key, checksum), data, sums)) + data

    def _prepare(
        self, method: str, key: str, query: Query, headers: dict[str, str], body: Data = b"", sums: Sum | None = None
    ) -> tuple[str, dict[str, str]]:
        """Target and signed headers of a request."""
        path = self.path + quote_key(key)
        if not key and len(path) > 1:
            path = path[:-1]
        sent = {"host": self.wire.origin.host, **headers}
        if sums and sums.md5:
            sent["content-md5"] = b64encode(sums.md5).decode()
        if self.dialect.hashes:
            sent["x-amz-content-sha256"] = _hash(body, sums, private=self.wire.private)
        self.dialect.sign(self.settings, method, path, query, sent, time.time())
        if method in ("PUT", "POST"):
            sent["content-length"] = str(len(body))
        text = "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in query)
        return f"{path}?{text}" if text else path, sent

    def _done(self, what: str, key: str, answer: Response) -> Response:
        if answer.status >= 300:
            body = answer.read()
            raise parse_refusal(answer.status, answer.headers, body).error(f"{what} {self.place}{key}")
        return answer

    def _finish(self, what: str, key: str, answer: Response) -> Response:
        self._done(what, key, answer).read()
        return answer

    def _text(self, what: str, key: str, answer: Response) -> str:
        return self._done(what, key, answer).read().decode()

    def _kept(self, key: str, checksum: str) -> dict[str, str]:
        """What the service keeps beside the bytes of an object."""
        kind = content_type(key)
        headers = {"content-type": kind} if kind else {}
        if checksum:
            headers[f"{self.dialect.prefix}meta-{CHECKSUM}"] = checksum
        return headers

    def _stored(self, what: str, key: str, answer: Response) -> Put:
        self._has_etag(what, key, self._finish(what, key, answer))
        return self.stored(answer.headers)

    def _described(self, what: str, key: str, answer: Response, size: int) -> Entry:
        self._has_etag(what, key, answer)
        return self.entry(key, answer.headers, size)

    def _has_etag(self, what: str, key: str, answer: Response) -> None:
        """Web servers, a service's own pages among them, may answer 200 to anything, and have done nothing."""
        if not answer.headers.get("etag"):
            raise self._by_no_service(what, key)

    def _by_no_service(self, what: str, key: str) -> StorageError:
        return StorageError(
            f"{what} {self.place}{one_line(key)}: the answer has no ETag, so that no object service has given it",
            hint="check endpoint: a service's web pages have an address of their own",
        )

    def stored(self, headers: dict[str, str]) -> Put:
        """What the answer to written bytes says."""
        return Put(
            clean_etag(headers.get("etag", "")),
            self.dialect.encrypts(headers),
            headers.get(_CRC32, ""),
            headers.get(CRC64, ""),
        )

    def entry(self, key: str, headers: dict[str, str], size: int) -> Entry:
        """The entry that an answer's headers describe."""
        modified = from_http(headers.get("last-modified", ""))
        checksum = headers.get(f"{self.dialect.prefix}meta-{CHECKSUM}", "") or OPAQUE * self.dialect.hides(headers)
        return Entry(key, size, modified, clean_etag(headers.get("etag", "")), checksum)


class RestReader:
    """An object's bytes as they arrive."""

    def __init__(self, entry: Entry, answer: Response) -> None:
        self.entry = entry
        self._answer = answer
        self.readinto = answer.readinto

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self._answer.read()
        data = bytearray(size)
        view, done = memoryview(data), 0
        while done < size and (got := self.readinto(view[done:])):
            done += got
        return bytes(view[:done])

    def close(self) -> None:
        self._answer.close()

    def __enter__(self) -> RestReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _row(part: Part) -> str:
    checked = f"<ChecksumCRC32>{part.crc32}</ChecksumCRC32>" if part.crc32 else ""
    return f"<Part><PartNumber>{part.number}</PartNumber><ETag>&quot;{part.etag}&quot;</ETag>{checked}</Part>"


def _escaped(key: str) -> str:
    """A key as text of XML."""
    return key.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _hash(body: Data, sums: Sum | None, *, private: bool) -> str:
    """What the signature covers of a body: its hash, or only the headers when one of them holds its digest.

    A CRC-32 proves that nothing went wrong, and a private line that nobody meddles.
    """
    if sums and sums.sha256:
        return sums.sha256
    if not len(body):
        return _EMPTY
    if sums and (sums.md5 or (sums.crc32 and private)):
        return "UNSIGNED-PAYLOAD"
    return sha256(body).hexdigest()


def _member(text: str, name: str) -> str:
    found = re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
    return found[1].replace("&quot;", '"').replace("&#34;", '"').replace("&amp;", "&") if found else ""


def _range(content_range: str) -> tuple[int, int] | None:
    """Where an answer begins and the size of the whole object, when it is a range."""
    found = re.match(r"bytes (\d+)-\d+/(\d+)$", content_range)
    return (int(found[1]), int(found[2])) if found else None
