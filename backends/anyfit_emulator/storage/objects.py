"""Operations on single objects, and the deletion of many."""

from __future__ import annotations

import os
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element

from attrs import evolve

from anyfit_emulator.http import FileSlice, Request, Response, Slow
from anyfit_emulator.storage.addressing import copy_source
from anyfit_emulator.storage.call import Call, xml_response
from anyfit_emulator.storage.conditions import check_read, delete_check, write_check
from anyfit_emulator.storage.digests import Digests
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.payload import Payload
from anyfit_emulator.storage.ranges import parse_range
from anyfit_emulator.storage.store import StaleIndex
from anyfit_emulator.storage.values import Meta, ObjectInfo
from anyfit_emulator.storage.xml import children, iso_time, parse, tag, text_of, wrap

__all__ = [
    "checksum_headers",
    "copy_object",
    "delete_object",
    "delete_objects",
    "get_object",
    "head_object",
    "open_source",
    "put_object",
]

MAX_PUT = 5 << 30
MAX_DELETE = 1000
_CHUNK = 1 << 20
_OVERRIDES = {
    f"response-{name}": name
    for name in (
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
    )
}


def put_object(call: Call) -> Response:
    """`PUT /bucket/key`."""
    call.store.require_bucket(call.bucket)
    payload = call.payload()
    if payload.length is not None and payload.length > MAX_PUT:
        raise StoreError("EntityTooLarge")
    check = write_check(call.request.headers, call.own("forbid-overwrite"))
    if call.request.in_thread:
        check(call.store.lookup(call.bucket, call.key))  # before a large body comes, and again when it is here
    with call.store.incoming() as content:
        checksums = receive(payload, content.write)
        content.finish()
        digests = payload.digests
        meta = evolve(call.meta(), checksums=checksums)
        info = call.store.commit(call.bucket, call.key, content, digests.size, digests.etag, digests.crc64, meta, check)
    return Response(200, [("ETag", f'"{info.etag}"'), *_crc64(call, info), *checksum_headers(call, info.meta)])


def receive(payload: Payload, write: Callable[[bytes], None]) -> dict[str, str]:
    """Stream a body to where it goes and verify it; answers its checksums."""
    for piece in payload:
        write(piece)
    return payload.verify()


def get_object(call: Call) -> Response:
    """`GET /bucket/key`, or a range of it."""
    info, fd = _opened(call.request, call, call.bucket, call.key)
    try:
        check_read(info, call.request.headers)
        span = _range(call, info)
        offset, length = span or (0, info.size)
        headers = _describe(call, info, whole=span is None)
    except StoreError:
        os.close(fd)
        raise
    if span:
        headers.append(("Content-Range", f"bytes {offset}-{offset + length - 1}/{info.size}"))
    return Response(206 if span else 200, headers, FileSlice(fd, offset, length))


def head_object(call: Call) -> Response:
    """`HEAD /bucket/key`."""
    response = get_object(call)
    length = response.length
    if isinstance(response.body, FileSlice):
        response.body.close()
    response.body = b""
    response.headers.append(("Content-Length", str(length)))
    return response


def delete_object(call: Call) -> Response:
    """`DELETE /bucket/key`; one that does not exist is deleted as well."""
    call.store.delete(call.bucket, call.key, delete_check(call.request.headers.get("if-match", "")))
    return Response(204)


def delete_objects(call: Call) -> Response:
    """`POST /bucket?delete` with a list of keys."""
    call.store.require_bucket(call.bucket)
    root = parse(call.body(), "Delete")
    doomed = list(children(root, "Object"))
    if not 0 < len(doomed) <= MAX_DELETE:
        raise StoreError("MalformedXML", f"The list must have 1 to {MAX_DELETE} keys.")
    if not any(name == "content-md5" or name.startswith("x-amz-checksum-") for name in call.request.headers):
        raise StoreError("InvalidRequest", "Missing required header for this request: Content-MD5")
    quiet = text_of(root, "Quiet").strip().lower() == "true"
    escaped = text_of(root, "EncodingType").strip().lower() == "url"  # of OBS alone
    inner = [tag("EncodingType", "url")] if escaped else []
    for item in doomed:
        key = tag("Key", text_of(item, "Key"))
        try:
            _delete_one(call, item, escaped=escaped)
        except StoreError as error:
            inner.append(wrap("Error", key, tag("Code", error.code), tag("Message", error.message)))
        else:
            inner += [] if quiet else [wrap("Deleted", key)]
    return xml_response(call, "DeleteResult", inner)


def _delete_one(call: Call, item: Element, *, escaped: bool) -> None:
    key = text_of(item, "Key")
    if text_of(item, "VersionId") not in ("", "null"):
        raise StoreError("NotImplemented")
    check = delete_check(text_of(item, "ETag"))
    call.store.delete(call.bucket, unquote_plus(key) if escaped else key, check)


