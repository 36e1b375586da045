"""Job files: TOML with the fields of an `Estimator`, and with what `fit` and `deploy` take besides.

    entry_point = "train.py"
    source_dir = "src"                    # relative paths begin at the job file's folder

    [hyperparameters]
    epochs = 3

    [inputs]
    train = "data/train"

    [deploy]                              # arguments of Estimator.deploy
    initial_instance_count = 2

Any key can be overridden by text such as `hyperparameters.epochs=5`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import attrs
from attrs import field, frozen

from anyfit.errors import SpecError, nearest
from anyfit.options.declared import raise_faults, unknown
from anyfit.options.kinds import alternatives, convert, is_list, is_table
from anyfit.pathtext import PathText

if TYPE_CHECKING:
    from anyfit.estimator import Estimator
    from anyfit.job import Job

__all__ = ["JobFile", "job_again", "load_job_file"]

_NAME = "job.toml"
_CONFIG = "anyfit.toml"
_PATHS = ("output_path", "checkpoint_path")
_GIT_OVER_SSH = re.compile(r"[\w.-]+@[\w.-]+:")

KeyPath = tuple[str, ...]


@frozen(kw_only=True)
class JobFile:
    """A job as a file and the command line describe it.

    Attributes:
        label: How messages name the file, or "".
        data: The file's keys, checked, with every path as it is seen from here.
        lines: Where a key stands in the file.
        overridden: Keys that did not come from the file.
        script: The script that is the job where there is no file, or "".
    """

    label: str
    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int] = field(factory=dict, repr=False)
    overridden: frozenset[KeyPath] = frozenset()
    script: str = ""

    @property
    def inputs(self) -> str | Mapping[str, str] | None:
        """Channels, as `fit` takes them."""
        found: str | Mapping[str, str] | None = self.data.get("inputs")
        return found

    @property
    def deploy(self) -> Mapping[str, Any]:
        """Arguments of `Estimator.deploy`."""
        found: Mapping[str, Any] = self.data.get("deploy", {})
        return found

    @property
    def job_name(self) -> str | None:
        """The name that the job is to have."""
        return self.data.get("job_name") or None

    def overriding(self, texts: Sequence[str]) -> JobFile:
        """The same with some keys changed, each as in `hyperparameters.lr=0.1`; paths in them begin here.

        A value is read as TOML; what is not TOML, or has to be text, is taken as text.
        """
        changed = self
        for text in texts:
            changed = changed._overriding(text)
        return changed

    def estimator(
        self, *, backend: str | None = None, profile: str | None = None, arguments: Sequence[str] = ()
    ) -> Estimator:
        """The estimator that the file describes.

        Args:
            backend: Instead of the file's.
            profile: Instead of the file's; "" for none.
            arguments: Instead of the file's, unless empty.

        Raises `SpecError` with every fault, and with the line of each.
        """
        from anyfit.estimator import Estimator
        from anyfit.validate import estimator_faults

        given = {"backend": backend or None, "profile": profile, "arguments": tuple(arguments) or None}
        fields = {name: self.data[name] for name in _field_kinds() if name in self.data}
        estimator = Estimator(**fields | {name: value for name, value in given.items() if value is not None})
        faults = [(f"{self._place(text)}{text}", hint) for text, hint in estimator_faults(estimator)]
        if len(faults) == 1:
            raise SpecError(faults[0][0], hint=faults[0][1])
        raise_faults([f"{text} ({hint})" if hint else text for text, hint in faults], SpecError)
        return estimator

    def _place(self, fault: str) -> str:
        """What has to stand before a fault that begins with a dotted name."""
        path = tuple(re.split(r"[.\[]", fault.partition(":")[0]))
        if any(path[:end] in self.overridden for end in range(1, len(path) + 1)):
            return "--set "
        for end in range(len(path), 0, -1):
            if line := self.lines.get(path[:end]):
                return f"{self.label}:{line}: "
        return f"{self.label}: " if self.label else ""

    def _overriding(self, text: str) -> JobFile:
        path, value = _split(text)
        kind = _kind_at(path)
        faults: list[str] = []
        value = convert(kind, _read(kind, value), f"--set {'.'.join(path)}", faults)
        raise_faults(faults, SpecError, hint=_as_toml(kind, ".".join(path)))
        data = copy.deepcopy(dict(self.data))
        _put(data, path, value)
        if path == ("source_dir",) and self.script:
            data["entry_point"] = _within(self.script, value)
        return attrs.evolve(self, data=data, overridden=self.overridden | {path})


def load_job_file(path: str | Path) -> JobFile:
    """Read a job file, the `job.toml` of a folder, or take a script as the job that runs it.

    Raises `SpecError` with file and line for malformed TOML, unknown keys and values of a wrong type.
    """
    path = _found(Path(path))
    if path.name == _CONFIG:
        raise SpecError(f"{path} is the configuration, and no job file", hint="anyfit init writes a job file")
    if path.suffix != ".toml":
        return JobFile(label="", data={"entry_point": str(path)}, script=str(path))
    from anyfit.config.toml import decode, key_lines, parse_toml

    label = str(path)
    text = decode(_bytes(path), label, error=SpecError)
    data = parse_toml(text, label, error=SpecError)
    file = JobFile(label=label, data=data, lines=key_lines(text))
    return attrs.evolve(file, data=_resolved(_checked(file), str(path.parent)))


def job_again(job: Job) -> JobFile:
    """What a job was submitted with."""
    from anyfit.estimator import Estimator

    estimator = Estimator.of_job(job)
    data = {name: copy.deepcopy(getattr(estimator, name)) for name in _field_kinds()}
    inputs = {name: channel.uri for name, channel in job.spec.inputs.items()}
    return JobFile(label="", data=data | ({"inputs": inputs} if inputs else {}))


# What may stand in a job file


@cache
def _field_kinds() -> dict[str, Any]:
    """The type of every field of an estimator."""
    from anyfit.estimator import Estimator

    hints = get_type_hints(Estimator, localns={"Session": object})
    return {a.name: hints[a.name] for a in attrs.fields(Estimator) if a.init}


@cache
def _deploy_kinds() -> dict[str, Any]:
    """The type of every argument of `Estimator.deploy`."""
    from anyfit.estimator import Estimator

    hints = get_type_hints(Estimator.deploy, localns={"Predictor": object})
    kinds = {name: str if kind == PathText else kind for name, kind in hints.items()}
    return {name: kind for name, kind in kinds.items() if name not in ("return", "wait")}


def _kinds() -> dict[str, Any]:
    return _field_kinds() | {"inputs": str | Mapping[str, str], "deploy": Mapping[str, Any], "job_name": str}


def _checked(file: JobFile) -> dict[str, Any]:
    faults: list[str] = []
    data = _checked_table(file, (), file.data, _kinds(), faults)
    if isinstance(data.get("deploy"), Mapping):
        data["deploy"] = _checked_table(file, ("deploy",), data["deploy"], _deploy_kinds(), faults)
    raise_faults(faults, SpecError, hint=_hint(faults))
    return data


def _checked_table(
    file: JobFile, prefix: KeyPath, table: Mapping[str, Any], kinds: Mapping[str, Any], faults: list[str]
) -> dict[str, Any]:
    made = {}
    for key, value in table.items():
        found: list[str] = []
        where = ".".join((*prefix, key))
        if key in kinds:
            made[key] = convert(kinds[key], value, where, found)
        else:
            found.append(unknown(where, key, kinds))
        faults += [f"{file._place(fault)}{fault}" for fault in found]
    return made


def _hint(faults: Sequence[str]) -> str:
    strange = any(": unknown" in fault and "did you mean" not in fault for fault in faults)
    return "what the script is to read stands under [hyperparameters] or [environment]" if strange else ""


def _found(path: Path) -> Path:
    try:
        file = path / _NAME if path.is_dir() else path
        if not file.is_file():
            raise _missing(file)
    except OSError as fault:  # a folder that may not be searched, or a name that no disk takes
        raise _unreadable(path, fault) from fault
    return file


def _missing(path: Path) -> SpecError:
    beside = [p.name for p in path.parent.iterdir() if p.name != _CONFIG] if path.parent.is_dir() else []
    return SpecError(
        f"{path} does not exist",
        hint=nearest(path.name, beside) or "anyfit init writes a job file, and anyfit fit takes a script as well",
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise _unreadable(path, fault) from fault


def _unreadable(path: Path, fault: OSError) -> SpecError:
    return SpecError(f"{path}: cannot be read: {fault.strerror}")


# Paths


def _resolved(data: dict[str, Any], folder: str) -> dict[str, Any]:
    """The data with paths that are relative to `folder` made relative to the working directory."""
    if folder == ".":
        return data
    made = dict(data)
    for name in _PATHS:
        if name in data:
            made[name] = _beside(folder, data[name])
    made |= _resolved_code(data, folder)
    if "secrets" in data:
        made["secrets"] = {name: _secret_beside(folder, where) for name, where in data["secrets"].items()}
    if "dependencies" in data:
        made["dependencies"] = tuple(_beside(folder, text) for text in data["dependencies"])
    if isinstance(inputs := data.get("inputs"), str):
        made["inputs"] = _beside(folder, inputs)
    elif inputs is not None:
        made["inputs"] = {name: _beside(folder, text) for name, text in inputs.items()}
    if "deploy" in data:
        made["deploy"] = {**data["deploy"], **_resolved_code(data["deploy"], folder, alone=False)}
    return made


def _within(script: str, folder: str) -> str:
    """A script as it is called in a folder that holds it; as it is called here where that does not."""
    try:
        return Path(script).resolve().relative_to(Path(folder).expanduser().resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):
        return script


def _secret_beside(folder: str, where: str) -> str:
    kind, _, target = where.partition(":")
    return f"file:{_beside(folder, target)}" if kind == "file" else where


def _resolved_code(data: Mapping[str, Any], folder: str, *, alone: bool = True) -> dict[str, str]:
    """The source folder, or the entry point where that stands `alone`."""
    if data.get("source_dir"):
        return {"source_dir": _beside(folder, data["source_dir"])}
    if alone and data.get("entry_point"):
        return {"entry_point": _beside(folder, data["entry_point"])}
    return {}


def _beside(folder: str, text: str) -> str:
    if not text or text.startswith(("/", "~")) or "://" in text or _GIT_OVER_SSH.match(text):
        return text
    return f"{folder}/{text}"


# Overrides


def _split(text: str) -> tuple[KeyPath, str]:
    """The key and the text of the value of `key=value`; a key may be quoted as in TOML."""
    for end in (index for index, sign in enumerate(text) if sign == "="):
        path = tuple(_keys(f"{text[:end]} = 0"))
        if path:
            return path, text[end + 1 :]
    raise SpecError(f"--set {text}: expected KEY=VALUE", hint="for instance --set hyperparameters.lr=0.1")


def _keys(line: str) -> Iterator[str]:
    data = _toml(line)
    while isinstance(data, dict) and len(data) == 1:
        key, data = next(iter(data.items()))
        yield key


def _toml(text: str) -> Any:
    from anyfit.config.toml import parse_toml

    try:
        return parse_toml(text, "")
    except ValueError:
        return None


def _kind_at(path: KeyPath) -> Any:
    """The type of what a path leads to; `SpecError` when it leads nowhere."""
    kinds: Mapping[str, Any] = _kinds()
    if path[0] == "deploy" and len(path) > 1:
        kinds, rest, before = _deploy_kinds(), path[1:], "deploy."
    else:
        rest, before = path, ""
    if rest[0] not in kinds:
        near = nearest(rest[0], kinds)
        hint = near or ("" if before else "hyperparameters are set with hyperparameters.NAME=VALUE")
        raise SpecError(f"--set {before}{rest[0]}: there is no such field", hint=hint)
    kind = kinds[rest[0]]
    for end, _ in enumerate(rest[1:], 1):
        kind = _item_kind(kind)
        if kind is None:
            raise SpecError(f"--set {before}{'.'.join(rest)}: {before}{'.'.join(rest[:end])} is no table")
    return kind


def _item_kind(kind: Any) -> Any:
    """The type of the values of a table, or None for what is no table."""
    from typing import get_args, get_origin

    if kind is Any:
        return Any
    for each in (kind, *get_args(kind)):
        if get_origin(each) in (dict, Mapping):
            return get_args(each)[1]
    return None


def _read(kind: Any, text: str) -> Any:
    """A value as it stands after `=`: TOML, unless that gives something else where text is wanted."""
    data = _toml(f"value = {text}")
    value = data["value"] if isinstance(data, dict) and len(data) == 1 else text
    if not isinstance(value, (str, bool, int, float, list, dict)):
        return text  # a date is nothing that JSON could say
    wants_text = str in alternatives(kind) and not isinstance(value, dict)
    return text if wants_text and not isinstance(value, str) else value


def _as_toml(kind: Any, name: str) -> str:
    """How a list or a table is written on the command line; "" for everything else."""
    if is_list(kind):
        return f"""write --set '{name}=["a", "b"]'"""
    return f"write --set {name}.NAME=VALUE" if is_table(kind) else ""


def _put(data: dict[str, Any], path: KeyPath, value: Any) -> None:
    for key in path[:-1]:
        inner = data.get(key)
        data[key] = data = dict(inner) if isinstance(inner, Mapping) else {}
    data[path[-1]] = value
