"""The inference contract: a script's functions, their defaults, and what goes wrong."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit.launch import inference_path
from anyfit.launch.anyfit_inference import Handler, HandlerError, Response

Make = Callable[..., Handler]

JSON = "application/json"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A loaded handler: `make(inference.py or None, name, further files)`."""

    def build(source: str | None, name: str = "one", load: bool = True, **files: str) -> Handler:
        code, model = tmp_path / name / "code", tmp_path / name / "model"
        code.mkdir(parents=True, exist_ok=True)
        model.mkdir(exist_ok=True)
        if source is not None:
            files["inference"] = source
        for stem, text in files.items():
            (code / f"{stem}.py").write_text(text)
        handler = Handler(code, model)
        if load:
            handler.load()
        return handler

    return build


def ask(handler: Handler, data: Any, accept: str = JSON) -> Any:
    response = handler.handle(json.dumps(data).encode(), JSON, accept)
    assert response.status == 200, response.body
    return json.loads(response.body)


def error(response: Response) -> dict[str, str]:
    assert response.content_type == JSON
    fields: dict[str, str] = json.loads(response.body)["error"]
    assert set(fields) == {"type", "message", "where"}
    return fields


def test_all_functions_of_a_script_are_used(make: Make, tmp_path: Path) -> None:
    """Each gets what the one before it gave."""
    handler = make("""
def model_fn(model_dir):
    return model_dir
def input_fn(body, content_type):
    return (content_type, body.decode())
def predict_fn(data, model):
    return [model, *data]
def output_fn(prediction, accept):
    return "|".join([*prediction, accept]), "text/x-mine"
""")

    response = handler.handle(b"hello", "text/odd", "text/fancy")

    assert response.status == 200
    assert response.content_type == "text/x-mine"
    assert response.body.decode() == f"{tmp_path / 'one' / 'model'}|text/odd|hello|text/fancy"


@pytest.mark.parametrize("missing", ["model_fn", "input_fn", "predict_fn", "output_fn"])
def test_any_function_may_be_missing(make: Make, tmp_path: Path, missing: str) -> None:
    """Its default does the same for an ordinary case."""
    functions = {
        "model_fn": "def model_fn(d): return lambda data: [x * 2 for x in data]",
        "input_fn": "import json\ndef input_fn(body, content_type): return json.loads(body)",
        "predict_fn": "def predict_fn(data, model): return [x * 2 for x in data]",
        "output_fn": "import json\ndef output_fn(prediction, accept): return json.dumps(prediction)",
    }
    del functions[missing]

    assert ask(make("\n".join(functions.values())), [1, 2]) == [2, 4]


def test_without_a_script_the_defaults_do(make: Make, tmp_path: Path) -> None:
    """A model with predict, found by its name, fed with JSON."""
    from sklearn.linear_model import LinearRegression

    handler = make(None, load=False)
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    (tmp_path / "one" / "model" / "model.pkl").write_bytes(pickle.dumps(model))
    handler.load()

    assert ask(handler, [[3.0]]) == pytest.approx([6.0])
    rows = handler.handle(b"3\n4\n", "text/csv", "text/csv").body.decode().split()
    assert [float(row) for row in rows] == pytest.approx([6.0, 8.0])


@pytest.mark.parametrize(
    "names", [["model.joblib"], ["rf.joblib"], ["model.joblib", "scaler.joblib"], ["model/rf.pkl"]]
)
def test_the_model_is_found(make: Make, tmp_path: Path, names: list[str]) -> None:
    """The one called model, or the only one, there or in model/."""
    import joblib

    handler = make("def predict_fn(data, model): return model['name']", load=False)
    for name in names:
        path = tmp_path / "one" / "model" / name
        path.parent.mkdir(exist_ok=True)
        joblib.dump({"name": name}, path)
    handler.load()

    assert ask(handler, None) == names[0]


def test_several_models_are_not_guessed_at(make: Make, tmp_path: Path) -> None:
    """The names are in the message."""
    handler = make(None, load=False)
    for name in ("a.pkl", "b.pkl"):
        (tmp_path / "one" / "model" / name).write_bytes(pickle.dumps(1))

    with pytest.raises(HandlerError, match=r"several models \(a.pkl, b.pkl\)"):
        handler.load()


