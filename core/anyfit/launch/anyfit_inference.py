"""Answer requests with a model and, where there is one, a script's `inference.py`; one file, Python 3.6+.

    handler = Handler(code_dir, model_dir)
    handler.load()
    response = handler.handle(b"[[1, 2]]", "application/json", "application/json")
    response.status, response.content_type, response.body

`inference.py` may define any of these; what it does not define has a default. Each may take one more
parameter, `context` (an InferenceContext).

    model_fn(model_dir) -> model                 default: model.joblib, model.pkl ... in model_dir
    input_fn(body, content_type) -> data         default: decode() by content type
    predict_fn(data, model) -> prediction        default: model.predict(data), or model(data)
    output_fn(prediction, accept) -> body, or (body, content_type)       default: encode() by accept
    transform_fn(model, body, content_type, accept) -> as output_fn      instead of the last three
    pre_model_fn(model_dir)                      called before model_fn
    model_warmup_fn(model_dir, model)            called after model_fn

Content types, for client and server alike:

    application/json            any JSON value; NumPy's arrays and the like become lists and numbers
    text/csv                    a list of rows; cells that look like numbers are numbers
    application/x-npy           a NumPy array in the .npy format (needs numpy)
    application/octet-stream    bytes
    text/plain                  text

What goes wrong becomes a response whose body is {"error": {"type": ..., "message": ..., "where": ...}}:

    400  the payload: BadRequest anywhere; ValueError, TypeError or KeyError in input_fn or while decoding
    406  the prediction cannot be given as the `accept` asks
    415  the content type is not known
    500  anything else; the traceback goes to stderr

In a container this file lies in a package: a folder with `anyfit_model.json` and, where there is any, the user's code
as an archive. A program beside it, which knows the platform, makes the handler of that, and may serve it:

    handler = packaged(folder, described(folder), model_dir, "platform")
    handler.load()
    serve(handler, 8080, "/predict")
"""

import importlib.machinery
import importlib.util
import itertools
import json
import os
import sys
import threading

TYPE_CHECKING = False  # spares the import, which only checkers need
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

__all__ = [
    "CONTENT_TYPES",
    "BadRequest",
    "Handler",
    "HandlerError",
    "InferenceContext",
    "NotAcceptable",
    "Response",
    "UnsupportedContentType",
    "decode",
    "described",
    "encode",
    "packaged",
    "serve",
    "unpacked",
]

JSON, CSV, NPY, BYTES, TEXT = CONTENT_TYPES = (
    "application/json",
    "text/csv",
    "application/x-npy",
    "application/octet-stream",
    "text/plain",
)


class BadRequest(ValueError):
    """The request is at fault; a script may raise it anywhere. `status` is the HTTP status."""

    status = 400


class UnsupportedContentType(BadRequest):
    """The payload's content type is not known."""

    status = 415


class NotAcceptable(BadRequest):
    """The prediction cannot be given in any form that the request accepts."""

    status = 406


class HandlerError(Exception):
    """The script or the model directory cannot serve; raised by `Handler.load`."""


class Response:
    """What to send back: `status` (int), `content_type` (str), `body` (bytes)."""

    __slots__ = ("body", "content_type", "status")

    def __init__(self, status: int, content_type: str, body: bytes) -> None:
        self.status = status
        self.content_type = content_type
        self.body = body

    def __repr__(self) -> str:
        return "Response(%d, %r, %d bytes)" % (self.status, self.content_type, len(self.body))


class InferenceContext:
    """What a script's function gets as `context`."""

    def __init__(self, code_dir: str, model_dir: str) -> None:
        self.code_dir = code_dir
        self.model_dir = model_dir
        self.system_properties = {"model_dir": model_dir}  # SageMaker's spelling


# ---------------------------------------------------------------------------------------------- payloads


