"""Objects of OBS for jobs: with the platform's own `moxing` where the image has it, else by signed requests.

Travels with every job as `anyfit_obs.py`; standard library only, Python 3.6+. Credentials are those that the platform
puts into the environment of a job.
"""

import base64
import hashlib
import hmac
import os
import socket
import threading
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Tuple

ATTEMPTS = 5
AT_ONCE = 16
PAGE = 1000
BLOCK = 1 << 20


class ObsError(Exception):
    """An object could not be read or written."""


def store() -> "Any":
    """The way to OBS that there is here."""
    try:
        import moxing
    except Exception:  # an image without it, or with one that does not load
        return SignedStore(os.environ)
    return MoxingStore(moxing)


def split(url: str) -> "Tuple[str, str]":
    """Bucket and key of `obs://bucket/key`, `s3://bucket/key` or `/bucket/key`."""
    bucket, _, key = url.partition("://")[2].partition("/") if "://" in url else url.lstrip("/").partition("/")
    if not bucket:
        raise ObsError("%r names no bucket" % url)
    return bucket, key


class MoxingStore:
    """By way of the platform's own library."""

    def __init__(self, moxing: "Any") -> None:
        self._files = moxing.file

    def download(self, url: str, folder: str) -> None:
        """Bring a folder's contents, or one object, into a local folder; nothing where there is nothing."""
        url = _obs(url)
        if not self._files.exists(url):
            return
        if self._files.is_directory(url):
            self._files.copy_parallel(url, folder)
        else:
            self._files.copy(url, os.path.join(folder, url.rpartition("/")[2]))

    def upload(self, path: str, url: str) -> None:
        """Put a local file where the URL says."""
        self._files.copy(path, _obs(url))


def _obs(url: str) -> str:
    return "obs://%s/%s" % split(url)


