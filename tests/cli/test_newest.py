"""Commands that look at a job take the newest one when none is named; those that end or remove jobs do not."""

from __future__ import annotations

from typing import Any

import pytest


def test_the_newest_job_is_meant_where_none_is_named(cli: Any) -> None:
    """After two jobs, `status` and `logs` alone are about the second."""
    cli.job("print('first')")
    second = cli.job("print('second')")

    assert cli("logs").out == "second\n"
    assert cli("status", "--json").json()["name"] == second


def test_the_newest_job_of_the_backend_that_is_named(cli: Any) -> None:
    """With `-b` the newest of that backend is meant, and no job of another."""
    name = cli.job("print('mine')")

    assert cli("status", "-b", "local", "--json").json()["name"] == name
    done = cli("status", "-b", "modelmaker")
    assert done.code == 102 and "there is no job yet on modelmaker" in done.err


@pytest.mark.parametrize("command", ["status", "logs", "metrics", "attach", "deploy", "download"])
def test_there_is_no_newest_job_before_the_first(cli: Any, command: str) -> None:
    """Without any job the answer is what to do first."""
    done = cli(command)

    assert done.code == 102
    assert "there is no job yet" in done.err and "anyfit init" in done.err


@pytest.mark.parametrize("command", ["stop", "rm"])
def test_what_ends_or_removes_wants_a_name(cli: Any, command: str) -> None:
    """Nothing is stopped or removed by leaving out its name."""
    cli.job("print('kept')")

    assert cli(command).code == 2
