"""Packages of models: their types and runtimes, what is written into them, and what is refused before it is sent."""

from __future__ import annotations

import base64
import io
import json
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from anyfit.code.bundle import pack_code
from anyfit.errors import NotFound, SpecError, UsageError
from anyfit.launch import inference_path
from anyfit.spec import ModelSpec
from anyfit.storage import Store, Uri, open_store
from anyfit_modelarts import predict
from anyfit_modelarts.engines import TYPES, fits, runtime_for, type_for
from anyfit_modelarts.model_config import checked_config, read_config
from anyfit_modelarts.package import Package, Parts, build_package, service_source
from anyfit_modelarts.requirements import dependencies_in
from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.source import Source

RUNTIMES = {
    "TensorFlow": ["python2.7", "python3.6", "tf1.13-python3.6-cpu", "tf1.13-python3.6-gpu", "tf2.1-python3.7"],
    "PyTorch": ["python3.6", "pytorch1.4-python3.7", "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"],
    "Scikit_Learn": ["python2.7", "python3.6"],
    "Caffe": ["python2.7"],
}
SAVED_MODEL = ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
CONFIG: Mapping[str, Any] = {"model_algorithm": "image_classification", "model_type": "PyTorch"}
API: Mapping[str, Any] = {"url": "/", "method": "post", "request": {"Content-type": "application/json"}}


class Case:
    """Builds packages of files and code in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: str | bytes = "x") -> None:
        """A file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def spec(self, entry_point: str = "", **fields: Any) -> ModelSpec:
        """The model in `model/` with the code in `src/`, where there is an entry point."""
        code = None
        if entry_point:
            code, entry_point = pack_code(entry_point, str(self.folder / "src"), (), self.folder / "bundles")
        artifact = (self.folder / "model").as_uri()
        return ModelSpec(
            **{"name": "m", "version": "1.0.0", "artifact": artifact, "code": code, "entry_point": entry_point} | fields
        )

    def build(self, spec: ModelSpec, options: Mapping[str, Any] | None = None, **settings: Any) -> Package:
        """The package."""
        source = Source.read(spec, self.store)
        chosen = Settings(**{"bucket": "b", **settings})
        return build_package(spec, source, Options(**options or {}), chosen, RUNTIMES, Parts.read())

    @staticmethod
    def store(uri: Uri) -> Store:
        """Of files."""
        return open_store(uri)


def names(package: Package) -> set[str]:
    """The names of what is written, and of the folder that files are copied to."""
    return {upload.target.removeprefix(f"{package.location}model/") for upload in package.uploads}


def content(package: Package, name: str) -> bytes:
    """What is written under a name."""
    return next(upload.content for upload in package.uploads if upload.target.endswith(f"model/{name}"))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Nothing yet."""
    return Case(tmp_path)


# types and runtimes


@pytest.mark.parametrize(
    ("wanted", "framework", "files", "type_name", "package"),
    [
        ("", "pytorch", ["model.pth"], "PyTorch", ""),
        ("", "torch", ["anything"], "PyTorch", ""),
        ("", "tensorflow", SAVED_MODEL, "TensorFlow", ""),
        ("", "tensorflow", ["model.h5"], "PyTorch", "tensorflow"),
        ("", "mxnet", ["x-symbol.json", "x-0000.params"], "MXNet", ""),
        ("", "mindspore", ["x.ckpt"], "PyTorch", "mindspore"),
        ("", "sklearn", ["model.joblib"], "Scikit_Learn", ""),
        ("", "XGBoost", ["model.json"], "XGBoost", ""),
        ("", "", SAVED_MODEL, "TensorFlow", ""),
        ("", "", ["model.joblib"], "Scikit_Learn", ""),
        ("", "python", ["model.json"], "PyTorch", ""),
        ("Caffe", "pytorch", [], "Caffe", ""),
    ],
)
def test_type(wanted: str, framework: str, files: list[str], type_name: str, package: str) -> None:
    """A model's type is the one named, else its framework's, else the one its files speak for, else PyTorch's."""
    kind, needed = type_for(wanted, framework, files)

    assert (kind.name, needed) == (type_name, package)