class SignedStore:
    """By signed requests, with the keys that the platform gives its jobs."""

    def __init__(self, environ: "Any") -> None:
        self._access = environ.get("AWS_ACCESS_KEY_ID") or environ.get("S3_ACCESS_KEY_ID") or ""
        self._secret = environ.get("AWS_SECRET_ACCESS_KEY") or environ.get("S3_SECRET_ACCESS_KEY") or ""
        self._token = environ.get("AWS_SESSION_TOKEN") or environ.get("S3_SECURITY_TOKEN") or ""
        endpoint = environ.get("S3_ENDPOINT") or ""
        if not (endpoint and self._access and self._secret):
            raise ObsError("neither moxing nor S3_ENDPOINT with AWS_ACCESS_KEY_ID is here to reach OBS with")
        if "://" not in endpoint:
            endpoint = ("http://" if environ.get("S3_USE_HTTPS") == "0" else "https://") + endpoint
        parts = urlsplit(endpoint)
        self._netloc = parts.netloc
        self._secure = parts.scheme == "https"
        self._verify = environ.get("S3_VERIFY_SSL") != "0"
        host = parts.hostname or ""
        self._lines: "Dict[int, Tuple[str, Any]]" = {}  # the connection of each thread, and to whom
        self._by_path = host == "localhost" or host.replace(".", "").isdigit() or ":" in host

    def download(self, url: str, folder: str) -> None:
        """Bring a folder's contents, or one object, into a local folder; nothing where there is nothing."""
        bucket, key = split(url)
        if key and not key.endswith("/"):
            if self._get(bucket, key, os.path.join(folder, key.rpartition("/")[2])):
                return
            key += "/"
        crew = ThreadPoolExecutor(AT_ONCE)
        try:
            errands = []
            for name in self._names(bucket, key):
                parts = name[len(key) :].split("/")
                if (
                    ".." not in parts and "" not in parts
                ):  # else a folder's marker, or what would lead out of the folder
                    errands.append(crew.submit(self._get, bucket, name, os.path.join(folder, *parts)))
            for errand in errands:
                errand.result()
        finally:
            crew.shutdown()
            for thread in list(self._lines):
                self._hang_up(thread)

    def upload(self, path: str, url: str) -> None:
        """Put a local file where the URL says."""
        bucket, key = split(url)
        with open(path, "rb") as file:
            headers = {"Content-Length": str(os.fstat(file.fileno()).st_size)}
            status, _ = self._ask("PUT", bucket, key, headers=headers, body=file)
        if status != 200:
            raise ObsError("%s cannot be written: OBS answers %d" % (url, status))

    def _get(self, bucket: str, key: str, path: str) -> bool:
        status, _ = self._ask("GET", bucket, key, path=path)
        if status == 404:
            return False
        if status != 200:
            raise ObsError("obs://%s/%s cannot be read: OBS answers %d" % (bucket, key, status))
        return True

    def _names(self, bucket: str, prefix: str) -> "Iterator[str]":
        marker = ""
        while True:
            query = {"prefix": prefix, "marker": marker, "max-keys": str(PAGE)}
            status, content = self._ask("GET", bucket, "", query=query)
            if status != 200:
                raise ObsError("obs://%s/%s cannot be listed: OBS answers %d" % (bucket, prefix, status))
            root = xml.etree.ElementTree.fromstring(content)  # noqa: S314  the platform's own store
            names = [_text(entry, "Key") for entry in root if _bare(entry.tag) == "Contents"]
            for name in names:
                yield name
            if _text(root, "IsTruncated") != "true" or not names:
                return
            marker = _text(root, "NextMarker") or names[-1]

    def _ask(
        self,
        method: str,
        bucket: str,
        key: str,
        query: "Any" = None,
        headers: "Any" = None,
        body: "Any" = None,
        path: str = "",
    ) -> "Tuple[int, bytes]":
        """One call, again where the network or the store fails; the content goes to a file where a path is given."""
        attempt = 0
        while True:
            attempt += 1
            if body is not None:
                body.seek(0)
            try:
                status, content = self._once(method, bucket, key, query or {}, headers or {}, body, path)
                if status < 500 and status != 429:
                    return status, content
                fault = "OBS answers %d" % status
            except (OSError, HTTPException) as lost:
                self._hang_up(threading.get_ident())
                fault = "%s: %s" % (type(lost).__name__, lost)
            if attempt == ATTEMPTS:
                raise ObsError("obs://%s/%s: %s" % (bucket, key, fault))
            time.sleep(0.2 * 2**attempt)

    def _once(
        self, method: str, bucket: str, key: str, query: "Any", headers: "Any", body: "Any", path: str
    ) -> "Tuple[int, bytes]":
        coded = quote(key, safe="/~")
        host = self._netloc if self._by_path else "%s.%s" % (bucket, self._netloc)
        target = _path(bucket, coded) if self._by_path else "/" + coded
        if query:
            target += "?" + "&".join("%s=%s" % (name, quote(value, safe="")) for name, value in query.items())
        connection = self._connected(host)
        connection.request(method, target, body=body, headers=self._signed(method, bucket, coded, headers))
        response = connection.getresponse()
        if path and response.status == 200:
            _write(response, path)
            return 200, b""
        return response.status, response.read()

    def _connected(self, host: str) -> "Any":
        """This thread's connection to a host, which is kept."""
        own = threading.get_ident()
        if self._lines.get(own, ("", None))[0] != host:
            self._hang_up(own)
            self._lines[own] = (host, self._connect(host))
        return self._lines[own][1]

    def _hang_up(self, thread: int) -> None:
        _, connection = self._lines.pop(thread, ("", None))
        if connection is not None:
            connection.close()

    def _connect(self, host: str) -> "Any":
        if not self._secure:
            return HTTPConnection(host, timeout=60)
        import ssl

        context = ssl.create_default_context()
        if not self._verify:  # as the platform itself tells its jobs
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return HTTPSConnection(host, timeout=60, context=context)

    def _signed(self, method: str, bucket: str, coded: str, headers: "Dict[str, str]") -> "Dict[str, str]":
        """The headers with a signature of the second S3 version, which OBS takes by path and by host alike."""
        date = formatdate(usegmt=True)
        extra = "x-amz-security-token:%s\n" % self._token if self._token else ""
        resource = _path(bucket, coded) if self._by_path else "/%s/%s" % (bucket, coded)
        text = "%s\n\n\n%s\n%s%s" % (method, date, extra, resource)
        made = base64.b64encode(hmac.new(self._secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
        signed = dict(headers, Date=date, Authorization="AWS %s:%s" % (self._access, made))
        if self._token:
            signed["x-amz-security-token"] = self._token
        return signed


def _write(response: "Any", path: str) -> None:
    """The content into a file that appears whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    expected = response.getheader("Content-Length")
    size = 0
    with open(path + ".part", "wb") as file:
        while True:
            block = response.read(BLOCK)
            if not block:
                break
            size += file.write(block)
    if expected is not None and size != int(expected):
        raise socket.timeout("%d bytes of %s came" % (size, expected))
    os.rename(path + ".part", path)


def files_below(folder: str) -> "List[str]":
    """The files below a folder, by their paths in it."""
    found = []
    for place, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(place, name), folder) for name in names]
    return sorted(found)


def _path(bucket: str, coded: str) -> str:
    return "/%s/%s" % (bucket, coded) if coded else "/" + bucket


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]


def _text(element: "Any", name: str) -> str:
    for child in element:
        if _bare(child.tag) == name:
            return child.text or ""
    return ""
