"""Where settings come from: anyfit's own files first, then the vendor's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anyfit.errors import ConfigError
from anyfit_modelmaker.places import base_url
from anyfit_modelmaker.settings import Settings
from configured import empty_home, origins_of, settings_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and an empty working directory."""
    return empty_home(tmp_path, monkeypatch, ("MODELMAKER_CONFIG", "PROJECT_ID"))


def write(path: Path, **values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"iam_config": values}))


def settings() -> Settings:
    return settings_of("modelmaker", Settings)


def origins() -> dict[str, str]:
    return origins_of("modelmaker")


def test_defaults(home: Path) -> None:
    """Without any file there are the platform's defaults and no credentials."""
    found = settings()

    assert (found.host_base, found.region) == ("https://mmr.wangsucloud.com:9948/mmr", "js01")
    assert (found.verify_ssl, found.s3_protocol, found.username) == (True, "http", "")


def test_vendor_file(home: Path) -> None:
    """The file of the vendor's SDK is read where anyfit's own configuration is silent, and is named as the origin."""
    path = home / ".modelmaker" / "config.json"
    write(path, username="alice", password="secret", region="sz02", bucket="team/", s3_protocol="https", more=1)
    found = settings()

    assert (found.username, found.password, found.region) == ("alice", "secret", "sz02")
    assert (found.bucket, found.s3_protocol) == ("team/", "https")
    assert origins()["modelmaker.region"] == str(path)


def test_own_files_win(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment before anyfit.toml before the vendor's file."""
    write(home / ".modelmaker" / "config.json", username="alice", password="secret", region="sz02", bucket="theirs")
    (home / "work" / "anyfit.toml").write_text('[modelmaker]\nregion = "bj03"\nbucket = "ours"\n')
    monkeypatch.setenv("ANYFIT_MODELMAKER_BUCKET", "env")
    found = settings()

    assert (found.username, found.region, found.bucket) == ("alice", "bj03", "env")


def test_other_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MODELMAKER_CONFIG names another file, with ~ for the home; PROJECT_ID is read as well."""
    write(home / ".modelmaker" / "config.json", username="alice", password="secret")
    write(home / "other.json", username="bob", password="geheim")
    monkeypatch.setenv("MODELMAKER_CONFIG", "~/other.json")
    monkeypatch.setenv("PROJECT_ID", "17")

    assert (settings().username, settings().project_id) == ("bob", 17)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"verify_ssl": False}, False),
        ({"versify_ssl": False}, False),
        ({"verify_ssl": "False"}, False),
        ({"verify_ssl": "true"}, True),
        ({"verify_ssl": True, "versify_ssl": False}, True),
        ({}, True),
    ],
)
def test_both_spellings(home: Path, values: dict[str, Any], wanted: bool) -> None:
    """The switch for certificates is understood as a bool, as text, and as the vendor's tool misspells it."""
    write(home / ".modelmaker" / "config.json", username="alice", password="secret", **values)

    assert settings().verify_ssl is wanted


def test_template_is_no_configuration(home: Path) -> None:
    """What the vendor's template holds instead of values does not count."""
    write(home / ".modelmaker" / "config.json", username="xxxxx", password="xxxxx", bucket="xxxxx")

    assert (settings().username, settings().bucket) == ("", "")


@pytest.mark.parametrize("text", ["{", "[]", '{"iam_config": 1}', '{"other": {}}'])
def test_broken_file(home: Path, text: str) -> None:
    """A file that cannot be read is an error that names it."""
    path = home / ".modelmaker" / "config.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"config\.json"):
        settings()


@pytest.mark.parametrize("alone", ["username", "password"])
def test_both_or_neither(home: Path, alone: str) -> None:
    """A user without password, or the other way round, is refused."""
    (home / "work" / "anyfit.toml").write_text(f'[modelmaker]\n{alone} = "x"\n')
    (home / "work" / "anyfit.toml").chmod(0o600)
    with pytest.raises(ConfigError, match="go together"):
        settings()


@pytest.mark.parametrize(
    ("host_base", "base"),
    [
        ("https://mmr.wangsucloud.com:9948/mmr", "https://js01mmr.wangsucloud.com:9948/mmr"),
        ("https://mmr.wangsucloud.com:9948/mmr/", "https://js01mmr.wangsucloud.com:9948/mmr"),
        ("http://127.0.0.1:9048/mmr", "http://127.0.0.1:9048/mmr"),
        ("http://10.20.30.40/mmr/", "http://10.20.30.40/mmr"),
        ("http://localhost:9048/mmr", "http://localhost:9048/mmr"),
    ],
)
def test_server_url(host_base: str, base: str) -> None:
    """The region is glued to a host's name, and not to an address."""
    assert base_url(host_base, "js01") == base
