"""With the times of each phase, and for a finished job its metrics and its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import facts, local_time, print_json, say
from anyfit.cli.parser import add_backend, add_job, add_json, add_quiet, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.job import Job


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit status` takes."""
    add_job(parser)
    parser.add_argument("--plan", action="store_true", help="show what was sent for it instead")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Show a job."""
    from anyfit.job import find_job
    from anyfit.outcome import outcome_record, result_facts

    session = open_session(args)
    for sentence in session.reconcile():
        say(args, sentence)
    job = find_job(session, args.job)
    if args.plan:
        _print_plan(job, args)
    elif args.json:
        print_json(outcome_record(job))
    else:
        results = result_facts(job)
        _print(job, results)
        say(args, f"next: {_next(job, has_model=bool(dict(results)['model']))}")
    return 0


def _print(job: Job, results: list[tuple[str, str]]) -> None:
    from anyfit.outcome import phase_lines

    state = job.state
    native = f" ({state.native})" if state.native not in ("", state.status.value) else ""
    facts(
        [
            ("job", job.spec.key),
            ("reference", str(job.ref)),
            ("about", job.spec.description),
            ("status", f"{state.status.value}{native}"),
            ("reason", state.reason),
            ("exit code", "" if state.exit_code is None else str(state.exit_code)),
            ("created", local_time(state.created_at)),
            ("started", local_time(state.started_at)),
            ("ended", local_time(state.ended_at)),
            ("phases", ", ".join(phase_lines(state))),
            *results,
        ]
    )


def _print_plan(job: Job, args: Namespace) -> None:
    plan = job.explain()
    if args.json:
        print_json(plan)
    else:
        print(plan)


def _next(job: Job, *, has_model: bool) -> str:
    from anyfit.backend import Status

    command = {Status.SUCCEEDED: "deploy" if has_model else "logs", Status.FAILED: "attach", Status.STOPPED: "rerun"}
    return f"anyfit {command.get(job.state.status, 'attach')} {job.spec.key}"
