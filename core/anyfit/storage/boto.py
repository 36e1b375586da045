"""The S3 protocol through boto3: credentials, control calls, and all bytes when the direct path is off."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cache
from typing import Any

from anyfit.errors import AuthError
from anyfit.show import one_line
from anyfit.storage.answers import OPAQUE, Refusal, region_of
from anyfit.storage.api import UNSAID, Begun, Put, Sum
from anyfit.storage.extras import extra
from anyfit.storage.library import copied, kept, part_of, rows_of, wanted, whole
from anyfit.storage.pages import delete_failure
from anyfit.storage.rest import CHECKSUM, OBS, S3
from anyfit.storage.retry import Unsteady, lost
from anyfit.storage.settings import StoreSettings
from anyfit.storage.store import Bucket, Data, DeleteFailure, Entry, Page, Part
from anyfit.values import evolve

__all__ = ["BotoApi", "chain_keys"]

_MAX_COPY = 5 << 30


class BotoApi:
    """One bucket through a boto3 client without retries of its own."""

    def __init__(self, settings: StoreSettings, *, scheme: str, bucket: str) -> None:
        self.bucket = bucket
        self.place = f"{scheme}://{bucket}/" if bucket else f"{scheme}://"
        self.dialect = OBS if scheme == "obs" else S3
        self.client = _client(settings)

    def list_buckets(self) -> list[Bucket]:
        with self._errors("list the buckets of", ""):
            answer = self.client.list_buckets()
        return [Bucket(item["Name"], item["CreationDate"]) for item in answer.get("Buckets", ())]

    def list_page(self, prefix: str, marker: str, delimiter: bool, limit: int) -> Page:
        folded = {"Delimiter": "/"} if delimiter else {}
        with self._errors("list", prefix):
            answer = self.client.list_objects(Bucket=self.bucket, Prefix=prefix, Marker=marker, MaxKeys=limit, **folded)
        entries = tuple(
            Entry(item["Key"], item["Size"], item["LastModified"], item.get("ETag", "").strip('"'))
            for item in answer.get("Contents", ())
        )
        directories = tuple(item["Prefix"] for item in answer.get("CommonPrefixes", ()))
        if not answer.get("IsTruncated"):
            return Page(entries, directories)
        last = [*directories[-1:], *(entry.key for entry in entries[-1:])]
        return Page(entries, directories, answer.get("NextMarker") or max(last, key=str.encode))

    def head(self, key: str, part: int = 0) -> Entry:
        one = {"PartNumber": part} if part else {}
        with self._errors("stat", key):
            return self._entry(key, self.client.head_object(Bucket=self.bucket, Key=key, **one))

    def get(self, key: str, start: int, length: int | None, etag: str) -> BotoReader:
        with self._errors("read", key):
            answer = self.client.get_object(Bucket=self.bucket, Key=key, **wanted(start, length, etag))
        part = self._entry(key, answer)
        try:
            entry = whole(part, answer.get("ContentRange", ""), start, length, one_line(f"{self.place}{key}"))
        except Unsteady:
            answer["Body"].close()
            raise
        return BotoReader(entry, answer["Body"], part.size, one_line(f"{self.place}{key}"))

    def put(self, key: str, data: Data, sums: Sum, checksum: str) -> Put:
        with self._errors("put", key):
            return self._put(
                self.client.put_object(
                    Bucket=self.bucket, Key=key, Body=_body(data), **_digest(sums), **kept(key, checksum, CHECKSUM)
                )
            )

    def start_upload(self, key: str, checksum: str) -> Begun:
        with self._errors("start an upload of", key):
            answer = self.client.create_multipart_upload(Bucket=self.bucket, Key=key, **kept(key, checksum, CHECKSUM))
        return Begun(str(answer["UploadId"]))

    def put_part(self, key: str, upload: str, number: int, data: Data, sums: Sum) -> Put:
        with self._errors(f"put part {number} of", key):
            return self._put(
                self.client.upload_part(
                    Bucket=self.bucket,
                    Key=key,
                    UploadId=upload,
                    PartNumber=number,
                    Body=_body(data),
                    **_digest(sums),
                )
            )

    def list_parts(self, key: str, upload: str, marker: int) -> tuple[list[Part], int]:
        with self._errors("list the parts of", key):
            answer = self.client.list_parts(Bucket=self.bucket, Key=key, UploadId=upload, PartNumberMarker=marker)
        parts = [part_of(row) for row in answer.get("Parts", ())]
        return parts, int(answer.get("NextPartNumberMarker") or 0) if answer.get("IsTruncated") else 0

    def finish_upload(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        with self._errors("finish", key):
            answer = self.client.complete_multipart_upload(
                Bucket=self.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": rows_of(parts)}
            )
        return str(answer.get("ETag", "")).strip('"')

    def abort_upload(self, key: str, upload: str) -> None:
        with self._errors("abort", key):
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)

    def copy(self, bucket: str, source_key: str, key: str, size: int) -> str:
        source = {"Bucket": bucket, "Key": source_key}
        with self._errors("copy to", key):
            if size > _MAX_COPY:
                answer = self.client.head_object(**source)
                kept_with_it = {**copied(answer), "Metadata": answer.get("Metadata", {})}
                self.client.copy(source, self.bucket, key, ExtraArgs=kept_with_it)
                return ""
            answer = self.client.copy_object(Bucket=self.bucket, Key=key, CopySource=source)
        return str(answer["CopyObjectResult"].get("ETag", "")).strip('"')

    def delete(self, key: str) -> None:
        with self._errors("delete", key):
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def delete_many(self, keys: Sequence[str]) -> list[DeleteFailure]:
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        with self._errors("delete", keys[0]):
            answer = self.client.delete_objects(Bucket=self.bucket, Delete=wanted)
        return [delete_failure(item) for item in answer.get("Errors", ())]

    def presign(self, key: str, method: str, expires: int) -> str:
        call = {"GET": "get_object", "PUT": "put_object", "HEAD": "head_object", "DELETE": "delete_object"}[method]
        url = self.client.generate_presigned_url(call, {"Bucket": self.bucket, "Key": key}, ExpiresIn=expires)
        return str(url)

    def close(self) -> None:
        self.client.close()

    def _entry(self, key: str, answer: dict[str, Any]) -> Entry:
        modified = answer.get("LastModified") or datetime.fromtimestamp(0, timezone.utc)
        checksum = answer.get("Metadata", {}).get(CHECKSUM, "") or OPAQUE * self._hides(answer)
        return Entry(
            key, int(answer.get("ContentLength", UNSAID)), modified, answer.get("ETag", "").strip('"'), checksum
        )

    def _put(self, answer: dict[str, Any]) -> Put:
        return Put(answer.get("ETag", "").strip('"'), self._encrypts(answer), answer.get("ChecksumCRC32", ""))

    def _hides(self, answer: dict[str, Any]) -> bool:
        return self.dialect.hides(answer["ResponseMetadata"]["HTTPHeaders"])

    def _encrypts(self, answer: dict[str, Any]) -> bool:
        return self.dialect.encrypts(answer["ResponseMetadata"]["HTTPHeaders"])

    @contextmanager
    def _errors(self, what: str, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            yield
        except ClientError as error:
            answer = error.response.get("Error", {})
            meta = error.response.get("ResponseMetadata", {})
            headers = meta.get("HTTPHeaders", {})
            wait = headers.get("retry-after", "")
            status = int(meta.get("HTTPStatusCode", 0))
            code = answer.get("Code", "")
            refusal = Refusal(
                status,
                "" if code.isdigit() else code,
                answer.get("Message", ""),
                meta.get("RequestId", ""),
                float(wait) if wait.isdigit() else 0.0,
                region_of(headers, answer.get("Region", "")),
            )
            raise refusal.error(f"{what} {self.place}{key}") from error
        except NoCredentialsError as error:
            raise AuthError(f"{what} {self.place}{one_line(key)}: no credentials", hint="set up a profile") from error
        except BotoCoreError as error:
            raise lost(f"{what} {self.place}{key}", error) from error


class BotoReader:
    """An object's bytes as boto3 gives them."""

    def __init__(self, entry: Entry, body: Any, size: int, place: str) -> None:
        self.entry = entry
        self._body = body
        self._left = size
        self._place = place

    def readinto(self, buffer: memoryview, /) -> int:
        data = self.read(len(buffer)) if self._left else b""
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1, /) -> bytes:
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        try:
            data = bytes(self._body.read() if size < 0 else self._body.read(size))
        except (BotoCoreError, HTTPError, OSError) as error:
            self.close()
            raise Unsteady(f"read {self._place}: {error}") from error
        self._left -= len(data)
        if self._left and (size < 0 or not data):
            self.close()
            raise Unsteady(f"read {self._place}: the body ended {self._left} bytes early")
        return data

    def close(self) -> None:
        self._body.close()

    def __enter__(self) -> BotoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def chain_keys(settings: StoreSettings, bucket: str) -> StoreSettings:
    """`settings` with keys, region and endpoint where boto3 finds them."""
    boto3 = extra("boto3", "s3")
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _in_the_chain(boto3.session.Session(), settings, bucket)
    except (BotoCoreError, ClientError) as error:
        raise AuthError(
            f"s3://{bucket}: no credentials: {error}", hint="try it with aws sts get-caller-identity"
        ) from error


