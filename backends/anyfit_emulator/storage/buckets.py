"""Operations on the service and on buckets, listings included."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode

from anyfit_emulator.http import Response
from anyfit_emulator.storage.call import Call, xml_response
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.listing import Entry, Page
from anyfit_emulator.storage.xml import iso_time, tag, wrap

__all__ = [
    "api_version",
    "create_bucket",
    "delete_bucket",
    "get_location",
    "get_versioning",
    "head_bucket",
    "list_buckets",
    "list_objects",
    "list_objects_v2",
    "list_versions",
]

MAX_KEYS = 1000


def list_buckets(call: Call) -> Response:
    """`GET /` on the service."""
    buckets = [
        wrap(
            "Bucket",
            tag("Name", name),
            tag("CreationDate", iso_time(created_ns)),
            tag("Location", call.options.region) if call.dialect.name != "s3" else "",
        )
        for name, created_ns in call.store.buckets()
    ]
    return xml_response(call, "ListAllMyBucketsResult", [_owner(call, "Owner"), wrap("Buckets", *buckets)])


def create_bucket(call: Call) -> Response:
    """`PUT /bucket`; making one's own again is no error, except in COS."""
    call.body()
    if not call.store.create_bucket(call.bucket) and call.dialect.name == "cos":
        raise StoreError("BucketAlreadyOwnedByYou", details={"BucketName": call.bucket})
    return Response(200, [("Location", f"/{call.bucket}")])


def head_bucket(call: Call) -> Response:
    """`HEAD /bucket`."""
    call.store.require_bucket(call.bucket)
    return Response(200, call.own_headers(bucket_region=call.options.region, bucket_location=call.options.region))


def delete_bucket(call: Call) -> Response:
    """`DELETE /bucket`, which must be empty; unfinished uploads go with it."""
    unfinished = call.uploads.all(call.bucket)
    call.store.delete_bucket(call.bucket)
    for upload in unfinished:
        call.uploads.abort(upload)
    return Response(204)


def get_location(call: Call) -> Response:
    """`GET /bucket?location`."""
    call.store.require_bucket(call.bucket)
    region = call.options.region
    if call.dialect.name == "obs":
        return xml_response(call, "Location", [region])
    return xml_response(call, "LocationConstraint", [region if region != "us-east-1" else ""])


def get_versioning(call: Call) -> Response:
    """`GET /bucket?versioning`: never switched on."""
    call.store.require_bucket(call.bucket)
    return xml_response(call, "VersioningConfiguration", [])


def api_version(call: Call) -> Response:
    """`HEAD /?apiversion`, by which the OBS SDK asks whether it may sign in OBS's own way."""
    return Response(200, [("x-obs-api", "3.0")])


def list_objects(call: Call) -> Response:
    """`GET /bucket`: version 1, which goes on after a marker."""
    marker = call.query.get("marker", "")
    page, limit = _page(call, marker)
    inner = [*_heading(call, limit), call.text("Marker", marker)]
    if page.next is not None:  # S3 itself has it with a delimiter only; OBS and COS always
        inner.append(call.text("NextMarker", page.next.decode()))
    return xml_response(call, "ListBucketResult", [*inner, *_contents(call, page)])


def list_objects_v2(call: Call) -> Response:
    """`GET /bucket?list-type=2`, which goes on after an opaque token."""
    query = call.query
    token, start = query.get("continuation-token"), query.get("start-after", "")
    page, limit = _page(call, start if token is None else _decode_token(token))
    inner = _heading(call, limit)
    inner.append(tag("KeyCount", len(page.entries) + len(page.prefixes)))
    if start:
        inner.append(call.text("StartAfter", start))
    if token is not None:
        inner.append(tag("ContinuationToken", token))
    if page.next is not None:
        inner.append(tag("NextContinuationToken", urlsafe_b64encode(page.next).decode()))
    owned = query.get("fetch-owner") == "true"
    return xml_response(call, "ListBucketResult", [*inner, *_contents(call, page, owned=owned)])


def list_versions(call: Call) -> Response:
    """`GET /bucket?versions`: every object has one version, `null`."""
    marker = call.query.get("key-marker", "")
    page, limit = _page(call, marker)
    inner = [*_heading(call, limit), call.text("KeyMarker", marker), tag("VersionIdMarker", "")]
    if page.next is not None:
        inner += [call.text("NextKeyMarker", page.next.decode()), tag("NextVersionIdMarker", "null")]
    inner += [
        wrap("Version", *_fields(call, entry), tag("VersionId", "null"), tag("IsLatest", True), _owner(call, "Owner"))
        for entry in page.entries
    ]
    inner += _prefixes(call, page)
    return xml_response(call, "ListVersionsResult", [*inner, tag("IsTruncated", page.next is not None)])


def _page(call: Call, after: str) -> tuple[Page, int]:
    limit = min(call.number("max-keys", MAX_KEYS), MAX_KEYS)
    query = call.query
    page = call.store.page(call.bucket, query.get("prefix", ""), query.get("delimiter", ""), after, limit)
    return page, limit


def _heading(call: Call, limit: int) -> list[str]:
    query = call.query
    inner = [tag("Name", call.bucket), call.text("Prefix", query.get("prefix", "")), tag("MaxKeys", limit)]
    if delimiter := query.get("delimiter"):
        inner.append(call.text("Delimiter", delimiter))
    if call.escaped:
        inner.append(tag("EncodingType", "url"))
    return inner


def _contents(call: Call, page: Page, *, owned: bool = True) -> list[str]:
    owner = _owner(call, "Owner") if owned else ""
    contents = [
        wrap("Contents", *_fields(call, entry), tag("StorageClass", "STANDARD"), owner) for entry in page.entries
    ]
    return [tag("IsTruncated", page.next is not None), *contents, *_prefixes(call, page)]


def _fields(call: Call, entry: Entry) -> tuple[str, ...]:
    key, size, mtime_ns, etag = entry
    return (
        call.text("Key", key.decode()),
        tag("LastModified", iso_time(mtime_ns)),
        tag("ETag", f'"{etag}"'),
        tag("Size", size),
    )


def _prefixes(call: Call, page: Page) -> list[str]:
    return [wrap("CommonPrefixes", call.text("Prefix", prefix.decode())) for prefix in page.prefixes]


def _owner(call: Call, name: str) -> str:
    owner = call.identity.credential.owner if call.identity else "anonymous"
    return wrap(name, tag("ID", owner), tag("DisplayName", owner))


def _decode_token(token: str) -> str:
    try:
        return b64decode(token.encode(), b"-_", validate=True).decode()
    except ValueError:
        raise StoreError("InvalidArgument", "The continuation token provided is incorrect") from None
