"""What is refused before anything is sent, where things go, and what is told about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Catalog, Match, Plan
from anyfit.errors import SpecError
from anyfit.offers import read_shipped
from anyfit.spec import Channel, Code, EndpointSpec, JobSpec, ModelSpec, Variant
from anyfit.submission import outline
from anyfit.testing import Bench
from anyfit_modelmaker.backend import ModelMakerBackend
from anyfit_modelmaker.models import model_request
from anyfit_modelmaker.serving import service_request
from anyfit_modelmaker.settings import Settings

Make = Callable[..., ModelMakerBackend]

SPEC = JobSpec(
    name="j",
    entry_point="train.py",
    code=Code(digest="c0de" * 16, archive="/code.tar.gz", size=10, files=1),
    framework="tensorflow",
)
IMAGE = evolve(SPEC, framework="", image="registry/image:1")
PRESET = JobSpec(name="j", inputs={"training": Channel(uri="s3://b/d/")}, options={"algorithm": "imageclassification"})
S3 = Channel(uri="s3://b/d/")


@pytest.fixture
def plan(scripted: Make, catalog: Catalog) -> Callable[..., Plan]:
    """Plans a job with some settings of the backend."""
    return lambda spec, **settings: scripted(**settings).plan(spec, catalog)


def own(**options: Any) -> JobSpec:
    return evolve(SPEC, options=options)


REFUSED = {
    "instance_count: ": [evolve(SPEC, instance_count=11), evolve(SPEC, instance_count=0)],
    "volume_size: ": [evolve(SPEC, volume_size=11), evolve(IMAGE, volume_size=-1)],
    "description: ": [evolve(SPEC, description="x" * 129)],
    "max_run: ": [evolve(SPEC, max_run=0)],
    "output_path: ": [evolve(SPEC, output_path="obs://b/o/"), evolve(PRESET, output_path="file:///o/")],
    "checkpoint_path: ": [
        evolve(SPEC, checkpoint_path="file:///c/"),
        evolve(SPEC, checkpoint_path="s3://other/c/"),
        evolve(PRESET, checkpoint_path="s3://b/c/"),
        evolve(IMAGE, entry_point="", code=None, command=("x",), checkpoint_path="s3://b/c/"),
    ],
    "entry_point: ": [
        evolve(SPEC, entry_point=""),
        evolve(SPEC, entry_point="", code=None, command=("x",)),
        evolve(SPEC, code=None),
        evolve(PRESET, entry_point="train.py", code=SPEC.code),
    ],
    "framework: ": [evolve(SPEC, framework="tensorflw")],
    "framework_version: ": [evolve(SPEC, framework_version="2.0")],
    "instance_type: ": [evolve(SPEC, instance_type="A100:8"), evolve(SPEC, instance_type="500151")],
    "inputs: ": [evolve(PRESET, inputs={}), evolve(PRESET, inputs={"a": S3, "b": S3})],
    "image_uri: ": [evolve(PRESET, image="registry/image:1")],
    "command: ": [evolve(PRESET, command=("x",))],
    "options.modelmaker.algorithm: ": [evolve(PRESET, options={"algorithm": "ImageClasification"})],
    "options.modelmaker.init_model: ": [evolve(PRESET, options={**PRESET.options, "init_model": "/local"})],
    "options.modelmaker.boot_type: ": [own(boot_type="MPI")],
    "options.modelmaker.no_such: ": [own(no_such=1)],
    "options.modelmaker.input_files.a: ": [own(input_files={"a": "obs://b/k"})],
    "options.modelmaker.input_files.data: ": [own(input_files={"data": "s3://b/k"})],
    "options.modelmaker.custom_resource: ": [
        own(custom_resource={"cpu": 1}),
        own(resource_pool_type="PERSONAL_POOL", custom_resource={"cpu": 1}),
    ],
    "options.modelmaker.custom_resource.ram: ": [own(resource_pool_type="PERSONAL_POOL", custom_resource={"ram": 1})],
}


@pytest.mark.parametrize(("field", "spec"), [(field, spec) for field, specs in REFUSED.items() for spec in specs])
def test_refused(plan: Callable[..., Plan], field: str, spec: JobSpec) -> None:
    """What the platform would refuse is refused before, by the name of our field, with a hint."""
    with pytest.raises(SpecError) as caught:
        plan(spec)

    assert caught.value.message.startswith(field)
    assert caught.value.hint


def test_no_bucket(plan: Callable[..., Plan]) -> None:
    """Without a bucket there is no place for code, and the message says what to set."""
    with pytest.raises(SpecError, match="bucket") as caught:
        plan(SPEC, bucket="")

    assert "anyfit.toml" in caught.value.hint
    assert "ANYFIT_MODELMAKER_BUCKET" in caught.value.hint


def test_no_bucket_needed(plan: Callable[..., Plan]) -> None:
    """A command of an image of one's own, with an output of its own, needs no bucket of anyfit's."""
    made = plan(evolve(IMAGE, entry_point="", code=None, command=("x",), output_path="s3://mine/o"), bucket="")

    assert made.uploads == ()
    assert made.requests[0].body["output"] == "s3://mine/o/j/"


@pytest.mark.parametrize("ten", [evolve(SPEC, instance_count=10), evolve(SPEC, volume_size=10)])
def test_ten_is_allowed(plan: Callable[..., Plan], ten: JobSpec) -> None:
    """The limits of the documents include ten."""
    assert plan(ten).requests


@pytest.mark.parametrize(
    ("framework", "version", "python", "native"),
    [
        ("TensorFlow", "", "", 500000),
        ("tensorflow", "1.13", "py35", 500100),
        ("TensorFlow-1.13.1-python3.5", "", "", 500100),
        ("500100", "", "", 500100),
        ("sklearn", "1.0", "", 500000),
        ("", "", "", 500000),
        ("python", "", "3.5", 500100),
    ],
)
def test_frameworks(plan: Callable[..., Plan], framework: str, version: str, python: str, native: int) -> None:
    """Frameworks are named in neutral words, by the platform's name or by id; what needs only Python runs anywhere."""
    made = plan(evolve(SPEC, framework=framework, framework_version=version, py_version=python))
    near = [note.field for note in made.notes if note.match == Match.NEAR]

    assert made.requests[0].body["frameworkId"] == native
    assert near == (["framework"] if framework in ("sklearn", "", "python") else [])


