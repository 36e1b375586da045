"""Serving a model, and telling how that went."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping
    from typing import Any

    from anyfit.estimator import Estimator

__all__ = ["deploy"]


def deploy(estimator: Estimator, arguments: Mapping[str, Any], args: Namespace, *, wait: bool = True) -> int:
    """Deploy the estimator's latest job."""
    from anyfit.show import seconds_text

    say(args, f"deploying the model of {estimator.latest_job.spec.key if estimator.latest_job else 'the job'}")
    began = time.monotonic()
    predictor = estimator.deploy(**{**arguments, "wait": wait})
    state = predictor.info()
    if args.json:
        print_json(predictor.to_json())
        return 0
    took = seconds_text(time.monotonic() - began)
    say(args, f"endpoint {predictor.name} is {state.status.value} after {took}{f': {state.url}' if state.url else ''}")
    print(predictor.name)
    say(args, f"next: anyfit predict {predictor.name} --data JSON")
    return 0