def _in_the_chain(session: Any, settings: StoreSettings, bucket: str) -> StoreSettings:
    found = session.get_credentials()
    if found is None:
        raise AuthError(
            f"s3://{bucket}: no credentials",
            hint="give access_key and secret_key under [storage.s3], or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    keys = found.get_frozen_credentials()
    endpoint = settings.endpoint
    if not endpoint:
        client = session.client("s3", region_name=settings.region or session.region_name or "us-east-1")
        named = client.meta.endpoint_url
        endpoint = "" if named.endswith(".amazonaws.com") else named
        client.close()
    return evolve(
        settings,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        session_token=keys.token or "",
        region=settings.region or session.region_name or "",
        endpoint=endpoint,
    )


def _client(settings: StoreSettings) -> Any:
    boto3 = extra("boto3", "s3")
    import botocore.session
    from botocore.config import Config

    config = Config(
        signature_version="s3" if settings.signature == "v2" else "s3v4",
        s3={"addressing_style": settings.addressing, "payload_signing_enabled": True},
        retries={"total_max_attempts": 1},
        max_pool_connections=max(settings.connections, 10),
        connect_timeout=settings.timeout,
        read_timeout=settings.timeout,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    core = botocore.session.get_session()
    session = boto3.session.Session(botocore_session=core)
    core.register_component("data_loader", _descriptions())
    client = session.client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        aws_session_token=settings.session_token or None,
        verify=settings.verify,
        config=config,
    )
    client.meta.events.register("before-sign.s3.DeleteObjects", _add_md5)
    return client


def _add_md5(request: Any, **_: Any) -> None:
    """boto3 sends only a CRC-32 along, and OBS as well as many services that are no AWS want a Content-MD5."""
    if "Content-MD5" not in request.headers:
        digest = hashlib.md5(request.body, usedforsecurity=False).digest()
        request.headers["Content-MD5"] = b64encode(digest).decode()


@cache
def _descriptions() -> Any:
    """What botocore reads about services; to read it anew is nearly all that another client costs."""
    import botocore.session

    return botocore.session.get_session().get_component("data_loader")


def _digest(sums: Sum) -> dict[str, str]:
    if sums.crc32:
        return {"ChecksumCRC32": sums.crc32}
    return {} if sums.sha256 or not sums.md5 else {"ContentMD5": b64encode(sums.md5).decode()}


def _body(data: Data) -> bytes | bytearray:
    return data if isinstance(data, (bytes, bytearray)) else bytes(data)