def decode(body: bytes, content_type: str) -> "Any":
    """The data in a payload; UnsupportedContentType or BadRequest when it cannot be had."""
    kind, charset = _media_type(content_type)
    if kind == BYTES:
        return body
    if kind == NPY:
        return _decode_npy(body)
    if kind not in (JSON, CSV, TEXT):
        known = ", ".join(CONTENT_TYPES)
        raise UnsupportedContentType("content type %s is not known; known are %s" % (content_type, known))
    try:
        text = body.decode(charset)
        return json.loads(text) if kind == JSON else _decode_csv(text) if kind == CSV else text
    except (ValueError, LookupError, RecursionError) as fault:
        raise BadRequest("the payload is not %s: %s" % (kind, fault)) from fault


def encode(data: "Any", accept: str) -> "Tuple[bytes, str]":
    """The payload of data and its content type: of the forms that data can take, the one most wanted.

    `accept` is an Accept header or one content type; NotAcceptable when no form fits.
    """
    reasons = []
    for kind in accepted(accept):
        if kind == "*/*":
            kind = BYTES if isinstance(data, (bytes, bytearray)) else JSON
        encoder = _ENCODERS.get(kind)
        try:
            if encoder:
                return encoder(data), kind
        except NotAcceptable as fault:
            reasons.append(str(fault))
    known = "; ".join(reasons) or "known are %s" % ", ".join(CONTENT_TYPES)
    raise NotAcceptable("the answer cannot be given as %s: %s" % (accept, known))


def accepted(accept: str) -> "List[str]":
    """The content types of an Accept header, the most wanted first; `*/*` for "anything"."""
    wanted = []
    for place, item in enumerate((accept or "*/*").split(",")):
        name, _, parameters = item.partition(";")
        weight = 1.0
        for parameter in parameters.split(";"):
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                weight = _number(value.strip(), 0.0)
        if weight > 0:
            wanted.append((-weight, place, _expand(name.strip().lower())))
    return [kind for _, _, kinds in sorted(wanted) for kind in kinds]


def _expand(name: str) -> "List[str]":
    if name in ("", "*", "*/*"):
        return ["*/*"]
    if name.endswith("/*"):
        return [kind for kind in CONTENT_TYPES if kind.startswith(name[:-1])]
    return [_alias(name)]


def _alias(kind: str) -> str:
    return JSON if kind.endswith("+json") else kind


def _media_type(content_type: str) -> "Tuple[str, str]":
    kind, _, parameters = (content_type or JSON).partition(";")
    charset = "utf-8"
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            charset = value.strip().strip('"')
    return _alias(kind.strip().lower()), charset


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default


def _decode_csv(text: str) -> "List[List[Any]]":
    import csv
    import io

    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [[_cell(cell) for cell in row] for row in rows if row]
    except csv.Error as fault:
        raise ValueError(str(fault)) from fault


def _cell(text: str) -> "Any":
    for convert in () if "_" in text else (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _decode_npy(body: bytes) -> "Any":
    import io

    try:
        import numpy
    except ImportError:
        raise UnsupportedContentType("content type %s needs numpy, which is not installed here" % NPY) from None
    try:
        return numpy.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, OSError, EOFError) as fault:
        raise BadRequest("the payload is not %s: %s" % (NPY, fault)) from fault


def _plain(data: "Any") -> "Any":
    """Arrays, scalars and tensors as what JSON knows; used by `json` for what it does not know itself."""
    for name in ("tolist", "item"):
        if hasattr(data, name):
            tensor = data.detach() if hasattr(data, "detach") else data
            return getattr(tensor, name)()
    if hasattr(data, "to_dict"):
        return data.to_dict("list") if hasattr(data, "columns") else data.to_dict()
    if isinstance(data, (set, frozenset)):
        return sorted(data)
    raise TypeError("a value of type %s is not JSON; convert it in output_fn" % type(data).__name__)


def _encode_json(data: "Any") -> bytes:
    return json.dumps(data, default=_plain).encode("utf-8")


