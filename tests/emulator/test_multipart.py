"""Multipart uploads: where parts lie, and what may go wrong with them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import pytest
import requests

from anyfit_emulator import ObjectStoreServer
from anyfit_emulator.storage.digests import Digests

Code = Callable[[requests.Response], str]
MIB = 1 << 20


class Upload:
    """An upload of `/a`."""

    def __init__(self, client: Any) -> None:
        self.client = client
        answer = client("POST", "/a?uploads", b"", Content_Type="text/x")
        self.id = answer.text.partition("<UploadId>")[2].partition("</UploadId>")[0]
        self.etags: dict[int, str] = {}

    def put(self, number: int, data: bytes) -> requests.Response:
        """Send a part."""
        answer: requests.Response = self.client("PUT", f"/a?partNumber={number}&uploadId={self.id}", data)
        self.etags[number] = answer.headers.get("ETag", "")
        return answer

    def complete(self, numbers: Sequence[int]) -> requests.Response:
        """Put the parts together."""
        parts = "".join(
            f"<Part><PartNumber>{n}</PartNumber><ETag>{self.etags.get(n, '0')}</ETag></Part>" for n in numbers
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        answer: requests.Response = self.client("POST", f"/a?uploadId={self.id}", body)
        return answer


@pytest.fixture
def upload(client: Any) -> Upload:
    """An upload that has begun."""
    client.server.options.min_part = 0
    return Upload(client)


def content(number: int, size: int) -> bytes:
    """Bytes that differ from part to part."""
    return bytes([number]) * size


ORDERS = [
    [(1, 3 * MIB), (2, 3 * MIB), (3, MIB)],
    [(3, MIB), (2, 3 * MIB), (1, 3 * MIB)],
    [(2, 3 * MIB), (3, MIB), (1, 3 * MIB)],
    [(1, 5), (2, 5), (3, 5)],
    [(1, 5), (2, 9), (3, 2), (4, 9)],
    [(7, 5), (90, 3)],
    [(1, 0)],
]


@pytest.mark.parametrize("parts", ORDERS, ids=str)
def test_parts_become_one_object(client: Any, upload: Upload, parts: list[tuple[int, int]]) -> None:
    """Whatever the order and sizes of parts, the object is their content by number."""
    for number, size in parts:
        upload.put(number, content(number, size))
    numbers = sorted(upload.etags)
    answer = upload.complete(numbers)
    expected = b"".join(content(number, size) for number, size in sorted(parts))
    digest = hashlib.md5(b"".join(bytes.fromhex(upload.etags[n].strip('"')) for n in numbers)).hexdigest()

    assert answer.status_code == 200
    got = client("GET", "/a")
    assert got.content == expected
    assert got.headers["ETag"] == f'"{digest}-{len(numbers)}"'
    assert got.headers["Content-Type"] == "text/x"
    server: ObjectStoreServer = client.server
    digests = Digests()
    digests.update(expected)
    assert server.store.stat(server.bucket, "a").crc64 == str(digests.crc64)
    assert list((server.store.system / "uploads").iterdir()) == []


def test_a_part_may_be_sent_again(client: Any, upload: Upload) -> None:
    """The last one counts, a failed one does not."""
    upload.put(1, content(1, 9))
    upload.put(2, content(2, 9))
    upload.put(1, content(3, 8))
    client.claimed = b"other"
    etag = upload.etags[1]
    assert upload.put(1, content(4, 9)).status_code == 400
    client.claimed, upload.etags[1] = None, etag

    assert upload.complete([1, 2]).status_code == 200
    assert client("GET", "/a").content == content(3, 8) + content(2, 9)


def test_only_named_parts_are_taken(client: Any, upload: Upload) -> None:
    """A part that the list leaves out is thrown away."""
    for number in (1, 2, 3):
        upload.put(number, content(number, 9))

    upload.complete([1, 3])
    assert client("GET", "/a").content == content(1, 9) + content(3, 9)


def test_wrong_lists_of_parts_are_refused(client: Any, upload: Upload, error_code: Code) -> None:
    """Order, ETag and size are checked, and the upload goes on."""
    upload.put(1, b"1")
    upload.put(2, b"2")
    client.server.options.min_part = None

    assert error_code(upload.complete([2, 1])) == "InvalidPartOrder"
    assert error_code(upload.complete([1, 1])) == "InvalidPartOrder"
    assert error_code(upload.complete([1, 2, 3])) == "InvalidPart"
    assert error_code(upload.complete([1, 2])) == "EntityTooSmall"
    assert error_code(upload.complete([])) == "MalformedXML"
    assert error_code(upload.put(0, b"")) == "InvalidArgument"
    assert error_code(upload.put(10_001, b"")) == "InvalidArgument"
    assert upload.complete([1]).status_code == 200
    assert error_code(upload.complete([1])) == "NoSuchUpload"


def test_parts_and_uploads_survive_a_restart(client: Any, upload: Upload) -> None:
    """A client resumes an upload with another process of the server."""
    old: ObjectStoreServer = client.server
    upload.put(1, content(1, 9))
    old.stop()
    with ObjectStoreServer(old.data_dir) as server:
        client.server = server
        listed = client("GET", f"/a?uploadId={upload.id}")
        uploads = client("GET", "?uploads")
        upload.put(2, content(2, 9))
        done = upload.complete([1, 2])

        assert "<PartNumber>1</PartNumber>" in listed.text
        assert upload.id in uploads.text
        assert done.status_code == 400  # the restarted server has its own limits: 5 MiB a part
        server.options.min_part = 0
        assert upload.complete([1, 2]).status_code == 200
        assert client("GET", "/a").content == content(1, 9) + content(2, 9)


def test_parts_are_listed_in_pages(client: Any, upload: Upload) -> None:
    """A page ends where the client says, and tells where to go on."""
    for number in (1, 2, 3):
        upload.put(number, b"x")
    first = client("GET", f"/a?uploadId={upload.id}&max-parts=2").text
    second = client("GET", f"/a?uploadId={upload.id}&max-parts=2&part-number-marker=2").text

    assert (first.count("<Part>"), second.count("<Part>")) == (2, 1)
    assert "<IsTruncated>true" in first
    assert "<NextPartNumberMarker>2<" in first
    assert "<IsTruncated>false" in second


def test_an_aborted_upload_is_gone(client: Any, upload: Upload, error_code: Code) -> None:
    """Its parts go with it."""
    upload.put(1, b"x")

    assert client("DELETE", f"/a?uploadId={upload.id}").status_code == 204
    assert error_code(upload.put(2, b"x")) == "NoSuchUpload"
    assert list((client.server.store.system / "uploads").iterdir()) == []


def test_parts_can_be_copied(client: Any, upload: Upload) -> None:
    """A part may be a range of another object."""
    client("PUT", "/source", b"0123456789")
    source = f"/{client.server.bucket}/source"
    for number, header in ((1, "bytes=2-4"), (2, "")):
        headers = {"x_amz_copy_source": source} | ({"x_amz_copy_source_range": header} if header else {})
        answer = client("PUT", f"/a?partNumber={number}&uploadId={upload.id}", b"", **headers)
        upload.etags[number] = answer.text.partition("<ETag>")[2].partition("</ETag>")[0].replace("&#34;", '"')

    assert upload.complete([1, 2]).status_code == 200
    assert client("GET", "/a").content == b"2340123456789"


@pytest.mark.parametrize("span", ["bytes=2-10", "bytes=3-2", "bytes=2-", "bytes=-2", "all"])
def test_only_a_range_that_is_there_is_copied(client: Any, upload: Upload, span: str, error_code: Code) -> None:
    """Both ends have to be told, and to lie in the source: nothing else is copied in its place."""
    client("PUT", "/source", b"0123456789")
    headers = {"x_amz_copy_source": f"/{client.server.bucket}/source", "x_amz_copy_source_range": span}
    answer = client("PUT", f"/a?partNumber=1&uploadId={upload.id}", b"", **headers)

    assert error_code(answer) == "InvalidArgument"
    assert "<Part>" not in client("GET", f"/a?uploadId={upload.id}").text


def test_uploads_are_listed_in_pages_and_by_directory(client: Any, upload: Upload) -> None:
    """Each page goes on behind the last upload or common prefix of the one before."""
    for key in ("b", "b", "d/1", "d/2", "e"):
        client("POST", f"/{key}?uploads")
    shown: list[list[str]] = []
    query = ""
    while True:
        text = client("GET", f"?uploads&delimiter=%2F&max-uploads=2{query}").text
        keys = re.findall(r"<Upload><Key>(.*?)</Key>", text)
        shown.append(keys + re.findall(r"<CommonPrefixes><Prefix>(.*?)</Prefix>", text))
        if "<IsTruncated>true" not in text:
            break
        after = re.findall(r"<NextKeyMarker>(.*?)</NextKeyMarker><NextUploadIdMarker(?:/>|>(.*?)<)", text)[0]
        query = f"&key-marker={quote(after[0], safe='')}&upload-id-marker={after[1]}"

    assert shown == [["a", "b"], ["b", "d/"], ["e"]]
    assert re.findall(r"<Key>(.*?)</Key>", client("GET", "?uploads&prefix=d%2F").text) == ["d/1", "d/2"]


def test_a_part_that_comes_too_late_changes_nothing(client: Any, upload: Upload) -> None:
    """What still arrives when an upload is completed without it is thrown away."""
    server: ObjectStoreServer = client.server
    upload.put(1, b"12345")
    late = server.uploads.write(server.uploads.get(server.bucket, "a", upload.id), 2, 5)
    assert upload.complete([1]).status_code == 200
    with late:
        late.write(b"67890")

    assert client("GET", "/a").content == b"12345"
