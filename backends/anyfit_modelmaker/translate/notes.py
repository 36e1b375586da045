"""What becomes of fields that the platform has no exact word for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anyfit.backend import Match, Note
from anyfit.cloud.planning import copied_first
from anyfit_modelmaker.translate.work import Work

__all__ = ["notes_of"]


def notes_of(work: Work) -> Iterator[Note]:
    spec = work.spec
    yield from copied_first(work.original, spec)
    if spec.tags:
        yield Note("tags", Match.NONE, "jobs of ModelMaker have no tags")
    if spec.max_wait is not None:
        yield Note("max_wait", Match.NONE, "a job waits for its machine as long as it takes")
    if spec.environment and work.launched and not spec.image:
        yield Note("environment", Match.NEAR, "set by anyfit's launcher, for frameworks have no variables here")
    if work.options.algorithm and (spec.environment or spec.arguments or spec.metric_definitions):
        yield Note("options.modelmaker.algorithm", Match.NONE, "environment, arguments and metric_definitions are left")
    if spec.image and not work.launched:
        if spec.hyperparameters:
            yield Note("hyperparameters", Match.NEAR, "in the variable ANYFIT_HPS, for the command is your own")
        if spec.inputs:
            where = [f"{n} in /opt/ai/input/{'data' if n == work.main else n}" for n in spec.inputs]
            yield Note("inputs", Match.EXACT, "; ".join(where))
    if any(re.compile(text).groups > 1 for text in spec.metric_definitions.values()):
        yield Note("metric_definitions", Match.NEAR, "ModelMaker takes a second group for the step")
    if spec.checkpoint_path:
        yield Note("checkpoint_path", Match.NEAR, "brought at the start as an input, written when the job ends")
