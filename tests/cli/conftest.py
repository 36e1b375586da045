"""The command line as a process, with a home and a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from attrs import frozen

from anyfit.journal import Journal

_SECONDS = 60


@frozen
class Done:
    """A process that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed on stdout, as the one JSON document that it has to be."""
        return json.loads(self.out)


class Cli:
    """Runs `anyfit` in a folder.

    Attributes:
        folder: Where it runs.
        environ: Its environment; anyfit's home is out of reach of the machine's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("ANYFIT_", "LC_", "LANG"))}
        self.environ = {
            **kept,
            "ANYFIT_HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "LANG": "C.UTF-8",
        }

    def __call__(self, *words: str, stdin: str = "") -> Done:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Run a command beside the test."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, *words: str) -> list[str]:
        """The command line of a command."""
        return [sys.executable, "-m", "anyfit", *words]

    def write(self, name: str, text: str) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def job(self, script: str, *words: str) -> str:
        """Run a script to its end, whatever that is; answers the job's name."""
        self.write("train.py", script)
        name = self("fit", "train.py", "--no-wait", "--quiet", *words).out.strip()
        self("attach", name, "--quiet")
        return name

    def close(self) -> None:
        """End what still runs."""
        home = Path(self.environ["ANYFIT_HOME"])
        if not (home / "journal.sqlite3").exists():
            return
        (self.folder / "anyfit.toml").unlink(missing_ok=True)
        journal = Journal(home)
        running = [row.ref for row in journal.jobs(unfinished=True) if row.ref]
        endpoints = [row.ref for row in journal.endpoints() if row.ref]
        journal.close()
        if running:
            self("rm", "-y", *running)
        for ref in endpoints:
            self("endpoints", "delete", ref)


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The command line in a fresh folder with a fresh home; nothing it started is left behind."""
    made = Cli(tmp_path)
    yield made
    made.close()
