"""Job files, read without running anything."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from anyfit import Estimator
from anyfit.errors import SpecError
from anyfit.jobfile import JobFile, _deploy_kinds, load_job_file


def read(folder: Path, text: str) -> JobFile:
    """A job file of that text."""
    path = folder / "job.toml"
    path.write_text(text, encoding="utf-8")
    return load_job_file(path)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """Paths begin at the file's folder; URIs, absolute and home paths stay."""
    file = read(
        tmp_path,
        'entry_point = "t.py"\nsource_dir = "src"\ndependencies = ["lib", "/abs"]\noutput_path = "s3://b/o"\n'
        '[inputs]\na = "data"\nb = "obs://b/x"\nc = "~/d"\n[deploy]\nsource_dir = "serve"\nentry_point = "i.py"\n',
    )

    estimator = file.estimator()
    assert (estimator.entry_point, estimator.source_dir) == ("t.py", f"{tmp_path}/src")
    assert estimator.dependencies == (f"{tmp_path}/lib", "/abs")
    assert estimator.output_path == "s3://b/o"
    assert file.inputs == {"a": f"{tmp_path}/data", "b": "obs://b/x", "c": "~/d"}
    assert file.deploy == {"source_dir": f"{tmp_path}/serve", "entry_point": "i.py"}


def test_git_is_no_path(tmp_path: Path) -> None:
    """A repository elsewhere is not looked for beside the file."""
    for source in ("git+https://host/team/code.git@v1#x", "git@host:team/code.git"):
        assert read(tmp_path, f'entry_point = "t.py"\nsource_dir = "{source}"\n').data["source_dir"] == source


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("hyperparameters.lr=1e-3", ("hyperparameters", "lr"), 0.001),
        ("hyperparameters.flag=true", ("hyperparameters", "flag"), True),
        ("hyperparameters.list=[1, 'a']", ("hyperparameters", "list"), [1, "a"]),
        ("hyperparameters.name=adam", ("hyperparameters", "name"), "adam"),
        ('hyperparameters.name="7"', ("hyperparameters", "name"), "7"),
        ("hyperparameters.day=2026-01-01", ("hyperparameters", "day"), "2026-01-01"),
        ('hyperparameters."a.b"=1', ("hyperparameters", "a.b"), 1),
        ("hyperparameters.eq=a=b", ("hyperparameters", "eq"), "a=b"),
        ("framework_version=1.10", ("framework_version",), "1.10"),
        ("environment.N=1", ("environment", "N"), "1"),
        ("max_run=60", ("max_run",), 60),
        ("options.local.grace_seconds=2", ("options", "local", "grace_seconds"), 2),
        ("deploy.initial_instance_count=2", ("deploy", "initial_instance_count"), 2),
        ("inputs.train=7", ("inputs", "train"), "7"),
        ("description=", ("description",), ""),
        ('arguments=["--a", "b"]', ("arguments",), ("--a", "b")),
        ("instance_type={local = 'cpu:1'}", ("instance_type",), {"local": "cpu:1"}),
        ("hyperparameters={a = 1}", ("hyperparameters",), {"a": 1}),
    ],
)
def test_overrides(tmp_path: Path, text: str, path: tuple[str, ...], value: object) -> None:
    """A value is read as TOML, or taken as text where that is wanted or all it can be."""
    found: object = read(tmp_path, 'entry_point = "t.py"\n').overriding([text]).data
    for key in path:
        assert isinstance(found, dict)
        found = found[key]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["max_run=soon", "max_run.x=1", "nothing=1", "=1", "x", "command=ls", "environment=1"])
def test_wrong_overrides(tmp_path: Path, text: str) -> None:
    """What cannot be set is refused, and named as it was written."""
    with pytest.raises(SpecError, match=r"^--set "):
        read(tmp_path, 'entry_point = "t.py"\n').overriding([text])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("command=ls", """write --set 'command=["a", "b"]'"""),
        ("tags=x", "write --set tags.NAME=VALUE"),
        ("max_run=x", ""),
    ],
)
def test_how_lists_and_tables_are_written(tmp_path: Path, text: str, hint: str) -> None:
    """What is given as mere text is answered with the way to write it."""
    with pytest.raises(SpecError) as caught:
        read(tmp_path, 'entry_point = "t.py"\n').overriding([text])

    assert caught.value.hint == hint


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Each fault has its line."""
    with pytest.raises(SpecError) as caught:
        read(tmp_path, 'entry_pont = "x"\nmax_run = "1"\n[inputs]\na = 3\n[deploy]\nfoo = 1\n')

    assert [line.partition(": ")[0].rpartition("/")[2] for line in caught.value.message.splitlines()[1:]] == [
        "job.toml:1", "job.toml:2", "job.toml:4", "job.toml:6",
    ]  # fmt: skip


def test_deploy_knows_what_estimators_know() -> None:
    """[deploy] takes the arguments of `Estimator.deploy`."""
    assert {*_deploy_kinds(), "self", "wait"} == set(inspect.signature(Estimator.deploy).parameters)