def test_no_model_says_what_was_looked_for(make: Make) -> None:
    """Unless the script predicts by itself."""
    with pytest.raises(FileNotFoundError, match=r"model\.joblib"):
        make(None)
    assert ask(make("def predict_fn(data, model): return [data, model]", "two"), 1) == [1, None]


def test_a_model_that_is_no_model_is_explained(make: Make, tmp_path: Path) -> None:
    """No predict, and not callable."""
    handler = make(None, load=False)
    (tmp_path / "one" / "model" / "model.json").write_text("{}")
    handler.load()

    response = handler.handle(b"1", JSON, JSON)

    assert response.status == 500
    assert "write predict_fn" in error(response)["message"]


def test_transform_fn_replaces_three(make: Make) -> None:
    """Its result may be a body, a body and type, or data."""
    source = """
def model_fn(d): return 3
def transform_fn(model, body, content_type, accept):
    kind = body.decode()
    return {"both": (b"x", "a/b"), "text": "t", "data": {"accept": accept}}[kind]
"""
    handler = make(source)

    answers = [handler.handle(kind, "any/thing", "*/*") for kind in (b"both", b"text", b"data")]

    assert [(answer.content_type, answer.body) for answer in answers] == [
        ("a/b", b"x"),
        (JSON, b"t"),
        (JSON, b'{"accept": "application/json"}'),
    ]


def test_both_forms_together_are_an_error(make: Make) -> None:
    """It would not be clear which is meant."""
    with pytest.raises(HandlerError, match="transform_fn and also input_fn"):
        make("def transform_fn(m, b, c, a): pass\ndef input_fn(b, c): pass")


@pytest.mark.parametrize("parameter", ["context", "anything", "*, context", "context=None"])
def test_context_is_one_more_parameter(make: Make, tmp_path: Path, parameter: str) -> None:
    """By place or by name; every function may have it."""
    inner = "context" if "context" in parameter else "anything"
    handler = make(f"""
def model_fn(model_dir, {parameter}): return [{inner}.model_dir == model_dir]
def input_fn(body, content_type, {parameter}): return {inner}.system_properties["model_dir"]
def predict_fn(data, model, {parameter}): return [*model, {inner}.model_dir == data]
def output_fn(prediction, accept, {parameter}): return [*prediction, {inner}.code_dir]
""")

    assert ask(handler, None) == [True, True, str(tmp_path / "one" / "code")]


def test_other_parameters_with_defaults_are_left_alone(make: Make) -> None:
    """A default is not a wish for the context."""
    handler = make("def predict_fn(data, model, scale=2): return data * scale\ndef input_fn(*args): return 4")

    assert ask(handler, None) == 8


@pytest.mark.parametrize("signature", ["data", "a, b, c, d"])
def test_a_wrong_number_of_parameters_is_told_at_once(make: Make, signature: str) -> None:
    """Not at the first request."""
    with pytest.raises(HandlerError, match="predict_fn takes"):
        make(f"def predict_fn({signature}): pass")


def test_hooks_around_loading_are_called(make: Make) -> None:
    """pre_model_fn before, model_warmup_fn after."""
    handler = make("""
seen = []
def pre_model_fn(model_dir): seen.append("pre")
def model_fn(model_dir): seen.append("model")
def model_warmup_fn(model_dir, model): seen.append("warm")
def predict_fn(data, model): return seen
""")

    assert ask(handler, None) == ["pre", "model", "warm"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("raise ValueError('not a number')", "not a number"),
        ("raise TypeError('odd')", "odd"),
        ("return {}['pixels']", "the payload has no 'pixels'"),
        ("return body.decode('ascii')", "'ascii' codec"),
    ],
)
def test_a_fault_of_input_fn_is_the_client_s(make: Make, fault: str, message: str) -> None:
    """400 with its message and line."""
    handler = make(f"def input_fn(body, content_type):\n    {fault}\ndef predict_fn(d, m): return d")

    response = handler.handle("é".encode(), "text/x", JSON)

    assert response.status == 400
    assert message in error(response)["message"]
    assert error(response)["where"] == "inference.py:2 in input_fn"