def test_fitting_files() -> None:
    """Of some types a package holds just one file, and files in folders do not count."""
    pytorch, tensorflow = TYPES["PyTorch"], TYPES["TensorFlow"]

    assert fits(pytorch, ["a.pth", "words.txt"])
    assert not fits(pytorch, ["a.pth", "b.pt"])
    assert not fits(pytorch, ["deep/a.pth"])
    assert fits(tensorflow, SAVED_MODEL)
    assert not fits(tensorflow, SAVED_MODEL[:2])


@pytest.mark.parametrize(
    ("kind", "python", "version", "runtime"),
    [
        ("TensorFlow", "", "", "tf2.1-python3.7"),
        ("TensorFlow", "", "1.13", "tf1.13-python3.6-cpu"),
        ("TensorFlow", "3.6", "1.13", "tf1.13-python3.6-cpu"),
        ("TensorFlow", "3.7", "1.13", "tf2.1-python3.7"),
        ("PyTorch", "", "1.8", "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"),
        ("PyTorch", "", "1.4.0", "pytorch1.4-python3.7"),
        ("PyTorch", "3.6", "", "python3.6"),
        ("Scikit_Learn", "3.11", "", "python3.6"),
    ],
)
def test_runtime(kind: str, python: str, version: str, runtime: str) -> None:
    """The runtime is that of the Python that is asked for, then the nearest version, then without a GPU."""
    assert runtime_for(TYPES[kind], RUNTIMES, wanted="", python=python, version=version) == runtime


def test_runtime_by_name() -> None:
    """One that is named is taken, whatever its Python; another is refused with the nearest."""
    caffe = TYPES["Caffe"]

    assert runtime_for(caffe, RUNTIMES, wanted="python2.7", python="", version="") == "python2.7"
    with pytest.raises(SpecError, match=r"runtime: 'python2\.6' is not offered") as caught:
        runtime_for(caffe, RUNTIMES, wanted="python2.6", python="", version="")
    assert "python2.7" in caught.value.hint
    with pytest.raises(SpecError, match="no runtime with Python 3 for Caffe"):
        runtime_for(caffe, RUNTIMES, wanted="", python="", version="")


# requirements


def test_requirements() -> None:
    """Names with one bound become packages; comments, blank lines and continued ones are read as pip does."""
    text = "# all\nPillow==5.2.0\n\nnumpy >= 1.14  # or so\nscikit-learn\nsix \\\n  <=1.16\n"
    packages = [
        {"package_name": "Pillow", "package_version": "5.2.0", "restraint": "EXACT"},
        {"package_name": "numpy", "package_version": "1.14", "restraint": "ATLEAST"},
        {"package_name": "scikit-learn"},
        {"package_name": "six", "package_version": "1.16", "restraint": "ATMOST"},
    ]

    assert dependencies_in(text) == [{"installer": "pip", "packages": packages}]
    assert dependencies_in("# nothing\n") == []


@pytest.mark.parametrize("line", ["numpy>=1,<2", "-r more.txt", "x[all]", "a ; python_version<'3'", "https://x/y.whl"])
def test_requirements_that_cannot_be(line: str) -> None:
    """What the platform has no words for is refused, with its line and what to write instead."""
    with pytest.raises(SpecError, match=r"requirements\.txt: ModelArts cannot install line 2 beside") as caught:
        dependencies_in(f"six\n{line}\n")

    assert "options.modelarts.dependencies" in caught.value.hint


@given(st.text())
def test_any_requirements(text: str) -> None:
    """Any text is packages that the platform takes, or a refusal."""
    try:
        found = dependencies_in(text)
    except SpecError:
        return
    checked_config({**CONFIG, "dependencies": found})


