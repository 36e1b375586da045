"""Copying and synchronising in every direction."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit.errors import NotFound, StorageError, UsageError
from anyfit.storage import (
    Action,
    FileStore,
    Progress,
    Report,
    Store,
    StoreSettings,
    Uri,
    copy_tree,
    exclude,
    include,
    open_store,
    sync,
)
from anyfit.storage.answers import OPAQUE
from anyfit.storage.atomic import AtomicFile
from anyfit.values import evolve
from anyfit_emulator.storage import ObjectStoreServer
from waiting import within

MIB = 1 << 20
Opener = Callable[..., Store]

_WAYS = [("s3", True), ("s3", False), ("obs", True), ("obs", False), ("cos", True), ("cos", False)]


@pytest.fixture(params=_WAYS, ids=lambda way: f"{way[0]}-{'direct' if way[1] else 'library'}")
def bucket_store(request: pytest.FixtureRequest, open_in: Opener) -> Store:
    """An empty bucket, by each road."""
    scheme, fast = request.param
    return open_in(scheme, fast=fast)


class Lab:
    """Two places to move things between: a directory and a bucket."""

    def __init__(self, tmp_path: Path, store: Store) -> None:
        self.local = tmp_path / "local"
        self.local.mkdir()
        self.store = store
        self.remote = Uri(store.scheme, store.bucket, "data/")
        self.state = tmp_path / "state"

    def write(self, name: str, data: bytes) -> Path:
        path = self.local / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def open(self, uri: Uri) -> Store:
        return FileStore() if uri.is_local else self.store

    def sync(self, source: Uri | Path, target: Uri | Path, **options: Any) -> Report:
        return sync(source, target, open=self.open, state_dir=self.state, **options)

    def copy(self, source: Uri | Path, target: Uri | Path, **options: Any) -> Report:
        return copy_tree(source, target, open=self.open, state_dir=self.state, **options)

    def remote_names(self) -> list[str]:
        return [entry.key.removeprefix("data/") for entry in self.store.list("data/")]


@pytest.fixture
def lab(tmp_path: Path, bucket_store: Store) -> Lab:
    """The laboratory on every store."""
    return Lab(tmp_path, bucket_store)


@pytest.fixture
def one(tmp_path: Path, open_in: Opener) -> Lab:
    """The laboratory on S3 alone, where the way does not matter."""
    return Lab(tmp_path, open_in("s3"))


def _files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_there_and_back(lab: Lab, tmp_path: Path) -> None:
    """A tree with small, empty, large and oddly named files comes back the same; a second run moves nothing."""
    for n in range(30):
        lab.write(f"d{n % 3}/f{n}", os.urandom(n * 100))
    lab.write("large", os.urandom(3 * MIB + 17))
    lab.write("训练 数据/100%+#?.txt", b"odd")
    up = lab.sync(lab.local, lab.remote, part_size=MIB)
    again = lab.sync(lab.local, lab.remote, part_size=MIB)
    down = lab.sync(lab.remote, tmp_path / "back", part_size=MIB)
    back = lab.sync(lab.remote, tmp_path / "back", part_size=MIB)

    assert not up.failures + again.failures + down.failures + back.failures
    assert (up.copied, up.skipped, again.copied, again.skipped) == (32, 0, 0, 32)
    assert (down.copied, down.unproven, back.copied, back.skipped) == (32, 0, 0, 32)
    assert _files(tmp_path / "back") == _files(lab.local)
    assert up.bytes == down.bytes == sum(map(len, _files(lab.local).values()))
    assert not list(lab.state.iterdir())


def test_from_store_to_store(lab: Lab, open_in: Opener, tmp_path: Path) -> None:
    """Objects go from one service to another through this machine, large ones in parts."""
    lab.write("a", b"small")
    lab.write("b", os.urandom(6 * MIB + 3))
    lab.sync(lab.local, lab.remote, part_size=MIB)
    other = open_in("cos" if lab.store.scheme != "cos" else "obs")
    target = Uri(other.scheme, other.bucket, "there/")
    report = sync(
        lab.remote,
        target,
        open=lambda uri: other if uri.scheme == other.scheme else lab.store,
        state_dir=lab.state,
        part_size=5 * MIB,
    )

    assert (report.copied, report.unproven, report.failures) == (2, 0, ())
    assert other.read("there/b") == (lab.local / "b").read_bytes()
    assert other.stat("there/b").checksum == lab.store.stat("data/b").checksum != ""


def test_what_is_encrypted_is_not_proven_between_stores(
    one: Lab, open_in: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large objects that a service encrypts are counted as what they are."""
    for key in ("data/plain", "data/opaque"):
        one.store.put(key, os.urandom(6 * MIB))
    stat, other = one.store.stat, open_in("cos")
    monkeypatch.setattr(
        one.store, "stat", lambda key: evolve(stat(key), checksum=OPAQUE) if key == "data/opaque" else stat(key)
    )
    report = sync(
        one.remote,
        Uri("cos", other.bucket, "there/"),
        open=lambda uri: other if uri.scheme == "cos" else one.store,
        state_dir=one.state,
        part_size=5 * MIB,
    )

    assert (report.copied, report.unproven, report.failures) == (2, 1, ())


