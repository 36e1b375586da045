"""How long the command line takes, each beside bare Python, in one run.

    python benchmarks/cli_startup.py [ROUNDS]

Medians of interleaved rounds, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from anyfit.journal import Journal

FINISHED = 1000
BARE = [sys.executable, "-c", "pass"]
ANYFIT = [sys.executable, "-c", "import sys; from anyfit.cli import main; sys.exit(main())"]  # as the script `anyfit`


def fill(home: Path) -> None:
    """A journal with many finished jobs."""
    journal = Journal(home)
    journal.jobs()
    journal.close()
    text = "{" + " " * 3000 + "}"  # about as long as a real plan
    rows = [
        ("local", f"job-{n}", f"job-{n}", "", f"local://localhost/job-{n}", "", "SUCCEEDED", text, text)
        for n in range(FINISHED)
    ]
    with sqlite3.connect(home / "journal.sqlite3") as db:
        db.executemany(
            "INSERT INTO jobs (backend, key, name, profile, ref, owner, status, spec, plan, created_at, ended_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '2026-11-20T10:00:00+00:00', '2026-11-20T10:01:00+00:00')",
            rows,
        )


def seconds(command: list[str], environ: dict[str, str], folder: Path) -> float:
    """How long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, env=environ, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print medians beside their goals."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        fill(folder / "home")
        script = folder / "hello.py"
        script.write_text("print('hello')\n")
        commands = {
            "python -c pass": BARE,
            "import anyfit": [sys.executable, "-c", "import anyfit"],
            "anyfit --help": [*ANYFIT, "--help"],
            "anyfit jobs": [*ANYFIT, "jobs"],
            "anyfit jobs --all": [*ANYFIT, "jobs", "--all"],
            "python hello.py": [sys.executable, str(script)],
            "anyfit fit hello.py": [*ANYFIT, "fit", str(script)],
        }
        homes = {name: str(folder / ("fits" if " fit " in name else "home")) for name in commands}
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                taken[name].append(seconds(command, {**os.environ, "ANYFIT_HOME": homes[name]}, folder))
    report({name: statistics.median(each) * 1000 for name, each in taken.items()})


def report(medians: dict[str, float]) -> None:
    """Print the table and what was promised."""
    bare, help_text = medians["python -c pass"], medians["anyfit --help"]
    for name, median in medians.items():
        print(f"{name:<22} {median:7.1f} ms  {median / bare:5.2f} x python -c pass")
    promises = [
        ("import anyfit adds", medians["import anyfit"] - bare, 40, "ms"),
        ("anyfit --help", help_text / bare, 2.5, "x python -c pass"),
        (f"anyfit jobs, {FINISHED} finished", medians["anyfit jobs"] / help_text, 2.5, "x anyfit --help"),
        ("hello world, shell to prompt", medians["anyfit fit hello.py"], 500, "ms"),
    ]
    print()
    for name, found, most, unit in promises:
        print(f"{'ok  ' if found <= most else 'OVER'} {name}: {found:.2f} {unit} (at most {most:g})")


if __name__ == "__main__":
    main()
