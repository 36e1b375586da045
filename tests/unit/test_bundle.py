"""The user's code as an archive that is its content."""

from __future__ import annotations

import errno
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.code.bundle import pack_code
from anyfit.errors import SpecError, StorageError

NAMES = st.sampled_from(["a.py", "b.py", "pkg/a.py", "pkg/deep/b.txt", "名.txt", "x" * 120, "run.sh"])
TREES = st.dictionaries(NAMES, st.tuples(st.binary(max_size=50), st.booleans()), min_size=1)
Tree = dict[str, tuple[bytes, bool]]


def write(root: Path, tree: Tree, *, mtime: int = 0) -> Path:
    """Make the files of a tree, of this age, some of them executable."""
    for name, (content, executable) in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if executable else 0o600)
        os.utime(path, (mtime, mtime))
    return root


@given(TREES, st.integers(1, 2**31))
def test_equal_code_is_equal(tmp_path_factory: pytest.TempPathFactory, tree: Tree, mtime: int) -> None:
    """Equal files in another folder, of another age and made in another order are the same bytes."""
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    write(here / "src", tree)
    write(there / "elsewhere", dict(reversed(tree.items())), mtime=mtime)
    first, _ = pack_code("", str(here / "src"), (), here)
    second, _ = pack_code("", str(there / "elsewhere"), (), there)

    assert first.digest == second.digest
    assert Path(first.archive).read_bytes() == Path(second.archive).read_bytes()


@given(TREES)
def test_everything_is_in_it(tmp_path_factory: pytest.TempPathFactory, tree: Tree) -> None:
    """What comes out of the archive is what went in: names, contents, and who may be executed."""
    folder = tmp_path_factory.mktemp("code")
    code, _ = pack_code("", str(write(folder / "src", tree)), (), folder)
    found: Tree = {}
    with tarfile.open(code.archive) as tar:
        for member in tar.getmembers():
            stream = tar.extractfile(member)
            assert stream is not None
            found[member.name] = (stream.read(), member.mode == 0o755)

    assert found == tree
    assert code.files == len(tree)
    assert code.size == Path(code.archive).stat().st_size
    assert [size for _, size in code.largest] == sorted((len(c) for c, _ in tree.values()), reverse=True)[:3]


@pytest.mark.parametrize(
    "change", [{"a.py": (b"2", False)}, {"a.py": (b"1", True)}, {"c.py": (b"", False)}], ids=["content", "mode", "file"]
)
def test_other_code_is_other(tmp_path: Path, change: Tree) -> None:
    """Another content, another mode and another file each make another digest."""
    tree: Tree = {"a.py": (b"1", False)}
    first, _ = pack_code("", str(write(tmp_path / "one", tree)), (), tmp_path)
    second, _ = pack_code("", str(write(tmp_path / "two", {**tree, **change})), (), tmp_path)

    assert first.digest != second.digest


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """The folder of the bundles holds the archive under its digest and nothing else."""
    code, script = pack_code("a.py", str(write(tmp_path / "src", {"a.py": (b"", False)})), (), tmp_path / "bundles")

    assert script == "a.py"
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == [f"{code.digest}.tar.gz"]


