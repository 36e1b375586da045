"""What a rule's facts mean for this job: its channels, its hyperparameters, its limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from attrs import Factory, frozen

from anyfit.failure.evidence import Evidence, Facts
from anyfit.failure.paths import channel_of, is_elsewhere
from anyfit.failure.tracebacks import Frame

__all__ = ["Better", "Detail"]


@frozen
class Better:
    """What is known better than the rule knows it: a fitter cause, a fitter next command, more facts."""

    cause: str = ""
    next: str = ""
    facts: Facts = Factory(dict)


Detail = Callable[[Evidence, Facts], Better]

_DISTRIBUTIONS: Final[Mapping[str, str]] = {
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "google.protobuf": "protobuf",
    "jwt": "PyJWT",
    "pkg_resources": "setuptools",
    "sentence_transformers": "sentence-transformers",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "torch_geometric": "torch-geometric",
    "umap": "umap-learn",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
"""What to install for a module whose distribution has another name."""

_VARIABLE = re.compile(r"(?:SM|TM|ANYFIT)_(?P<what>CHANNEL|HP)_(?P<name>\w+)")


def package(evidence: Evidence, facts: Facts) -> Better:
    """What pip calls the module."""
    module = facts["module"]
    known = _DISTRIBUTIONS.get(module) or _DISTRIBUTIONS.get(module.partition(".")[0])
    return Better(facts={"package": known or module.partition(".")[0]})


def limit(evidence: Evidence, facts: Facts) -> Better:
    """How long the job was allowed to run."""
    return Better() if evidence.spec else Better(cause="timeout-unknown", next="again")


def at_path(evidence: Evidence, facts: Facts) -> Better:
    """The path, where the exception names one."""
    path = facts.get("path", "")
    return Better(facts={"path": f" ({path})" if path else ""})


def of_size(evidence: Evidence, facts: Facts) -> Better:
    """How much memory was asked for, where the exception says so."""
    size = facts.get("size", "")
    return Better(facts={"size": f" ({size})" if size else ""})


def in_subprocess(evidence: Evidence) -> Facts | None:
    """Was the exception raised while starting another program?"""
    frames = evidence.raised.frames if evidence.raised else ()
    return {} if any(re.search(r"[/\\]subprocess\.py$", frame.file) for frame in frames) else None


def argument(evidence: Evidence, facts: Facts) -> Better:
    """The hyperparameter that sets the first argument concerned."""
    first = re.split(r"[,/ =]", facts["arguments"].strip())[0].strip("-")
    return Better(facts={"name": first or "NAME"})


def variable(evidence: Evidence, facts: Facts) -> Better:
    """Which channel or hyperparameter the variable stands for."""
    match = _VARIABLE.fullmatch(facts["variable"])
    if match is None:
        return Better()
    name = match["name"].lower()
    if match["what"] == "HP":
        return Better("variable-hyperparameter", "set-hyperparameter", {"name": name})
    return Better("variable-channel", "set-input", {"channel": name})


def path(evidence: Evidence, facts: Facts) -> Better:
    """Whether the missing path lies under one of the job's channels, and what else can be wrong with it."""
    where = facts["path"]
    facts = {"path": where}
    if "://" in where or re.match(r"(?:obs|cos|s3|gs|hdfs):/", where):
        return Better("path-uri", facts=facts)
    if name := channel_of(evidence, where):
        return _in_channel(evidence, name, facts)
    if is_elsewhere(evidence, where):
        return Better("path-own-machine", facts=facts)
    return Better("path-absolute" if where.startswith("/") else "path-relative", facts=facts)


def _in_channel(evidence: Evidence, name: str, facts: Facts) -> Better:
    channel = evidence.spec.inputs.get(name) if evidence.spec else None
    if channel is None:
        return Better("path-no-channel", "set-input", {**facts, "channel": name})
    return Better("path-in-channel", facts={**facts, "channel": name, "uri": channel.uri})


def innermost(evidence: Evidence, facts: Facts) -> Better:
    """The very line that Python could not read, be it the user's or a library's."""
    frame = evidence.raised.innermost if evidence.raised else Frame()
    return Better(facts={"file": code_path(frame.file), "line": frame.line})


def nowhere(evidence: Evidence, facts: Facts) -> Better:
    """Another sentence for an exception without a place."""
    return Better() if evidence.raised and evidence.raised.frames else Better("exception-nowhere")


def code_path(file: str) -> str:
    """The file relative to the code's root, where the launcher's layout shows; else its bare name."""
    return re.split(r"/code/", file)[-1] if "/code/" in file else re.split(r"[/\\]", file)[-1]