@pytest.mark.parametrize("function", ["input_fn(b, c)", "predict_fn(d, m)", "output_fn(p, a)"])
def test_bad_request_may_be_raised_anywhere(make: Make, function: str) -> None:
    """A script imports it by the plain name of the file."""
    handler = make(f"""
from anyfit_inference import BadRequest
def model_fn(d): return len
def {function}:
    raise BadRequest("too long")
""")

    response = handler.handle(b'"abc"', JSON, JSON)

    assert response.status == 400
    assert error(response) == {
        "type": "BadRequest",
        "message": "too long",
        "where": f"inference.py:5 in {function.partition('(')[0]}",
    }


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status"),
    [
        (b"{", JSON, JSON, 400),
        (b"x", "image/png", JSON, 415),
        (b"[1]", JSON, "image/png", 406),
        (b'{"a": 1}', JSON, "text/csv", 406),
        (b"[1]", "", "", 200),
    ],
)
def test_payload_faults_have_their_status(make: Make, body: bytes, content_type: str, accept: str, status: int) -> None:
    """From the defaults."""
    handler = make("def predict_fn(data, model): return data")

    assert handler.handle(body, content_type, accept).status == status


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("raise ValueError('X has 3 features')", "ValueError", "X has 3 features"),
        ("import sys; sys.exit(3)", "SystemExit", "3"),
        ("return predict_fn(data, model)", "RecursionError", "maximum recursion depth"),
        ("raise MemoryError", "MemoryError", ""),
    ],
)
def test_any_other_fault_is_the_server_s(
    make: Make, capfd: pytest.CaptureFixture[str], fault: str, kind: str, message: str
) -> None:
    """500 with type, message and line; the traceback is on stderr; the next request is answered."""
    source = f"def model_fn(d): pass\ndef predict_fn(data, model):\n    if data: return data\n    {fault}"
    handler = make(source)

    response = handler.handle(b"null", JSON, JSON)

    assert response.status == 500
    assert error(response)["type"] == kind
    assert message in error(response)["message"]
    assert error(response)["where"] == "inference.py:4 in predict_fn"
    assert "Traceback" in capfd.readouterr().err
    assert ask(handler, [1]) == [1]


def test_the_line_is_the_script_s_even_if_a_library_fails(make: Make) -> None:
    """The innermost line that the user wrote, in whichever file."""
    handler = make(
        "import near\ndef predict_fn(data, model): return near.go(data)", near="def go(d):\n\n    return int(d)"
    )

    response = handler.handle(b'"x"', JSON, JSON)

    assert error(response)["where"] == "near.py:3 in go"


def test_what_json_cannot_take_is_the_server_s_fault(make: Make) -> None:
    """500, and the message says what to do."""
    handler = make("def predict_fn(data, model): return object()")

    assert "convert it in output_fn" in error(handler.handle(b"1", JSON, JSON))["message"]


def test_a_script_that_cannot_be_imported_keeps_its_error(make: Make) -> None:
    """The server shows its traceback."""
    with pytest.raises(SyntaxError):
        make("def")
    with pytest.raises(ModuleNotFoundError, match="none_such"):
        make("import none_such", "two")


def test_a_named_module_must_exist(make: Make, tmp_path: Path) -> None:
    """Only inference.py may be missing."""
    make("", load=False, serve="def predict_fn(data, model): return 'served'")
    handler = Handler(tmp_path / "one" / "code", tmp_path / "one" / "model", module="serve.py")
    handler.load()

    assert ask(handler, 1) == "served"
    with pytest.raises(HandlerError, match="absent"):
        Handler(tmp_path / "one" / "code", tmp_path / "one" / "model", module="absent.py").load()


WITH_HELPER = """
import helper, pkg.inner
from pkg import inner as same
def predict_fn(data, model):
    import late
    from pkg.sub import value
    return [helper.name, pkg.inner.name, same is pkg.inner, late.name, value, late.again()]
"""