def _encode_csv(data: "Any") -> bytes:
    import csv
    import io

    rows = _listed(data)
    rows = [_listed(row) for row in (rows if isinstance(rows, list) else [rows])]
    rows = [row if isinstance(row, list) else [row] for row in rows]
    if not all(isinstance(cell, (str, int, float)) for row in rows for cell in row):
        raise NotAcceptable("only rows of numbers and text are %s" % CSV)
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode("utf-8")


def _listed(data: "Any") -> "Any":
    """Arrays, tables and tuples as lists, NumPy's scalars as Python's."""
    data = data.to_numpy() if hasattr(data, "to_numpy") else data
    data = _plain(data) if hasattr(data, "tolist") else data
    return list(data) if isinstance(data, tuple) else data


def _encode_npy(data: "Any") -> bytes:
    import io

    try:
        import numpy
    except ImportError:
        raise NotAcceptable("%s needs numpy, which is not installed here" % NPY) from None
    file = io.BytesIO()
    try:
        array = numpy.asarray(data.detach().cpu() if hasattr(data, "detach") else data)
        numpy.save(file, array, allow_pickle=False)
    except ValueError as fault:
        raise NotAcceptable("not an array of numbers: %s" % fault) from fault
    return file.getvalue()


def _encode_bytes(data: "Any") -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise NotAcceptable("a prediction of type %s is not bytes" % type(data).__name__)
    return bytes(data)


def _encode_text(data: "Any") -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else _encode_json(data)


_ENCODERS: "Dict[str, Callable[[Any], bytes]]" = {
    JSON: _encode_json,
    CSV: _encode_csv,
    NPY: _encode_npy,
    BYTES: _encode_bytes,
    TEXT: _encode_text,
}


# ---------------------------------------------------------------------------------------------- modules

_lock = threading.RLock()
_numbers = itertools.count(1)


_KEPT = {
    "anyfit",
    "anyfit_inference",
    "__main__",
}  # never hidden from a script, whatever its files are called


class _Home:
    """The import world of one code directory.

    Its modules keep their plain names, because pickles refer to classes by them, but are in `sys.modules`
    only while this home is the active one; so two code directories may both have a `helper.py`. A home
    becomes active when it is loaded and whenever code of its directory imports something.
    """

    active: "Optional[_Home]" = None

    def __init__(self, code_dir: str) -> None:
        self.code_dir = os.path.join(code_dir, "")
        self.paths = [code_dir]
        self.modules: "Dict[str, ModuleType]" = {}
        self.hidden: "Dict[str, ModuleType]" = {}
        self.builtins = dict(vars(importlib.import_module("builtins")), __import__=self._import)

    def _import(self, *arguments: "Any", **options: "Any") -> "Any":
        with _lock:
            self.activate()
            return __import__(*arguments, **options)

    def activate(self) -> None:
        """Put this home's modules and paths in, and those of another out."""
        if _Home.active is self:
            return
        if _Home.active:
            _Home.active._deactivate()
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
        sys.path[:0] = self.paths
        tops = {name.partition(".")[0] for name in os.listdir(self.code_dir)} - _KEPT
        self.hidden = {
            name: module
            for name, module in sys.modules.items()
            if name.partition(".")[0] in tops and self._hides(module)
        }
        for name in self.hidden:
            del sys.modules[name]
        sys.modules.update(self.modules)
        importlib.invalidate_caches()
        _Home.active = self

    def _deactivate(self) -> None:
        self.modules = {name: module for name, module in sys.modules.items() if self.owns(module)}
        for name in self.modules:
            del sys.modules[name]
        sys.modules.update(self.hidden)
        added = [path for path in sys.path if self.contains(os.path.join(path, ""))]
        self.paths = added or self.paths
        sys.path[:] = [path for path in sys.path if path not in added]
        _Home.active = None

    def owns(self, module: "ModuleType") -> bool:
        """Whether a module came out of this code directory."""
        place = getattr(module, "__file__", None)
        if place is None:
            place = next(iter(getattr(module, "__path__", None) or ()), None)
        return isinstance(place, str) and self.contains(place) and module is not sys.modules[__name__]

    def contains(self, path: str) -> bool:
        """Whether a path lies in the code directory."""
        return path.startswith(self.code_dir)

    def _hides(self, module: "ModuleType") -> bool:
        """Whether a module that somebody else loaded stands before this directory's one of the same name."""
        place = getattr(module, "__file__", None) or ""
        installed = "site-packages" in place or "dist-packages" in place
        standard = not place or (place.startswith(os.path.dirname(os.__file__)) and not installed)
        return not standard and not self.owns(module)

    def execute(self, path: str) -> "ModuleType":
        """Run a file of this directory as a module of a name that no other has."""
        name = "_anyfit_inference_%d" % next(_numbers)
        loader = _HomeLoader(name, path, self)
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
        if spec is None:
            raise HandlerError("%s is no Python file" % path)
        with _lock:
            self.activate()
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            try:
                loader.exec_module(module)
            except BaseException:
                del sys.modules[name]
                raise
        return module


