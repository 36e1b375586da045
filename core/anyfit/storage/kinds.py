"""What kind of content an object has, by the end of its name: browsers that open its URL go by it."""

from __future__ import annotations

__all__ = ["content_type"]

_TYPES = {
    "bmp": "image/bmp",
    "bz2": "application/x-bzip2",
    "css": "text/css",
    "csv": "text/csv",
    "gif": "image/gif",
    "gz": "application/gzip",
    "htm": "text/html",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "log": "text/plain",
    "md": "text/markdown",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "png": "image/png",
    "py": "text/x-python",
    "svg": "image/svg+xml",
    "tar": "application/x-tar",
    "tgz": "application/gzip",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "wav": "audio/x-wav",
    "webp": "image/webp",
    "xml": "application/xml",
    "xz": "application/x-xz",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zip": "application/zip",
    "zst": "application/zstd",
}
"""Written here and not read from the system, so that an object has the same type whoever sends it."""


def content_type(key: str) -> str:
    """The type of an object's content, "" where its name says nothing and the service has its own for that."""
    return _TYPES.get(key[key.rfind("/") + 1 :].rpartition(".")[2].lower(), "") if "." in key else ""
