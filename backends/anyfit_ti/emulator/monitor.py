"""What jobs used of their machines, as the monitoring service tells it (reference, section 2.9)."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from anyfit_emulator.running import Sample, read_usage
from anyfit_ti.emulator.desk import MONITOR, Call, QuietDesk, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.jobs.desk import Jobs
from anyfit_ti.emulator.jobs.values import Job
from anyfit_ti.emulator.specs import old_spec
from anyfit_ti.emulator.times import parse

__all__ = ["Monitor"]

NAMESPACE = "qce/tione_sdk_job"
METRICS = ("CpuCoreUsed", "CpuCoreUsedRate", "MemUsage", "MemUsageRate", "GpuCoreUsed", "GpuCoreUsedRate")
_PERIODS = (60, 300)
_MOST_INSTANCES = 50
_MOST_POINTS = 7200
_MIB = 1 << 20


class Monitor(QuietDesk):
    """`GetMonitorData`: CPU and memory of all hosts of a job together; of GPUs nothing is known here."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def tables(self) -> Tables:
        """What it answers."""
        return {MONITOR: {"GetMonitorData": self.get}}

    def get(self, call: Call) -> dict[str, Any]:
        """Points by period."""
        fields = call.fields
        if fields.text("Namespace", required=True).lower() != NAMESPACE:
            raise fields.bad("Namespace", f"must be {NAMESPACE}")
        metric = fields.text("MetricName", required=True, one_of=METRICS)
        period = fields.integer("Period", 300)
        if period not in _PERIODS:
            raise fields.bad("Period", f"must be one of {_PERIODS}")
        now = time.time()
        start, end = _moment(fields, "StartTime", now - now % 86400), _moment(fields, "EndTime", now)
        if (end - start) / period > _MOST_POINTS:
            raise ApiError("LimitExceeded", f"There are more than {_MOST_POINTS} points between these times.")
        instances = fields.parts("Instances", required=True)
        if len(instances) > _MOST_INSTANCES:
            raise ApiError("LimitExceeded", f"No more than {_MOST_INSTANCES} instances can be asked for.")
        return {
            "Period": period,
            "MetricName": metric,
            "StartTime": fields.text("StartTime"),
            "EndTime": fields.text("EndTime"),
            "Msg": "",
            "DataPoints": [self._points(one, metric, period, start, end) for one in instances],
        }

    def _points(self, instance: Fields, metric: str, period: int, start: float, end: float) -> dict[str, Any]:
        dimensions = instance.parts("Dimensions", required=True)
        names = {one.text("Name"): one.text("Value") for one in dimensions}
        job = self._jobs.by_instance(names.get("JobId", ""))
        groups: dict[int, list[float]] = defaultdict(list)
        if job and not metric.startswith("Gpu"):
            for at, value in self._values(job, metric):
                if start <= at <= end:
                    groups[int(at // period) * period].append(value)
        moments = sorted(groups)
        return {
            "Dimensions": [{"Name": name, "Value": value} for name, value in names.items()],
            "Timestamps": [float(moment) for moment in moments],
            "Values": [round(sum(groups[moment]) / len(groups[moment]), 4) for moment in moments],
            "MaxValues": [max(groups[moment]) for moment in moments],
            "MinValues": [min(groups[moment]) for moment in moments],
            "AvgValues": [round(sum(groups[moment]) / len(groups[moment]), 4) for moment in moments],
        }

    def _values(self, job: Job, metric: str) -> list[tuple[float, float]]:
        spec = old_spec(job.config["ResourceConfig"]["InstanceType"])
        cores, memory = (spec.cores, spec.memory) if spec else (1, 1)

        def value(sample: Sample) -> float:
            used = sample.cpu_percent / 100 if metric.startswith("Cpu") else sample.memory_bytes / _MIB
            whole = cores if metric.startswith("Cpu") else memory * 1024
            return round(min(100.0, 100 * used / whole) if metric.endswith("Rate") else used, 4)

        samples = [sample for path in self._jobs.usage_of(job) for sample in read_usage(path)]
        return [(sample.time_ns / 1e9, value(sample)) for sample in samples]


def _moment(fields: Fields, name: str, default: float) -> float:
    text = fields.text(name)
    try:
        return parse(text) if text else default
    except ValueError:
        raise fields.bad(name, f"is no time: {text}") from None
