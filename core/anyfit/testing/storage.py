# ruff: noqa: S101
"""What every store keeps to. Inherit the class, give it a fixture, run pytest:

from anyfit.testing.storage import StorageContract

class TestMyStore(StorageContract):
    @pytest.fixture
    def store(self): ...   # an empty store; closed by the fixture
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from anyfit.errors import NotFound, StorageError, Unsupported, UsageError
from anyfit.storage import Page, Store

__all__ = ["StorageContract"]


class StorageContract:
    """The promises of `anyfit.storage.Store`.

    Attributes:
        odd_keys: Keys that the store must keep apart and give back as they are. A store that cannot have some of them,
            such as a file system, leaves those out.
        refused_keys: Keys that the store must refuse.
    """

    odd_keys: tuple[str, ...] = (
        "a b",
        "a+b",
        "a%20b",
        "100%",
        "q?x=1&y#z",
        "训练/数据 集.txt",
        "é",
        "e\u0301",
        "quote'\"<>&;",
        "back\\slash",
        "trailing.",
        "~tilde",
        "tab\there",
        "~" * 200,
        "emoji-\N{ROCKET}",
    )
    refused_keys: tuple[str, ...] = ()

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """An empty store."""
        raise NotImplementedError

    def test_put_then_read(self, store: Store) -> None:
        """What was put is read back, and its entry says size and time."""
        before = datetime.now(timezone.utc) - timedelta(minutes=1)
        entry = store.put("dir/a.txt", b"hello")
        seen = store.stat("dir/a.txt")

        assert store.read("dir/a.txt") == b"hello"
        assert (entry.key, entry.size) == (seen.key, seen.size) == ("dir/a.txt", 5)
        assert entry.etag == seen.etag
        assert before < seen.modified < datetime.now(timezone.utc) + timedelta(minutes=1)

    def test_put_replaces(self, store: Store) -> None:
        """A second put replaces the first, whatever their sizes."""
        store.put("a", b"a longer text")
        store.put("a", b"short")
        store.put("b", b"x")
        store.put("b", b"")

        assert store.read("a") == b"short"
        assert store.read("b") == b""

    @pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_001])
    def test_sizes(self, store: Store, size: int) -> None:
        """Objects of any size come back whole, the empty one too."""
        data = bytes(range(256)) * (size // 256 + 1)
        store.put("x", memoryview(data)[:size])

        assert store.read("x") == data[:size]
        assert store.stat("x").size == size

    def test_ranges(self, store: Store) -> None:
        """A range gives its bytes and the whole object's entry; beyond the end it is cut."""
        store.put("x", b"0123456789")

        for start, length, expected in [
            (0, None, b"0123456789"),
            (3, 4, b"3456"),
            (8, 100, b"89"),
            (9, None, b"9"),
            (10, None, b""),
            (50, 5, b""),
            (4, 0, b""),
        ]:
            with store.open("x", start=start, length=length) as reader:
                assert reader.read() == expected
                assert reader.entry.size == 10

    def test_reading_in_pieces(self, store: Store) -> None:
        """`readinto` fills a buffer piece by piece and says 0 at the end."""
        data = bytes(range(256)) * 4096
        store.put("x", data)
        buffer = memoryview(bytearray(100_000))
        pieces = []
        with store.open("x", start=10) as reader:
            while count := reader.readinto(buffer):
                pieces.append(bytes(buffer[:count]))
            assert reader.readinto(buffer) == 0

        assert b"".join(pieces) == data[10:]

    def test_an_empty_object_can_be_opened(self, store: Store) -> None:
        """Opening an object without bytes gives none, with a range or without."""
        store.put("empty", b"")

        with store.open("empty") as whole, store.open("empty", start=0, length=5) as some:
            assert whole.read() == some.read() == b""

    def test_reading_half_and_closing(self, store: Store) -> None:
        """A reader may be closed before its end; the store goes on working."""
        store.put("x", bytes(1_000_000))
        for _ in range(3):
            with store.open("x") as reader:
                assert reader.readinto(memoryview(bytearray(10))) > 0

        assert store.stat("x").size == 1_000_000

    def test_etag_guards_a_read(self, store: Store) -> None:
        """Reading with the etag of an older version fails instead of giving other bytes."""
        old = store.put("x", b"old")
        with store.open("x", etag=old.etag) as reader:
            assert reader.read() == b"old"
        store.put("x", b"new!")

        with pytest.raises(StorageError), store.open("x", etag=old.etag) as reader:
            reader.read()

    def test_what_is_not_there(self, store: Store) -> None:
        """Looking at or reading a missing object raises NotFound; deleting it is fine."""
        for ask in (store.stat, store.read, store.open):
            with pytest.raises(NotFound):
                ask("nothing/here")
        store.delete("nothing/here")

    def test_delete(self, store: Store) -> None:
        """A deleted object is gone, its neighbours stay."""
        store.put("d/a", b"1")
        store.put("d/b", b"2")
        store.delete("d/a")

        assert _keys(store) == ["d/b"]

    def test_delete_many(self, store: Store) -> None:
        """Many go at once; those that do not exist are no failure."""
        keys = [f"d/{n:03}" for n in range(25)]
        for key in keys:
            store.put(key, b"x")

        assert list(store.delete_many([*keys[:-1], "not/there"])) == []
        assert _keys(store) == keys[-1:]

    def test_buckets(self, store: Store) -> None:
        """The buckets of the account have the store's own among them, in order, or cannot be listed."""
        try:
            buckets = store.buckets()
        except Unsupported:
            return
        names = [bucket.name for bucket in buckets]

        assert store.bucket in names
        assert names == sorted(names)
        assert all(bucket.created < datetime.now(timezone.utc) + timedelta(minutes=1) for bucket in buckets)

    def test_list_in_order(self, store: Store) -> None:
        """Keys come in the order of their UTF-8 bytes, with size."""
        keys = sorted(["a-b", "a/b/c", "a/b-c", "a.txt", "ab", "B", "中", "é"], key=str.encode)
        for key in keys:
            store.put(key, key.encode())
        entries = list(store.list())

        assert [entry.key for entry in entries] == keys
        assert [entry.size for entry in entries] == [len(key.encode()) for key in keys]

    def test_list_prefix_is_text(self, store: Store) -> None:
        """A prefix is the beginning of a key, not a directory; one that no key has lists nothing."""
        for key in ("data/x", "data/y/z", "data2", "other"):
            store.put(key, b"")

        assert _keys(store, "data") == ["data/x", "data/y/z", "data2"]
        assert _keys(store, "data/") == ["data/x", "data/y/z"]
        assert _keys(store, "data/y") == ["data/y/z"]
        assert _keys(store, "nothing/") == []

    def test_list_pages(self, store: Store) -> None:
        """Pages of any length give every key once."""
        keys = [f"p/{n:02}/{m}" for n in range(4) for m in range(3)]
        for key in keys:
            store.put(key, b"")

        for limit in (1, 5, 12, 100):
            pages = list(_pages(store, "p/", limit=limit))
            assert [entry.key for page in pages for entry in page.entries] == keys
            assert all(len(page.entries) <= limit for page in pages)

    def test_list_goes_on_after_what_was_deleted(self, store: Store) -> None:
        """The next page begins after the last key, whatever became of the keys before it."""
        keys = [f"p/{n}" for n in range(5)]
        for key in keys:
            store.put(key, b"")
        first = store.list_page("p/", limit=2)
        for entry in first.entries:
            store.delete(entry.key)

        assert [entry.key for entry in store.list_page("p/", token=first.next).entries] == keys[2:]

    def test_list_folded(self, store: Store) -> None:
        """With a delimiter, what lies deeper is folded into directories, on every page length."""
        for key in ("r/a", "r/b/1", "r/b/2", "r/c/d/e", "r/z"):
            store.put(key, b"")

        for limit in (1, 2, 100):
            pages = list(_pages(store, "r/", delimiter=True, limit=limit))
            assert [entry.key for page in pages for entry in page.entries] == ["r/a", "r/z"]
            assert [name for page in pages for name in page.directories] == ["r/b/", "r/c/"]

    def test_markers(self, store: Store) -> None:
        """An empty object whose key ends in a slash marks a directory and can be seen and deleted."""
        store.put("empty/", b"")
        entry = next(store.list())

        assert entry.is_marker
        assert store.stat("empty/").is_marker
        store.delete("empty/")
        assert _keys(store) == []

    def test_odd_keys(self, store: Store) -> None:
        """Keys are kept as they are, byte for byte, and kept apart."""
        for key in self.odd_keys:
            store.put(key, key.encode())

        assert _keys(store) == sorted(self.odd_keys, key=str.encode)
        for key in self.odd_keys:
            assert store.read(key) == key.encode()
            assert store.stat(key).key == key
            assert _keys(store, key) == [other for other in _keys(store) if other.startswith(key)]
        assert list(store.delete_many(self.odd_keys)) == []
        assert _keys(store) == []

    def test_refused_keys(self, store: Store) -> None:
        """Keys that the store cannot have are refused, and nothing is written."""
        for key in self.refused_keys:
            with pytest.raises(StorageError):
                store.put(key, b"x")

        assert _keys(store) == []

    def test_an_empty_key_is_no_object(self, store: Store) -> None:
        """What holds the objects is neither written, read nor deleted as if it were one."""
        store.put("a", b"1")

        for use in (store.stat, store.open, store.delete, store.presign, lambda key: store.put(key, b"x")):
            with pytest.raises((StorageError, NotFound, Unsupported)):
                use("")
        store.delete("a")
        assert [failure.key for failure in store.delete_many([""])] == [""]
        assert _keys(store) == []
        store.put("a", b"1")

    def test_checksum_is_kept(self, store: Store) -> None:
        """A checksum given with an object is shown again, or not at all."""
        store.put("x", b"x", checksum="crc32:1:AAAAAA==")
        with store.open("x") as reader:
            seen = reader.entry.checksum

        assert seen in ("", "crc32:1:AAAAAA==")
        assert store.stat("x").checksum == seen

    def test_multipart(self, store: Store) -> None:
        """Parts sent in any order, one of them twice, become one object; before that there is none."""
        if not store.multipart:
            pytest.skip(f"{store.scheme} has no multipart upload")
        first, second, third = b"a" * store.min_part, b"b" * store.min_part, b"end"
        upload = store.start_upload("big", checksum="crc32:1:AAAAAA==")
        parts = [store.put_part("big", upload, 3, third), store.put_part("big", upload, 1, first)]
        store.put_part("big", upload, 2, first)
        parts.append(store.put_part("big", upload, 2, memoryview(second)))

        with pytest.raises(NotFound):
            store.stat("big")
        assert sorted(parts) == list(store.list_parts("big", upload))
        assert [part.size for part in store.list_parts("big", upload)] == [len(first), len(second), len(third)]
        entry = store.finish_upload("big", upload, parts)
        assert entry.size == len(first) + len(second) + len(third)
        assert store.read("big") == first + second + third
        with pytest.raises(NotFound):
            store.list_parts("big", upload)

    def test_abort(self, store: Store) -> None:
        """An aborted upload leaves nothing; aborting twice is fine."""
        if not store.multipart:
            pytest.skip(f"{store.scheme} has no multipart upload")
        upload = store.start_upload("big")
        store.put_part("big", upload, 1, b"x")
        store.abort_upload("big", upload)
        store.abort_upload("big", upload)

        assert _keys(store) == []
        with pytest.raises(NotFound):
            store.put_part("big", upload, 2, b"x")

    def test_copy_inside(self, store: Store) -> None:
        """A store that can copy by itself gives an equal object, odd keys included."""
        if not store.copies_from(store):
            with pytest.raises(Unsupported):
                store.copy(store, "a", "b")
            return
        for key in self.odd_keys:
            store.put(key, key.encode())
            entry = store.copy(store, key, "the copy")
            assert entry.size == len(key.encode())
            assert store.read("the copy") == key.encode()

    def test_presigned(self, store: Store) -> None:
        """A presigned URL reads and writes without keys."""
        store.put("dir/a b+训.txt", b"hello")
        try:
            url = store.presign("dir/a b+训.txt", expires=600)
        except Unsupported:
            pytest.skip(f"{store.scheme} has no presigned URLs")
        with urllib.request.urlopen(url) as answer:  # noqa: S310
            assert answer.read() == b"hello"
        request = urllib.request.Request(store.presign("new", method="PUT"), data=b"put", method="PUT")  # noqa: S310
        request.add_header("Content-Type", "")
        with urllib.request.urlopen(request):  # noqa: S310
            assert store.read("new") == b"put"

    def test_presigned_in_vain(self, store: Store) -> None:
        """A URL that nobody could ever use is not given out."""
        for how in ({"method": "POST"}, {"expires": 0}):
            with pytest.raises(UsageError):
                store.presign("a", **how)

    def test_many_threads(self, store: Store) -> None:
        """One store serves many threads."""

        def work(n: int) -> bytes:
            store.put(f"t/{n}", str(n).encode() * 1000)
            return store.read(f"t/{n}")

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(work, range(40)))

        assert answers == [str(n).encode() * 1000 for n in range(40)]
        assert len(_keys(store, "t/")) == 40


def _keys(store: Store, prefix: str = "") -> list[str]:
    return [entry.key for entry in store.list(prefix)]


def _pages(store: Store, prefix: str, *, limit: int, delimiter: bool = False) -> Iterator[Page]:
    token = ""
    while True:
        page = store.list_page(prefix, token=token, limit=limit, delimiter=delimiter)
        yield page
        token = page.next
        if not token:
            return