class _HomeLoader(importlib.machinery.SourceFileLoader):
    """Gives a module the `__import__` of its home."""

    def __init__(self, name: str, path: str, home: _Home) -> None:
        super().__init__(name, path)
        self.home = home

    def exec_module(self, module: "ModuleType") -> None:
        module.__dict__["__builtins__"] = self.home.builtins
        super().exec_module(module)


class _HomeFinder:
    """Finds the modules of the active home; everything else is left to the usual finders."""

    @staticmethod
    def find_spec(name: str, path: "Optional[Sequence[str]]" = None, target: "Any" = None) -> "Any":
        home = _Home.active
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if home else None
        if home is None or spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return None
        if not spec.origin or not home.contains(spec.origin):
            return None
        spec.loader = _HomeLoader(name, spec.origin, home)
        return spec


_finder: "Any" = _HomeFinder()


# ---------------------------------------------------------------------------------------------- models


def load_model(model_dir: str) -> "Any":
    """The model in a directory; FileNotFoundError when there is none, HandlerError when there are several."""
    path = _find_model(model_dir)
    with open(path, "rb") as file:
        return _LOADERS[os.path.splitext(path)[1]](path, file)


def _find_model(model_dir: str) -> str:
    for folder in (model_dir, os.path.join(model_dir, "model")):
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        known = [name for name in names if os.path.splitext(name)[1] in _LOADERS]
        named = ["model" + ending for ending in _LOADERS if "model" + ending in known]
        others = [name for name in known if not name.endswith(".json")]  # those are rarely models
        if not named and len(others) > 1:
            what = "%s holds several models (%s); name one model.*, or write model_fn in inference.py"
            raise HandlerError(what % (folder, ", ".join(others)))
        named = named or others
        if named:
            return os.path.join(folder, named[0])
    what = "no model in %s: looked for %s; write model_fn in inference.py for other kinds"
    raise FileNotFoundError(what % (model_dir, ", ".join("model" + ending for ending in _LOADERS)))


def _needed(module: str, path: str) -> "Any":
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        raise HandlerError("%s needs %s, which is not installed here: %s" % (path, module, fault)) from fault


def _load_joblib(path: str, file: "Any") -> "Any":
    return _needed("joblib", path).load(path)


def _load_pickle(path: str, file: "Any") -> "Any":
    import pickle

    if importlib.util.find_spec("joblib"):
        return _load_joblib(path, file)  # reads its own files and plain pickles
    return pickle.load(file)  # noqa: S301 (the model is the user's own)


def _load_torch(path: str, file: "Any") -> "Any":
    torch = _needed("torch", path)
    try:
        model = torch.jit.load(path, map_location="cpu")
    except RuntimeError:  # no TorchScript
        model = torch.load(path, map_location="cpu")
    return model.eval() if hasattr(model, "eval") else model


