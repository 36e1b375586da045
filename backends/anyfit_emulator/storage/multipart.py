"""The operations of multipart uploads."""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator

from attrs import evolve

from anyfit_emulator.http import Response
from anyfit_emulator.storage.call import Call, xml_response
from anyfit_emulator.storage.conditions import write_check
from anyfit_emulator.storage.digests import ALGORITHMS, CRCS, Digests, encode_crc
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.objects import open_source, receive
from anyfit_emulator.storage.ranges import parse_copy_range
from anyfit_emulator.storage.uploads import MAX_PARTS, Part, Upload
from anyfit_emulator.storage.values import Meta
from anyfit_emulator.storage.xml import children, iso_time, parse, tag, text_of, wrap

__all__ = ["abort", "complete", "create", "list_parts", "list_uploads", "upload_part", "upload_part_copy"]

MAX_UPLOADS = 1000
_CHUNK = 1 << 20
_ELEMENTS = {f"Checksum{name.upper()}": name for name in ALGORITHMS}


def create(call: Call) -> Response:
    """`POST /bucket/key?uploads`."""
    call.body()
    algorithm = call.own("checksum-algorithm").lower()
    if algorithm and algorithm not in ALGORITHMS:
        raise StoreError("InvalidRequest", "The checksum algorithm is not known.")
    if algorithm and call.options.checksums == "refused":
        raise StoreError("NotImplemented", "A header you provided implies functionality that is not implemented.")
    if call.options.checksums == "ignored":
        algorithm = ""
    usual = "FULL_OBJECT" if algorithm == "crc64nvme" else "COMPOSITE"
    chosen = {"algorithm": algorithm, "type": call.own("checksum-type").upper() or usual} if algorithm else {}
    upload = call.uploads.begin(call.bucket, call.key, evolve(call.meta(), checksums=chosen))
    headers = [(f"x-amz-checksum-{name}", value.upper()) for name, value in chosen.items()]
    return xml_response(call, "InitiateMultipartUploadResult", [*_names(call, upload), _id(upload)], headers)


def upload_part(call: Call) -> Response:
    """`PUT /bucket/key?partNumber=N&uploadId=U`."""
    upload = _upload(call)
    algorithm = upload.meta.checksums.get("algorithm", "")
    payload = call.payload([algorithm] if algorithm else [])
    with call.uploads.write(upload, _part_number(call), payload.length) as writer:
        checksums = receive(payload, writer.write)
        if algorithm:
            checksums[algorithm] = payload.checksum(algorithm)
        part = writer.finish(payload.digests, checksums)
    headers = [("ETag", f'"{part.etag}"')]
    if call.dialect.name == "cos":
        headers += call.own_headers(hash_crc64ecma=str(part.crc64))
    if call.dialect.name == "s3":
        headers += [(f"x-amz-checksum-{name}", value) for name, value in checksums.items()]
    return Response(200, headers)


def upload_part_copy(call: Call) -> Response:
    """The same with a copy source, and perhaps a range of it."""
    upload = _upload(call)
    call.body()
    algorithm = upload.meta.checksums.get("algorithm", "")
    info, fd = open_source(call)
    try:
        wanted = call.own("copy-source-range")
        offset, length = parse_copy_range(wanted, info.size) if wanted else (0, info.size)
        digests = Digests([algorithm] if algorithm else [])
        with call.uploads.write(upload, _part_number(call), length) as writer:
            for position in range(offset, offset + length, _CHUNK):
                data = os.pread(fd, min(_CHUNK, offset + length - position), position)
                digests.update(data)
                writer.write(data)
            part = writer.finish(digests, {algorithm: digests.checksum(algorithm)} if algorithm else {})
    finally:
        os.close(fd)
    inner = [tag("LastModified", iso_time(part.mtime_ns)), tag("ETag", f'"{part.etag}"'), *_checksums(part)]
    return xml_response(call, "CopyPartResult", inner)


