"""Which files are read, and what is said of bad ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from anyfit.config import Config, load_config
from anyfit.errors import ConfigError

Load = Callable[..., Config]


def _unknown_user(uid: int) -> NoReturn:
    raise KeyError(uid)


def test_nothing_configured(load: Load) -> None:
    """Without any file the defaults hold, and say so."""
    config = load()

    assert config.core.backend == "local"
    assert config.core_value("backend").origin == "default"
    assert config.profile == ""


def test_nearest_parent(tmp_path: Path) -> None:
    """Of all files above the current folder the nearest is the project's, and no other is read."""
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (tmp_path / "anyfit.toml").write_text("instance_type = 'far'\noutput_path = 'far'\n")
    (tmp_path / "a" / "anyfit.toml").write_text("instance_type = 'near'\n")

    config = load_config(cwd=deep, environ={"XDG_CONFIG_HOME": str(tmp_path)})

    assert config.core.instance_type == "near"
    assert config.core.output_path == ""
    assert config.core_value("instance_type").origin == f"{tmp_path / 'a' / 'anyfit.toml'}:1"


def test_user_file(load: Load) -> None:
    """The user's file holds where the project's is silent."""
    config = load("instance_type = 'mine'", "instance_type = 'theirs'\noutput_path = '/out'")

    assert config.core.instance_type == "mine"
    assert config.core.output_path == "/out"
    assert config.core_value("instance_type").origin == "anyfit.toml:1"
    assert config.core_value("output_path").origin.startswith("user file /")


def test_file_named_by_the_environment(load: Load, tmp_path: Path) -> None:
    """ANYFIT_CONFIG names a file that is read instead of the user's."""
    other = tmp_path / "other.toml"
    other.write_text("instance_type = 'other'")

    config = load("", "instance_type = 'user'\noutput_path = 'user'", {"ANYFIT_CONFIG": str(other)})

    assert config.core.instance_type == "other"
    assert config.core.output_path == ""


def test_named_file_is_missing(load: Load) -> None:
    """A file that ANYFIT_CONFIG names has to exist."""
    with pytest.raises(ConfigError, match=r"ANYFIT_CONFIG: there is no file /no/such/file"):
        load(environ={"ANYFIT_CONFIG": "/no/such/file"})


def test_one_file_is_read_once(tmp_path: Path) -> None:
    """A user's file that is also the nearest parent's is one file."""
    (tmp_path / "anyfit").mkdir()
    (tmp_path / "anyfit" / "anyfit.toml").write_text("")

    config = load_config(cwd=tmp_path / "anyfit", environ={"XDG_CONFIG_HOME": str(tmp_path)})

    assert len(config.files) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("backend = 'local'\ntags = {a = 1\n", r"^anyfit.toml:\d:\d+: \w"),
        ("backend = \n", r"^anyfit.toml:1:11: "),
        ("backend = 'local", r"^anyfit.toml:1:\d+: "),
        ("a = 1\na = 2", r"^anyfit.toml:2:\d+: "),
        ('x = """\n\n', r"^anyfit.toml:\d:\d+: "),
    ],
)
def test_malformed(load: Load, text: str, message: str) -> None:
    """Malformed TOML is answered with file, line and column, and shows the line."""
    with pytest.raises(ConfigError, match=message) as caught:
        load(text)

    assert "the line is: " in caught.value.hint


def test_not_text(load: Load, tmp_path: Path) -> None:
    """A file that is not UTF-8 is named, with the line."""
    load("backend = 'local'")
    (tmp_path / "project" / "anyfit.toml").write_bytes(b"backend = 'local'\ntags = '\xff'\n")

    with pytest.raises(ConfigError, match=r"anyfit.toml:2: is not UTF-8"):
        load_config(cwd=tmp_path / "project", environ={"XDG_CONFIG_HOME": str(tmp_path)})


def test_byte_order_mark(tmp_path: Path) -> None:
    """The mark that some editors put first does not harm."""
    (tmp_path / "anyfit.toml").write_bytes(b"\xef\xbb\xbfbackend = 'local'\n")

    assert load_config(cwd=tmp_path, environ={"XDG_CONFIG_HOME": str(tmp_path)}).core.backend == "local"


def test_folder_is_gone(tmp_path: Path) -> None:
    """In a folder that has been removed there is no project, and no crash."""
    code = f"""if True:
        import os, tempfile
        os.chdir(tempfile.mkdtemp(dir={str(tmp_path)!r}))
        os.rmdir(os.getcwd())
        from anyfit.config import load_config
        print(load_config(environ={{}}).files)
    """

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"HOME": str(tmp_path)}
    )

    assert done.stdout == "()\n"