def _load_json(path: str, file: "Any") -> "Any":
    return json.loads(file.read().decode("utf-8"))


_LOADERS: "Dict[str, Callable[[str, Any], Any]]" = {
    ".joblib": _load_joblib,
    ".pkl": _load_pickle,
    ".pickle": _load_pickle,
    ".pt": _load_torch,
    ".pth": _load_torch,
    ".json": _load_json,
}


# ---------------------------------------------------------------------------------------------- the handler

_PARAMETERS = {
    "pre_model_fn": 1,
    "model_fn": 1,
    "model_warmup_fn": 2,
    "input_fn": 2,
    "predict_fn": 2,
    "output_fn": 2,
    "transform_fn": 4,
}


class Handler:
    """A script's inference functions, or their defaults, over one model.

    `load()` first, once; `handle()` may then be called from several threads, if the script's functions can.
    """

    def __init__(self, code_dir: "Any", model_dir: "Any", module: str = "inference.py") -> None:
        self.code_dir = os.path.realpath(str(code_dir))
        self.model_dir = os.path.abspath(str(model_dir))
        self.module = module
        self.context = InferenceContext(self.code_dir, self.model_dir)
        self.model: "Any" = None
        self._home = _Home(self.code_dir)
        self._functions: "Dict[str, Callable[..., Any]]" = {}

    def load(self) -> None:
        """Import the script and load the model; HandlerError, or what the script raised."""
        with _lock:
            self._functions = self._read_functions()
            user = self._functions
            if "transform_fn" in user and {"input_fn", "predict_fn", "output_fn"} & set(user):
                both = "%s defines transform_fn and also %s: it must be one or the other"
                others = [name for name in ("input_fn", "predict_fn", "output_fn") if name in user]
                raise HandlerError(both % (self.module, ", ".join(others)))
            self._home.activate()
            self._call("pre_model_fn", _nothing, self.model_dir)
            self.model = self._call("model_fn", self._default_model, self.model_dir)
            self._call("model_warmup_fn", _nothing, self.model_dir, self.model)

    def handle(self, body: bytes, content_type: str, accept: str) -> Response:
        """The response to one request; never raises what the script raised."""
        try:
            return self._respond(body, content_type or JSON, accept or "*/*")
        except (Exception, SystemExit) as fault:
            return self._error(fault)

    def _respond(self, body: bytes, content_type: str, accept: str) -> Response:
        wanted = next((kind for kind in accepted(accept) if kind != "*/*"), JSON)
        if "transform_fn" in self._functions:
            result = self._call("transform_fn", _nothing, self.model, body, content_type, wanted)
            return _response(result, wanted, accept)
        data = self._input(body, content_type)
        prediction = self._call("predict_fn", _predict, data, self.model)
        if "output_fn" in self._functions:
            return _response(self._call("output_fn", _nothing, prediction, wanted), wanted, accept)
        return _response(encode(prediction, accept), wanted, accept)

    def _input(self, body: bytes, content_type: str) -> "Any":
        try:
            return self._call("input_fn", decode, body, content_type)
        except BadRequest:
            raise
        except KeyError as fault:
            raise BadRequest("the payload has no %s" % fault) from fault
        except (ValueError, TypeError) as fault:
            raise BadRequest(str(fault)) from fault

    def _default_model(self, model_dir: str) -> "Any":
        try:
            return load_model(model_dir)
        except FileNotFoundError:
            if "predict_fn" in self._functions or "transform_fn" in self._functions:
                return None  # a script that answers without a model is its own affair
            raise

    def _read_functions(self) -> "Dict[str, Callable[..., Any]]":
        path = os.path.join(self.code_dir, self.module)
        if not os.path.exists(path):
            if self.module != "inference.py":
                raise HandlerError("%s is not in %s" % (self.module, self.code_dir))
            return {}
        module = self._home.execute(path)
        found = {}
        for name, count in _PARAMETERS.items():
            function = getattr(module, name, None)
            if callable(function):
                found[name] = self._with_context(function, name, count)
        return found

    def _with_context(self, function: "Callable[..., Any]", name: str, count: int) -> "Callable[..., Any]":
        """The function, given the context as well if it has a parameter for it."""
        import inspect

        parameters = list(inspect.signature(function).parameters.values())
        keyword_only = [item.name for item in parameters if item.kind is item.KEYWORD_ONLY]
        if "context" in keyword_only:
            return lambda *arguments: function(*arguments, context=self.context)
        places = [item for item in parameters if item.kind in (item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD)]
        needed = [item for item in places if item.default is item.empty]
        endless = any(item.kind is item.VAR_POSITIONAL for item in parameters)
        if len(needed) > count + 1 or (len(places) < count and not endless):
            wrong = "%s: %s takes %d parameters; it must take %d, or %d with context"
            raise HandlerError(wrong % (self.module, name, len(places), count, count + 1))
        if len(needed) == count + 1 or [item.name for item in places[count:]] == ["context"]:
            return lambda *arguments: function(*arguments, self.context)
        return function

    def _call(self, name: str, default: "Callable[..., Any]", *arguments: "Any") -> "Any":
        return self._functions.get(name, default)(*arguments)

    def _error(self, fault: BaseException) -> Response:
        status = getattr(fault, "status", 400) if any(map(_is_ours, type(fault).__mro__)) else 500
        if status == 500:
            import traceback

            traceback.print_exception(type(fault), fault, fault.__traceback__)
        error = {"type": type(fault).__name__, "message": str(fault), "where": self._where(fault)}
        return Response(status, JSON, json.dumps({"error": error}).encode("utf-8"))

    def _where(self, fault: BaseException) -> str:
        """The innermost line of the script's own code that had a part in it, or ""."""
        place = ""
        for error in _chain(fault):
            for frame, line in _frames(error):
                path = frame.f_code.co_filename
                if self._home.contains(path):
                    name = os.path.relpath(path, self._home.code_dir)
                    place = "%s:%d in %s" % (name, line, frame.f_code.co_name)
            if place:
                break
        return place


