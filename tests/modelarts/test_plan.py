"""What plans refuse, and how they find machines and images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Catalog, Match, Offering
from anyfit.errors import SpecError, Unsupported
from anyfit.offers import catalog_of
from anyfit.spec import Channel, Code, JobSpec
from anyfit_modelarts.backend import ModelArtsBackend
from anyfit_modelarts.catalog import frameworks, offerings, shipped_catalog
from anyfit_modelarts.settings import Settings
from anyfit_modelarts.wire import Engine, Flavor

Make = Callable[..., ModelArtsBackend]

CODE = Code(digest="c0de" * 16, archive="/code.tar.gz", size=10, files=1)
SCRIPT = JobSpec(name="mnist", entry_point="train.py", code=CODE)
IMAGE = JobSpec(name="mnist", image="registry/image:1", command=("run",))
READY = JobSpec(name="mnist", options={"code_dir": "obs://b/code/", "boot_file": "train.py"})
DATA = {"train": Channel(uri="obs://b/train/")}
DATASET = {"dataset_id": "d", "dataset_version_id": "v"}


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., Any]:
    """Plan a job, with the catalog of the documents."""

    def make(spec: JobSpec, api: str = "v2", catalog: Catalog | None = None, **settings: Any) -> Any:
        backend = ModelArtsBackend(Settings(api=api, bucket="b", **settings), tmp_path)  # type: ignore[arg-type]
        return backend.plan(spec, catalog or shipped_catalog(api))

    return make


def options(spec: JobSpec, **more: Any) -> JobSpec:
    return evolve(spec, options={**spec.options, **more})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (JobSpec(name="x"), "entry_point: there is nothing to run"),
        (evolve(SCRIPT, code=None), "entry_point: train.py has no code"),
        (options(READY, algorithm_id="a"), "code_dir: an algorithm brings its own code"),
        (evolve(READY, entry_point="x.py", code=CODE), "entry_point: options.modelarts.code_dir brings"),
        (JobSpec(name="x", options={"code_dir": "obs://b/c/"}), "boot_file: missing"),
        (options(IMAGE, algorithm_id="a"), "image_uri: an algorithm brings its own image"),
        (JobSpec(name="x", command=("run",), options={"algorithm_id": "a"}), "command: it needs an image"),
        (evolve(IMAGE, checkpoint_path="obs://b/c/"), "checkpoint_path: only anyfit's launcher"),
        (evolve(options(SCRIPT, **DATASET, dataset_channel="train"), inputs=DATA), "inputs.train: there is a dataset"),
        (evolve(SCRIPT, description="x" * 257), "description: 257 characters"),
        (evolve(SCRIPT, max_run=0), "max_run: 0 s"),
        (evolve(SCRIPT, output_path="s3://b/out/"), "output_path: s3://b/out/ is not in OBS"),
        (options(SCRIPT, log_path="s3://b/log/"), "log_path: s3://b/log/ is not in OBS"),
        (options(SCRIPT, pre_version_id=7), "pre_version_id: jobs of v2 have no versions"),
        (options(SCRIPT, pool_id="p", api="v2"), ""),
        (evolve(SCRIPT, name="x" * 63, version=2), "is too long for a further version"),
        (evolve(options(SCRIPT, pool_id="p"), instance_type="gpu:1"), "instance_type: 'gpu:1' says too little"),
    ],
)
def test_refusals(plan: Callable[..., Any], spec: JobSpec, message: str) -> None:
    """What the platform would refuse, or what contradicts itself, is refused by its field."""
    if not message:
        assert plan(spec).requests
        return
    with pytest.raises(SpecError) as caught:
        plan(spec)

    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (options(SCRIPT, priority=2), "priority: the first generation has no such thing"),
        (options(SCRIPT, annotations={"a": "b"}), "annotations: the first generation"),
        (evolve(options(SCRIPT, **DATASET), inputs=DATA), "from OBS or from datasets, not from both"),
        (options(READY, algorithm_id="x", code_dir="", boot_file=""), "algorithm_id: 'x' is not offered here"),
        (evolve(options(SCRIPT, pool_id="p"), instance_type="modelarts.vm.cpu.2u"), "a dedicated pool decides"),
        (evolve(SCRIPT, framework="mxnet"), "has Python 2.7, and anyfit's launcher needs 3.6"),
    ],
)
def test_refusals_of_the_first_generation(plan: Callable[..., Any], spec: JobSpec, message: str) -> None:
    """What only the second generation has is refused by its field."""
    with pytest.raises(SpecError) as caught:
        plan(spec, "v1")

    assert message in caught.value.message
    assert caught.value.hint


def test_bucket_is_needed(tmp_path: Path, catalog: Catalog) -> None:
    """Without a bucket there is no place for code, and the message says what to set."""
    with pytest.raises(SpecError, match="bucket") as caught:
        ModelArtsBackend(Settings(), tmp_path).plan(SCRIPT, catalog)

    assert "[modelarts]" in caught.value.hint
    assert "ANYFIT_MODELARTS_BUCKET" in caught.value.hint


def test_secrets_of_the_first_generation(plan: Callable[..., Any]) -> None:
    """A framework of the first generation has no variables, so no secret; an image has."""
    with pytest.raises(Unsupported, match=r"^secrets\.TOKEN: "):
        plan(evolve(SCRIPT, secrets={"TOKEN": "env:X"}), "v1")
    body = plan(evolve(IMAGE, secrets={"TOKEN": "env:X"}), "v1").requests[0].body

    assert body["config"]["parameter"] == [{"label": "TOKEN", "value": "<secret env:X>"}]


@pytest.mark.parametrize(
    ("wanted", "engine"),
    [
        (("tensorflow", "1.8", ""), 4),
        (("TensorFlow", "1.8.0", "2.7"), 3),
        (("tensorflow", "", ""), 4),
        (("TensorFlow", "TF-1.8.0-python3.6", ""), 4),
        (("tensorflow", "1.4", ""), 1),
        (("xgboost", "0.80", ""), 100),
        (("sklearn", "", ""), 100),
        (("130", "", ""), 130),
        (("ascend-powered-engine", "", ""), 130),
    ],
)
def test_engines_of_the_first_generation(plan: Callable[..., Any], wanted: tuple[str, str, str], engine: int) -> None:
    """A framework is found by neutral words, by the platform's own name, or by its number."""
    framework, version, python = wanted
    spec = evolve(READY, framework=framework, framework_version=version, py_version=python)

    assert plan(spec, "v1").requests[0].body["config"]["engine_id"] == engine


