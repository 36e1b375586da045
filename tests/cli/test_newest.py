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


@pytest.mark.parametrize("words", [["stop", ""], ["rm", "-y", ""], ["edit", "", "--description", "x"], ["status", ""]])
def test_an_empty_name_is_no_job(cli: Any, words: list[str]) -> None:
    """What a shell makes of a variable that is not set means no job, and the newest one least of all."""
    cli.job("print('kept')", "--name", "kept")

    done = cli(*words)

    assert done.code == 2
    assert done.err == "anyfit: error: job: expected a name or a reference, got ''\nhint: anyfit jobs lists them\n"
    assert [job["name"] for job in cli("jobs", "--json").json()] == ["kept"]


def test_of_several_jobs_each_is_stopped_that_can_be(cli: Any) -> None:
    """The others are told at the end, and the exit code is that of the first fault."""
    cli.write("train.py", "import time; time.sleep(600)")
    cli("fit", "train.py", "--no-wait", "--name", "one")
    cli("fit", "train.py", "--no-wait", "--name", "two")

    done = cli("stop", "nope", "one", "nape", "two")

    assert [line.split()[0] for line in done.out.splitlines()] == ["one", "two"]
    assert done.code == 102
    assert (
        "anyfit: error: 2 faults:\n  there is no job 'nope' " in done.err and "\n  there is no job 'nape' " in done.err
    )
    for name in ("one", "two"):
        assert cli("attach", name).code == 103


def test_of_several_jobs_each_is_removed_that_can_be(cli: Any) -> None:
    """As of several places; programs are told of each."""
    cli.job("print('gone')", "--name", "one")
    cli.job("print('gone')", "--name", "two")

    done = cli("rm", "-y", "nope", "one")
    told = cli("rm", "-y", "two", "nope", "--json")

    assert (done.code, done.out) == (102, "")
    assert done.err.startswith("anyfit: removed one\nanyfit: error: there is no job 'nope'")
    assert told.code == 102
    assert "two" in told.json()[0]["removed"][0]
    assert (told.json()[1]["name"], told.json()[1]["error"]) == ("nope", "NotFound")
    assert cli("rm", "-y", "nope", "--json").json()["error"] == "NotFound"
    assert cli("jobs", "--json").json() == []
