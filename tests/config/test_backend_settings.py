"""A backend's settings are an instance of the class it declares, checked and with its secrets fetched."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from attrs import field, frozen, validators

from anyfit.backend import BackendFactory
from anyfit.config import Config, ConfigWarning
from anyfit.errors import ConfigError

Load = Callable[..., Config]
SECRET = {"secret": True, "help": "A key."}


@frozen
class Settings:
    """Settings of the backend in these tests."""

    region: str
    access_key: str = field(default="", repr=False, metadata=SECRET)
    workers: int = 2
    headers: dict[str, str] = field(factory=dict)
    mode: str = field(default="safe", validator=validators.in_(["safe", "fast"]))
    pin: str = field(default="0", repr=False, metadata=SECRET, validator=validators.matches_re(r"\d+"))


def factory(settings: type[Any] = Settings) -> BackendFactory:
    """The backend `local` with other settings."""
    return BackendFactory(name="local", summary="", settings=settings, create=lambda *_: None)  # type: ignore[arg-type]


def test_from_all_places(load: Load) -> None:
    """Tables of several places are merged key by key."""
    config = load(
        "[local]\nregion = 'a'\nheaders = {x = 'y'}\n[profiles.p.local]\nworkers = 3",
        "[local]\nregion = 'b'\nmode = 'fast'",
        {"ANYFIT_LOCAL_ACCESS_KEY": "sesame"},
        profile="p",
    )

    assert config.backend_settings(factory()) == Settings("a", "sesame", 3, {"x": "y"}, "fast")


def test_numbers_from_the_environment(load: Load) -> None:
    """A variable of a key that is a number is read as one."""
    config = load(environ={"ANYFIT_LOCAL_REGION": "1", "ANYFIT_LOCAL_WORKERS": "4"})

    assert config.backend_settings(factory()) == Settings("1", workers=4)


def test_missing(load: Load) -> None:
    """A setting without default that nobody gives is told, with the ways to give it."""
    with pytest.raises(ConfigError) as caught:
        load().backend_settings(factory())

    assert caught.value.message == (
        "local.region: has to be given, under [local] in anyfit.toml or as ANYFIT_LOCAL_REGION in the environment"
    )


def test_faults(load: Load) -> None:
    """All faults of a backend's tables are told at once, also those of profiles that are not in force."""
    config = load("""\
        [local]
        region = 3
        acces_key = "sesame"
        access_key = ["sesame"]
        [profiles.p.local]
        workers = true
    """)

    for check in (config.check, config.backend_settings):
        with pytest.raises(ConfigError) as caught:
            check(factory())

        assert caught.value.message.splitlines() == [
            "4 faults:",
            "  anyfit.toml:2: local.region: expected text, got 3",
            "  anyfit.toml:3: local.acces_key: unknown, did you mean 'access_key'?",
            "  anyfit.toml:4: local.access_key: expected text, got a list",
            "  anyfit.toml:6: profiles.p.local.workers: expected a whole number, got True",
        ]
        assert caught.value.hint == "local knows: region, access_key, workers, headers, mode, pin"


def test_faults_with_missing_values(load: Load) -> None:
    """Faults of the file, of variables and of what is missing are told together, each once."""
    text = """\
        [local]
        acces_key = "sesame"
        access_key = {evn = "KEY"}
        pin = {env = "PIN"}
        [ti]
        regoin = "ap-guangzhou"
    """

    with pytest.raises(ConfigError) as caught:
        load(text, environ={"ANYFIT_LOCAL_WORKERS": "many"}).backend_settings(factory())

    told = [line.strip() for line in caught.value.message.splitlines()]
    form = 'expected {env = "NAME"}, {file = "path"} or {keyring = "service/user"}'
    assert told == [
        "6 faults:",
        "anyfit.toml:2: local.acces_key: unknown, did you mean 'access_key'?",
        f"anyfit.toml:3: local.access_key.evn: {form}, did you mean 'env'?",
        "anyfit.toml:6: ti.regoin: unknown, did you mean 'region'?",
        "local.region: has to be given, under [local] in anyfit.toml or as ANYFIT_LOCAL_REGION in the environment",
        "environment ANYFIT_LOCAL_WORKERS: expected a whole number, got 'many'",
        'anyfit.toml:4: local.pin: there is nothing at {env = "PIN"}; export PIN=...',
    ]


def test_faults_of_others(load: Load) -> None:
    """What is wrong in tables of other backends alone keeps nobody from using this one."""
    config = load("[local]\nregion = 'a'\n[ti]\nregoin = 'ap-guangzhou'")

    assert config.backend_settings(factory()).region == "a"


def test_validators(load: Load) -> None:
    """What the class itself refuses is a configuration error, and secrets in its words are masked."""
    with pytest.raises(ConfigError, match="settings of local: 'mode' must be in"):
        load("[local]\nregion = 'a'\nmode = 'odd'").backend_settings(factory())
    with pytest.raises(ConfigError, match="'pin' must match") as caught:
        load("[local]\nregion = 'a'\npin = 'sesame'").backend_settings(factory())

    assert "sesame" not in str(caught.value)


def test_wrong_secret_is_not_shown(load: Load) -> None:
    """A secret of a wrong type is told without its value."""
    with pytest.raises(ConfigError, match="expected text, got a whole number") as caught:
        load("[local]\nregion = 'a'\naccess_key = 4711").backend_settings(factory())

    assert "4711" not in str(caught.value)


def test_secret_by_environment(load: Load) -> None:
    """A secret may be in a variable of any name."""
    config = load("[local]\nregion = 'a'\naccess_key = {env = 'MY_KEY'}", environ={"MY_KEY": "sesame"})

    settings = config.backend_settings(factory())

    assert settings.access_key == "sesame"
    assert "sesame" not in repr(settings)