def _is_ours(kind: type) -> bool:
    """Whether this is BadRequest; by name, for a script may import another copy of this file."""
    return kind.__name__ == "BadRequest" and "status" in kind.__dict__


def _chain(fault: BaseException) -> "Iterator[BaseException]":
    error: "Optional[BaseException]" = fault
    while error is not None:
        yield error
        error = error.__cause__


def _frames(error: BaseException) -> "Iterator[Tuple[Any, int]]":
    entry = error.__traceback__
    while entry is not None:
        yield entry.tb_frame, entry.tb_lineno
        entry = entry.tb_next


def _nothing(*arguments: "Any") -> None:
    return None


def _predict(data: "Any", model: "Any") -> "Any":
    if hasattr(model, "predict"):
        return model.predict(data)
    if callable(model):
        return model(data)
    what = "a model of type %s has no predict and cannot be called; write predict_fn in inference.py"
    raise TypeError(what % type(model).__name__)


def _response(result: "Any", wanted: str, accept: str) -> Response:
    """The response of what output_fn or transform_fn returned: a body, or a body and its content type."""
    content_type = ""
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], str):
        result, content_type = result
    if isinstance(result, str):
        return Response(200, content_type or wanted, result.encode("utf-8"))
    if isinstance(result, (bytes, bytearray, memoryview)):
        return Response(200, content_type or wanted, bytes(result))
    body, kind = encode(result, content_type or accept)
    return Response(200, kind, body)


# ---------------------------------------------------------------------------------------------- packages