def test_inside_one_service(lab: Lab, server: ObjectStoreServer) -> None:
    """Between two places of one service the service copies by itself."""
    lab.write("a", b"small")
    lab.sync(lab.local, lab.remote)
    before = server.requests.counts.get("GetObject", 0)
    report = lab.sync(lab.remote, Uri(lab.store.scheme, lab.store.bucket, "copy/"))

    assert (report.copied, report.failures) == (1, ())
    assert lab.store.read("copy/a") == b"small"
    assert server.requests.counts.get("GetObject", 0) - before == 1, "only the assertion above reads"


def test_from_bucket_to_bucket_of_one_service(lab: Lab, server: ObjectStoreServer, settings_of: Any) -> None:
    """Each object is one request, whatever its name and size are: the listing has told of it."""
    name = f"other-{lab.store.bucket}"
    server.store.create_bucket(name)
    for key in ("a", "b+c d%20.txt", "训/?x=&#"):
        lab.store.put(f"data/{key}", key.encode())
    lab.store.put("data/large", bytes(9 * MIB))
    fast = lab.store.current.get().fast  # type: ignore[attr-defined]
    other = open_store(Uri(lab.store.scheme, name), settings_of(server, lab.store.scheme, fast=fast))
    before = server.requests.counts
    report = sync(
        lab.remote,
        Uri(other.scheme, name, "copy/"),
        open=lambda uri: other if uri.bucket == name else lab.store,
        compare="always",
        state_dir=lab.state,
    )
    counts = server.requests.counts

    assert (report.copied, report.failures) == (4, ())
    assert {word: n - before.get(word, 0) for word, n in counts.items() if n != before.get(word, 0)} == {
        "ListObjects": 1,
        "CopyObject": 4,
    }
    assert [entry.key for entry in other.list()] == ["copy/a", "copy/b+c d%20.txt", "copy/large", "copy/训/?x=&#"]
    assert other.read("copy/训/?x=&#") == "训/?x=&#".encode()
    other.close()


def test_on_one_disk(tmp_path: Path) -> None:
    """Directories are copied on one disk with times and permissions."""
    script = tmp_path / "a/bin/run.sh"
    script.parent.mkdir(parents=True)
    script.write_text("echo")
    script.chmod(0o755)
    report = sync(tmp_path / "a", tmp_path / "b")

    assert (report.copied, report.failures) == (1, ())
    assert (tmp_path / "b/bin/run.sh").stat().st_mode & 0o777 == 0o755
    assert sync(tmp_path / "a", tmp_path / "b").copied == 0


def test_delete(lab: Lab, tmp_path: Path) -> None:
    """With delete, what the source has not is deleted on either side; what filters leave out stays."""
    for name in ("keep", "gone/x", "gone/y", "log/1"):
        lab.write(name, b"x")
    lab.sync(lab.local, lab.remote)
    lab.sync(lab.remote, tmp_path / "back")
    (lab.local / "gone/x").unlink()
    (lab.local / "gone/y").unlink()
    (lab.local / "log/1").unlink()
    up = lab.sync(lab.local, lab.remote, delete=True, filters=exclude("log/"))
    down = lab.sync(lab.remote, tmp_path / "back", delete=True)

    assert (up.deleted, down.deleted) == (2, 2)
    assert lab.remote_names() == ["keep", "log/1"]
    assert sorted(_files(tmp_path / "back")) == ["keep", "log/1"]
    assert not (tmp_path / "back/gone").exists()