def test_default_framework(plan: Callable[..., Plan]) -> None:
    """What runs scripts that need only Python can be set."""
    spec = evolve(SPEC, framework="sklearn")
    body = plan(spec, default_framework="TensorFlow-1.13.1-python3.5").requests[0].body

    assert body["frameworkId"] == 500100
    with pytest.raises(SpecError, match="default_framework"):
        plan(spec, default_framework="cobol")


def test_same_code_same_place(plan: Callable[..., Plan]) -> None:
    """Equal jobs have equal places, so nothing is sent twice; any difference is another place."""
    different = [evolve(SPEC, hyperparameters={"a": 1}), evolve(SPEC, instance_type="502201"), evolve(SPEC, name="k")]
    places = {plan(spec).requests[0].body["codeUrl"] for spec in [SPEC, evolve(SPEC), *different]}

    assert len(places) == 4


def test_inputs(plan: Callable[..., Plan]) -> None:
    """One channel is the platform's data, the others are input files; what lies elsewhere is copied first."""
    local = Channel(uri="file:///data/", size=2048, files=3, digest="d" * 64)
    made = plan(evolve(SPEC, inputs={"train": S3, "test": local, "more": Channel(uri="obs://other/k/")}))
    body = made.requests[0].body
    moved = [(upload.source, upload.target, upload.size) for upload in made.uploads if upload.kind == "input"]

    assert body["dataUrl"] == "s3://b/d/"
    assert body["inputFiles"] == [
        {"name": "test", "path": f"s3://b/anyfit/inputs/{'d' * 32}/"},
        {"name": "more", "path": "s3://b/anyfit/inputs/of-j/more/"},
    ]
    assert moved == [
        ("file:///data/", f"s3://b/anyfit/inputs/{'d' * 32}/", 2048),
        ("obs://other/k/", "s3://b/anyfit/inputs/of-j/more/", None),
    ]
    assert any("3 files, 2.0 KB" in note.text for note in made.notes if note.field == "inputs.test")


@pytest.mark.parametrize(
    ("output", "checkpoints", "wanted"),
    [
        ("s3://b/out/", "s3://b/ckpt/", ("s3://b/", "out/j/", "ckpt/")),
        ("s3://b/team/out", "s3://b/team/ckpt", ("s3://b/team/", "out/j/", "ckpt/")),
        ("s3://b/x/", "s3://b/x/j/c/", ("s3://b/x/j/", "", "c/")),
    ],
)
def test_checkpoints(plan: Callable[..., Plan], output: str, checkpoints: str, wanted: tuple[str, str, str]) -> None:
    """The platform writes to one place: the nearest folder that holds both results and checkpoints."""
    made = plan(evolve(SPEC, output_path=output, checkpoint_path=checkpoints))
    body = made.requests[0].body
    uploads = {upload.target: upload for upload in made.uploads}
    job = json.loads(next(u.content for t, u in uploads.items() if t.endswith("anyfit_job.json")))

    assert (body["output"], job["places"]["results"], job["places"]["checkpoints"]) == wanted
    assert {"name": "anyfit-checkpoints", "path": checkpoints.rstrip("/") + "/"} in body["inputFiles"]
    assert checkpoints.rstrip("/") + "/.anyfit" in uploads


def test_pool_from_a_wish(plan: Callable[..., Plan]) -> None:
    """On a personal pool a neutral wish is the part of a machine that is asked for."""
    spec = evolve(SPEC, instance_type="cpu=2 mem=4GB gpu=K80:1", options={"resource_pool_type": "PERSONAL_POOL"})
    body = plan(spec).requests[0].body

    assert body["resourceId"] is None
    assert body["customResource"] == {"cpu": 2.0, "memory": 4.0, "gpuModel": "K80", "gpuCount": 1}


