"""The stand-in for `moxing`, as scripts use it: in a job of its own, against the object store."""

from __future__ import annotations

from typing import Any

SCRIPT = r"""
import os
import pathlib
import sys

import moxing as mox

root = sys.argv[2].split("=")[1] + "x"
obs = root.replace("s3://", "obs://")
mox.file.make_dirs(root + "/dir")
assert mox.file.exists(root + "/dir") and mox.file.is_directory(root + "/dir")
assert not mox.file.exists(root + "/nothing")
assert mox.file.list_directory(root + "/dir") == []
mox.file.write(root + "/dir/a.txt", "one\ntwo\n")
mox.file.append(obs + "/dir/a.txt", "three\n")
assert mox.file.read(root + "/dir/a.txt") == "one\ntwo\nthree\n"
assert mox.file.read(obs + "/dir/a.txt", binary=True) == b"one\ntwo\nthree\n"
assert mox.file.get_size(root + "/dir/a.txt") == 14
stat = mox.file.stat(root + "/dir/a.txt")
assert (stat.length, stat.is_directory, stat.mtime_nsec > 0) == (14, False, True)
assert mox.file.stat(root + "/dir").is_directory
with mox.file.File(root + "/dir/sub/b.bin", "wb") as stream:
    stream.write(bytes(range(256)))
with mox.file.File(root + "/dir/sub/b.bin", "rb") as stream:
    stream.seek(10)
    assert stream.read(2) == b"\n\x0b"
with mox.file.File(root + "/dir/a.txt") as stream:
    assert [line.strip() for line in stream] == ["one", "two", "three"]
assert mox.file.list_directory(root + "/dir") == ["a.txt", "sub"]
assert mox.file.list_directory(root + "/dir/", recursive=True) == ["a.txt", "sub", "sub/b.bin"]
assert mox.file.get_size(root + "/dir", recursive=True) == 270
assert mox.file.glob(root + "/dir/*.txt") == [root + "/dir/a.txt"]
assert mox.file.glob(root + "/*/*/b.*") == [root + "/dir/sub/b.bin"]
assert list(mox.file.walk(root + "/dir")) == [
    (root + "/dir", ["sub"], ["a.txt"]),
    (root + "/dir/sub", [], ["b.bin"]),
]
mox.file.copy_parallel(root + "/dir", "/cache/down")
assert sorted(os.listdir("/cache/down")) == ["a.txt", "sub"]
assert pathlib.Path("/cache/down/sub/b.bin").stat().st_size == 256
mox.file.copy_parallel("/cache/down/", obs + "/up")
assert mox.file.list_directory(root + "/up", True) == ["a.txt", "sub", "sub/b.bin"]
mox.file.copy(root + "/up/a.txt", "/cache/one/a.txt")
mox.file.copy("/cache/one/a.txt", root + "/up/c.txt")
mox.file.copy_parallel(root + "/up/c.txt", root + "/up/d.txt")
assert mox.file.read(root + "/up/d.txt") == open("/cache/one/a.txt").read()
mox.file.rename(root + "/up/d.txt", root + "/up/e.txt")
mox.file.rename(root + "/up/sub", root + "/moved")
assert mox.file.list_directory(root) == ["dir", "moved", "up"]
mox.file.remove(root + "/up/e.txt")
mox.file.remove(root + "/dir", recursive=True)
assert mox.file.list_directory(root, recursive=True) == ["moved", "moved/b.bin", "up", "up/a.txt", "up/c.txt"]
for wrong in (lambda: mox.file.read(root + "/nothing"), lambda: mox.file.list_directory(root + "/nothing")):
    try:
        wrong()
        raise SystemExit("nothing was read")
    except FileNotFoundError:
        pass

mox.file.shift("os", "mox")
with open(root + "/shifted/数据 1.txt", "w") as stream:
    stream.write("shifted")
assert os.path.exists(root + "/shifted") and os.path.isfile(root + "/shifted/数据 1.txt")
assert os.listdir(root + "/shifted") == ["数据 1.txt"]
assert open(root + "/shifted/数据 1.txt").read() == "shifted"
os.remove(root + "/shifted/数据 1.txt")
assert not os.path.isdir(root + "/shifted")
with open("/cache/local.txt", "w") as stream:
    stream.write("local")
assert os.path.getsize("/cache/local.txt") == 5
mox.file.set_auth(ak="NOBODY", sk="x")
try:
    mox.file.read(root + "/up/a.txt")
except OSError as error:
    assert "403" in str(error)
print("ALL WELL")
"""


def test_everything(rig: Any) -> None:
    """Files and directories in OBS and below /cache, both schemes, with and without the last slash."""
    code = rig.put_files("mox/code", train__py=SCRIPT)
    config = {
        "worker_server_num": 1,
        "app_url": code,
        "boot_file_url": f"{code}train.py",
        "engine_id": 4,
        "data_url": code,
        "spec_id": 7,
        "train_url": rig.place("mox/out"),
    }
    made = rig.post("/v1/{p}/training-jobs", {"job_name": "mox", "config": config})
    path = f"/v1/{{p}}/training-jobs/{made['job_id']}/versions/{made['version_id']}"
    status = rig.until(lambda: rig.get(path)["status"], lambda status: status not in (1, 7, 8))
    log = rig.get(f"{path}/aom-log?log_file=job-mox.0&lines=500")["content"]

    assert "ALL WELL" in log, log
    assert status == 10
    assert sorted(rig.objects("mox/out/V0001/x")) == ["moved/b.bin", "up/a.txt", "up/c.txt"]