def test_nothing_is_deleted_through_links(one: Lab, tmp_path: Path) -> None:
    """What lies behind a link to a directory has another name, or is elsewhere: it may be what the source has."""
    one.store.put("data/real/a", b"x")
    for path in (tmp_path / "target/real", tmp_path / "elsewhere"):
        path.mkdir(parents=True)
        (path / "a").write_bytes(b"x")
    for name, goal in (("inside", "real"), ("outside", "../elsewhere"), ("file", "real/a")):
        (tmp_path / "target" / name).symlink_to(goal)
    report = one.sync(one.remote, tmp_path / "target", delete=True)

    assert (report.deleted, report.failures) == (1, ())
    assert sorted(path.name for path in (tmp_path / "target").iterdir()) == ["inside", "outside", "real"]
    assert (tmp_path / "target/real/a").exists() and (tmp_path / "elsewhere/a").exists()


def test_nothing_is_deleted_when_the_source_is_not_known(one: Lab) -> None:
    """When a part of the source cannot be listed, nothing is deleted, and the report says so."""
    one.write("a/x", b"x")
    one.sync(one.local, one.remote)
    (one.local / "a/x").unlink()
    (one.local / "a").rmdir()
    (one.local / "a").symlink_to("nowhere")
    report = one.sync(one.local, one.remote, delete=True)

    assert report.deleted == 0
    assert report.failures[0].reason.startswith("nothing was deleted")
    assert one.remote_names() == ["a/x"]


def test_dry_run(lab: Lab) -> None:
    """A dry run tells what would be done and does nothing."""
    lab.write("new", b"12345")
    lab.store.put("data/old", b"x")
    actions: list[Action] = []
    report = lab.sync(lab.local, lab.remote, delete=True, dry_run=True, on_action=actions.append)

    assert (report.copied, report.bytes, report.deleted) == (1, 5, 1)
    assert sorted((action.kind, action.target, action.size) for action in actions) == [
        ("copy", f"{lab.remote}new", 5),
        ("delete", f"{lab.remote}old", 1),
    ]
    assert lab.remote_names() == ["old"]


@pytest.mark.parametrize(
    ("filters", "taken"),
    [
        ((), ["a.txt", "b.bin", "d/c.txt", "d/e/f.bin"]),
        (exclude("*.bin"), ["a.txt", "d/c.txt"]),
        (include("*.txt"), ["a.txt", "d/c.txt"]),
        (exclude("*") + include("d/*"), ["d/c.txt", "d/e/f.bin"]),
        (exclude("d/"), ["a.txt", "b.bin"]),
        (exclude("*.bin") + include("d/e/*"), ["a.txt", "d/c.txt", "d/e/f.bin"]),
        (include("*.bin") + exclude("d/"), ["b.bin"]),
    ],
)
def test_filters(tmp_path: Path, filters: tuple[object, ...], taken: list[str]) -> None:
    """The last pattern that fits decides, as with `aws s3`."""
    for name in ("a.txt", "b.bin", "d/c.txt", "d/e/f.bin"):
        FileStore(tmp_path / "a").put(name, b"x")
    sync(tmp_path / "a", tmp_path / "b", filters=filters)

    assert sorted(_files(tmp_path / "b")) == taken


def test_what_counts_as_changed(lab: Lab) -> None:
    """Size and time, size alone, or proven content decide what is moved again."""
    path = lab.write("a", b"one")
    lab.sync(lab.local, lab.remote)
    path.write_bytes(b"two")
    past = time.time() - 1000
    os.utime(path, (past, past))

    assert lab.sync(lab.local, lab.remote, compare="time").copied == 0
    assert lab.sync(lab.local, lab.remote, compare="size").copied == 0
    assert lab.sync(lab.local, lab.remote, compare="checksum").copied == 1
    assert lab.store.read("data/a") == b"two"
    os.utime(path, (time.time() + 1000,) * 2)
    assert lab.sync(lab.local, lab.remote, compare="checksum").copied == 0
    assert lab.sync(lab.local, lab.remote, compare="size").copied == 0
    assert lab.sync(lab.local, lab.remote, compare="time").copied == 1
    assert lab.sync(lab.local, lab.remote, compare="always").copied == 1