def test_own_command(plan: Callable[..., Plan]) -> None:
    """A command stays as it is, quoted where it must be; hyperparameters are a variable; inputs are told."""
    spec = evolve(
        IMAGE,
        entry_point="",
        code=None,
        command=("/bin/bash", "-c", "echo $HOME"),
        arguments=("a b",),
        hyperparameters={"lr": 0.1},
        inputs={"train": S3, "test": S3},
    )
    made = plan(spec)
    body = made.requests[0].body

    assert (body["command"], body["args"]) == ("/bin/bash", "-c 'echo $HOME' 'a b'")
    assert body["envs"] == [{"name": "ANYFIT_HPS", "value": '{"lr": 0.1}'}]
    assert body["codeUrl"] is None
    assert "train in /opt/ai/input/data" in "".join(note.text for note in made.notes)


def test_image_that_starts_by_itself(plan: Callable[..., Plan]) -> None:
    """An image without a command starts what it was built to start."""
    body = plan(evolve(IMAGE, entry_point="", code=None)).requests[0].body

    assert (body["command"], body["args"]) == (None, None)


@pytest.mark.parametrize(
    ("pattern", "sent"),
    [
        ("loss=([0-9.]+)", ".*?(?:loss=([0-9.]+)).*"),
        ("a|b=(.*)", ".*?(?:a|b=(.*)).*"),
        (r".*?accuracy\s(.*)", r".*?accuracy\s(.*)"),
        ("^x=(.*)", "^x=(.*)"),
        ("(?i)loss (.*)", "(?i)loss (.*)"),
    ],
)
def test_monitors(plan: Callable[..., Plan], pattern: str, sent: str) -> None:
    """Expressions fit whether the platform searches in a line or matches all of it."""
    body = plan(evolve(SPEC, metric_definitions={"m": pattern})).requests[0].body

    assert body["monitors"] == [{"name": "m", "regular": sent, "sample": ""}]


def test_what_has_no_place(plan: Callable[..., Plan]) -> None:
    """What the platform cannot do is told, not forgotten."""
    made = plan(evolve(SPEC, tags={"a": "b"}, max_wait=5, environment={"A": "b"}))

    assert {(note.field, note.match) for note in made.notes} == {
        ("tags", Match.NONE),
        ("max_wait", Match.NONE),
        ("environment", Match.NEAR),
    }


def test_requirements(plan: Callable[..., Plan]) -> None:
    """The code's requirements are installed by the launcher, where that is not switched off."""
    assert SPEC.code is not None
    spec = evolve(SPEC, code=evolve(SPEC.code, requirements=True))

    def installs(made: Plan) -> bool:
        (content,) = (upload.content for upload in made.uploads if upload.target.endswith("anyfit_job.json"))
        return bool(json.loads(content)["install_requirements"])

    assert installs(plan(spec))
    assert not installs(plan(SPEC))
    assert not installs(plan(spec, install_requirements=False))
    assert not installs(plan(evolve(spec, options={"install_requirements": False})))


def test_image_takes_no_handler(scripted: Make, catalog: Catalog) -> None:
    """Code cannot be put into an image of one's own; a framework may serve instead."""
    backend = scripted()
    spec = ModelSpec(name="m", artifact="s3://b/m/", image="registry/image:1", code=SPEC.code)
    with pytest.raises(SpecError, match="source_dir"):
        model_request(spec, catalog, backend._settings, backend._shipped)
    body, _ = model_request(
        evolve(spec, options={"serving_framework": "tensorflow"}), catalog, backend._settings, backend._shipped
    )

    assert (body["type"], body["frameworkId"]) == ("BASIC_FRAMEWORK", 500001)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"instance_count": 11}, "initial_instance_count: "),
        ({"instance_type": "502201"}, "instance_type: "),
        ({"model": "local://local/m"}, "there is no model"),
    ],
)
def test_refused_service(catalog: Catalog, changes: dict[str, Any], field: str) -> None:
    """A service that the platform would refuse is refused before."""
    variant = evolve(Variant(model="modelmaker://js01/5"), **changes)
    with pytest.raises((SpecError, LookupError)) as caught:
        service_request(EndpointSpec(name="s", variants=(variant,)), catalog.offerings)

    assert str(caught.value).startswith(field)


def test_without_an_account(tmp_path: Path) -> None:
    """The list that comes with the package makes a plan where nobody can be asked; only the bucket must be named."""
    bench = Bench(ModelMakerBackend(Settings(bucket="b"), tmp_path / "home"), tmp_path / "bench")
    plan = outline(bench.session, bench.backend, bench.spec("pass"))
    shipped = {offer.spec_id for offer in read_shipped("anyfit_modelmaker").offerings}

    assert plan.notes[0].field == "instance_type" and "username and password are not set" in plan.notes[0].text
    assert str(plan.requests[0].body["resourceId"]) in shipped