# config.json


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x": 1}, "x: there is no such field"),
        ({"model_type": "Torch"}, "model_type: 'Torch' is none of"),
        ({"model_algorithm": "1st"}, "model_algorithm: 1 to 36 characters"),
        ({"model_algorithm": "a" * 37}, "model_algorithm: 1 to 36 characters"),
        ({"runtime": 3}, "runtime: expected text"),
        ({"metrics": {"f2": 1}}, r"metrics\.f2: there is no such field"),
        ({"metrics": {"f1": "high"}}, r"metrics\.f1: expected a number"),
        ({"metrics": []}, "metrics: expected an object"),
        ({"apis": {}}, "apis: expected a list of objects"),
        ({"apis": [{"url": "/predict"}]}, 'apis: a model that is no image has exactly one, with the url "/"'),
        ({"apis": [API, API]}, "apis: a model that is no image has exactly one"),
        ({"apis": [{"url": "x"}]}, r"apis\[0\]\.url: expected a path"),
        ({"apis": [{**API, "method": "put"}]}, r"apis\[0\]\.method: expected post or get"),
        ({"apis": [{**API, "protocol": "ftp"}]}, r"apis\[0\]\.protocol"),
        ({"apis": [{**API, "request": []}]}, r"apis\[0\]\.request: expected an object"),
        ({"apis": [{**API, "request": {"Content-type": "text/csv"}}]}, r"apis\[0\]\.request\.Content-type"),
        ({"dependencies": {}}, "dependencies: expected a list"),
        ({"dependencies": [{"installer": "apt", "packages": []}]}, r"dependencies\[0\]\.installer"),
        ({"dependencies": [{"installer": "pip"}]}, r"dependencies\[0\]\.packages: expected a list"),
        (
            {"dependencies": [{"installer": "pip", "packages": [{}]}]},
            r"dependencies\[0\]\.packages\[0\]\.package_name: it is missing",
        ),
        (
            {"dependencies": [{"installer": "pip", "packages": [{"package_name": "x", "package_version": "1"}]}]},
            r"dependencies\[0\]\.packages\[0\]\.restraint",
        ),
        ({"health": {"url": "/"}}, "health: it is an object, and for images alone"),
        ({"model_type": "Image", "health": {}}, r"health\.url: it is missing"),
        ({"model_type": "Image", "health": {"url": "/", "timeout_seconds": 3}}, r"health\.timeout_seconds"),
        ({"model_type": "Scikit_Learn", "apis": [{**API, "request": {"Content-type": "multipart/form-data"}}]},
         r"apis\[0\]\.request\.Content-type: expected application/json, got"),
    ],
)  # fmt: skip
def test_wrong_configuration(change: Mapping[str, Any], told: str) -> None:
    """What does not keep to the documented schema is refused by the name of its field."""
    with pytest.raises(SpecError, match=rf"^config\.json: {told}"):
        checked_config({**CONFIG, **change})


def test_right_configuration() -> None:
    """The documents' own example is taken as it is."""
    config = {
        **CONFIG,
        "model_type": "TensorFlow",
        "runtime": "tf1.13-python3.6-cpu",
        "metrics": {"accuracy": 0.98},
        "apis": [
            {
                "url": "/",
                "method": "post",
                "protocol": "https",
                "request": {
                    "Content-type": "multipart/form-data",
                    "data": {"type": "object", "properties": {"images": {"type": "file"}}},
                },
                "response": {"Content-type": "application/json", "data": {"type": "object"}},
            }
        ],
        "dependencies": dependencies_in("Pillow==5.2.0"),
    }

    assert checked_config(config) == config
    for text in (b"{", b"[]", b"\xff", b"[" * 100_000):
        with pytest.raises(SpecError, match=r"config\.json: it is no"):
            read_config(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    max_leaves=5,
)
MEMBERS = st.sampled_from(
    ["model_algorithm", "model_type", "runtime", "metrics", "apis", "dependencies", "health", "x"]
)


@given(st.dictionaries(MEMBERS, JSON))
def test_any_configuration(config: dict[str, Any]) -> None:
    """Any object is a configuration or is refused by a field's name; nothing else happens."""
    try:
        assert checked_config(config) == config
    except SpecError as fault:
        assert fault.message.startswith("config.json: ")


# packages


