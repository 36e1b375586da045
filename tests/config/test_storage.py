"""How stores are reached: `[storage.s3]` and its like, merged, checked, masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from anyfit.config import Config, ConfigWarning
from anyfit.errors import ConfigError, Unsupported
from anyfit.options import describe
from anyfit.session import Session
from anyfit.storage import StoreSettings, Uri
from anyfit.storage.table import TABLES, StoreTable
from anyfit.stores import store_of

Load = Callable[..., Config]
PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
KEYS = "access_key = 'AK'\nsecret_key = 'SK'\n"


@pytest.fixture
def session(load: Load, tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """Sessions of configurations."""
    made: list[Session] = []

    def make(project: str = "", environ: dict[str, str] | None = None, profile: str | None = None) -> Session:
        environ = {"ANYFIT_HOME": str(tmp_path / "home"), **(environ or {})}
        made.append(Session(load(project, environ=environ, profile=profile)))
        return made[-1]

    yield make
    for each in made:
        each.journal.close()


def test_nothing_is_said(load: Load) -> None:
    """Without a table there are no settings, so that s3 takes what boto3 finds."""
    config = load("[storage.s3]")

    assert [config.storage(scheme) for scheme in ("s3", "obs", "cos", "file", "far")] == [None] * 5


def test_from_all_places(load: Load) -> None:
    """Tables of several places are merged key by key; each scheme has its own."""
    config = load(
        f"[storage.s3]\nendpoint = 'https://a'\n{KEYS}[profiles.p.storage.s3]\nendpoint = 'https://b'\ntimeout = 5",
        "[storage.s3]\nregion = 'r'\nendpoint = 'https://c'\n[storage.cos]\nregion = 'ap-guangzhou'",
        {"ANYFIT_STORAGE_S3_SECRET_KEY": "sesame", "ANYFIT_STORAGE_OBS_REGION": "cn-north-4"},
        profile="p",
    )

    assert config.storage("s3") == StoreSettings(
        endpoint="https://b", region="r", access_key="AK", secret_key="sesame", timeout=5
    )
    assert config.storage("obs") == StoreSettings(region="cn-north-4")
    assert config.storage("cos") == StoreSettings(region="ap-guangzhou")


def test_every_key_arrives(load: Load) -> None:
    """Each key has its variable, and reaches the store's settings."""
    values = {
        "endpoint": "https://h", "region": "r", "access_key": "AK", "secret_key": "SK", "session_token": "T",
        "addressing": "virtual", "signature": "v2", "verify_ssl": "true", "ca_bundle": "/ca.pem", "direct": "false",
        "timeout": "7",
    }  # fmt: skip
    environ = {f"ANYFIT_STORAGE_S3_{name.upper()}": text for name, text in values.items()}

    assert [each.name for each in describe(StoreTable)] == list(values)
    assert load(environ=environ).storage("s3") == StoreSettings(
        endpoint="https://h", region="r", access_key="AK", secret_key="SK", session_token="T", addressing="virtual",
        signature="v2", verify="/ca.pem", fast=False, timeout=7,
    )  # fmt: skip
    unverified = load(environ={"ANYFIT_STORAGE_S3_VERIFY_SSL": "False"}).storage("s3")
    assert unverified is not None
    assert unverified.verify is False


def test_secrets_by_reference(load: Load) -> None:
    """A secret can stand elsewhere; one that is not there is told with the key."""
    text = "[storage.obs]\naccess_key = {env = 'HW_AK'}\nsecret_key = {env = 'HW_SK'}"
    found = load(text, environ={"HW_AK": "AK", "HW_SK": "SK"}).storage("obs")

    assert found == StoreSettings(access_key="AK", secret_key="SK")
    with pytest.raises(ConfigError, match=r"anyfit.toml:3: storage.obs.secret_key: there is nothing at .*export HW_SK"):
        load(text, environ={"HW_AK": "AK"}).storage("obs")


