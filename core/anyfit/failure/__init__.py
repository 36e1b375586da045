"""Why did the job fail? One report, the same on every backend.

    report = diagnose(job="mnist", state=state, tail=last_lines, log="/path/of/the/log", spec=spec)
    print(report.kind, report)

The way of the data: `evidence` is gathered from the state and the log, the tables of `rules` are asked in order
what it means, `details` relate it to the job that was asked for, `causes`, `labels` and `commands` say it, and a
`report` holds it.
"""

from anyfit.failure.diagnosis import diagnose
from anyfit.failure.kinds import FailureKind
from anyfit.failure.language import Language, pick_language
from anyfit.failure.nodes import failing_node
from anyfit.failure.report import FailureReport

__all__ = ["FailureKind", "FailureReport", "Language", "diagnose", "failing_node", "pick_language"]
