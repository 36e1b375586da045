"""What is refused before anything is sent, where things go, and what is told about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Catalog, Feature, Match, Plan
from anyfit.errors import SpecError
from anyfit.spec import Channel, Code, JobSpec
from anyfit_ti.backend import TiBackend
from anyfit_ti.bundle import JOB, unpacked

Make = Callable[..., TiBackend]
Planner = Callable[..., Plan]

SPEC = JobSpec(
    name="j",
    entry_point="train.py",
    code=Code(digest="c0de" * 16, archive="/code.tar.gz", size=10, files=1),
    framework="tensorflow",
)
COS = Channel(uri="cos://b-1250000000/d/")
IMAGE = JobSpec(name="j", image="registry/image:1", command=("x",))


@pytest.fixture
def plan(scripted: Make, catalog: Catalog) -> Planner:
    """Plans a job with some settings of the backend."""
    return lambda spec, **settings: scripted(**settings).plan(spec, catalog)


def own(spec: JobSpec = SPEC, /, **options: Any) -> JobSpec:
    return evolve(spec, options={**spec.options, **options})


OLD = own(api="2019")
REFUSED = {
    "instance_count: ": [evolve(SPEC, instance_count=0)],
    "description: ": [evolve(SPEC, description="x" * 1025)],
    "max_run: ": [evolve(SPEC, max_run=0)],
    "output_path: ": [evolve(SPEC, output_path="obs://b/o/"), evolve(OLD, output_path="file:///o/")],
    "checkpoint_path: ": [
        evolve(SPEC, checkpoint_path="file:///c/"),
        evolve(IMAGE, checkpoint_path="cos://b-1250000000/c/"),
    ],
    "entry_point: ": [evolve(SPEC, entry_point="", code=None), evolve(SPEC, code=None)],
    "command: ": [own(IMAGE, api="2019")],
    "framework: ": [evolve(SPEC, framework="tensorflw"), evolve(OLD, framework="tensorflw")],
    "framework_version: ": [evolve(SPEC, framework_version="9")],
    "instance_type: ": [
        evolve(SPEC, instance_type="A100:8"),
        evolve(SPEC, instance_type="TI.SMALL2.1core2g"),
        evolve(OLD, instance_type="TI.S.WHAT"),
        evolve(own(resource_group="rsg-1"), instance_type="cpu:4"),
    ],
    "inputs: ": [evolve(SPEC, inputs={f"c{n}": COS for n in range(11)})],
    "inputs.anyfit-code: ": [evolve(SPEC, inputs={"anyfit-code": COS})],
    "hyperparameters.ti_program: ": [evolve(OLD, hyperparameters={"ti_program": "x"})],
    "options.ti.no_such: ": [own(no_such=1)],
    "options.ti.api: ": [own(api="2020")],
    "options.ti.resource_group: ": [own(charge="PREPAID")],
    "options.ti.log_topic: ": [own(log_set="x")],
    "options.ti.cfs.train: ": [evolve(own(cfs={"train": {"id": "cfs-1"}}), inputs={"train": COS})],
    "options.ti.cfs: ": [own(OLD, subnet="s", cfs={n: {"id": n} for n in "abc"})],
    "options.ti.subnet: ": [own(OLD, cfs={"a": {"id": "cfs-1"}})],
    "options.ti.sources: ": [own(OLD, sources={"a": {"DataSourceType": "HDFS"}})],
    "options.ti.algorithm: ": [own(OLD, algorithm="x")],
    "options.ti.vpc: ": [own(OLD, vpc="vpc-1")],
    "options.ti.resource_group: belongs": [own(OLD, resource_group="rsg-1")],
    "options.ti.charge: ": [own(OLD, charge="PREPAID")],
    "options.ti.role: ": [own(role="Other")],
    "options.ti.security_groups: ": [own(security_groups=["sg-1"])],
    "options.ti.cfs_output: ": [own(cfs_output={"id": "cfs-1"})],
    "options.ti.algorithm: belongs": [own(SPEC, algorithm="x")],
    "options.ti.channels.train: ": [own(OLD, channels={"train": {}})],
    "options.ti.channels.train.modus: ": [evolve(own(OLD, channels={"train": {"modus": "x"}}), inputs={"train": COS})],
}


@pytest.mark.parametrize(("field", "spec"), [(field, spec) for field, specs in REFUSED.items() for spec in specs])
def test_refused(plan: Planner, field: str, spec: JobSpec) -> None:
    """What the platform would refuse is refused before, by the name of our field, with a hint."""
    with pytest.raises(SpecError) as caught:
        plan(spec)

    assert caught.value.message.startswith(field)
    assert caught.value.hint


@pytest.mark.parametrize("spec", [SPEC, OLD])
def test_no_bucket(plan: Planner, spec: JobSpec) -> None:
    """Without a bucket there is no place for code, and the message says what to set."""
    with pytest.raises(SpecError, match="bucket") as caught:
        plan(spec, bucket="")

    assert "app_id" in caught.value.hint
    assert "ANYFIT_TI_BUCKET" in caught.value.hint


def test_default_bucket(plan: Planner) -> None:
    """The account's numbers are enough: then the vendor's default bucket is meant."""
    made = plan(SPEC, bucket="", uin="100000000001", app_id="1250000000")

    assert made.uploads[0].target.startswith("cos://ti-ap-guangzhou-100000000001-1250000000/anyfit/jobs/j/")


def test_no_bucket_needed(plan: Planner) -> None:
    """A command of an image of one's own, with an output of its own, needs no bucket of anyfit's."""
    made = plan(evolve(IMAGE, output_path="cos://mine-1250000000/o"), bucket="")

    assert made.uploads == ()
    assert made.requests[0].body["Output"]["Paths"] == ["o/j/"]


@pytest.mark.parametrize("changes", [{"hyperparameters": {"a": 1}}, {"instance_type": "cpu:8"}, {"name": "k"}])
@pytest.mark.parametrize("spec", [SPEC, OLD])
def test_same_code_same_place(plan: Planner, spec: JobSpec, changes: dict[str, Any]) -> None:
    """Equal jobs have equal places, so nothing is sent twice; any difference is another place."""
    first, again, other = (plan(each).uploads[-1].target for each in (spec, evolve(spec), evolve(spec, **changes)))

    assert first == again != other


@pytest.mark.parametrize("spec", [SPEC, OLD])
def test_inputs_from_elsewhere(plan: Planner, spec: JobSpec) -> None:
    """What lies elsewhere is copied to a place that its content names."""
    local = Channel(uri="file:///data/", size=2048, files=3, digest="d" * 64)
    made = plan(evolve(spec, inputs={"train": COS, "test": local, "more": Channel(uri="obs://other/k/")}))
    moved = [(upload.source, upload.target, upload.size) for upload in made.uploads if upload.kind == "input"]

    assert moved == [
        ("file:///data/", f"cos://demo-1250000000/anyfit/inputs/{'d' * 32}/", 2048),
        ("obs://other/k/", "cos://demo-1250000000/anyfit/inputs/of-j/more/", None),
    ]
    assert any("3 files, 2.0 KB" in note.text for note in made.notes if note.field == "inputs.test")


@pytest.mark.parametrize(
    ("framework", "version", "python", "image"),
    [
        ("tensorflow", "", "", "tensorflow:2.1.0-gpu-cu101-py3"),
        ("TensorFlow", "1.14", "py2", "tensorflow:1.14.0-py2"),
        ("sklearn", "", "", "sklearn:0.20.3-py3"),
        ("scikit-learn", "0.20.3", "3.6", "sklearn:0.20.3-py3"),
        ("", "", "", "sklearn:0.20.3-py3"),
        ("xgboost", "1.0", "", "sklearn:0.20.3-py3"),
        ("pytorch", "1.9.0", "", "pytorch:1.9.0-gpu-cu101-py3"),
    ],
)
def test_images_of_2019(plan: Planner, framework: str, version: str, python: str, image: str) -> None:
    """Images come from the vendor's rule; what is near is told."""
    made = plan(evolve(OLD, framework=framework, framework_version=version, py_version=python))
    near = [note.field for note in made.notes if note.match == Match.NEAR]
    wanted = {"": ["framework"], "xgboost": ["framework"], "pytorch": ["framework_version"]}

    assert made.requests[0].body["AlgorithmSpecification"]["TrainingImageName"].endswith(f"/{image}")
    assert near == wanted.get(framework, [])


