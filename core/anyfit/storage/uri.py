"""Where a thing lies: one value for `obs://`, `cos://`, `s3://`, `file:///` and plain paths.

**Directory or object.** A key that is empty or ends in `/` names a directory, any other key an object. A store has
no directories: one exists while some key starts with it, or while its *marker* exists, an empty object whose key is
the directory's own (`data/`). A URI that a person typed without the slash is read by `transfer` as the object of
that name if there is one, else as the directory.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from anyfit.errors import SpecError
from anyfit.values import evolve, frozen

__all__ = ["Uri", "parse_vendor", "scheme_alone"]

_SCHEME_NAME = re.compile(r"[a-z][a-z0-9+.-]*")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_VENDOR_HOST = (
    r"(?:(?P<bucket>.+)\.)?(?P<scheme>obs|cos|s3)[.-](?:[a-z0-9.-]+\.)?"
    r"(?:myhuaweicloud\.com|myqcloud\.com|tencentcos\.cn|amazonaws\.com(?:\.cn)?)(?::\d+)?"
)
_SAFE_IN_FILE_URI = "/-_.~!$&'()*+,;=:@"


@frozen(order=True)
class Uri:
    """A place in a store, in its one canonical form; `str()` and `parse` are inverse to each other.

    Attributes:
        scheme: "file", "obs", "cos", "s3" or one that a plugin brought.
        bucket: The bucket, "" for files.
        key: The key in the bucket as it is, nothing percent-encoded; for files the absolute path without its first `/`.
    """

    scheme: str
    bucket: str
    key: str = ""

    def __attrs_post_init__(self) -> None:
        if not _SCHEME_NAME.fullmatch(self.scheme):
            raise ValueError(f"{self.scheme!r} is no scheme of a URI")

    def __str__(self) -> str:
        key = self.key
        if self.scheme == "file":
            key = quote(os.fsencode(key), safe=_SAFE_IN_FILE_URI)
        return f"{self.scheme}://{self.bucket}/{key}"

    @classmethod
    def parse(cls, text: str | os.PathLike[str], *, base: str | os.PathLike[str] | None = None) -> Uri:
        """Read a URI or a local path; a relative path starts at `base`, by default the working directory.

        The URL of an object in one of the vendors' domains is read as its URI.

        Raises:
            SpecError: It is empty, has no bucket, or is a `file://` URI of another machine.
        """
        text = os.fspath(text)
        if not text:
            raise SpecError("an empty text is no URI", hint="write s3://bucket/key, or ./ for the directory here")
        if "\0" in text:
            raise SpecError(f"{text!r}: a URI cannot hold a NUL character")
        match = _SCHEME.match(text)
        if not match:
            return cls._from_path(text, base)
        scheme, rest = match[1].lower(), text[match.end() :]
        bucket, _, key = rest.partition("/")
        if scheme == "file":
            return cls._from_file_uri(text, bucket, key)
        if not bucket:
            raise SpecError(
                f"{text!r} names no bucket", hint=f"write {scheme}://bucket/key; anyfit ls {scheme}:// lists buckets"
            )
        if scheme in ("http", "https"):
            return _from_url(text) or cls(scheme, bucket, key)
        host = re.fullmatch(_VENDOR_HOST, bucket) if "." in bucket else None
        return cls(scheme, (host and host["bucket"]) or bucket, key)

    @classmethod
    def _from_path(cls, text: str, base: str | os.PathLike[str] | None) -> Uri:
        try:
            os.fsencode(text)
        except UnicodeEncodeError:
            raise SpecError(f"{text!r} is no path: it is no valid Unicode") from None
        directory = text.endswith("/") or text.rpartition("/")[2] in (".", "..")
        path = os.path.join(base or Path.cwd(), Path(text).expanduser())  # noqa: PTH118
        return cls("file", "", _absolute(path, directory))

    @classmethod
    def _from_file_uri(cls, text: str, host: str, key: str) -> Uri:
        if host not in ("", "localhost"):
            raise SpecError(f"{text!r} names the machine {host!r}", hint=f"write file:///{host}/{key}")
        path = os.fsdecode(unquote(key, errors="surrogateescape"))
        if "\0" in path:
            raise SpecError(f"{text!r}: a path cannot hold a NUL character")
        return cls("file", "", _absolute("/" + path, path.endswith("/")))

    @property
    def is_dir(self) -> bool:
        """Whether it names a directory: the key is empty or ends in `/`."""
        return not self.key or self.key.endswith("/")

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine's disk."""
        return self.scheme == "file"

    @property
    def path(self) -> Path:
        """The local path of a `file` URI."""
        if not self.is_local:
            raise SpecError(f"{self} is no file on this machine", hint="copy it here first: anyfit cp")
        return Path("/" + self.key)

    @property
    def name(self) -> str:
        """The last part of the key, without a slash; "" for a whole bucket."""
        return self.key.rstrip("/").rpartition("/")[2]

    @property
    def root(self) -> Uri:
        """The whole bucket."""
        return evolve(self, key="")

    @property
    def parent(self) -> Uri:
        """The directory that holds it; a whole bucket is its own parent."""
        head, slash, _ = self.key.rstrip("/").rpartition("/")
        return evolve(self, key=head + slash)

    def as_dir(self) -> Uri:
        """The same place as a directory."""
        return self if self.is_dir else evolve(self, key=self.key + "/")

    def join(self, *parts: str) -> Uri:
        """The place `parts` further down; nothing is normalised, so a key such as `a//b` stays what it is."""
        key = self.key
        for part in parts:
            key = f"{key}{'' if not key or key.endswith('/') else '/'}{part}"
        return evolve(self, key=key)

    def relative_to(self, directory: Uri) -> str:
        """What has to be joined to `directory` to come here.

        Raises:
            SpecError: It does not lie below `directory`.
        """
        prefix = directory.as_dir()
        if (self.scheme, self.bucket) != (prefix.scheme, prefix.bucket) or not self.key.startswith(prefix.key):
            raise SpecError(f"{self} does not lie in {prefix}")
        return self.key[len(prefix.key) :]


