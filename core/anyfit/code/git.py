"""Source folders that live in a git repository elsewhere.

git+https://example.org/team/project.git@v1.2#training
git@example.org:team/project.git@main
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import frozen

from anyfit.errors import SpecError

__all__ = ["GitSource", "fetch_git", "masked", "parse_git"]

# The authority comes first, so that the `@` of `user@host` is not taken for the one before the ref.
_FORM = re.compile(
    r"(?:git\+)?(?P<url>(?:[a-z+]+://[^/]*|[\w.-]+@[\w.-]+:)[^@#]*)(?:@(?P<ref>[^@#]+))?(?:#(?P<folder>.*))?"
)


@frozen
class GitSource:
    """A folder of a repository at a ref (branch, tag or commit)."""

    url: str
    ref: str = "HEAD"
    folder: str = ""

    def __str__(self) -> str:
        return f"{masked(self.url)}@{self.ref}" + (f"#{self.folder}" if self.folder else "")


def parse_git(text: str) -> GitSource | None:
    """The source that `text` names, or None when it is no git URL."""
    is_url = "://" in text or re.match(r"[\w.-]+@[\w.-]+:", text)
    if not text.startswith("git+") and not (is_url and re.search(r"\.git(@|#|$)", text)):
        return None
    match = _FORM.fullmatch(text)
    if match is None:
        raise SpecError(f"source_dir: cannot read {text!r}", hint="write git+URL@ref#folder")
    source = GitSource(match["url"], match["ref"] or "HEAD", (match["folder"] or "").strip("/"))
    if source.ref.startswith("-") or source.url.startswith("-") or ".." in Path(source.folder).parts:
        raise SpecError(f"source_dir: {str(source)!r} is no usable git source", hint="write git+URL@ref#folder")
    return source


def masked(text: str) -> str:
    """The text without the user and password of any URL in it."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", text)


def fetch_git(source: GitSource, into: Path) -> Path:
    """Bring the source into the empty folder `into`; answers the folder that was asked for."""
    url, secrets = _without_password(source.url)
    _git(into, source, secrets, "init", "--quiet")
    _git(into, source, secrets, "fetch", "--quiet", "--depth=1", url, source.ref)
    _git(into, source, secrets, "checkout", "--quiet", "FETCH_HEAD")
    folder = into / source.folder
    if not folder.is_dir():
        raise SpecError(f"source_dir: there is no folder {source.folder!r} in {source}")
    return folder


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """The URL as it may stand among a process's arguments, and the environment that gives git the password."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.username is None:
        return url, {}
    # A function, because git appends an argument of its own.
    helper = r'!f() { printf "username=%s\npassword=%s\n" "$ANYFIT_GIT_USER" "$ANYFIT_GIT_PASSWORD"; }; f'
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": helper,
        "ANYFIT_GIT_USER": unquote(parts.username),
        "ANYFIT_GIT_PASSWORD": unquote(parts.password or ""),
    }


def _git(folder: Path, source: GitSource, secrets: dict[str, str], *arguments: str) -> None:
    # No prompt: a missing password has to be an error, not a wait that nobody sees.
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}
    environment = {**os.environ, **quiet, **secrets}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise SpecError("source_dir: a git source needs the program git", hint="install git") from None
    if done.returncode:
        said = masked(done.stderr.strip().splitlines()[-1] if done.stderr else "")
        raise SpecError(
            f"source_dir: cannot fetch {source}: {said}",
            hint="check the URL and the ref; a private repository needs credentials that git finds by itself",
        )