def test_faults(load: Load) -> None:
    """All faults are told at once, those of profiles too, also when nothing asks for a store."""
    with pytest.raises(ConfigError) as caught:
        load("""\
            [storage.s3]
            endpont = "https://h"
            secret_key = ["sesame"]
            [storage.s4]
            [storage]
            cos = 3
            [profiles.p.storage.obs]
            signature = "v3"
            [profiles.q]
            storage = "here"
        """)

    assert caught.value.message == "\n".join(
        [
            "6 faults:",
            "  anyfit.toml:2: storage.s3.endpont: unknown, did you mean 'endpoint'?",
            "  anyfit.toml:3: storage.s3.secret_key: expected text, got a list",
            "  anyfit.toml:4: storage.s4: unknown (stores: s3, obs, cos)",
            "  anyfit.toml:6: storage.cos: expected a table of settings, got 3",
            "  anyfit.toml:8: profiles.p.storage.obs.signature: expected one of 'v4', 'v2', got 'v3'",
            "  anyfit.toml:10: profiles.q.storage: expected tables of stores, such as [storage.s3], got 'here'",
        ]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("access_key = 'AK'", "storage.s3: secret_key is missing"),
        ("endpoint = 'h:9000'", "storage.s3: endpoint 'h:9000' has no scheme"),
        ("timeout = 0", "storage.s3.timeout: expected more than 0, got 0"),
    ],
)
def test_values_that_cannot_be(load: Load, text: str, message: str) -> None:
    """What is of the right type and still wrong is told with the table."""
    with pytest.raises(ConfigError) as caught:
        load(f"[storage.s3]\n{text}").storage("s3")

    assert caught.value.message == message


def test_shown_with_origin_and_without_secrets(load: Load) -> None:
    """`config show` has the tables that somebody wrote, secrets masked."""
    text = f"[storage.s3]\n{KEYS}session_token = {{env = 'TOKEN'}}"
    config = load(text, environ={"ANYFIT_STORAGE_COS_SECRET_KEY": "sesame"})
    shown = {entry.key: (entry.value, entry.origin) for entry in config.entries()}

    assert shown["storage.s3.access_key"] == ('"AK"', "anyfit.toml:2 [storage.s3]")
    assert shown["storage.s3.secret_key"] == ("****", "anyfit.toml:3 [storage.s3]")
    assert shown["storage.s3.session_token"] == ('{env = "TOKEN"}', "anyfit.toml:4 [storage.s3]")
    assert shown["storage.s3.region"] == ('""', "default")
    assert shown["storage.cos.secret_key"] == ("****", "environment ANYFIT_STORAGE_COS_SECRET_KEY")
    assert not any(key.startswith("storage.obs") for key in shown)
    assert config.tables == []


def test_a_readable_secret_is_warned_of(load: Load) -> None:
    """A secret in a file that others can read works, but not in silence."""
    config = load(f"[storage.s3]\n{KEYS}")
    config.files[0].path.chmod(0o644)

    with pytest.warns(ConfigWarning, match=r"anyfit.toml:3: storage.s3.secret_key: a secret"):
        config.storage("s3")


def test_the_table_of_a_scheme_opens_it(session: Callable[..., Session]) -> None:
    """Each profile may reach a scheme in its own way; files need nothing."""
    text = f"[profiles.a.storage.obs]\nregion = 'cn-east-3'\n{KEYS}"
    with closing(store_of(session(text, profile="a"), "obs://b/k")) as store:
        assert (store.scheme, store.bucket) == ("obs", "b")
        assert store.current.get().endpoint == "https://obs.cn-east-3.myhuaweicloud.com"  # type: ignore[attr-defined]
    assert store_of(session(), Uri.parse("/tmp/x")).scheme == "file"


def test_a_scheme_that_nobody_knows(session: Callable[..., Session]) -> None:
    """It is named, with what was meant."""
    with pytest.raises(Unsupported, match="nobody knows the scheme 's4'"):
        store_of(session(), "s4://b/k")


def test_every_key_is_documented() -> None:
    """The page has a row for each key, with its default."""
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| (.*?) \|", PAGE.partition("## Stores\n")[2]))
    defaults = {each.name: f"`{each.default}`" if each.default else "" for each in describe(StoreTable)}

    assert {name: rows.get(name) for name in defaults} == defaults
    assert all(f"[storage.{scheme}]" in PAGE for scheme in TABLES)