def test_generated_package(case: Case) -> None:
    """A script with one weights file: they lie beside the service that is written around the script."""
    case.write("model/net.pth")
    case.write("model/words/list.txt")
    case.write("src/inference.py", "def predict_fn(data, model): return data")
    case.write("src/requirements.txt", "Pillow==5.2.0\n")
    package = case.build(case.spec("inference.py", framework="pytorch", framework_version="1.4"))

    assert names(package) == {
        *("config.json", "customize_service.py", "anyfit_predict.py", "anyfit_inference.py", "anyfit_model.json"),
        *("code.tar.gz", ""),
    }
    assert (package.model_type, package.runtime) == ("PyTorch", "pytorch1.4-python3.7")
    assert package.config["dependencies"] == dependencies_in("Pillow==5.2.0")
    assert json.loads(content(package, "config.json")) == package.config
    assert "class AnyfitService(PTServingBaseService):" in content(package, "customize_service.py").decode()
    assert json.loads(content(package, "anyfit_model.json"))["model_dir"] == ""
    copied = next(upload for upload in package.uploads if upload.kind == "input")
    assert copied.source == (case.folder / "model").as_uri()


@pytest.mark.parametrize("files", [["a.pth", "b.pth"], ["model.json"], ["a.pth", "config.json"]])
def test_files_in_a_folder_of_their_own(case: Case, files: list[str]) -> None:
    """Files that the platform would not take, or whose names are taken, lie apart; a stand-in is beside the service."""
    for name in files:
        case.write(f"model/{name}", "{}")
    case.write("src/inference.py")
    package = case.build(case.spec("inference.py"))

    assert {"anyfit.pth", "files/"} <= names(package)
    assert json.loads(content(package, "anyfit_model.json"))["model_dir"] == "files/"


def test_own_service(case: Case) -> None:
    """A customize_service.py in the code is taken with all the code, and so is its config.json."""
    case.write("model/net.pth")
    case.write("src/customize_service.py", "import helper")
    case.write("src/pkg/__init__.py", "")
    case.write("src/helper.py")
    case.write("src/config.json", json.dumps(CONFIG))
    package = case.build(case.spec("customize_service.py"))

    assert names(package) == {"config.json", "customize_service.py", "helper.py", "pkg/__init__.py", ""}
    assert package.config == CONFIG
    assert package.runtime == ""
    case.write("src/config.json", json.dumps({**CONFIG, "apis": 1}))
    with pytest.raises(SpecError, match=r"^config\.json: apis"):
        case.build(case.spec("customize_service.py"))
    case.write("src/net.pth")
    case.write("src/config.json", json.dumps(CONFIG))
    with pytest.raises(SpecError, match=r"artifact: net\.pth is among the model's files and in the code"):
        case.build(case.spec("customize_service.py"))


def test_package_that_the_job_has_made(case: Case) -> None:
    """A model with both files beside it is a package already: it is copied as it is."""
    case.write("model/net.pth")
    case.write("model/customize_service.py")
    case.write("model/config.json", json.dumps({**CONFIG, "runtime": "python3.6"}))
    package = case.build(case.spec())

    assert names(package) == {""}
    assert package.runtime == "python3.6"
    case.write("model/more.pth")
    with pytest.raises(
        SpecError, match=r"artifact: ModelArts wants \*\.pth or \*\.pt in a package of type PyTorch, and"
    ):
        case.build(case.spec())


def test_configuration_alone(case: Case) -> None:
    """A configuration of the model's own goes with a service that is written; one about something else does not."""
    case.write("model/net.pth")
    case.write("model/config.json", json.dumps(CONFIG))
    case.write("src/inference.py")
    package = case.build(case.spec("inference.py"))

    assert package.config == CONFIG
    assert "files/" not in names(package)
    case.write("model/config.json", json.dumps({"hidden_size": 64}))
    assert "files/" in names(case.build(case.spec("inference.py")))
    with pytest.raises(SpecError, match=r"model_type: config\.json says PyTorch"):
        case.write("model/config.json", json.dumps(CONFIG))
        case.build(case.spec("inference.py"), {"model_type": "Scikit_Learn"})


