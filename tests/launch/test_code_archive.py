"""Code that comes as an archive beside the launcher."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

Launch = Callable[..., "subprocess.CompletedProcess[str]"]

PLATFORM = """
import os

def world(environ, job):
    here = os.path.dirname(os.path.abspath(__file__))
    return {"base_dir": environ["ROOT"], "dirs": {"code": os.path.join(here, "unpacked")}}
"""


def archive(path: Path, **files: str) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/") + ".py")
            entry.size = len(text)
            entry.mode = 0o755 if text.startswith("#!") else 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))


@pytest.fixture
def launch(bundle: Path, tmp_path: Path) -> Launch:
    """Start the launcher of a bundle whose code is an archive, with arguments."""

    def run(*arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
        (bundle / "anyfit_platform.py").write_text(PLATFORM)
        (bundle / "anyfit_job.json").write_text(json.dumps({"entry_point": "train.py", "code_archive": "code.tar.gz"}))
        command = [python, str(bundle / "anyfit_launch.py"), *arguments]
        environ = {**os.environ, "ROOT": str(tmp_path / "root"), "PYTHONDONTWRITEBYTECODE": "1"}
        environ.pop("ANYFIT_WORLD", None)
        return subprocess.run(command, capture_output=True, text=True, env=environ)

    return run


def test_archive_is_unpacked(launch: Launch, bundle: Path, interpreter: str) -> None:
    """The script finds its modules, and programs can be run, in every Python."""
    archive(bundle / "code.tar.gz", train="import os, sub.a; print(os.listdir('.'))", sub__a="#!x\nprint('a')")
    done = launch(python=interpreter)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "a"
    assert os.access(bundle / "unpacked" / "sub" / "a.py", os.X_OK)
    assert not list(bundle.glob(".unpacking-*"))


def test_arguments_of_the_platform(launch: Launch, bundle: Path) -> None:
    """What a platform appends to the command line is its own affair: the job file says it better."""
    archive(bundle / "code.tar.gz", train="import sys; print(sys.argv[1:])")
    done = launch("--lr=0.1", "--epochs=3", "more")

    assert (done.returncode, done.stdout) == (0, "[]\n")


def test_two_nodes_share_the_code(launch: Launch, bundle: Path, tmp_path: Path) -> None:
    """Code that a neighbour has unpacked is used as it is."""
    archive(bundle / "code.tar.gz", train="print('new')")
    (bundle / "unpacked").mkdir()
    (bundle / "unpacked" / "train.py").write_text("print('first')")
    done = launch()

    assert (done.returncode, done.stdout) == (0, "first\n")
    assert not list(bundle.glob(".unpacking-*"))


@pytest.mark.parametrize("name", ["/absolute", "../outside", "a/../../outside"])
def test_nothing_leaves_the_folder(launch: Launch, bundle: Path, name: str) -> None:
    """An archive with a path that leads elsewhere is refused."""
    with tarfile.open(bundle / "code.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    done = launch()

    assert done.returncode == 66
    assert "refused" in done.stderr


def test_links_are_refused(launch: Launch, bundle: Path) -> None:
    """An archive with a link is refused."""
    with tarfile.open(bundle / "code.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)

    assert launch().returncode == 66


@pytest.mark.parametrize("content", [None, b"no archive", b""])
def test_damaged_archive(launch: Launch, bundle: Path, content: bytes | None) -> None:
    """An archive that is missing or damaged is one line."""
    if content is not None:
        (bundle / "code.tar.gz").write_bytes(content)
    done = launch()

    assert done.returncode in (66, 73)
    assert done.stderr.startswith("anyfit: the code archive")
    assert len(done.stderr.splitlines()) == 1
