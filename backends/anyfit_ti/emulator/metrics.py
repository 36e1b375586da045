"""What training scripts tell of their progress (reference, section 3.7)."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from anyfit_ti.emulator.desk import TIONE_2021, Call, QuietDesk, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.tasks.register import Register

__all__ = ["Metrics"]

_MOST_POINTS = 10
_AXES = {"TIMESTAMP": "Timestamp", "EPOCH": "Epoch", "STEP": "Step"}


class Metrics(QuietDesk):
    """Takes points and gives them back; they lie in a file beside the task."""

    def __init__(self, tasks: Register) -> None:
        self._tasks = tasks
        self._lock = threading.Lock()

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "PushTrainingMetrics": self.push,
                "DescribeTrainingMetrics": self.describe,
                "DescribeLatestTrainingMetrics": self.describe_latest,
            }
        }

    def push(self, call: Call) -> dict[str, Any]:
        """`PushTrainingMetrics`."""
        rows = [(self._file(one, "TaskId"), _read(one)) for one in call.fields.parts("Data", required=True)]
        with self._lock:
            for file, row in rows:
                with file.open("a") as stream:
                    stream.write(json.dumps(row) + "\n")
        return {}

    def describe(self, call: Call) -> dict[str, Any]:
        """`DescribeTrainingMetrics`: every series, over each axis that it was told for."""
        rows = self._rows(call.fields)
        data = []
        for name in _names(rows):
            metrics = []
            for kind, axis in _AXES.items():
                points = [
                    {"XValue": float(row[axis]), "YValue": row["Points"][name]}
                    for row in rows
                    if name in row["Points"] and row[axis] is not None
                ]
                metrics += [{"XType": kind, "Points": points}] if points else []
            data.append({"MetricName": name, "Metrics": metrics})
        return {"TaskId": call.fields.text("TaskId"), "Data": data}

    def describe_latest(self, call: Call) -> dict[str, Any]:
        """`DescribeLatestTrainingMetrics`: the last point of every series."""
        rows = self._rows(call.fields)
        found = []
        for name in _names(rows):
            row = [one for one in rows if name in one["Points"]][-1]
            told = {"Values": row["Points"][name], "Epochs": row["Epoch"], "Steps": row["Step"]}
            told["TotalSteps"] = row["TotalSteps"]
            lists = {
                key: [] if value is None else [{"Timestamp": row["Timestamp"], "Value": float(value)}]
                for key, value in told.items()
            }
            found.append({"MetricName": name, **lists})
        return {"TaskId": call.fields.text("TaskId"), "Metrics": found}

    def _file(self, fields: Fields, name: str) -> Path:
        identifier = fields.text(name, required=True)
        found = self._tasks.find(identifier)
        if found is None:
            raise ApiError("ResourceNotFound", f"There is no task {identifier}.")
        return self._tasks.place_of(found[0]) / "metrics.jsonl"

    def _rows(self, fields: Fields) -> list[dict[str, Any]]:
        file = self._file(fields, "TaskId")
        with self._lock:
            text = file.read_text() if file.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


def _read(fields: Fields) -> dict[str, Any]:
    points = fields.parts("Points", required=True)
    if len(points) > _MOST_POINTS:
        raise fields.bad("Points", f"must hold no more than {_MOST_POINTS}", "InvalidParameterValue.LimitExceeded")
    known = {name: fields.integer(name) if fields.has(name) else None for name in ("Epoch", "Step", "TotalSteps")}
    return {
        "Timestamp": fields.integer("Timestamp", int(time.time())),
        **known,
        "Points": {one.text("Name", required=True): one.number("Value", required=True) for one in points},
    }


def _names(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row["Points"]))