def test_saved_model(case: Case) -> None:
    """A SavedModel without code is left to the platform's own engine; with code its handler answers."""
    for name in SAVED_MODEL:
        case.write(f"model/{name}")
    case.write("src/inference.py")

    assert names(case.build(case.spec())) == {"config.json", ""}
    assert "customize_service.py" in names(case.build(case.spec("inference.py")))


def test_options(case: Case) -> None:
    """Options go into the configuration as they are, and a type is refused where the files are none of it."""
    case.write("model/model.joblib")
    case.write("src/inference.py")
    case.write("src/requirements.txt", "numpy>=1,<2")
    options: dict[str, Any] = {
        "model_algorithm": "image_classification",
        "model_metrics": {"accuracy": 0.9},
        "apis": [dict(API)],
        "dependencies": dependencies_in("numpy>=1"),
        "runtime": "python2.7",
    }
    package = case.build(case.spec("inference.py"), options)

    assert package.config == {
        "model_algorithm": "image_classification",
        "model_type": "Scikit_Learn",
        "runtime": "python2.7",
        "apis": [API],
        "metrics": {"accuracy": 0.9},
        "dependencies": dependencies_in("numpy>=1"),
    }
    assert "dependencies" not in case.build(case.spec("inference.py"), install_requirements=False).config
    with pytest.raises(SpecError, match=r"requirements\.txt: ModelArts cannot install line 1"):
        case.build(case.spec("inference.py"))
    with pytest.raises(SpecError, match=r"model_type: a model of type TensorFlow has saved_model\.pb"):
        case.build(case.spec("inference.py"), {**options, "model_type": "TensorFlow", "runtime": ""})


def test_framework_that_has_to_be_installed(case: Case) -> None:
    """A framework without the platform's kind of files comes by way of the dependencies."""
    case.write("model/model.h5")
    case.write("src/inference.py")
    case.write("src/requirements.txt", "six\n")
    package = case.build(case.spec("inference.py", framework="tensorflow"))

    assert package.model_type == "PyTorch"
    assert [each["package_name"] for each in package.config["dependencies"][0]["packages"]] == ["six", "tensorflow"]


def test_place_of_a_package(case: Case) -> None:
    """A package lies where its content says, so that another version or another model lies elsewhere."""
    case.write("model/net.pth")
    spec = case.spec()
    places = {case.build(each).location for each in (spec, spec, evolve(spec, version="1.0.1"))}
    case.write("model/net.pth", "another")
    places.add(case.build(spec).location)

    assert len(places) == 3
    assert all(place.startswith("obs://b/anyfit/models/m/") for place in places)


def test_nothing_to_package(case: Case) -> None:
    """A folder without files, and code that is not here, are refused in words."""
    with pytest.raises(NotFound, match="artifact: there is nothing in file://"):
        case.build(case.spec())
    case.write("model/net.pth")
    case.write("src/inference.py")
    spec = case.spec("inference.py")
    assert spec.code is not None
    Path(spec.code.archive).unlink()
    with pytest.raises(UsageError, match="source_dir: the model's code is not on this machine"):
        case.build(spec)


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_written_services(kind: Any) -> None:
    """The service of every type is Python, and extends the class that the documents name."""
    source = service_source(kind)
    compile(source, "customize_service.py", "exec")

    assert f"from {kind.module} import {kind.base}" in source
    assert ("(self, model_path)" in source) == kind.classic


# what runs in the service

