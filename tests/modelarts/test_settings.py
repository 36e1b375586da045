"""Where settings come from: anyfit's own files first, then the vendor's; and what they make of addresses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from anyfit.errors import ConfigError, SpecError
from anyfit.options import structure
from anyfit_modelarts.places import endpoint, iam_endpoint, obs_endpoint, obs_path, places_of
from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.vendor import vendor_files
from configured import empty_home, origins_of, settings_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and an empty working directory."""
    return empty_home(tmp_path, monkeypatch, [name for name in os.environ if name.startswith("HUAWEICLOUD_SDK_")])


def settings() -> Settings:
    return settings_of("modelarts", Settings)


def origins() -> dict[str, str]:
    return origins_of("modelarts")


def test_defaults(home: Path) -> None:
    """Without any file there are the platform's hosts by region, the second generation, and no credentials."""
    found = settings()

    assert (found.api, found.username, found.access_key) == ("v2", "", "")
    assert endpoint(found) == "https://modelarts.cn-north-4.myhuaweicloud.com"
    assert iam_endpoint(found) == "https://iam.cn-north-4.myhuaweicloud.com"
    assert obs_endpoint(found) == "https://obs.cn-north-4.myhuaweicloud.com"


def test_endpoints_can_be_overridden() -> None:
    """Another region, another cloud, and each address by itself."""
    found = Settings(region="eu-de", cloud="otc.t-systems.com", iam_endpoint="http://127.0.0.1:1/")

    assert endpoint(found) == "https://modelarts.eu-de.otc.t-systems.com"
    assert obs_endpoint(found) == "https://obs.eu-de.otc.t-systems.com"
    assert iam_endpoint(found) == "http://127.0.0.1:1"


def test_vendor_variables(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of the vendor's SDK are read where anyfit's own configuration is silent."""
    values = {
        "AK": "A",
        "SK": "S",
        "SECURITY_TOKEN": "T",
        "PROJECT_ID": "p",
        "IAM_ENDPOINT": "https://iam.example",
        "REGION": "cn-south-1",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"HUAWEICLOUD_SDK_{name}", value)
    found = settings()

    assert (found.access_key, found.secret_key, found.security_token) == ("A", "S", "T")
    assert (found.project_id, found.iam_endpoint, found.region) == ("p", "https://iam.example", "cn-south-1")
    assert origins()["modelarts.region"] == "HUAWEICLOUD_SDK_*"


def test_vendor_file(home: Path) -> None:
    """So is its credentials file, after the variables."""
    path = home / ".huaweicloud" / "credentials"
    path.parent.mkdir()
    path.write_text("[global]\nak = no\nsk = no\n[basic]\nak = A\nsk = S\nproject_id = p\n")
    found = settings()

    assert (found.access_key, found.secret_key, found.project_id) == ("A", "S", "p")
    assert origins()["modelarts.access_key"] == str(path)


def test_own_files_win(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment before anyfit.toml before the vendor's."""
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", "A")
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "S")
    monkeypatch.setenv("HUAWEICLOUD_SDK_REGION", "cn-south-1")
    (home / "work" / "anyfit.toml").write_text('[modelarts]\nregion = "cn-east-3"\nbucket = "ours"\n')
    monkeypatch.setenv("ANYFIT_MODELARTS_BUCKET", "env")
    found = settings()

    assert (found.access_key, found.region, found.bucket) == ("A", "cn-east-3", "env")


def test_half_a_pair_counts_as_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key without its secret is no use, and no reason to fail."""
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", "A")
    monkeypatch.setenv("HUAWEICLOUD_SDK_SECURITY_TOKEN", "T")

    assert (settings().access_key, settings().security_token) == ("", "")


def test_broken_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read is an error that names it, and shows nothing of it."""
    path = home / "credentials"
    path.write_text("ak = geheim\n")
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(path))
    with pytest.raises(ConfigError, match="credentials") as caught:
        vendor_files()

    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"username": "u"}, "go together"),
        ({"access_key": "a"}, "go together"),
        ({"security_token": "t"}, "security_token"),
        ({"obs_endpoint": "obs.example"}, "obs_endpoint"),
    ],
)
def test_impossible_settings(given: dict[str, str], message: str) -> None:
    """Settings that cannot be meant are refused."""
    with pytest.raises(ValueError, match=message):
        Settings(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dataset_id": "d"}, "go together"),
        ({"subscription_id": "s"}, "go together"),
        ({"boot_file": "train.py"}, "code_dir"),
        ({"priority": 4}, "1 to 3"),
        ({"datasets": {"train": {"dataset_id": "d"}}}, "datasets.train"),
        ({"apy": "v1"}, "did you mean 'api'"),
        ({"api": "v3"}, "api"),
    ],
)
def test_impossible_options(given: dict[str, Any], message: str) -> None:
    """Options that cannot be meant are refused with their path."""
    with pytest.raises(SpecError, match=message):
        structure(Options, given, "options.modelarts")


def test_secrets_are_not_shown() -> None:
    """Nothing secret is in the words of the settings."""
    shown = repr(Settings(username="u", password="p4ss", access_key="a", secret_key="s3cret", security_token="t0ken"))

    assert not [secret for secret in ("p4ss", "s3cret", "t0ken") if secret in shown]


@pytest.mark.parametrize(
    "text",
    [
        "/b/dir/a b.txt",
        "obs://b/dir/a b.txt",
        "s3://b/dir/a b.txt",
        "https://b.obs.cn-north-4.myhuaweicloud.com/dir/a%20b.txt",
    ],
)
def test_spellings_of_a_place(text: str) -> None:
    """All spellings of a place in OBS come to the one of the training API."""
    assert obs_path(text) == "/b/dir/a b.txt"


def test_places() -> None:
    """The key of a job is read back from the places that anyfit made for it, and from no others."""
    places = places_of(Settings(bucket="obs://b/", folder="/any/"))
    job = places.job("mnist.v2", "0123456789abcdef0123")

    assert job == "obs://b/any/jobs/mnist.v2/0123456789abcdef/"
    assert places.key_in(f"{job}code/") == "mnist.v2"
    assert places.key_in("obs://b/jobs/mine/code/") == ""
    with pytest.raises(SpecError, match="bucket"):
        _ = places_of(Settings()).root
