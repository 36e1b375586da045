"""The calls of the first generation (reference, section 2.1)."""

from __future__ import annotations

from attrs import frozen

from anyfit_modelarts.emulator.calls import Operation, Route
from anyfit_modelarts.emulator.errors import V1
from anyfit_modelarts.emulator.training.v1 import offers
from anyfit_modelarts.emulator.training.v1.configurations import Configurations
from anyfit_modelarts.emulator.training.v1.desk import Jobs
from anyfit_modelarts.emulator.training.v1.logs import Logs
from anyfit_modelarts.emulator.training.v1.visualization import Visualization

__all__ = ["V1Desks", "routes"]


@frozen
class V1Desks:
    """Who does the work."""

    jobs: Jobs
    logs: Logs
    configurations: Configurations
    visualization: Visualization


def routes(desks: V1Desks) -> list[Route]:
    """The table."""
    jobs, configs, views = desks.jobs, desks.configurations, desks.visualization
    one = "/training-jobs/{job:int}"
    version = f"{one}/versions/{{version:int}}"
    config = "/training-job-configs/{name}"
    view = "/visualization-jobs/{id:int}"
    calls = [
        ("GET", "/job/resource-specs", "ListResourceSpecs", offers.specs),
        ("GET", "/job/ai-engines", "ListEngines", offers.engines),
        ("GET", "/built-in-algorithms", "ListBuiltInAlgorithms", offers.built_in_algorithms),
        ("POST", "/training-jobs", "CreateTrainingJob", jobs.create),
        ("GET", "/training-jobs", "ListTrainingJobs", jobs.all),
        ("PUT", one, "DescribeTrainingJob", jobs.describe),
        ("DELETE", one, "DeleteTrainingJob", jobs.delete),
        ("POST", f"{one}/versions", "CreateTrainingJobVersion", jobs.create_version),
        ("GET", f"{one}/versions", "ListTrainingJobVersions", jobs.versions),
        ("GET", version, "ShowTrainingJobVersion", jobs.version),
        ("POST", f"{version}/stop", "StopTrainingJobVersion", jobs.stop),
        ("DELETE", version, "DeleteTrainingJobVersion", jobs.delete_version),
        ("GET", f"{version}/log/file-names", "ListLogFiles", desks.logs.names),
        ("GET", f"{version}/aom-log", "ShowLog", desks.logs.window),
        ("POST", "/training-job-configs", "CreateConfiguration", configs.create),
        ("GET", "/training-job-configs", "ListConfigurations", configs.all),
        ("GET", config, "ShowConfiguration", configs.detail),
        ("PUT", config, "ChangeConfiguration", configs.change),
        ("DELETE", config, "DeleteConfiguration", configs.delete),
        ("POST", "/visualization-jobs", "CreateVisualizationJob", views.create),
        ("GET", "/visualization-jobs", "ListVisualizationJobs", views.all),
        ("GET", view, "ShowVisualizationJob", views.detail),
        ("PUT", view, "DescribeVisualizationJob", views.describe),
        ("POST", f"{view}/stop", "StopVisualizationJob", views.stop),
        ("POST", f"{view}/restart", "RestartVisualizationJob", views.restart),
        ("DELETE", view, "DeleteVisualizationJob", views.delete),
    ]
    return [(method, f"/v1/{{project}}{path}", Operation(name, do, V1)) for method, path, name, do in calls]