def copy_object(call: Call) -> Response:
    """`PUT /bucket/key` with a copy source."""
    call.store.require_bucket(call.bucket)
    bucket, key = _source(call)
    directive = call.own("metadata-directive").upper()
    if directive not in ("", "COPY", "REPLACE", "REPLACED"):
        raise StoreError("InvalidArgument", "Unknown metadata directive.")
    replace = directive.startswith("REPLACE")
    if (bucket, key) == (call.bucket, call.key) and not replace and call.dialect.name != "cos":
        raise StoreError("InvalidRequest", "An object can be copied to itself only with new metadata.")
    call.body()
    source, fd = open_source(call)
    try:
        meta = evolve(call.meta(), checksums=source.meta.checksums) if replace else source.meta
        info = _copy(call, source, fd, meta)
    finally:
        os.close(fd)
    return xml_response(
        call,
        "CopyObjectResult",
        [tag("LastModified", iso_time(info.mtime_ns)), tag("ETag", f'"{info.etag}"'), *_crc64_element(call, info)],
        _crc64(call, info),
    )


def open_source(call: Call) -> tuple[ObjectInfo, int]:
    """The object that a copy comes from, whose conditions hold, and a descriptor of it."""
    bucket, key = _source(call)
    info, fd = _opened(call.request, call, bucket, key)
    try:
        check_read(info, call.request.headers, f"{call.dialect.prefix}copy-source-")
    except StoreError:
        os.close(fd)
        raise
    return info, fd


def _source(call: Call) -> tuple[str, str]:
    """Bucket and key that a copy comes from; S3 takes a plus sign there for a space."""
    spelled = call.own("copy-source")
    return copy_source(spelled.replace("+", " ") if call.dialect.name == "s3" else spelled, call.options.suffixes)


def checksum_headers(call: Call, meta: Meta) -> list[tuple[str, str]]:
    """The object's verified checksums as headers; S3 alone has them."""
    if call.dialect.name != "s3":
        return []
    return [(f"x-amz-checksum-{name}", value) for name, value in meta.checksums.items()]


def _copy(call: Call, source: ObjectInfo, fd: int, meta: Meta) -> ObjectInfo:
    check = write_check(call.request.headers, call.own("forbid-overwrite"))
    etag, crc64 = source.etag, int(source.crc64)
    if "-" in etag:  # a copy is one piece, whatever its source was put together from
        digests = Digests()
        for offset in range(0, source.size, _CHUNK):
            digests.update(os.pread(fd, _CHUNK, offset))
        etag, meta = digests.etag, evolve(meta, checksums={}, parts=[])
    with call.store.incoming() as content:
        content.copy_from(fd, 0, source.size)
        content.finish()
        return call.store.commit(call.bucket, call.key, content, source.size, etag, crc64, meta, check)


def _opened(request: Request, call: Call, bucket: str, key: str) -> tuple[ObjectInfo, int]:
    while True:
        try:
            return call.store.open(bucket, key)
        except StaleIndex:
            if not request.in_thread:
                raise Slow from None
            call.store.refresh(bucket, key)


def _range(call: Call, info: ObjectInfo) -> tuple[int, int] | None:
    header = call.request.headers.get("range", "")
    if call.query.get("partNumber") and call.dialect.name == "s3":
        if header:
            raise StoreError("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
        return _part(info, call.number("partNumber", 1))
    condition = call.request.headers.get("if-range", "").strip('"')
    if not header or (condition and condition not in (info.etag, _http_date(info.mtime_ns))):
        return None
    return parse_range(header, info.size)


def _part(info: ObjectInfo, number: int) -> tuple[int, int] | None:
    """Where a part lies that the object was sent in; one that came in one piece has one."""
    sizes = info.meta.parts or [info.size]
    if not 1 <= number <= len(sizes):
        raise StoreError("InvalidPartNumber")
    return (sum(sizes[: number - 1]), sizes[number - 1]) if info.size else None


def _describe(call: Call, info: ObjectInfo, *, whole: bool) -> list[tuple[str, str]]:
    meta = info.meta
    fields = {"content-type": call.dialect.content_type, **meta.headers}
    for parameter, name in _OVERRIDES.items():
        if value := call.query.get(parameter):
            fields[name] = value
    storage_class = fields.pop("storage-class", "")
    headers = [
        ("ETag", f'"{info.etag}"'),
        ("Last-Modified", _http_date(info.mtime_ns)),
        ("Accept-Ranges", "bytes"),
        *((name.title(), value) for name, value in fields.items()),
        *((f"{call.dialect.prefix}meta-{name}", value) for name, value in meta.user.items()),
        *call.own_headers(storage_class=storage_class),
        *_crc64(call, info),
    ]
    if meta.parts and call.query.get("partNumber"):
        headers += call.own_headers(mp_parts_count=str(len(meta.parts)))
    if whole and call.request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers += checksum_headers(call, meta)
    return headers


def _crc64(call: Call, info: ObjectInfo) -> list[tuple[str, str]]:
    return call.own_headers(hash_crc64ecma=info.crc64) if call.dialect.name == "cos" else []


def _crc64_element(call: Call, info: ObjectInfo) -> list[str]:
    return [tag("CRC64", info.crc64)] if call.dialect.name == "cos" else []


def _http_date(time_ns: int) -> str:
    return formatdate(time_ns // 1_000_000_000, usegmt=True)