HANDLER = """
import json, os
def model_fn(model_dir):
    return sorted(os.listdir(model_dir))
def input_fn(body, content_type):
    if content_type.startswith("text/plain"):
        raise ValueError("no words here")
    return [content_type.partition(";")[0], len(body)]
def predict_fn(data, model):
    return data + model + [os.environ["COLOUR"]]
def output_fn(prediction, accept):
    if accept == "text/csv":
        return ",".join(map(str, prediction)), "text/csv"
    return json.dumps(prediction), "application/json"
"""


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[predict.Answers]:
    """A package on disk, loaded."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "weights").write_text("w")
    with tarfile.open(tmp_path / "code.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("inference.py")
        info.size = len(HANDLER)
        tar.addfile(info, io.BytesIO(HANDLER.encode()))
    model = {"entry_point": "inference.py", "code_archive": "code.tar.gz", "model_dir": "files/"}
    (tmp_path / "anyfit_model.json").write_text(json.dumps({**model, "environment": {"COLOUR": "red", "OWN": "no"}}))
    (tmp_path / "anyfit_inference.py").write_bytes(inference_path().read_bytes())
    for name in ("COLOUR", "ANYFIT_MODEL_DIR", "ANYFIT_CODE_DIR", "SM_MODEL_DIR", "ANYFIT_JOB_BACKEND"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("ANYFIT_SERVICE_VARIABLES", "OWN")
    monkeypatch.setenv("OWN", "yes")
    monkeypatch.setattr(sys, "path", [*sys.path])
    before: dict[str, ModuleType] = dict(sys.modules)
    yield predict.Answers(str(tmp_path))
    for name in set(sys.modules) - set(before):
        del sys.modules[name]


def ask(answers: predict.Answers, data: Any) -> Any:
    """As the platform asks."""
    return answers.postprocess(answers.inference(answers.preprocess(data)))


def test_payloads(answers: predict.Answers) -> None:
    """JSON, wrapped payloads, a file and a whole form reach the handler as what they are."""
    wrapped = {"anyfit_body": base64.b64encode(b"1,2").decode(), "anyfit_content_type": "text/csv"}
    file: Callable[[], Any] = lambda: {"images": {"seven.png": io.BytesIO(b"four")}}  # noqa: E731

    assert ask(answers, {"x": 1}) == ["application/json", 8, "weights", "red"]
    assert ask(answers, [1, {"a": "b"}])[0] == "application/json"
    assert ask(answers, wrapped)[:2] == ["text/csv", 3]
    assert ask(answers, file())[:2] == ["image/png", 4]
    assert ask(answers, [file()])[:2] == ["image/png", 4]
    assert ask(answers, {**file(), "threshold": "0.5"})[0] == "multipart/form-data"


def test_form_arrives_whole(answers: predict.Answers) -> None:
    """A form with several parts is put together again as it was sent."""
    body, kind, _ = answers.preprocess({"a": {"one.csv": io.BytesIO(b"1,2")}, "note": "hello"})
    boundary = kind.partition("boundary=")[2]
    parts = body.decode().split(f"--{boundary}")

    assert parts[1].startswith(
        '\r\nContent-Disposition: form-data; name="a"; filename="one.csv"\r\nContent-Type: text/csv'
    )
    assert parts[1].endswith("\r\n\r\n1,2\r\n")
    assert parts[2].endswith('name="note"\r\n\r\nhello\r\n')
    assert parts[3] == "--\r\n"


def test_answers_that_are_no_json(answers: predict.Answers) -> None:
    """They go back wrapped, with what they are."""
    wrapped = {
        "anyfit_body": base64.b64encode(b"1").decode(),
        "anyfit_content_type": "text/csv",
        "anyfit_accept": "text/csv",
    }
    told = ask(answers, wrapped)

    assert told["anyfit_content_type"] == "text/csv"
    assert base64.b64decode(told["anyfit_body"]) == b"text/csv,1,weights,red"


def test_refusals(answers: predict.Answers) -> None:
    """What the handler refuses is an exception that says so, with its status."""
    with pytest.raises(predict.Refused) as caught:
        ask(answers, {"anyfit_body": "", "anyfit_content_type": "text/plain"})
    told = json.loads(str(caught.value))

    assert (told["status"], told["error"]["message"]) == (400, "no words here")


def test_code_that_leads_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive whose names lead out of its folder is refused."""
    with tarfile.open(tmp_path / "code.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../evil.py"))
    (tmp_path / "anyfit_inference.py").write_bytes(inference_path().read_bytes())
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "anyfit_model.json").write_text('{"code_archive": "code.tar.gz"}')
    with pytest.raises(SystemExit, match=r"evil\.py, which is refused"):
        predict.Answers(str(tmp_path))
