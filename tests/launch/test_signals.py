"""Signals reach the script, and what it makes of them is the end of the job."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Start = Callable[..., "subprocess.Popen[str]"]

HANDLER = """
import signal, sys, time
def handle(number, frame):
    print("got", number, flush=True)
    sys.exit(42)
signal.signal(signal.%s, handle)
print("ready", flush=True)
while True:
    time.sleep(0.05)  # not signal.pause(), which may begin just after the signal and then waits for another one
"""
PLAIN = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(0.05)"


def ready(process: subprocess.Popen[str], count: int = 1) -> subprocess.Popen[str]:
    assert process.stdout is not None
    for _ in range(count):
        assert process.stdout.readline() == "ready\n"
    return process


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    return process.communicate(timeout=60)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1", "SIGHUP"])
def test_a_signal_is_passed_on_once(start: Start, name: str) -> None:
    """The script's handler runs, and its exit code counts."""
    process = ready(start(HANDLER % name))

    process.send_signal(signal.Signals[name])

    assert end(process) == (f"got {signal.Signals[name]:d}\n", "")
    assert process.returncode == 42


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1", "SIGHUP"])
def test_a_script_without_handler_dies_of_it_and_so_does_the_launcher(start: Start, name: str) -> None:
    """Python's own SIGINT comes out as SIGINT too, after the script's KeyboardInterrupt."""
    process = ready(start(PLAIN))

    process.send_signal(signal.Signals[name])
    _, talk = end(process)

    assert process.returncode == -signal.Signals[name]
    assert ("KeyboardInterrupt" in talk) is (name == "SIGINT")


def test_signals_work_in_every_python(start: Start, interpreter: str) -> None:
    """Passed on, and died of."""
    handled = ready(start(HANDLER % "SIGTERM", python=interpreter))
    plain = ready(start(PLAIN, python=interpreter))

    for process in (handled, plain):
        process.send_signal(signal.SIGTERM)
        end(process)

    assert (handled.returncode, plain.returncode) == (42, -signal.SIGTERM)


def test_a_script_may_go_on_after_a_signal(start: Start, tmp_path: Path) -> None:
    """A notice such as SIGUSR1 need not be the end."""
    source = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
print("saved")
"""
    process = ready(start(source))

    process.send_signal(signal.SIGUSR1)

    assert end(process) == ("saved\n", "")
    assert process.returncode == 0
    assert (tmp_path / "output" / "success").exists()


def test_the_script_starts_with_ordinary_signals(start: Start) -> None:
    """Nothing is blocked, and a closed pipe is SIGPIPE for programs that are not Python."""
    source = """
import signal, subprocess, sys
print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
"""
    probe = "grep SigIgn /proc/self/status"
    process = start(source)
    assert end(process)[0] == "[]\n"

    if Path("/proc/self/status").exists():
        ignored = int(end(start(command=["sh", "-c", probe]))[0].split()[1], 16)
        assert not ignored & (1 << (signal.SIGPIPE - 1))


def test_a_signal_while_pip_runs_ends_the_job(start: Start, code: Path) -> None:
    """The script is not started after a stop; pip dies of the signal."""
    (code / "requirements.txt").write_text("")
    (code / "pip.py").write_text(PLAIN)
    process = ready(start("print('ran')", install_requirements=True))

    process.send_signal(signal.SIGTERM)
    output, talk = end(process)

    assert "ran" not in output
    assert process.returncode == -signal.SIGTERM
    assert "Traceback" not in talk


def test_orphans_are_collected_and_do_not_confuse(start: Start) -> None:
    """A grandchild that outlives the script does not keep the launcher."""
    source = """
import subprocess
nowhere = subprocess.DEVNULL
print(subprocess.Popen(["sleep", "60"], stdout=nowhere, stderr=nowhere, start_new_session=True).pid)
"""
    process = start(source)

    os.kill(int(end(process)[0]), signal.SIGKILL)
    assert process.returncode == 0


def test_a_script_is_told_to_end_when_its_time_is_over(start: Start) -> None:
    """It may save what it has, and however it ends, the launcher tells why."""
    handler = f"trap 'echo got {signal.SIGTERM:d}; exit 42' TERM; echo ready; while true; do sleep 0.05; done"
    process = start(command=["sh", "-c", handler], max_run=1)  # which is ready sooner than a Python

    talk = end(process)

    assert talk == (
        f"ready\ngot {signal.SIGTERM:d}\n",
        "anyfit: max_run is over: the script has run for 1 s and is told to end\n",
    )
    assert process.returncode == 77


def test_a_script_that_will_not_end_is_killed(start: Start) -> None:
    """After the grace it is over, whatever the script thinks of it."""
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"
    process = start(deaf, max_run=1, environ={"ANYFIT_GRACE_SECONDS": "1"})

    end(process)

    assert process.returncode == 77


def test_a_script_that_ends_in_time(start: Start) -> None:
    """Keeps its own exit code."""
    process = start("raise SystemExit(3)", max_run=600)

    assert end(process) == ("", "")
    assert process.returncode == 3