def complete(call: Call) -> Response:
    """`POST /bucket/key?uploadId=U` with the list of parts."""
    upload = _upload(call)
    chosen = _chosen(call, upload)
    checksums = _joined_checksums(upload, chosen)
    algorithm = upload.meta.checksums.get("algorithm", "")
    declared = call.request.headers.get(f"x-amz-checksum-{algorithm}", "") if algorithm else ""
    if declared and declared.partition("-")[0] != checksums[algorithm].partition("-")[0]:
        raise StoreError("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
    check = write_check(call.request.headers, call.own("forbid-overwrite"))
    meta = Meta(upload.meta.headers, upload.meta.user, checksums, [part.size for part in chosen])
    info = call.uploads.complete(upload, chosen, meta, check)
    host = call.request.headers.get("host", "")
    path = call.request.path
    inner = [tag("Location", f"http://{host}{path}"), *_names(call, upload), tag("ETag", f'"{info.etag}"')]
    inner += [tag(f"Checksum{name.upper()}", value) for name, value in checksums.items() if name in ALGORITHMS]
    if "type" in checksums:
        inner.append(tag("ChecksumType", checksums["type"]))
    headers = call.own_headers(hash_crc64ecma=info.crc64) if call.dialect.name == "cos" else []
    return xml_response(call, "CompleteMultipartUploadResult", inner, headers)


def abort(call: Call) -> Response:
    """`DELETE /bucket/key?uploadId=U`."""
    call.uploads.abort(_upload(call))
    return Response(204)


def list_parts(call: Call) -> Response:
    """`GET /bucket/key?uploadId=U`."""
    upload = _upload(call)
    limit = min(call.number("max-parts", 1000), 1000)
    after = call.number("part-number-marker", 0)
    parts = call.uploads.parts(upload, after, limit + 1)
    shown = parts[:limit]
    inner = [
        *_names(call, upload),
        _id(upload),
        tag("StorageClass", "STANDARD"),
        tag("PartNumberMarker", after),
        tag("NextPartNumberMarker", shown[-1].number if shown else 0),
        tag("MaxParts", limit),
        tag("IsTruncated", len(parts) > limit),
        *_people(call),
    ]
    if chosen := upload.meta.checksums:
        inner += [tag("ChecksumAlgorithm", chosen["algorithm"].upper()), tag("ChecksumType", chosen["type"])]
    inner += [
        wrap(
            "Part",
            tag("PartNumber", part.number),
            tag("LastModified", iso_time(part.mtime_ns)),
            tag("ETag", f'"{part.etag}"'),
            tag("Size", part.size),
            *_checksums(part),
        )
        for part in shown
    ]
    return xml_response(call, "ListPartsResult", inner)


def list_uploads(call: Call) -> Response:
    """`GET /bucket?uploads`."""
    query = call.query
    prefix, limit = query.get("prefix", ""), min(call.number("max-uploads", MAX_UPLOADS), MAX_UPLOADS)
    delimiter = query.get("delimiter", "")
    after = (query.get("key-marker", ""), query.get("upload-id-marker", ""))
    if not limit:
        raise StoreError("InvalidArgument", "max-uploads must be 1 to 1000.")
    found = list(_folded(call.uploads.all(call.bucket), prefix, delimiter, after))
    shown = found[:limit]
    inner = [
        tag("Bucket", call.bucket),
        call.text("KeyMarker", after[0]),
        tag("UploadIdMarker", after[1]),
        call.text("Prefix", prefix),
        call.text("Delimiter", delimiter) if delimiter else "",
        tag("MaxUploads", limit),
        tag("IsTruncated", len(found) > limit),
    ]
    if call.escaped:
        inner.append(tag("EncodingType", "url"))
    if len(found) > limit:
        key, last = shown[-1]
        inner += [call.text("NextKeyMarker", key), tag("NextUploadIdMarker", last.id if last else "")]
    inner += [
        wrap(
            "Upload",
            call.text("Key", upload.key),
            _id(upload),
            *_people(call),
            tag("StorageClass", "STANDARD"),
            tag("Initiated", iso_time(upload.started_ns)),
        )
        for _, upload in shown
        if upload
    ]
    inner += [wrap("CommonPrefixes", call.text("Prefix", key)) for key, upload in shown if not upload]
    return xml_response(call, "ListMultipartUploadsResult", inner)


def _folded(
    uploads: Iterable[Upload], prefix: str, delimiter: str, after: tuple[str, str]
) -> Iterator[tuple[str, Upload | None]]:
    """Uploads behind a key and an id ("" for all of that key), by key; those with a common prefix are one, without."""
    key, identifier = after
    last = ""
    for upload in uploads:
        begins, found, _ = upload.key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        common = f"{prefix}{begins}{found}" if found else ""
        if not upload.key.startswith(prefix) or (key and (upload.key, upload.id) <= (key, identifier or "\U0010ffff")):
            continue
        if not common:
            yield upload.key, upload
        elif common not in (last, key):
            yield common, None
        last = common


def _upload(call: Call) -> Upload:
    return call.uploads.get(call.bucket, call.key, call.query.get("uploadId", ""))


def _part_number(call: Call) -> int:
    return call.number("partNumber", 0)


def _chosen(call: Call, upload: Upload) -> list[Part]:
    """The parts that the client's document names, in order and as they were sent."""
    root = parse(call.body(), "CompleteMultipartUpload")
    finished = {part.number: part for part in call.uploads.parts(upload)}
    chosen: list[Part] = []
    for item in children(root, "Part"):
        text, etag = text_of(item, "PartNumber").strip(), text_of(item, "ETag").strip().strip('"')
        part = finished.get(int(text)) if text.isdigit() else None
        if part is None or part.etag != etag:
            raise StoreError("InvalidPart", details={"PartNumber": text, "ETag": etag})
        for name, algorithm in _ELEMENTS.items():
            if (value := text_of(item, name)) and part.checksums.get(algorithm) != value:
                raise StoreError("InvalidPart", details={"PartNumber": text, name: value})
        if chosen and part.number <= chosen[-1].number:
            raise StoreError("InvalidPartOrder")
        chosen.append(part)
    if not 0 < len(chosen) <= MAX_PARTS:
        raise StoreError("MalformedXML", "The list of parts is empty.")
    smallest = call.dialect.min_part if call.options.min_part is None else call.options.min_part
    for part in chosen[:-1]:
        if part.size < smallest:
            details = {"PartNumber": str(part.number), "ProposedSize": str(part.size), "MinSizeAllowed": str(smallest)}
            raise StoreError("EntityTooSmall", details=details)
    return chosen


def _joined_checksums(upload: Upload, chosen: list[Part]) -> dict[str, str]:
    """The object's checksum from its parts', in the way that was chosen when the upload began."""
    algorithm, kind = upload.meta.checksums.get("algorithm", ""), upload.meta.checksums.get("type", "")
    if not algorithm:
        return {}
    digests = [b64decode(part.checksums[algorithm]) for part in chosen]
    if kind == "FULL_OBJECT" and algorithm in CRCS:
        crc = CRCS[algorithm]
        total = 0
        for digest, part in zip(digests, chosen, strict=True):
            total = crc.join(total, int.from_bytes(digest, "big"), part.size)
        return {algorithm: encode_crc(algorithm, total), "type": kind}
    joined = b"".join(digests)
    if algorithm in CRCS:
        text = encode_crc(algorithm, CRCS[algorithm].update(joined))
    else:
        text = b64encode(hashlib.new(algorithm, joined, usedforsecurity=False).digest()).decode()
    return {algorithm: f"{text}-{len(chosen)}", "type": "COMPOSITE"}


def _checksums(part: Part) -> list[str]:
    return [tag(f"Checksum{name.upper()}", value) for name, value in part.checksums.items()]


def _names(call: Call, upload: Upload) -> list[str]:
    return [tag("Bucket", upload.bucket), call.text("Key", upload.key)]


def _id(upload: Upload) -> str:
    return tag("UploadId", upload.id)


def _people(call: Call) -> list[str]:
    owner = call.identity.credential.owner if call.identity else "anonymous"
    inner = (tag("ID", owner), tag("DisplayName", owner))
    return [wrap("Initiator", *inner), wrap("Owner", *inner)]