def parse_vendor(text: str, scheme: str) -> Uri:
    """Read the spellings that a vendor's own tools use for a place in the store `scheme`.

    Besides `obs://bucket/key` these are ModelArts' `/bucket/key/` and `bucket/key`, the `s3://` that its containers
    see, and the URL or `cos://` URI whose host is `bucket.obs.region...` or `bucket.cos.region...`. All come out under
    `scheme`. Never use it for what may be a local path: `/bucket/key` looks like one.
    """
    match = _SCHEME.match(text)
    if not match:
        bucket, _, key = text.removeprefix("/").partition("/")
        if not bucket:
            raise SpecError(f"{text!r} names no bucket", hint="write /bucket/path/")
        return Uri(scheme, bucket, key)
    if match[1].lower() in ("http", "https"):
        parts = urlsplit(text)
        return Uri(scheme, _bucket_of_host(parts.netloc), unquote(parts.path[1:]))
    uri = Uri.parse(text)
    return uri if uri.is_local else Uri(scheme, _bucket_of_host(uri.bucket), uri.key)


def _from_url(text: str) -> Uri | None:
    """The place that the URL of a vendor's service names, with the bucket in the host or in the path."""
    parts = urlsplit(text)
    host = re.fullmatch(_VENDOR_HOST, parts.netloc)
    if not host:
        return None
    key = unquote(parts.path[1:])
    bucket = host["bucket"]
    if not bucket:
        bucket, _, key = key.partition("/")
    if not bucket:
        raise SpecError(f"{text!r} names no bucket", hint=f"write {host['scheme']}://bucket/key")
    return Uri(host["scheme"], bucket, key)


def _bucket_of_host(host: str) -> str:
    return re.split(r"\.(?:obs|cos|s3)[.-]", host, maxsplit=1)[0]


def _absolute(path: str | os.PathLike[str], directory: bool) -> str:
    key = os.path.abspath(path).lstrip("/")  # noqa: PTH100  Path.resolve would follow links
    return key + "/" if key and directory else key


def scheme_alone(text: str) -> str:
    """The scheme of `s3://` with nothing behind it, which means all buckets; "" for any other text."""
    match = _SCHEME.fullmatch(text)
    return match[1].lower() if match and match[1].lower() != "file" else ""
