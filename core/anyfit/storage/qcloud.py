"""COS through cos-python-sdk-v5: control calls, and all bytes when the direct path is off."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from anyfit.show import one_line
from anyfit.storage.answers import OPAQUE, Refusal
from anyfit.storage.api import UNSAID, Begun, Put, Sum
from anyfit.storage.extras import extra
from anyfit.storage.library import copied, kept, part_of, rows_of, wanted, whole
from anyfit.storage.pages import delete_failure, parse_page
from anyfit.storage.rest import CHECKSUM, COS, CRC64
from anyfit.storage.retry import Unsteady, lost
from anyfit.storage.settings import StoreSettings
from anyfit.storage.signing import quote_key
from anyfit.storage.store import Bucket, Data, DeleteFailure, Entry, Page, Part
from anyfit.storage.times import from_http, from_iso

__all__ = ["CosApi"]

_METADATA = f"{COS.prefix}meta-{CHECKSUM}"
_MAX_COPY = 5 << 30


class CosApi:
    """One bucket through a client of the SDK without retries of its own."""

    def __init__(self, settings: StoreSettings, *, bucket: str, on_address: bool) -> None:
        self.settings = settings
        self.bucket = bucket
        self.place = f"cos://{bucket}/" if bucket else "cos://"
        self.on_address = on_address
        self.sdk = extra("qcloud_cos", "cos")
        logging.getLogger("qcloud_cos").addHandler(logging.NullHandler())
        import requests
        from requests.adapters import HTTPAdapter

        self._session = requests.Session()
        self._session.verify = settings.verify
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=settings.connections))
        self.client = self.sdk.CosS3Client(self._config(settings), retry=0, session=self._session)

    def _config(self, settings: StoreSettings) -> Any:
        parts = urlsplit(settings.endpoint)
        place: dict[str, Any] = {"Endpoint": parts.netloc}
        if self.on_address:
            place = {"IP": parts.hostname, "Port": parts.port}
        return self.sdk.CosConfig(
            Region=settings.region,
            SecretId=settings.access_key,
            SecretKey=settings.secret_key,
            Token=settings.session_token or None,
            Scheme=parts.scheme,
            Timeout=settings.timeout,
            PoolMaxSize=settings.connections,
            VerifySSL=settings.verify,
            ServiceDomain=parts.netloc,
            **place,
        )

    def list_buckets(self) -> list[Bucket]:
        found: list[Bucket] = []
        marker = ""
        while True:
            with self._errors("list the buckets of", ""):
                answer = self.client.list_buckets(Marker=marker)
            rows = (answer.get("Buckets") or {}).get("Bucket", ())
            found += [Bucket(row["Name"], from_iso(row["CreationDate"])) for row in rows]
            marker = answer.get("NextMarker", "") if answer.get("IsTruncated") == "true" else ""
            if not marker:
                return found

    def list_page(self, prefix: str, marker: str, delimiter: bool, limit: int) -> Page:
        query = {"prefix": prefix, "delimiter": "/" if delimiter else "", "marker": marker}
        query |= {"max-keys": str(limit), "encoding-type": "url"}
        config = self.client.get_conf()
        # The SDK's own list_objects sends a space as "+" but signs "%20".
        url = f"{config.uri(bucket=self.bucket)}?{urlencode(query, quote_via=quote, safe='-_.~')}"
        auth = extra("qcloud_cos.cos_auth", "cos").CosS3Auth(config, params=query)
        with self._errors("list", prefix):
            answer = self.client.send_request("GET", url, bucket=self.bucket, headers={}, auth=auth)
        return parse_page(answer.content)

    def head(self, key: str, part: int = 0) -> Entry:
        with self._errors("stat", key):
            return _entry(key, self.client.head_object(Bucket=self.bucket, Key=_sdk_key(key)))

    def get(self, key: str, start: int, length: int | None, etag: str) -> CosReader:
        names = {"Bucket": self.bucket, "Key": _sdk_key(key), **wanted(start, length, etag)}
        with self._errors("read", key):
            answer = self.client.get_object(KeySimplifyCheck=False, **names)
        raw = answer["Body"].get_raw_stream()
        part = _entry(key, answer)
        try:
            entry = whole(part, _get(answer, "Content-Range"), start, length, one_line(f"{self.place}{key}"))
        except Unsteady:
            raw.close()
            raise
        return CosReader(entry, raw, part.size, one_line(f"{self.place}{key}"))

    def put(self, key: str, data: Data, sums: Sum, checksum: str) -> Put:
        with self._errors("put", key):
            answer = self.client.put_object(
                Bucket=self.bucket,
                Body=bytes(data),
                Key=_sdk_key(key),
                **_digest(sums),
                **kept(key, checksum, _METADATA),
            )
        return _put(answer)

    def start_upload(self, key: str, checksum: str) -> Begun:
        with self._errors("start an upload of", key):
            answer = self.client.create_multipart_upload(
                Bucket=self.bucket, Key=_sdk_key(key), **kept(key, checksum, _METADATA)
            )
        return Begun(str(answer["UploadId"]))

    def put_part(self, key: str, upload: str, number: int, data: Data, sums: Sum) -> Put:
        with self._errors(f"put part {number} of", key):
            answer = self.client.upload_part(
                Bucket=self.bucket,
                Key=_sdk_key(key),
                Body=bytes(data),
                PartNumber=number,
                UploadId=upload,
                **_digest(sums),
            )
        return _put(answer)

    def list_parts(self, key: str, upload: str, marker: int) -> tuple[list[Part], int]:
        with self._errors("list the parts of", key):
            answer = self.client.list_parts(
                Bucket=self.bucket, Key=_sdk_key(key), UploadId=upload, PartNumberMarker=marker
            )
        parts = [part_of(row) for row in answer.get("Part", ())]
        more = answer.get("IsTruncated") == "true"
        return parts, int(answer.get("NextPartNumberMarker") or 0) if more else 0

    def finish_upload(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        with self._errors("finish", key):
            answer = self.client.complete_multipart_upload(
                Bucket=self.bucket, Key=_sdk_key(key), UploadId=upload, MultipartUpload={"Part": rows_of(parts)}
            )
        return str(answer.get("ETag", "")).strip('"')

    def abort_upload(self, key: str, upload: str) -> None:
        with self._errors("abort", key):
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=_sdk_key(key), UploadId=upload)

    def copy(self, bucket: str, source_key: str, key: str, size: int) -> str:
        there = f"//{source_key}" if source_key.startswith("/") else source_key  # the SDK drops two slashes here
        source = {"Bucket": bucket, "Key": there, "Region": self.settings.region}
        names = {"Bucket": self.bucket, "Key": _sdk_key(key), "CopySource": source}
        with self._errors("copy to", key):
            if size > _MAX_COPY:
                answer = self.client.head_object(Bucket=bucket, Key=_sdk_key(source_key))
                own = {name: value for name, value in answer.items() if name.lower().startswith(f"{COS.prefix}meta-")}
                self.client.copy(**names, **copied(answer), Metadata=own)
                return ""
            return str(self.client.copy_object(**names)["ETag"]).strip('"')

    def delete(self, key: str) -> None:
        with self._errors("delete", key):
            self.client.delete_object(Bucket=self.bucket, Key=_sdk_key(key))

    def delete_many(self, keys: Sequence[str]) -> list[DeleteFailure]:
        wanted = {"Quiet": "true", "Object": [{"Key": key} for key in keys]}
        with self._errors("delete", keys[0]):
            answer = self.client.delete_objects(Bucket=self.bucket, Delete=wanted)
        return [delete_failure(item) for item in answer.get("Error", ())]

    def presign(self, key: str, method: str, expires: int) -> str:
        """The SDK's signature; with an address as endpoint the bucket's host is not in the URL, so it is signed out."""
        token = {"x-cos-security-token": self.settings.session_token} if self.settings.session_token else {}
        if not self.on_address:
            return str(self.client.get_presigned_url(self.bucket, _sdk_key(key), method, Expired=expires, Params=token))
        path = f"{self.bucket}/{key}"
        signature = self.client.get_auth(method, self.bucket, path, expires, Params=token, SignHost=False)
        query = urlencode({**dict(item.split("=", 1) for item in signature.split("&")), **token})
        return f"{self.settings.endpoint}/{self.bucket}/{quote_key(key)}?{query}"

    def close(self) -> None:
        self._session.close()

    @contextmanager
    def _errors(self, what: str, key: str) -> Iterator[None]:
        from xml.etree.ElementTree import ParseError

        import requests

        try:
            yield
        except self.sdk.CosServiceError as error:
            code = error.get_error_code()
            known = code if code not in ("Unknown", None) else ""
            refusal = Refusal(int(error.get_status_code()), known, error.get_error_msg(), error.get_request_id())
            raise refusal.error(f"{what} {self.place}{key}") from error
        except (self.sdk.CosClientError, requests.RequestException, ParseError) as error:
            raise lost(f"{what} {self.place}{key}", error) from error


class CosReader:
    """An object's bytes as the SDK's connection gives them."""

    def __init__(self, entry: Entry, raw: Any, size: int, place: str) -> None:
        self.entry = entry
        self._raw = raw
        self._left = size
        self._place = place

    def readinto(self, buffer: memoryview, /) -> int:
        data = self.read(len(buffer)) if self._left else b""
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1, /) -> bytes:
        from urllib3.exceptions import HTTPError

        try:
            data = bytes(self._raw.read(self._left if size < 0 else min(size, self._left)))
        except (HTTPError, OSError) as error:
            self.close()
            raise Unsteady(f"read {self._place}: {error}") from error
        self._left -= len(data)
        if self._left and (size < 0 or not data):
            self.close()
            raise Unsteady(f"read {self._place}: the body ended {self._left} bytes early")
        if not self._left:
            self._raw.release_conn()
        return data

    def close(self) -> None:
        if self._left:
            self._raw.close()
        else:
            self._raw.release_conn()

    def __enter__(self) -> CosReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _sdk_key(key: str) -> str:
    """The SDK drops one leading slash, so a key that has one gets a second."""
    return f"/{key}" if key.startswith("/") else key


def _get(answer: Mapping[str, Any], name: str) -> str:
    wanted = name.lower()
    return next((str(value) for key, value in answer.items() if key.lower() == wanted), "")


def _entry(key: str, answer: Mapping[str, Any]) -> Entry:
    modified = from_http(_get(answer, "Last-Modified"))
    etag = _get(answer, "ETag").strip('"')
    appended = _get(answer, f"{COS.prefix}object-type").lower() == "appendable"
    checksum = _get(answer, _METADATA) or OPAQUE * (appended or _encrypts(answer))
    return Entry(key, int(_get(answer, "Content-Length") or UNSAID), modified, etag, checksum)


def _put(answer: Mapping[str, Any]) -> Put:
    return Put(_get(answer, "ETag").strip('"'), _encrypts(answer), crc64=_get(answer, CRC64))


def _encrypts(answer: Mapping[str, Any]) -> bool:
    prefix = f"{COS.prefix}server-side-encryption"
    return _get(answer, prefix) not in ("", "AES256") or bool(_get(answer, f"{prefix}-customer-algorithm"))


def _digest(sums: Sum) -> dict[str, str]:
    return {"ContentMD5": b64encode(sums.md5).decode()} if sums.md5 else {}