def test_default_framework(plan: Planner) -> None:
    """What runs scripts that need only Python can be set."""
    spec = evolve(OLD, framework="")
    body = plan(spec, default_framework="pytorch").requests[0].body

    assert body["AlgorithmSpecification"]["TrainingImageName"].endswith("pytorch:1.1.0-py3")
    with pytest.raises(SpecError, match="default_framework"):
        plan(spec, default_framework="cobol")


@pytest.mark.parametrize(
    ("max_run", "max_wait", "wanted", "retry"),
    [
        (86400, None, 172800, "Disabled"),
        (172800, None, 259200, "Disabled"),
        (100, 50, 150, "Enabled"),
        (100, 0, 101, "Enabled"),
    ],
)
def test_limits_of_2019(plan: Planner, max_run: int, max_wait: int | None, wanted: int, retry: str) -> None:
    """The platform's waiting time holds the running time too, and is always longer."""
    body = plan(evolve(OLD, max_run=max_run, max_wait=max_wait)).requests[0].body

    assert body["StoppingCondition"] == {"MaxRuntimeInSeconds": max_run, "MaxWaitTimeInSeconds": wanted}
    assert body["RetryWhenResourceInsufficient"] == retry


@pytest.mark.parametrize(
    ("image", "options", "kind"),
    [
        ("ccr.ccs.tencentyun.com/a/b:1", {}, "CCR"),
        ("team.tencentcloudcr.com/a/b:1", {}, "TCR"),
        ("docker.io/a/b:1", {}, "CUSTOM"),
        ("docker.io/a/b:1", {"image_type": "PRESET"}, "PRESET"),
    ],
)
def test_registries_of_2021(plan: Planner, image: str, options: dict[str, Any], kind: str) -> None:
    """The registry of an image is told by its host, unless it is said."""
    body = plan(evolve(IMAGE, image=image, options=options)).requests[0].body

    assert body["ImageInfo"] == {"ImageType": kind, "ImageUrl": image}


