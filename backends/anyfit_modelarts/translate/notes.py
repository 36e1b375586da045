"""What becomes of fields that the platform has no exact word for."""

from __future__ import annotations

from collections.abc import Iterator

from anyfit.backend import Match, Note
from anyfit.cloud.planning import copied_first
from anyfit_modelarts.translate.v2 import hours_of
from anyfit_modelarts.translate.work import Work, name_of

__all__ = ["notes_of"]


def notes_of(work: Work) -> Iterator[Note]:
    """The notes of a plan."""
    yield from _inputs(work)
    yield from _limits(work)
    spec = work.spec
    if spec.tags:
        yield Note("tags", Match.NONE, "left in anyfit's own record of the job")
    if spec.max_wait is not None:
        yield Note("max_wait", Match.NONE, "a job waits for its machine as long as it takes")
    if spec.volume_size is not None:
        yield Note("volume_size", Match.NONE, "the machine's own disk is at /cache; see options.modelarts.volumes")
    if spec.environment and work.api == "v1" and not spec.image:
        yield from _environment_of_v1(work)
    if spec.version > 1:
        yield from _version(work)
    if not work.launched:
        yield from _own_ways(work)
    if work.options.pool_id:
        yield Note("instance_type", Match.NEAR, "a flavor of the dedicated pool; no list tells what it has")


def _inputs(work: Work) -> Iterator[Note]:
    yield from copied_first(work.original, work.spec)
    if work.api == "v1" and work.inputs and work.launched:
        yield Note("inputs", Match.NEAR, "brought by anyfit's launcher: the first generation does not")
    if work.api == "v1" and not work.launched and len(work.inputs) > 1:
        yield Note("inputs", Match.NEAR, "the first is --data_url, the others are parameters named after them")
    if work.spec.checkpoint_path:
        yield Note("checkpoint_path", Match.NEAR, "brought at the start, written every 30 s and when the job ends")


def _limits(work: Work) -> Iterator[Note]:
    if work.launched and work.api == "v1":
        yield Note("max_run", Match.NEAR, "kept by anyfit's launcher, for the first generation knows no limit")
    elif work.launched:
        text = f"kept by anyfit's launcher; the platform's own limit, in whole hours, is {hours_of(work)} h"
        yield Note("max_run", Match.NEAR, text)
    elif work.api == "v1":
        yield Note("max_run", Match.NONE, "the first generation knows no limit")
    elif work.spec.max_run % 3600:
        yield Note("max_run", Match.NEAR, f"in whole hours: {hours_of(work)} h")


def _environment_of_v1(work: Work) -> Iterator[Note]:
    if work.launched:
        yield Note("environment", Match.NEAR, "set by anyfit's launcher, for frameworks have no variables here")
    else:
        yield Note("environment", Match.NONE, "frameworks of the first generation have no variables")


def _version(work: Work) -> Iterator[Note]:
    if work.api == "v2":
        key = work.spec.key
        text = f"the second generation has no versions, so to ModelArts {key} is a job of its own, {name_of(key)}"
        yield Note("version_of", Match.NEAR, text)
    elif not work.options.pre_version_id:
        yield Note("version_of", Match.EXACT, "job and pre_version_id are those of the newest version when it is sent")


def _own_ways(work: Work) -> Iterator[Note]:
    spec = work.spec
    if work.api == "v1" and spec.image and spec.hyperparameters:
        yield Note("hyperparameters", Match.NEAR, "as environment variables, for the image is your own")
    if spec.arguments and not spec.image:
        yield Note("arguments", Match.NONE, "the platform passes hyperparameters only")
    if spec.distribution != "none":
        yield Note("distribution", Match.NONE, "how several nodes are started is the platform's and the script's own")
    if spec.convention != "modelarts" and spec.hyperparameters and not spec.image:
        yield Note("convention", Match.NEAR, "the platform itself passes --name=value")