def test_checksums_of_objects_sent_in_parts(lab: Lab, tmp_path: Path) -> None:
    """Large unchanged files are recognised by the ETag of their parts, without being moved."""
    lab.write("large", os.urandom(11 * MIB))
    lab.sync(lab.local, lab.remote, part_size=5 * MIB)
    report = lab.sync(lab.local, lab.remote, compare="checksum")

    assert (report.copied, report.skipped) == (0, 1)


def test_single_objects(lab: Lab, tmp_path: Path) -> None:
    """One object goes to a name, or into a directory when the target has a slash or is one."""
    path = lab.write("model.bin", b"weights")
    bucket = lab.remote.root
    lab.copy(path, bucket.join("m/one"))
    lab.copy(path, bucket.join("m/dir/"))
    lab.copy(bucket.join("m/one"), tmp_path / "got")
    (tmp_path / "there").mkdir()
    lab.copy(bucket.join("m/one"), tmp_path / "there")
    lab.copy(bucket.join("m/one"), bucket.join("m/two"))

    assert [entry.key for entry in lab.store.list("m/")] == ["m/dir/model.bin", "m/one", "m/two"]
    assert (tmp_path / "got").read_bytes() == (tmp_path / "there/one").read_bytes() == b"weights"


def test_directory_or_object(one: Lab, tmp_path: Path) -> None:
    """A name without slash is the object if there is one, else the directory; markers are not copied."""
    one.store.put("data/x", b"object")
    one.store.put("data/x/y", b"below")
    one.store.put("data/only/", b"")
    one.store.put("data/only/z", b"z")
    bucket = one.remote.root
    one.copy(bucket.join("data/x"), tmp_path / "a")
    one.copy(bucket.join("data/x/"), tmp_path / "b")
    one.copy(bucket.join("data/only"), tmp_path / "c")

    assert (tmp_path / "a").read_bytes() == b"object"
    assert _files(tmp_path / "b") == {"y": b"below"}
    assert _files(tmp_path / "c") == {"z": b"z"}
    for missing in ("data/on", "nothing", "nothing/"):
        with pytest.raises(NotFound):
            one.copy(bucket.join(missing), tmp_path / "d")
    with pytest.raises(NotFound):
        one.copy(tmp_path / "missing", one.remote)


def test_a_directory_with_content_of_its_own(one: Lab, tmp_path: Path) -> None:
    """Content under a directory's own key is copied like any other, and a disk that cannot hold it says so."""
    for key in ("data/", "data/sub/", "data/a"):
        one.store.put(key, key.encode())
    inside = one.sync(one.remote, one.remote.root.join("copy/"))
    again = one.sync(one.remote, one.remote.root.join("copy/"))
    down = one.sync(one.remote, tmp_path / "back")
    whole = one.sync(one.remote, one.remote.root)
    gone = one.sync(tmp_path / "back", one.remote.root.join("copy/"), delete=True, compare="size")

    assert (inside.copied, again.copied, again.skipped, inside.failures) == (3, 0, 3, ())
    assert (down.copied, [failure.source.rpartition("data/")[2] for failure in down.failures]) == (1, ["", "sub/"])
    assert all("names a directory" in failure.reason for failure in down.failures)
    assert (whole.copied, [failure.reason.partition("; ")[0] for failure in whole.failures]) == (
        2,
        [f"s3://{one.store.bucket}/ is a whole bucket and no object"],
    )
    assert (gone.deleted, [entry.key for entry in one.store.list("copy/")]) == (2, ["copy/a"])


def test_keys_never_lead_out(one: Lab, tmp_path: Path) -> None:
    """Keys that would leave the directory fail by name; all others arrive."""
    evil = ["../up", "a/../../up", "/etc/x", "a//b", "./c", "n" * 300, "good"]
    for key in evil:
        one.store.put(f"data/{key}", b"x")
    report = one.copy(one.remote, tmp_path / "in/side")

    assert len(report.failures) == len(evil) - 1
    assert (report.copied, _files(tmp_path / "in")) == (1, {"side/good": b"x"})
    with pytest.raises(StorageError, match="6 of 7 could not be transferred"):
        report.raise_for_failures()