@pytest.mark.parametrize(
    ("wanted", "engine"),
    [
        (("pytorch", "1.8"), "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"),
        (("horovod", ""), "horovod-cp36-tf-1.16.2"),
        (("horovod", "0.20"), "horovod_0.20.0-tensorflow_2.1.0-cuda_10.1-py_3.7-ubuntu_18.04-x86_64"),
        (("sklearn", ""), "xgboost-sklearn-python3.6"),
        (("xgboost-sklearn-python3.6", ""), "xgboost-sklearn-python3.6"),
    ],
)
def test_engines_of_the_second_generation(plan: Callable[..., Any], wanted: tuple[str, str], engine: str) -> None:
    """So it is with the second generation."""
    spec = evolve(READY, framework=wanted[0], framework_version=wanted[1])

    assert plan(spec).requests[0].body["algorithm"]["engine"] == {"engine_id": engine}


@pytest.mark.parametrize(
    ("spec", "field", "hint"),
    [
        (evolve(SCRIPT, framework="pytroch"), "framework: ", "pytorch"),
        (evolve(SCRIPT, framework="pytorch", framework_version="9"), "framework_version: ", "1.8.0"),
        (evolve(SCRIPT, instance_type="modelarts.vm.cpu.8"), "instance_type: ", "modelarts.vm.cpu.8u"),
        (evolve(SCRIPT, instance_type="cpu:16"), "instance_type: ", "modelarts.vm.cpu.8u"),
        (evolve(SCRIPT, instance_type="modelarts.vm.cpu.2u", instance_count=2), "instance_count: ", "1 or less"),
    ],
)
def test_nearest(plan: Callable[..., Any], spec: JobSpec, field: str, hint: str) -> None:
    """A name that is wrong is refused with the nearest right one."""
    with pytest.raises(SpecError, match=f"^{field}") as caught:
        plan(spec)

    assert hint in caught.value.hint


