"""The request bodies of the three kinds of jobs."""

from __future__ import annotations

import json
import shlex
from typing import Any

from anyfit.backend import Note
from anyfit.catalog import find_preset
from anyfit.images import find_image
from anyfit.secret import markers
from anyfit.spec import JobSpec
from anyfit_modelmaker.bundle import LAUNCHER
from anyfit_modelmaker.translate.work import CHECKPOINTS, Work, folder_of
from anyfit_modelmaker.wire import pairs

__all__ = ["basic_members", "common_members", "custom_members", "preset_members"]


def common_members(work: Work, machine: dict[str, Any], output: str) -> dict[str, Any]:
    spec = work.spec
    return {
        "name": spec.name,
        **machine,
        "instance": spec.instance_count,
        "volumeSize": spec.volume_size or 1,
        "maxRuntime": spec.max_run,
        "description": spec.description or None,
        "output": output,
    }


def basic_members(work: Work, code_uri: str) -> tuple[dict[str, Any], Note | None]:
    spec = work.spec
    wanted = (spec.framework, spec.framework_version, spec.py_version)
    default = work.settings.default_framework
    image, note = find_image(wanted, work.catalog.frameworks, task="train", default=default)
    data = spec.inputs[work.main].uri if work.main else code_uri  # the platform insists on some data
    return {
        "type": "BASIC_FRAMEWORK",
        "frameworkId": int(image.native),
        "codeUrl": code_uri,
        "codeVersion": work.options.code_version or None,
        "gitInfo": None,
        "startup": LAUNCHER,
        "startupType": work.options.boot_type or "NORMAL",
        "parameters": _parameters(spec),
        "inputFiles": _input_files(work),
        "dataUrl": data,
        "monitors": _monitors(spec),
    }, note


def custom_members(work: Work, code_uri: str | None) -> dict[str, Any]:
    spec = work.spec
    command, args = _command(work)
    return {
        "type": "CUSTOM",
        "mirrorUrl": spec.image,
        "codeUrl": code_uri,
        "codeVersion": work.options.code_version or None,
        "gitInfo": None,
        "envs": pairs({**_variables(work), **markers(spec.secrets)}) or None,
        "command": command,
        "args": args or None,
        "inputFiles": _input_files(work),
        "dataUrl": spec.inputs[work.main].uri if work.main else None,
        "monitors": _monitors(spec),
    }


def preset_members(work: Work) -> dict[str, Any]:
    algorithm = find_preset(work.options.algorithm, work.catalog.algorithms, "options.modelmaker.algorithm")
    model = work.options.init_model or None
    return {
        "type": "PRESET_ALGORITHM",
        "algorithmId": int(algorithm.native),
        "parameters": _parameters(work.spec),
        "modeUrl": model,  # as the vendor's SDK spells it
        "modelUrl": model,  # as the vendor's schema does
        "dataUrl": work.spec.inputs[work.main].uri,
    }


def _command(work: Work) -> tuple[str | None, str]:
    """What the container starts; None leaves it to the image."""
    if work.launched:
        return work.settings.python, f"-u /opt/ai/src/{LAUNCHER}"
    spec = work.spec
    if not spec.command:
        return None, shlex.join(spec.arguments)
    return spec.command[0], shlex.join([*spec.command[1:], *spec.arguments])


def _variables(work: Work) -> dict[str, str]:
    """A command of the user's own gets its hyperparameters as a variable; the launcher sees to it by itself."""
    spec = work.spec
    if work.launched or not spec.hyperparameters:
        return dict(spec.environment)
    return {"ANYFIT_HPS": json.dumps(dict(spec.hyperparameters), sort_keys=True), **spec.environment}


def _parameters(spec: JobSpec) -> list[dict[str, str]]:
    return pairs({name: _text(value) for name, value in spec.hyperparameters.items()})


def _text(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list, tuple)) else str(value)


def _monitors(spec: JobSpec) -> list[dict[str, str]] | None:
    found = [{"name": name, "regular": _loose(text), "sample": ""} for name, text in spec.metric_definitions.items()]
    return found or None


def _loose(pattern: str) -> str:
    """The expression so that it fits whether the platform searches in a line or matches the whole of it."""
    return pattern if pattern.startswith((".*", "^", "(?")) else f".*?(?:{pattern}).*"


def _input_files(work: Work) -> list[dict[str, str]] | None:
    spec = work.spec
    files = {name: channel.uri for name, channel in spec.inputs.items() if name != work.main}
    files |= work.options.input_files
    if spec.checkpoint_path:
        files[CHECKPOINTS] = folder_of(spec.checkpoint_path)
    return [{"name": name, "path": uri} for name, uri in files.items()] or None