def test_one_failure_does_not_lose_the_rest(one: Lab) -> None:
    """An unreadable file and a broken link are listed by name; everything else is copied."""
    one.write("good", b"x")
    (one.local / "broken").symlink_to("nowhere")
    os.mkfifo(one.local / "pipe")
    (one.local / b"bad\xff".decode("utf-8", "surrogateescape")).write_bytes(b"x")
    report = one.copy(one.local, one.remote)

    assert report.copied == 1
    assert [Uri.parse(failure.source).path.name for failure in report.failures] == [
        "bad\udcff",
        "broken",
        "pipe",
    ]
    assert one.remote_names() == ["good"]


def test_links(one: Lab) -> None:
    """Links are followed, or skipped on request."""
    one.write("real", b"x")
    (one.local / "link").symlink_to("real")
    one.copy(one.local, one.remote)
    followed = one.remote_names()
    skipped = one.copy(one.local, one.remote.root.join("other/"), links="skip")

    assert followed == ["link", "real"]
    assert skipped.copied == 1


def test_links_to_directories_elsewhere_are_followed(one: Lab, tmp_path: Path) -> None:
    """Data often lies on another disk; but nothing that comes from a store is written there."""
    (tmp_path / "elsewhere/deep").mkdir(parents=True)
    (tmp_path / "elsewhere/deep/a").write_bytes(b"content")
    one.write("b", b"x")
    (one.local / "link").symlink_to(tmp_path / "elsewhere")
    up = one.sync(one.local, one.remote)
    beside = one.copy(one.local, tmp_path / "copy")
    again = one.sync(one.local, one.remote, compare="checksum")
    back = one.copy(one.remote, one.local)

    assert (up.copied, up.failures, beside.copied, beside.failures) == (2, (), 2, ())
    assert one.store.read("data/link/deep/a") == (tmp_path / "copy/link/deep/a").read_bytes() == b"content"
    assert (again.copied, again.skipped) == (0, 2)
    assert (back.copied, [failure.source for failure in back.failures]) == (1, [f"{one.remote}link/deep/a"])


def test_a_target_inside_the_source_is_refused(one: Lab) -> None:
    """Copying a directory into itself is an error before anything is done."""
    one.write("a", b"x")
    one.store.put("x", b"x")
    places: list[tuple[Uri | Path, Uri | Path]] = [
        (one.local, one.local / "b"),
        (one.remote.root, one.remote),
    ]
    for source, target in places:
        with pytest.raises(UsageError, match="lies in"):
            one.copy(source, target)
    with pytest.raises(UsageError, match="is both source and target"):
        one.copy(one.local, one.local)


@pytest.mark.parametrize("filters", [include("*.csv"), exclude("sub/")])
@pytest.mark.parametrize("where", ["disk", "bucket"])
def test_a_target_inside_the_source_that_no_filter_takes(one: Lab, where: str, filters: tuple[Any, ...]) -> None:
    """It takes no part in the source, so that doing it again copies the same again; taken by a filter it is refused."""
    source: Uri | Path = one.local if where == "disk" else one.remote
    target = one.local / "sub" if where == "disk" else one.remote.join("sub/")
    for name in ("a.csv", "tub/b.csv", "sub/old.csv"):
        one.write(name, b"x")
        one.store.put(f"data/{name}", b"x")
    done = [one.copy(source, target, filters=filters).copied for _ in range(2)]
    names = one.remote_names() if where == "bucket" else sorted(_files(one.local))

    assert done == [2, 2]
    assert names == ["a.csv", "sub/a.csv", "sub/old.csv", "sub/tub/b.csv", "tub/b.csv"]
    with pytest.raises(UsageError, match="lies in") as refused:
        one.copy(source, target, filters=include("s*"))
    assert "--exclude 'sub/'" in refused.value.hint


