"""The calls of the second generation (reference, section 3.1)."""

from __future__ import annotations

from attrs import frozen

from anyfit_modelarts.emulator.calls import Operation, Route
from anyfit_modelarts.emulator.errors import V2
from anyfit_modelarts.emulator.training.v2 import offers
from anyfit_modelarts.emulator.training.v2.algorithms import Algorithms
from anyfit_modelarts.emulator.training.v2.desk import TrainingJobs
from anyfit_modelarts.emulator.training.v2.experiments import Experiments
from anyfit_modelarts.emulator.training.v2.reports import Reports

__all__ = ["V2Desks", "routes"]


@frozen
class V2Desks:
    """Who does the work."""

    jobs: TrainingJobs
    reports: Reports
    algorithms: Algorithms
    experiments: Experiments


def routes(desks: V2Desks) -> list[Route]:
    """The table."""
    jobs, reports, algorithms, experiments = desks.jobs, desks.reports, desks.algorithms, desks.experiments
    job, experiment, tagged = "/training-jobs/{job}", "/training-experiments/{id}", "/modelarts-training-job/{job}/tags"
    calls = [
        ("POST", "/algorithms", "CreateAlgorithm", algorithms.create, 201),
        ("GET", "/algorithms", "ListAlgorithms", algorithms.all, 200),
        ("GET", "/algorithms/{id}", "ShowAlgorithm", algorithms.detail, 200),
        ("PUT", "/algorithms/{id}", "ChangeAlgorithm", algorithms.change, 201),
        ("DELETE", "/algorithms/{id}", "DeleteAlgorithm", algorithms.delete, 202),
        ("GET", "/search-algorithms", "ListSearchAlgorithms", offers.search_algorithms, 200),
        ("POST", "/training-jobs/batch-delete", "BatchDeleteJobs", jobs.delete_many, 202),
        ("POST", "/training-jobs", "CreateJob", jobs.create, 201),
        ("POST", "/training-job-searches", "ListJobs", jobs.search, 200),
        ("GET", job, "ShowJob", jobs.detail, 200),
        ("PUT", job, "ChangeJob", jobs.change, 200),
        ("DELETE", job, "DeleteJob", jobs.delete, 202),
        ("POST", f"{job}/actions", "StopJob", jobs.act, 202),
        ("GET", f"{job}/tasks/{{task}}/logs/preview", "ShowLogPreview", reports.preview, 200),
        ("GET", f"{job}/tasks/{{task}}/logs/url", "ShowLogUrl", reports.link, 200),
        ("GET", f"{job}/logs/{{task}}", "ListLogLines", reports.lines, 200),
        ("GET", f"{job}/metrics/{{task}}", "ShowMetrics", reports.metrics, 200),
        ("GET", f"{job}/tasks", "ListTasks", reports.tasks, 200),
        ("GET", f"{job}/stages", "ListStages", reports.stages, 200),
        ("GET", f"{job}/events", "ListEvents", reports.events, 200),
        ("GET", "/training-job-names", "CheckJobName", jobs.check_name, 200),
        ("GET", "/training-job-flavors", "ListFlavors", offers.flavors, 200),
        ("GET", "/training-job-engines", "ListJobEngines", offers.engines, 200),
        ("GET", "/training-quotas", "ShowQuotas", jobs.quotas, 200),
        ("POST", "/training-experiments", "CreateExperiment", experiments.create, 201),
        ("GET", "/training-experiments", "ListExperiments", experiments.all, 200),
        ("GET", "/training-experiment-names", "CheckExperimentName", experiments.check_name, 200),
        ("GET", experiment, "ShowExperiment", experiments.detail, 200),
        ("PUT", experiment, "ChangeExperiment", experiments.change, 200),
        ("DELETE", experiment, "DeleteExperiment", experiments.delete, 202),
        ("GET", "/modelarts-training-job/tags", "ListAllTags", reports.all_tags, 200),
        ("GET", tagged, "ListTags", reports.tags, 200),
        ("POST", f"{tagged}/create", "CreateTags", reports.add_tags, 204),
        ("DELETE", f"{tagged}/delete", "DeleteTags", reports.remove_tags, 204),
    ]
    return [
        (method, f"/v2/{{project}}{path}", Operation(name, do, V2, status)) for method, path, name, do, status in calls
    ]