def test_script_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a source folder the script alone is the code, wherever it lies."""
    write(tmp_path, {"deep/train.py": (b"", False), "deep/other.py": (b"", False)})
    monkeypatch.chdir(tmp_path)
    code, script = pack_code("deep/train.py", "", (), tmp_path)

    assert script == "train.py"
    assert code.files == 1
    assert code.source == "deep/train.py"


def test_single_file_as_source(tmp_path: Path) -> None:
    """A source that is one file needs no entry point."""
    write(tmp_path, {"train.py": (b"", False)})

    assert pack_code("", str(tmp_path / "train.py"), (), tmp_path)[1] == "train.py"
    assert pack_code("train.py", str(tmp_path / "train.py"), (), tmp_path)[1] == "train.py"


def test_archive_as_source(tmp_path: Path) -> None:
    """A tar archive is packed anew, so that equal code is equal however it came."""
    folder = write(tmp_path / "src", {"train.py": (b"1", False), "lib/a.py": (b"2", False)})
    with tarfile.open(tmp_path / "code.tgz", "w:gz") as tar:
        tar.add(folder, arcname=".")
    packed, script = pack_code("train.py", str(tmp_path / "code.tgz"), (), tmp_path)

    assert script == "train.py"
    assert packed.digest == pack_code("train.py", str(folder), (), tmp_path)[0].digest


def test_archive_that_leads_out(tmp_path: Path) -> None:
    """An archive that would write outside of its folder is refused."""
    (tmp_path / "secret").write_text("")
    with tarfile.open(tmp_path / "code.tar", "w") as tar:
        tar.add(tmp_path / "secret", arcname="../secret")

    with pytest.raises(SpecError, match=r"^source_dir: .*code\.tar cannot be unpacked"):
        pack_code("train.py", str(tmp_path / "code.tar"), (), tmp_path)


def test_absolute_entry_point(tmp_path: Path) -> None:
    """An absolute path below the source folder is as good as a relative one."""
    folder = write(tmp_path / "src", {"deep/train.py": (b"", False)})

    assert pack_code(str(folder / "deep" / "train.py"), str(folder), (), tmp_path)[1] == "deep/train.py"


def test_module_as_entry_point(tmp_path: Path) -> None:
    """A folder of the code can be the entry point."""
    folder = write(tmp_path / "src", {"pkg/__main__.py": (b"", False)})

    assert pack_code("pkg", str(folder), (), tmp_path)[1] == "pkg"


def test_dependencies(tmp_path: Path) -> None:
    """Further folders and files lie beside the code under their own names."""
    write(tmp_path, {"src/a.py": (b"", False), "lib/one/b.py": (b"", False), "two.py": (b"", False)})
    code, _ = pack_code("a.py", str(tmp_path / "src"), (str(tmp_path / "lib/one"), str(tmp_path / "two.py")), tmp_path)
    with tarfile.open(code.archive) as tar:
        assert tar.getnames() == ["a.py", "one/b.py", "two.py"]


def test_dependency_in_the_way(tmp_path: Path) -> None:
    """A dependency that would lie over the code is refused by name."""
    write(tmp_path, {"src/lib/a.py": (b"", False), "lib/b.py": (b"", False)})

    with pytest.raises(SpecError, match=r"^dependencies: .* would lie over 'lib' of the code"):
        pack_code("lib/a.py", str(tmp_path / "src"), (str(tmp_path / "lib"),), tmp_path)


@pytest.mark.parametrize(
    ("entry_point", "source", "message", "hint"),
    [
        ("trian.py", "src", r"entry_point: there is no trian\.py in src", "did you mean 'train.py'?"),
        ("skipped.py", "src", r"entry_point: there is no skipped\.py in src", "an ignore file leaves it out"),
        ("../other.py", "src", r"entry_point: \.\./other\.py is outside of source_dir src", "move the script"),
        ("/etc/passwd", "src", r"entry_point: /etc/passwd is outside of source_dir src", "move the script"),
        ("train.py", "scr", r"source_dir: scr does not exist", "did you mean 'src'?"),
        ("othr.py", "", r"entry_point: othr\.py does not exist", "did you mean 'other.py'?"),
        ("src", "", r"entry_point: src is not a file", "source_dir = 'src'"),
        ("", "empty", r"source_dir: empty holds no file", "is everything in it ignored?"),
        ("train.py", "broken.tar", r"source_dir: broken\.tar cannot be unpacked: it is no tar archive$", ""),
    ],
)
def test_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry_point: str, source: str, message: str, hint: str
) -> None:
    """What cannot be packed is refused by the field that is wrong, with what to do."""
    files = ["src/train.py", "src/skipped.py", "other.py", "broken.tar"]
    write(tmp_path, {**dict.fromkeys(files, (b"x", False)), "src/.gitignore": (b"skipped.py\n", False)})
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SpecError, match=f"^{message}") as caught:
        pack_code(entry_point, source, (), tmp_path / "bundles")
    assert hint in caught.value.hint


def test_own_folder(tmp_path: Path) -> None:
    """anyfit's own folder is no part of the code, also when it lies within the source folder."""
    (tmp_path / "train.py").write_text("pass")
    home = tmp_path / "home"
    for _ in range(2):
        code, _ = pack_code("train.py", str(tmp_path), (), home / "bundles")

    assert code.files == 1


def test_unusable_folder(tmp_path: Path) -> None:
    """Where bundles cannot be kept, the folder and the reason are told, and what to do."""
    write(tmp_path / "src", {"a.py": (b"", False)})
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match=r"cannot be packed into .*file/bundles: Not a directory") as raised:
        pack_code("a.py", str(tmp_path / "src"), (), tmp_path / "file" / "bundles")
    assert "ANYFIT_HOME" in raised.value.hint


@pytest.mark.parametrize("reads", ["scandir", "open"])
def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: str) -> None:
    """Files and folders that may not be read are told by name, with the way to leave them out."""
    write(tmp_path / "src", {"a.py": (b"", False), "theirs/b.bin": (b"", False)})
    theirs = str(tmp_path / "src" / "theirs" / ("b.bin" if reads == "open" else ""))
    whole = getattr(os if reads == "scandir" else Path, reads)

    def refusing(path: Path, *args: object) -> object:
        if str(path) == theirs:  # a privileged user may read all, so permissions alone show nothing
            raise PermissionError(errno.EACCES, "Permission denied", theirs)
        return whole(path, *args)

    monkeypatch.setattr(os if reads == "scandir" else Path, reads, refusing)

    with pytest.raises(SpecError, match=r"theirs.* cannot be read: Permission denied") as raised:
        pack_code("a.py", str(tmp_path / "src"), (), tmp_path / "bundles")
    assert ".anyfitignore" in raised.value.hint
