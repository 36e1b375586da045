"""Source folders in git repositories."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anyfit.code.bundle import pack_code
from anyfit.code.git import GitSource, fetch_git, parse_git
from anyfit.errors import SpecError

URLS = st.sampled_from([
    "https://example.org/team/project.git", "https://user@example.org/team/project.git", "ssh://git@example.org:22/p.git",
    "git@example.org:team/project.git", "file:///srv/project.git", "http://127.0.0.1:8080/a/b.git",
])  # fmt: skip
REFS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,20}", fullmatch=True)
FOLDERS = st.lists(st.from_regex(r"[A-Za-z0-9_ -]+", fullmatch=True), max_size=3).map("/".join)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("https://h/p.git", GitSource("https://h/p.git")),
        ("git+https://h/p", GitSource("https://h/p")),
        ("https://h/p.git@v1.2", GitSource("https://h/p.git", "v1.2")),
        ("https://h/p.git@feature/x#sub/dir", GitSource("https://h/p.git", "feature/x", "sub/dir")),
        ("https://h/p.git#sub/", GitSource("https://h/p.git", folder="sub")),
        ("git@h:team/p.git@main", GitSource("git@h:team/p.git", "main")),
        ("git+ssh://git@h/p@v1#x", GitSource("ssh://git@h/p", "v1", "x")),
        ("https://me:secret@h/p.git@v1", GitSource("https://me:secret@h/p.git", "v1")),
    ],
)
def test_forms(text: str, source: GitSource) -> None:
    """Each documented form is read as documented."""
    assert parse_git(text) == source


@pytest.mark.parametrize(
    "text", ["src", "./src", "/a/b", "C:\\code", "project.git", "s3://b/code.tar", "https://h/code.tgz", "a@b", ""]
)
def test_no_git(text: str) -> None:
    """A path or another URL is no git source."""
    assert parse_git(text) is None


@given(URLS, REFS, FOLDERS)
def test_there_and_back(url: str, ref: str, folder: str) -> None:
    """Whatever URL, ref and folder are put together come apart as they were."""
    assume(not folder.startswith(" "))

    assert parse_git(f"git+{url}@{ref}" + (f"#{folder}" if folder else "")) == GitSource(url, ref, folder)


@given(st.text() | st.text("git+:/@#.-a", max_size=20))
def test_any_text(text: str) -> None:
    """Any text is a source, no source, or an error of its field."""
    try:
        source = parse_git(text)
    except SpecError as error:
        assert error.message.startswith("source_dir: ")
        return

    assert source is None or not source.ref.startswith("-")


@pytest.mark.parametrize(
    "text", ["git+--upload-pack=touch x", "https://h/p.git@--option", "https://h/p.git@v1#../..", "git+nothing"]
)
def test_tricks(text: str) -> None:
    """What git would take for an option, or what leads out of the repository, is refused."""
    with pytest.raises(SpecError, match=r"^source_dir: "):
        parse_git(text)


def test_passwords_are_masked() -> None:
    """A source that is shown shows no password."""
    assert str(GitSource("https://me:secret@h/p.git", "v1", "x")) == "https://***@h/p.git@v1#x"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A repository with a tag `v1`, a branch `next` and a folder; its URL and its first commit."""
    root = tmp_path_factory.mktemp("project")

    def git(*arguments: str) -> str:
        identity = {"GIT_CONFIG_GLOBAL": os.devnull} | {
            f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", *arguments], cwd=root, env={**os.environ, **identity}, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "--quiet", "-b", "main")
    (root / "training").mkdir()
    for version, tag in (("one", "v1"), ("two", "")):
        (root / "training" / "train.py").write_text(f"print({version!r})")
        git("add", ".")
        git("commit", "--quiet", "-m", version)
        if tag:
            git("tag", tag)
    git("branch", "next")
    return f"file://{root}", git("rev-parse", "v1")


@pytest.mark.parametrize(("ref", "version"), [("", "two"), ("v1", "one"), ("next", "two"), ("commit", "one")])
def test_fetch(repository: tuple[str, str], tmp_path: Path, ref: str, version: str) -> None:
    """A branch, a tag, a commit or nothing at all brings what it names."""
    url, commit = repository
    source = parse_git(f"git+{url}" + (f"@{commit if ref == 'commit' else ref}" if ref else ""))
    assert source is not None

    assert (fetch_git(source, tmp_path) / "training" / "train.py").read_text() == f"print({version!r})"


def test_pack(repository: tuple[str, str], tmp_path: Path) -> None:
    """A folder of a repository is packed like one of this machine."""
    code, script = pack_code("train.py", f"git+{repository[0]}@v1#training", (), tmp_path)

    assert script == "train.py"
    assert code.files == 1
    assert code.source.endswith("@v1#training")


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("@nowhere", r"source_dir: cannot fetch file://.*@nowhere: .*nowhere"),
        ("@v1#missing", r"source_dir: there is no folder 'missing' in file://"),
        ("-gone", r"source_dir: cannot fetch file://"),
    ],
)
def test_faults(repository: tuple[str, str], tmp_path: Path, rest: str, message: str) -> None:
    """What cannot be fetched is an error that says what git said."""
    with pytest.raises(SpecError, match=rf"^{message}"):
        pack_code("train.py", f"git+{repository[0]}{rest}", (), tmp_path)


def test_a_password_reaches_the_server_alone(tmp_path: Path) -> None:
    """Git is given the password of a URL without its standing in any argument, and no message shows it."""
    asked: list[str] = []

    class Guarded(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            self.send_response(404 if asked[-1] else 401)
            self.send_header("WWW-Authenticate", "Basic realm=code")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        source = parse_git(f"git+http://me:p%40ss@127.0.0.1:{server.server_port}/p.git")
        assert source is not None
        with pytest.raises(SpecError) as caught:
            fetch_git(source, tmp_path)
        server.shutdown()
        thread.join()

    assert f"Basic {base64.b64encode(b'me:p@ss').decode()}" in asked
    assert "p%40ss" not in str(caught.value) and "p@ss" not in str(caught.value)