@pytest.mark.parametrize("way", [sync, copy_tree])
@pytest.mark.parametrize(
    ("goal", "left", "names"),
    [
        ("around", "link/target/", ["a", "deep/old", "link/b"]),
        ("around/target", "link/", ["a", "deep/old"]),
        ("around/target/deep", "link/", ["a", "deep/old"]),
    ],
)
def test_a_target_to_which_a_link_in_the_source_leads(
    tmp_path: Path, goal: str, left: str, names: list[str], way: Callable[..., Report]
) -> None:
    """It takes no part in the source, so that doing it again makes nothing more; it is told unless it is left out."""
    source, target = tmp_path / "source", tmp_path / "around/target"
    for path in (source / "a", target / "deep/old", target.parent / "b"):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"x")
    (source / "link").symlink_to(tmp_path / goal)
    told = [way(source, target, state_dir=tmp_path / "state") for _ in range(2)]
    silent = way(source, target, state_dir=tmp_path / "state", filters=exclude(left))

    assert sorted(_files(target)) == names
    assert [[(fault.source, fault.reason) for fault in report.failures] for report in told] == [
        [(f"file://{source}/{left}", "it is the target, or lies in it")]
    ] * 2
    assert silent.failures == ()


def test_nothing_is_deleted_of_a_target_that_the_source_links_to(tmp_path: Path) -> None:
    """What is there already under its own name is the same file; else it cannot be told what the source has."""
    source, target = tmp_path / "source", tmp_path / "target"
    for path in (source / "a", target / "same/x", target / "gone"):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"x")
    (source / "same").symlink_to(target / "same")
    (source / "other").symlink_to(target / "same")
    told = sync(source, target, state_dir=tmp_path / "state", delete=True)
    (source / "other").unlink()
    again = sync(source, target, state_dir=tmp_path / "state", delete=True)

    assert (told.deleted, len(told.failures)) == (0, 2)
    assert (again.deleted, again.failures) == (1, ())
    assert sorted(_files(target)) == ["a", "same/x"]


def test_progress(one: Lab) -> None:
    """Progress is told, and ends with everything done."""
    for n in range(5):
        one.write(f"f{n}", bytes(1000))
    seen: list[Progress] = []
    one.copy(one.local, one.remote, on_progress=seen.append)

    assert seen[-1].finished
    assert (seen[-1].files, seen[-1].bytes, seen[-1].total_files, seen[-1].total_bytes) == (5, 5000, 5, 5000)


def test_bandwidth(one: Lab) -> None:
    """A bandwidth limit is kept."""
    for n in range(4):
        one.write(f"f{n}", bytes(100_000))
    report = one.copy(one.local, one.remote, bandwidth=1_000_000)

    assert report.seconds >= 0.25


@pytest.mark.parametrize("up", [True, False])
def test_bandwidth_is_for_what_passes_here(one: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, up: bool) -> None:
    """Nobody waits for what an earlier run has moved, nor for what the service copies."""
    data = os.urandom(11 * MIB)
    options: dict[str, Any] = {"part_size": MIB, "compare": "always"}
    path = one.write("large", data)
    one.store.put("data/other", data)
    if not up:
        one.store.put("data/large", data)
    source, target = (path, one.remote) if up else (one.remote.join("large"), tmp_path / "back/")

    def fail(*_: object) -> None:
        raise StorageError("not yet")

    with monkeypatch.context() as broken:
        broken.setattr(type(one.store) if up else AtomicFile, "finish_upload" if up else "commit", fail)
        assert [failure.reason for failure in one.sync(source, target, **options).failures] == ["not yet"]
    report = one.sync(source, target, **options, bandwidth=1)
    inside = one.sync(one.remote, one.remote.root.join("copy/"), **options, bandwidth=1)

    assert (report.copied, report.failures, inside.copied) == (1, (), 2)
    assert (one.store.read("data/large") if up else (tmp_path / "back").read_bytes()) == data


@pytest.mark.parametrize("scheme", ["s3", "obs", "cos"])
def test_a_large_body_is_counted_as_it_goes_out(open_in: Opener, tmp_path: Path, scheme: str) -> None:
    """Progress within a part, in the steps in which it is sent: neither all of it before nor all of it after."""
    lab = Lab(tmp_path, open_in(scheme))
    lab.write("large", bytes(12 * MIB))
    lab.write("middle", bytes(3 * MIB))
    seen: list[Progress] = []
    lab.copy(lab.local, lab.remote, on_progress=seen.append, bandwidth=30_000_000, jobs=1)

    amounts = [progress.bytes for progress in seen]
    assert amounts == sorted(amounts)
    assert max(after - before for before, after in itertools.pairwise([0, *amounts])) < 5 * MIB
    assert amounts[-1] == 15 * MIB


