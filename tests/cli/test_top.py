"""What `anyfit` says without running a command."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import anyfit.cli
from anyfit.cli.parser import Parser
from anyfit.cli.table import COMMANDS, EXIT_CODES
from anyfit.errors import AnyfitError
from anyfit.failure.commands import COMMANDS as NEXT_COMMANDS


def test_help_names_every_command_and_exit_code(cli: Any) -> None:
    """`anyfit --help` is complete, and goes to stdout."""
    done = cli("--help")

    assert done.code == 0
    assert all(re.search(rf"(?m)^  {name} ", done.out) for name in COMMANDS)
    assert all(re.search(rf"(?m)^ +{code}  ", done.out) for code in EXIT_CODES)


def test_nothing_to_do(cli: Any) -> None:
    """Without a command the help goes to stderr, and that is a usage error."""
    done = cli()

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("usage: anyfit COMMAND")


def test_version(cli: Any) -> None:
    """The version can be asked for in three ways."""
    import anyfit

    assert {cli(word).out for word in ("version", "--version", "-V")} == {f"anyfit {anyfit.__version__}\n"}
    assert cli("version", "--json").json()["anyfit"] == anyfit.__version__


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["ftt"], "there is no command 'ftt'", "did you mean 'fit'?"),
        (
            ["delete", "x"],
            "there is no command 'delete'",
            "anyfit rm: remove jobs and what belongs to them, or objects of a store",
        ),
        (["list"], "there is no command 'list'", "anyfit jobs: list jobs, newest first"),
        (["nonsense"], "there is no command 'nonsense'", "anyfit --help lists them"),
        (["-b", "local", "jobs"], "'-b' before the command", "options come after it: anyfit COMMAND --option"),
        (["jobs", "--jsn"], "anyfit jobs does not take '--jsn'", "did you mean '--json'?"),
        (
            ["jobs", "-n", "many"],
            "argument -n: expected a whole number of 0 or more, got 'many'",
            "anyfit jobs --help shows what it takes",
        ),
        (["stop"], "the following arguments are required: JOB", "anyfit stop --help shows what it takes"),
    ],
)
def test_usage(cli: Any, words: list[str], message: str, hint: str) -> None:
    """What is misspelt is named, with what was meant, and with exit code 2."""
    done = cli(*words)

    assert (done.code, done.out) == (2, "")
    assert done.err == f"anyfit: error: {message}\nhint: {hint}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["endpoints", "logs", "-f", "nobody"],
        ["endpoints", "delete", "--models", "nobody"],
        ["models", "delete", "--all", "nobody"],
        ["stop", "nobody", "-q", "nothing"],
        ["rm", "nobody", "-y", "nothing"],
        ["stop", "--", "-nobody"],
    ],
)
def test_names_on_both_sides_of_options(cli: Any, words: list[str]) -> None:
    """It does not matter where an option stands, and behind `--` a name may look like one."""
    done = cli(*words)

    assert done.code == 102
    assert "nobody" in done.err and "does not take" not in done.err


def test_usage_as_json(cli: Any) -> None:
    """With --json an error is one object on stdout, and the exit code stays."""
    done = cli("attach", "nobody", "--json")

    assert (done.code, done.err) == (102, "")
    assert done.json()["error"] == "NotFound"
    assert "nobody" in done.json()["message"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`anyfit COMMAND --help` shows the command's line of the table."""
    with pytest.raises(SystemExit) as left:
        anyfit.cli.main([name, "--help"])

    assert left.value.code == 0
    assert COMMANDS[name][1:] in " ".join(capsys.readouterr().out.split())


def test_one_file_per_command() -> None:
    """The table and the files `cmd_<name>.py` agree."""
    files = {path.stem.removeprefix("cmd_") for path in Path(anyfit.cli.__file__).parent.glob("cmd_*.py")}

    assert files == {*COMMANDS, "complete"}


@pytest.mark.parametrize("text", [text for text in NEXT_COMMANDS.values() if text.startswith("anyfit ")])
def test_commands_that_reports_name(text: str) -> None:
    """Every next command of a failure report is one that the command line takes."""
    name, *words = text.split()[1:]
    module = import_module(f"anyfit.cli.cmd_{name}")
    parser = Parser(prog="anyfit")
    module.add_arguments(parser)

    assert parser.parse(words)


def test_exit_codes_of_errors() -> None:
    """Every error's exit code is in the table."""
    families = [AnyfitError]
    for family in families:
        families += family.__subclasses__()

    assert {family.exit_code for family in families} <= set(EXIT_CODES)


def test_a_fault_of_ours_keeps_its_traceback(cli: Any) -> None:
    """What is no error raised on purpose is not dressed up."""
    code = "import sys, anyfit.cli as c; c._run = lambda words: 1 / 0; sys.exit(c.main([]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def imported(cli: Any, *words: str) -> set[str]:
    """The modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *cli.command(*words)[1:]],
        env=cli.environ,
        cwd=cli.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"(?m)^import time:.*\| +(\S+)$", done.stderr))


def test_help_imports_next_to_nothing(cli: Any) -> None:
    """Help comes from a table: no argparse, no typing, no part of anyfit but the table."""
    found = imported(cli, "--help")

    assert not found & {"argparse", "typing", "re", "json", "attr", "pathlib"}
    assert {name for name in found if name.startswith("anyfit.")} <= {
        "anyfit.cli", "anyfit.cli.top", "anyfit.cli.table",
    }  # fmt: skip


def test_finished_jobs_are_listed_without_the_library(cli: Any) -> None:
    """`anyfit jobs` reads the journal alone as long as all jobs have ended."""
    cli.job("print('hello')")
    heavy = {"argparse", "attr", "cattrs", "pluggy", "difflib", "importlib.metadata", "typing", "pathlib", "subprocess"}

    assert not imported(cli, "jobs") & heavy


@pytest.mark.parametrize("what", ["commands", "exit codes"])
def test_documented(what: str) -> None:
    """docs/cli.md has every command and every exit code."""
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    wanted = [f"anyfit {name}" for name in COMMANDS] if what == "commands" else [f"| {c} |" for c in EXIT_CODES]

    assert [each for each in wanted if each not in text] == []
