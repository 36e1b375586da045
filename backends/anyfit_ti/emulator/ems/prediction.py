"""Batch predictions of TI-EMS: a configuration's model is asked for every row of files in COS.

The reference tells formats no closer than "JSON". Here an input file is a JSON list, an object with `instances`, or one
JSON value on each line, and its output file, of the same name, is `{"predictions": [...]}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from anyfit_emulator.moving import Cancelled, download, upload
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.ems.values import read_uri
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.serving.asking import json_request
from anyfit_ti.emulator.serving.workload import Workload

__all__ = ["Failed", "predict"]


class Failed(Exception):
    """A job cannot go on; the message says why."""


def predict(
    order: dict[str, Any], workload: Workload, store: ObjectStore, folder: Path, cancelled: Callable[[], bool]
) -> None:
    """Do what an order says.

    Args:
        order: The job's `PredictInput`.
        workload: Its workers, which are ready.
        folder: For files on their way.

    Raises:
        Failed: The model does not answer as it should.
        NotServing: It does not answer.
        Missing: There is nothing to predict, or no place for the result.
        ValueError: The input is no JSON.
        Cancelled: `cancelled` said so.
    """
    asked = Fields(order)
    inputs, outputs = folder / "input", folder / "output"
    inputs.mkdir(parents=True)
    source = read_uri(asked, "InputPath").uri.rstrip("/")
    download(store, source, inputs, cancelled)
    for file in sorted(path for path in inputs.rglob("*") if path.is_file()):
        target = outputs / file.relative_to(inputs)
        target.parent.mkdir(parents=True, exist_ok=True)
        predictions = list(_answers(_rows(file), asked, workload, cancelled))
        target.write_text(json.dumps({"predictions": predictions}, ensure_ascii=False))
    upload(store, outputs, read_uri(asked, "OutputPath").uri)


def _answers(rows: list[Any], asked: Fields, workload: Workload, cancelled: Callable[[], bool]) -> Iterator[Any]:
    size = asked.integer("BatchSize", 64)
    signature = asked.text("SignatureName")
    for first in range(0, len(rows), size):
        if cancelled():
            raise Cancelled
        document: dict[str, Any] = {"instances": rows[first : first + size]}
        if signature:
            document["signature_name"] = signature
        response = workload.forward(json_request(document), "/v1/models/m:predict")
        content = response.body if isinstance(response.body, bytes) else b""
        if response.status != 200:
            raise Failed(f"the model answered {response.status}: {content[:200].decode('utf-8', 'replace')}")
        try:
            yield from json.loads(content)["predictions"]
        except (KeyError, TypeError):
            raise Failed("the model's answer has no predictions") from None


def _rows(file: Path) -> list[Any]:
    """The rows of an input file.

    Raises:
        ValueError: It is no JSON.
    """
    text = file.read_text()
    try:
        whole = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(whole, dict) and isinstance(whole.get("instances"), list):
        whole = whole["instances"]
    return whole if isinstance(whole, list) else [whole]
