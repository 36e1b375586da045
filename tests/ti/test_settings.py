"""Where settings come from: anyfit's own files first, then the vendor's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.errors import ConfigError
from anyfit_ti.settings import Settings
from anyfit_ti.vendor import parse_yaml
from configured import empty_home, origins_of, settings_of

VARIABLES = (
    *(f"TENCENTCLOUD_{name}" for name in ("SECRET_ID", "SECRET_KEY", "TOKEN", "REGION")),
    *("REGION", "TI_TASK_ID", "QCLOUD_CONTAINER_INSTANCE_CREDENTIALS_URL", "INSTANCE_CREDENTIAL_URL"),
)
TEXT = st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f\x85\xa0")
YAML = """\
# written by hand
basic:
  region: ap-shanghai   # where
  uin: "100000000001"
  app_id: '1250000000'
  secret_id: AKIDyaml
  secret_key: from#yaml
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and an empty working directory."""
    return empty_home(tmp_path, monkeypatch, VARIABLES)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def settings() -> Settings:
    return settings_of("ti", Settings)


def origins() -> dict[str, str]:
    return origins_of("ti")


def test_defaults(home: Path) -> None:
    """Without any file there are the platform's defaults and no credentials."""
    found = settings()

    assert (found.region, found.api, found.secret_id, found.role) == ("ap-guangzhou", "2021", "", "TIONE_QCSRole")
    assert found.service_url("tione") == "https://tione.tencentcloudapi.com/"
    assert found.service_url("monitor") == "https://monitor.tencentcloudapi.com/"
    assert found.cls_url == "http://ap-guangzhou.cls.tencentcs.com"


def test_another_host() -> None:
    """Where one host plays the platform, it plays all of its services that are not set apart."""
    found = Settings(endpoint="http://127.0.0.1:1", tiems_endpoint="http://127.0.0.1:2/")

    assert [found.service_url(name) for name in ("tione", "tiems", "monitor", "sts")] == [
        "http://127.0.0.1:1/",
        "http://127.0.0.1:2/",
        "http://127.0.0.1:1/",
        "http://127.0.0.1:1/",
    ]


def test_file_of_the_sdk(home: Path) -> None:
    """The file of the TI SDK is read as text throughout, and named as the origin."""
    path = write(home / ".ti" / "config.yaml", YAML)
    found = settings()

    assert (found.region, found.uin, found.app_id) == ("ap-shanghai", "100000000001", "1250000000")
    assert (found.secret_id, found.secret_key) == ("AKIDyaml", "from#yaml")
    assert found.home_bucket == "ti-ap-shanghai-100000000001-1250000000"
    assert origins()["ti.region"] == str(path)


def test_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """anyfit's own before variables before the SDK's file before tikit's before the general SDK's."""
    write(home / ".tencentcloud" / "credentials", "[default]\nsecret_id = AKIDini\nsecret_key = x\nrole_arn = r\n")
    assert (settings().secret_id, settings().role_arn) == ("AKIDini", "r")
    tikit = {"secret_id": "AKIDtikit", "secret_key": "x", "region": "ap-beijing"}
    write(home / ".tikit" / "credential", json.dumps(tikit))
    assert (settings().secret_id, settings().role_arn, settings().region) == ("AKIDtikit", "", "ap-beijing")
    write(home / ".ti" / "config.yaml", YAML)
    assert (settings().secret_id, settings().region) == ("AKIDyaml", "ap-shanghai")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDenv")
    assert settings().secret_id == "AKIDyaml"  # half a pair is none
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "x")
    monkeypatch.setenv("TENCENTCLOUD_TOKEN", "t")
    assert (settings().secret_id, settings().secret_key, settings().token) == ("AKIDenv", "x", "t")
    write(home / "work" / "anyfit.toml", '[ti]\nregion = "ap-nanjing"\nbucket = "team"\n')
    assert (settings().region, settings().home_bucket) == ("ap-nanjing", "team-1250000000")


def test_token_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token without its keys is not put beside those of a file."""
    write(home / ".ti" / "config.yaml", YAML)
    monkeypatch.setenv("TENCENTCLOUD_TOKEN", "t")

    assert settings().token == ""


def test_in_a_container(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container of the platform its address for keys and its region are used; elsewhere REGION means nothing."""
    monkeypatch.setenv("REGION", "ap-beijing")
    assert settings().region == "ap-guangzhou"
    monkeypatch.setenv("QCLOUD_CONTAINER_INSTANCE_CREDENTIALS_URL", "http://10.0.0.1/keys")

    assert (settings().region, settings().credentials_url) == ("ap-beijing", "http://10.0.0.1/keys")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".ti/config.yaml", "basic: [1, 2]\n"),
        (".ti/config.yaml", "region: x\n"),
        (".ti/config.yaml", 'basic:\n  region: "x\n'),
        (".ti/config.yaml", "  region: x\n"),
        (".tikit/credential", "{"),
        (".tikit/credential", "[]"),
        (".tencentcloud/credentials", "secret_id = x\n"),
        (".tencentcloud/credentials", "[other]\nsecret_id = x\n"),
    ],
)
def test_broken_files(home: Path, name: str, text: str) -> None:
    """A file that cannot be read is named, and nothing of it is shown."""
    path = write(home / name, text)
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        settings()

    assert str(path) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"secret_id": "x"}, "secret_key"),
        ({"endpoint": "tione.example.com"}, "endpoint"),
        ({"app_id": "12x"}, "app_id"),
        ({"api": "2020"}, "api"),
    ],
)
def test_refused(home: Path, values: dict[str, str], field: str) -> None:
    """What cannot be right is refused by its name."""
    lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
    write(home / "work" / "anyfit.toml", f"[ti]\n{lines}")
    with pytest.raises(ConfigError, match=field):
        settings()


@pytest.mark.parametrize(
    ("bucket", "app_id", "wanted"),
    [("", "", ""), ("b-1250000000", "", "b-1250000000"), ("b", "1250000000", "b-1250000000"), ("b", "", "b")],
)
def test_bucket(bucket: str, app_id: str, wanted: str) -> None:
    """A bucket has the account's number at its end."""
    assert Settings(bucket=bucket, app_id=app_id).home_bucket == wanted


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,9}", fullmatch=True),
        st.dictionaries(
            st.from_regex(r"[a-z_]{1,9}", fullmatch=True),
            st.text(
                st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f\x85\xa0"), max_size=9
            ),
            max_size=3,
        ),
        max_size=3,
    )
)
def test_yaml(sections: dict[str, dict[str, str]]) -> None:
    """What is written with quotes is read as it was."""
    lines = []
    for section, values in sections.items():
        lines.append(f"{section}:")
        lines += [f"  {name}: '{value.replace(chr(39), chr(39) * 2)}'" for name, value in values.items()]

    assert parse_yaml("\n".join(lines)) == sections