def test_no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without a home folder has no file of their own, and is told how to name a folder to work in."""
    pwd = pytest.importorskip("pwd", reason="only POSIX has made-up user numbers")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", _unknown_user)

    config = load_config(cwd=tmp_path, environ={})

    assert config.files == ()
    with pytest.raises(ConfigError, match="no home folder") as caught:
        _ = config.home
    assert "ANYFIT_HOME" in caught.value.hint


def test_folder_of_that_name(tmp_path: Path) -> None:
    """A folder that bears the file's name is passed over."""
    (tmp_path / "deep" / "anyfit.toml").mkdir(parents=True)
    (tmp_path / "anyfit.toml").write_text("instance_type = 'far'")

    config = load_config(cwd=tmp_path / "deep", environ={"XDG_CONFIG_HOME": str(tmp_path)})

    assert config.core.instance_type == "far"


def test_faults_of_a_file(load: Load) -> None:
    """Every fault of a file is reported at once, each with line, path and the nearest right name."""
    text = """\
        backnd = "local"
        tags = {a = 1}
        local = 3
        [lokal]
        x = 1
        [profiles.gpu]
        instance_type = 3
        profile = "other"
        [profiles.gpu.venus]
        y = 3
    """

    with pytest.raises(ConfigError) as caught:
        load(text)

    assert caught.value.message.startswith("7 faults:\n")
    for line in (
        "anyfit.toml:1: backnd: unknown, did you mean 'backend'?",
        "anyfit.toml:2: tags.a: expected text, got 1",
        "anyfit.toml:3: local: expected a table of the backend's settings, got 3",
        "anyfit.toml:4: lokal: unknown, did you mean 'local'? (no such key, and no such backend; installed: local",
        "anyfit.toml:7: profiles.gpu.instance_type: expected text, got 3",
        "anyfit.toml:8: profiles.gpu.profile: can only stand at the top level",
        "anyfit.toml:9: profiles.gpu.venus: unknown (no such key, and no such backend; installed: local",
    ):
        assert line in caught.value.message


def test_faults_of_all_files(load: Load) -> None:
    """One fault leads to all: those of both files, and those inside the tables of every installed backend."""
    project = """\
        backnd = "local"
        [local]
        grace_seconds = "long"
        [storage.s3]
        endpont = "https://host"
        [profiles.gpu.ti]
        regoin = "ap-guangzhou"
    """

    with pytest.raises(ConfigError) as caught:
        load(project, "[local]\npython = 3")

    told = caught.value.message.splitlines()
    assert [line.partition("user file ")[0].strip() for line in told] == [
        "5 faults:",
        "anyfit.toml:1: backnd: unknown, did you mean 'backend'?",
        "anyfit.toml:3: local.grace_seconds: expected a number, got 'long'",
        "anyfit.toml:5: storage.s3.endpont: unknown, did you mean 'endpoint'?",
        "anyfit.toml:7: profiles.gpu.ti.regoin: unknown, did you mean 'region'?",
        "",
    ]
    assert told[-1].endswith(":2: local.python: expected text, got 3")


def test_faults_beside_a_broken_backend(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of a backend that cannot be imported hides no other fault."""
    about = tmp_path / "site" / "acme-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Name: acme\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[anyfit.backends]\nacme = acme_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path / "site")

    with pytest.raises(ConfigError) as caught:
        load("languge = 'en'\n[acme]\nx = 1\n[local]\ngrace_secnds = 3")

    assert caught.value.message.splitlines() == [
        "2 faults:",
        "  anyfit.toml:1: languge: unknown, did you mean 'language'?",
        "  anyfit.toml:5: local.grace_secnds: unknown, did you mean 'grace_seconds'?",
    ]


@pytest.mark.parametrize("text", ["profiles = 3", "[profiles]\ngpu = 3"])
def test_profiles_are_tables(load: Load, text: str) -> None:
    """A profile is a table."""
    with pytest.raises(ConfigError, match=r"profiles.*: expected a .*, got 3"):
        load(text)


def test_unknown_profile(load: Load) -> None:
    """A profile that does not exist is answered with the nearest and with all there are."""
    with pytest.raises(ConfigError, match="argument: there is no profile 'gpo'") as caught:
        load("[profiles.gpu]", "[profiles.cpu]", profile="gpo")

    assert "did you mean 'gpu'?" in caught.value.hint
    assert ": cpu, gpu" in caught.value.hint


def test_unknown_profile_of_the_environment(load: Load) -> None:
    """An unknown profile is told with the place that asked for it."""
    with pytest.raises(ConfigError, match="environment ANYFIT_PROFILE: there is no profile 'gpu'") as caught:
        load(environ={"ANYFIT_PROFILE": "gpu"})

    assert caught.value.hint == "there is no anyfit.toml"


def test_import_reads_nothing() -> None:
    """Importing opens no file of the user's and imports nothing heavy."""
    code = (
        "import sys; seen = [];"
        "sys.addaudithook(lambda event, args: event == 'open' and seen.append(str(args[0])));"
        "import anyfit.config;"
        "assert not [name for name in seen if name.endswith('.toml')], seen;"
        "heavy = {'tomllib', 'platformdirs', 'pluggy', 'requests', 'cattrs', 'json'} & set(sys.modules);"
        "assert not heavy, heavy"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
