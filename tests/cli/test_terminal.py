"""What is different when a person looks: a live line, colours, tables as wide as the terminal."""

from __future__ import annotations

import io
import os
import pty
from pathlib import Path
from typing import Any

import pytest

from anyfit.console import Console
from terminal import on_terminal

SLOW = """
    import os, time
    print('hello', flush=True)
    while not os.path.exists(os.environ["GO"]):
        time.sleep(0.01)
    print('bye')
"""


@pytest.fixture
def go(cli: Any) -> Path:
    """SLOW goes on once this file exists."""
    cli.write("train.py", SLOW)
    cli.environ["GO"] = str(cli.folder / "go")
    return Path(cli.environ["GO"])


def test_live_line(cli: Any, go: Path) -> None:
    """While a job runs a line shows its phase, and is gone when the next line comes."""
    code, drawn = on_terminal(cli, "fit", "train.py", drawing={" train ": go})

    assert code == 0
    assert "\r\033[K⠋" in drawn or any(f"\r\033[K{spin} " in drawn for spin in "⠙⠹⠸⠼⠴⠦⠧⠇⠏")
    assert " train " in drawn
    assert "bye\r\n" in drawn


def test_ctrl_c_while_the_live_line_is_drawn() -> None:
    """The line is gone before it is said that the job goes on, whenever Ctrl-C comes."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:

        def flush_and_interrupt() -> None:
            io.TextIOWrapper.flush(terminal)
            raise KeyboardInterrupt

        console = Console(talk=terminal, live=True)
        with pytest.raises(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:
            patch.setattr(terminal, "flush", flush_and_interrupt)
            console.tick()
        console.detached("mine")
        drawn = b""
        while not drawn.endswith(b"\n"):
            drawn += os.read(ours, 65536)
    os.close(ours)

    assert b"\r\033[Kanyfit: detached; the job goes on." in drawn


@pytest.mark.parametrize("variable", ["CI", "NO_COLOR"])
def test_no_live_line(cli: Any, variable: str, go: Path) -> None:
    """CI and NO_COLOR get plain lines, also on a terminal."""
    code, drawn = on_terminal(cli, "fit", "train.py", environ={variable: "1"}, drawing={"hello": go})

    assert code == 0
    assert "\033" not in drawn


def test_tables_fit_the_terminal(cli: Any) -> None:
    """The last column gives way, and a status has a colour unless NO_COLOR is set."""
    cli.job("print('hello')", "--name", "good")

    _, wide = on_terminal(cli, "jobs")
    _, plain = on_terminal(cli, "jobs", environ={"NO_COLOR": "1"})
    _, narrow = on_terminal(cli, "config", "show", columns=50, environ={"ANYFIT_OUTPUT_PATH": "/a" * 60})

    assert "\033[32mSUCCEEDED\033[0m" in wide
    assert "SUCCEEDED" in plain
    assert "\033" not in plain
    assert "…" in narrow


def test_rm_asks(cli: Any) -> None:
    """On a terminal `rm` shows what would go and asks; anything but yes keeps it."""
    name = cli.job("print('hello')")

    kept, asked = on_terminal(cli, "rm", name, keys="n\n")
    still = cli("status", name).code
    gone, _ = on_terminal(cli, "rm", name, keys="y\n")

    assert "remove this for good? [y/N]" in asked
    assert (kept, still) == (130, 0)
    assert (gone, cli("status", name).code) == (0, 102)


def test_ctrl_c_on_the_terminal(cli: Any) -> None:
    """The key reaches the whole foreground group, and the job goes on all the same."""
    flag = cli.folder / "go"
    cli.write(
        "train.py",
        f"import os, time\nprint('begun', flush=True)\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.01)\n",
    )
    pid, ours = pty.fork()
    if pid == 0:
        os.chdir(cli.folder)
        os.execve(cli.command()[0], cli.command("fit", "train.py", "--name", "long"), cli.environ)
    drawn = b""
    while b"begun" not in drawn:
        drawn += os.read(ours, 65536)

    os.write(ours, b"\x03")
    _, status = os.waitpid(pid, 0)
    running = cli("status", "long", "--json").json()["status"]
    flag.touch()

    assert os.waitstatus_to_exitcode(status) == 101
    assert running == "RUNNING"
    assert cli("attach", "long").code == 0
    os.close(ours)
