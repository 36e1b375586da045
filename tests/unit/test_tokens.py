"""Tokens on disk."""

from __future__ import annotations

import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from anyfit.tokens import Token, TokenFile

SOON = datetime.now(timezone.utc) + timedelta(hours=1)


def test_token_comes_back(tmp_path: Path) -> None:
    """What was saved is there for the next process, and for nobody else."""
    TokenFile(tmp_path, "alice").save(Token({"token": "t"}, SOON))
    kept = TokenFile(tmp_path, "alice")

    assert kept.load() == Token({"token": "t"}, SOON)
    assert TokenFile(tmp_path, "bob").load() is None
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in kept.path.parent.iterdir()] == [kept.path.name]


def test_ended_token(tmp_path: Path) -> None:
    """A token whose time is over is none; one without a time is good until it is forgotten."""
    kept = TokenFile(tmp_path, "alice")
    kept.save(Token({"token": "t"}, datetime.now(timezone.utc)))
    assert kept.load() is None
    kept.save(Token({"token": "t"}))
    assert kept.load() == Token({"token": "t"})
    kept.forget()
    kept.forget()
    assert kept.load() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"values": 1, "expires_at": null}', '{"values": {}}'])
def test_damaged_file(tmp_path: Path, text: str) -> None:
    """A file that makes no sense is no token."""
    kept = TokenFile(tmp_path, "alice")
    kept.save(Token({"token": "t"}))
    kept.path.write_text(text)

    assert kept.load() is None


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    """Where nothing can be written, the token is simply not kept."""
    (tmp_path / "tokens").write_text("in the way")
    kept = TokenFile(tmp_path, "alice")
    kept.save(Token({"token": "t"}))

    assert kept.load() is None


def test_nothing_is_shown() -> None:
    """A token's own words hide it."""
    assert "geheim" not in repr(Token({"token": "geheim"}, SOON))