def described(folder: str) -> "Dict[str, Any]":
    """What is said of the model in a package."""
    with open(os.path.join(folder, "anyfit_model.json"), encoding="utf-8") as file:
        return dict(json.load(file))


def packaged(folder: str, model: "Dict[str, Any]", model_dir: str, backend: str) -> Handler:
    """The handler of a package, not yet loaded, with its code unpacked and its variables set."""
    archive = os.path.join(folder, model.get("code_archive") or "")
    code_dir = unpacked(archive if model.get("code_archive") else "", "anyfit-code-")
    service = set((os.environ.get("ANYFIT_SERVICE_VARIABLES") or "").split(","))  # what it sets for itself stays
    for name, value in (model.get("environment") or {}).items():
        if name not in service:
            os.environ[name] = value
    os.environ.update({"ANYFIT_MODEL_DIR": model_dir, "ANYFIT_CODE_DIR": code_dir, "SM_MODEL_DIR": model_dir})
    os.environ["ANYFIT_JOB_BACKEND"] = backend
    return Handler(code_dir, model_dir, model.get("entry_point") or "inference.py")


def unpacked(archive: str, prefix: str) -> str:
    """A new folder with what an archive holds, with nothing where there is none; it goes with the process."""
    import atexit
    import shutil
    import tarfile
    import tempfile

    folder = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if archive:
        with tarfile.open(archive) as tar:
            for entry in tar:
                if os.path.isabs(entry.name) or ".." in entry.name.split("/") or not (entry.isfile() or entry.isdir()):
                    raise SystemExit("anyfit: %s holds %s, which is refused" % (archive, entry.name))
                tar.extract(entry, folder, set_attrs=False)
    return folder


# ---------------------------------------------------------------------------------------------- HTTP


def serve(handler: Handler, port: int, path: str, pages: "Optional[Dict[str, Any]]" = None) -> None:
    """Answer predictions at a path, and what is asked for with GET by the pages, until SIGTERM."""
    import signal
    import socketserver
    from http.server import HTTPServer

    class Server(socketserver.ThreadingMixIn, HTTPServer):
        """One thread for each connection."""

        daemon_threads = True
        request_queue_size = 128

    server = Server(("0.0.0.0", port), _requests(handler, path, pages or {}))  # noqa: S104 (a gateway comes from outside)
    signal.signal(signal.SIGTERM, _end)  # process 1 of a container would not end by it, and leave its folders to no one
    print("anyfit: serving on port %d" % server.server_address[1], flush=True)
    server.serve_forever()


def _end(number: int, _: "Any") -> None:
    raise SystemExit(128 + number)


def _requests(handler: Handler, path: str, pages: "Dict[str, Any]") -> "Any":
    from http.server import BaseHTTPRequestHandler

    class Request(BaseHTTPRequestHandler):
        """Hands a payload to the handler and its answer back."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            if page is None:
                self._refuse(404, "there is nothing here")
            else:
                self._send(200, JSON, json.dumps(page).encode("utf-8"))

        def do_POST(self) -> None:
            if self.path.partition("?")[0] != path:
                self._refuse(404, "only %s is answered" % path)
                return
            length = self.headers.get("Content-Length")
            if length is None or not length.isdigit():
                self._refuse(411, "the request has no Content-Length")
                return
            body = self.rfile.read(int(length))
            answer = handler.handle(body, self.headers.get("Content-Type", ""), self.headers.get("Accept", ""))
            self._send(answer.status, answer.content_type, answer.body)

        def _refuse(self, status: int, message: str) -> None:
            self.close_connection = True
            error = {"error": {"type": "BadRequest", "message": message, "where": ""}}
            self._send(status, JSON, json.dumps(error).encode("utf-8"))

        def _send(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: "Any") -> None:
            """Say nothing: requests are the platform's to count."""

    return Request


# So that `from anyfit_inference import BadRequest` in a script means this module, whatever its full name.
sys.modules.setdefault("anyfit_inference", sys.modules[__name__])