def test_a_body_that_is_sent_again_is_counted_once(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings], tmp_path: Path
) -> None:
    """What was lost on the way does not count."""
    lab = Lab(tmp_path, open_store(Uri("s3", own_server.bucket), settings_of(own_server)))
    lab.write("large", bytes(12 * MIB))
    own_server.faults = "reset=1,only=UploadPart,times=3"
    seen: list[Progress] = []
    lab.copy(lab.local, lab.remote, on_progress=seen.append)
    lab.store.close()

    assert seen[-1].bytes == 12 * MIB


@pytest.mark.parametrize("up", [True, False])
def test_an_interrupted_transfer_ends_at_once(one: Lab, tmp_path: Path, up: bool) -> None:
    """Ctrl-C is not kept waiting by parts that are under way, however slow they are."""
    one.write("large", bytes(40 * MIB))
    source, target = one.local, one.remote
    if not up:
        one.copy(source, target)
        source, target = target, tmp_path / "other"  # type: ignore[assignment]

    def interrupt(progress: Progress) -> None:
        if progress.bytes:
            raise KeyboardInterrupt

    with within(5), pytest.raises(KeyboardInterrupt):
        one.copy(source, target, on_progress=interrupt, bandwidth=1_000_000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compare": "mtime"}, "compare: expected one of always, time, size, checksum, got 'mtime'"),
        ({"links": "folow"}, "links: expected one of follow, skip, got 'folow'"),
        ({"filters": "*.tmp"}, "filters: '*.tmp' is none"),
        ({"filters": ("*.tmp",)}, "filters: ('*.tmp',) is none"),
        ({"jobs": 0}, "jobs and bandwidth have to be positive"),
    ],
)
def test_options_that_are_none(one: Lab, options: dict[str, Any], message: str) -> None:
    """A misspelt option is refused before anything is moved; it never stands for another."""
    one.write("a", b"x")
    with pytest.raises(UsageError, match=re.escape(message)):
        one.sync(one.local, one.remote, **options)
    assert one.remote_names() == []


@pytest.mark.parametrize("options", [{}, {"dry_run": True}, {"jobs": 1}])
def test_an_error_of_the_caller_is_no_failure_of_an_object(one: Lab, options: dict[str, Any]) -> None:
    """What `on_action` raises ends the transfer, and arrives where that was started."""
    for n in range(50):
        one.write(f"f{n}", b"x")
    seen: list[Action] = []

    def told(action: Action) -> None:
        seen.append(action)
        raise BrokenPipeError("nobody reads on")

    with pytest.raises(BrokenPipeError, match="nobody reads on"):
        one.copy(one.local, one.remote, on_action=told, **options)
    assert len(seen) == 1


def test_the_state_cannot_be_written(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings], tmp_path: Path
) -> None:
    """The disk of the state is named, not the target; no upload is left that nobody knows of."""
    lab = Lab(tmp_path, open_store(Uri("s3", own_server.bucket), settings_of(own_server)))
    lab.write("large", bytes(12 * MIB))
    lab.state.write_text("in the way")
    [failure] = lab.copy(lab.local, lab.remote).failures
    lab.store.close()

    assert f"{lab.state}: " in failure.reason
    assert own_server.requests.counts["AbortMultipartUpload"] == 1


def test_open_by_settings(
    server: ObjectStoreServer, bucket: str, settings_of: Callable[..., StoreSettings], tmp_path: Path
) -> None:
    """With settings alone, stores are opened by scheme and closed at the end."""
    (tmp_path / "a").write_bytes(b"x")
    sync(tmp_path / "a", f"s3://{bucket}/a", settings=settings_of(server))
    sync(f"s3://{bucket}/a", tmp_path / "b", settings=settings_of(server))

    assert (tmp_path / "b").read_bytes() == b"x"
