"""Files that look like secrets and must not leave the machine by accident."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from anyfit.code.tree import SourceFile
from anyfit.errors import SpecError

__all__ = ["refuse_secrets"]

_NAMES = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "id_rsa", "id_dsa",
    "id_ecdsa", "id_ed25519", ".netrc", ".pypirc", ".git-credentials", ".htpasswd", "credentials",
    "credentials.json",
    "credentials.csv", "kubeconfig", "service-account*.json", "secrets.toml", "secrets.yaml", "secrets.yml",
    "secrets.json",
)  # fmt: skip
_EXAMPLES = ("*.example", "*.sample", "*.template", "*.dist")
_KEY_HEADER = b"PRIVATE KEY-----"
_HEAD = 200


def refuse_secrets(files: Iterable[SourceFile], allowed: Sequence[str]) -> None:
    """Raise `SpecError` naming every file that looks like a secret and matches no allowed pattern."""
    suspects = [f.name for f in files if looks_secret(f) and not _matches(f.name, allowed)]
    if suspects:
        raise SpecError(
            f"source_dir: these files look like secrets: {', '.join(suspects[:5])}"
            + (f" and {len(suspects) - 5} more" if len(suspects) > 5 else ""),
            hint="to leave them out name them in .anyfitignore, or in .gitignore where there is none;"
            " to send them on purpose, in allow_secrets of anyfit.toml",
        )


def looks_secret(file: SourceFile) -> bool:
    """Whether the file's name, or the first line of a small one, is that of a secret."""
    base = file.name.rpartition("/")[2]
    if _matches(base, _EXAMPLES):
        return False
    return _matches(base, _NAMES) or _starts_with_key(file)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _starts_with_key(file: SourceFile) -> bool:
    with file.path.open("rb") as stream:
        head = stream.read(_HEAD)
    return head.startswith(b"-----BEGIN") and _KEY_HEADER in head