def test_image_that_starts_by_itself(plan: Planner) -> None:
    """An image without a command starts what it was built to start, in both generations."""
    alone = evolve(IMAGE, command=())

    assert plan(alone).requests[0].body["StartCmdInfo"]["WorkerStartCmd"] == ""
    assert "ti_program" not in plan(own(alone, api="2019")).requests[0].body["HyperParameters"]


def test_built_in_algorithm(plan: Planner) -> None:
    """A built-in algorithm of 2019 needs no code."""
    spec = JobSpec(name="j", inputs={"train": COS}, hyperparameters={"k": 1}, options={"api": "2019", "algorithm": "a"})
    body = plan(spec).requests[0].body

    assert body["AlgorithmSpecification"] == {"AlgorithmName": "a", "TrainingInputMode": "File"}


@pytest.mark.parametrize(("spec", "more"), [(SPEC, {"Queues": ["q-1"]}), (OLD, {"RoleName": "Other"})])
def test_more(plan: Planner, spec: JobSpec, more: dict[str, Any]) -> None:
    """Members that have no option are sent as they are."""
    assert plan(own(spec, more=more)).requests[0].body.items() >= more.items()


def test_channels_of_2019(plan: Planner) -> None:
    """A single input may come another way than the others."""
    wishes = {"mode": "File", "content_type": "text/csv", "distribution": "ShardedByCOSKey"}
    body = plan(evolve(own(OLD, channels={"train": wishes}), inputs={"train": COS, "test": COS})).requests[0].body
    train, test = body["InputDataConfig"][:2]

    assert (train["InputMode"], train["ContentType"]) == ("File", "text/csv")
    assert train["DataSource"]["CosDataSource"]["DataDistributionType"] == "ShardedByCOSKey"
    assert test == {"ChannelName": "test", "DataSource": test["DataSource"]}