def test_python_alone(plan: Callable[..., Any]) -> None:
    """A script without a framework runs in an image that has Python, and the plan says in which."""
    made = plan(SCRIPT)

    assert "py_3.7" in made.requests[0].body["algorithm"]["engine"]["engine_id"]
    assert any(note.field == "framework" and note.match == Match.NEAR for note in made.notes)


FLAVORS = {
    "v1": [
        Flavor(code="sold.out", cpus=2, memory_gib=8, max_nodes=9, in_stock=False),
        Flavor(code="both", cpus=4, memory_gib=16, max_nodes=1),
        Flavor(code="old", cpus=8, memory_gib=32, max_nodes=1),
    ],
    "v2": [Flavor(code="both", cpus=4, memory_gib=16, max_nodes=8), Flavor(code="new", cpus=16, memory_gib=64)],
}


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_machines_of_both_generations(api: str) -> None:
    """Each machine stands there once, for the generations that list it, with the numbers of the one in force."""
    found = {offer.spec_id: offer for offer in offerings(FLAVORS, api)}

    assert set(found) == {"sold.out", "both", "old", "new"}
    assert found["both"].max_nodes == {"v1": 1, "v2": 8}[api]
    assert set(found["both"].tasks) == {"train", "train.v1", "train.v2"}
    assert ("train" in found["old"].tasks) == (api == "v1")
    assert not found["sold.out"].in_stock


def test_sold_out(plan: Callable[..., Any]) -> None:
    """What is sold out is not taken: refused by name, and passed over by a wish."""
    engines = {"v1": [Engine("4", "TensorFlow", "TF-1.8.0-python3.6")]}
    catalog = Catalog(offerings(FLAVORS, "v1"), frameworks(engines, "v1"))
    with pytest.raises(SpecError, match="sold out"):
        plan(evolve(SCRIPT, instance_type="sold.out"), "v1", catalog)

    assert plan(evolve(SCRIPT, instance_type="cpu:2+"), "v1", catalog).offering.spec_id == "both"


def test_parameters_do_not_hide_channels(plan: Callable[..., Any]) -> None:
    """Hyperparameters that are named as a channel reach the script by the launcher, not the platform by mistake."""
    spec = evolve(SCRIPT, hyperparameters={"data_url": "x", "train": 1, "rank": 4, "lr": 0.1}, inputs=DATA)
    parameters = plan(spec).requests[0].body["algorithm"]["parameters"]

    assert parameters == [{"name": "lr", "value": "0.1"}]


def test_names_of_a_version(plan: Callable[..., Any]) -> None:
    """A version of a generation without versions has two names, and the plan says whose each one is."""
    (note,) = (note for note in plan(evolve(READY, name="slow", version=2)).notes if note.field == "version_of")

    assert "to ModelArts slow.v2 is a job of its own, slow-v2" in note.text


def test_plan_without_an_account(scripted: Make, script: Any, tmp_path: Path) -> None:
    """What stood in the documents is enough to see a plan."""
    from anyfit.config import Config
    from anyfit.session import Session
    from anyfit.submission import outline

    backend = scripted(username="", password="")
    session = Session(Config(environ={"ANYFIT_HOME": str(tmp_path / "x")}, arguments={"backend": "modelarts"}))
    made = outline(session, backend, evolve(IMAGE, instance_type="cpu:8"))
    session.journal.close()

    assert script.asked == []
    assert made.offering.spec_id == "modelarts.vm.cpu.8u"
    assert any("could not be asked" in note.text for note in made.notes)


def test_catalog(connect: Make, tmp_path: Path) -> None:
    """The lists of the platform become machines, frameworks and algorithms of both generations; they are kept."""
    first = catalog_of(tmp_path / "home", connect())
    kept = catalog_of(tmp_path / "home", connect())
    machines: dict[str, Offering] = {offer.spec_id: offer for offer in first.offerings}

    assert kept == first
    assert {"train", "train.v1", "train.v2"} <= set(machines["modelarts.vm.cpu.8u"].tasks)
    assert {task for each in first.frameworks for task in each.tasks} >= {"train", "train.v1", "train.v2"}
    assert first.algorithms
