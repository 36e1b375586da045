"""Secrets stay on this machine unless somebody wants them to go."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyfit.code.bundle import pack_code
from anyfit.errors import SpecError

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"


def pack(folder: Path, files: dict[str, str], allow: tuple[str, ...] = ()) -> list[str]:
    """Pack these files; answers nothing when they may go, else the names in the error."""
    for name, text in files.items():
        (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "src" / name).write_text(text)
    try:
        pack_code("", str(folder / "src"), (), folder / "bundles", allow_secrets=allow)
    except SpecError as error:
        assert error.message.startswith("source_dir: these files look like secrets: ")
        assert ".anyfitignore" in error.hint
        return error.message.partition("secrets: ")[2].split(", ")
    return []


@pytest.mark.parametrize(
    "name",
    [
        ".env", ".env.local", "deep/.env", "server.pem", "id_rsa", "id_ed25519", ".netrc", "credentials",
        "credentials.json", "store.p12", "app.keystore", "kubeconfig", ".git-credentials", "secrets.toml",
    ],
)  # fmt: skip
def test_names(tmp_path: Path, name: str) -> None:
    """A file whose name is that of a secret is refused, in whatever folder it lies."""
    assert pack(tmp_path, {"a.py": "", name: "x"}) == [name]


@pytest.mark.parametrize("name", ["a.py", ".env.example", "key.py", "environment.yml", "pem.txt", "public.crt", "keys"])
def test_harmless_names(tmp_path: Path, name: str) -> None:
    """A file that only sounds alike may go."""
    assert pack(tmp_path, {name: "x"}) == []


def test_content(tmp_path: Path) -> None:
    """A private key is refused under any name, and a text about keys is not."""
    assert pack(tmp_path, {"notes.txt": KEY, "about.txt": f"a key begins with {KEY}"}) == ["notes.txt"]


@pytest.mark.parametrize("pattern", [".env", "*", ".e*"])
def test_allowed(tmp_path: Path, pattern: str) -> None:
    """What a pattern allows may go."""
    assert pack(tmp_path, {".env": "x"}, (pattern,)) == []


def test_allowed_by_path(tmp_path: Path) -> None:
    """A pattern is of the whole path: allowing one file allows no other of its name."""
    files = {"fake/server.pem": "x", "real/server.pem": "x"}

    assert pack(tmp_path, files, ("fake/*",)) == ["real/server.pem"]


def test_ignored(tmp_path: Path) -> None:
    """A secret that is not packed is no concern."""
    assert pack(tmp_path, {"a.py": "", ".env": "x", ".gitignore": ".env\n"}) == []


def test_many(tmp_path: Path) -> None:
    """Of many, five are named and the rest is counted."""
    files = {f"{letter}.pem": "x" for letter in "abcdefgh"}

    assert pack(tmp_path, files)[-1] == "e.pem and 3 more"