def test_long_hyperparameters(plan: Planner) -> None:
    """What is too long for the console reaches the script all the same."""
    made = plan(evolve(SPEC, hyperparameters={"words": "x" * 3000}))
    (job,) = (upload.content for upload in made.uploads if upload.target.endswith(JOB))

    assert "TuningParameters" not in made.requests[0].body
    assert json.loads(job)["hyperparameters"] == {"words": "x" * 3000}
    assert ("hyperparameters", Match.NEAR) in {(note.field, note.match) for note in made.notes}


def test_what_has_no_place(plan: Planner) -> None:
    """What the platform cannot do is told, not forgotten."""
    wanted = evolve(SPEC, tags={"a": "b"}, max_wait=5, volume_size=9, description="d")
    new = {(note.field, note.match) for note in plan(own(wanted, cls_log=False)).notes}
    old = {(n.field, n.match) for n in plan(own(wanted, api="2019", vpc="vpc-1", subnet="s-1", supply="SPOT")).notes}

    assert new == {
        ("max_wait", Match.NONE),
        ("volume_size", Match.NONE),
        ("options.ti.cls_log", Match.NONE),
        ("max_run", Match.NEAR),
    }
    assert old == {
        ("tags", Match.NONE),
        ("description", Match.NEAR),
        ("options.ti.vpc", Match.EXACT),
        ("options.ti.supply", Match.NONE),
    }


def test_cost(plan: Planner, scripted: Make, catalog: Catalog) -> None:
    """The price of the moment, for all nodes; none where the platform tells none."""
    priced = evolve(catalog, offerings=(evolve(catalog.offerings[0], price=0.7, currency="CNY"),))
    made = scripted().plan(evolve(SPEC, instance_count=3), priced)

    assert made.cost_per_hour == pytest.approx(2.1)
    assert made.currency == "CNY"
    assert plan(SPEC).cost_per_hour is None


@pytest.mark.parametrize("spec", [SPEC, OLD])
def test_requirements(plan: Planner, spec: JobSpec) -> None:
    """The code's requirements are installed by the launcher, where that is not switched off."""
    assert spec.code is not None
    wanted = evolve(spec, code=evolve(spec.code, requirements=True))

    def installs(made: Plan) -> bool:
        content = next(u.content for u in made.uploads if u.content)
        text = unpacked(content, JOB) if made.requests[0].action == "CreateTrainingJob" else content
        return bool(json.loads(text)["install_requirements"])

    assert installs(plan(wanted))
    assert not installs(plan(spec))
    assert not installs(plan(wanted, install_requirements=False))
    assert not installs(plan(own(wanted, install_requirements=False)))


def test_capabilities(scripted: Make) -> None:
    """What cannot be done is told with its reason; the older generation alone has curves of its machines."""
    assert not scripted().capabilities.can(Feature.VERSIONS)
    assert not scripted().capabilities.can(Feature.UTILIZATION)
    assert scripted(api="2019").capabilities.can(Feature.UTILIZATION)
    assert scripted(api="2019").capabilities.catalog_seconds == 0


def test_place(scripted: Make) -> None:
    """Both generations are one place; another region or account is another one; no key shows."""
    places = [
        scripted(**settings).place
        for settings in ({}, {"api": "2019"}, {"region": "ap-shanghai"}, {"secret_id": "B"}, {"uin": "1"})
    ]

    assert places[0] == places[1]
    assert len(set(places)) == 4
    assert not any("AKIDalice" in place for place in places)