def test_secret_by_file(load: Load, tmp_path: Path) -> None:
    """A secret may be in a file, named from the configuration's own folder; white space around it is dropped."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "key").write_text("  sesame\n")
    config = load("[local]\nregion = 'a'\naccess_key = {file = 'key'}")

    assert config.backend_settings(factory()).access_key == "sesame"


def test_number_by_reference(load: Load) -> None:
    """Any setting can be a reference; what is found is read as the setting's type."""
    text = "[local]\nregion = 'a'\nworkers = {env = 'N'}"

    assert load(text, environ={"N": "5"}).backend_settings(factory()).workers == 5
    with pytest.raises(ConfigError, match=r"anyfit.toml:3: local.workers: expected a whole number, got text"):
        load(text, environ={"N": "five"}).backend_settings(factory())


def test_secret_by_keyring(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret may be in the system's keyring."""
    (tmp_path / "keyring").mkdir()
    (tmp_path / "keyring" / "errors.py").write_text("class KeyringError(Exception): pass")
    (tmp_path / "keyring" / "__init__.py").write_text(
        dedent("""
        from keyring.errors import KeyringError

        def get_password(service, user):
            if service == "locked":
                raise KeyringError("no entry")
            return f"sesame of {user} at {service}" if user == "alice" else None
        """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("keyring", "keyring.errors"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    text = "[local]\nregion = 'a'\naccess_key = {keyring = '%s'}"

    assert load(text % "cloud/eu/alice").backend_settings(factory()).access_key == "sesame of alice at cloud/eu"
    with pytest.raises(ConfigError, match=r"nothing at \{keyring = \"cloud/bob\"\}; keyring set cloud bob"):
        load(text % "cloud/bob").backend_settings(factory())
    with pytest.raises(ConfigError, match=r"the keyring refuses .*no entry"):
        load(text % "locked/alice").backend_settings(factory())


def test_keyring_is_not_installed(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the keyring's package the error says what to install."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(ConfigError, match="pip install keyring"):
        load("[local]\nregion = 'a'\naccess_key = {keyring = 'cloud/alice'}").backend_settings(factory())


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (
            "{env = 'NOT_SET'}",
            r'anyfit.toml:3: local.access_key: there is nothing at {env = "NOT_SET"}; export NOT_SET=',
        ),
        ("{file = 'missing'}", "anyfit.toml:3: local.access_key: cannot read "),
        ("{file = '/dev/null'}", "anyfit.toml:3: local.access_key: there is nothing at "),
        ("{envv = 'KEY'}", "anyfit.toml:3: local.access_key.envv: expected {env = "),
        ("{env = 3}", "anyfit.toml:3: local.access_key: expected {env = "),
        ("{env = 'A', file = 'b'}", "anyfit.toml:3: local.access_key: expected {env = "),
        ("{}", "anyfit.toml:3: local.access_key: expected {env = "),
        ("{keyring = 'alice'}", "anyfit.toml:3: local.access_key.keyring: expected service/user, got 'alice'"),
    ],
)
def test_bad_reference(load: Load, reference: str, message: str) -> None:
    """A reference that leads nowhere, or is none, is told with the key and its place."""
    with pytest.raises(ConfigError) as caught:
        load(f"[local]\nregion = 'a'\naccess_key = {reference}").backend_settings(factory())

    assert caught.value.message.startswith(message)


def test_references_are_lazy(load: Load) -> None:
    """A secret that is missing harms nobody who does not use its backend."""
    config = load("[local]\nregion = 'a'\naccess_key = {env = 'NOT_SET'}")
    config.check(factory())

    assert config.core.backend == "local"


def test_readable_secret(load: Load, tmp_path: Path) -> None:
    """A secret that stands in a file which others can read is warned of; one that they cannot read is not."""
    config = load("[local]\nregion = 'a'\naccess_key = 'sesame'")
    config.backend_settings(factory())
    file = tmp_path / "project" / "anyfit.toml"
    file.chmod(file.stat().st_mode | stat.S_IROTH)

    with pytest.warns(ConfigWarning, match=r"anyfit.toml:3: local.access_key: .* chmod 600 ") as caught:
        config.backend_settings(factory())

    assert "sesame" not in str(caught[0].message)


def test_entries(load: Load) -> None:
    """Every value is shown with its origin; secrets are masked, references stand as they are."""
    environ = {"ANYFIT_HOME": "/h", "ANYFIT_LOCAL_PIN": "4711", "KEY": "sesame"}
    config = load("tags = {'a b' = 'c'}\n[local]\nworkers = 1\naccess_key = {env = 'KEY'}", environ=environ)
    entries = {entry.key: (entry.value, entry.origin) for entry in config.entries(factory())}

    assert entries == {
        "home": ('"/h"', "environment ANYFIT_HOME"),
        "backend": ('"local"', "default"),
        "profile": ('""', "default"),
        "language": ('"auto"', "default"),
        "instance_type": ('""', "default"),
        "output_path": ('""', "default"),
        "checkpoint_path": ('""', "default"),
        "tags": ('{"a b" = "c"}', "anyfit.toml:1"),
        "allow_secrets": ("[]", "default"),
        "local.region": ("", "not set"),
        "local.access_key": ('{env = "KEY"}', "anyfit.toml:4 [local]"),
        "local.workers": ("1", "anyfit.toml:3 [local]"),
        "local.headers": ("{}", "default"),
        "local.mode": ('"safe"', "default"),
        "local.pin": ("****", "environment ANYFIT_LOCAL_PIN"),
    }
