"""Serving a model, and telling how that went."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping
    from typing import Any

    from anyfit.estimator import Estimator
    from anyfit.predictor import Predictor

__all__ = ["deploy", "told"]


def deploy(estimator: Estimator, arguments: Mapping[str, Any], args: Namespace, *, wait: bool = True) -> int:
    """Deploy the estimator's latest job."""
    job = estimator.latest_job
    what = f"the model of {job.spec.key if job else 'the job'}"
    return told(what, args, lambda: estimator.deploy(**{**arguments, "wait": wait}))


def told(what: str, args: Namespace, make: Callable[[], Predictor]) -> int:
    """Deploy, and tell how that went."""
    from anyfit.show import seconds_text

    say(args, f"deploying {what}")
    began = time.monotonic()
    try:
        predictor = make()
    except KeyboardInterrupt:
        say(args, "interrupted; an endpoint that was asked for goes on, and may cost: anyfit endpoints lists it")
        raise
    state = predictor.info()
    if args.json:
        print_json(predictor.to_json())
        return 0
    took = seconds_text(time.monotonic() - began)
    say(args, f"endpoint {predictor.name} is {state.status.value} after {took}{f': {state.url}' if state.url else ''}")
    print(predictor.name)
    say(args, f"next: anyfit predict {predictor.name} --data JSON")
    return 0