@pytest.mark.parametrize("turns", [["a", "b", "a"], ["b", "a", "a", "b"]])
def test_handlers_of_two_directories_do_not_mix(make: Make, tmp_path: Path, turns: list[str]) -> None:
    """Modules of the same name are each directory's own, at start and when imported in a request."""
    handlers = {}
    for name in ("a", "b"):
        package = tmp_path / name / "code" / "pkg"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "inner.py").write_text("from . import sub\nname = sub.value")
        (package / "sub.py").write_text(f"value = 'sub-{name}'")
        late = f"name = 'late-{name}'\ndef again():\n    import helper\n    return helper.name"
        handlers[name] = make(WITH_HELPER, name, helper=f"name = 'helper-{name}'", late=late)

    for name in turns:
        assert ask(handlers[name], None) == [
            f"helper-{name}",
            f"sub-{name}",
            True,
            f"late-{name}",
            f"sub-{name}",
            f"helper-{name}",
        ]


def test_two_handlers_of_one_directory_have_their_own_state(make: Make) -> None:
    """The script is run once for each."""
    source = "count = [0]\ndef predict_fn(data, model):\n    count[0] += 1\n    return count[0]"
    first, second = make(source), make(source)

    assert [ask(first, 0), ask(first, 0), ask(second, 0)] == [1, 2, 1]


def test_a_pickle_finds_the_classes_of_its_script(make: Make, tmp_path: Path) -> None:
    """A model of a class that train.py imported from a helper."""
    import sys

    make("", "pickler", load=False, shapes="class Model:\n    def predict(self, data): return [d + 1 for d in data]")
    code = tmp_path / "pickler" / "code"
    write = "import pickle, sys; from shapes import Model; pickle.dump(Model(), open(sys.argv[1], 'wb'))"
    model = tmp_path / "pickler" / "model" / "model.pickle"
    subprocess.run([sys.executable, "-c", write, str(model)], cwd=code, check=True)

    handler = Handler(code, tmp_path / "pickler" / "model")
    handler.load()

    assert ask(handler, [1, 2]) == [2, 3]


def test_paths_that_a_script_adds_are_its_own(make: Make, tmp_path: Path) -> None:
    """sys.path is as before for the next."""
    source = """
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import deep
def predict_fn(data, model): return deep.name
"""
    handlers = []
    for name in ("a", "b"):
        lib = tmp_path / name / "code" / "lib"
        lib.mkdir(parents=True)
        (lib / "deep.py").write_text(f"name = '{name}'")
        handlers.append(make(source, name))

    assert [ask(handler, 0) for handler in handlers] == ["a", "b"]


def test_requests_may_come_from_many_threads(make: Make) -> None:
    """Also when they import something."""
    from concurrent.futures import ThreadPoolExecutor

    source = "def predict_fn(data, model):\n    import helper\n    return helper.twice(data)"
    handlers = [make(source, name, helper=f"def twice(x): return ['{name}', 2 * x]") for name in ("a", "b")]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ask(handlers[n % 2], n), range(200)))

    assert answers == [["ab"[n % 2], 2 * n] for n in range(200)]


def test_every_python_serves(tmp_path: Path, interpreter: str) -> None:
    """With nothing installed but the file itself, helpers and lazy imports included."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "inference.py").write_text(
        "from helper import twice\nfrom anyfit_inference import BadRequest\n"
        "def model_fn(d, context): return context.model_dir\n"
        "def predict_fn(data, model):\n    import late\n    return late.go(twice(data))\n"
    )
    (code / "helper.py").write_text("def twice(x): return 2 * x")
    (code / "late.py").write_text(
        "from anyfit_inference import BadRequest\ndef go(x):\n    if x > 4: raise BadRequest('big')\n    return x"
    )
    source = f"""
import sys; sys.path.insert(0, {str(inference_path().parent)!r})
from anyfit_inference import Handler
handler = Handler({str(code)!r}, {str(tmp_path)!r}); handler.load()
for body in (b"2", b"3", b"x"):
    answer = handler.handle(body, "application/json", "text/csv"); print(answer.status, answer.body.decode().strip())
"""
    command = [interpreter, "-I", "-S", "-B", "-W", "error", "-c", source]
    done = subprocess.run(command, capture_output=True, text=True)

    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "200 4"
    assert json.loads(lines[1][4:])["error"] == {
        "type": "BadRequest",
        "message": "big",
        "where": "late.py:3 in go",
    }
    assert [line[:3] for line in lines] == ["200", "400", "400"]
