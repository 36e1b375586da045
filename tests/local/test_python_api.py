"""The way of the README in Python: fit, attach, deploy, attach to the endpoint, predict, delete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anyfit import Estimator, NotFound, Predictor, UsageError, register_model, wait_all

TRAIN = "import os; open(os.path.join(os.environ['ANYFIT_MODEL_DIR'], 'factor'), 'w').write('3')"
INFERENCE = """
def model_fn(model_dir):
    return int(open(model_dir + '/factor').read())

def predict_fn(data, model):
    return [model * x for x in data]
"""


def test_the_whole_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is found again by its name alone, and gone when it is deleted."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    source = tmp_path / "src"
    source.mkdir()
    (source / "train.py").write_text(TRAIN)
    (source / "inference.py").write_text(INFERENCE)
    Estimator(entry_point="train.py", source_dir=str(source)).fit(logs=False, job_name="triple")
    estimator = Estimator.attach("triple")
    model = estimator.register(model_name="by-three")
    estimator.deploy(endpoint_name="three")
    predictor = Predictor.attach("three")
    try:
        predictor.update(models={model: 1})

        assert predictor.predict([1, 2]) == [3, 6]
    finally:
        predictor.delete()
    with pytest.raises(NotFound):
        Predictor.attach("three")


def test_attaching_by_what_is_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference is as good as its text, nothing means the newest job, and what names nothing is refused."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    (tmp_path / "train.py").write_text("")
    job = Estimator(entry_point="train.py", source_dir=str(tmp_path)).fit(logs=False)
    names: list[Any] = ["", 3, job]

    for found in (Estimator.attach(job.ref), Estimator.attach()):
        assert found.latest_job is not None and found.latest_job.ref == job.ref
    for name in names:
        with pytest.raises(UsageError, match="job: expected a name or a reference, got "):
            Estimator.attach(name)
        with pytest.raises(UsageError, match="endpoint: expected a name or a reference, got "):
            Predictor.attach(name)


def test_lines_since_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time without a zone is local, and what is no time or no number of lines is refused."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    (tmp_path / "train.py").write_text("print('hello')")
    job = Estimator(entry_point="train.py", source_dir=str(tmp_path)).fit(logs=False)
    now = datetime.now()
    since: Any = "10m"
    tail: Any = "all"

    assert [line.text for line in job.logs(since=now - timedelta(minutes=10))] == ["hello"]
    assert list(job.logs(since=now + timedelta(minutes=10))) == []
    with pytest.raises(UsageError, match="since: expected a datetime, got '10m'"):
        list(job.logs(since=since))
    for wrong in (-1, tail):
        with pytest.raises(UsageError, match="tail: expected a whole number of 0 or more, got "):
            list(job.logs(tail=wrong))


def test_paths_as_pathlib_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a path may stand as text, `Path` will do."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    source, helpers, data, out = (tmp_path / name for name in ("src", "helpers", "data", "out"))
    for folder in (source, helpers, data):
        folder.mkdir()
    (source / "train.py").write_text(f"import help; {TRAIN}")
    (source / "inference.py").write_text(INFERENCE)
    (helpers / "help.py").write_text("")
    (data / "a.csv").write_text("1")
    estimator = Estimator(
        entry_point=Path("train.py"),
        source_dir=source,
        dependencies=[helpers / "help.py"],
        output_path=out,
        checkpoint_path=tmp_path / "checkpoints",
    )
    job = estimator.fit({"train": data}, logs=False)
    by_files = register_model(out / job.name / "model", model_name="files", source_dir=source)
    by_job = estimator.register(model_name="job", source_dir=source)

    assert (estimator.entry_point, estimator.source_dir) == ("train.py", str(source))
    assert job.spec.inputs["train"].uri == f"{data.as_uri()}/"
    assert job.spec.output_path == out.as_uri()
    assert [by_files.version, by_job.version] == ["1", "1"]
    assert Estimator(entry_point=source / "train.py").plan(data).spec.inputs.keys() == {"training"}


def test_a_plan_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown as the command line shows it, in notebooks too."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    (tmp_path / "train.py").write_text("")
    plan = Estimator(entry_point=tmp_path / "train.py", hyperparameters={"a": "<b>"}).plan(job_name="mine")

    assert str(plan).startswith("job      mine\nbackend  local (localhost)\nmachine  local")
    assert '"a": "&lt;b&gt;"' in plan._repr_html_().replace("&quot;", '"')


def test_arguments_of_a_wrong_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a call is given that it cannot use is refused by its name, and nothing is made of it."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    (tmp_path / "train.py").write_text(TRAIN)
    estimator: Any = Estimator(entry_point="train.py", source_dir=str(tmp_path))
    job = estimator.fit(logs=False)
    model = estimator.register(model_name="good")
    wait: Any = wait_all
    make: Any = register_model
    refused: list[tuple[str, Callable[[], object]]] = [
        ("environment: expected a table of texts, got {'A': 1}", lambda: estimator.deploy(environment={"A": 1})),
        ("environment.A B: 'A B' is no name", lambda: estimator.register(environment={"A B": "x"})),
        ("tags: expected a table of texts, got ['a']", lambda: model.deploy(tags=["a"])),
        ("options: expected a table, got 3", lambda: estimator.deploy(options=3)),
        ("instance_type: expected text, got 3", lambda: estimator.deploy(instance_type=3)),
        ("model_version: expected text, got 1", lambda: estimator.register(model_version=1)),
        ("artifact: expected text, got 3", lambda: make(3, model_name="x")),
        ("job_name: 3 is no valid name", lambda: estimator.fit(job_name=3)),
        ("description: expected text, got 3", lambda: job.set_description(3)),
        ("jobs: expected a list of Job, got ", lambda: wait([job.name])),
        ("jobs: expected a list of Job, got ", lambda: wait(job)),
        ("limit: expected a whole number of 0 or more, got 'all'", lambda: estimator.jobs(limit="all")),
        ("timeout: expected seconds, got '5 min'", lambda: job.wait(timeout="5 min")),
    ]

    for words, call in refused:
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.message.startswith(words)
    assert [found.version for found in estimator.session().backend().models()] == ["1"]
    assert estimator.session().backend().endpoints() == []


def test_a_job_that_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its handle says that it is gone, and nothing of a journal that has forgotten it, too."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    (tmp_path / "train.py").write_text("")
    estimator = Estimator(entry_point=tmp_path / "train.py")
    job, other = (estimator.fit(logs=False, job_name=name) for name in ("one", "two"))
    job.delete()

    with pytest.raises(NotFound, match=r"^there is no job 'one' on this machine"):
        list(job.logs())
    assert [each.ref for each in estimator.jobs(limit=None)] == [other.ref]
