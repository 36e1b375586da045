"""Which operation does a request ask for?"""

from __future__ import annotations

from collections.abc import Mapping

from anyfit_emulator.storage import buckets, multipart, objects
from anyfit_emulator.storage.addressing import Address
from anyfit_emulator.storage.call import Operation

__all__ = ["OPERATIONS", "SLOW", "operation_of"]

OPERATIONS: dict[str, Operation] = {
    "AbortMultipartUpload": multipart.abort,
    "CompleteMultipartUpload": multipart.complete,
    "CopyObject": objects.copy_object,
    "CreateBucket": buckets.create_bucket,
    "CreateMultipartUpload": multipart.create,
    "DeleteBucket": buckets.delete_bucket,
    "DeleteObject": objects.delete_object,
    "DeleteObjects": objects.delete_objects,
    "GetApiVersion": buckets.api_version,
    "GetBucketLocation": buckets.get_location,
    "GetBucketVersioning": buckets.get_versioning,
    "GetObject": objects.get_object,
    "HeadBucket": buckets.head_bucket,
    "HeadObject": objects.head_object,
    "ListBuckets": buckets.list_buckets,
    "ListMultipartUploads": multipart.list_uploads,
    "ListObjectVersions": buckets.list_versions,
    "ListObjects": buckets.list_objects,
    "ListObjectsV2": buckets.list_objects_v2,
    "ListParts": multipart.list_parts,
    "PutObject": objects.put_object,
    "UploadPart": multipart.upload_part,
    "UploadPartCopy": multipart.upload_part_copy,
}
SLOW = frozenset({"AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "DeleteObjects", "UploadPartCopy"})

_BUCKET = {"PUT": "CreateBucket", "HEAD": "HeadBucket", "DELETE": "DeleteBucket", "GET": "ListObjects"}
_BUCKET_GET = {
    "location": "GetBucketLocation",
    "uploads": "ListMultipartUploads",
    "versioning": "GetBucketVersioning",
    "versions": "ListObjectVersions",
}
_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject", "PUT": "PutObject"}
_SUBRESOURCES = (
    "accelerate acl analytics append cors encryption intelligent-tiering inventory legal-hold lifecycle logging"
    " metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock quota replication"
    " requestPayment restore retention select storageClass storageinfo storagePolicy tagging torrent truncate"
    " website"
)
_UNKNOWN = frozenset(_SUBRESOURCES.split())
_PARAMETERS = (
    "apiversion continuation-token delete delimiter encoding-type fetch-owner key-marker list-type location marker"
    " max-keys max-parts max-uploads part-number-marker partNumber prefix start-after upload-id-marker uploadId"
    " uploads version-id-marker versioning versions"
)
_KNOWN = frozenset(_PARAMETERS.split())
_PREFIXES = ("q-", "response-", "x-", "X-Amz-")


def operation_of(method: str, address: Address, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """The operation's name in the words of S3, or "" when there is none like that."""
    if any(_is_strange(name, value) for name, value in query.items()):
        return ""
    if not address.bucket:
        return _service(method, query)
    if not address.key:
        return _on_bucket(method, query)
    return _on_object(method, query, headers)


def _is_strange(name: str, value: str) -> bool:
    """Whether a parameter asks for something that is not done here; what the method alone means would be done then."""
    if name == "versionId":
        return value not in ("", "null")
    return name in _UNKNOWN or not (value or name in _KNOWN or name.startswith(_PREFIXES))


def _service(method: str, query: Mapping[str, str]) -> str:
    if method == "HEAD" and "apiversion" in query:
        return "GetApiVersion"
    return "ListBuckets" if method == "GET" else ""


def _on_bucket(method: str, query: Mapping[str, str]) -> str:
    if method == "POST":
        return "DeleteObjects" if "delete" in query else ""
    if method == "HEAD" and "apiversion" in query:
        return "GetApiVersion"
    for name, operation in _BUCKET_GET.items():
        if name in query:
            return operation if method == "GET" else ""
    if method == "GET" and query.get("list-type") == "2":
        return "ListObjectsV2"
    return _BUCKET.get(method, "")


def _on_object(method: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    if _BUCKET_GET.keys() & query.keys():
        return "CreateMultipartUpload" if method == "POST" and "uploads" in query else ""
    if method == "POST":
        return "CompleteMultipartUpload" if "uploadId" in query else ""
    copying = any(name.endswith("-copy-source") and name.startswith("x-") for name in headers)
    if "uploadId" in query:
        if method == "PUT":
            return "UploadPartCopy" if copying else "UploadPart"
        return {"GET": "ListParts", "DELETE": "AbortMultipartUpload"}.get(method, "")
    if method == "PUT" and copying:
        return "CopyObject"
    return _OBJECT.get(method, "")
