"""Values, whatever place they come from, are of the right type, and arguments lie on top."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.config import Config
from anyfit.errors import ConfigError
from anyfit.plugins import backend_factory

Load = Callable[..., Config]


def test_tables_and_lists_from_the_environment(load: Load) -> None:
    """A variable whose key is no text is read as JSON."""
    config = load(environ={"ANYFIT_TAGS": '{"team": "vision"}', "ANYFIT_ALLOW_SECRETS": '["*.pem"]'})

    assert config.core.tags == {"team": "vision"}
    assert config.core.allow_secrets == ("*.pem",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("ANYFIT_TAGS", "vision", "environment ANYFIT_TAGS: expected a table of text, got 'vision'"),
        ("ANYFIT_LANGUAGE", "fr", "environment ANYFIT_LANGUAGE: expected one of 'auto', 'en', 'zh', got 'fr'"),
    ],
)
def test_wrong_variable(load: Load, name: str, text: str, message: str) -> None:
    """A wrong value in the environment is told with the name of the variable."""
    with pytest.raises(ConfigError) as caught:
        load(environ={name: text})

    assert caught.value.message == message


def test_wrong_argument(load: Load) -> None:
    """A wrong argument is told as one."""
    with pytest.raises(ConfigError, match="argument language: expected one of"):
        load().with_arguments(language="fr")


def test_empty_variable(load: Load) -> None:
    """An empty variable counts as not set."""
    assert load("backend = 'there'", environ={"ANYFIT_BACKEND": ""}).core.backend == "there"


def test_paths_begin_at_their_file(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path in a file begins at its folder, wherever anyfit runs; what is whole already stays as it is."""
    monkeypatch.chdir("/")
    text = """\
        output_path = "results/"
        [profiles.whole]
        output_path = "obs://bucket/results"
        checkpoint_path = "~/checkpoints"
        [local]
        home = "../jobs"
        [storage.s3]
        ca_bundle = "ca.pem"
    """
    config = load(text, "checkpoint_path = 'kept'", {"ANYFIT_STORAGE_S3_REGION": "there"})
    project, user = tmp_path / "project", tmp_path / "xdg" / "anyfit"

    assert (config.core.output_path, config.core.checkpoint_path) == (f"{project}/results/", str(user / "kept"))
    assert config.backend_settings(backend_factory("local")).home == f"{project}/../jobs"
    store = config.storage("s3")
    assert store is not None and store.verify == str(project / "ca.pem")
    entries = {entry.key: entry.value for entry in config.entries()}
    assert entries["output_path"] == f'"{project}/results/"'

    whole = load(text, profile="whole").core
    assert (whole.output_path, whole.checkpoint_path) == ("obs://bucket/results", "~/checkpoints")


def test_paths_of_variables_and_calls(load: Load) -> None:
    """A relative path that is given by a variable or a call begins where one is."""
    config = load("output_path = 'results'", environ={"ANYFIT_OUTPUT_PATH": "there"})

    assert config.core.output_path == "there"
    assert config.with_arguments(output_path="here").core.output_path == "here"


def test_foreign_variables(load: Load) -> None:
    """Variables that mean nothing here, such as those of a running job, are no errors."""
    assert load(environ={"ANYFIT_JOB_NAME": "mnist", "ANYFIT_CHANNEL_TRAIN": "/data"}).core.backend == "local"


def test_arguments(load: Load) -> None:
    """Arguments make a new configuration; None leaves a key as it was."""
    config = load("backend = 'there'\ninstance_type = 'big'")
    changed = config.with_arguments(backend="local", instance_type=None).with_arguments(tags={"a": "b"})

    assert (changed.core.backend, changed.core.instance_type, changed.core.tags) == ("local", "big", {"a": "b"})
    assert changed.core_value("backend").origin == "argument"
    assert config.core.backend == "there"


def test_no_profile_on_request(load: Load) -> None:
    """An empty profile is none, even where one is configured."""
    text = "profile = 'gpu'\n[profiles.gpu]\ninstance_type = 'V100:1'"

    assert load(text).core.instance_type == "V100:1"
    assert load(text, profile="").core.instance_type == ""


def test_home(load: Load, tmp_path: Path) -> None:
    """anyfit keeps its own things where ANYFIT_HOME says."""
    assert load(environ={"ANYFIT_HOME": str(tmp_path)}).home == tmp_path
    assert load().home == Path.home() / ".anyfit"


@pytest.mark.parametrize(
    ("setting", "locale", "language"),
    [("auto", "zh_CN.UTF-8", "zh"), ("auto", "de_DE.UTF-8", "en"), ("zh", "C", "zh"), ("en", "zh_CN.UTF-8", "en")],
)
def test_language(load: Load, setting: str, locale: str, language: str) -> None:
    """Reports are in the language that is set, else in the locale's."""
    assert load(f"language = {setting!r}", environ={"LC_ALL": locale}).language() == language


def test_tables(load: Load) -> None:
    """The backends that have a table anywhere are known without importing them."""
    config = load("tags = {a = 'b'}\n[profiles.gpu]\ntags = {a = 'c'}\n[profiles.gpu.local]\nx = 1")

    assert config.tables == ["local"]
    assert config.profiles == ["gpu"]


def test_repr_tells_no_secret(load: Load) -> None:
    """The representation of a configuration shows neither its files' text nor the environment."""
    config = load("[local]\nkey = 'sesame'", environ={"KEY": "sesame"})

    assert "sesame" not in repr(config)
